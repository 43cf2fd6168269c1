"""The alpha ablation: held-out masked-LM loss by exponent and group of languages, and the paper's
Figure 5 beside it.

A group's value is the mean over its languages, its error bar the 95 % Student t interval over
pretraining seeds. With a reference alpha the difference to it is drawn, paired by seed and
language: what the seeds share drops out, and the interval narrows to what alpha does. The paper
measured XNLI accuracy, so its figure stands beside ours and not inside it.
"""

import plotly.graph_objects as go
import polars as pl

from xlmr_lab.figures import theme
from xlmr_lab.figures.language_dots import bars
from xlmr_lab.figures.summaries import Where, change, filtered, last_step, over_seeds

HEIGHT = 430
SINGLE = "This study has one α, {:g}: there is nothing to compare."
SEED_SHIFT = 0.008
"""How far a seed's dot stands beside its group's, in units of alpha; groups stand beside each other
likewise.
"""


def heldout_by_alpha(
    heldout: pl.DataFrame,
    *,
    group: str = "tier",
    reference: float | None = None,
    seeds: bool = False,
    where: Where | None = None,
) -> go.Figure:
    """Draw the held-out loss at the end of training by alpha, one line for each group of languages.

    `reference`: draw the change from that alpha; `seeds`: add their dots; `where`: languages.
    """
    chosen, title = filtered(last_step(heldout), where), _title(group, reference)
    if chosen.is_empty():
        return theme.empty("No language passes these filters.", title=title, height=HEIGHT)
    if heldout["alpha"].n_unique() == 1:
        return theme.empty(SINGLE.format(heldout["alpha"][0]), title=title, height=150)
    if reference is not None:
        chosen = change(chosen, column="alpha", reference=reference, value="loss")
    summary = over_seeds(chosen, [group, "alpha"], "loss").sort("alpha")
    palette, symbols = theme.colors(heldout[group], group), theme.symbols(heldout[group], group)
    figure, groups = go.Figure(), theme.order(chosen[group], group)
    for i, value in enumerate(groups):
        rows = summary.filter(pl.col(group) == value)
        shift = (i - (len(groups) - 1) / 2) * min(0.015, 0.06 / len(groups))
        look = {"color": palette[value], "symbol": symbols[value], "size": 9}
        figure.add_scatter(
            x=theme.rounded(rows["alpha"] + shift),
            y=theme.rounded(rows["mean"]),
            error_y=bars(rows),
            name=f"{value} ({_count(chosen, group, value)})",
            legendgroup=value,
            mode="lines+markers",
            marker=look,
            line={"color": palette[value], "width": 1.8, "dash": theme.DASHES[i % 8]},
            customdata=rows["alpha"].to_list(),
            hovertemplate=f"{value}, α = %{{customdata}}: %{{y:.4f}}<extra></extra>",
        )
        if seeds:
            _add_seeds(figure, chosen, {group: value}, look, shift + SEED_SHIFT)
    figure.update_xaxes(tickvals=sorted(heldout["alpha"].unique().to_list()))
    if reference is not None:
        figure.add_hline(y=0, line={"color": theme.GREY, "dash": "dot"})
    return _finish(figure, title, _measured(chosen), group)


def _title(group: str, reference: float | None) -> str:
    by = "" if group == "tier" else f", by {theme.GROUPS[group]}"
    if reference is None:
        return f"Held-out masked-LM loss by α{by}"
    return f"Change in held-out loss from α = {reference:g}{by}"


def _finish(figure: go.Figure, title: str, subtitle: str, group: str) -> go.Figure:
    figure.update_xaxes(title="α", zeroline=False)
    figure.update_yaxes(title="nats per masked token")
    legend = theme.GROUPS[group]
    return theme.finish(figure, title=title, subtitle=subtitle, height=HEIGHT, legend=legend)


def _add_seeds(
    figure: go.Figure,
    chosen: pl.DataFrame,
    where: dict[str, str],
    look: dict[str, object],
    shift: float,
) -> None:
    (value,) = where.values()
    single = (
        chosen.filter(**where)
        .group_by("alpha", "seed", maintain_order=True)
        .agg(pl.col("loss").mean())
    )
    figure.add_scatter(
        x=theme.rounded(single["alpha"] + shift),
        y=theme.rounded(single["loss"]),
        name=f"{value}, single seeds",
        legendgroup=value,
        showlegend=False,
        mode="markers",
        marker=look | {"size": 5, "opacity": 0.6},
        customdata=single["seed"].to_list(),
        hovertemplate=f"{value}, seed %{{customdata}}: %{{y:.4f}}<extra></extra>",
    )


def _count(chosen: pl.DataFrame, group: str, value: str) -> int:
    return chosen.filter(pl.col(group) == value)["language"].n_unique()


def _measured(chosen: pl.DataFrame) -> str:
    return (
        f"{chosen['language'].n_unique()} languages, {chosen['seed'].n_unique()} pretraining "
        f"seeds, step {max(chosen['step'].to_list()):,}; dots are means over a group's languages, "
        "bars 95 % intervals over seeds"
    )
