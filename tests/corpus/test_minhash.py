"""MinHash: what a shingle is, what signatures estimate, and keys that never change."""

import itertools
import re
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest

from xlmr_lab.corpus import minhash
from xlmr_lab.corpus.minhash import (
    NO_KEY,
    NearDuplicateConfig,
    band_keys,
    probability,
    signatures,
    similarity,
)
from xlmr_lab.errors import UserError

DEFAULT = NearDuplicateConfig()
GOLDEN = [[7180168755793755133, 6210991152691796219], [7997726319500592225, 5936022003046334406]]
MANY = NearDuplicateConfig(bands=100, band_hashes=20)


def words(number: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    letters = np.array(list("abcdefghij"))[rng.integers(10, size=(number, 6))]
    return ["".join(word) for word in letters]


def exact(left: str, right: str, size: int = 5) -> float:
    """Return the Jaccard similarity of texts in lower case without punctuation."""
    sets = []
    for text in (left, right):
        tokens = text.split()
        sets.append({tuple(tokens[i : i + size]) for i in range(len(tokens) - size + 1)})
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def pairs(number: int, changed: int) -> tuple[pl.Series, np.ndarray]:
    """Return texts of 60 words, each before a copy with other words first, and similarities."""
    texts, truths = [], []
    for seed in range(number):
        base = words(60, seed)
        texts += [" ".join(base), " ".join(words(changed, 1000 + seed) + base[changed:])]
        truths.append(exact(*texts[-2:]))
    return pl.Series(texts), np.array(truths)


def same(texts: Sequence[str], config: NearDuplicateConfig = DEFAULT) -> bool:
    """Return whether all texts have one signature."""
    return len(np.unique(signatures(pl.Series(texts), config=config), axis=0)) == 1


@pytest.mark.parametrize(
    "texts",
    [
        ["One two, three FOUR five 12.", "one\ntwo three - four \u201cFive\u201d 99"],
        ["a b c", " A. B? c\u3002"],  # fewer words than a shingle has
        ["caf\u00e9 \u00c9t\u00e9", "CAF\u00c9 \u00e9t\u00e9"],
        ["\u4eca\u5929\u5929\u6c14\uff0c\u5f88\u597d", "\u4eca\u5929 \u5929\u6c14 \u5f88\u597d"],
        ["\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "\u0e2a\u0e27\u0e31 \u0e2a\u0e14\u0e35"],  # Thai
        [
            "\u0967\u0968 \u0915\u093f\u0924\u093e\u092c",
            "\u0969\u096a \u0915\u093f\u0924\u093e\u092c",
        ],
        ["", " ", "\u2014 \u2026 !?\n"],
    ],
)
def test_case_digits_and_punctuation_count_for_nothing(texts: list[str]) -> None:
    assert same(texts)


@pytest.mark.parametrize(
    "texts",
    [
        ["one two", "onetwo"],
        ["one two", "two one"],
        ["a b c d e f", "a b c d e f a b c d e"],  # the longer has four shingles more
        ["\u4eca\u5929", "\u5929\u4eca"],
        ["\u0e2a\u0e27\u0e31", "\u0e2a\u0e27"],  # a mark is part of its letter
        ["word", "word word"],
    ],
)
def test_words_and_their_order_count(texts: list[str]) -> None:
    assert not same(texts)


def test_repeating_shingles_changes_nothing() -> None:
    assert same(["a b c a b c a b", "a b c a b c a b c a b c a b"])


def test_a_script_without_spaces_has_shingles_of_characters() -> None:
    text = "\u4e00\u4e01\u4e02\u4e03\u4e04\u4e05"
    config = NearDuplicateConfig(shingle_words=1, shingle_characters=5)
    moved = text[1:] + text[0]
    shared = similarity(*signatures(pl.Series([text, moved]), config=config))
    assert 0.1 < shared < 0.6  # one of three shingles
    assert same([text, moved], NearDuplicateConfig(shingle_characters=1))
    mostly_words = "one two three \u4e00 \u4e01"
    assert same([mostly_words, "\u4e01 three \u4e00 one two"], config)


def test_signatures_estimate_the_jaccard_similarity() -> None:
    base = words(200, 1)
    for seed, changed in enumerate((0, 2, 10, 40, 120)):
        other = words(changed, 100 + seed) + base[changed:]
        texts = [" ".join(base), " ".join(other)]
        truth = exact(*texts)
        estimate = similarity(*signatures(pl.Series(texts), config=MANY))
        assert abs(estimate - truth) < 4 * np.sqrt(truth * (1 - truth) / 2000) + 1e-9


def test_values_of_a_signature_are_independent() -> None:
    """The spread of the estimate is that of so many draws."""
    texts, truths = pairs(200, 10)
    values = signatures(texts, config=DEFAULT)
    estimates = (values[::2] == values[1::2]).mean(axis=1)
    errors = estimates - truths
    expected = np.sqrt(truths[0] * (1 - truths[0]) / 112)
    assert abs(errors.mean()) < 4 * expected / np.sqrt(200)
    assert 0.8 < errors.std() / expected < 1.2


def test_candidates_are_as_frequent_as_the_formula_says() -> None:
    texts, truths = pairs(300, 8)
    keys = band_keys(texts, config=DEFAULT)
    found = (keys[:, ::2] == keys[:, 1::2]).any(axis=0).mean()
    expected = np.mean([probability(truth, DEFAULT) for truth in truths])
    assert abs(found - expected) < 4 * np.sqrt(expected * (1 - expected) / 300)


def test_keys_are_the_same_whatever_is_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [" ".join(words(number, number)) for number in range(0, 90, 7)]
    texts += ["\u4eca\u5929\u5929\u6c14" * 20, "", "x"]
    together = band_keys(pl.Series(texts), config=DEFAULT)
    assert together.shape == (14, len(texts))
    monkeypatch.setattr(minhash, "SLICE_BYTES", 100)
    assert (band_keys(pl.Series(texts), config=DEFAULT) == together).all()
    for number, text in enumerate(texts):
        alone = band_keys(pl.Series([text]), config=DEFAULT)
        assert (alone[:, 0] == together[:, number]).all()


def test_keys_never_change() -> None:
    config = NearDuplicateConfig(bands=2, band_hashes=2)
    texts = pl.Series(["The quick brown fox jumps over the lazy dog 12 times", "\u6f22\u5b57"])
    assert band_keys(texts, config=config).tolist() == GOLDEN


def test_a_document_without_words_has_no_key() -> None:
    keys = band_keys(pl.Series(["", "\u2026 !", "a"]), config=DEFAULT)
    assert (keys[:, :2] == NO_KEY).all()
    assert (keys[:, 2] != NO_KEY).all()
    assert band_keys(pl.Series([], dtype=pl.String), config=DEFAULT).shape == (14, 0)


def test_bands_differ() -> None:
    keys = band_keys(pl.Series([" ".join(words(50, 1))]), config=DEFAULT)
    assert len(set(keys[:, 0].tolist())) == 14


@pytest.mark.parametrize("name", ["shingle_words", "shingle_characters", "bands", "band_hashes"])
def test_settings_are_at_least_one(name: str) -> None:
    with pytest.raises(UserError, match=re.escape(f"near_duplicates.{name} must be at least 1")):
        NearDuplicateConfig(**{name: 0})


def test_a_huge_word_is_no_trouble() -> None:
    texts = pl.Series(["x" * 400_000, "x" * 400_001, "\u4e00" * 200_000])
    keys = band_keys(texts, config=DEFAULT)
    for left, right in itertools.combinations(range(3), 2):
        assert (keys[:, left] != keys[:, right]).all()
