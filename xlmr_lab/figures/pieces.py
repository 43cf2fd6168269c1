"""Whose the pieces of a vocabulary are: by script, by language, shared, and what they cost a model.

Frames come from `vocabulary_results`. A piece is a language's own where it occurs in the measured
text of no other language of the study.
"""

import plotly.graph_objects as go
import polars as pl

from xlmr_lab.errors import UserError
from xlmr_lab.figures import theme
from xlmr_lab.figures.cleaning import SHADES
from xlmr_lab.model.parameters import Parameters

SCRIPT_NAMES = {"none": "digits, signs", "mixed": "several scripts", "bytes": "single bytes"}
PARTED = {"script": "scripts", "family": "families"}
OVERLAPS = {
    "of_use": "tokens in common, weighted by use",
    "of_pieces": "pieces in common, of those that either uses",
}


def scripts(frame: pl.DataFrame) -> go.Figure:
    """Draw the pieces of each script, those that some language uses apart from the others."""
    figure = go.Figure()
    total = int(frame["num_pieces"].sum())
    labels = [SCRIPT_NAMES.get(name, name) for name in frame["script"]]
    used = frame["num_used"].to_list()
    idle = (frame["num_pieces"] - frame["num_used"]).to_list()
    for name, values, color in (
        ("in the text of some language", used, theme.BLUE),
        ("in none", idle, theme.FAINT),
    ):
        figure.add_bar(
            x=labels,
            y=[round(value / total, 6) for value in values],
            name=name,
            marker={"color": color},
            customdata=values,
            hovertemplate=f"%{{x}}, {name}: %{{customdata:,}} pieces, %{{y:.2%}}<extra></extra>",
        )
    figure.update_layout(barmode="stack", bargap=0.25)
    angles = [0, -35, -90]
    figure.update_xaxes(title="script of the piece's letters (ISO 15924)")
    figure.update_xaxes(type="category", autotickangles=angles, showgrid=False)
    figure.update_yaxes(title="share of pieces", tickformat=".0%", rangemode="tozero")
    first = frame.row(0, named=True)
    subtitle = (
        f"{total:,} pieces; most are {SCRIPT_NAMES.get(first['script'], first['script'])}, "
        f"{first['share']:.1%}; {sum(idle):,} occur in no measured text"
    )
    title = "Whose pieces: scripts"
    return theme.finish(figure, title=title, subtitle=subtitle, legend="occur")


def owned(frame: pl.DataFrame) -> go.Figure:
    """Draw the pieces that each language uses: its own, and those that others use as well."""
    frame = theme.labelled(frame)
    figure = go.Figure()
    for name, values, color in (
        ("its own", frame["pieces_own"], theme.ORANGE),
        ("shared", frame["pieces_used"] - frame["pieces_own"], theme.FAINT),
    ):
        figure.add_bar(
            x=frame["label"].to_list(),
            y=values.to_list(),
            name=name,
            marker={"color": color},
            customdata=frame.select("name", "own_use").rows(),
            hovertemplate=f"%{{customdata[0]}}, {name}: %{{y:,}} pieces; "
            "its own make up %{customdata[1]:.1%} of its tokens<extra></extra>",
        )
    figure.update_layout(barmode="stack", bargap=0.25)
    figure.update_xaxes(**theme.categories(frame["label"]))
    figure.update_yaxes(title="pieces", tickformat=",~s", rangemode="tozero")
    ranked = frame.sort("own_use", "language", descending=[True, False])
    ends = [f"{ranked['name'][i]} {ranked['own_use'][i]:.0%}" for i in (0, -1)]
    subtitle = f"Tokens that are a language's own pieces: most {ends[0]}, least {ends[1]}"
    title = "Whose pieces: languages"
    return theme.finish(figure, title=title, subtitle=subtitle, legend="pieces")


