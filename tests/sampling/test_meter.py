"""The repetition meter against hand-counted draws and the paper's numbers."""

import pytest

from xlmr_lab.paper import tables
from xlmr_lab.sampling import meter
from xlmr_lab.sampling.exponent import probabilities
from xlmr_lab.sampling.schedules import Length, Phase

HALVES = [Phase(1, {"en": 1.0}), Phase(6, {"en": 0.5, "sw": 0.5})]
TEN = Length(10, 4)


def test_passes_count_draws_over_size():
    assert meter.passes({"en": 4, "fr": 4}, {"en": 8, "fr": 1}) == {"en": 0.5, "fr": 4.0}


def test_what_is_expected_is_added_up_over_the_phases():
    """Five steps of 4 blocks in English, five shared by halves."""
    assert meter.expected_draws(HALVES, TEN) == {"en": 30, "sw": 10}
    assert meter.expected_draws(HALVES, TEN, after=4) == {"en": 14, "sw": 10}
    assert meter.expected_draws(HALVES, TEN, after=8) == {"en": 4, "sw": 4}
    assert meter.expected_draws(HALVES, TEN, after=10) == {"en": 0, "sw": 0}
    assert meter.expected_draws(HALVES, Length(5, 4)) == {"en": 20, "sw": 0}


def test_the_end_is_projected_from_what_was_drawn():
    so_far = {"en": 29, "sw": 3}
    assert meter.expected_at_end(HALVES, TEN, so_far, after=8) == {"en": 33, "sw": 7}
    assert meter.expected_at_end(HALVES, TEN, so_far, after=10) == so_far


def test_the_sampling_error_is_that_of_the_phases_that_leave_a_choice():
    """20 draws with probability a half have a variance of 5; the first phase has none."""
    error = meter.sampling_error(HALVES, TEN)
    assert error == pytest.approx({"en": 5**0.5, "sw": 5**0.5})


def test_a_warning_names_the_most_repeated_and_counts_the_rest():
    at_end = {f"l{i}": float(i) for i in range(1, 30)}
    told = meter.warning(at_end, 16)
    assert told == (
        "13 of 29 languages will be gone through more than 16 times: l29 29, l28 28, l27 27 and 10 "
        "more"
    )
    assert meter.warning({"en": 16.0}, 16) is None
    assert meter.warning({}, 16) is None


def test_a_reading_is_one_line_however_many_languages():
    so_far = {f"l{i}": i / 10 for i in range(1, 101)}
    told = meter.reading(so_far, {key: 3 * count for key, count in so_far.items()})
    assert told == "passes so far (at the end): l100 10 (30), l99 9.9 (30), l98 9.8 (29), ..., " + (
        "l1 0.1 (0.3)"
    )


def test_the_papers_run_repeats_its_smallest_languages_by_the_thousand():
    """Worked beside the paper: words of Table 6, 6.3 trillion positions, alpha 0.3, a position
    taken for a word. English 3.5 % and about 4 passes, Swahili 0.70 % and about 160, Sundanese
    0.26 % and about 1,600, Assamese 0.21 % and about 2,600.
    """
    assert pytest.approx(6.3e12, rel=0.002) == meter.PAPER_POSITIONS
    words = {
        str(row["key"]): 1e6 * float(row["tokens_M_corrected"])
        for row in tables.read("cc100_languages")
    }
    found = [Phase(1, probabilities(words, 0.3))]
    length = Length(1_500_000, 8192 * 512)
    q = found[0].probabilities
    repeated = meter.passes(meter.expected_draws(found, length), words)
    keys = ("en", "sw", "su", "as")
    assert [q[key] for key in keys] == pytest.approx([0.035, 0.0070, 0.0026, 0.0021], rel=0.02)
    assert [repeated[key] for key in keys] == pytest.approx([4, 160, 1600, 2600], rel=0.03)
    over = meter.above(repeated, meter.PASSES_WARNED)
    assert len(over) > 80
    assert next(iter(over)) == "as"
