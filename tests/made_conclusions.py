"""Conclusions of a made-up campaign as a frame, each row given by what it differs in from one."""

from typing import Any

import polars as pl

from xlmr_lab.result_tables import CONCLUSIONS


def rows(*changes: dict[str, Any]) -> pl.DataFrame:
    """Return conclusions that differ from one in what is given."""
    one = {
        "claim": "F3",
        "contrast": "F3-low",
        "title": "Alpha trades",
        "says": "low-resource languages lose",
        "section": "5.1, Figure 5",
        "effect": 0.1,
        "low": 0.05,
        "high": 0.15,
        "languages_low": -0.1,
        "languages_high": 0.3,
        "verdict": "supported",
        "lean": "",
        "by_language": [],
        "detectable": 0.012,
        "seeds_needed": 3,
        "pretraining_std": 0.01,
        "finetuning_std": 0.0,
        "languages_std": 0.02,
        "num_seeds": 3,
        "num_languages": 2,
        "unit": "bits per byte",
        "paper": "XNLI 58 to 49 from alpha=0.01 to alpha=1.0",
        "scale": "Babel",
        "stand_in": "the same exponents",
        "note": "",
        "aside": False,
        "claim_verdict": "supported",
    }
    return pl.DataFrame([one | change for change in changes], schema=CONCLUSIONS)
