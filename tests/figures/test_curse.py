"""Losses by number of languages: values by hand, and what is drawn where something is missing."""

import plotly.graph_objects as go
import pytest
from made_curse import made

from xlmr_lab import campaign_results, capacity_results
from xlmr_lab.figures import curse


def line(figure: go.Figure, name: str) -> tuple[list[int], list[float]]:
    (trace,) = [trace for trace in figure.data if trace.name == name]
    return list(trace.customdata), list(trace.y)


def names(figure: go.Figure) -> list[str]:
    return [trace.name for trace in figure.data]


def message(figure: go.Figure) -> str:
    assert not figure.data
    return figure.layout.annotations[0].text


def test_a_tier_is_the_mean_of_its_languages_at_the_last_step_of_the_base_width() -> None:
    figure = curse.by_languages(made())
    assert names(figure) == ["high (1)", "mid (1)", "low (2)", "all (4)"]
    counts, losses = line(figure, "low (2)")
    assert counts == [7, 14, 28, 56]
    assert losses == pytest.approx([2.26, 2.361, 2.462, 2.563])
    assert line(figure, "high (1)")[1][0] == pytest.approx(2.01)


def test_bars_are_intervals_over_seeds() -> None:
    """Losses of three seeds are 0.01 apart: 4.303 * 0.01 / sqrt(3)."""
    (trace,) = [trace for trace in curse.by_languages(made()).data if trace.name == "high (1)"]
    assert trace.error_y.array[0] == pytest.approx(4.303 * 0.01 / 3**0.5, rel=1e-3)
    assert trace.error_y.arrayminus[0] == pytest.approx(trace.error_y.array[0])


def test_a_change_is_paired_by_seed() -> None:
    """Seeds differ in level by 0.01 and in slope by 0.001: only the latter is left."""
    figure = curse.by_languages(made(), reference=7)
    _, losses = line(figure, "low (2)")
    assert losses == pytest.approx([0, 0.101, 0.202, 0.303])
    (trace,) = [trace for trace in figure.data if trace.name == "low (2)"]
    assert trace.error_y.array[1] == pytest.approx(4.303 * 0.001 / 3**0.5, rel=1e-3)


def test_widths_are_lines_and_changes_are_within_a_width() -> None:
    figure = curse.by_languages(made(), group="width")
    assert names(figure) == ["64", "96", "128"]
    assert line(figure, "96")[0] == [28]
    assert line(figure, "128")[0] == [7, 56]
    figure = curse.by_languages(made(), group="width", reference=7)
    assert names(figure) == ["64", "128"]
    assert line(figure, "128")[1][1] == pytest.approx(0.303 - 0.02 * 3 * 2)
    assert "no change is known at width 96" in figure.layout.title.text


def test_a_width_can_be_chosen_and_languages_filtered() -> None:
    figure = curse.by_languages(made(), group="width", width=128, where={"tier": ["high"]})
    assert names(figure) == ["128"]
    assert line(figure, "128")[1][0] == pytest.approx(2.01 - 0.4)


def test_single_seeds_are_dots_beside_the_mean() -> None:
    figure = curse.by_languages(made(), group="language", seeds=True)
    (trace,) = [trace for trace in figure.data if trace.name == "QAA, single seeds"]
    assert len(trace.x) == 12
    assert sorted(trace.y)[0] == pytest.approx(2.0)


def test_lines_keep_their_look_where_others_are_filtered_out() -> None:
    whole = curse.by_languages(made(), group="width")
    part = curse.by_languages(made(), group="width", reference=7)
    looks = {trace.name: trace.line.color for trace in whole.data}
    assert all(looks[trace.name] == trace.line.color for trace in part.data)


def test_what_is_not_there_is_said() -> None:
    assert message(curse.by_languages(made([]))) == curse.NOTHING
    assert "has width 70; there are 64, 96" in message(curse.by_languages(made(), width=70))
    assert message(curse.by_languages(made(), where={"tier": ["none"]})) == curse.FILTERED
    assert "No run has 8 languages" in message(curse.by_languages(made(), reference=8))


def test_one_cell_and_one_seed_are_drawn_without_bars() -> None:
    figure = curse.by_languages(made([(7, 64)], seeds=1))
    assert line(figure, "all (4)") == ([7], pytest.approx([2.15]))
    assert figure.data[0].error_y.array[0] is None


def test_a_campaign_is_drawn(tested_folder) -> None:
    frame = capacity_results.cells(campaign_results.open_campaign(tested_folder))
    figure = curse.by_languages(frame)
    counts, losses = line(figure, "all (7)")
    assert counts == [7, 15, 30, 60]
    assert losses == sorted(losses)


def test_the_width_of_most_counts_is_taken() -> None:
    assert curse.most_common_width(made([(7, 64), (7, 128), (14, 128)])) == 128
    assert curse.most_common_width(made([(7, 96), (7, 64)])) == 64
