"""Pictures of predictions count what they are given, and show right and wrong as such."""

import html
import re
from typing import Any

import polars as pl

from xlmr_lab.figures import hidden_text, prediction, theme

GUESSED = pl.DataFrame(
    [
        (0, "\u2581a", 1, 0.6, True),
        (0, "\u2581a", 2, 0.4, True),
        (0, "<b>", 1, 0.2, False),
        (0, "<b>", 2, 0.3, False),
        (1, "\u2581c", 1, 0.9, False),
        (1, "\u2581c", 2, 0.7, False),
        (1, "d", 1, 0.05, True),
        (1, "d", 2, 0.05, True),
    ],
    schema=("mask", "piece", "seed", "probability", "stood"),
    orient="row",
)


def judged(*rows: tuple[int, float, float, bool], **columns: Any) -> pl.DataFrame:
    """Return judged tokens: rank, confidence, frequency, whether it is the commonest piece."""
    told = {"language": "qaa", "name": "Avelo", "tier": "high", "size_bytes": 9, "seed": 1}
    return pl.DataFrame(
        [
            dict(zip(("rank", "confidence", "frequency", "commonest"), row, strict=True))
            | told
            | columns
            for row in rows
        ]
    )


ROWS = (
    (1, 0.95, 0.05, True),
    (1, 0.55, 2e-4, False),
    (3, 0.5, 2e-4, False),
    (90, 0.05, 0.0, False),
)


def test_a_bar_is_the_mean_of_the_models_and_a_dot_is_one_of_them() -> None:
    figure = prediction.guesses(GUESSED)
    bars, dots, *_ = figure.data
    assert list(bars.x) == [0.5, 0.25]
    assert list(bars.y) == ["\u2581a", "&lt;b&gt;"]
    assert list(bars.marker.color) == [theme.GREEN, theme.SKY]
    assert list(dots.x) == [0.6, 0.4, 0.2, 0.3]
    assert "first choice at 1 of 2 masks" in figure.layout.title.text


def test_of_many_masks_the_first_are_drawn() -> None:
    many = pl.concat(
        [GUESSED.filter(mask=0).with_columns(mask=pl.lit(i, pl.Int64)) for i in range(9)]
    )
    figure = prediction.guesses(many)
    assert len(figure.data) == 2 * prediction.MAX_MASKS
    assert "the first 6 masks" in figure.layout.title.text
    assert not prediction.guesses(GUESSED.head(0)).data


def test_nobody_knows_what_stood_in_a_typed_text() -> None:
    figure = prediction.guesses(GUESSED.with_columns(stood=False))
    assert "Green" not in figure.layout.title.text


def test_accuracy_stands_beside_that_of_the_commonest_piece() -> None:
    five, first, commonest = prediction.by_language(judged(*ROWS)).data
    assert (list(five.y), list(first.y), list(commonest.y)) == ([0.75], [0.5], [0.25])
    assert "+25.0 points" in prediction.by_language(judged(*ROWS)).layout.title.text


def test_accuracy_by_frequency_goes_from_rare_to_common() -> None:
    figure = prediction.by_frequency(judged(*ROWS))
    (line,) = figure.data
    assert list(line.x) == ["under 0.01 %", "0.01 % to 0.1 %", "1 % to 10 %"]
    assert list(line.y) == [0, 0.5, 1]
    assert list(figure.layout.xaxis.categoryarray) == list(line.x)


def test_ranks_count_up_to_all() -> None:
    (line,) = prediction.by_rank(judged(*ROWS)).data
    found = dict(zip(line.x, line.y, strict=True))
    assert (found[1], found[3], found[50], found[100]) == (0.5, 0.75, 0.75, 1.0)


def test_a_model_that_knows_what_it_knows_lies_on_the_diagonal() -> None:
    sure = [(1, 0.75, 0.1, False)] * 3 + [(2, 0.75, 0.1, False)]
    (line,) = prediction.calibration(judged(*sure)).data
    assert list(line.x) == list(line.y) == [0.75]
    assert list(line.customdata) == [4]


def test_the_axes_end_where_an_unsure_model_does() -> None:
    """Its dots would else lie in a corner."""
    unsure = prediction.calibration(judged((2, 0.1, 0.1, False), (3, 0.05, 0.1, False)))
    assert unsure.layout.xaxis.range[1] < 0.2
    assert prediction.calibration(judged((1, 0.95, 0.1, True))).layout.xaxis.range[1] == 1


def test_seeds_make_an_interval() -> None:
    frame = pl.concat([judged(*ROWS, seed=1), judged(*ROWS[:2], *ROWS[:2], seed=2)])
    _, first, _ = prediction.by_language(frame).data
    assert first.error_y.array[0] > 0
    assert "4 hidden tokens" in prediction.by_language(frame).layout.title.text


def lines(shown: str) -> list[str]:
    found = re.findall(r"overflow-wrap:anywhere'>(.*?)</div>", shown, re.DOTALL)
    return [html.unescape(re.sub("<[^>]*>", "", line)) for line in found]


def test_a_text_is_shown_hidden_and_filled() -> None:
    pieces = ["<s>", "\u2581x", "<mask>", "\u2581y", "<mask>", "</s>"]
    shown = hidden_text.shown(pieces, GUESSED)._repr_html_()
    assert lines(shown) == [" x <mask 1> y <mask 2>", " x a y c"]
    assert f"title='50.0%, stood there: \u2581a' style='background:{hidden_text.RIGHT}" in shown
    assert f"title='80.0%, stood there: d' style='background:{hidden_text.WRONG}" in shown


def test_a_text_from_right_to_left_runs_so() -> None:
    pieces = ["<s>", "\u2581\u05d0", "<mask>", "</s>"]
    open_ = GUESSED.filter(mask=0).with_columns(stood=False)
    shown = hidden_text.shown(pieces, open_)._repr_html_()
    assert shown.count("<div dir='rtl'") == 2
    assert f"<bdi title='50.0%' style='background:{hidden_text.OPEN}" in shown
