"""Conclusions: units, verdicts, what is missing, and the verdict on a whole claim."""

import dataclasses
import itertools
import json
import math

import pytest

from xlmr_lab import storage
from xlmr_lab.ablations import conclusions, studies
from xlmr_lab.ablations.claims.pairs import pairs
from xlmr_lab.ablations.conclusions import MIXED, conclude, overall, written
from xlmr_lab.ablations.findings import CONTRADICTED, INCONCLUSIVE, SUPPORTED
from xlmr_lab.ablations.grid import Cell, Claim, Contrast, Outcome
from xlmr_lab.ablations.outcomes import measured
from xlmr_lab.errors import UserError

NLI = Outcome(kind="score", task="nli", metric="accuracy")
CONFIG = dataclasses.replace(
    studies.tiny(),
    seeds=3,
    ablation=dataclasses.replace(studies.tiny().ablation, alphas=()),
)


def claim(*contrasts: Contrast) -> Claim:
    return Claim(
        id="F0",
        title="More is better",
        section="5.1",
        cells=(Cell(name="few", config=CONFIG), Cell(name="many", config=CONFIG)),
        contrasts=contrasts,
        stand_in="the same",
    )


def contrast(outcome: Outcome | None = None, **changed) -> Contrast:
    both = pairs("many", "few", ["en", "sw"], *([outcome] if outcome else []))
    return Contrast(**{"id": "F0-more", "says": "many is better", "pairs": both, **changed})


def heldout(cell: str, values: dict[str, list[float]]) -> list[dict]:
    """Return rows of bits per byte, of seeds 0, 1, ... in each language."""
    return [
        {"cell": cell, "seed": seed, "step": 9, "language": key, "loss": 9.0, "bits_per_byte": bits}
        for key, own in values.items()
        for seed, bits in enumerate(own)
    ]


FEW = heldout("few", {"en": [2.0, 2.0, 2.0], "sw": [3.0, 3.0, 3.0]})
MANY = heldout("many", {"en": [1.5, 1.4, 1.6], "sw": [2.8, 2.7, 2.9]})


def scores(cell: str, values: dict[str, list[float]]) -> list[dict]:
    names = {"arm": "alpha=0.3", "task": "nli", "metric": "accuracy", "cell": cell}
    rules = {"protocol": "zero-shot", "selection": "joint-dev", "finetune_seed": 0}
    return [
        {**names, **rules, "language": key, "seed": seed, "value": value}
        for key, own in values.items()
        for seed, value in enumerate(own)
    ]


def test_a_conclusion_by_hand() -> None:
    """Bits saved by seeds: en 0.5, 0.6, 0.4 and sw 0.2, 0.3, 0.1; their means 0.35, 0.45, 0.25."""
    told = contrast(paper="58 and 49")
    (found,) = conclude(measured([*FEW, *MANY], []), [claim(told)], "tiny: seconds")
    half = 4.302653 * 0.1 / math.sqrt(3)
    assert found.effect == pytest.approx(0.35)
    assert (found.low, found.high) == pytest.approx((0.35 - half, 0.35 + half), abs=1e-6)
    assert found.verdict == SUPPORTED
    assert found.lean == ""
    assert dict(found.by_language) == pytest.approx({"en": 0.5, "sw": 0.2})
    # Languages 0.5 and 0.2 have variance 0.045, and there is one degree of freedom.
    wide = 12.706205 * math.sqrt(0.01 / 3 + 0.045 / 2)
    assert found.languages_high == pytest.approx(0.35 + wide, abs=1e-5)
    assert found.detectable == pytest.approx(0.3264, abs=1e-4)
    assert (found.seeds_needed, found.num_seeds, found.num_languages) == (3, 3, 2)
    assert (found.claim, found.contrast, found.unit) == ("F0", "F0-more", "bits per byte")
    assert (found.paper, found.scale, found.stand_in) == ("58 and 49", "tiny: seconds", "the same")
    assert found.note == ""
    assert found.pretraining_std == pytest.approx(0.1)
    assert found.finetuning_std == 0.0
    assert found.languages_std == pytest.approx(math.sqrt(0.045))
    assert (found.aside, found.claim_verdict) == (False, SUPPORTED)


