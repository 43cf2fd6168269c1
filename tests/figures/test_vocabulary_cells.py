"""F4's figures: loss by vocabulary at a constant body and at constant parameters."""

import polars as pl
import pytest

from xlmr_lab import campaign_results, claim_results
from xlmr_lab.ablations.claims.vocabularies import MARGIN
from xlmr_lab.figures import vocabulary_cells

BODY, SOLVED = "constant body", "constant parameters"
MODELS = {
    ("small", 500, 64, 100): (3.0, [BODY]),
    ("base", 1000, 64, 150): (2.5, [BODY, SOLVED]),
    ("large", 2000, 64, 200): (2.2, [BODY]),
    ("small wide", 500, 80, 151): (2.4, [SOLVED]),
    ("large narrow", 2000, 56, 149): (2.6, [SOLVED]),
}


@pytest.fixture
def frame():
    """Five models of two seeds, the second 0.1 above; two languages, the second a bit above."""
    return pl.DataFrame(
        [
            {"arm": arm, "cell": arm, "ids": ids, "width": width, "parameters": parameters}
            | {"line": line, "loss_of": "whole words", "seed": seed, "language": f"q{language}"}
            | {"name": f"q{language}", "tier": "high", "size_bytes": 9}
            | {"bits_per_byte": loss + 0.1 * seed + language}
            for (arm, ids, width, parameters), (loss, lines) in MODELS.items()
            for line in lines
            for seed in (0, 1)
            for language in (0, 1)
        ]
    )


def drawn(figure):
    return {trace.name: (list(trace.x), list(trace.y)) for trace in figure.data}


def test_two_lines_of_means_over_languages_share_the_base(frame):
    found = drawn(vocabulary_cells.losses(frame))
    assert found[BODY] == ([500, 1000, 2000], pytest.approx([3.55, 3.05, 2.75]))
    assert found[SOLVED] == ([500, 1000, 2000], pytest.approx([2.95, 3.05, 3.15]))


def test_over_parameters_lines_go_by_them(frame):
    found = drawn(vocabulary_cells.losses(frame, over="parameters"))
    assert found[SOLVED] == ([149, 150, 151], pytest.approx([3.15, 3.05, 2.95]))
    figure = vocabulary_cells.losses(frame, over="parameters")
    assert [text.strip() for text in figure.data[1].text] == ["2,000 ids", "1,000 ids", "500 ids"]


def test_widths_stand_where_they_differ(frame):
    body, solved = vocabulary_cells.losses(frame).data
    assert set(body.text) == {""}
    assert [text.strip() for text in solved.text] == ["width 80", "width 64", "width 56"]


def test_only_the_last_step_counts(frame):
    steps = pl.concat(
        [
            frame.with_columns(step=pl.lit(9)),
            frame.with_columns(pl.col("bits_per_byte") + 5, step=pl.lit(1)),
        ]
    )
    assert drawn(vocabulary_cells.losses(steps)) == drawn(vocabulary_cells.losses(frame))


def test_the_table_tells_gains_over_the_smallest_of_the_line(frame):
    shown = vocabulary_cells.table(frame).frame
    body = shown.filter(line=BODY)
    assert body["whole words"][0].startswith("3.5")
    assert gains(body["whole words, gain"]) == [None, 0.5, 0.8]
    solved = shown.filter(line=SOLVED)
    assert gains(solved["whole words, gain"]) == [None, -0.1, -0.2]


def gains(column):
    """Return the means of what is told."""
    first = [text and text.split("\u00a0")[0].replace("\u2212", "-") for text in column]
    return [text and float(text) for text in first]


def test_losses_of_other_models_stand_beside_with_a_gap(frame):
    pieces = frame.with_columns(loss_of=pl.lit("masked pieces"))
    words = frame.filter(pl.col("ids") != 1000)
    shown = vocabulary_cells.table(words, pieces).frame
    assert shown.height == 6
    base = shown.filter(line=BODY, ids=1000).row(0, named=True)
    assert base["whole words"] is None
    assert base["masked pieces"].startswith("3.0")
    assert gains(shown["masked pieces, gain"])[1] == 0.5


def test_nothing_is_said(frame):
    figure = vocabulary_cells.losses(frame.clear())
    assert "F4" in figure.layout.annotations[0].text
    assert "F4" in vocabulary_cells.table(frame.clear()).frame.item()
    assert vocabulary_cells.table(frame.clear(), frame).frame.height == 6


def test_one_line_alone_is_drawn(frame):
    found = drawn(vocabulary_cells.losses(frame.filter(line=BODY)))
    assert found[SOLVED] == ([], [])


def test_a_campaigns_vocabularies_are_drawn(tested_folder):
    tested = campaign_results.open_campaign(tested_folder)
    frame = claim_results.vocabularies(tested, words=False)
    assert drawn(vocabulary_cells.losses(frame))[BODY][0] == [500, 900, 1400, 1900]
    shown = vocabulary_cells.table(claim_results.vocabularies(tested), frame).frame
    assert shown.filter(line=BODY, ids=1900)["whole words"][0]


def test_raw_text_is_compared_with_tokenized_to_the_margin_of_the_claim(tested_folder):
    frame = claim_results.preprocessing(campaign_results.open_campaign(tested_folder))
    figure = vocabulary_cells.raw_or_tokenized(frame)
    assert len(figure.data) == 4
    assert -MARGIN in [shape.y0 for shape in figure.layout.shapes]
    assert "whole words" in figure.layout.title.text
