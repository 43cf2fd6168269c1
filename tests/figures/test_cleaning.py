"""Figures of a cleaning draw the counts of their frames, and say so where nothing is known."""

import json
from collections.abc import Callable
from pathlib import Path

import plotly.graph_objects as go
import polars as pl
import pytest

from xlmr_lab import cleaning_results, results
from xlmr_lab.cleaning_results import Cleaning
from xlmr_lab.cleaning_tables import CONFUSION, PERPLEXITIES, SCORES, TRUTH
from xlmr_lab.figures import cleaning as draw
from xlmr_lab.figures import composition, verdicts


@pytest.fixture(scope="module")
def cleaning(study_folder: Path) -> Cleaning:
    return cleaning_results.open_cleaning(results.open_study(study_folder))


def title(figure: go.Figure) -> str:
    return str(figure.layout.title.text)


STAGES = pl.DataFrame(
    [
        ("qaa", "read", None, 100, 1.0),
        ("qaa", "filters", "too_short", 20, 0.2),
        ("qaa", "filters", None, 80, 0.8),
        ("qaa", "identify", None, 80, 0.8),
        ("qaa", "deduplicate", "duplicate", 30, 0.3),
        ("qaa", "deduplicate", None, 50, 0.5),
        ("qaa", "kept", None, 50, 0.5),
        ("qab", "read", None, 10, 1.0),
        ("qab", "filters", None, 10, 1.0),
        ("qab", "identify", "mixed", 1, 0.1),
        ("qab", "identify", None, 9, 0.9),
        ("qab", "deduplicate", None, 9, 0.9),
        ("qab", "kept", None, 9, 0.9),
    ],
    schema=("language", "stage", "reason", "num_paragraphs", "share"),
    orient="row",
).with_columns(name=pl.col("language"))


def test_the_waterfall_goes_down_from_read_to_kept_in_the_order_of_the_steps() -> None:
    figure = draw.waterfall(STAGES)
    bars = [(t.name, *x) for t in figure.data[1:-1] for x in zip(t.x, t.y, t.base, strict=True)]
    assert bars == [
        ("filters", "too short", 20, 90),
        ("identify", "mixed", 1, 89),
        ("deduplicate", "duplicate", 30, 59),
    ]
    assert (figure.data[0].y[0], figure.data[-1].y[0]) == (110, 59)
    assert "110 paragraphs read, 59 kept (53.6%)" in title(figure)


def test_losses_are_shares_of_a_language_and_empty_where_none() -> None:
    (heat,) = draw.losses(STAGES).data
    assert list(zip(heat.x, heat.y, heat.z, heat.text, strict=True)) == [
        ("qaa", "too short", -0.699, "20%"),
        ("qaa", "duplicate", -0.523, "30%"),
        ("qab", "mixed", -1, "10%"),
    ]
    rows = draw.losses(STAGES).layout.yaxis.categoryarray
    assert list(rows) == ["duplicate", "mixed", "too short"]
    assert "lost the most: qaa 50.0%, the least: qab 10.0%" in title(draw.losses(STAGES))
    assert not draw.losses(STAGES.filter(pl.col("reason").is_null())).data


def test_confusion_puts_abstaining_last() -> None:
    rows = [("en", "en", 3), ("en", "", 1), ("sw", "sw", 2), ("sw", "xx", 2)]
    figure = draw.confusion(pl.DataFrame(rows, schema=CONFUSION, orient="row"))
    (heat,) = figure.data
    assert list(figure.layout.xaxis.categoryarray) == ["en", "sw", "xx", "none"]
    assert list(figure.layout.yaxis.categoryarray) == ["sw", "en"]
    cells = list(zip(heat.y, heat.x, heat.text, strict=True))
    assert cells == [
        ("en", "en", "75%"),
        ("en", "none", "25%"),
        ("sw", "sw", "50%"),
        ("sw", "xx", "50%"),
    ]
    assert "8 held-back paragraphs: 62.5% named rightly, 12.5% not at all, 25.0%" in title(figure)


def test_scores_fall_from_all_to_none() -> None:
    rows = [("fastText", True, 0.5, 1), ("fastText", True, 0.9, 3), ("fastText", False, 0.2, 1)]
    figure = draw.scores(pl.DataFrame(rows, schema=SCORES, orient="row"))
    right, wrong = figure.data
    assert (list(right.x), list(right.y)) == ([0.9, 0.5, 0], [0.75, 1, 1])
    assert (list(wrong.x), list(wrong.y)) == ([0.2, 0], [1, 1])
    assert "fastText 20.0% of paragraphs" in title(figure)


def flips(*rows: tuple[str, str | None, str | None, int]) -> pl.DataFrame:
    types = dict.fromkeys(("language", "before", "after"), pl.String)
    frame = pl.DataFrame(rows, schema=types | {"num_paragraphs": pl.Int64}, orient="row")
    return frame.with_columns(name=pl.col("language"))


def test_flips_go_up_where_more_would_pass_and_down_where_fewer() -> None:
    frame = flips(
        ("qaa", None, None, 6),
        ("qaa", None, "too_short", 1),
        ("qaa", None, "too_short", 2),
        ("qaa", "not_text", None, 1),
        ("qaa", "empty", "not_text", 10),
    )
    figure = verdicts.flips(frame, {"min_paragraph_bytes": 20})
    assert {t.name: t.y[0] for t in figure.data} == {
        "now too short": -0.15,
        "no longer not text": 0.05,
    }
    assert "With min_paragraph_bytes = 20" in title(figure)
    assert "Of 20 measured paragraphs 1 more would be kept and 3 fewer" in title(figure)
    assert not verdicts.flips(flips(("qaa", None, None, 6)), {}).data


