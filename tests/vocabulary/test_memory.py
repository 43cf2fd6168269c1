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
from xlmr_lab.vocabulary import memory
from xlmr_lab.vocabulary.memory import COSTS, FIXED_BYTES, SampledText, available_bytes, require
from xlmr_lab.vocabulary.sample import TextSize
from xlmr_lab.vocabulary.settings import VocabularyConfig
from xlmr_lab.vocabulary.text_counts import WORDS_CHARACTERS, TextCounts

GB = 10**9
COUNTS = TextCounts(
    size=TextSize(num_bytes=150_000_000, num_sentences=1_000_000),
    num_characters=100_000_000,
    new_words=0.25,
    characters={"a": 1},
)
TEXT = SampledText({"qaa": COUNTS}, {"qaa": 1.0})
CONFIG = VocabularyConfig(size=250_002)


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
    assert require(TEXT, CONFIG, 75e6, available=100 * GB) == TEXT.need(CONFIG, 75e6)


@pytest.mark.parametrize("model", ["unigram", "bpe", "wordpiece"])
def test_a_plan_above_memory_bytes_is_refused_and_the_remedy_fits(model):
    config = dataclasses.replace(CONFIG, model=model, memory_bytes=1 * GB)
    pattern = (
        r"needs about [\d.]+ [MG]B of memory, vocabulary\.memory_bytes allows 1\.0 GB; "
        r"set vocabulary\.sample_bytes to ([\d,]+) or less$"
    )
    with pytest.raises(UserError, match=pattern) as refused:
        require(TEXT, config, 150e6, available=100 * GB)
    (lowered,) = re.search(pattern, str(refused.value)).groups()
    lowered = int(lowered.replace(",", ""))
    assert require(TEXT, config, lowered, available=100 * GB) <= 1 * GB
    assert TEXT.need(config, 1.01 * lowered) > 1 * GB


def test_a_plan_above_what_the_machine_has_is_refused():
    with pytest.raises(UserError, match=r"the machine has 999 MB to give; set vocabulary\.sample"):
        require(TEXT, CONFIG, 150e6, available=999_999_999)


def test_a_vocabulary_too_large_for_any_text_is_told_its_size():
    config = dataclasses.replace(CONFIG, memory_bytes=200_000_000)
    with pytest.raises(UserError, match=r"set vocabulary\.size to (\d+) or less") as refused:
        require(TEXT, config, 150e6, available=GB)
    smaller = dataclasses.replace(
        config, size=int(re.findall(r"size to (\d+)", str(refused.value))[0])
    )
    with pytest.raises(UserError, match=r"set vocabulary\.sample_bytes"):
        require(TEXT, smaller, 150e6, available=GB)


def test_memory_that_holds_no_vocabulary_is_told_the_least():
    config = dataclasses.replace(CONFIG, memory_bytes=1000)
    with pytest.raises(UserError, match=r"no vocabulary fits; give it \d\d MB at least"):
        require(TEXT, config, 150e6, available=GB)


def test_text_beyond_32_bit_indices_takes_twice_as_much():
    per_byte = [TEXT.need(CONFIG, n) / n for n in (2.9e9, 3.1e9)]
    assert 1.8 < per_byte[1] / per_byte[0] < 2


@pytest.fixture
def kernel(tmp_path) -> Path:
    """A machine with 8 GB to give, and a control group `a` around a group `a/b`."""
    (tmp_path / "meminfo").write_text("MemTotal:  9000000 kB\nMemAvailable:  8000000 kB\n")
    (tmp_path / "membership").write_text("1:cpu:/x\n0::/a/b\n")
    for name in ("groups/a", "groups/a/b"):
        (tmp_path / name).mkdir(parents=True)
    group(tmp_path / "groups" / "a" / "b", "max")
    return tmp_path


def group(folder: Path, limit: str) -> None:
    (folder / "memory.max").write_text(limit + "\n")
    (folder / "memory.current").write_text("3000\n")
    (folder / "memory.stat").write_text("anon 2000\ninactive_file 1000\n")


def asked(place: Path) -> int:
    return available_bytes(place / "meminfo", place / "membership", place / "groups")


def test_the_kernel_says_what_it_can_give(kernel):
    assert asked(kernel) == 8_000_000 << 10


def test_the_tightest_control_group_counts(kernel):
    group(kernel / "groups" / "a", "1000000")
    assert asked(kernel) == 1_000_000 - 3000 + 1000
    group(kernel / "groups" / "a" / "b", "2500")
    assert asked(kernel) == 500


def test_without_a_kernel_that_tells_it_is_all_memory(tmp_path):
    assert asked(tmp_path) > 1 << 28


def test_this_machine_has_some():
    assert 1 << 26 < memory.available_bytes() < 1 << 50


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
