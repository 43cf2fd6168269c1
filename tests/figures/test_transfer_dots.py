"""Dots of scores by group and distance, and their differences, on numbers made by hand."""

import polars as pl
import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.figures.transfer_dots import STEPS, explored, with_kin

LANGUAGES = {
    "aa": ("Latn", "one", True),
    "bb": ("Latn", "one", False),
    "cc": ("Grek", "one", False),
    "dd": ("Latn", "two", False),
    "ee": ("Grek", "two", False),
}


def scores() -> pl.DataFrame:
    """Return scores of two protocols and two arms: 0.1 for each place, 0.2 for translations, less
    0.05 without pretraining, 0.01 for the seed."""
    rows = [
        {
            "study": "made",
            "task": "nli",
            "metric": "accuracy",
            "split": "test",
            "selection": "last",
            "question_language": "",
            "refused": "",
            "protocol": protocol,
            "arm": arm,
            "pretrained": arm != "no-pretraining",
            "language": key,
            "name": key,
            "script": script,
            "family": family,
            "tier": "low",
            "size_bytes": 100 - place,
            "source": is_source,
            "trained": is_source,
            "seed": seed,
            "finetune_seed": 0,
            "value": 0.1 * (place + 1) + 0.01 * seed + more - less,
        }
        for protocol, more in (("zero-shot", 0.0), ("translate-train", 0.2))
        for arm, less in (("alpha=0.3", 0.0), ("no-pretraining", 0.05))
        for place, (key, (script, family, is_source)) in enumerate(LANGUAGES.items())
        for seed in (0, 1)
    ]
    return pl.DataFrame(rows)


def values(**arguments: object) -> list[float]:
    """Return the dots of the pretrained arm."""
    figure = explored(scores(), task="nli", **arguments)
    return list(next(trace for trace in figure.data if trace.name == "α = 0.3").y)


def test_a_dot_is_the_mean_of_a_language_over_seeds() -> None:
    assert values() == pytest.approx([0.105, 0.205, 0.305, 0.405, 0.505])


def test_distance_goes_by_family_and_script() -> None:
    kin = dict(with_kin(scores()).select("language", "kin").unique().iter_rows())
    assert kin == dict(zip(LANGUAGES, (STEPS[0], *STEPS), strict=True))
    assert values(by="kin") == pytest.approx([0.205, 0.305, 0.405, 0.505])


def test_groups_are_of_transfer_languages() -> None:
    assert values(by="family") == pytest.approx([0.255, 0.455])


def test_differences_are_paired() -> None:
    assert values(less="pretraining") == pytest.approx([0.05] * 5)
    figure = explored(scores(), task="nli", protocol="translate-train", less="zero-shot")
    assert [list(trace.y) for trace in figure.data] == [pytest.approx([0.2] * 5)] * 2


def test_filters_leave_what_is_asked_for() -> None:
    figure = explored(scores(), task="nli", arms=["alpha=0.3"], where={"script": ["Grek"]})
    assert [list(trace.y) for trace in figure.data] == [pytest.approx([0.305, 0.505])]
    none = explored(scores(), task="nli", where={"script": ["Arab"]})
    assert none.layout.annotations[0].text.startswith("No score is left")


def test_a_grouping_that_is_none_is_refused() -> None:
    with pytest.raises(UserError, match=r"by must be one of language, tier, .*, got 'size'"):
        explored(scores(), task="nli", by="size")
