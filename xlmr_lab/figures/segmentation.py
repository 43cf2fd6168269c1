"""A text cut in pieces, coloured piece by piece, above a row of the pieces with their ids.

HTML rather than a figure, since browsers shape Arabic and Devanagari across coloured spans and put
right-to-left text right. The text stands as it was given, what no piece stands for without colour;
in the row each piece stands as the vocabulary names it. A vowel sign that begins a piece is shown
on a dotted circle.
"""

import dataclasses
import html
import unicodedata
from collections.abc import Iterator, Mapping

import polars as pl

UNK_ID = 3
"""The id of `<unk>` in the published layout."""

COLORS = ("#cfe6f5", "#fbe3b5", "#c9ecdf", "#f0d6e6")
"""Light tints of the figures' blue, orange, green and purple, in turn."""
UNKNOWN_COLOR = "#f7c4ae"
INK, SOFT = "#1f2933", "#3e4c59"
"""What is written on a tint, on a page of any look."""
DOTTED_CIRCLE = "\u25cc"
FONT = "font-family:'Noto Sans',system-ui,sans-serif"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Segmentation:
    """A text in pieces that shows itself as HTML."""

    text: str
    """The text as it was given."""
    cuts: Mapping[str, pl.DataFrame]
    """Its pieces by the name of the vocabulary, "" where there is only one."""

    def _repr_html_(self) -> str:
        return "".join(_block(self.text, name, cut) for name, cut in self.cuts.items())


def shown(text: str, cut: pl.DataFrame, other: pl.DataFrame | None = None) -> Segmentation:
    """Show a text as one vocabulary cuts it, or as two do; frames of `MeasuredVocabulary.cut`."""
    if other is None:
        return Segmentation(text=text, cuts={"": cut})
    return Segmentation(text=text, cuts={"this vocabulary": cut, "the other": other})


def _block(text: str, name: str, cut: pl.DataFrame) -> str:
    rows = cut.select("piece", "id").rows()
    if not rows:
        return "<p>Nothing to cut: write something.</p>"
    unknown = sum(number == UNK_ID for _, number in rows)
    told = f"{len(rows):,} piece{'s' * (len(rows) != 1)}"
    told += f", {unknown:,} unknown" if unknown else ""
    head = f"<b>{html.escape(name)}</b>: {told}" if name else told
    run = direction(text)
    spans = "".join(_spans(text, cut))
    chips = "".join(_chip(i, piece, number) for i, (piece, number) in enumerate(rows))
    return (
        f"<div style=\"{FONT};margin:8px 0\"><div style='font-size:13px'>{head}</div>"
        f"<div dir='{run}' style='font-size:20px;line-height:1.9;"
        "padding:2px 8px;overflow-wrap:anywhere;white-space:pre-wrap'>"
        f"{spans}</div>"
        f"<div dir='{run}' style='display:flex;flex-wrap:wrap;gap:4px;padding:4px 8px'>"
        f"{chips}</div></div>"
    )


def _spans(text: str, cut: pl.DataFrame) -> Iterator[str]:
    """Yield the text piece by piece. Where two pieces stand for one character, as of a ligature,
    the first has it.
    """
    done = 0
    for place, (piece, number, start, end) in enumerate(cut.rows()):
        if end <= done:
            continue
        first = max(start, done)
        title = html.escape(f"{piece}, id {number}, characters {start} to {end}", quote=True)
        yield html.escape(text[done:first])
        yield (
            f"<span title='{title}' style='{tinted(_color(place, number))}'>"
            f"{html.escape(text[first:end])}</span>"
        )
        done = end
    yield html.escape(text[done:])


def _chip(place: int, piece: str, number: int) -> str:
    marked = unicodedata.category(piece[0])[0] == "M" if piece else False
    written = html.escape(DOTTED_CIRCLE + piece if marked else piece)
    return (
        "<span style='display:inline-flex;flex-direction:column;align-items:center;padding:1px 6px;"
        f"{tinted(_color(place, number))}'>"
        f"<span dir='auto' style='font-size:16px;white-space:pre'>{written}</span>"
        f"<span dir='ltr' style='font-size:11px;color:{SOFT}'>{number}</span></span>"
    )


def _color(place: int, number: int) -> str:
    return UNKNOWN_COLOR if number == UNK_ID else COLORS[place % len(COLORS)]


def tinted(color: str) -> str:
    """Return the style of a text that stands on a light tint, on a light page or a dark one."""
    return f"background:{color};color:{INK};border-radius:3px"


def direction(text: str) -> str:
    """Return the direction of the first letter that has one, as browsers do for `dir=auto`.

    >>> direction("7 a"), direction("\N{HEBREW LETTER ALEF} a")
    ('ltr', 'rtl')
    """
    strong = (unicodedata.bidirectional(character) for character in text)
    first = next((kind for kind in strong if kind in ("L", "R", "AL")), "L")
    return "ltr" if first == "L" else "rtl"
