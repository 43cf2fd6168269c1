"""What other thresholds change is drawn before beside after, and read beside its verdict."""

import polars as pl
import pytest

from xlmr_lab.cleaning_sample import COMPARED
from xlmr_lab.figures import paragraphs, rejudged

SCALED = 10


def counts(*rows: tuple[object, ...]) -> pl.DataFrame:
    """Return counts of language, before, after, bucket before and after, is_clean, number."""
    full = [(*row, row[-1]) for row in rows]
    frame = pl.DataFrame(full, schema=COMPARED, orient="row")
    return frame.with_columns(name=pl.col("language"))


@pytest.fixture
def frame() -> pl.DataFrame:
    """Of 10 paragraphs 5 are kept before, 4 of them clean, and 6 after, of 6 clean ones."""
    return counts(
        ("qaa", None, None, "head", "tail", True, 4),
        ("qaa", None, "too_short", "tail", None, False, 1),
        ("qaa", "not_text", None, None, "head", True, 2),
        ("qab", "not_text", "not_text", None, None, None, 3),
    )


def drawn(frame: pl.DataFrame) -> dict[tuple[str, str], dict[str, float]]:
    """Return the shares by panel and side."""
    figure = rejudged.compared(frame)
    titles = [note.text for note in figure.layout.annotations]
    marks = [trace for trace in figure.data if "markers" in trace.mode]
    return {
        (titles[i // 2], trace.legendgroup): dict(zip(trace.x, trace.y, strict=True))
        for i, trace in enumerate(marks)
    }


def test_the_shares_by_hand(frame: pl.DataFrame) -> None:
    shares = drawn(frame)
    assert shares["kept, by language", "before"] == {"qaa": pytest.approx(5 / 7, 1e-4), "qab": 0}
    assert shares["kept, by language", "after"]["qaa"] == pytest.approx(6 / 7, 1e-4)
    assert shares["rejected, by reason", "before"] == {"not text": 0.5, "too short": 0}
    assert shares["rejected, by reason", "after"] == {"not text": 0.3, "too short": 0.1}
    assert shares["kept, by perplexity", "before"] == {"head": 0.8, "middle": 0, "tail": 0.2}
    assert shares["against the truth", "before"] == pytest.approx(
        {"precision": 0.8, "recall": 4 / 6}, rel=1e-4
    )
    assert shares["against the truth", "after"] == {"precision": 1, "recall": 1}
    subtitle = rejudged.compared(frame).layout.title.text
    assert "Of 10 paragraphs 5 are kept by the study's thresholds, 6 by these (+1; 3 change)" in (
        subtitle
    )


def test_what_nobody_knows_is_not_drawn(frame: pl.DataFrame) -> None:
    blind = frame.with_columns(
        is_clean=pl.lit(None, pl.Boolean),
        bucket_before=pl.lit("all"),
        bucket_after=pl.lit("all"),
    )
    assert {title for title, _ in drawn(blind)} == {"kept, by language", "rejected, by reason"}


def test_a_sample_says_how_large_it_is(frame: pl.DataFrame) -> None:
    large = frame.with_columns(pl.col("num_paragraphs") * SCALED)
    title = rejudged.compared(large).layout.title.text
    assert "Of about 100 paragraphs" in title
    assert "from a sample of 10 paragraphs" in title
    assert drawn(large) == drawn(frame)


def test_without_paragraphs_the_picture_says_so() -> None:
    assert not rejudged.compared(counts()).data


ROWS = pl.DataFrame(
    [
        ("qaa", None, "too_short", None, True, "a <b> & c", "qaa 0.97, least 0.5"),
        ("qab", "mixed", None, "identify", None, "\u05d0\u05d1\u05d2", "halves <in> two"),
    ],
    schema=["language", "after", "before", "stage", "is_clean", "shown", "decided"],
    orient="row",
)


def test_paragraphs_stand_escaped_in_their_own_direction_with_what_decided() -> None:
    halves = ROWS.filter(pl.col("after").is_null()), ROWS.filter(pl.col("after").is_not_null())
    shown = paragraphs.Paragraphs(kept=halves[0], rejected=halves[1], totals=(1234, 1))
    html = shown._repr_html_()
    assert "kept: 1,234" in html
    assert "a &lt;b&gt; &amp; c" in html
    assert html.count("dir='auto'") == 2
    assert "was too short" in html
    assert "in truth clean" in html
    assert "identify: <b>mixed</b> &middot; halves &lt;in&gt; two" in html
    assert "was kept" in html


def test_an_empty_column_says_so() -> None:
    nothing = ROWS.clear()
    html = paragraphs.Paragraphs(kept=nothing, rejected=ROWS, totals=(0, 2))._repr_html_()
    assert "no paragraph here is kept" in html
