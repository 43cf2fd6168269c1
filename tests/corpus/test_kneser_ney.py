"""Kneser-Ney estimates: two texts worked by hand, and what must hold for any text."""

import itertools
from fractions import Fraction
from math import log10
from pathlib import Path

import numpy as np
import pytest

from xlmr_lab.corpus import kneser_ney
from xlmr_lab.corpus.kneser_ney import FALLBACK_DISCOUNTS, discounts_of, estimate
from xlmr_lab.corpus.language_model import LanguageModel, Vocabulary

UNK, BOS, EOS, A, B, C = range(6)
TOY = Vocabulary(size=6, bos=BOS, eos=EOS)
TEXTS = [[A, B, A], [A, B, C]]


def flat(texts: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Return texts one after the other, and their lengths."""
    ids = list(itertools.chain.from_iterable(texts))
    return np.array(ids, dtype=np.int64), np.array(list(map(len, texts)))


def toy(*min_counts: int) -> LanguageModel:
    return estimate(*flat(TEXTS), vocabulary=TOY, min_counts=min_counts)


def log10_of(model: LanguageModel, history: tuple[int, ...], word: int) -> float:
    """Return log10 P(word | history) by the definition of back-off, one n-gram at a time."""
    if not history:
        return float(model.unigrams["log10_probability"][word])
    history = history[-len(model.tables) :]
    context = history[0]
    for table, next_word in zip(model.tables, history[1:], strict=False):
        (context,) = table.find(np.array([context]), np.array([next_word]))
        if context < 0:
            return log10_of(model, history[1:], word)
    (slot,) = model.tables[len(history) - 1].find(np.array([context]), np.array([word]))
    if slot >= 0:
        return float(model.tables[len(history) - 1].log10_probability[slot])
    below = model.tables[len(history) - 2].log10_backoff if len(history) > 1 else None
    backoff = model.unigrams["log10_backoff"] if below is None else below
    return float(backoff[context]) + log10_of(model, history[1:], word)


def test_unigrams_count_the_words_before_them() -> None:
    # Before a stand <s> and b, before b only a, before c only b, before </s> a and c; total 6.
    # No count is 3, so the discounts are 0.5 and 1; they leave 3/6, a tenth to each of five words.
    expected = {UNK: "1/10", A: "4/15", B: "11/60", C: "11/60", EOS: "4/15"}
    for model in (toy(1, 1), toy(1, 1, 1)):
        logs = model.unigrams["log10_probability"]
        for word, probability in expected.items():
            assert logs[word] == pytest.approx(log10(Fraction(probability)), abs=1e-6)
        assert logs[BOS] == -99


def test_the_highest_order_counts_occurrences() -> None:
    model = toy(1, 1)
    expected = {
        (BOS, A): Fraction(1, 2) + Fraction(1, 2) * Fraction(4, 15),  # (2 - 1)/2
        (A, B): Fraction(1, 3) + Fraction(1, 2) * Fraction(11, 60),  # (2 - 1)/3
        (A, EOS): Fraction(1, 6) + Fraction(1, 2) * Fraction(4, 15),  # (1 - 0.5)/3
        (B, A): Fraction(1, 4) + Fraction(1, 2) * Fraction(4, 15),
        (B, C): Fraction(1, 4) + Fraction(1, 2) * Fraction(11, 60),
        (C, EOS): Fraction(1, 2) + Fraction(1, 2) * Fraction(4, 15),
        (BOS, C): Fraction(1, 2) * Fraction(11, 60),  # not seen: the back-off alone
        (A, UNK): Fraction(1, 2) * Fraction(1, 10),
        (UNK, A): Fraction(4, 15),  # a context not seen leaves everything to the unigrams
    }
    for (context, word), probability in expected.items():
        assert log10_of(model, (context,), word) == pytest.approx(log10(probability), abs=1e-6)
    scores = model.score(*flat([[A, B, A], [], [C]]))
    texts = [[(BOS, A), (A, B), (B, A), (A, EOS)], [(BOS, EOS)], [(BOS, C), (C, EOS)]]
    expected[BOS, EOS] = Fraction(1, 2) * Fraction(4, 15)
    for score, pairs in zip(scores, texts, strict=True):
        assert score == pytest.approx(sum(log10(expected[pair]) for pair in pairs), abs=1e-6)


def test_middle_orders_count_words_before_but_occurrences_after_the_beginning() -> None:
    model = toy(1, 1, 1)
    bigrams = {
        (BOS, A): Fraction(1, 2) + Fraction(1, 2) * Fraction(4, 15),  # occurs twice, not once
        (A, B): Fraction(1, 4) + Fraction(1, 2) * Fraction(11, 60),  # only <s> stands before it
    }
    for (context, word), probability in bigrams.items():
        assert log10_of(model, (context,), word) == pytest.approx(log10(probability), abs=1e-6)
    trigram = Fraction(1, 2) + Fraction(1, 2) * bigrams[A, B]
    assert log10_of(model, (BOS, A), B) == pytest.approx(log10(trigram), abs=1e-6)


def test_discounts_come_from_the_counts_of_counts() -> None:
    counts = np.array([1] * 8 + [2] * 4 + [3] * 2 + [4] + [9])
    once = 8 / (8 + 2 * 4)
    expected = (1 - 2 * once * 4 / 8, 2 - 3 * once * 2 / 4, 3 - 4 * once * 1 / 2)
    assert discounts_of(counts) == pytest.approx(expected)
    assert discounts_of(np.append(counts, [0, 0])) == pytest.approx(expected)
    for counts in ([1, 1, 1], [1] * 10 + [2] + [3] * 5, []):
        assert discounts_of(np.array(counts, dtype=np.int64)) == FALLBACK_DISCOUNTS


def zipf_texts(num_texts: int, size: int, seed: int) -> list[list[int]]:
    """Return texts of ids from 3, of which the small ones are frequent and words follow words."""
    rng = np.random.default_rng(seed)
    ranks = rng.zipf(1.3, size=num_texts * 12) % (size - 3)
    follows = np.cumsum(ranks) % 7
    ids = (ranks * 3 + follows) % (size - 3) + 3
    return [ids[12 * i : 12 * i + int(rng.integers(0, 12))].tolist() for i in range(num_texts)]


@pytest.mark.parametrize("min_counts", [(1, 1, 1, 1, 1), (1, 1, 1, 2, 2), (1, 2, 3), (1,)])
def test_probabilities_sum_to_one_after_any_words(min_counts: tuple[int, ...]) -> None:
    texts = zipf_texts(300, 40, seed=1)
    vocabulary = Vocabulary(size=40, bos=BOS, eos=EOS)
    model = estimate(*flat(texts), vocabulary=vocabulary, min_counts=min_counts)
    rng = np.random.default_rng(2)
    seen = [(BOS, *text)[: int(rng.integers(1, 6))] for text in texts[:15]]
    unseen = [tuple(rng.integers(3, 40, size=4).tolist()) for _ in range(5)]
    for history in [*seen, *unseen, (UNK,), (BOS,), ()]:
        words = [word for word in range(40) if word != BOS]
        total = sum(10 ** log10_of(model, history if model.tables else (), w) for w in words)
        assert total == pytest.approx(1, abs=1e-5), history


def test_a_score_is_the_sum_of_its_conditionals() -> None:
    texts = zipf_texts(200, 30, seed=3)
    vocabulary = Vocabulary(size=30, bos=BOS, eos=EOS)
    model = estimate(*flat(texts), vocabulary=vocabulary, min_counts=(1, 1, 1, 2))
    others = [*texts[:10], *zipf_texts(10, 30, seed=4), [UNK, UNK], []]
    for text, score in zip(others, model.score(*flat(others)), strict=True):
        words = (BOS, *text, EOS)
        logs = [log10_of(model, words[:i], words[i]) for i in range(1, len(words))]
        assert score == pytest.approx(sum(logs), abs=1e-5)


def test_seldom_seen_ngrams_are_left_out() -> None:
    counts = [
        [int((table.slots["log10_probability"] != 0).sum()) for table in toy(*least).tables]
        for least in [(1, 1, 1), (1, 1, 2), (1, 2, 2)]
    ]
    # Only "<s> a" and "a b" occur twice, and the trigram of both.
    assert counts == [[6, 5], [6, 1], [2, 1]]


def test_no_ngram_reaches_over_the_end_of_a_text() -> None:
    model = estimate(*flat([[A], [B]]), vocabulary=TOY, min_counts=(1, 1, 1))
    (slot,) = model.tables[0].find(np.array([A]), np.array([B]))
    assert slot == -1
    (slot,) = model.tables[0].find(np.array([EOS]), np.array([BOS]))
    assert slot == -1


def test_the_same_text_gives_the_same_bytes(tmp_path: Path) -> None:
    texts = zipf_texts(100, 30, seed=5)
    vocabulary = Vocabulary(size=30, bos=BOS, eos=EOS)
    for name in "ab":
        (tmp_path / name).mkdir()
        estimate(*flat(texts), vocabulary=vocabulary, min_counts=(1, 1, 2)).save(tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert len(files) == 4
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_counts_that_fall_are_refused() -> None:
    with pytest.raises(AssertionError):
        kneser_ney.estimate(*flat(TEXTS), vocabulary=TOY, min_counts=(1, 2, 1))
