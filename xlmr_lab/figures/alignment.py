"""Whether sentences find their translations, layer by layer and from language to language, and how
well a masked language model foresees the sentences of each language.

Frames are those of `alignment_results`. Beside pretrained models stand the same networks as they
began: what these find is due to pieces that languages have in common. Intervals are over
pretraining seeds, differences are paired by seed.
"""

import statistics

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from xlmr_lab.figures import theme
from xlmr_lab.figures.cleaning import SHADES
from xlmr_lab.figures.language_dots import add_dots, bars, places
from xlmr_lab.figures.summaries import over_seeds
from xlmr_lab.figures.tables import Table, show, with_interval
from xlmr_lab.figures.task_scores import within_bounds

LOOKS = {
    "pretrained": (theme.BLUE, "circle", "solid"),
    "untrained": (theme.GREY, "x-thin-open", "dot"),
}
"""Colour, symbol and dash of the two networks."""
CENTRED = {False: "vectors as they are", True: "each language's mean taken out"}
GAINS = [[0, theme.VERMILION], [0.5, theme.PAGE], [1, theme.BLUE]]
CELL = 30
"""Side of a cell of a matrix, in pixels."""
FORESEEN = {
    "perplexity": ("pseudo-perplexity of a piece", ".4~g"),
    "bits_per_byte": ("bits for a byte of text", ".3~g"),
}


def by_layer(retrieved: pl.DataFrame) -> go.Figure:
    """Draw how many sentences find their translation in each layer, mean over all directions, with
    and without the languages' means; what drawing blindly would find is a dotted line.
    """
    figure = make_subplots(
        rows=1, cols=2, shared_yaxes="all", subplot_titles=list(CENTRED.values())
    )
    figure.update_annotations(font_size=13)
    keys, cuts = ["encoder", "layer", "metric"], set[str]()
    for column, centred in enumerate(CENTRED, 1):
        part = retrieved.filter(pl.col("centred") == centred)
        means, cut = within_bounds(
            over_seeds(part.with_columns(metric=pl.lit("accuracy")), keys, "accuracy")
        )
        cuts |= {cut} - {""}
        add_layers(figure, means, column, form=".1%")
        add_seeds(figure, part, "accuracy", column)
    chance = _chance(retrieved)
    figure.add_hline(y=chance, line={"color": theme.INK, "dash": "dot", "width": 1})
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    figure.update_yaxes(title="sentences that find theirs", col=1)
    directions = len(retrieved.select("language", "other").unique())
    subtitle = (
        f"Nearest by cosine, mean over {directions} directions; dotted: {chance:.2%}, by chance"
        f"<br>{'; '.join([told_seeds(retrieved, dots=True), *cuts])}"
    )
    title = "Sentences that find their translation"
    return theme.finish(figure, title=title, subtitle=subtitle, height=400, legend="network")


def add_layers(figure: go.Figure, means: pl.DataFrame, column: int, *, form: str) -> None:
    """Draw means over seeds of both networks by layer in a panel of a row."""
    layers = sorted(means["layer"].unique().to_list())
    for encoder, (color, symbol, dash) in LOOKS.items():
        rows = means.filter(encoder=encoder).sort("layer")
        figure.add_scatter(
            x=rows["layer"].to_list(),
            y=theme.rounded(rows["mean"]),
            error_y=bars(rows),
            name=encoder,
            legendgroup=encoder,
            showlegend=column == 1,
            mode="lines+markers",
            line={"color": color, "dash": dash, "width": 1.8},
            marker={
                "color": color,
                "symbol": symbol,
                "size": 9,
                "line": {"width": 2, "color": color},
            },
            hovertemplate=f"{encoder}, layer %{{x}}: %{{y:{form}}}<extra></extra>",
            row=1,
            col=column,
        )
    shown = theme.sparse(layers)
    figure.update_xaxes(
        title="layer",
        tickvals=shown,
        ticktext=["embeddings" if layer == 0 else str(layer) for layer in shown],
        range=[-0.35, max(layers) + 0.35],
        zeroline=False,
        col=column,
    )


