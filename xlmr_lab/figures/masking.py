"""Masking, seen: a block with its hidden pieces coloured, and counts beside what is to be expected
(BERT Sec. 3.1).

A block is shown as HTML, like a text in pieces (see segmentation): as it stands, and as the model
sees it. Frames are those of `batch_results`.
"""

import dataclasses
import html
import math
from collections.abc import Sequence

import plotly.graph_objects as go
import polars as pl

from xlmr_lab.batches.masking import MASK_SHARE, RANDOM_SHARE, num_masked
from xlmr_lab.figures import theme
from xlmr_lab.figures.segmentation import FONT, direction, tinted

CHOSEN = {"masked": MASK_SHARE, "random": RANDOM_SHARE, "kept": 1 - MASK_SHARE - RANDOM_SHARE}
"""What becomes of chosen tokens, and the share of each."""
TINTS = {"masked": "#cfe6f5", "random": "#f7c4ae", "kept": "#c9ecdf", "special": "#e4e7eb"}
COLORS = {"masked": theme.BLUE, "random": theme.VERMILION, "kept": theme.GREEN}
TOLD = {
    "masked": "hidden by <mask>",
    "random": "replaced by a random piece",
    "kept": "left as it is, and predicted all the same",
}
SPACE = "\u2581"
TITLE = "What became of a block"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class MaskedBlock:
    """A block that shows itself as HTML, as it stands and as the model sees it."""

    cells: pl.DataFrame
    """Its tokens, as `batch_results.CELLS` has them."""

    def _repr_html_(self) -> str:
        legend = " ".join(
            f"<span style='{tinted(TINTS[fate])};padding:0 4px'>{html.escape(told)}</span>"
            for fate, told in TOLD.items()
        )
        lines = "".join(
            f"<div style='font-size:13px;margin-top:6px'>{title}</div>{_text(self.cells, column)}"
            for column, title in (("piece", "as it stands"), ("seen", "as the model sees it"))
        )
        chosen = len(self.cells.filter(pl.col("fate").is_in(list(CHOSEN))))
        told = f"{len(self.cells):,} tokens, {chosen:,} to predict: "
        return f'<div style="{FONT};margin:8px 0;font-size:13px">{told}{legend}{lines}</div>'


def shown(cells: pl.DataFrame) -> MaskedBlock:
    """Show a block of `StudyBatches.block` or `.text`."""
    return MaskedBlock(cells=cells)


def counts(cells: pl.DataFrame) -> go.Figure:
    """Draw how many tokens of a block were masked, replaced and kept, beside what is to be expected
    of as many chosen.
    """
    number = {fate: len(cells.filter(pl.col("fate") == fate)) for fate in CHOSEN}
    chosen = sum(number.values())
    expected = [chosen * share for share in CHOSEN.values()]
    errors = [math.sqrt(chosen * share * (1 - share)) for share in CHOSEN.values()]
    figure = go.Figure()
    figure.add_bar(
        x=list(CHOSEN),
        y=list(number.values()),
        name="in this block",
        marker={"color": list(COLORS.values())},
        hovertemplate="%{x}: %{y} tokens<extra></extra>",
        showlegend=False,
    )
    figure.add_scatter(
        x=list(CHOSEN),
        y=expected,
        error_y={"array": errors, "color": theme.INK},
        name="expected, ± 1 standard deviation",
        mode="markers",
        marker={"symbol": "line-ew-open", "size": 34, "color": theme.INK, "line": {"width": 2}},
        hovertemplate="%{x}: %{y:.1f} expected<extra></extra>",
    )
    figure.update_yaxes(title="tokens", rangemode="tozero")
    figure.update_layout(bargap=0.5)
    tokens = len(cells)
    subtitle = f"{chosen:,} of {tokens:,} tokens are predicted; of those "
    subtitle += ", ".join(f"{share:.0%} {fate}" for fate, share in CHOSEN.items()) + " on average"
    return theme.finish(figure, title=TITLE, subtitle=subtitle, height=320)


