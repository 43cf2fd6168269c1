"""What other thresholds of cleaning change: shares kept and rejected, before beside after, and
precision and recall where the truth is known.

Frames are those of `cleaning_results.Cleaning.compared`. Paragraphs of a sample count as often as
others that they stand for.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from xlmr_lab.figures import theme
from xlmr_lab.figures.cleaning import spaced

TITLE = "Kept and rejected by other thresholds"

LOOKS = {
    "before": {"color": theme.GREY, "symbol": "circle-open", "size": 11, "line": {"width": 2}},
    "after": {"color": theme.BLUE, "symbol": "circle", "size": 8},
}
NAMES = {"before": "the study's thresholds", "after": "these thresholds"}
BUCKETS = ("head", "middle", "tail")
WRITTEN_PLACES = 12
"""Up to so many places of a panel the shares are written beside their marks."""


class Panel(NamedTuple):
    """Shares before and after in one part of the picture."""

    title: str
    places: Sequence[str]
    shares: Mapping[str, Sequence[float | None]]
    """A share for each place, before and after."""
    hover: Sequence[str]
    """What each place is called in full."""


def compared(frame: pl.DataFrame) -> go.Figure:
    """Draw the share of paragraphs that is kept, by language; rejected, by reason; in each bucket
    of perplexity; and against the truth: by the study's thresholds and by others.
    """
    if frame.is_empty():
        return theme.empty("There are no measured paragraphs.", title=TITLE, height=150)
    panels = [_kept(frame), _rejected(frame), _buckets(frame), _truth(frame)]
    drawn = [panel for panel in panels if panel.places]
    figure = make_subplots(
        cols=len(drawn),
        column_widths=[min(24, 2 + len(panel.places)) for panel in drawn],
        horizontal_spacing=0.07,
        subplot_titles=[panel.title for panel in drawn],
    )
    figure.update_annotations(font_size=13)
    for place, panel in enumerate(drawn, 1):
        _add(figure, panel, place)
    figure.update_yaxes(title="share of paragraphs", title_standoff=6, title_font_size=13, col=1)
    return theme.finish(figure, title=TITLE, subtitle=told(frame), height=390).update_layout(
        legend={"orientation": "h", "x": 0, "y": -0.3, "yanchor": "top"}
    )


def told(frame: pl.DataFrame) -> str:
    """Say how many paragraphs are kept before and after, and of how many that is estimated."""
    total, judged = (int(frame[name].sum()) for name in ("num_paragraphs", "num_judged"))
    before, after = (_number(frame.filter(pl.col(side).is_null())) for side in NAMES)
    about = "about " if judged < total else ""
    text = f"Of {about}{total:,} paragraphs {before:,} are kept by the study's thresholds, "
    if changed := _number(frame.filter(pl.col("before").is_null() != pl.col("after").is_null())):
        text += f"{after:,} by these ({theme.lettered(f'{after - before:+,}')}; {changed:,} change)"
    else:
        text += "and the same by these"
    if judged < total:
        text += (
            f"<br>Estimated from a sample of {judged:,} paragraphs; duplicates are looked for "
            "within it, so fewer are found than in all"
        )
    return text


def _kept(frame: pl.DataFrame) -> Panel:
    languages = frame.select("language", "name").unique(maintain_order=True)
    labelled = theme.labelled(languages)
    total = pl.col("num_paragraphs").sum()
    shares = frame.group_by("language", maintain_order=True).agg(
        (pl.col("num_paragraphs").filter(pl.col(side).is_null()).sum() / total).alias(side)
        for side in NAMES
    )
    return Panel(
        "kept, by language",
        labelled["label"].to_list(),
        {side: shares[side].to_list() for side in NAMES},
        [f"{key}, kept" for key in shares["language"]],
    )


def _rejected(frame: pl.DataFrame) -> Panel:
    total = _number(frame)
    counts = {
        side: dict(
            frame.filter(pl.col(side).is_not_null())
            .group_by(side)
            .agg(pl.col("num_paragraphs").sum())
            .iter_rows()
        )
        for side in NAMES
    }
    found = sorted(
        set(counts["before"]) | set(counts["after"]),
        key=lambda reason: (-counts["before"].get(reason, 0), reason),
    )
    shares = {side: [counts[side].get(name, 0) / total for name in found] for side in NAMES}
    names = [spaced(reason) for reason in found]
    return Panel("rejected, by reason", names, shares, names)


def _buckets(frame: pl.DataFrame) -> Panel:
    shares = {}
    for side in NAMES:
        known = frame.filter(pl.col(f"bucket_{side}").is_in(BUCKETS))
        whole = max(1, _number(known))
        shares[side] = [
            _number(known.filter(pl.col(f"bucket_{side}") == b)) / whole for b in BUCKETS
        ]
    known_at_all = any(map(any, shares.values()))
    hover = [f"{bucket} of the kept" for bucket in BUCKETS]
    return Panel("kept, by perplexity", BUCKETS if known_at_all else (), shares, hover)


def _truth(frame: pl.DataFrame) -> Panel:
    known = frame.filter(pl.col("is_clean").is_not_null())
    clean = known.filter("is_clean")
    shares = {}
    for side in NAMES:
        kept = pl.col(side).is_null()
        right = _number(clean.filter(kept))
        wholes = _number(known.filter(kept)), _number(clean)
        shares[side] = [right / whole if whole else None for whole in wholes]
    places = () if known.is_empty() else ("precision", "recall")
    hover = ("of the kept are clean", "of the clean are kept")
    return Panel("against the truth", places, shares, hover)


def _add(figure: go.Figure, panel: Panel, place: int) -> None:
    """Draw the marks of a panel, and from before to after a line."""
    ends = list(zip(panel.places, *(panel.shares[side] for side in NAMES), strict=True))
    figure.add_scatter(
        x=[x for name, _, _ in ends for x in (name, name, None)],
        y=[y for _, *pair in ends for y in (*map(_rounded, pair), None)],
        mode="lines",
        line={"color": theme.BLUE, "width": 2},
        hoverinfo="skip",
        showlegend=False,
        row=1,
        col=place,
    )
    beside = ["bottom center" if _falls(*pair) else "top center" for _, *pair in ends]
    is_written = len(panel.places) <= WRITTEN_PLACES
    for side, name in NAMES.items():
        shares = panel.shares[side]
        figure.add_scatter(
            x=list(panel.places),
            y=[_rounded(share) for share in shares],
            name=name,
            legendgroup=side,
            showlegend=place == 1,
            mode="markers+text" if side == "after" and is_written else "markers",
            text=["" if share is None else f"{100 * share:.3g}%" for share in shares],
            textposition=list(beside),
            textfont={"size": 11},
            marker=LOOKS[side],
            customdata=list(panel.hover),
            hovertemplate=f"%{{y:.2%}} %{{customdata}}, {name}<extra></extra>",
            row=1,
            col=place,
        )
    values = [share for side in NAMES for share in panel.shares[side] if share is not None]
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = 0.12 * max(0.02, high - min(low, 0.9 * high))
    figure.update_xaxes(**theme.categories(pl.Series(panel.places)), row=1, col=place)
    begin = low - 2 * room if low > high / 2 else -2 * room
    figure.update_yaxes(range=[begin, high + 2 * room], tickformat=".3~%", row=1, col=place)


def _falls(before: float | None, after: float | None) -> bool:
    return before is not None and after is not None and after < before


def _rounded(share: float | None) -> float | None:
    return None if share is None else float(f"{share:.5g}")


def _number(frame: pl.DataFrame) -> int:
    return int(frame["num_paragraphs"].sum())
