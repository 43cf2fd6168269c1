"""Pretraining as it went: held-out loss per language, the optimiser's records, what was drawn, how
fast.

A curve is the mean over the pretraining seeds of one arm. The paper shows that validation
perplexity is no reason to stop (XLM-R Sec. 5.1), so these pictures describe training and do not
select anything. Long records are thinned to what a picture can show.
"""

import statistics
from collections.abc import Sequence

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from xlmr_lab.errors import UserError
from xlmr_lab.figures import theme
from xlmr_lab.figures.summaries import over_seeds

LINE_HEIGHT = 0.05
"""Height of a line of text, as a share of the height of a picture."""
MAX_POINTS = 150
"""Points of one line; longer records are thinned evenly, the last point kept."""


def heldout(frame: pl.DataFrame, *, alpha: float, color: str = "tier") -> go.Figure:
    """Draw the held-out masked-LM loss of each language during pretraining, for the runs with one
    alpha; a few languages are named at the ends of their lines.
    """
    part = _with_alpha(frame, alpha)
    palette = theme.colors(frame[color], color)
    dashes = dict(zip(theme.order(frame[color], color), theme.DASHES, strict=False))
    curves = part.group_by("language", "name", color, "step", maintain_order=True).agg(
        pl.col("loss").mean()
    )
    figure, named, ends = go.Figure(), set(), []
    for (language, name, group), curve in curves.group_by(
        "language", "name", color, maintain_order=True
    ):
        curve = thinned(curve.sort("step"))
        figure.add_scatter(
            x=curve["step"].to_list(),
            y=theme.rounded(curve["loss"]),
            name=group,
            legendgroup=group,
            showlegend=group not in named,
            mode="lines+markers",
            marker={"size": 4},
            line={"color": palette[group], "width": 1.6, "dash": dashes.get(group, "solid")},
            hovertemplate=f"{name or language}: %{{y:.3f}} at step %{{x}}<extra></extra>",
        )
        named.add(group)
        ends.append((str(language), float(curve["loss"].to_list()[-1]), palette[group]))
    _name_lines(figure, ends, curves)
    figure.update_xaxes(title="step")
    figure.update_yaxes(title="nats per masked token")
    title = f"Held-out masked-LM loss while pretraining, {_called(frame, alpha)}"
    return theme.finish(
        figure, title=title, subtitle=_ended(part, color), height=420, legend=theme.GROUPS[color]
    )


def _name_lines(
    figure: go.Figure, ends: list[tuple[str, float, str]], curves: pl.DataFrame
) -> None:
    """Write the language at the end of each line, given key, last value and colour; none where
    there are too many.
    """
    last = max(curves["step"].to_list())
    named = len(ends) <= theme.MAX_NAMES
    figure.update_xaxes(range=[0, last * (1.09 if named else 1.02)])
    if not named:
        return
    losses = curves["loss"].to_list()
    heights = spaced([value for _, value, _ in ends], LINE_HEIGHT * (max(losses) - min(losses)))
    for (language, _, color), height in zip(ends, heights, strict=True):
        figure.add_annotation(
            x=last,
            y=height,
            text=language,
            font={"color": theme.WRITTEN.get(color, color), "size": 12},
            showarrow=False,
            xanchor="left",
            xshift=6,
        )


def spaced(values: Sequence[float], gap: float) -> list[float]:
    """Move values apart until no two are closer than `gap`, as little and as evenly as it goes.

    >>> [round(x, 3) for x in spaced([1.0, 1.0, 3.0], 0.5)]
    [0.75, 1.25, 3.0]
    """
    groups: list[list[int]] = []
    place: dict[int, float] = {}
    for i in sorted(range(len(values)), key=lambda i: values[i]):
        groups.append([i])
        while True:
            group = groups[-1]
            first = sum(values[k] for k in group) / len(group) - gap * (len(group) - 1) / 2
            place |= {k: first + gap * n for n, k in enumerate(group)}
            if len(groups) == 1 or place[group[0]] - place[groups[-2][-1]] >= gap:
                break
            groups[-2:] = [groups[-2] + group]
    return [place[i] for i in range(len(values))]


