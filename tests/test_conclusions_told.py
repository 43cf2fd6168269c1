"""Conclusions and claims in lines of 80 columns."""

import math

from xlmr_lab import conclusions_told
from xlmr_lab.ablations.conclusions import Conclusion


def conclusion(**changes: object) -> Conclusion:
    values = {
        "claim": "F3",
        "contrast": "F3-low",
        "title": "",
        "says": "low-resource languages lose",
        "section": "5.1",
        "effect": 0.092,
        "low": 0.049,
        "high": 0.135,
        "languages_low": math.nan,
        "languages_high": math.nan,
        "verdict": "supported",
        "lean": "",
        "by_language": (),
        "detectable": math.nan,
        "seeds_needed": None,
        "pretraining_std": math.nan,
        "finetuning_std": 0.0,
        "languages_std": math.nan,
        "num_seeds": 2,
        "num_languages": 2,
        "unit": "bits per byte",
        "paper": "",
        "scale": "",
        "stand_in": "",
        "note": "",
        "aside": False,
    }
    return Conclusion(**{**values, **changes})  # type: ignore[arg-type]


def test_a_conclusion_is_told_in_eighty_columns():
    (line,) = conclusions_told.lines(conclusion(says="low languages lose"))
    assert line == "F3-low: low languages lose: +0.092 [+0.049, +0.135] bits per byte, supported"
    lost = conclusions_told.lines(conclusion(effect=math.nan, note="nothing is known of 'base'"))
    assert "nan" not in " ".join(lost)
    assert all(len(line) <= 80 for line in lost)


def test_each_claim_is_told_as_a_whole_without_its_asides():
    found = [
        conclusion(claim_verdict="inconclusive"),
        conclusion(claim_verdict="inconclusive", verdict="inconclusive"),
        conclusion(claim_verdict="inconclusive", verdict="contradicted", aside=True),
        conclusion(claim="F7", claim_verdict="supported"),
    ]
    assert conclusions_told.verdicts(found) == [
        "F3 as a whole: inconclusive (1 supported, 1 inconclusive)",
        "F7 as a whole: supported (1 supported)",
    ]
    assert "contradicted, beside the claim" in " ".join(conclusions_told.lines(found[2]))