def test_precision_and_recall_by_hand() -> None:
    """Kept are 8 clean paragraphs of 10 and 2 of 6 others: precision 8/10, recall 8/10."""
    rows = [
        ("qaa", "clean", 10, 8, True),
        ("qaa", "copy", 4, 0, False),
        ("qaa", "menu", 2, 2, False),
    ]
    frame = pl.DataFrame(rows, schema=TRUTH, orient="row").with_columns(name=pl.lit("A"))
    figure = verdicts.truth(frame)
    assert "Precision 80.00%, recall 80.00% over 16 labelled paragraphs" in title(figure)
    clean, dirt = figure.data[1:]
    assert (list(clean.x), list(clean.y)) == (["clean"], [0.8])
    assert (list(dirt.x), list(dirt.y)) == (["copy", "menu"], [0, 1])
    shown = verdicts.truth_table(frame).frame
    assert shown.row(0, named=True) == {
        "language": "qaa",
        "name": "A",
        "paragraphs": 16,
        "clean": 10,
        "kept": 10,
        "precision": 0.8,
        "recall": 0.8,
    }


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        (lambda: draw.confusion(pl.DataFrame(schema=CONFUSION)), "No labelled text"),
        (lambda: draw.scores(pl.DataFrame(schema=SCORES)), "No paragraph"),
        (lambda: draw.perplexities(pl.DataFrame(schema=PERPLEXITIES)), "No language model"),
        (lambda: verdicts.truth(pl.DataFrame(schema=TRUTH)), "Nobody has labelled"),
    ],
)
def test_what_is_not_known_is_said(figure: Callable[[], go.Figure], message: str) -> None:
    drawn = figure()
    assert not drawn.data
    assert drawn.layout.annotations[0].text.startswith(message)


def test_a_table_of_no_truth_says_so() -> None:
    assert "none: the text is real" in verdicts.truth_table(pl.DataFrame())._repr_html_()


def test_the_stage_table_ends_with_what_was_kept() -> None:
    frame = composition.stage_table(STAGES).frame
    steps = ["read", "after filters", "after identify", "kept", "kept of the read"]
    assert frame.columns == ["language", "name", *steps]
    assert frame.rows() == [
        ("qaa", "qaa", 100, 80, 80, 50, 0.5),
        ("qab", "qab", 10, 10, 9, 9, 0.9),
    ]


def test_sizes_stand_over_the_papers(cleaning: Cleaning) -> None:
    frame = cleaning.against_paper()
    figure = composition.against_paper(frame)
    drawn = {x: y for t in figure.data if t.mode != "lines" for x, y in zip(t.x, t.y, strict=True)}
    expected = dict(frame.select("paper_gib", pl.col("size_bytes") / 2**20).rows())
    assert drawn == pytest.approx(expected, rel=1e-4)
    unknown = frame.with_columns(paper_gib=pl.lit(None, pl.Float64))
    assert not composition.against_paper(unknown).data


def test_lengths_and_scripts_are_drawn_for_every_language(cleaning: Cleaning) -> None:
    lengths = composition.lengths(cleaning.lengths())
    medians = [list(trace.y) for trace in lengths.data if trace.name == "median"]
    frame = cleaning.lengths()
    assert medians == [
        frame.filter(unit=unit)["p50_bytes"].to_list() for unit in ("document", "paragraph")
    ]
    totals: dict[str, float] = {}
    for trace in composition.scripts(cleaning.scripts()).data:
        for x, y in zip(trace.x, trace.y, strict=True):
            totals[x] = totals.get(x, 0) + y
    assert list(totals.values()) == pytest.approx([1] * 4, abs=1e-3)


FIGURES: dict[str, Callable[[Cleaning], go.Figure]] = {
    "waterfall": lambda c: draw.waterfall(c.stages()),
    "losses": lambda c: draw.losses(c.stages()),
    "confusion": lambda c: draw.confusion(c.confusion()),
    "scores": lambda c: draw.scores(c.scores()),
    "perplexities": lambda c: draw.perplexities(c.perplexities()),
    "flips": lambda c: verdicts.flips(
        c.compared({"min_paragraph_bytes": 60}), {"min_paragraph_bytes": 60}
    ),
    "truth": lambda c: verdicts.truth(c.truth()),
    "paper": lambda c: composition.against_paper(c.against_paper()),
    "lengths": lambda c: composition.lengths(c.lengths()),
    "scripts": lambda c: composition.scripts(c.scripts()),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_small_and_titled(name: str, cleaning: Cleaning) -> None:
    figure = FIGURES[name](cleaning)
    saved = json.dumps(json.loads(figure.to_json()))
    assert len(saved) < 60_000
    assert "bdata" not in saved
    assert figure.data
    assert title(figure)


def test_tables_write_every_row(cleaning: Cleaning) -> None:
    shown = draw.rejected(cleaning.rejected())._repr_html_()
    assert shown.count("<tr>") == 1 + cleaning.rejected().height
    assert composition.paper_table(cleaning.against_paper())._repr_html_().count("<tr>") == 5


def test_text_in_no_known_language_is_drawn_by_its_key() -> None:
    nameless = STAGES.with_columns(name=pl.lit(None, pl.String))
    assert list(draw.losses(nameless).layout.xaxis.categoryarray) == ["qaa", "qab"]
    assert composition.stage_table(nameless).frame.height == 2
    frame = flips(("und", "no_language", None, 1)).with_columns(name=pl.lit(None, pl.String))
    assert verdicts.flips(frame, {}).data[0].x[0] == "und"
