"""Where languages stand: a map of sentences, and how much nearer relatives are than others.

Frames are those of `language_map_results`; colours and symbols are those of families.
"""

import html

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from xlmr_lab.errors import UserError
from xlmr_lab.figures import theme
from xlmr_lab.figures.alignment import CENTRED, add_layers, add_seeds, told_seeds
from xlmr_lab.figures.summaries import over_seeds
from xlmr_lab.figures.tables import Table, show, with_interval

MEASURES = {"means": "means of languages", "translations": "sentences and their translations"}
"""What two languages are compared by, as a reader calls it."""
GROUPINGS = ("family", "script", "tier")
"""What languages are coloured by."""
Looks = dict[str, tuple[str, str]]
"""The colour and symbol of each family, or of each other group."""
TEXT_LETTERS = 90
"""Characters of a sentence that its point tells, at most."""


def languages(standing: pl.DataFrame, *, color: str = "family") -> go.Figure:
    """Draw a map of languages by their means, by a pretrained model and by the network it began as;
    each map has a scale of its own. Colours are by family, script or resource tier (`color`).

    Raises:
        UserError: there is no such grouping.
    """
    encoders = standing["encoder"].unique(maintain_order=True).to_list()
    figure = make_subplots(rows=1, cols=2, subplot_titles=encoders)
    figure.update_annotations(font_size=13)
    require_grouping(color)
    folded = theme.labelled(theme.folded(standing, color))
    looks = looks_of(folded[color])
    for column, encoder in enumerate(encoders, 1):
        part = folded.filter(encoder=encoder)
        for group, (shade, symbol) in looks.items():
            own = part.filter(pl.col(color) == group)
            figure.add_scatter(
                x=theme.rounded(own["x"]),
                y=theme.rounded(own["y"]),
                text=own["label"].to_list(),
                textposition="top center",
                name=group,
                legendgroup=group,
                showlegend=column == 1,
                mode="markers+text",
                marker={"color": shade, "symbol": symbol, "size": 11},
                customdata=[_apart_name(row) for row in own.select("language", "name").iter_rows()],
                hovertemplate="%{customdata}<extra></extra>",
                row=1,
                col=column,
            )
        _add_axes(figure, part, column)
    first = standing.row(0, named=True)
    subtitle = (
        "Two principal axes of the languages' means, each map in its own scale; "
        f"layer {first['layer']}, pretraining seed {first['seed']}"
    )
    title, legend = "A map of languages", theme.GROUPS[color]
    return theme.finish(figure, title=title, subtitle=subtitle, height=420, legend=legend)


def _add_axes(figure: go.Figure, part: pl.DataFrame, column: int) -> None:
    """Have a map tell how much of the variance it shows, and be as wide as high to the unit."""
    shares = [f"{part[name][0]:.0%}" for name in ("share_x", "share_y")]
    plain = {"zeroline": False, "showticklabels": False, "col": column}
    figure.update_xaxes(title=f"first axis ({shares[0]} of the variance)", **plain)
    scale = {"scaleanchor": f"x{column if column > 1 else ''}", "scaleratio": 1}
    figure.update_yaxes(title=f"second ({shares[1]})", **scale, **plain)


def sentences(places: pl.DataFrame, *, color: str = "family") -> go.Figure:
    """Draw a map of sentences, without and with each language's mean taken out; in the first a
    large mark is the middle of a language's sentences. Colours are as in `languages`.

    Raises:
        UserError: there is no such grouping.
    """
    require_grouping(color)
    figure = make_subplots(rows=1, cols=2, subplot_titles=list(CENTRED.values()))
    figure.update_annotations(font_size=13)
    folded = theme.folded(places, color).with_columns(group=color)
    looks = looks_of(folded[color])
    for column, centred in enumerate(CENTRED, 1):
        part = folded.filter(pl.col("centred") == centred)
        for group, look in looks.items():
            _add_points(figure, part.filter(group=group), group, look, column)
        _add_axes(figure, part, column)
    _add_middles(figure, folded.filter(~pl.col("centred")), looks)
    first = places.row(0, named=True)
    subtitle = (
        f"Two principal axes of all sentences, layer {first['layer']}, pretraining seed "
        f"{first['seed']}; the first "
        f"{places['sentence'].n_unique()} sentences of each language are drawn"
    )
    title, legend = "A map of sentences", theme.GROUPS[color]
    return theme.finish(figure, title=title, subtitle=subtitle, height=480, legend=legend)


