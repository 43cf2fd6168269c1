"""The order of merges that Hugging Face needs to do as SentencePiece does.

Run with: pytest tests/vocabulary/test_merges.py
"""

import itertools
import random

import tokenizers

from xlmr_lab.vocabulary.merges import ranked


def test_better_pieces_come_first_with_every_pair_that_makes_them():
    scores = {"a": -9.0, "b": -9.0, "c": -9.0, "bc": -1.0, "ab": -2.0, "abc": -3.0}
    assert ranked(scores) == [("b", "c"), ("a", "b"), ("ab", "c"), ("a", "bc")]


def test_a_part_that_is_no_piece_makes_no_pair():
    assert ranked({"a": -9.0, "b": -9.0, "abb": -1.0}) == []


def test_the_library_makes_the_same_pieces_of_random_text_with_repeats():
    rng = random.Random(3)
    for _ in range(60):
        texts = ["".join(rng.choices("abc", k=rng.randrange(2, 6))) for _ in range(14)]
        scores = {text: -float(i) for i, text in enumerate(dict.fromkeys([*texts, "a", "b", "c"]))}
        vocab = {text: i for i, text in enumerate(scores)}
        model = tokenizers.models.BPE(vocab, ranked(scores))
        for _ in range(60):
            word = "".join(rng.choices("abc", weights=(5, 2, 1), k=rng.randrange(1, 14)))
            symbols = [token.value for token in model.tokenize(word)]
            assert symbols == cut(word, scores), (word, scores)


def cut(word: str, scores: dict[str, float]) -> list[str]:
    """Merge as SentencePiece does: the best pair, the first of equal ones."""
    symbols = list(word)
    while True:
        pairs = [a + b for a, b in itertools.pairwise(symbols)]
        known = [(-scores[pair], at) for at, pair in enumerate(pairs) if pair in scores]
        if not known:
            return symbols
        at = min(known)[1]
        symbols[at : at + 2] = [pairs[at]]
