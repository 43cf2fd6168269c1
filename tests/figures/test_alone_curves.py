"""Held-out loss over a run, by a language's own model and by one of all."""

import polars as pl
import pytest

from xlmr_lab import campaign_results, monolingual_results
from xlmr_lab.figures import alone_curves

ALONE, TOGETHER = alone_curves.ALONE, alone_curves.TOGETHER


def rows(arm, language, seed, *bits):
    named = {"cell": arm, "arm": arm, "language": language, "name": language, "seed": seed}
    named |= {"tier": "high", "size_bytes": {"qaa": 2000, "qab": 1000, "qac": 500}[language]}
    return [
        named | {"step": step, "tokens": 10 * step, "bits_per_byte": value}
        for step, value in enumerate(bits, 1)
    ]


@pytest.fixture
def frame():
    """qaa ends 0.5 and 0.7 lower alone, qab is overfitted alone: best 1.0, then 3.0; qac has no
    model of its own."""
    return pl.DataFrame(
        rows(ALONE, "qaa", 0, 2.0, 1.0)
        + rows(ALONE, "qaa", 1, 2.0, 0.8)
        + rows(TOGETHER, "qaa", 0, 1.8, 1.5)
        + rows(TOGETHER, "qaa", 1, 1.8, 1.5)
        + rows(ALONE, "qab", 0, 1.0, 3.0)
        + rows(TOGETHER, "qab", 0, 1.2, 0.9)
        + rows(TOGETHER, "qac", 0, 1.2, 0.9)
    )


def lines(figure):
    return [trace for trace in figure.data if trace.hoverinfo != "skip"]


def test_each_language_with_a_model_of_its_own_has_a_panel(frame):
    figure = alone_curves.losses(frame)
    first, *_, last = lines(figure)
    assert [trace.name for trace in lines(figure)] == [ALONE, TOGETHER] * 2
    assert (first.xaxis, last.xaxis) == ("x", "x2")
    assert list(first.x) == [10, 20]
    assert list(first.y) == pytest.approx([2.0, 0.9])
    assert list(last.y) == pytest.approx([1.2, 0.9])
    titles = [note.text.partition("<br>")[0] for note in figure.layout.annotations]
    assert titles == ["qaa", "qab"]


def test_gains_are_of_the_best_step_and_paired(frame):
    told = alone_curves.gains(frame)
    assert told["qaa"].startswith("\u22120.6")  # -0.5 and -0.7
    assert told["qab"].startswith("+0.1")  # 1.0 against 0.9, not 3.0
    assert "qac" not in told
    notes = [note.text for note in alone_curves.losses(frame).layout.annotations]
    assert notes[0] == f"qaa<br>{told['qaa']}"


def test_bands_are_the_range_of_seeds(frame):
    areas = [trace for trace in alone_curves.losses(frame).data if trace.hoverinfo == "skip"]
    assert len(areas) == 1  # all others have one seed, or no range
    assert list(areas[0].y) == pytest.approx([2.0, 1.0, 0.8, 2.0])


def test_cells_that_share_a_run_count_once(frame):
    again = frame.filter(arm=TOGETHER).with_columns(cell=pl.lit("another"))
    assert alone_curves.gains(pl.concat([frame, again])) == alone_curves.gains(frame)
    both = alone_curves.losses(pl.concat([frame, again]))
    assert len(both.data) == len(alone_curves.losses(frame).data)


def test_a_language_without_the_others_has_its_own_curve_alone(frame):
    figure = alone_curves.losses(frame.filter(arm=ALONE))
    assert {trace.name for trace in lines(figure)} == {ALONE}


def test_nothing_is_said(frame):
    for part in (frame.clear(), frame.filter(arm=TOGETHER)):
        figure = alone_curves.losses(part)
        assert not figure.data
        assert "one language alone" in figure.layout.annotations[0].text


def test_a_campaign_is_drawn(tested_folder):
    frame = monolingual_results.losses(campaign_results.open_campaign(tested_folder))
    figure = alone_curves.losses(frame)
    assert len(lines(figure)) == 10
