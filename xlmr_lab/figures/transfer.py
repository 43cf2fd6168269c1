"""Transfer from the language of fine-tuning to all others, with and without pretraining (XLM-R Sec.
5.2, Tables 1 and 2).

Every dot is a mean over pretraining seeds (fine-tuning seeds averaged first) with its 95 % Student
t interval. What guessing would score is drawn as a line, where there is such a thing. The language
fine-tuned on stands first; it is no transfer.
"""

import plotly.graph_objects as go
import polars as pl

from xlmr_lab.errors import UserError
from xlmr_lab.figures import theme
from xlmr_lab.figures.summaries import gain, over_seeds
from xlmr_lab.figures.tables import Table, show, with_interval
from xlmr_lab.figures.theme import lettered
from xlmr_lab.paper import tables

TASKS = {"nli": "Natural language inference", "ner": "Named-entity recognition"}
METRICS = {"accuracy": "accuracy", "span_f1": "span F1"}
XNLI = tuple("en fr es de el bg ru tr ar vi th zh hi sw ur".split())
CUT = "intervals cut at 0 and 1"
CHANCE = {"nli": 1 / 3}
"""What guessing scores: three balanced labels in NLI."""
PLAIN = "last"
"""The selection that looks at no dev set."""


def by_language(
    scores: pl.DataFrame, *, task: str, protocol: str = "zero-shot", selection: str = ""
) -> go.Figure:
    """Draw the test score of each language, one series for each arm.

    An empty `selection` is `last` where there is that, else the first by name.
    """
    part = _chosen(scores, task, protocol, selection)
    if part.is_empty():
        return _nothing(task, protocol)
    summary, cut = within_bounds(over_seeds(part, ["arm", "pretrained", "language"], "value"))
    order = _languages(part)
    figure, arms = go.Figure(), _arms(part)
    for i, (arm, (color, symbol)) in enumerate(arms.items()):
        rows = order.join(
            summary.filter(pl.col("arm") == arm), on="language", maintain_order="left"
        )
        shift = (i - (len(arms) - 1) / 2) * min(0.22, 0.6 / len(arms))
        figure.add_scatter(
            x=[place + shift for place in rows["place"].to_list()],
            y=theme.rounded(rows["mean"]),
            error_y=bars(rows),
            name=lettered(arm),
            mode="markers",
            marker={"color": color, "symbol": symbol, "size": 9},
            customdata=rows.select("name", "num_seeds").rows(),
            hovertemplate=f"%{{customdata[0]}}, {arm}: %{{y:.3f}} "
            "(%{customdata[1]} seeds)<extra></extra>",
        )
    if task in CHANCE:
        line = {"dash": "dot", "color": theme.GREY}
        figure.add_hline(y=CHANCE[task], line=line)
        note = {"xref": "paper", "x": 1.01, "xanchor": "left", "showarrow": False}
        figure.add_annotation(y=CHANCE[task], text="guessing", **note)
    figure.update_xaxes(**places(order))
    figure.update_yaxes(title=METRICS[part["metric"][0]])
    title = f"{TASKS.get(task, task)} by language, {_way(part)}"
    subtitle = _seeds(part) + (f"<br>{CUT.capitalize()}" if cut else "")
    return theme.finish(figure, title=title, subtitle=subtitle, height=430, legend="arm")


def gains(
    scores: pl.DataFrame, *, task: str, protocol: str = "zero-shot", selection: str = ""
) -> go.Figure:
    """Draw by how much pretraining raises the score of each language, and of all transfer languages
    together; `selection` as in `by_language`.
    """
    part = _chosen(scores, task, protocol, selection)
    gained = gain(part) if not part.is_empty() else part
    if gained.is_empty():
        return _nothing(task, protocol)
    order = _languages(part)
    figure, spoken = go.Figure(), []
    others = gained.filter(~pl.col("trained"))
    for i, (arm, (color, symbol)) in enumerate(_arms(gained).items()):
        own = pl.col("arm") == arm
        rows = order.join(
            over_seeds(gained.filter(own), ["language"], "gain"),
            on="language",
            maintain_order="left",
        ).filter(pl.col("mean").is_not_null())
        shift = (i - (gained["arm"].n_unique() - 1) / 2) * 0.2
        figure.add_scatter(
            x=[place + shift for place in rows["place"].to_list()],
            y=theme.rounded(rows["mean"]),
            error_y=bars(rows),
            name=lettered(arm),
            mode="markers",
            marker={"color": color, "symbol": symbol, "size": 9},
            customdata=rows["name"].to_list(),
            hovertemplate=f"%{{customdata}}, {arm}: %{{y:+.3f}}<extra></extra>",
        )
        total = with_interval(over_seeds(others.filter(own), ["arm"], "gain"), "mean")
        spoken += [f"{lettered(arm)}: {effect}" for effect in total]
    figure.add_hline(y=0, line={"color": theme.GREY})
    figure.update_xaxes(**places(order))
    figure.update_yaxes(title=f"gain in {METRICS[part['metric'][0]]}", tickformat="+.2f")
    subtitle = "Mean over the languages it was not fine-tuned on: " + "; ".join(spoken)
    title = f"What pretraining adds: {TASKS.get(task, task).lower()}, {_way(part)}"
    return theme.finish(figure, title=title, subtitle=subtitle, height=400, legend="arm")


