"""The text of a vocabulary: paragraphs, budgets that keep the shares, what is drawn.

Run with: pytest tests/vocabulary/test_sample.py
"""

import hashlib
from collections import Counter

import numpy as np
import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary.sample import (
    LINE_CHARACTERS,
    MOST_PASSES,
    Sample,
    TextSize,
    batched,
    draw,
    paragraphs,
    prepared,
    size_bytes,
)
from xlmr_lab.vocabulary.settings import VocabularyConfig

SIZES = {
    "qaa": TextSize(num_bytes=1000, num_sentences=10),
    "qab": TextSize(num_bytes=100, num_sentences=4),
}
SHARES = {"qaa": 0.75, "qab": 0.25}


def test_paragraphs_lose_nothing_and_stay_short():
    text = "one\n\n  \n" + " ".join(["word"] * 700) + "\n" + "x" * 2500 + "\n"
    found = list(paragraphs(text))
    assert max(map(len, found)) <= LINE_CHARACTERS
    assert "".join(found) == "one" + " ".join(["word"] * 700) + "x" * 2500
    assert not any(line.startswith("ord") for line in found)


def test_preprocessing_comes_before_the_sample():
    texts = ["One, two.\n\nThree"]
    assert list(prepared(iter(texts), "en", "none")) == ["One, two.", "Three"]
    assert list(prepared(iter(texts), "qaa", "none")) == ["One, two.", "Three"]


def test_tokenized_text_is_cut_as_its_tokens_are_written():
    pytest.importorskip("sacremoses")
    assert list(prepared(iter(["One, two.\nThree"]), "en", "tokenized")) == ["One , two .", "Three"]
    commas = "a," * 400 + "b"
    found = list(prepared(iter([commas]), "en", "tokenized"))
    assert max(map(len, found)) <= LINE_CHARACTERS
    assert "".join(found).replace(" ", "") == commas


def test_batches_hold_every_line_once():
    assert list(batched(iter("abcde"), 2)) == [["a", "b"], ["c", "d"], ["e"]]


def test_lines_are_drawn_by_whole_passes_and_chance():
    lines = [f"line {i}" for i in range(10_000)]
    drawn = Counter(draw(lines, rate=2.25, rng=np.random.default_rng(0)))
    assert set(drawn.values()) == {2, 3}
    assert drawn.total() / len(lines) == pytest.approx(2.25, abs=0.02)
    kept = list(draw(lines, rate=0.1, rng=np.random.default_rng(0)))
    assert len(kept) / len(lines) == pytest.approx(0.1, abs=0.01)
    assert int(kept[0].split()[1]) < 100
    assert int(kept[-1].split()[1]) > 9_900  # spread over the text, not its head


def test_the_budget_in_bytes_is_the_size_of_the_sample():
    config = VocabularyConfig(sample_bytes=400)
    assert size_bytes(SIZES, SHARES, config) == 400


def test_the_budget_in_sentences_makes_the_sample_smaller_and_keeps_the_shares():
    # A byte holds 0.75 x 10 / 1000 + 0.25 x 4 / 100 = 0.0175 sentences.
    config = VocabularyConfig(sample_bytes=400, sample_sentences=5)
    assert size_bytes(SIZES, SHARES, config) == pytest.approx(5 / 0.0175)


def test_no_sample_repeats_all_of_its_text_many_times():
    # The larger language is read ten times in 10 x 1000 / 0.75 bytes.
    config = VocabularyConfig(sample_bytes=10**9)
    assert size_bytes(SIZES, SHARES, config) == pytest.approx(MOST_PASSES * 1000 / 0.75)


def read(passes: dict[str, float], seed: int) -> tuple[list[str], Sample]:
    texts = {
        "qaa": lambda: iter([f"a {i}\nb {i}" for i in range(50)]),
        "qab": lambda: iter(["\u10d0"]),  # GEORGIAN LETTER AN, three bytes
    }
    sample = Sample(texts, passes, "none", seed)
    return list(sample), sample


def test_a_sample_counts_what_it_hands_on():
    lines, sample = read({"qab": 3, "qaa": 0.5}, seed=1)
    assert lines[:3] == ["\u10d0"] * 3
    assert sample.drawn["qab"] == TextSize(num_bytes=9, num_sentences=3)
    assert sample.drawn["qaa"].num_sentences == len(lines) - 3
    text = "".join(line + "\n" for line in lines).encode()
    assert sample.record() == {
        "num_bytes": len(text) - len(lines),
        "num_sentences": len(lines),
        "sha256": hashlib.sha256(text).hexdigest(),
    }


def test_what_is_drawn_of_a_language_depends_on_the_seed_and_the_language_alone():
    alone, _ = read({"qaa": 0.5}, seed=1)
    beside, _ = read({"qab": 1, "qaa": 0.5}, seed=1)
    assert beside == ["\u10d0", *alone]
    other, _ = read({"qaa": 0.5}, seed=2)
    assert other != alone


def test_a_language_of_which_nothing_is_drawn_is_named():
    with pytest.raises(UserError, match=r"nothing of qaa .* raise vocabulary\.sample_bytes or"):
        read({"qab": 1, "qaa": 1e-9}, seed=1)
