"""Findings: the sign follows the claim, the verdict follows the interval."""

import math

import pytest

from xlmr_lab.ablations import findings
from xlmr_lab.ablations.findings import CONTRADICTED, INCONCLUSIVE, SUPPORTED

TIERS = {"qaa": "high", "qab": "mid", "qac": "low"}


def heldout(low_rise: float, high_rise: float, noise: float = 0.001) -> list[dict]:
    """Return losses of three seeds at two alphas; each tier rises by what is given."""
    rises = {"qaa": high_rise, "qab": 0.0, "qac": low_rise}
    return [
        {
            "arm": f"alpha={alpha:g}",
            "seed": seed,
            "alpha": alpha,
            "step": step,
            "language": language,
            "loss": 3.0 + (rises[language] + seed * noise if alpha == 1.0 else 0.0) - step / 1e9,
        }
        for seed in range(3)
        for alpha in (0.01, 1.0)
        for language in TIERS
        for step in (10, 20)
    ]


def test_effects_are_the_mean_differences_at_the_last_step() -> None:
    """Seeds add 0.000, 0.001, 0.002 to each rise; the high tier's gain is a fall."""
    low, high = findings.alpha_tradeoff(heldout(0.4, -0.1), TIERS, scale="test")
    assert (low.id, high.id) == ("F3-low", "F3-high")
    assert low.effect == pytest.approx(0.401)
    assert high.effect == pytest.approx(0.099)
    assert low.num_pairs == high.num_pairs == 3
    assert low.low == pytest.approx(0.401 - 4.302653 * 0.001 / math.sqrt(3))


@pytest.mark.parametrize(
    ("rises", "noise", "verdicts"),
    [
        ((0.4, -0.1), 0.001, [SUPPORTED, SUPPORTED]),
        ((-0.4, 0.1), 0.001, [CONTRADICTED, CONTRADICTED]),
        ((0.01, -0.01), 0.1, [INCONCLUSIVE, INCONCLUSIVE]),
    ],
)
def test_verdicts_follow_the_data_whichever_way_it_points(rises, noise, verdicts) -> None:
    found = findings.alpha_tradeoff(heldout(*rises, noise), TIERS, scale="")
    assert [f.verdict for f in found] == verdicts


def test_one_alpha_compares_nothing() -> None:
    rows = [row for row in heldout(0.4, -0.1) if row["alpha"] == 1.0]
    assert findings.alpha_tradeoff(rows, TIERS, scale="") == []


def test_each_step_between_the_ends_is_a_finding_of_its_own() -> None:
    """The high tier's loss rises by 0.1 to the middle and falls by 0.2 below the start at 1."""
    middle = [
        row | {"alpha": 0.3, "loss": row["loss"] + (0.1 if row["language"] == "qaa" else 0.2)}
        for row in heldout(0.4, -0.1)
        if row["alpha"] == 0.01
    ]
    found = {f.id: f for f in findings.alpha_tradeoff(heldout(0.4, -0.1) + middle, TIERS, scale="")}
    assert set(found) == {
        *("F3-low", "F3-low-0.01-0.3", "F3-low-0.3-1"),
        *("F3-high", "F3-high-0.01-0.3", "F3-high-0.3-1"),
    }
    assert found["F3-high-0.01-0.3"].effect == pytest.approx(-0.1)
    assert found["F3-high-0.01-0.3"].verdict == CONTRADICTED
    assert found["F3-high-0.3-1"].effect == pytest.approx(0.199)
    assert len({f.claim for f in found.values()}) == 6


def test_languages_of_one_size_have_nothing_to_trade() -> None:
    equal = dict.fromkeys(TIERS, "equal")
    assert findings.alpha_tradeoff(heldout(0.4, -0.1), equal, scale="") == []


def test_one_seed_decides_nothing() -> None:
    rows = [row for row in heldout(0.4, -0.1) if row["seed"] == 0]
    assert {f.verdict for f in findings.alpha_tradeoff(rows, TIERS, scale="")} == {INCONCLUSIVE}


