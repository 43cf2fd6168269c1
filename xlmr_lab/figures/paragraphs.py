"""Kept and rejected paragraphs side by side, to read: each with its verdict and the measure that
decided it.

Frames are those of `cleaning_sample.Sample.decided`. HTML, since browsers put text of any script
right; each paragraph runs in its own direction. Text and ground have the colours of the page, light
or dark.
"""

import dataclasses
import html
from collections.abc import Mapping
from typing import Any

import polars as pl

from xlmr_lab.figures import theme
from xlmr_lab.figures.cleaning import spaced

STYLE = f"font-family:{theme.FONT.replace(chr(39), '&quot;')};font-size:13px;line-height:1.4"
FLAG = "border-radius:3px;padding:0 4px;background:rgba(230,159,0,0.3)"
CARD = "border-left:3px solid {color};padding:2px 0 2px 8px;margin:8px 0"
NOTHING = "no paragraph here is {verdict}"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Paragraphs:
    """Paragraphs in two columns that show themselves as HTML."""

    kept: pl.DataFrame
    """Those that are kept."""
    rejected: pl.DataFrame
    """Those that are not."""
    totals: tuple[int, int]
    """How many there are of both, of which these are a page."""

    def _repr_html_(self) -> str:
        columns = (("kept", self.kept, theme.GREEN), ("rejected", self.rejected, theme.VERMILION))
        return (
            f'<div style="{STYLE};display:grid;gap:0 28px;'
            'grid-template-columns:repeat(auto-fit,minmax(330px,1fr))">'
            + "".join(
                self._column(name, frame, color, total)
                for (name, frame, color), total in zip(columns, self.totals, strict=True)
            )
            + "</div>"
        )

    def _column(self, name: str, frame: pl.DataFrame, color: str, total: int) -> str:
        cards = "".join(self._card(row, color) for row in frame.iter_rows(named=True))
        nothing = f"<p>{NOTHING.format(verdict=name)}</p>"
        return f"<section><b>{name}: {total:,}</b>{cards or nothing}</section>"

    def _card(self, row: Mapping[str, Any], color: str) -> str:
        reason = row["after"]
        verdict = f"{row['stage']}: <b>{spaced(reason)}</b>" if reason else "<b>kept</b>"
        told = [f"<b>{html.escape(row['language'])}</b>", verdict, html.escape(row["decided"])]
        if row["is_clean"] is not None:
            told.append(f"in truth {'clean' if row['is_clean'] else 'dirt'}")
        line = " &middot; ".join(filter(None, told))
        if row["before"] != reason:
            was = spaced(row["before"]) if row["before"] else "kept"
            line += f" <span style='{FLAG}'>was {was}</span>"
        text = html.escape(row["shown"] or "")
        return (
            f"<div style='{CARD.format(color=color)}'><div style='font-size:12px'>{line}</div>"
            f"<div dir='auto' style='font-size:14px;overflow-wrap:anywhere'>{text or '&ndash;'}"
            "</div></div>"
        )