def outcomes(frame: pl.DataFrame) -> go.Figure:
    """Draw how far the numbers of masked, random and kept tokens of each language are from what is
    to be expected, in standard deviations.
    """
    part = frame.filter(pl.col("fate").is_in(list(CHOSEN)))
    chosen = dict(part.group_by("language").agg(pl.col("tokens").sum()).iter_rows())
    figure, told = go.Figure(), []
    figure.add_hrect(y0=-2, y1=2, fillcolor=theme.FAINT, opacity=0.35, line_width=0)
    for place, (fate, share) in enumerate(CHOSEN.items()):
        counts = dict(part.filter(pl.col("fate") == fate).select("language", "tokens").iter_rows())
        off = [
            (count - share * chosen[key]) / math.sqrt(chosen[key] * share * (1 - share))
            for key, count in counts.items()
        ]
        drawn = sum(counts.values()) / sum(chosen.values())
        told.append(f"{drawn:.1%} {fate}")
        figure.add_scatter(
            x=list(counts),
            y=[float(f"{value:.3g}") for value in off],
            name=f"{fate}, {share:.0%} expected",
            mode="markers",
            marker={"color": COLORS[fate], "symbol": theme.SYMBOLS[place], "size": 9},
            customdata=[count / chosen[key] for key, count in counts.items()],
            hovertemplate=f"%{{x}}: %{{customdata:.2%}} {fate}<extra></extra>",
        )
    figure.update_xaxes(**theme.categories(part["language"]))
    figure.update_yaxes(title="off the expected,<br>standard deviations")
    subtitle = (
        f"{sum(chosen.values()):,} chosen tokens: {', '.join(told)}; chance leaves 95 % in the band"
    )
    return theme.finish(figure, title="What becomes of chosen tokens", subtitle=subtitle)


def per_block(block_tokens: int, fraction: float) -> go.Figure:
    """Draw how many tokens of a block are chosen: the fixed count of this lab, beside a draw for
    each token by itself.
    """
    fixed, number = num_masked(block_tokens, fraction), block_tokens - 1
    spread = 4 * math.sqrt(number * fraction * (1 - fraction))
    low, high = max(0, math.floor(fixed - spread)), min(number, math.ceil(fixed + spread))
    places = list(range(low, high + 1))
    figure = go.Figure()
    heights = _binomial(places, number, fraction)
    figure.add_bar(
        x=places,
        y=[float(f"{value:.4g}") for value in heights],
        name="each token by itself",
        marker={"color": theme.FAINT},
        hovertemplate="%{x} chosen: %{y:.1%} of the blocks<extra></extra>",
    )
    figure.add_vline(x=fixed, line={"color": theme.BLUE, "width": 2})
    figure.add_annotation(
        x=fixed,
        y=1,
        yref="paper",
        text=f"here always {fixed}",
        font={"color": theme.BLUE},
        showarrow=False,
        xanchor="left",
        xshift=6,
        yanchor="top",
    )
    figure.update_xaxes(title="chosen tokens of a block")
    figure.update_yaxes(title="share of blocks", tickformat=".0%", range=[0, 1.25 * max(heights)])
    subtitle = (
        f"Blocks of {block_tokens} tokens, {fraction:.0%} to predict; bars: where each token is "
        "drawn by itself"
    )
    return theme.finish(
        figure, title="How many tokens of a block are predicted", subtitle=subtitle, height=320
    )


def _binomial(places: Sequence[int], number: int, share: float) -> list[float]:
    """Return the probability of each number of successes.

    >>> _binomial([0, 1, 2], 2, 0.5)
    [0.25, 0.5, 0.25]
    """
    logs = [
        math.lgamma(number + 1)
        - math.lgamma(k + 1)
        - math.lgamma(number - k + 1)
        + k * math.log(share)
        + (number - k) * math.log1p(-share)
        for k in places
    ]
    return [round(math.exp(value), 12) for value in logs]


def _text(cells: pl.DataFrame, column: str) -> str:
    """Return a line of text of a block, chosen and special tokens on a ground of their own."""
    rows = list(zip(cells["piece"], cells[column], cells["fate"], strict=True))
    run = direction("".join(piece for piece, _, fate in rows if fate != "special"))
    spans = "".join(_span(*row) for row in rows)
    return (
        f"<div dir='{run}' style='font-size:17px;line-height:1.8;"
        f"padding:2px 8px;overflow-wrap:anywhere;white-space:pre-wrap'>{spans}</div>"
    )


def _span(piece: str, written: str, fate: str) -> str:
    """Return a token as it is written, with a space where its piece has one."""
    gap = " " if written.startswith(SPACE) or (fate == "masked" and piece.startswith(SPACE)) else ""
    text = html.escape(written.removeprefix(SPACE))
    if fate == "seen":
        return gap + text
    title = html.escape(f"{fate}, stood there: {piece}" if fate in CHOSEN else fate, quote=True)
    # Names and replaced text are isolated; what stands as it was must join the letters beside it.
    named = fate == "special" or (fate == "masked" and written != piece)
    tag, run = ("bdi", " dir='ltr'" * named) if named or written != piece else ("span", "")
    return (
        f"{gap}<{tag}{run} title='{title}' style='{tinted(TINTS[fate])}'>"
        f"{text or '&#9601;'}</{tag}>"
    )