def _ended(part: pl.DataFrame, color: str) -> str:
    last = part.filter(pl.col("step") == pl.col("step").max().over("seed"))
    summary = over_seeds(last, [color], "loss")
    ends = {row[color]: row["mean"] for row in summary.iter_rows(named=True)}
    shown = [f"{group} {ends[group]:.3f}" for group in theme.order(ends, color)]
    return (
        f"One line a language, mean of {part['seed'].n_unique()} pretraining seeds; at the end, by "
        f"{theme.GROUPS[color]}: {', '.join(shown[:4])}"
    )


def optimisation(steps: pl.DataFrame, *, alpha: float) -> go.Figure:
    """Draw training loss, learning rate and gradient norm by step, one line for each run with one
    alpha.
    """
    part = _with_alpha(steps, alpha)
    panels = ("loss", "learning_rate", "gradient_norm")
    figure = make_subplots(
        rows=1,
        cols=3,
        horizontal_spacing=0.08,
        subplot_titles=("training loss (nats)", "learning rate", "gradient norm"),
    )
    seeds = sorted(part["seed"].unique().to_list())
    for i, seed in enumerate(seeds):
        run = thinned(part.filter(pl.col("seed") == seed).sort("step"))
        for column, panel in enumerate(panels, 1):
            figure.add_scatter(
                x=run["step"].to_list(),
                y=theme.rounded(run[panel]),
                name=f"seed {seed}",
                legendgroup=str(seed),
                showlegend=column == 1,
                mode="lines",
                line={"color": theme.PALETTE[i % 8], "width": 1.4, "dash": theme.DASHES[i % 8]},
                hovertemplate="step %{x}: %{y:.4~g}<extra></extra>",
                row=1,
                col=column,
            )
    figure.update_xaxes(title="step", rangemode="tozero")
    figure.update_yaxes(rangemode="tozero", col=2)
    figure.update_yaxes(exponentformat="power", col=2)
    last = part["step"].to_list()[-1]
    subtitle = f"{len(seeds)} runs of {last:,} steps that differ in their seed only"
    title = f"Optimisation, {_called(steps, alpha)}"
    theme.finish(figure, title=title, subtitle=subtitle, height=380)
    return figure.update_layout(margin={"t": theme.TOOLBAR + 112})


def draws(frame: pl.DataFrame, sizes: pl.DataFrame) -> go.Figure:
    """Draw the realised share of each language among the blocks drawn, by alpha, beside its share
    of the text.
    """
    last = frame.filter(pl.col("step") == pl.col("step").max().over("run"))
    last = last.with_columns(share=pl.col("blocks") / pl.col("blocks").sum().over("run"))
    shares = over_seeds(last, ["alpha", "language"], "share")
    text = theme.labelled(sizes).with_columns(
        share=pl.col("size_bytes") / pl.col("size_bytes").sum()
    )
    figure = go.Figure()
    figure.add_scatter(
        x=text["label"].to_list(),
        y=theme.rounded(text["share"]),
        name="share of the text",
        mode="markers",
        marker={"symbol": "circle-open", "size": 10, "color": theme.GREY, "line": {"width": 1.5}},
        hovertemplate="%{x}: %{y:.3%} of the bytes<extra></extra>",
    )
    joined = text.drop("share").join(shares, on="language", maintain_order="left")
    for i, alpha in enumerate(sorted(frame["alpha"].unique().to_list())):
        part = joined.filter(pl.col("alpha") == alpha)
        figure.add_scatter(
            x=part["label"].to_list(),
            y=theme.rounded(part["mean"]),
            name=_called(frame, alpha),
            mode="markers",
            marker={"color": theme.PALETTE[i % 8], "symbol": theme.SYMBOLS[i % 8], "size": 8},
            hovertemplate="%{x}: %{y:.3%} of the blocks<extra></extra>",
        )
    figure.update_xaxes(**theme.categories(text["label"]))
    drawn = [*text["share"], *shares["mean"]]
    figure.update_yaxes(title="share", **theme.logarithmic(drawn, ".2~%"))
    subtitle = (
        "Filled: share of the blocks drawn in training, mean over seeds; rings: share of the bytes"
    )
    return theme.finish(figure, title="What was drawn", subtitle=subtitle, height=400)


