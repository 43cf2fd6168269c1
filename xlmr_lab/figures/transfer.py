"""Transfer from the language of fine-tuning to all others, with and without pretraining (XLM-R Sec.
5.2, Tables 1 to 3).

Every dot is a mean over pretraining seeds (fine-tuning seeds averaged first) with its 95 % Student
t interval. What guessing would score is drawn as a line, where there is such a thing. The language
that the task is learned in stands first; it is no transfer, nor is any language whose own training
set was learned from. Left out: questions in another language than their context, which are a
matrix and no row.
"""

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from xlmr_lab.figures import doctor, theme
from xlmr_lab.figures.language_dots import add_dots, arm_looks, bars, in_order, places, shifts
from xlmr_lab.figures.mixed_sets import is_mixed
from xlmr_lab.figures.summaries import gain, over_seeds
from xlmr_lab.figures.tables import Table, show, with_interval
from xlmr_lab.figures.task_scores import (
    METRICS,
    TASKS,
    capital,
    chosen,
    nothing,
    own_questions,
    source,
    told_seeds,
    transfer_only,
    way,
    within_bounds,
)
from xlmr_lab.figures.theme import lettered

CHANCE = {"nli": 1 / 3}
"""What guessing scores: three balanced labels in NLI."""
GROUPINGS = ("tier", "family", "script")
LINE = 30
"""Height of a group, in pixels."""


def by_language(
    scores: pl.DataFrame,
    *,
    task: str,
    protocol: str = "zero-shot",
    selection: str = "",
    metric: str = "",
) -> go.Figure:
    """Draw the test score of each language, one series for each arm.

    An empty `selection` is `last` where there is that, else the first by name; an empty `metric`
    the one that the task is known by.
    """
    part = chosen(scores, task, protocol, selection, metric)
    if part.is_empty():
        return nothing(task, protocol)
    means, cut = within_bounds(over_seeds(part, ["arm", "metric", "language"], "value"))
    order = in_order(part)
    figure, arms = go.Figure(), arm_looks(part)
    for (arm, look), shift in zip(arms.items(), shifts(len(arms)), strict=True):
        rows = means.filter(pl.col("arm") == arm)
        add_dots(figure, order, rows, name=lettered(arm), look=look, shift=shift)
    if task in CHANCE:
        line = {"dash": "dot", "color": theme.GREY}
        figure.add_hline(y=CHANCE[task], line=line)
        note = {"xref": "paper", "x": 1.01, "xanchor": "left", "showarrow": False}
        figure.add_annotation(y=CHANCE[task], text="guessing", **note)
    figure.update_xaxes(**places(order))
    figure.update_yaxes(title=METRICS[part["metric"][0]])
    title = f"{capital(TASKS[task])} by language, {way(part)}"
    notes = [capital(note) for note in (cut, doctor.told(part)) if note]
    subtitle = "<br>".join([told_seeds(part), *notes])
    return theme.finish(figure, title=title, subtitle=subtitle, height=430, legend="arm")


def gains(
    scores: pl.DataFrame,
    *,
    task: str,
    protocol: str = "zero-shot",
    selection: str = "",
    metric: str = "",
) -> go.Figure:
    """Draw by how much pretraining raises the score of each language, and of all transfer languages
    together; `selection` and `metric` as in `by_language`.
    """
    part = chosen(scores, task, protocol, selection, metric)
    gained = gain(part) if not part.is_empty() else part
    if gained.is_empty():
        return nothing(task, protocol)
    order, (others, whose) = in_order(part), transfer_only(gained)
    figure, spoken, arms = go.Figure(), [], arm_looks(gained)
    for (arm, look), shift in zip(arms.items(), shifts(len(arms)), strict=True):
        own = pl.col("arm") == arm
        rows = over_seeds(gained.filter(own), ["language"], "gain")
        add_dots(figure, order, rows, name=lettered(arm), look=look, shift=shift, sign="+")
        total = with_interval(over_seeds(others.filter(own), ["arm"], "gain"), "mean")
        spoken += [f"{lettered(arm)}: {effect}" for effect in total]
    figure.add_hline(y=0, line={"color": theme.GREY})
    figure.update_xaxes(**places(order))
    figure.update_yaxes(title=f"gain in {METRICS[part['metric'][0]]}", tickformat="+.2f")
    subtitle = f"Mean over {whose}:<br>" + "; ".join(spoken)
    title = f"What pretraining adds: {TASKS[task]}, {way(part)}"
    return theme.finish(figure, title=title, subtitle=subtitle, height=400, legend="arm")