def scores(gain: float, own: float = 0.9) -> list[dict]:
    """Return accuracies of two arms, three pretraining and two fine-tuning seeds."""
    return [
        {
            "task": "nli",
            "arm": arm,
            "seed": seed,
            "finetune_seed": finetune,
            "language": language,
            "value": own
            if language == "qaa"
            else 0.4 + 0.01 * seed + (gain * (1 + seed / 10) if arm == "main" else 0.0),
        }
        for arm in ("main", "none")
        for seed in range(3)
        for finetune in range(2)
        for language in ("qaa", "qab", "qac")
    ]


def transfer(rows: list[dict]) -> findings.Finding:
    """Return the finding of the transfer gain from qaa."""
    found = findings.transfer_gain(
        rows,
        "nli",
        arm="main",
        baseline="none",
        train_language="qaa",
        scale="",
        elsewhere="see more",
    )
    assert found is not None
    return found


def test_transfer_gain_pairs_seeds_and_leaves_out_the_trained_language() -> None:
    """Gains of the seeds are 0.2, 0.22 and 0.24."""
    found = transfer(scores(0.2))
    assert found.effect == pytest.approx(0.22)
    assert found.low == pytest.approx(0.22 - 4.302653 * 0.02 / math.sqrt(3))
    assert found.num_pairs == 3
    assert found.verdict == SUPPORTED
    assert found.note == ""


@pytest.mark.parametrize(("gain", "verdict"), [(0.0, INCONCLUSIVE), (-0.2, CONTRADICTED)])
def test_transfer_that_is_not_shown_says_where_it_is_tried_otherwise(gain, verdict) -> None:
    found = transfer(scores(gain))
    assert found.verdict == verdict
    assert found.note == "see more"


@pytest.mark.parametrize(
    ("qab", "qac", "told"),
    [(-0.9, -0.8, "leans against"), (0.9, 0.8, "leans for"), (-0.9, 0.2, "")],
)
def test_an_undecided_effect_leans_where_most_languages_go(qab, qac, told) -> None:
    """One seed gives no interval, so nothing is decided."""
    values = {"qab": qab, "qac": qac}
    rows = [
        row | {"value": row["value"] + values.get(row["language"], 0) * (row["arm"] == "main")}
        for row in scores(0.0)
        if row["seed"] == 0
    ]
    found = transfer(rows)
    assert (found.verdict, found.lean) == (INCONCLUSIVE, told)
    assert transfer(scores(0.2)).lean == ""


def test_a_harmful_pretraining_is_contradicted() -> None:
    assert transfer(scores(-0.2)).verdict == CONTRADICTED


def test_a_task_without_scores_has_no_finding() -> None:
    rows = scores(0.2)
    assert (
        findings.transfer_gain(
            rows, "ner", arm="main", baseline="none", train_language="qaa", scale="", elsewhere=""
        )
        is None
    )


def test_a_finding_on_refused_scores_says_so_whatever_its_verdict() -> None:
    """Of 2 x 2 scores in the language that is not learned in, one seed's without pretraining is
    refused; what is refused in the language learned in is no part of the effect.
    """
    rows = [
        {"task": "nli", "arm": arm, "seed": seed, "finetune_seed": 0, "language": language}
        | {"value": value, "refused": refused}
        for arm, value in (("a", 0.6), ("b", 0.4))
        for seed in (0, 1)
        for language, refused in (
            ("qaa", "label order"),
            ("qab", "one-class collapse" if (arm, seed) == ("b", 1) else ""),
        )
    ]
    about = {"arm": "a", "baseline": "b", "train_language": "qaa", "scale": "", "elsewhere": "no"}
    finding = findings.transfer_gain(rows, "nli", **about)
    assert finding.verdict == SUPPORTED
    told = "the evaluation doctor refuses 1 of its 4 scores (one-class collapse), 1 of b"
    assert finding.note == told
    healthy = findings.transfer_gain([row | {"refused": ""} for row in rows], "nli", **about)
    assert healthy.note == ""
