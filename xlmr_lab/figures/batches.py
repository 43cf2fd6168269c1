"""What a batch is: blocks of one language each, masked; the languages of batches; documents and
what padding them would cost (XLM-R Sec. 3, RoBERTa Sec. 4.2).

Frames are those of `batch_results`.
"""

import itertools

import plotly.graph_objects as go
import polars as pl

from xlmr_lab.figures import theme

CODES = {
    "seen": ("seen, not predicted", "#dfe5ec"),
    "special": ("<s> and </s>", theme.INK),
    "masked": ("<mask>", theme.BLUE),
    "random": ("random piece", theme.VERMILION),
    "kept": ("kept, predicted", theme.GREEN),
}
"""The colour of a token by its fate."""
ROW_PIXELS = 13
PADDINGS = {
    "packed": ("stream cut into blocks", theme.BLUE),
    "to_block": ("a document a row, padded to a block", theme.ORANGE),
    "to_longest": ("whole, padded to the longest of its batch", theme.VERMILION),
}
"""How rows are made, and the colour of each."""


def layout(frame: pl.DataFrame) -> go.Figure:
    """Draw a batch as it goes into the model: a row is a block, a cell a token."""
    order = frame["row"].unique(maintain_order=True).to_list()
    codes = {fate: place for place, fate in enumerate(CODES)}
    by_row = {row: part for (row,), part in frame.group_by("row", maintain_order=True)}
    z = [[codes[fate] for fate in by_row[row]["fate"]] for row in order]
    told = [
        [_hover(*cell) for cell in by_row[row].select("piece", "seen").iter_rows()] for row in order
    ]
    languages = [by_row[row]["language"].to_list()[0] for row in order]
    steps = [
        (edge / len(CODES), color)
        for place, (_, color) in enumerate(CODES.values())
        for edge in (place, place + 1)
    ]
    figure = go.Figure()
    figure.add_heatmap(
        z=z,
        text=told,
        zmin=-0.5,
        zmax=len(CODES) - 0.5,
        colorscale=steps,
        showscale=False,
        xgap=1,
        ygap=1,
        hovertemplate="%{text}<extra></extra>",
    )
    for name, color in CODES.values():
        marker = {"color": color, "symbol": "square", "size": 10}
        figure.add_scatter(x=[None], y=[None], mode="markers", marker=marker, name=_shown(name))
    _name_rows(figure, languages)
    figure.update_xaxes(title="token of the block", showgrid=False, constrain="domain")
    counts = frame.filter(pl.col("fate").is_in(["masked", "random", "kept"]))
    subtitle = (
        f"{len(order)} blocks, {len(frame):,} tokens, {len(counts):,} of them to predict; no "
        "padding, the same number in every block"
    )
    height = 150 + ROW_PIXELS * len(order)
    return theme.finish(figure, title="A batch", subtitle=subtitle, height=height)


def _hover(piece: str, seen: str) -> str:
    return _shown(piece if piece == seen else f"{piece} as {seen}")


def _shown(text: str) -> str:
    """Write text for plotly, which reads a kind of HTML."""
    return text.replace("<", "&lt;").replace(">", "&gt;")


def _name_rows(figure: go.Figure, languages: list[str]) -> None:
    """Name each run of rows of one language at its middle, with a line between runs."""
    middles, names, start = [], [], 0
    for language, run in itertools.groupby(languages):
        length = len(list(run))
        middles.append(start + (length - 1) / 2)
        names.append(language)
        start += length
        if start < len(languages):
            figure.add_hline(y=start - 0.5, line={"color": theme.INK, "width": 1})
    figure.update_yaxes(
        tickvals=middles, ticktext=names, autorange="reversed", showgrid=False, zeroline=False
    )


