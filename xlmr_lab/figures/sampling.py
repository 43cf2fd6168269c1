"""How pretraining is shared out among languages (XLM-R Sec. 3): shares, probabilities, passes.

`project` is the calculation, `shares` its end as a frame, `distribution` the picture of it; the
explorer calls the same. What a language's size counts is always said. White-space words are offered
to show why they are no basis: scripts without spaces vanish. Passes are counted in blocks where
those are known, else in the basis.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypedDict, Unpack

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from xlmr_lab.errors import UserError
from xlmr_lab.figures import theme
from xlmr_lab.sampling import meter, schedules
from xlmr_lab.sampling.exponent import probabilities
from xlmr_lab.sampling.meter import PASSES_WARNED
from xlmr_lab.sampling.schedules import Length, Phase
from xlmr_lab.sampling.settings import SamplingConfig, Schedule

BASES = {
    "blocks": "num_blocks",
    "pieces": "num_pieces",
    "bytes": "size_bytes",
    "sentences": "num_paragraphs",
    "words": "num_words",
}
"""What can count as a language's size, and the column that holds it (a paragraph stands for a
sentence).
"""

STEPS = 1000
"""A run that is projected has so many steps: changes are placed to a thousandth of it."""


class Settings(TypedDict, total=False):
    """The settings of `SamplingConfig` that say how sampling goes over a run."""

    alpha: float
    schedule: Schedule
    later_alphas: tuple[float, ...]
    changes: tuple[float, ...]
    starts: tuple[str, ...]
    max_passes: float | None


class Projection(NamedTuple):
    """What a run will draw, before it is run."""

    config: SamplingConfig
    """Its settings."""
    phases: list[Phase]
    """Its probabilities."""
    length: Length
    """Its length, in the unit of `amounts`."""
    sizes: dict[str, float]
    """Each language's text in the basis."""
    amounts: dict[str, float]
    """The same in what passes are counted in."""

    def passes(self, length: Length | None = None) -> dict[str, float]:
        """Return the passes over each language's text at the end, or after a shorter length."""
        return meter.passes(meter.expected_draws(self.phases, length or self.length), self.amounts)


def available_bases(sizes: pl.DataFrame) -> list[str]:
    """Return the bases that are known for every language of a corpus."""
    known = [basis for basis, column in BASES.items() if column in sizes.columns]
    return [basis for basis in known if sizes[BASES[basis]].null_count() == 0]


def project(
    sizes: pl.DataFrame, *, basis: str = "bytes", budget: float = 1.0, **settings: Unpack[Settings]
) -> Projection:
    """Return what a run draws of a corpus under settings of `SamplingConfig`.

    `budget` is the amount of training in sizes of the whole corpus: at 1, sampling by size goes
    once through all text.

    Raises:
        UserError: a basis that is not known of this corpus, or settings that do not fit.
    """
    known = available_bases(sizes)
    if basis not in known:
        raise UserError(f"basis must be one of {', '.join(known)} for this corpus, got {basis!r}")
    config = SamplingConfig(**settings)
    counted: dict[str, float] = dict(sizes.select("language", BASES[basis]).iter_rows())
    unit = "blocks" if "blocks" in known and config.schedule != "capped" else basis
    amounts: dict[str, float] = dict(sizes.select("language", BASES[unit]).iter_rows())
    length = Length(STEPS, budget * sum(amounts.values()) / STEPS)
    found = schedules.phases(config, counted, length)
    return Projection(config, found, length, counted, amounts)


def shares(
    sizes: pl.DataFrame, *, basis: str = "bytes", budget: float = 1.0, **settings: Unpack[Settings]
) -> pl.DataFrame:
    """Return `sizes` with each language's share of the text, sampling probability (mean over the
    run) and passes at its end, largest share first.

    Raises:
        UserError: a basis that is not known of this corpus, or settings that do not fit.
    """
    found = project(sizes, basis=basis, budget=budget, **settings)
    share = probabilities(found.sizes, 1.0)
    probability = meter.shares(meter.expected_draws(found.phases, found.length))
    repeated = found.passes()
    keys = sizes["language"].to_list()
    return sizes.with_columns(
        pl.Series("share", [share[key] for key in keys]),
        pl.Series("probability", [probability[key] for key in keys]),
        pl.Series("passes", [repeated[key] for key in keys]),
    ).sort("share", "language", descending=[True, False])