def overlap(frame: pl.DataFrame, weight: str = "of_use", *, order: str = "script") -> go.Figure:
    """Draw what each two languages have in common, relatives side by side: ordered by script and
    family, or by family and script.

    Raises:
        UserError: no such weight or order.
    """
    title = "Pieces that languages share"
    if weight not in OVERLAPS:
        raise UserError(f"weight must be one of {', '.join(OVERLAPS)}, got {weight!r}")
    if order not in PARTED:
        raise UserError(f"order must be {' or '.join(PARTED)}, got {order!r}")
    if frame.is_empty():
        return theme.empty("One language shares with none.", title=title, height=150)
    second = next(name for name in PARTED if name != order)
    known = theme.labelled(
        frame.unique("language").sort(
            order, second, "size_bytes", "language", descending=[False, False, True, False]
        )
    )
    names = dict(known.select("language", "label").iter_rows())
    found = {(a, b): value for a, b, value in frame.select("language", "other", weight).iter_rows()}
    figure = _heat_map(list(names.values()), [[found.get((a, b)) for b in names] for a in names])
    _add_borders(figure, known[order].to_list())
    most = frame.sort(weight, "language", descending=[True, False]).row(0, named=True)
    subtitle = (
        f"Share of {OVERLAPS[weight]}; lines part {PARTED[order]}. "
        f"Most: {most['language']} and {most['other']}, {most[weight]:.0%}"
    )
    height = min(820, 240 + max(22 * len(names), 140))
    return theme.finish(figure, title=title, subtitle=subtitle, height=height)


def spent(frame: pl.DataFrame, parameters: Parameters, num_used: int) -> go.Figure:
    """Draw where the parameters of a model are: its body, and the rows of its embedding by who uses
    them; `num_used` pieces occur in the text of some language.
    """
    own = int(frame["pieces_own"].sum())
    width = parameters.embedding // parameters.output_bias
    shared = (num_used - own) * width
    parts = {
        "layers": (parameters.layers, theme.BLUE),
        "positions, head": (parameters.positions + parameters.head, theme.SKY),
        "pieces of several languages": (shared, theme.GREEN),
        "pieces of one language": (own * width, theme.ORANGE),
        "ids in no measured text": (
            parameters.embedding - shared - own * width,
            theme.FAINT,
        ),
        "output biases of all ids": (parameters.output_bias, theme.PURPLE),
    }
    figure = go.Figure()
    for name, (number, color) in parts.items():
        share = number / parameters.total
        figure.add_bar(
            x=[number],
            y=["model"],
            orientation="h",
            name=name,
            marker={"color": color},
            text=[f"{share:.0%}" if share >= 0.04 else ""],
            textposition="inside",
            textangle=0,
            insidetextanchor="middle",
            hovertemplate=f"{name}: %{{x:,}} parameters, {share:.1%}<extra></extra>",
        )
    figure.update_layout(barmode="stack", legend={"traceorder": "normal"})
    figure.update_xaxes(title="parameters", tickformat="~s", range=[0, parameters.total])
    figure.update_yaxes(showticklabels=False)
    subtitle = (
        f"{parameters.total:,} parameters, {parameters.vocabulary_share:.0%} of them for "
        f"{parameters.output_bias:,} ids of width {width}"
    )
    title = "Where the parameters are"
    return theme.finish(figure, title=title, subtitle=subtitle, height=250)


def _heat_map(labels: list[str], cells: list[list[float | None]]) -> go.Figure:
    figure = go.Figure()
    figure.add_heatmap(
        x=labels,
        y=labels,
        z=[[None if z is None else float(f"{z:.3g}") for z in row] for row in cells],
        texttemplate="%{z:.0%}" if len(labels) <= theme.MAX_NAMES else None,
        hovertemplate="%{y} and %{x}: %{z:.1%}<extra></extra>",
        hoverongaps=False,
        zmin=0,
        colorscale=SHADES,
        xgap=1,
        ygap=1,
        colorbar={"tickformat": ".0%", "title": {"text": "in common"}},
    )
    axis = {"type": "category", "tickvals": theme.sparse(labels), "showgrid": False}
    figure.update_xaxes(**axis, range=[-0.5, len(labels) - 0.5], autotickangles=[0, -35, -90])
    figure.update_yaxes(**axis, range=[len(labels) - 0.5, -0.5])
    return figure


def _add_borders(figure: go.Figure, groups: list[str]) -> None:
    """Draw a line wherever the next language is of another group."""
    for place in range(1, len(groups)):
        if groups[place] != groups[place - 1]:
            line = {"color": theme.INK, "width": 1}
            figure.add_vline(x=place - 0.5, line=line)
            figure.add_hline(y=place - 0.5, line=line)
