"""Memory of a training: predicted by hand-worked sums, refused with a remedy that works, measured.

Run with: pytest tests/vocabulary/test_memory.py
"""

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary.memory import COSTS, FIXED_BYTES, SampledText, require
from xlmr_lab.vocabulary.sample import TextSize
from xlmr_lab.vocabulary.settings import VocabularyConfig
from xlmr_lab.vocabulary.text_counts import WORDS_CHARACTERS, TextCounts

GB = 10**9
COUNTS = TextCounts(
    size=TextSize(num_bytes=150_000_000, num_sentences=1_000_000),
    num_characters=100_000_000,
    new_words=0.25,
    characters={"a": 1},
    words_characters=1_000_000,
    num_words=36_000,
    growth=0.6,
)
TEXT = SampledText({"qaa": COUNTS}, {"qaa": 1.0})
CONFIG = VocabularyConfig(size=250_002)
LEAST = 60
"""Ids that the letters of the text need."""


def asked_for(
    config: VocabularyConfig, num_bytes: float = 150e6, *, available: int = 100 * GB, text=TEXT
) -> int:
    return require(text, config, num_bytes, least_size=LEAST, available=available)


def advised(
    config: VocabularyConfig, pattern: str, *, num_bytes: float = 150e6, text=TEXT
) -> list[int]:
    """Return the values of the settings that a refusal names."""
    with pytest.raises(UserError, match=pattern) as refused:
        asked_for(config, num_bytes, text=text)
    return [int(value) for value in re.search(pattern, str(refused.value)).groups()]


@pytest.mark.parametrize(
    ("model", "held"),
    [
        # Half of the text: 75 MB, half a million sentences, 50 million characters, a quarter of
        # them in distinct words.
        ("unigram", lambda c: 75e6 * c.text_byte + 5e5 * c.sentence + 5e7 * c.character),
        ("bpe", lambda c: 75e6 * c.text_byte + 5e5 * c.sentence),
        ("wordpiece", lambda c: 0),
    ],
)
def test_the_need_is_a_sum(model, held):
    costs, config = COSTS[model], dataclasses.replace(CONFIG, model=model)
    candidates = 1_000_000 if model == "unigram" else config.size
    fixed = FIXED_BYTES + costs.candidate * candidates
    expected = fixed + held(costs) + 1.25e7 * costs.distinct_character
    assert TEXT.need(config, 75e6) == pytest.approx(expected)


def test_words_of_a_repeated_text_are_held_once():
    config = dataclasses.replace(CONFIG, model="wordpiece")
    assert TEXT.need(config, 600e6) == TEXT.need(config, 150e6)
    assert TEXT.need(config, 75e6) < TEXT.need(config, 150e6)


def test_new_words_of_a_short_text_say_nothing_of_less_of_it():
    short = dataclasses.replace(COUNTS, num_characters=WORDS_CHARACTERS, new_words=0.5)
    assert short.distinct_characters(1.0) == WORDS_CHARACTERS / 2
    assert short.distinct_characters(0.6) == WORDS_CHARACTERS / 2
    assert short.distinct_characters(0.2) == WORDS_CHARACTERS / 5


def test_a_plan_within_its_memory_is_told_what_it_takes():
    assert asked_for(CONFIG, available=100 * GB) == TEXT.need(CONFIG, 150e6)


def test_a_text_supports_an_id_for_each_four_words():
    # 36,000 words in a hundredth of the text; a part of that has its share of them, and 100 times
    # as much text 100 ** 0.3 times the words.
    assert TEXT.num_ids(1_500_000) == 9000
    assert TEXT.num_ids(500_000) == 3000
    assert TEXT.num_ids(150e6) == TEXT.num_ids(900e6) == int(9000 * 100**0.3)


def test_the_least_sample_has_twenty_sentences_of_each_language_or_all_of_them():
    few = dataclasses.replace(COUNTS, size=TextSize(num_bytes=1500, num_sentences=10))
    assert TEXT.least_bytes() == pytest.approx(20 * 150)
    both = SampledText({"qaa": COUNTS, "qab": few}, {"qaa": 0.9, "qab": 0.1})
    assert both.least_bytes() == 15_000


