"""Questions in one language about contexts in another: a matrix for each arm (XLM-R Table 3 has its
diagonal; MLQA has the rest).

A cell is a mean over pretraining seeds (fine-tuning seeds averaged first), its Student t interval
is told when the pointer is on it. All matrices share one scale of colour, and the diagonal, where
both are one language, is framed. What crossing costs is paired by context and both seeds: the same
contexts, asked about in another language less in their own. Left out: the order of languages by
likeness, which four to seven of them do not need.
"""

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from xlmr_lab.figures import doctor, theme
from xlmr_lab.figures.cleaning import SHADES
from xlmr_lab.figures.language_dots import arm_looks, in_order
from xlmr_lab.figures.summaries import over_seeds
from xlmr_lab.figures.tables import with_interval
from xlmr_lab.figures.task_scores import MEASURES, METRICS, capital, missing, selected, source
from xlmr_lab.figures.theme import lettered

TASK = "qa"
CELL = 46
"""Height of a cell, in pixels."""
SEVERAL = 2
"""Most matrices side by side."""
ALONE = (
    "No context was asked about in another language than its own;<br>./lab evaluate name=NEW "
    "evaluated=qa qa.crossed=true<br>does so, on your own text where there are files "
    "test-context-&lt;a&gt;-question-&lt;b&gt;.json"
)


def matrix(
    scores: pl.DataFrame, *, protocol: str = "zero-shot", selection: str = "", metric: str = ""
) -> go.Figure:
    """Draw the score of every language of contexts with every language of questions, a matrix for
    each arm; `selection` and `metric` as in `transfer.by_language`.
    """
    measured = scores.filter(task=TASK, protocol=protocol, metric=metric or MEASURES[TASK])
    part, title = selected(measured, selection), f"Contexts and questions, {protocol}"
    if part.is_empty():
        return theme.empty(missing(TASK, protocol), title=title, height=170)
    asked = of_both(part)
    if crossing(asked).is_empty():
        return theme.empty(ALONE, title=title, height=190)
    arms, labels = list(arm_looks(part)), dict(in_order(part).select("language", "label").rows())
    others = sorted(set(asked["question"]) - set(labels))
    questions = {**labels, **{key: key for key in others}}
    means = over_seeds(asked, ["arm", "language", "question"], "value")
    figure = _panels(arms)
    for place, arm in enumerate(arms):
        panel = {"row": place // SEVERAL + 1, "col": place % SEVERAL + 1}
        figure.add_trace(_heat_map(means.filter(arm=arm), labels, questions), **panel)
        _add_frames(figure, len(labels), panel)
    _set_axes(figure, list(labels.values()), list(questions.values()))
    bar = {"title": {"text": METRICS[part["metric"][0]]}, "tickformat": ".1f"}
    figure.update_layout(coloraxis={"colorscale": SHADES, "cmin": 0, "cmax": 1, "colorbar": bar})
    height = 130 + -(-len(arms) // SEVERAL) * (90 + CELL * len(labels))
    return theme.finish(figure, title=title, subtitle=_told(part, asked), height=height)


def of_both(part: pl.DataFrame) -> pl.DataFrame:
    """Add the language of the questions as column `question`: that of the context where none is
    named.
    """
    named = pl.col("question_language")
    return part.with_columns(question=pl.when(named == "").then("language").otherwise(named))


def crossing(asked: pl.DataFrame) -> pl.DataFrame:
    """Return how much better or worse each context is answered when it is asked about in another
    language than its own, as column `difference`; the two are paired by context and both seeds.
    """
    keys = ["arm", "language", "seed", "finetune_seed"]
    crossed = pl.col("language") != pl.col("question")
    own = asked.filter(~crossed).group_by(keys).agg(own=pl.col("value").mean())
    joined = asked.filter(crossed).join(own, on=keys, how="inner", maintain_order="left")
    return joined.with_columns(difference=pl.col("value") - pl.col("own"))


def _panels(arms: list[str]) -> go.Figure:
    columns = min(SEVERAL, len(arms))
    names, rows = [lettered(arm) for arm in arms], -(-len(arms) // columns)
    figure = make_subplots(rows=rows, cols=columns, subplot_titles=names, horizontal_spacing=0.12)
    return figure.update_annotations(font_size=13)


def _heat_map(cells: pl.DataFrame, labels: dict[str, str], questions: dict[str, str]) -> go.Heatmap:
    """Return the matrix of one arm: contexts from top to bottom, questions from left to right."""
    places = cells.select("language", "question").rows()
    written = with_interval(cells, "mean", sign=False)
    values = dict(zip(places, theme.rounded(cells["mean"]), strict=True))
    told = dict(zip(places, written, strict=True))
    return go.Heatmap(
        x=list(range(len(questions))),
        y=list(range(len(labels))),
        z=[[values.get((a, b)) for b in questions] for a in labels],
        customdata=[
            [[labels[a], questions[b], told.get((a, b), "")] for b in questions] for a in labels
        ],
        texttemplate="%{z:.2f}" if len(questions) <= theme.MAX_NAMES else None,
        hovertemplate="context %{customdata[0]}, question %{customdata[1]}: %{customdata[2]}"
        "<extra></extra>",
        hoverongaps=False,
        coloraxis="coloraxis",
        xgap=1,
        ygap=1,
    )


def _add_frames(figure: go.Figure, number: int, panel: dict[str, int]) -> None:
    """Frame the cells in which context and question are in one language."""
    line = {"color": theme.ORANGE, "width": 2.5}
    for place in range(number):
        low, high = place - 0.48, place + 0.48
        figure.add_shape(type="rect", x0=low, x1=high, y0=low, y1=high, line=line, **panel)


def _set_axes(figure: go.Figure, contexts: list[str], questions: list[str]) -> None:
    """Write languages on axes of numbers, on which frames can stand on cells."""
    plain = {"showgrid": False, "zeroline": False}
    xs = {"tickvals": list(range(len(questions))), "ticktext": questions, "title": "question"}
    ys = {"tickvals": list(range(len(contexts))), "ticktext": contexts, "title": "context"}
    figure.update_xaxes(**plain, **xs, range=[-0.5, len(questions) - 0.5])
    figure.update_yaxes(**plain, **ys, range=[len(contexts) - 0.5, -0.5])


def _told(part: pl.DataFrame, asked: pl.DataFrame) -> str:
    """Say what is framed, what crossing costs each arm, and over which seeds."""
    means = over_seeds(crossing(asked), ["arm"], "difference")
    costs = dict(zip(means["arm"], with_interval(means, "mean"), strict=True))
    spoken = [f"{lettered(arm)}: {costs[arm]}" for arm in arm_looks(part) if arm in costs]
    lines = (
        f"Fine-tuned on {source(part)}, which stands first; framed: both in one language",
        f"Another language's question against the context's own: {'; '.join(spoken)}",
        f"95\u00a0% intervals over {part['seed'].n_unique()} pretraining seeds",
        capital(doctor.told(part)),
    )
    return "<br>".join(filter(None, lines))