def summary(scores: pl.DataFrame) -> Table:
    """Show every arm's score in the language learned and the mean of the others, with intervals."""
    keys = ["task", "protocol", "selection", "metric", "arm", "pretrained", "trained"]
    means, cut = within_bounds(over_seeds(scores, keys, "value"))
    rows = means.sort(keys, descending=[False] * 5 + [True] * 2)
    shown = rows.select(
        "task",
        "protocol",
        "selection",
        "metric",
        pl.col("arm").map_elements(lettered, return_dtype=pl.String),
        pl.when("trained")
        .then(pl.lit("the one learned"))
        .otherwise(pl.lit("mean of the others"))
        .alias("languages"),
        pl.Series(
            "score [95\u00a0% interval]", with_interval(rows, "mean", sign=False), dtype=pl.String
        ),
        pl.col("num_seeds").alias("pretraining seeds"),
    )
    caption = "Test scores, averaged over fine-tuning seeds first"
    return show(shown, caption + (f"; {CUT}." if cut else "."))


def paper_nli() -> Table:
    """Show zero-shot XNLI accuracy as the paper prints it, one model trained on all languages."""
    rows = [
        {"model": row["model"], "version": row["version"]} | {key: row[key] for key in XNLI}
        for row in tables.read("xnli_table1")
        if row["setting"] == "zero-shot" and row["data"] == "CC" and row["version"] == "v2/ACL"
    ]
    caption = "XLM-R Table 1, zero-shot: accuracy in %, fine-tuned on English."
    return show(pl.DataFrame(rows), caption, dict.fromkeys(XNLI, ".1f"))


def within_bounds(rows: pl.DataFrame) -> tuple[pl.DataFrame, bool]:
    """Cut the intervals of scores at 0 and 1, which Student's t does not know; also tell whether
    any was cut.
    """
    cut = ((rows["low"] < 0) | (rows["high"] > 1)).any()
    return rows.with_columns(pl.col("low").clip(0, 1), pl.col("high").clip(0, 1)), bool(cut)


def bars(rows: pl.DataFrame) -> dict[str, object]:
    """Return plotly error bars from columns mean, low and high; none where the interval is
    unknown.
    """
    return {
        "type": "data",
        "symmetric": False,
        "array": theme.rounded(rows["high"] - rows["mean"]),
        "arrayminus": theme.rounded(rows["mean"] - rows["low"]),
        "thickness": 1.3,
        "width": 3,
    }


def places(order: pl.DataFrame) -> dict[str, object]:
    """Return an axis of languages on numbers, so that arms can stand side by side."""
    return theme.categories(order["label"]) | {
        "type": "linear",
        "tickvals": theme.sparse(order["place"].to_list()),
        "ticktext": theme.sparse(order["label"].to_list()),
        "categoryorder": None,
        "categoryarray": None,
        "zeroline": False,
    }


def _languages(part: pl.DataFrame) -> pl.DataFrame:
    """Return the languages in the order of the axis: the one fine-tuned on, then from the largest
    text to the smallest.
    """
    ranked = part.select("language", "name", "size_bytes", "trained").unique()
    keys = ("trained", "size_bytes", "language")
    return theme.labelled(ranked.sort(*keys, descending=[True, True, False])).with_row_index(
        "place"
    )


def _arms(part: pl.DataFrame) -> dict[str, tuple[str, str]]:
    """Give every arm a colour and a symbol; arms without pretraining are grey crosses, and come
    last.
    """
    arms = (
        part.select("arm", "pretrained")
        .unique()
        .sort("pretrained", "arm", descending=[True, False])
    )
    looks = zip(theme.PALETTE, theme.SYMBOLS, strict=True)
    return {
        arm: next(looks) if pretrained else (theme.GREY, "x-thin-open")
        for arm, pretrained in arms.iter_rows()
    }


def _chosen(scores: pl.DataFrame, task: str, protocol: str, selection: str) -> pl.DataFrame:
    if task not in TASKS:
        raise UserError(f"task must be one of {', '.join(TASKS)}, got {task!r}")
    part = scores.filter((pl.col("task") == task) & (pl.col("protocol") == protocol))
    known = sorted(part["selection"].unique().to_list())
    if selection and known and selection not in known:
        raise UserError(f"selection must be one of {', '.join(known)}, got {selection!r}")
    taken = selection or (PLAIN if PLAIN in known else "".join(known[:1]))
    return part.filter(pl.col("selection") == taken)


def _way(part: pl.DataFrame) -> str:
    """Return the protocol of scores, and their selection where that is not the plain one."""
    protocol, selection = part["protocol"][0], part["selection"][0]
    return protocol if selection == PLAIN else f"{protocol}, {selection}"


def _seeds(part: pl.DataFrame) -> str:
    trained = part.filter("trained")["name"].unique().to_list()
    first = f"Fine-tuned on {trained[0]}, which stands first. " if trained else ""
    return (
        f"{first}Mean over {part['seed'].n_unique()} pretraining seeds with "
        f"{part['finetune_seed'].n_unique()} fine-tuning seeds each, "
        "95 % interval over pretraining seeds"
    )


def _nothing(task: str, protocol: str) -> go.Figure:
    message = f"This study has no {protocol} scores for {TASKS[task].lower()}."
    return theme.empty(message, title=f"{TASKS[task]}, {protocol}", height=150)