def _add_points(
    figure: go.Figure, own: pl.DataFrame, group: str, look: tuple[str, str], column: int
) -> None:
    color, symbol = look
    figure.add_scatter(
        x=theme.rounded(own["x"]),
        y=theme.rounded(own["y"]),
        name=group,
        legendgroup=group,
        showlegend=column == 1,
        mode="markers",
        marker={"color": color, "symbol": symbol, "size": 5, "opacity": 0.5},
        hovertext=[  # flat, as a saved notebook writes a line for each value
            f"{_apart_name((key, name))}<br>{number + 1}: {apart(text)}"
            for key, name, number, text in own.select(
                "language", "name", "sentence", "text"
            ).iter_rows()
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        row=1,
        col=column,
    )


def _add_middles(figure: go.Figure, part: pl.DataFrame, looks: Looks) -> None:
    """Draw the middle of each language's sentences."""
    own = part.unique("language", maintain_order=True)
    figure.add_scatter(
        x=theme.rounded(own["middle_x"]),
        y=theme.rounded(own["middle_y"]),
        showlegend=False,
        mode="markers",
        marker={
            "color": [looks[group][0] for group in own["group"]],
            "symbol": [looks[group][1] for group in own["group"]],
            "size": 13,
            "line": {"color": theme.INK, "width": 1.5},
        },
        customdata=[_apart_name(row) for row in own.select("language", "name").iter_rows()],
        hovertemplate="middle of %{customdata}<extra></extra>",
        row=1,
        col=1,
    )


def kinship(frame: pl.DataFrame) -> go.Figure:
    """Draw by how much the mean cosine of languages of one family is above that of others, layer by
    layer, with and without pretraining; where no two are of one family, or all are, the mean cosine
    of all.
    """
    known, first = frame.drop_nulls("difference"), frame.row(0, named=True)
    value, title = "difference", "Do relatives stand together?"
    label = "cosine within less between families"
    told = (
        f"{first['num_within']} pairs of languages within families, {first['num_between']} between "
        "them; above 0: relatives are nearer"
    )
    if known.is_empty():
        value, title = "cosine", "How near are languages?"
        label = "cosine"
        told = "No two languages here are of one family, or all are: the mean of all pairs"
        known = frame.with_columns(cosine=pl.coalesce("within", "between"))
    figure = make_subplots(
        rows=1, cols=2, shared_yaxes="all", subplot_titles=list(MEASURES.values())
    )
    figure.update_annotations(font_size=13)
    for column, measure in enumerate(MEASURES, 1):
        part = known.filter(pl.col("measure") == measure).drop_nulls(value)
        if not part.is_empty():
            add_layers(figure, over_seeds(part, ["encoder", "layer"], value), column, form="+.3f")
            add_seeds(figure, part, value, column)
    figure.add_hline(y=0, line={"color": theme.INK, "width": 1})
    figure.update_yaxes(tickformat="+.2f", zeroline=False)
    figure.update_yaxes(title=label, col=1)
    subtitle = f"{told}<br>{told_seeds(known, dots=True)}"
    return theme.finish(figure, title=title, subtitle=subtitle, height=400, legend="network")


def kinship_told(frame: pl.DataFrame, *, layer: int) -> Table:
    """Show the mean cosines within and between families in one layer, and how many of the ways to
    deal the families out among the languages would bring relatives as near.
    """
    own = frame.filter(pl.col("layer") == layer).drop_nulls("difference")
    keys = ["measure", "encoder"]
    if own.is_empty():
        return show(pl.DataFrame({"families": ["no relatives and others to compare"]}))
    columns = {
        "within families": ("within", False),
        "between": ("between", False),
        "difference": ("difference", True),
    }
    own = own.sort(*keys, "seed", descending=[False, False, False])
    base = over_seeds(own, keys, "difference")
    told = {
        name: with_interval(over_seeds(own, keys, value), "mean", sign=sign)
        for name, (value, sign) in columns.items()
    }
    chances = over_seeds(own, keys, "by_chance")["mean"]
    rows = base.select(
        pl.col("measure").replace(MEASURES).alias("cosine of"),
        pl.col("encoder").alias("network"),
        *(pl.Series(name, values, dtype=pl.String) for name, values in told.items()),
        chances.round_sig_figs(2).alias("dealt out as near"),
    )
    return show(rows, f"Layer {layer}. {told_seeds(own)}.", {"dealt out as near": ".1%"})


def looks_of(groups: pl.Series) -> Looks:
    """Return the colour and symbol of each family, or of what else a series is named after."""
    colors, symbols = theme.colors(groups, groups.name), theme.symbols(groups, groups.name)
    present = set(groups)
    return {group: (color, symbols[group]) for group, color in colors.items() if group in present}


def require_grouping(color: str) -> None:
    """Refuse what languages are not coloured by.

    Raises:
        UserError: names the value and those that there are.
    """
    if color not in GROUPINGS:
        raise UserError(f"color must be one of {', '.join(GROUPINGS)}, got {color!r}")


def apart(text: str) -> str:
    """Return text that keeps its own direction among other text, cut where it is long.

    >>> apart("a & b") == "\\u2068a &amp; b\\u2069"
    True
    """
    short = text if len(text) <= TEXT_LETTERS else f"{text[: TEXT_LETTERS - 1]}\u2026"
    return f"\u2068{html.escape(short)}\u2069"


def _apart_name(row: tuple[str, str | None]) -> str:
    """Return a language's name, or its key where it has none, as `apart` does."""
    return apart(row[1] or row[0])
