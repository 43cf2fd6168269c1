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


ROW = "display:grid;grid-template-columns:minmax(150px,230px) 1fr;gap:0 16px;align-items:start"
"""How a vocabulary stands beside the pieces that it cuts."""
NOTHING = "<p>Nothing to cut: write something.</p>"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Segmentation:
    """A text in pieces that shows itself as HTML."""

    text: str
    """The text as it was given."""
    cuts: Mapping[str, pl.DataFrame | str]
    """Its pieces by the name of the vocabulary, "" where there is only one; or why it has none."""
    ids: bool = True
    """Whether the pieces are shown one by one with their ids."""

    def _repr_html_(self) -> str:
        if not self.text.strip():
            return NOTHING
        return "".join(self._block(name, cut) for name, cut in self.cuts.items())

    def _block(self, name: str, cut: pl.DataFrame | str) -> str:
        head = f"<b>{html.escape(name)}</b>: " * bool(name)
        if isinstance(cut, str):
            told, shown = "not cut", html.escape(cut)
        else:
            told, shown = _told(self.text, cut), _pieces(self.text, cut, self.ids)
        style = f"{FONT};margin:10px 0;line-height:1.4;{ROW if len(self.cuts) > 1 else ''}"
        return (
            f"<div style=\"{style}\"><div style='font-size:13px'>{head}{told}</div>"
            f"<div>{shown}</div></div>"
        )


def compared(
    text: str, cuts: Mapping[str, pl.DataFrame | str], *, ids: bool = True
) -> Segmentation:
    """Show a text as several vocabularies cut it, one below the other with what each makes of it:
    frames of `FoundVocabularies.cuts`.
    """
    return Segmentation(text=text, cuts=cuts, ids=ids)


def _told(text: str, cut: pl.DataFrame) -> str:
    """Say how finely a text is cut; the number of words is that of runs between white space."""
    number, unknown = len(cut), int((cut["id"] == UNK_ID).sum())
    told = f"{number:,} piece{'s' * (number != 1)}"
    told += f", {unknown:,} unknown" if unknown else ""
    if not number:
        return told
    words, size = len(text.split()), len(text.encode("utf-8"))
    rates = f"{number / words:.2f} pieces per word<br>{size / number:.2f} bytes per piece"
    return f"{told}<div style='font-size:12px'>{rates}</div>"


def _pieces(text: str, cut: pl.DataFrame, ids: bool) -> str:
    """Return the text in colours, and below it its pieces with their ids."""
    run = direction(text)
    rows = enumerate(cut.select("piece", "id").iter_rows())
    chips = "".join(_chip(i, piece, number) for i, (piece, number) in rows)
    line = (
        f"<div dir='{run}' style='font-size:20px;line-height:1.9;"
        "padding:2px 8px;overflow-wrap:anywhere;white-space:pre-wrap'>"
        f"{''.join(_spans(text, cut))}</div>"
    )
    row = (
        f"<div dir='{run}' style='display:flex;flex-wrap:wrap;gap:4px;padding:4px 8px'>"
        f"{chips}</div>"
    )
    return line + row * ids


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
        "<span style='display:inline-flex;flex-direction:column;align-items:center;"
        "line-height:1.4;padding:1px 6px;"
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
