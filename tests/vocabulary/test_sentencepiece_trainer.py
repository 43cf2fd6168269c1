"""SentencePiece's options and what it makes of unusual text.

Run with: pytest tests/vocabulary/test_sentencepiece_trainer.py
"""

from collections.abc import Iterator

import numpy as np
import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary import sentencepiece_trainer as trainer
from xlmr_lab.vocabulary.settings import VocabularyConfig
from xlmr_lab.vocabulary.special_tokens import UNK_ID
from xlmr_lab.vocabulary.tokenizer import Tokenizer

LETTERS = "abdefiklmnorsu"


def invent(seed: int) -> list[str]:
    """Return lines of ten of 300 random words."""
    rng = np.random.default_rng(seed)
    words = ["".join(rng.choice(list(LETTERS), rng.integers(2, 7))) for _ in range(300)]
    return [" ".join(words[i] for i in rng.integers(0, 300, 10)) for _ in range(500)]


LINES = invent(0)


def trained(lines: Iterator[str], letters: str = LETTERS, **settings) -> Tokenizer:
    config = VocabularyConfig(**{"size": 60, **settings})
    return Tokenizer(trainer.train(lines, trainer.options(config, letters, 1000)))


def test_seeds_are_ten_for_each_piece_up_to_a_million_and_three_at_least():
    seeds = [trainer.num_seeds(VocabularyConfig(size=size)) for size in (8002, 250_002, 512_002)]
    assert seeds == [80_020, 1_000_000, 1_536_006]
    assert trainer.num_seeds(VocabularyConfig(model="bpe")) == 0


def test_options_that_change_nothing_are_not_written():
    options = trainer.options(VocabularyConfig(), "ba", 1000)
    assert not {"byte_fallback", "train_extremely_large_corpus"} & set(options)
    assert options["required_chars"] == "ab"
    options = trainer.options(VocabularyConfig(model="bpe", byte_fallback=True), "ab", 3e9)
    assert options["byte_fallback"] is True
    assert not {"seed_sentencepiece_size", "train_extremely_large_corpus"} & set(options)


def test_a_text_beyond_32_bits_is_trained_with_larger_indices_to_the_same_pieces():
    config = VocabularyConfig(size=60)
    small, large = (trainer.options(config, LETTERS, number) for number in (2e9, 2.1e9))
    assert large == {**small, "train_extremely_large_corpus": True}
    models = [Tokenizer(trainer.train(iter(LINES), options)) for options in (small, large)]
    names = [model.names(range(model.size)) for model in models]
    assert names[0] == names[1]


@pytest.mark.parametrize("model", ["unigram", "bpe"])
@pytest.mark.parametrize("byte_fallback", [False, True])
def test_the_least_size_is_the_least_that_sentencepiece_takes(model, byte_fallback):
    config = VocabularyConfig(size=1000, model=model, byte_fallback=byte_fallback)
    least = trainer.least_size(trainer.options(config, LETTERS, 1000))
    settings = {"model": model, "byte_fallback": byte_fallback}
    assert trained(iter(LINES), size=least, **settings).size == least
    with pytest.raises(UserError, match=rf"too small for the characters.*={least} or more"):
        trained(iter(LINES), size=least - 1, **settings)


@pytest.mark.parametrize("model", ["unigram", "bpe"])
def test_a_size_that_the_text_does_not_support_names_the_largest(model):
    with pytest.raises(
        UserError, match=r"90000 is more than .* set vocabulary\.size=(\d+) or less"
    ) as refused:
        trained(iter(LINES), size=90_000, model=model)
    largest = int(str(refused.value).split("vocabulary.size=")[1].split()[0])
    assert trained(iter(LINES), size=largest, model=model).size == largest


def test_a_text_too_small_for_any_vocabulary_says_so():
    with pytest.raises(
        UserError, match=r"supports a vocabulary of \d ids, at least 10 .* add text"
    ):
        trained(iter(["a"]), "a", size=10)


@pytest.mark.parametrize("model", ["unigram", "bpe"])
def test_byte_fallback_spells_what_has_no_piece(model):
    snowman = "\u2603"
    plain = trained(iter(LINES), model=model)
    assert UNK_ID in plain.encode([snowman])[0]
    spelt = trained(iter(LINES), size=330, model=model, byte_fallback=True)
    assert spelt.pieces(snowman)[-3:] == ["<0xE2>", "<0x98>", "<0x83>"]
    assert UNK_ID not in spelt.encode([snowman])[0]
    assert spelt.decode(spelt.encode([snowman])[0]) == snowman


@pytest.mark.parametrize("space", ["\t", "\u2581", "\n", "\u2028"])
def test_odd_spaces_divide_words(space):
    tokenizer = trained(iter([*LINES, *[f"sam{space}sam"] * 40]))
    odd, plain = tokenizer.encode([f"sam{space}sam", "sam sam"])
    assert odd.tolist() == plain.tolist()
    assert UNK_ID not in plain


@pytest.mark.parametrize("kept", ["\0", "\u2585"])
def test_what_sentencepiece_keeps_for_itself_is_unknown_and_the_rest_of_the_line_counts(kept):
    tokenizer = trained(iter([*LINES, *[f"zoz{kept}zoz"] * 200]), LETTERS + "z")
    assert UNK_ID in tokenizer.encode([f"zoz{kept}zoz"])[0]
    assert len(tokenizer.pieces("zoz")) < len("\u2581zoz")


class BrokenDiskError(Exception):
    """An error of the text's source."""


@pytest.mark.parametrize("num_lines", [0, 5])
def test_an_error_of_the_source_comes_out_as_it_is(num_lines):
    def broken() -> Iterator[str]:
        yield from LINES[:num_lines]
        raise BrokenDiskError("no more")

    with pytest.raises(BrokenDiskError, match="no more"):
        trained(broken())


def test_any_other_complaint_is_left_as_it_is():
    options = trainer.options(VocabularyConfig(size=60), LETTERS, 1000)
    with pytest.raises(RuntimeError, match="character_coverage"):
        trainer.train(iter(LINES), {**options, "character_coverage": 2.0})
