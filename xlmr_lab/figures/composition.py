"""What a cleaned corpus is made of: sizes beside the paper's, lengths, scripts, what each step left
(XLM-R Sec. 3, Table 6, Figure 1).
"""

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from xlmr_lab.figures import theme
from xlmr_lab.figures.cleaning import dash
from xlmr_lab.figures.tables import Table, show

MIB = 2**20


def against_paper(frame: pl.DataFrame) -> go.Figure:
    """Draw each language's size here over its size in XLM-R Table 6, misprints corrected."""
    title = "Sizes beside the paper's"
    known = frame.filter(pl.col("paper_gib").is_not_null())
    if known.is_empty():
        return theme.empty("The paper has none of these languages.", title=title, height=150)
    figure, crowded = go.Figure(), len(known) > theme.MAX_LABELS
    ordered = known.sort("paper_gib", "language")["language"].to_list()
    above = {key: ("top", "bottom")[place % 2] for place, key in enumerate(ordered)}
    palette, symbols = theme.colors(known["tier"], "tier"), theme.symbols(known["tier"], "tier")
    for tier in theme.order(known["tier"], "tier"):
        for in_figure in (True, False):
            part = known.filter((pl.col("tier") == tier) & (pl.col("in_wikipedia_88") == in_figure))
            look = symbols[tier] + ("" if in_figure else "-open")
            if part.is_empty():
                continue
            figure.add_scatter(
                x=theme.rounded(part["paper_gib"]),
                y=theme.rounded(part["size_bytes"] / MIB),
                name=tier if in_figure else f"{tier}, not in Figure 1",
                mode="markers" if crowded else "markers+text",
                text=part["language"].to_list(),
                textposition=[f"{above[key]} center" for key in part["language"]],
                textfont={"size": 10},
                marker={"color": palette[tier], "symbol": look, "size": 9},
                customdata=part.select("name", "ratio").rows(),
                hovertemplate="%{customdata[0]}: %{y:,.3~g} MiB here, %{x:,.3~g} GiB in the paper, "
                "%{customdata[1]:.2~g} times its share<extra></extra>",
            )
    line = _add_equal_shares(figure, known)
    drawn = [*(known["size_bytes"] / MIB), *line]
    figure.update_xaxes(title="GiB in the paper", **theme.logarithmic(known["paper_gib"]))
    figure.update_yaxes(title="MiB here", **theme.logarithmic(drawn))
    most = known.sort("ratio", descending=True).row(0, named=True)
    subtitle = (
        f"{len(known)} of {len(frame)} languages; on the line a share is the paper's. "
        f"Furthest above: {most['language']}, {theme.significant(most['ratio'])} times its share"
    )
    return theme.finish(figure, title=title, subtitle=subtitle, height=460, legend="resource tier")


def paper_table(frame: pl.DataFrame) -> Table:
    """Show sizes, shares and ranks beside the paper's."""
    shown = frame.select(
        "language",
        "name",
        pl.col("size_bytes").alias("bytes"),
        "share",
        "rank",
        pl.col("paper_printed_gib").alias("paper GiB, printed"),
        pl.col("paper_gib").alias("paper GiB, corrected"),
        pl.col("paper_share").alias("paper's share"),
        pl.col("paper_rank").alias("paper's rank"),
        pl.col("ratio").alias("share / paper's"),
        pl.col("in_wikipedia_88").replace_strict({True: "yes", False: "no"}).alias("in Figure 1"),
    )
    shares = {"share": ".3%", "paper's share": ".3%", "share / paper's": ",.3g"}
    gib = dict.fromkeys(("paper GiB, printed", "paper GiB, corrected"), ",.1f")
    caption = "Shares and ranks are among the languages that both have. Paper: XLM-R Table 6."
    return show(shown, caption, shares | gib)


def stage_table(frame: pl.DataFrame) -> Table:
    """Show how many paragraphs each language had after each step of cleaning."""
    left = frame.filter(pl.col("reason").is_null())
    order = left["stage"].unique(maintain_order=True).to_list()
    took = set(frame.filter(pl.col("reason").is_not_null())["stage"])
    did = [stage for stage in order if stage in took]
    stages = ["read", *did[:-1], "kept"]
    wide = left.filter(pl.col("stage").is_in(stages)).pivot(
        "stage", index=["language", "name"], values="num_paragraphs", maintain_order=True
    )
    share = (pl.col("kept") / pl.col("read")).alias("kept of the read")
    renamed = wide.with_columns(share).rename({stage: f"after {stage}" for stage in stages[1:-1]})
    caption = "Paragraphs that were left after each step that took any away."
    return show(renamed, caption, {"kept of the read": ".1%"})