def distribution(
    sizes: pl.DataFrame,
    *,
    basis: str = "bytes",
    budget: float = 1.0,
    color: str = "tier",
    log: bool = False,
    title: str = "Language sampling",
    **settings: Unpack[Settings],
) -> go.Figure:
    """Draw what each language gets: share of the text, sampling probability, and how often its text
    is repeated.
    """
    frame = shares(sizes, basis=basis, budget=budget, **settings)
    frame = theme.folded(theme.labelled(frame), color)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08)
    _add_shares(figure, frame, log)
    palette, symbols = theme.colors(frame[color], color), theme.symbols(frame[color], color)
    for value in theme.order(frame[color], color):
        look = {
            "name": value,
            "legendgroup": value,
            "marker": {"color": palette[value], "symbol": symbols[value], "size": 9},
        }
        _add_group(figure, frame.filter(pl.col(color) == value), look)
    add_limits(figure, frame["passes"], row=2)
    figure.update_xaxes(**theme.categories(frame["label"]))
    figure.update_yaxes(
        title="probability",
        tickformat=".3~%" if log else ".1~%",
        type="log" if log else "linear",
        rangemode="normal" if log else "tozero",
        row=1,
        col=1,
    )
    figure.update_yaxes(title="passes", **theme.logarithmic([*frame["passes"], 1]), row=2, col=1)
    return theme.finish(
        figure,
        title=f"{title}{told(SamplingConfig(**settings))}",
        subtitle=_reading(frame, basis, budget),
        height=540,
        legend=theme.GROUPS[color],
    )


def by_basis(
    sizes: pl.DataFrame,
    *,
    budget: float = 1.0,
    title: str = "What counts as size",
    **settings: Unpack[Settings],
) -> go.Figure:
    """Draw the sampling probability of each language under every known basis of a corpus."""
    order = theme.labelled(sizes)
    figure, drawn = go.Figure(), []
    found: dict[str, dict[str, float]] = {}
    for i, basis in enumerate(available_bases(sizes)):
        frame = shares(sizes, basis=basis, budget=budget, **settings)
        frame = frame.select("language", "probability")
        part = order.select("language", "label").join(frame, on="language", maintain_order="left")
        drawn += part["probability"].to_list()
        found[basis] = dict(frame.iter_rows())
        figure.add_scatter(
            x=part["label"].to_list(),
            y=theme.rounded(part["probability"]),
            name=basis,
            mode="markers",
            marker={"color": theme.PALETTE[i], "symbol": f"{theme.SYMBOLS[i]}-open", "size": 10},
            hovertemplate=f"%{{x}}, in {basis}: %{{y:.3%}}<extra></extra>",
        )
    figure.update_xaxes(**theme.categories(order["label"]))
    figure.update_yaxes(title="probability", **theme.spread(drawn))
    figure.update_yaxes(tickformat=".2~%")
    subtitle = f"Sampling probability q, by what a language's size counts; {_widest(found)}"
    title = f"{title}{told(SamplingConfig(**settings))}"
    return theme.finish(figure, title=title, subtitle=subtitle, height=400, legend="counted in")


def _widest(found: Mapping[str, Mapping[str, float]]) -> str:
    """Say of which language the bases differ most, given its probability by basis and language."""
    keys = list(next(iter(found.values())))
    by_key = {key: {basis: found[basis][key] for basis in found} for key in keys}
    key = max(keys, key=lambda key: max(by_key[key].values()) / min(by_key[key].values()))
    q = by_key[key]
    ends = [(basis, q[basis]) for basis in (max(q, key=q.__getitem__), min(q, key=q.__getitem__))]
    told = ", ".join(f"{theme.significant(100 * value)} % by {basis}" for basis, value in ends)
    return f"furthest apart: {key}, {told}"