def add_seeds(figure: go.Figure, frame: pl.DataFrame, value: str, column: int) -> None:
    """Draw the mean of each pretraining seed as a small dot, where there are several."""
    if frame["seed"].n_unique() < 2:
        return
    keys = ("encoder", "layer", "seed")
    for (encoder,), rows in frame.group_by("encoder", maintain_order=True):
        means = rows.group_by(keys, maintain_order=True).agg(pl.col(value).mean())
        figure.add_scatter(
            x=means["layer"].to_list(),
            y=theme.rounded(means[value]),
            customdata=means["seed"].to_list(),
            legendgroup=encoder,
            showlegend=False,
            mode="markers",
            marker={"color": LOOKS[str(encoder)][0], "size": 4, "opacity": 0.7},
            hovertemplate=f"{encoder}, layer %{{x}}, seed %{{customdata}}: %{{y}}<extra></extra>",
            row=1,
            col=column,
        )


def summary(retrieved: pl.DataFrame) -> Table:
    """Show both networks and their difference, paired by seed and direction, in each layer."""
    keys = ["centred", "layer"]
    sides = {
        encoder: over_seeds(retrieved.filter(encoder=encoder), keys, "accuracy").sort(keys)
        for encoder in LOOKS
    }
    differences = over_seeds(gained(retrieved), keys, "gain").sort(keys)
    rows = differences.select(
        pl.col("centred").replace_strict(CENTRED, return_dtype=pl.String).alias("vectors"),
        pl.when(pl.col("layer") == 0)
        .then(pl.lit("embeddings"))
        .otherwise(pl.col("layer").cast(pl.String))
        .alias("layer"),
        *(
            pl.Series(encoder, with_interval(means, "mean", sign=False), dtype=pl.String)
            for encoder, means in sides.items()
        ),
        pl.Series("difference", with_interval(differences, "mean"), dtype=pl.String),
    )
    caption = "Share of sentences that find their translation, mean over all directions"
    return show(rows, f"{caption}. {told_seeds(retrieved)}.")


def gained(retrieved: pl.DataFrame) -> pl.DataFrame:
    """Return by how much pretrained models find more than the networks that they began as, column
    `gain`, by seed, layer and direction.
    """
    keys = ["seed", "layer", "centred", "language", "other"]
    base = retrieved.filter(encoder="untrained").select(*keys, base="accuracy")
    own = retrieved.filter(encoder="pretrained").join(base, on=keys, maintain_order="left")
    return own.with_columns(gain=pl.col("accuracy") - pl.col("base"))


def matrix(retrieved: pl.DataFrame, *, layer: int) -> go.Figure:
    """Draw which languages find their translations among which, in one layer with the means taken
    out: what pretrained models find, and how much more that is than the networks they began as do.
    Lines part families.
    """
    part = gained(retrieved.filter(pl.col("layer") == layer, "centred"))
    ranked = part.select("language", "name", "family", "script", "size_bytes").unique()
    by = ["family", "script", "size_bytes", "language"]
    known = theme.labelled(ranked.sort(by, descending=[False, False, True, False]))
    names = dict(known.select("language", "label").iter_rows())
    means = part.group_by("language", "other").agg(pl.col("accuracy", "gain").mean())
    figure = make_subplots(
        rows=1, cols=2, subplot_titles=["found, %", "more than without pretraining, points"]
    )
    figure.update_annotations(font_size=13)
    most = max(abs(value) for value in means["gain"]) or 1.0
    scales = {
        "accuracy": {"colorscale": SHADES, "zmin": 0},
        "gain": {"colorscale": GAINS, "zmin": -most, "zmax": most},
    }
    for column, (value, scale) in enumerate(scales.items(), 1):
        _add_matrix(figure, means, value, names, scale, column)
    _add_borders(figure, known["family"].to_list())
    figure.update_xaxes(title="looked for among")
    figure.update_yaxes(title="sentences of", col=1)
    gain = with_interval(over_seeds(part, ["layer"], "gain"), "mean")[0]
    subtitle = (
        f"Layer {layer}, each language's mean taken out; lines part families; mean gain {gain}"
        f"<br>{told_seeds(retrieved)}"
    )
    height = 190 + max(180, CELL * len(names))
    return theme.finish(figure, title="Who finds whom", subtitle=subtitle, height=height)