def test_a_difference_of_differences_takes_each_languages_own_off() -> None:
    """In en many is better by 0.5 and in sw by 0.2, so that en gains 0.3 more."""
    en, sw = (pairs("many", "few", [key]) for key in ("en", "sw"))
    (found,) = conclude(measured([*FEW, *MANY], []), [claim(contrast(pairs=en, less=sw))], "")
    assert found.effect == pytest.approx(0.3)
    assert found.by_language == (("en less sw", pytest.approx(0.3)),)
    own = pairs("many", "few", ["en"])
    (found,) = conclude(measured([*FEW, *MANY], []), [claim(contrast(pairs=own, less=own))], "")
    assert found.by_language == (("en", pytest.approx(0.0)),)
    (found,) = conclude(measured(FEW, []), [claim(contrast(pairs=en, less=sw))], "")
    assert found.note == "nothing is known of 'many'"


def test_an_aside_has_no_part_in_the_verdict_on_its_claim() -> None:
    turned = pairs("few", "many", ["en", "sw"])
    main, other = contrast(id="a"), contrast(id="b", pairs=turned)
    told = conclude(measured([*FEW, *MANY], []), [claim(main, other)], "")
    assert [row.verdict for row in told] == [SUPPORTED, CONTRADICTED]
    assert {row.claim_verdict for row in told} == {MIXED}
    beside = dataclasses.replace(other, aside=True)
    told = conclude(measured([*FEW, *MANY], []), [claim(main, beside)], "")
    assert [row.aside for row in told] == [False, True]
    assert {row.claim_verdict for row in told} == {SUPPORTED}


def test_scores_and_their_margin_are_told_in_points() -> None:
    """Lost are 1, 2 and 3 points in en, half a point in sw, and 2 points are allowed."""
    few = scores("few", {"en": [0.50, 0.60, 0.70], "sw": [0.4, 0.4, 0.4]})
    many = scores("many", {"en": [0.49, 0.58, 0.67], "sw": [0.395, 0.395, 0.395]})
    (found,) = conclude(measured([], [*few, *many]), [claim(contrast(NLI, margin=0.02))], "")
    assert found.unit == "points"
    assert dict(found.by_language) == pytest.approx({"en": 0.0, "sw": 1.5})
    assert found.effect == pytest.approx(0.75)
    assert found.high - found.effect == pytest.approx(4.302653 * 0.5 / math.sqrt(3), abs=1e-5)
    assert found.detectable == pytest.approx(0.5 * 3.26404, abs=1e-4)
    assert math.isnan(found.finetuning_std), "one fine-tuning seed tells nothing of others"
    assert found.verdict == INCONCLUSIVE


def test_scores_that_the_doctor_refuses_are_told() -> None:
    few = scores("few", {"en": [0.33, 0.33, 0.33], "sw": [0.33, 0.33, 0.33]})
    many = [{**row, "cell": "many", "refused": "one-class collapse"} for row in few[:2]]
    rest = [{**row, "cell": "many"} for row in few[2:]]
    (found,) = conclude(measured([], [*few, *many, *rest]), [claim(contrast(NLI, margin=0.02))], "")
    assert found.verdict == SUPPORTED, "nothing learned is within any margin of nothing learned"
    assert found.note == (
        "the evaluation doctor refuses 2 of 12 scores behind it: one-class collapse"
    )


def test_the_verdict_follows_the_data_whichever_way_it_points() -> None:
    turned = [row | {"cell": {"few": "many", "many": "few"}[row["cell"]]} for row in FEW + MANY]
    (found,) = conclude(measured(turned, []), [claim(contrast())], "")
    assert (found.verdict, found.effect) == (CONTRADICTED, pytest.approx(-0.35))


def test_an_undecided_effect_leans_as_most_languages_do() -> None:
    loud = heldout("many", {"en": [1.0, 2.9, 1.5], "sw": [2.0, 3.9, 2.5]})
    (found,) = conclude(measured([*FEW, *loud], []), [claim(contrast())], "")
    assert (found.verdict, found.lean) == (INCONCLUSIVE, "leans for")


def test_a_cell_without_rows_is_named_and_decides_nothing() -> None:
    (found,) = conclude(measured(FEW, []), [claim(contrast())], "")
    assert (found.verdict, found.num_seeds, found.num_languages) == (INCONCLUSIVE, 0, 0)
    assert found.lean == ""
    assert math.isnan(found.effect)
    assert found.note == "nothing is known of 'many'"


