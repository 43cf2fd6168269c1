"""A model by its parts: where parameters, operations and memory go, and what a vocabulary does to
each (XLM-R Sec. 3, Table 7).

All is calculated (see model_costs), nothing measured.
"""

from collections.abc import Sequence

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from xlmr_lab import model_costs
from xlmr_lab.figures import part_bars, theme
from xlmr_lab.figures.part_bars import Amounts, Rows, short
from xlmr_lab.figures.tables import Table, show
from xlmr_lab.model_costs import Load, Model

PLACES = {False: "masked positions", True: "all positions"}
"""Where the last layer's outputs, the head and the logits are computed."""
HELD = {False: "a chunk of logits", True: "all logits"}
"""What is held of the logits."""
SIZES = tuple(8000 * 2**power for power in range(9))
"""Vocabularies of `by_vocabulary`."""
LINES = {
    "parameters": ("parameters", theme.BLUE, "solid"),
    "masked": ("operations, masked positions", theme.GREEN, "dash"),
    "all": ("operations, all positions", theme.ORANGE, "dot"),
    "chunk": ("memory, a chunk of logits", theme.PURPLE, "dashdot"),
    "held": ("memory, all logits", theme.VERMILION, "longdash"),
}
BASE = "XLM-R-Base"


def parameters(models: Sequence[Model]) -> go.Figure:
    """Draw the parameters of some models by part, as shares of each model's."""
    rows = [(model.name, _parameters(model), short(model.parameters.total)) for model in models]
    figure = go.Figure()
    part_bars.add(figure, part_bars.shares(rows))
    figure.update_xaxes(title="share of the parameters")
    subtitle = (
        "One bar a model, behind it its parameters; the vocabulary takes "
        f"{models[0].parameters.vocabulary_share:.0%} of {models[0].name}"
    )
    return part_bars.finish(figure, rows, title="Where the parameters are", subtitle=subtitle)


