"""A text with some of its pieces hidden, and what a model puts in their places."""

import dataclasses
import html

import polars as pl

from xlmr_lab.figures.segmentation import FONT, direction, tinted

SPACE = "\u2581"
MASK = "<mask>"
RIGHT, WRONG, OPEN = "#c9ecdf", "#f7c4ae", "#cfe6f5"
"""Grounds of a guess that is right, of one that is wrong, and where nobody knows."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class HiddenText:
    """A text that shows itself as HTML: hidden, and with the likeliest pieces in it."""

    pieces: list[str]
    """What the model sees, `<mask>` where something is hidden."""
    frame: pl.DataFrame
    """The guesses, as `prediction_results.GUESSES` has them."""

    def _repr_html_(self) -> str:
        first = self.frame.group_by("mask", "piece", "stood", maintain_order=True).agg(
            pl.col("probability").mean()
        )
        best = {row["mask"]: row for row in first.unique("mask", keep="first").to_dicts()}
        stood = dict(first.filter("stood").select("mask", "piece").iter_rows())
        run = direction("".join(piece for piece in self.pieces if piece != MASK))
        lines = [_line(self.pieces, {}, {}, run), _line(self.pieces, best, stood, run)]
        titles = ["what the model sees", "with its first choices"]
        shown = "".join(
            f"<div style='font-size:13px;margin-top:6px'>{title}</div>{line}"
            for title, line in zip(titles, lines, strict=True)
        )
        return f'<div style="{FONT};margin:8px 0">{shown}</div>'


def shown(pieces: list[str], frame: pl.DataFrame) -> HiddenText:
    """Show a text with its guesses; `pieces` are those of `Hidden.ids`, from `<s>` to `</s>`."""
    return HiddenText(pieces=pieces[1:-1], frame=frame)


def _line(
    pieces: list[str], best: dict[int, dict[str, object]], stood: dict[int, str], run: str
) -> str:
    spans, mask = [], 0
    for piece in pieces:
        if piece == MASK:
            spans.append(_guess(mask, best.get(mask), stood.get(mask)))
            mask += 1
        else:
            spans.append(html.escape(piece.replace(SPACE, " ")))
    return (
        f"<div dir='{run}' style='font-size:18px;line-height:1.9;"
        f"padding:2px 8px;overflow-wrap:anywhere'>{''.join(spans)}</div>"
    )


def _guess(mask: int, best: dict[str, object] | None, stood: str | None) -> str:
    """Return a mask with its number, or what is put there: right, wrong or open."""
    if best is None:
        name = f"&lt;mask {mask + 1}&gt;"
        return f" <bdi dir='ltr' style='{tinted(OPEN)}'>{name}</bdi>"
    piece = str(best["piece"])
    ground = OPEN if stood is None else RIGHT if best["stood"] else WRONG
    there = "" if stood is None else f", stood there: {stood}"
    title = html.escape(f"{best['probability']:.1%}{there}", quote=True)
    gap = " " if piece.startswith(SPACE) else ""
    text = html.escape(piece.removeprefix(SPACE)) or "&#9601;"
    return f"{gap}<bdi title='{title}' style='{tinted(ground)}'>{text}</bdi>"
