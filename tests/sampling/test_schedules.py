"""Schedules against hand-worked phases: what changes, at which step, and what cannot be."""

import math
import re

import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.sampling import meter
from xlmr_lab.sampling.exponent import probabilities
from xlmr_lab.sampling.schedules import Length, Phase, annealed, capped, constant, phases, spans
from xlmr_lab.sampling.settings import SamplingConfig

SIZES = {"en": 80.0, "fr": 40.0, "sw": 10.0}
LENGTH = Length(20, 4)


def anneal(**settings) -> SamplingConfig:
    return SamplingConfig(schedule="annealed", **settings)


def cap(passes: float) -> SamplingConfig:
    return SamplingConfig(schedule="capped", alpha=0.0, max_passes=passes)


def test_a_constant_exponent_is_one_phase():
    found = constant(SamplingConfig(alpha=0.5), SIZES, LENGTH)
    assert found == [Phase(1, probabilities(SIZES, 0.5))]
    assert phases(SamplingConfig(alpha=0.5), SIZES, LENGTH) == found


def test_an_exponent_changes_with_the_step_after_its_fraction_of_the_run():
    """Of 20 steps the first half, 10, have 0.7; those from step 11 have 0.5, from step 19 0.3."""
    config = anneal(alpha=0.7, later_alphas=(0.5, 0.3), changes=(0.5, 0.9))
    assert annealed(config, SIZES, LENGTH) == [
        Phase(1, probabilities(SIZES, 0.7)),
        Phase(11, probabilities(SIZES, 0.5)),
        Phase(19, probabilities(SIZES, 0.3)),
    ]
    assert [n for _, n in spans(annealed(config, SIZES, LENGTH), 20)] == [10, 8, 2]


def test_languages_join_and_the_exponent_goes_on():
    config = anneal(alpha=1.0, later_alphas=(0.0,), changes=(0.5,), starts=("sw:0.25", "fr:0.5"))
    assert annealed(config, SIZES, LENGTH) == [
        Phase(1, {"en": 1.0}),
        Phase(6, pytest.approx({"en": 8 / 9, "sw": 1 / 9})),
        Phase(11, pytest.approx(dict.fromkeys(SIZES, 1 / 3))),
    ]


def test_fractions_that_no_binary_number_holds_fall_on_whole_steps():
    """0.29 * 100 is 28.999999999999996 in binary."""
    (_, joined) = annealed(anneal(starts=("sw:0.29",)), SIZES, Length(100, 1))
    assert joined.first_step == 30


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"starts": ("de:0.5",)}, "starts names de, but the run's languages are en, fr, sw"),
        ({"starts": ("en:0.5", "fr:0.5", "sw:0.5")}, "starts names every language"),
        ({"starts": ("sw:0.99",)}, "20 steps is too short .* sampling.starts=sw:0.99"),
        ({"starts": ("sw:0.01",)}, "20 steps is too short .* sampling.starts=sw:0.01"),
        (
            {"later_alphas": (0.2, 0.1), "changes": (0.5, 0.51)},
            "20 steps is too short for the changes of sampling: sampling.changes=0.5,0.51;",
        ),
        ({"later_alphas": (0.2,), "changes": (0.02,)}, "too short for the changes"),
    ],
)
def test_a_schedule_that_does_not_fit_the_run_is_one_clear_line(settings, message):
    with pytest.raises(UserError, match=message) as error:
        annealed(anneal(**settings), SIZES, LENGTH)
    assert "\n" not in str(error.value)


def test_unimax_worked_by_hand():
    """Algorithm 1 of UniMax with sizes 10, 40, 80 and 1,000, 360 to draw and two passes at most.

    From the smallest up: 360 / 4 = 90, but two passes are 20; 340 / 3 = 113, but two passes are 80;
    260 / 2 = 130, below two passes of 160; the last gets the same 130.
    """
    sizes = SIZES | {"zh": 1000.0}
    (found,) = capped(cap(2.0), sizes, Length(90, 4))
    draws = {"sw": 20, "fr": 80, "en": 130, "zh": 130}
    assert found.first_step == 1
    assert found.probabilities == pytest.approx({key: n / 360 for key, n in draws.items()})


def test_no_language_is_expected_above_the_cap_and_none_below_an_even_part_but_the_capped():
    sizes = {f"l{i:02}": 1.5**i for i in range(40)}
    length = Length(1000, 3 * sum(sizes.values()) / 1000)
    found = capped(cap(5.0), sizes, length)
    repeated = meter.passes(meter.expected_draws(found, length), sizes)
    q = found[0].probabilities
    assert math.fsum(q.values()) == pytest.approx(1, abs=1e-12)
    assert max(repeated.values()) == pytest.approx(5)
    uncapped = [q[key] for key in sizes if repeated[key] < 5 - 1e-9]
    assert uncapped == pytest.approx([max(q.values())] * len(uncapped))
    assert len(uncapped) > 1


def test_a_cap_that_binds_nowhere_leaves_every_language_alike():
    (found,) = capped(cap(100.0), SIZES, Length(10, 3))
    assert found.probabilities == pytest.approx(dict.fromkeys(SIZES, 1 / 3))


def test_a_run_of_exactly_the_capped_passes_samples_by_size_and_a_longer_one_is_refused():
    (found,) = capped(cap(2.0), SIZES, Length(65, 4))
    assert found.probabilities == pytest.approx(probabilities(SIZES, 1.0))
    with pytest.raises(
        UserError, match=r"goes 2\.03 times through all text, more than .*passes=2 "
    ) as error:
        capped(cap(2.0), SIZES, Length(66, 4))
    advised = re.search(r"set sampling.max_passes=(\S+) or more", str(error.value))
    assert advised
    assert capped(cap(float(advised[1])), SIZES, Length(66, 4))


@pytest.mark.parametrize("config", [SamplingConfig(), cap(2.0), anneal(starts=("sw:0.5",))])
def test_a_language_without_text_is_named_by_every_schedule(config):
    with pytest.raises(UserError, match="no text to sample from for fr"):
        phases(config, SIZES | {"fr": 0.0}, LENGTH)


def test_a_schedule_is_a_pure_function():
    config = anneal(alpha=0.7, later_alphas=(0.3,), changes=(0.5,), starts=("sw:0.25",))
    first = phases(config, SIZES, LENGTH)
    turned = phases(config, dict(reversed(SIZES.items())), LENGTH)
    assert phases(config, SIZES, LENGTH) == first
    assert [p.first_step for p in turned] == [p.first_step for p in first]
    for ours, theirs in zip(first, turned, strict=True):
        assert theirs.probabilities == pytest.approx(ours.probabilities, rel=1e-12)