def passes(frame: pl.DataFrame) -> go.Figure:
    """Draw how often training went through the text of each language, by alpha."""
    means = over_seeds(frame, ["alpha", "language"], "passes")
    languages = frame.select("language", "name", "size_bytes").unique()
    order = theme.labelled(languages.sort("size_bytes", "language", descending=[True, False]))
    figure = go.Figure()
    for i, alpha in enumerate(sorted(frame["alpha"].unique().to_list())):
        part = order.join(means.filter(alpha=alpha), on="language", maintain_order="left")
        figure.add_scatter(
            x=part["label"].to_list(),
            y=theme.rounded(part["mean"]),
            name=_called(frame, alpha),
            mode="markers",
            marker={"color": theme.PALETTE[i % 8], "symbol": theme.SYMBOLS[i % 8], "size": 8},
            customdata=part["name"].to_list(),
            hovertemplate="%{customdata}: %{y:.2~g} passes<extra></extra>",
        )
    figure.add_hline(y=1, line={"dash": "dot", "color": theme.GREY})
    figure.update_xaxes(**theme.categories(order["label"]))
    figure.update_yaxes(title="passes", **theme.logarithmic([*means["mean"], 1]))
    most = means.sort("mean", descending=True).row(0, named=True)
    subtitle = (
        "Blocks drawn over blocks there are, mean over seeds; the most: "
        f"{most['language']} at {_called(frame, most['alpha'])}, "
        f"{theme.significant(most['mean'])} passes"
    )
    return theme.finish(figure, title="Passes over each language's text", subtitle=subtitle)


def telemetry(frame: pl.DataFrame) -> go.Figure:
    """Draw the training speed of each run by step."""
    figure, named = go.Figure(), set()
    alphas = sorted(frame["alpha"].unique().to_list())
    for (run, alpha), part in frame.group_by("run", "alpha", maintain_order=True):
        line = thinned(part.sort("step"))
        figure.add_scatter(
            x=line["step"].to_list(),
            y=theme.rounded(line["tokens_per_second"]),
            name=_called(frame, alpha),
            legendgroup=f"{alpha:g}",
            showlegend=alpha not in named,
            mode="lines",
            line={"color": theme.PALETTE[alphas.index(alpha) % 8], "width": 1.4},
            hovertemplate=f"{run}, step %{{x}}: %{{y:,.0f}} tokens/s<extra></extra>",
        )
        named.add(alpha)
    middle = statistics.median(frame["tokens_per_second"].to_list())
    figure.update_xaxes(title="step", rangemode="tozero")
    figure.update_yaxes(title="tokens per second", rangemode="tozero", tickformat=",")
    subtitle = (
        f"One line a run; median {middle:,.0f} tokens per second on the machine of this study"
    )
    return theme.finish(figure, title="Training speed", subtitle=subtitle, height=340)


def thinned(frame: pl.DataFrame, most: int = MAX_POINTS) -> pl.DataFrame:
    """Keep at most so many rows, evenly spaced, and the last one.

    >>> thinned(pl.DataFrame({"step": list(range(1000))}))["step"].to_list()[-1]
    999
    """
    stride = -(-len(frame) // most)
    return frame if stride <= 1 else frame.reverse().gather_every(stride).reverse()


def _called(frame: pl.DataFrame, alpha: float) -> str:
    """Return what the runs of an exponent are called, which says how it changes if it does."""
    return theme.lettered(str(frame.filter(pl.col("alpha") == alpha)["arm"].to_list()[0]))


def _with_alpha(frame: pl.DataFrame, alpha: float) -> pl.DataFrame:
    part = frame.filter(pl.col("alpha") == alpha)
    if part.is_empty():
        known = ", ".join(f"{x:g}" for x in sorted(frame["alpha"].unique().to_list()))
        raise UserError(f"no run has alpha = {alpha:g}; there are {known}")
    return part
