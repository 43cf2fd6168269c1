"""Verdicts on paragraphs compared: with those of other thresholds, and with the truth where it is
known.

A paragraph flips where one set of thresholds keeps it and another does not. Precision is the
share of the kept paragraphs that are clean, recall the share of the clean ones that were kept; both
are of paragraphs, whatever their length.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl

from xlmr_lab.figures import theme
from xlmr_lab.figures.cleaning import spaced
from xlmr_lab.figures.tables import Table, show

NO_TRUTH = "Nobody has labelled this text, so whether cleaning was right is not known here."


def flips(frame: pl.DataFrame, thresholds: Mapping[str, Any]) -> go.Figure:
    """Draw for each language the paragraphs that other thresholds would keep (up) or reject (down),
    by reason, from `cleaning_results.Cleaning.compared`.
    """
    read = pl.col("num_paragraphs").sum()
    languages = frame.group_by("language", "name", maintain_order=True).agg(read=read)
    languages = theme.labelled(languages)
    signed = _signed(frame).join(languages, on="language", maintain_order="left")
    told = ", ".join(f"{name} = {value}" for name, value in thresholds.items())
    title = f"With {told}" if told else "With the same thresholds"
    if signed.is_empty():
        return theme.empty("No verdict changes.", title=title, height=150)
    figure = go.Figure()
    for i, (reason, sign) in enumerate(_by_size(signed)):
        part = signed.filter((pl.col("reason") == reason) & (pl.col("sign") == sign))
        said = spaced(reason)
        figure.add_bar(
            x=part["label"].to_list(),
            y=theme.rounded(sign * part["num_paragraphs"] / part["read"]),
            name=f"no longer {said}" if sign > 0 else f"now {said}",
            marker={
                "color": theme.PALETTE[i % 8],
                "line": {"color": theme.PALETTE[i % 8], "width": 1},
                "pattern": {"shape": "/" if sign > 0 else ""},
            },
            customdata=part.select("language", "num_paragraphs").rows(),
            hovertemplate="%{customdata[0]}: %{customdata[1]:,} paragraphs (%{y:.2%})"
            "<extra></extra>",
        )
    figure.add_hline(y=0, line={"color": theme.GREY})
    figure.update_layout(barmode="relative", bargap=0.2, showlegend=True)
    figure.update_xaxes(**theme.categories(languages["label"]))
    figure.update_yaxes(title="share of paragraphs", tickformat="+.2~%")
    up, down = (int(signed.filter(sign=sign)["num_paragraphs"].sum()) for sign in (1, -1))
    judged = int(languages["read"].sum())
    subtitle = (
        f"Of {judged:,} measured paragraphs {up:,} more would be kept and {down:,} fewer; "
        "judged again from stored measures"
    )
    return theme.finish(figure, title=title, subtitle=subtitle, legend="verdict")


def truth(frame: pl.DataFrame) -> go.Figure:
    """Draw for each kind of paragraph the share that was kept, by language and altogether."""
    title = "Kept, by what a paragraph is"
    if frame.is_empty():
        return theme.empty(NO_TRUTH, title=title, height=150)
    shares = frame.with_columns(share=pl.col("num_kept") / pl.col("num_paragraphs"))
    kinds = frame.group_by("is_clean", "label").agg(pl.col("num_kept", "num_paragraphs").sum())
    kinds = kinds.sort("is_clean", "label", descending=[True, False])
    figure = go.Figure()
    figure.add_scatter(
        x=[spaced(label) for label in shares["label"]],
        y=theme.rounded(shares["share"]),
        name="a language",
        mode="markers",
        marker={"color": theme.FAINT, "size": 8},
        text=shares["language"].to_list(),
        hovertemplate="%{text}: %{y:.2%} kept<extra></extra>",
    )
    for is_clean, name, color in ((True, "clean", theme.GREEN), (False, "dirt", theme.VERMILION)):
        part = kinds.filter(is_clean=is_clean)
        share = part["num_kept"] / part["num_paragraphs"]
        figure.add_scatter(
            x=[spaced(label) for label in part["label"]],
            y=theme.rounded(share),
            name=f"{name}, all languages",
            mode="markers+text",
            text=[f"{value:.1%}" for value in share],
            textposition="middle right",
            marker={"color": color, "symbol": "diamond" if is_clean else "square", "size": 11},
            hovertemplate="%{x}: %{y:.2%} kept<extra></extra>",
        )
    figure.update_xaxes(**theme.categories(pl.Series([spaced(x) for x in kinds["label"]])))
    figure.update_yaxes(title="share kept", tickformat=".0%", range=[-0.05, 1.08])
    total = _rates(frame, [])
    subtitle = (
        f"Precision {total['precision'][0]:.2%}, recall {total['recall'][0]:.2%} "
        f"over {int(total['paragraphs'][0]):,} labelled paragraphs"
    )
    return theme.finish(figure, title=title, subtitle=subtitle)


def truth_table(frame: pl.DataFrame) -> Table:
    """Show precision and recall of keeping by language."""
    if frame.is_empty():
        return show(pl.DataFrame({"labelled paragraphs": ["none: the text is real"]}))
    caption = (
        "Precision: share of the kept paragraphs that are clean. Recall: share of the clean ones "
        "that were kept."
    )
    rates = _rates(frame, ("language", "name")).fill_nan(None)
    return show(rates, caption, {"precision": ".2%", "recall": ".2%"})


def _rates(frame: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    clean = pl.col("is_clean")
    right = pl.col("num_kept").filter(clean).sum()
    sums = {
        "paragraphs": pl.col("num_paragraphs").sum(),
        "clean": pl.col("num_paragraphs").filter(clean).sum(),
        "kept": pl.col("num_kept").sum(),
        "precision": right / pl.col("num_kept").sum(),
        "recall": right / pl.col("num_paragraphs").filter(clean).sum(),
    }
    if not by:
        return frame.select(**sums)
    return frame.group_by(*by, maintain_order=True).agg(**sums)


def _signed(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the paragraphs that flip, with the reason that goes (sign 1) or comes (-1)."""
    before, after = pl.col("before"), pl.col("after")
    gained = frame.filter(before.is_not_null() & after.is_null())
    lost = frame.filter(before.is_null() & after.is_not_null())
    both = pl.concat(
        [
            gained.select("language", "num_paragraphs", reason="before", sign=pl.lit(1)),
            lost.select("language", "num_paragraphs", reason="after", sign=pl.lit(-1)),
        ]
    )
    grouped = both.group_by("language", "reason", "sign", maintain_order=True)
    return grouped.agg(pl.col("num_paragraphs").sum())


def _by_size(signed: pl.DataFrame) -> list[tuple[str, int]]:
    """Return reasons with their sign, those of most paragraphs first."""
    groups = signed.group_by("reason", "sign").agg(pl.col("num_paragraphs").sum())
    ordered = groups.sort("num_paragraphs", "reason", "sign", descending=[True, False, False])
    return list(ordered.select("reason", "sign").iter_rows())