def languages(frame: pl.DataFrame) -> go.Figure:
    """Draw the share of each language in single batches and in all of them, beside the probability
    of drawing it.
    """
    batches = frame["batch"].n_unique()
    means = frame.group_by("language", maintain_order=True).agg(
        pl.col("share").mean(), pl.col("probability").mean()
    )
    figure = go.Figure()
    figure.add_scatter(
        x=frame["language"].to_list(),
        y=theme.rounded(frame["share"]),
        name="a batch",
        mode="markers",
        marker={"color": theme.SKY, "size": 7, "opacity": 0.3},
        hovertemplate="%{x}: %{y:.1%} of a batch<extra></extra>",
    )
    looks = {
        "share": (f"mean of {batches} batches", "diamond", theme.BLUE, 10),
        "probability": ("probability q", "line-ew-open", theme.INK, 26),
    }
    for column, (name, symbol, color, size) in looks.items():
        figure.add_scatter(
            x=means["language"].to_list(),
            y=theme.rounded(means[column]),
            name=name,
            mode="markers",
            marker={"symbol": symbol, "color": color, "size": size, "line": {"width": 2}},
            hovertemplate=f"%{{x}}: %{{y:.2%}}, {name}<extra></extra>",
        )
    figure.update_xaxes(**theme.categories(means["language"]))
    figure.update_yaxes(title="share of the blocks", tickformat=".0%", rangemode="tozero")
    furthest = max((means["share"] - means["probability"]).abs().to_list())
    subtitle = (
        f"Each block's language is drawn by itself: batches differ, their mean over {batches} is "
        f"within {furthest:.1%} of q"
    )
    return theme.finish(figure, title="Languages of the batches", subtitle=subtitle)


def documents(frame: pl.DataFrame, block_tokens: int) -> go.Figure:
    """Draw the lengths of each language's documents in tokens beside the length of a block."""
    figure = go.Figure()
    figure.add_box(
        x=frame["language"].to_list(),
        lowerfence=theme.rounded(frame["low"]),
        q1=theme.rounded(frame["quarter"]),
        median=theme.rounded(frame["median"]),
        q3=theme.rounded(frame["three"]),
        upperfence=theme.rounded(frame["high"]),
        marker={"color": theme.BLUE},
        showlegend=False,
    )
    figure.add_hline(y=block_tokens, line={"color": theme.VERMILION, "dash": "dash"})
    figure.update_xaxes(**theme.categories(frame["language"]))
    lengths = [*frame["low"], *frame["high"], block_tokens]
    figure.update_yaxes(title="tokens of a document", **theme.spread(lengths))
    subtitle = (
        "Boxes: the middle half, with the median; whiskers: from a tenth to nine tenths; dashed: a "
        f"block of {block_tokens} tokens"
    )
    return theme.finish(figure, title="How long documents are", subtitle=subtitle)


def padding(frame: pl.DataFrame, batch_sequences: int) -> go.Figure:
    """Draw the share of the positions that would be padding, by how rows are made."""
    figure = go.Figure()
    packed = frame.with_columns(packed=pl.lit(0.0))
    for column, (name, color) in PADDINGS.items():
        figure.add_scatter(
            x=packed["language"].to_list(),
            y=theme.rounded(packed[column]),
            name=name,
            mode="markers",
            marker={
                "color": color,
                "symbol": theme.SYMBOLS[list(PADDINGS).index(column)],
                "size": 9,
            },
            hovertemplate=f"%{{x}}, {name}: %{{y:.0%}} padding<extra></extra>",
        )
    figure.update_xaxes(**theme.categories(packed["language"]))
    figure.update_yaxes(title="positions that are padding", tickformat=".0%", range=[-0.03, 1])
    means = {name: packed[name].mean() for name in ("to_block", "to_longest")}
    slower = {name: 1 / (1 - float(mean)) for name, mean in means.items()}  # type: ignore[arg-type]
    subtitle = (
        f"Batches of {batch_sequences} rows in random order; mean over languages: "
        f"{slower['to_block']:.2f} times the positions where rows are padded to a block,"
        f"<br>{slower['to_longest']:.2f} times where whole documents are padded to the longest"
    )
    return theme.finish(figure, title="What padding would cost", subtitle=subtitle)
