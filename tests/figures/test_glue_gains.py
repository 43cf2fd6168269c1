"""What pretraining adds on GLUE's tasks follows from its interval alone, on scores by hand."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from xlmr_lab.figures import glue_gains

Maker = Callable[..., pl.DataFrame]


def pair(task: str, gained: float, seed: int, **also: Any) -> list[dict[str, Any]]:
    """Return a score of 0.8 without pretraining, and one that so much is gained over."""
    shared = {"task": f"glue-{task}", "seed": seed, "language": "qaa", **also}
    fresh = {**shared, "arm": "no-pretraining", "value": 0.8}
    return [fresh, {**shared, "value": 0.8 + gained}]


def three(task: str, *gained: float, **also: Any) -> list[dict[str, Any]]:
    return [row for seed, one in enumerate(gained) for row in pair(task, one, seed, **also)]


@pytest.mark.parametrize(
    ("gained", "says", "counts"),
    [
        ((0.10, 0.11, 0.12), "higher", "higher on 1 of 1 (QNLI); lower on none of 1"),
        ((-0.10, -0.11, -0.12), "lower", "lower on 1 of 1 (QNLI); not told apart on none"),
        ((-0.1, 0.0, 0.1), "not told apart", "not told apart on 1 of 1 (QNLI)"),
        ((0.1,), "no interval: one seed", "no interval: one seed"),
    ],
)
def test_what_is_said_is_read_from_the_interval(
    gained: tuple[float, ...], says: str, counts: str, made_scores: Maker
) -> None:
    scores = made_scores(*three("qnli", *gained))
    assert glue_gains.told(scores).frame["with it, it is"].to_list() == [says]
    assert counts in glue_gains.reading(scores)


def test_a_gain_is_paired_by_seed_and_language(made_scores: Maker) -> None:
    """Seeds differ by 0.3; the gain of each is 0.1, so its interval is a point."""
    rows = three("qnli", 0.1, 0.1, 0.1)
    moved = [{**row, "value": row["value"] - 0.3 * row["seed"]} for row in rows]
    lone = {"task": "glue-qnli", "language": "qab", "value": 0.1, "seed": 0}  # without its pair
    figure = glue_gains.gains(made_scores(*moved, lone))
    seeds, mean = figure.data
    assert seeds.x == pytest.approx((0.1, 0.1, 0.1))
    assert mean.x == pytest.approx((0.1,))
    assert mean.error_x.array[0] == pytest.approx(0, abs=1e-9)


def test_other_languages_are_a_series_of_their_own(made_scores: Maker) -> None:
    others = [row for key in ("qab", "qac") for row in three("qnli", 0.2, 0.4, language=key)]
    figure = glue_gains.gains(made_scores(*three("qnli", 0.1, 0.1), *others))
    drawn = {trace.name: list(trace.x) for trace in figure.data if trace.showlegend is None}
    assert drawn == {
        "Avelo, where the task is learned": pytest.approx([0.1]),
        "mean of the others": pytest.approx([0.3]),
    }
    assert len({trace.marker.symbol for trace in figure.data}) == 2


def test_a_score_that_may_be_a_guess_has_a_star(made_scores: Maker) -> None:
    rows = [
        {"task": "glue-qnli", "seed": seed, "language": "qaa", "arm": arm, "value": value}
        for arm, values in (("alpha=0.3", (0.48, 0.52, 0.53)), ("no-pretraining", (0.7, 0.71, 0.7)))
        for seed, value in enumerate(values)
    ]
    frame = glue_gains.told(made_scores(*rows)).frame
    assert frame["with pretraining"][0].endswith("*")
    assert not frame["without"][0].endswith("*")
    said = glue_gains.reading(made_scores(*rows))
    assert "with pretraining none of 1, without it 1 of 1 (QNLI)" in said


def test_tasks_stand_in_one_order_everywhere(made_scores: Maker) -> None:
    scores = made_scores(
        *three("qnli", 0.1, 0.1), *three("cola", 0.1, 0.1, metric="matthews"), *three("sst2", 0, 0)
    )
    assert glue_gains.gains(scores).layout.yaxis.ticktext == ("CoLA", "SST-2", "QNLI")
    assert glue_gains.told(scores).frame["task"].to_list() == ["CoLA", "SST-2", "QNLI"]


def test_without_glue_or_without_a_baseline_it_is_said(made_scores: Maker) -> None:
    nli = made_scores({"task": "nli", "language": "qaa", "value": 0.5})
    alone = made_scores({"task": "glue-qnli", "language": "qaa", "value": 0.5})
    for scores, told in ((nli, "evaluated=glue"), (alone, "nothing to compare")):
        assert told in glue_gains.gains(scores).layout.annotations[0].text
        assert told in glue_gains.told(scores).frame.item()
        assert told in glue_gains.reading(scores)