def _add_matrix(
    figure: go.Figure,
    means: pl.DataFrame,
    value: str,
    names: dict[str, str],
    scale: dict[str, object],
    column: int,
) -> None:
    found = {(a, b): z for a, b, z in means.select("language", "other", value).iter_rows()}
    labels = list(names.values())
    cells = [[_short(found.get((a, b))) for b in names] for a in names]
    if len(labels) <= theme.MAX_NAMES:
        sign = "+" if value == "gain" else ""
        scale = scale | {"text": [[_points(z, sign) for z in row] for row in cells]}
        scale |= {"texttemplate": "%{text}"}
    figure.add_heatmap(
        x=labels,
        y=labels,
        z=cells,
        hovertemplate="%{y} among %{x}: %{z:.1%}<extra></extra>",
        hoverongaps=False,
        xgap=1,
        ygap=1,
        showscale=False,
        **scale,
        row=1,
        col=column,
    )
    axis = {"type": "category", "tickvals": theme.sparse(labels), "showgrid": False}
    turned = {"autotickangles": [0, -35, -90]}
    figure.update_xaxes(**axis, **turned, range=[-0.5, len(labels) - 0.5], col=column)
    figure.update_yaxes(**axis, range=[len(labels) - 0.5, -0.5], col=column)


def _add_borders(figure: go.Figure, groups: list[str | None]) -> None:
    """Draw a line in all panels wherever the next language is of another group."""
    line = {"color": theme.INK, "width": 1}
    for place in range(1, len(groups)):
        if groups[place] != groups[place - 1]:
            figure.add_vline(x=place - 0.5, line=line)
            figure.add_hline(y=place - 0.5, line=line)


def foreseen(frame: pl.DataFrame) -> go.Figure:
    """Draw how well each language's sentences are foreseen, for each piece and for each byte, and
    what the frequencies of pieces alone would do.
    """
    known = frame.select("language", "name", "size_bytes").unique()
    ranked = known.sort("size_bytes", "language", descending=[True, False])
    order = theme.labelled(ranked).with_row_index("place")
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08)
    for row, (value, (label, form)) in enumerate(FORESEEN.items(), 1):
        for name, column, look in (
            ("frequency of pieces alone", f"unigram_{value}", (theme.GREY, "line-ew-open")),
            ("pretrained", value, LOOKS["pretrained"][:2]),
        ):
            means = over_seeds(frame, ["language"], column)
            add_dots(figure, order, means, name=name, look=look, panel=row)
        figure.update_yaxes(title=label, tickformat=form, rangemode="tozero", row=row)
    wide = {"size": 22, "line": {"width": 2}}
    figure.update_traces(marker=wide, selector={"name": "frequency of pieces alone"})
    figure.update_xaxes(**places(order))
    number = max(frame["num_sentences"].to_list())
    unknown = frame.unique("language")["num_unknown"].sum()
    subtitle = (
        f"The first {number} sentences of each, one piece hidden at a time; lower is better; "
        f"{unknown:,} pieces are unknown<br>{told_seeds(frame)}"
    )
    title = "How well sentences are foreseen"
    return theme.finish(figure, title=title, subtitle=subtitle, height=520)


def told_seeds(frame: pl.DataFrame, *, dots: bool = False) -> str:
    """Say what the intervals are, and the dots where each seed is one."""
    number = frame["seed"].n_unique()
    if number == 1:
        return "One pretraining seed, so no intervals"
    told = f"95\u00a0% intervals over {number} pretraining seeds"
    return f"{told}; small dots: each of them" if dots else told


def _chance(retrieved: pl.DataFrame) -> float:
    """Return what share would be found by drawing blindly, mean over directions."""
    return round(statistics.fmean(1 / n for n in retrieved["num_sentences"]), 6)


def _points(value: float | None, sign: str) -> str:
    """Write a share in hundredths.

    >>> _points(0.123, "+"), _points(-0.004, "+"), _points(None, "")
    ('+12', '0', '')
    """
    if value is None:
        return ""
    whole = round(100 * value)
    return theme.lettered(f"{whole:{sign if whole else ''}}")


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")
