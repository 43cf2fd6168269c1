"""The paper's claims as tested by a study: effects with intervals, verdicts, and the paper's own
numbers beside them.

A verdict comes from the data by a rule that the study states; nothing here decides. The paper's
numbers are read from its tables, so a correction there shows here. Where the paper has no number
for what was measured, the cell is empty.
"""

import re
import textwrap
from collections.abc import Callable

import plotly.graph_objects as go
import polars as pl

from xlmr_lab.figures import theme
from xlmr_lab.figures.tables import Table, show, with_interval
from xlmr_lab.figures.theme import lettered
from xlmr_lab.paper import tables

LABEL_LETTERS = 42
"""A longer label is broken into lines."""
SYMBOLS = {"supported": "circle", "contradicted": "x", "inconclusive": "circle-open"}


def forest(findings: pl.DataFrame) -> go.Figure:
    """Draw each finding's effect with its 95 % interval, coloured by verdict."""
    figure = go.Figure()
    label = pl.col("claim").map_elements(_label, return_dtype=pl.String)
    rows = findings.with_columns(label=label).reverse()
    for verdict, color in theme.VERDICT_COLORS.items():
        part = rows.filter(pl.col("verdict") == verdict)
        figure.add_scatter(
            x=theme.rounded(part["effect"]),
            y=part["label"].to_list(),
            error_x={
                "type": "data",
                "symmetric": False,
                "array": theme.rounded(part["high"] - part["effect"]),
                "arrayminus": theme.rounded(part["effect"] - part["low"]),
                "thickness": 1.5,
            },
            name=verdict,
            mode="markers",
            marker={"color": color, "symbol": SYMBOLS[verdict], "size": 11},
            customdata=part.select("outcome", "num_pairs").rows(),
            hovertemplate="%{y}<br>%{customdata[0]}: %{x:+.4f} "
            "(%{customdata[1]} pairs)<extra></extra>",
        )
    figure.add_vline(x=0, line={"color": theme.GREY, "dash": "dot"})
    figure.update_xaxes(title="effect, in the unit of each outcome", zeroline=False)
    figure.update_yaxes(categoryorder="array", categoryarray=rows["label"].to_list())
    counts = [f"{len(findings.filter(pl.col('verdict') == v))} {v}" for v in theme.VERDICT_COLORS]
    height = 180 + 56 * len(findings)
    subtitle = "95 % intervals over seeds; " + ", ".join(counts)
    return theme.finish(
        figure, title="What came out", subtitle=subtitle, height=height, legend="verdict"
    )


def table(findings: pl.DataFrame) -> Table:
    """Show the findings beside what the paper reports."""
    text = pl.col("claim", "contrast", "outcome").map_elements(unbroken, return_dtype=pl.String)
    findings = findings.with_columns(text)
    reported = [unbroken(in_paper(name)) for name in findings["id"]]
    before = [None, *reported[:-1]]
    shown = findings.select(
        pl.format("{} (Sec. {})", "claim", "section").alias("claim"),
        pl.format("{}: {}; {} pairs", "outcome", "contrast", "num_pairs").alias("measured here"),
        pl.Series(
            "effect [95\u00a0% interval]", with_interval(findings, "effect"), dtype=pl.String
        ),
        pl.concat_str(
            "verdict",
            pl.col("lean", "note").replace("", None),
            separator="; ",
            ignore_nulls=True,
        ).str.replace("; leans", ", leans"),
        pl.Series(
            "in the paper",
            ["as above" if a and a == b else a for a, b in zip(reported, before, strict=True)],
            dtype=pl.String,
        ),
    )
    scales = findings["scale"].unique(maintain_order=True).to_list()
    return show(shown, f"Scale of this study: {'; '.join(map(str, scales))}.")


def unbroken(text: str) -> str:
    """Keep series of numbers and what a letter equals on one line."""
    return re.sub(r" (/|×|=) ", "\u00a0\\1\u00a0", lettered(text))


def in_paper(identifier: str) -> str:
    """Return what the paper's tables report on a finding of this id; empty where nothing.

    >>> in_paper("F3")
    'XNLI at α 0.01 / 0.3 / 0.7 / 1: low 58 / 57 / 52 / 49, high 72 / 74 / 75 / 75 (Fig. 5, read)'
    """
    for name, describe in PAPER.items():
        if identifier == name or identifier.startswith(f"{name}-"):
            return describe()
    return ""


def _alpha() -> str:
    low, high = _series("fig5", "low"), _series("fig5", "high")
    return f"XNLI at α 0.01 / 0.3 / 0.7 / 1: low {low}, high {high} (Fig. 5, read)"


def _languages() -> str:
    low, high = _series("fig2", "low"), _series("fig2", "high")
    return f"XNLI at 7 / 15 / 30 / 60 / 100 languages: low {low}, high {high} (Fig. 2, read)"


def _xnli() -> str:
    rows = [
        row
        for row in tables.read("xnli_table1")
        if row["version"] == "v2/ACL" and row["setting"] == "zero-shot"
    ]
    means = [f"{row['model']} {row['avg_recomputed']}" for row in rows if row["data"] == "CC"]
    return f"zero-shot XNLI, mean of 15 languages: {', '.join(means)} (Table 1)"


def _ner() -> str:
    rows = [
        row
        for row in tables.read("ner_table2")
        if row["version"] == "v2/ACL" and row["model"] == "XLM-R"
    ]
    means = [f"trained on {row['train']} {row['avg_printed']}" for row in rows]
    return f"NER F1, mean of 4 languages: {', '.join(means)} (Table 2)"


def _series(figure: str, series: str) -> str:
    rows = [r for r in tables.read("figures2_7") if r["figure"] == figure and r["series"] == series]
    return " / ".join(f"{row['xnli_acc']:g}" for row in rows)


def _label(claim: str) -> str:
    return "<br>".join(textwrap.wrap(lettered(claim), LABEL_LETTERS))


PAPER: dict[str, Callable[[], str]] = {
    "F1": _languages,
    "F3": _alpha,
    "F8": _xnli,
    "F9": _ner,
    "transfer-nli": _xnli,
    "transfer-ner": _ner,
}
"""Findings on which the paper has numbers, by id; a part of one has a suffix after a dash."""
