"""The known families of languages beside the tree that their vectors make.

The tree is that of `language_map_results.tree`; its branches are turned so that languages stand as
near to their relatives' side as they can.
"""

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from xlmr_lab.figures import theme
from xlmr_lab.figures.language_map import Looks, apart, looks_of, require_grouping

UNKNOWN = "unknown"
"""Family of languages that nobody told of; it is none."""
LEAF = 26
"""Height of a language in a tree, in pixels."""
Lines = tuple[list[float | None], list[float | None]]
"""Ends of lines by x and y, each line closed by None."""


def trees(tree: pl.DataFrame, known: pl.DataFrame, *, color: str = "family") -> go.Figure:
    """Draw the families of languages, columns language, name and family, beside the tree that their
    vectors make; where the two agree a family's languages stand together on both sides. Colours are
    by family, script or resource tier (`color`).

    Raises:
        UserError: there is no such grouping.
    """
    require_grouping(color)
    title = "Known families, and the tree of the vectors"
    if tree.is_empty():
        return theme.empty("One language makes no tree.", title=title, height=150)
    order = known.sort("family", "size_bytes", "language", descending=[False, True, False])
    looks = looks_of(known[color])
    places = {key: float(place) for place, key in enumerate(order["language"])}
    figure = make_subplots(
        rows=1, cols=2, horizontal_spacing=0.2, subplot_titles=["families", "vectors"]
    )
    figure.update_annotations(font_size=13)
    _add_lines(figure, *_family_lines(order, places), column=1)
    found = _leaf_places(tree, places)
    _add_lines(figure, *_tree_lines(tree, found), column=2)
    for column, at in enumerate((places, found), 1):
        _add_leaves(figure, order.with_columns(group=color), at, looks, column)
    figure.update_xaxes(showgrid=False, zeroline=False)
    figure.update_xaxes(visible=False, range=[-0.1, 2.15], col=1)
    most = float(tree["distance"].max())  # type: ignore[arg-type]
    figure.update_xaxes(
        title="1 less the cosine, mean linkage", range=[-0.05 * most, 1.05 * most], col=2
    )
    number = len(_families(known))
    subtitle = (
        "Families of several languages that are one branch of the right tree: "
        f"{kept(tree, known)} of {number}"
        if number
        else "No two languages here are of one family, or all are: no families to find again"
    )
    height = 150 + LEAF * len(places)
    legend = theme.GROUPS[color]
    return theme.finish(figure, title=title, subtitle=subtitle, height=height, legend=legend)


def kept(tree: pl.DataFrame, known: pl.DataFrame) -> int:
    """Return how many families of several languages are a branch of the tree: all of their
    languages, and no other.
    """
    members: dict[str, frozenset[str]] = {key: frozenset([key]) for key in known["language"]}
    for part, first, second in tree.select("part", "first", "second").iter_rows():
        members[part] = members[first] | members[second]
    return sum(family in members.values() for family in _families(known))


def _families(known: pl.DataFrame) -> list[frozenset[str]]:
    """Return the families of several languages, but not of all."""
    told = known.filter(pl.col("family") != UNKNOWN)
    groups = told.group_by("family", maintain_order=True).agg("language")["language"]
    return [frozenset(group) for group in groups if 1 < len(group) < len(known)]


def _family_lines(order: pl.DataFrame, places: dict[str, float]) -> Lines:
    """Return the lines of a tree of one level: the root at 0, families at 1, languages at 2."""
    x: list[float | None] = []
    y: list[float | None] = []
    middles = []
    for (_,), part in order.group_by("family", maintain_order=True):
        at = [places[key] for key in part["language"]]
        middle = sum(at) / len(at)
        middles.append(middle)
        x += [0, 1, None, 1, 1, None]
        y += [middle, middle, None, min(at), max(at), None]
        for place in at:
            x, y = [*x, 1, 2, None], [*y, place, place, None]
    return [*x, 0, 0, None], [*y, min(middles), max(middles), None]


def _tree_lines(tree: pl.DataFrame, places: dict[str, float]) -> Lines:
    """Return the lines of a tree whose parts are joined at their distance; languages are at 0."""
    at = {key: (0.0, place) for key, place in places.items()}
    x: list[float | None] = []
    y: list[float | None] = []
    for part, first, second, distance in tree.iter_rows():
        (x1, y1), (x2, y2) = at[first], at[second]
        x += [x1, distance, distance, x2, None]
        y += [y1, y1, y2, y2, None]
        at[part] = (distance, (y1 + y2) / 2)
    return x, y


def _leaf_places(tree: pl.DataFrame, wanted: dict[str, float]) -> dict[str, float]:
    """Return the places of a tree's leaves, its branches turned as near to the wanted places as
    they go."""
    leaves = {key: [key] for key in wanted}
    for part, first, second in tree.select("part", "first", "second").iter_rows():
        sides = sorted(
            (leaves[first], leaves[second]),
            key=lambda side: sum(wanted[key] for key in side) / len(side),
        )
        leaves[part] = sides[0] + sides[1]
    return {key: float(place) for place, key in enumerate(leaves[tree["part"][-1]])}


def _add_lines(
    figure: go.Figure, x: list[float | None], y: list[float | None], *, column: int
) -> None:
    figure.add_scatter(
        x=[None if value is None else float(f"{value:.4g}") for value in x],
        y=y,
        mode="lines",
        line={"color": theme.GREY, "width": 1.3},
        hoverinfo="skip",
        showlegend=False,
        row=1,
        col=column,
    )


def _add_leaves(
    figure: go.Figure,
    order: pl.DataFrame,
    places: dict[str, float],
    looks: Looks,
    column: int,
) -> None:
    """Draw the languages at the ends of a tree with their names."""
    for group, (shade, symbol) in looks.items():
        own = order.filter(group=group)
        figure.add_scatter(
            x=[2 if column == 1 else 0] * len(own),
            y=[places[key] for key in own["language"]],
            name=group,
            legendgroup=group,
            showlegend=column == 1,
            mode="markers",
            marker={"color": shade, "symbol": symbol, "size": 9},
            customdata=[apart(name) for name in own["name"]],
            hovertemplate="%{customdata}<extra></extra>",
            row=1,
            col=column,
        )
    labels = dict(theme.labelled(order).select("language", "label").iter_rows())
    figure.update_yaxes(
        tickvals=list(places.values()),
        ticktext=[labels[key] for key in places],
        range=[len(places) - 0.5, -0.5],
        side="right" if column == 1 else "left",
        showgrid=False,
        zeroline=False,
        showline=False,
        col=column,
    )