def test_what_is_missing_is_left_out_and_told() -> None:
    no_sw = [row for row in FEW + MANY if (row["cell"], row["language"]) != ("many", "sw")]
    (found,) = conclude(measured(no_sw, []), [claim(contrast())], "")
    assert found.by_language == (("en", pytest.approx(0.5)),)
    assert math.isnan(found.languages_low)
    assert found.note == "left out for want of values: sw"
    one_less = [row for row in FEW + MANY if (row["seed"], row["language"]) != (2, "sw")]
    (found,) = conclude(measured(one_less, []), [claim(contrast())], "")
    assert found.effect == pytest.approx((0.35 + 0.45) / 2)
    assert found.note == "2 of 3 seeds have every value"
    apart = [row for row in FEW if row["seed"]] + [row for row in MANY if not row["seed"]]
    (found,) = conclude(measured(apart, []), [claim(contrast())], "")
    assert found.note == "no seed has both values of any of: en, sw"


def test_one_seed_decides_nothing() -> None:
    one = [row for row in FEW + MANY if row["seed"] == 0]
    (found,) = conclude(measured(one, []), [claim(contrast())], "")
    assert found.effect == pytest.approx(0.35)
    assert (found.verdict, found.lean) == (INCONCLUSIVE, "leans for")
    assert math.isnan(found.low)
    assert found.note == "1 of 3 seeds have every value; one seed has no interval"


def test_tasks_of_one_language_are_told_apart() -> None:
    outcomes = [dataclasses.replace(NLI, task=task) for task in ("cola", "sst-2")]
    both = tuple(pair for o in outcomes for pair in pairs("many", "few", ["en"], o))
    rows = [
        row | {"task": task}
        for cell in ("few", "many")
        for task in ("cola", "sst-2")
        for row in scores(cell, {"en": [0.5, 0.5]})
    ]
    (found,) = conclude(measured([], rows), [claim(contrast(pairs=both))], "")
    assert [name for name, _ in found.by_language] == ["cola en", "sst-2 en"]


def test_losses_are_not_compared_with_scores() -> None:
    mixed = pairs("many", "few", ["en"], NLI) + pairs("many", "few", ["en"])
    with pytest.raises(UserError, match="contrast F0-more compares heldout with score"):
        conclude(measured([], []), [claim(contrast(pairs=mixed))], "")


def test_every_contrast_has_a_conclusion_in_order() -> None:
    found = conclude(
        measured(FEW, []), [claim(contrast(id="a"), contrast(id="b")), claim(contrast(id="c"))], ""
    )
    assert [conclusion.contrast for conclusion in found] == ["a", "b", "c"]


def test_the_verdict_on_a_claim_is_by_the_rule_for_all_that_two_contrasts_can_say() -> None:
    (some,) = conclude(measured(FEW, []), [claim(contrast())], "")
    expected = {
        (SUPPORTED, SUPPORTED): SUPPORTED,
        (SUPPORTED, INCONCLUSIVE): INCONCLUSIVE,
        (INCONCLUSIVE, INCONCLUSIVE): INCONCLUSIVE,
        (CONTRADICTED, INCONCLUSIVE): CONTRADICTED,
        (CONTRADICTED, CONTRADICTED): CONTRADICTED,
        (SUPPORTED, CONTRADICTED): MIXED,
    }
    for verdicts, whole in expected.items():
        for order in itertools.permutations(verdicts):
            assert overall([dataclasses.replace(some, verdict=v) for v in order]) == whole
    assert overall([]) == INCONCLUSIVE


def test_what_is_written_is_json_and_read_back(tmp_path) -> None:
    found = conclude(measured(FEW, []), [claim(contrast())], "")
    found += conclude(measured([*FEW, *MANY], []), [claim(contrast())], "")
    records = [written(conclusion) for conclusion in found]
    assert json.loads(json.dumps(records, allow_nan=False)) == records
    storage.write_jsonl(tmp_path / "conclusions.jsonl", records)
    first, second = storage.read_jsonl(tmp_path / "conclusions.jsonl")
    assert first["effect"] is None
    assert first["languages_low"] is None
    assert second["by_language"] == [["en", pytest.approx(0.5)], ["sw", pytest.approx(0.2)]]
    assert second.keys() == {f.name for f in dataclasses.fields(conclusions.Conclusion)}