def lengths(frame: pl.DataFrame) -> go.Figure:
    """Draw the lengths of each language's documents, above, and paragraphs, below."""
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08)
    frame = theme.labelled(frame)
    for row, unit in enumerate(("document", "paragraph"), 1):
        part = frame.filter(unit=unit)
        for low, high, width in (("p05", "p95", 2), ("p25", "p75", 7)):
            _add_range(figure, part, (low, high), width, row)
        figure.add_scatter(
            x=part["label"].to_list(),
            y=part["p50_bytes"].to_list(),
            name="median",
            legendgroup="p50",
            showlegend=row == 1,
            mode="markers",
            marker=dash(theme.INK, len(part)),
            customdata=part.select("name", "num", "p05_bytes", "p95_bytes").rows(),
            hovertemplate=f"%{{customdata[0]}}: median %{{y:,}} bytes of %{{customdata[1]:,}} "
            f"{unit}s (%{{customdata[2]:,}} to %{{customdata[3]:,}})<extra></extra>",
            row=row,
            col=1,
        )
        drawn = [*part["p05_bytes"], *part["p95_bytes"]]
        figure.update_yaxes(title=f"bytes of<br>a {unit}", **theme.logarithmic(drawn), row=row)
    figure.update_xaxes(**theme.categories(frame["label"]))
    number = int(frame.filter(unit="document")["num"].sum())
    subtitle = f"{number:,} documents; scripts differ in bytes per letter, so compare within one"
    return theme.finish(figure, title="How long texts are", subtitle=subtitle, height=480)


def scripts(frame: pl.DataFrame) -> go.Figure:
    """Draw the scripts of each language's letters."""
    frame = theme.folded(theme.labelled(frame), "script")
    totals = frame.group_by("language", "label", "script", maintain_order=True).agg(
        pl.col("share").sum()
    )
    palette = theme.colors(totals["script"], "script")
    figure = go.Figure()
    for i, script in enumerate(theme.order(totals["script"], "script")):
        part = totals.filter(script=script)
        figure.add_bar(
            x=part["label"].to_list(),
            y=theme.rounded(part["share"]),
            name=script,
            marker={
                "color": palette[script],
                "pattern": {"shape": "" if i < len(theme.PALETTE) else "/"},
            },
            hovertemplate=f"%{{x}}, {script}: %{{y:.2%}} of the letters<extra></extra>",
        )
    figure.update_layout(barmode="stack", bargap=0.15)
    figure.update_xaxes(**theme.categories(frame["label"]))
    figure.update_yaxes(title="share of letters", tickformat=".0%", range=[0, 1])
    main = totals.sort("share", descending=True).unique("language", keep="first")
    mixed = main.sort("share", "language").row(0, named=True)
    subtitle = f"Most mixed: {mixed['language']}, {mixed['share']:.1%} in its main script"
    return theme.finish(
        figure, title="Scripts", subtitle=subtitle, height=430, legend="script (ISO 15924)"
    )


def _add_range(
    figure: go.Figure, part: pl.DataFrame, ends: tuple[str, str], width: int, row: int
) -> None:
    """Draw a line between two quantiles of each language."""
    xs: list[str | None] = []
    ys: list[int | None] = []
    for label, low, high in part.select("label", *(f"{end}_bytes" for end in ends)).iter_rows():
        xs += [label, label, None]
        ys += [low, high, None]
    figure.add_scatter(
        x=xs,
        y=ys,
        name=" to ".join(f"{int(end[1:])} %" for end in ends),
        legendgroup=ends[0],
        showlegend=row == 1,
        mode="lines",
        line={"color": theme.SKY if width == 2 else theme.BLUE, "width": width},
        hoverinfo="skip",
        row=row,
        col=1,
    )


def _add_equal_shares(figure: go.Figure, known: pl.DataFrame) -> list[float]:
    """Draw the line on which a language has the paper's share, and return the heights of its
    ends.
    """
    scale = float(known["size_bytes"].sum()) / MIB / float(known["paper_gib"].sum())
    sizes = known["paper_gib"].sort().to_list()
    ends = [sizes[0], sizes[-1]]
    heights = [end * scale for end in ends]
    figure.add_scatter(
        x=ends,
        y=heights,
        name="the paper's share",
        mode="lines",
        line={"color": theme.GREY, "dash": "dot"},
        hoverinfo="skip",
    )
    return heights
