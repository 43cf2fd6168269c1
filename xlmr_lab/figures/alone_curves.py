"""F13: held-out loss of languages by a model of their own and by one of all, over the run, a panel
for each language (XLM-R Sec. 5.4).

Small models stay on a plateau, where pieces are known by their frequency alone, before they learn
from context; which of two models is off it says more than their distance. Differences stand above
the curves: those of the best step, paired by seed, positive where the model of all is better.
"""

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from xlmr_lab.figures import bands, cell_pairs, theme
from xlmr_lab.figures.language_dots import in_order
from xlmr_lab.figures.summaries import over_seeds
from xlmr_lab.figures.tables import with_interval

ALONE, TOGETHER = "alone", "together with others"
"""Arms."""
LOOKS = {ALONE: (theme.ORANGE, "dash"), TOGETHER: (theme.BLUE, "solid")}
LOSS = "bits_per_byte"
COLUMNS = 3
"""Panels side by side."""
PANEL = 230
"""Height of a panel with what stands above it, in pixels."""
NOTHING = "No model is of one language alone (F11, F12, F13)."
TITLE = "Held-out loss alone and together"


def losses(frame: pl.DataFrame) -> go.Figure:
    """Draw the held-out loss of each language that has a model of its own, over the tokens read, by
    either model, and tell by how much the model of all is better at the best step; `frame` as
    `monolingual_results.losses` has it.
    """
    there = frame.filter(arm=ALONE)["language"].unique()
    own = frame.filter(pl.col("language").is_in(there.implode()))
    if own.is_empty():
        return theme.empty(NOTHING, title=TITLE, height=150)
    keys = ("arm", "language", "seed", "tokens")
    runs = own.group_by(keys, maintain_order=True).agg(pl.col(LOSS).mean())
    order = in_order(own.with_columns(source=pl.lit(False)))
    figure = _panels(order, gains(own))
    for place, language in enumerate(order["language"]):
        cell = {"row": place // COLUMNS + 1, "col": place % COLUMNS + 1}
        for arm, (color, dash) in LOOKS.items():
            part, look = runs.filter(arm=arm, language=language), {"color": color, "dash": dash}
            if len(part):
                legend = place == 0
                bands.add_band(figure, part, LOSS, cell, name=arm, legend=legend, **look)
    subtitle = (
        f"{bands.told(own)}, lower is better; above each panel the gain of <i>together</i> in bits "
        "per byte<br>at the best step, paired by seed, with 95\u00a0% interval; largest language "
        "first"
    )
    height = 150 + PANEL * -(-len(order) // COLUMNS)
    theme.finish(figure, title=TITLE, subtitle=subtitle, height=height)
    margin = {"t": figure.layout.margin.t + 20}
    below = {"orientation": "h", "x": 0, "y": -70 / height, "yanchor": "top"}
    return figure.update_layout(legend=below, margin=margin)


def gains(frame: pl.DataFrame) -> dict[str, str]:
    """Tell by how much each language is modelled better together than alone at the best step of
    either, in bits per byte with the interval over seeds; nothing where it is not known.
    """
    best = frame.sort(LOSS, maintain_order=True)
    best = best.unique(["cell", "seed", "language"], keep="first", maintain_order=True)
    pairs = cell_pairs.differences(best.drop("step"), TOGETHER, ALONE)
    rows = over_seeds(pairs, ["language"], "gain")
    return dict(zip(rows["language"], with_interval(rows, "mean"), strict=True))


def _panels(order: pl.DataFrame, told: dict[str, str]) -> go.Figure:
    """Return a figure with a panel for each language, its gain above it."""
    names = [
        f"{label}<br>{told.get(language, '')}"
        for language, label in order.select("language", "label").iter_rows()
    ]
    figure = make_subplots(
        rows=-(-len(names) // COLUMNS),
        cols=min(COLUMNS, len(names)),
        shared_yaxes=True,
        subplot_titles=names,
        horizontal_spacing=0.03,
        vertical_spacing=0.52 / max(1, -(-len(names) // COLUMNS)),
    )
    figure.update_annotations(font_size=12)
    figure.update_xaxes(tickformat="~s", rangemode="tozero", nticks=5)
    figure.update_yaxes(zeroline=False)
    figure.update_yaxes(title="bits per byte", col=1)
    for place in range(max(0, len(names) - COLUMNS), len(names)):
        cell = {"row": place // COLUMNS + 1, "col": place % COLUMNS + 1}
        figure.update_xaxes(title="tokens", **cell)
    return figure