@pytest.mark.parametrize("model", ["unigram", "bpe", "wordpiece"])
def test_a_sample_that_is_too_large_is_lowered_as_little_as_it_must(model):
    config = VocabularyConfig(size=20_000, model=model, memory_bytes=GB)
    (lowered,) = advised(
        config,
        r"needs about [\d.]+ [MG]B of memory, vocabulary\.memory_bytes allows 1\.0 GB; "
        r"set vocabulary\.sample_bytes=(\d+)$",
    )
    assert TEXT.need(config, lowered) <= GB < TEXT.need(config, 1.01 * lowered)


@pytest.mark.parametrize("model", ["unigram", "bpe", "wordpiece"])
@pytest.mark.parametrize("megabytes", [41, 60, 200, 1000])
def test_a_size_that_the_lowered_sample_does_not_support_is_lowered_with_it(model, megabytes):
    config = dataclasses.replace(CONFIG, model=model, memory_bytes=megabytes * 10**6)
    size, lowered = advised(config, r"; set vocabulary\.size=(\d+) vocabulary\.sample_bytes=(\d+)$")
    assert size <= max(LEAST, TEXT.num_ids(lowered))
    mended = dataclasses.replace(config, size=size)
    assert TEXT.need(mended, lowered) <= config.memory_bytes
    assert asked_for(mended, lowered) == TEXT.need(mended, lowered)


def test_where_the_whole_sample_fits_only_the_size_is_lowered():
    config = dataclasses.replace(CONFIG, memory_bytes=60_000_000)
    pattern = (
        r"; set vocabulary\.size=(\d+), which this text surely supports; up to (\d+) would fit"
    )
    size, most = advised(config, pattern, num_bytes=90_000)
    assert LEAST < size <= TEXT.num_ids(90_000) < most
    assert asked_for(dataclasses.replace(config, size=most), 90_000)


def test_of_a_large_least_sample_as_many_ids_as_fit_are_kept():
    rare = dataclasses.replace(
        COUNTS, size=TextSize(num_bytes=150, num_sentences=1), num_characters=100
    )
    text = SampledText({"qaa": COUNTS, "qab": rare}, {"qaa": 0.9999, "qab": 0.0001})
    config = dataclasses.replace(CONFIG, memory_bytes=95_000_000)
    size, num_bytes = advised(config, r"; set vocabulary\.size=(\d+) .*_bytes=(\d+)$", text=text)
    assert num_bytes == 1_500_000
    assert LEAST < size < text.num_ids(num_bytes)


def test_memory_that_holds_no_vocabulary_is_told_the_least_that_does():
    config = dataclasses.replace(CONFIG, memory_bytes=1000)
    memory_bytes, size, num_bytes = advised(
        config,
        r"; the least for this text is vocabulary\.memory_bytes=(\d+) vocabulary\.size=(\d+) "
        r"vocabulary\.sample_bytes=(\d+)$",
    )
    assert size == LEAST
    mended = dataclasses.replace(config, size=size, memory_bytes=memory_bytes)
    assert asked_for(mended, num_bytes) == memory_bytes


def test_a_machine_that_holds_no_vocabulary_is_told_so():
    with pytest.raises(UserError, match=r"the machine has 1 MB .* fits below \d\d MB; free some m"):
        asked_for(CONFIG, available=1_000_000)


def test_a_plan_above_what_the_machine_has_is_refused():
    with pytest.raises(UserError, match=r"the machine has 999 MB to give; set vocabulary\.size="):
        asked_for(CONFIG, available=999_999_999)


def test_text_beyond_32_bit_indices_takes_twice_as_much():
    per_byte = [TEXT.need(CONFIG, n) / n for n in (2.9e9, 3.1e9)]
    assert 1.8 < per_byte[1] / per_byte[0] < 2


@pytest.mark.slow
@pytest.mark.parametrize(("model", "megabytes"), [("unigram", 0.4), ("bpe", 1), ("wordpiece", 1)])
def test_no_training_takes_more_than_predicted(model, megabytes):
    """Of a text of words that hardly come again, and of one of few words."""
    script = Path(__file__).parents[1] / "benchmarks" / "vocabulary_memory.py"
    texts = ["--texts", "random,zipf", "--megabytes", str(megabytes), "--sizes", "2002"]
    done = subprocess.run(
        [sys.executable, str(script), "--models", model, *texts],
        check=True,
        capture_output=True,
        text=True,
    )
    rows = [line.split("|") for line in done.stdout.splitlines() if line.startswith(f"| {model}")]
    assert len(rows) == 2
    for row in rows:
        predicted, grew = (float(cell.replace(",", "")) for cell in row[6:8])
        assert 5 < grew <= predicted, row