def gains_by_group(
    scores: pl.DataFrame,
    *,
    task: str,
    protocol: str = "zero-shot",
    selection: str = "",
    metric: str = "",
) -> go.Figure:
    """Draw the gain of pretraining by resource tier, family and script, a panel for each that has
    more than one group among the transfer languages; arguments as in `by_language`.

    A group's interval is over pretraining seeds too: it says nothing of languages that are not
    there.
    """
    part = chosen(scores, task, protocol, selection, metric)
    gained = gain(part) if not part.is_empty() else part
    if gained.is_empty():
        return nothing(task, protocol)
    title = f"What pretraining adds by group: {TASKS[task]}, {way(part)}"
    others, _ = transfer_only(gained)
    groupings = [name for name in GROUPINGS if others[name].n_unique() > 1]
    if not groupings:
        alike = f"All languages but the one learned in are of one {', '.join(GROUPINGS[:-1])}"
        message = f"{alike} and {GROUPINGS[-1]}."
        return theme.empty(message, title=title, height=150)
    found = {name: _groups(others, part, name) for name in groupings}
    heights = [len(groups) for groups in found.values()]
    figure = make_subplots(
        rows=len(found),
        cols=1,
        shared_xaxes="all",
        row_heights=heights,
        vertical_spacing=32 / (LINE * sum(heights) + 40 * len(found)),
        subplot_titles=[theme.GROUPS[name] for name in found],
    )
    figure.update_annotations(font_size=13)
    for row, (name, groups) in enumerate(found.items(), 1):
        _add_panel(figure, others, name, groups, row)
    figure.add_vline(x=0, line={"color": theme.GREY})
    figure.update_xaxes(tickformat="+.2f", zeroline=False)
    figure.update_xaxes(title=f"gain in {METRICS[part['metric'][0]]}", row=len(found))
    seeds = others["seed"].n_unique()
    subtitle = f"Mean over a group's languages, 95\u00a0% intervals over {seeds} pretraining seeds"
    height = 150 + LINE * sum(heights) + 40 * len(found)
    return theme.finish(figure, title=title, subtitle=subtitle, height=height, legend="arm")


def summary(scores: pl.DataFrame) -> Table:
    """Show every arm's score in the languages learned and the mean of the others, with
    intervals.
    """
    keys = ["task", "protocol", "selection", "metric", "arm", "pretrained", "trained"]
    scores = own_questions(scores)
    if scores.is_empty():
        return show(pl.DataFrame({"scores": ["none of this task and protocol"]}))
    counts = scores.group_by(keys).agg(
        pl.col("language").n_unique().alias("number"), is_mixed().any().alias("mixed")
    )
    means, cut = within_bounds(over_seeds(scores, keys, "value"))
    rows = means.join(counts, on=keys).sort(keys, descending=[False] * 5 + [True] * 2)
    learned = pl.when(pl.col("number") == 1).then(pl.lit("the one learned"))
    shown = rows.select(
        "task",
        "protocol",
        "selection",
        pl.col("metric").replace(METRICS),
        pl.col("arm").map_elements(lettered, return_dtype=pl.String),
        pl.when("trained")
        .then(learned.otherwise(pl.lit("mean of those learned")))
        .when("mixed")
        .then(pl.lit("mean of pairs of languages"))
        .otherwise(pl.lit("mean of the others"))
        .alias("languages"),
        pl.Series(
            "score [95\u00a0% interval]", with_interval(rows, "mean", sign=False), dtype=pl.String
        ),
        pl.col("num_seeds").alias("pretraining seeds"),
    )
    told = ("Test scores, averaged over fine-tuning seeds first", cut, doctor.told(scores))
    return show(shown, f"{'; '.join(filter(None, told))}.")


def _groups(others: pl.DataFrame, part: pl.DataFrame, column: str) -> dict[str, str]:
    """Return the groups from top to bottom, and what to call each: with its number of languages,
    and the language learned in where that is of it too.
    """
    folded = theme.folded(others, column)
    learned = dict.fromkeys(part.filter("source")[column], source(part))
    labels = {}
    for value in theme.order(folded[column], column):
        number = folded.filter(pl.col(column) == value)["language"].n_unique()
        kin = f", as {learned[value]}" if value in learned else ""
        labels[value] = f"{value} ({number}{kin})"
    return labels


def _add_panel(
    figure: go.Figure, others: pl.DataFrame, column: str, groups: dict[str, str], row: int
) -> None:
    """Draw the mean gain of each group of a column."""
    arms, places = arm_looks(others), {value: place for place, value in enumerate(groups)}
    means = over_seeds(theme.folded(others, column), ["arm", column], "gain")
    means = means.with_columns(
        pl.col(column).replace_strict(places, return_dtype=pl.Float64).alias("place")
    ).sort("place")
    for (arm, (color, symbol)), shift in zip(arms.items(), shifts(len(arms)), strict=True):
        own = means.filter(pl.col("arm") == arm)
        figure.add_scatter(
            x=theme.rounded(own["mean"]),
            y=[place + shift for place in own["place"]],
            error_x=bars(own),
            name=lettered(arm),
            legendgroup=arm,
            showlegend=row == 1,
            mode="markers",
            marker={"color": color, "symbol": symbol, "size": 9},
            customdata=[groups[value] for value in own[column]],
            hovertemplate=f"%{{customdata}}, {arm}: %{{x:+.3f}}<extra></extra>",
            row=row,
            col=1,
        )
    figure.update_yaxes(
        tickvals=list(places.values()),
        ticktext=list(groups.values()),
        range=[len(groups) - 0.5, -0.5],
        zeroline=False,
        row=row,
    )