def add_limits(figure: go.Figure, values: Iterable[float], *, row: int) -> None:
    """Mark one pass, and shade what is more than `PASSES_WARNED`, on the vertical axis of a row."""
    over = meter.above(dict(enumerate(values)), PASSES_WARNED)
    figure.add_hline(y=1, line={"dash": "dot", "color": theme.GREY}, row=row, col=1)
    if over:
        top = 2 * max(over.values())
        shade = {"fillcolor": theme.VERMILION, "opacity": 0.10, "line_width": 0}
        figure.add_hrect(y0=PASSES_WARNED, y1=top, layer="below", **shade, row=row, col=1)


def told(config: SamplingConfig) -> str:
    """Say in a title how languages are sampled.

    >>> told(SamplingConfig(alpha=0.7, schedule="annealed", later_alphas=(0.3,), changes=(0.8,)))
    ', α = 0.7 → 0.3'
    """
    if config.schedule == "capped":
        return f", at most {config.max_passes:.3g} passes"
    alphas = " → ".join(f"{alpha:g}" for alpha in (config.alpha, *config.later_alphas))
    later = f", {len(config.starts)} joining later" if config.starts else ""
    return f"{', ' if config.schedule == 'annealed' else ' at '}α = {alphas}{later}"


def repeated(values: Iterable[float]) -> str:
    """Say how many languages are passed more often than the limit.

    >>> repeated([1.0, 20.0])
    'shaded: more than 16 passes, 1 of 2 languages'
    """
    known = list(values)
    count = len(meter.above(dict(enumerate(known)), PASSES_WARNED))
    if not count:
        return f"no language has more than {PASSES_WARNED:g} passes"
    return f"shaded: more than {PASSES_WARNED:g} passes, {count} of {len(known)} languages"


def length_told(budget: float) -> str:
    """Say how long training is.

    >>> length_told(1.0), length_told(4.5)
    ('training as long as one pass over all text', 'training as long as 4.5 passes over all text')
    """
    return f"training as long as {theme.passes_told(budget)} over all text"


def _add_shares(figure: go.Figure, frame: pl.DataFrame, log: bool) -> None:
    """Draw the shares of the text as bars; on a logarithmic axis, where bars have no foot, as
    rings.
    """
    shared = {
        "x": frame["label"].to_list(),
        "y": theme.rounded(frame["share"]),
        "name": "share of the text, p",
        "hovertemplate": "%{x}: p = %{y:.3%}<extra></extra>",
    }
    if log:
        ring = {"symbol": "circle-open", "size": 9, "color": theme.GREY, "line": {"width": 1.5}}
        figure.add_scatter(**shared, mode="markers", marker=ring, row=1, col=1)
    else:
        figure.add_bar(**shared, marker={"color": theme.FAINT}, row=1, col=1)


def _add_group(figure: go.Figure, part: pl.DataFrame, look: Mapping[str, object]) -> None:
    for row, (column, form) in enumerate((("probability", ".3%"), ("passes", ".3~g")), 1):
        figure.add_scatter(
            **look,
            x=part["label"].to_list(),
            y=theme.rounded(part[column]),
            showlegend=row == 1,
            mode="markers",
            customdata=part["name"].to_list(),
            hovertemplate=f"%{{customdata}}: {column} %{{y:{form}}}<extra></extra>",
            row=row,
            col=1,
        )


def _reading(frame: pl.DataFrame, basis: str, budget: float) -> str:
    ends = [
        f"{row['name']}: {theme.significant(100 * row['share'])} % of the text, "
        f"sampled {theme.significant(100 * row['probability'])} %, "
        f"{theme.passes_told(row['passes'])}"
        for row in (frame.row(0, named=True), frame.row(-1, named=True))
    ]
    return (
        f"Dots: sampling probability q; size counted in {basis}; "
        f"{length_told(budget)}.<br>{'; '.join(ends)};<br>{repeated(frame['passes'])}"
    )