def operations(models: Sequence[Model], load: Load | None = None) -> go.Figure:
    """Draw the operations for a token by part, at masked positions beside all; a whole is what a
    model takes at all positions.
    """
    load = load or Load()
    rows = [row for model in models for row in _operation_rows(model, load, f"{model.name}, ")]
    wholes = [sum(rows[2 * (i // 2) + 1][1].values()) for i in range(len(rows))]
    figure = go.Figure()
    shown = part_bars.shares(rows, wholes)
    part_bars.add(figure, shown)
    figure.update_xaxes(title="share of the operations at all positions")
    subtitle = (
        f"A token of training, {load.mask_fraction:.0%} masked, blocks of {load.block_tokens:,} at "
        f"most; {models[0].name} takes {sum(shown[0][1].values()):.0%} of what all positions would"
    )
    return part_bars.finish(figure, rows, title="Where the operations go", subtitle=subtitle)


def memory(models: Sequence[Model], load: Load | None = None) -> go.Figure:
    """Draw the memory of training by part, a chunk of logits beside all of them at once; a whole is
    what a model takes with all.
    """
    load = load or Load()
    rows = [row for model in models for row in _memory_rows(model, load, f"{model.name}, ")]
    wholes = [sum(rows[2 * (i // 2) + 1][1].values()) for i in range(len(rows))]
    figure = go.Figure()
    part_bars.add(figure, part_bars.shares(rows, wholes))
    figure.update_xaxes(title="share of the memory with all logits")
    subtitle = (
        f"In 32 bits, {load.step_tokens:,} tokens at once, without activations; all logits are "
        "counted once,<br>and a plain loss holds copies of them besides"
    )
    return part_bars.finish(figure, rows, title="Where the memory goes", subtitle=subtitle)


def by_vocabulary(
    model: Model | None = None, load: Load | None = None, sizes: Sequence[int] = SIZES
) -> go.Figure:
    """Draw the vocabulary's part of parameters, operations and memory over its size, in a body that
    stays as it is; XLM-R Base's where none is given.
    """
    model, load = model or _base(), load or Load()
    figure = go.Figure()
    found = [_vocabulary_shares(model.resized(vocab_size=size), load) for size in sizes]
    for key, (name, color, dash) in LINES.items():
        figure.add_scatter(
            x=list(sizes),
            y=[float(f"{part[key]:.4g}") for part in found],
            name=name,
            mode="lines",
            line={"color": color, "dash": dash, "width": 2},
            hovertemplate=f"{name}, %{{x:,}} ids: %{{y:.0%}}<extra></extra>",
        )
    figure.add_vline(x=model.vocab_size, line={"dash": "dot", "color": theme.GREY})
    ticks = {"type": "log", "tickvals": list(sizes), "ticktext": [short(x) for x in sizes]}
    figure.update_xaxes(title="ids of the vocabulary", **ticks)
    figure.update_yaxes(title="share of the vocabulary", range=[0, 1], tickformat=".0%")
    subtitle = (
        f"The body of {model.name}, dotted its own vocabulary; memory of parameters and logits, "
        f"{load.step_tokens:,} tokens at once"
    )
    return theme.finish(figure, title="What a larger vocabulary takes", subtitle=subtitle)


def whole(model: Model | None = None, load: Load | None = None) -> go.Figure:
    """Draw the parameters, operations and memory of a model by part; those of XLM-R Base where none
    is given.
    """
    model, load = model or _base(), load or Load()
    total = model.parameters.total
    panels: list[Rows] = [
        [("all", _parameters(model), short(total))],
        _operation_rows(model, load),
        _memory_rows(model, load),
    ]
    titles = (
        "parameters",
        "operations for a token of training",
        f"bytes for {load.step_tokens:,} tokens at once, without activations",
    )
    figure = make_subplots(
        rows=3, cols=1, row_heights=[1, 2, 2], vertical_spacing=0.16, subplot_titles=titles
    )
    for row, rows in enumerate(panels, 1):
        part_bars.add(figure, rows, row=row)
    figure.update_xaxes(tickformat="~s")
    subtitle = (
        f"{model.num_layers} layers of width {model.hidden_size:,}, {model.vocab_size:,} ids; "
        f"blocks of {load.block_tokens:,} tokens, {load.mask_fraction:.0%} masked"
    )
    theme.finish(figure, title=f"Anatomy of {model.name}", subtitle=subtitle, height=500)
    return figure.update_layout(margin={"t": theme.TOOLBAR + 112})


def table(models: Sequence[Model], load: Load | None = None) -> Table:
    """Show the sizes of some models, their parameters as counted and as the paper prints them."""
    load = load or Load()
    adaptive = any(model.adaptive_cutoffs for model in models)
    rows = [
        {
            "model": model.name,
            "layers": model.num_layers,
            "width": model.hidden_size,
            "feed-forward": model.ffn_size,
            "ids": model.vocab_size,
            "parameters": model.parameters.total,
            "printed": model_costs.printed_parameters(model.name),
            "of the vocabulary": model.parameters.vocabulary_share,
            "MFLOP a token": model_costs.operations(model, load).total / 1e6,
        }
        for model in models
    ]
    caption = (
        "Parameters of our masked LM at these sizes, head included; printed: XLM-R Table 7. "
        f"Operations: forward and backward, blocks of {load.block_tokens:,} tokens, "
        f"{load.mask_fraction:.0%} masked"
        + ("; rare ids of an adaptive softmax by Zipf's law." * adaptive or ".")
    )
    return show(pl.DataFrame(rows), caption, {"of the vocabulary": ".0%", "MFLOP a token": ",.4g"})


def _base() -> Model:
    return next(model for model in model_costs.paper_models() if model.name == BASE)


def _parameters(model: Model) -> Amounts:
    found = model.parameters
    return {
        "vocabulary": found.vocabulary,
        "layers": found.layers,
        "head": found.head,
        "positions": found.positions,
    }


def _operation_rows(model: Model, load: Load, before: str = "") -> Rows:
    rows = []
    for everywhere, place in PLACES.items():
        found = model_costs.operations(model, load, everywhere=everywhere)
        amounts = {
            "vocabulary": found.logits,
            "layers": found.layers,
            "attention": found.attention,
            "head": found.head,
        }
        rows.append((before + place, amounts, short(found.total, "FLOP")))
    return rows


def _memory_rows(model: Model, load: Load, before: str = "") -> Rows:
    rows = []
    for everywhere, held in HELD.items():
        found = model_costs.memory(model, load, everywhere=everywhere)
        amounts = {
            "vocabulary": found.logits,
            "weights": found.weights,
            "gradients": found.gradients,
            "moments": found.moments,
        }
        rows.append((before + held, amounts, short(found.total, "B")))
    return rows


def _vocabulary_shares(model: Model, load: Load) -> Amounts:
    """Return the vocabulary's share of each of `LINES`."""
    share = model.parameters.vocabulary_share
    found = {"parameters": share}
    for everywhere, (for_operations, for_memory) in {
        False: ("masked", "chunk"),
        True: ("all", "held"),
    }.items():
        done = model_costs.operations(model, load, everywhere=everywhere)
        kept = model_costs.memory(model, load, everywhere=everywhere)
        of_parameters = share * (kept.total - kept.logits)
        found[for_operations] = done.logits / done.total
        found[for_memory] = (of_parameters + kept.logits) / kept.total
    return found
