"""What surgery did and proved, in words: records to lines and rows for a terminal."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

Rows = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""The header of a table, and its rows."""


def trimmed_lines(record: Mapping[str, Any]) -> Rows:
    """Return for each kept language the pieces that it uses, and its held-out lines that are cut
    otherwise than before.
    """
    used = record["languages"]
    rows: list[tuple[str, ...]] = [
        (
            row["language"],
            f"{used[row['language']]['pieces_used']:,}",
            f"{row['num_changed']:,} of {row['num_lines']:,}",
            f"{100 * row['share_changed']:.1f} %",
        )
        for row in record["heldout"]
    ]
    return ("language", "pieces used", "held-out lines changed", "share"), rows


def trimmed(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield what was kept, and what the proof found."""
    saved = record["parameters_before"] - record["parameters"]
    yield (
        f"kept {record['size']:,} of {record['from_size']:,} ids "
        f"({100 * record['share_kept']:.1f} % of the pieces)"
    )
    yield (
        f"{record['parameters'] / 1e6:,.2f}M parameters, {saved / 1e6:,.2f}M fewer "
        f"({100 * saved / record['parameters_before']:.0f} %)"
    )
    proof = record["logits"]
    yield (
        f"logits of {proof['num_ids']:,} kept ids: bit-equal at {proof['num_rows']:,} positions of "
        f"{proof['num_blocks']} held-out blocks, summed in one order; "
        + _by_the_library(proof["largest_difference"])
    )


def losses(record: Mapping[str, Any]) -> Rows:
    """Return for each old language its loss before and after."""
    rows: list[tuple[str, ...]] = [
        (
            row["language"],
            f"{row['before']:.6f}",
            f"{row['after']:.6f}",
            f"{abs(row['after'] - row['before']):.1e}",
        )
        for row in record["losses"]
    ]
    return ("language", "loss before", "loss after", "difference"), rows


def extended(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield what was added and left out, how the language is served, and what changed."""
    before, after = record["fertility_before"], record["fertility"]
    lost = record["characters_dropped_for_guard"]
    added = record["size"] - record["from_size"]
    yield (
        f"{added:,} new pieces, {record['characters_added']:,} of them characters; "
        f"{record['dropped_for_guard']:,} others are in text of the old languages and were left out"
        + (f", characters among them: {' '.join(lost)}" if lost else "")
    )
    yield (
        f"{record['language']}: {before['fertility']:.2f} -> {after['fertility']:.2f} pieces a "
        f"word, {100 * before['unknown_rate']:.3f} -> {100 * after['unknown_rate']:.3f} % unknown"
    )
    guarded, heldout = (
        " of ".join(f"{sum(row[n] for row in record[k]):,}" for n in ("num_changed", "num_lines"))
        for k in ("guarded", "heldout")
    )
    yield f"lines of old languages cut otherwise: {guarded} guarded, {heldout} held out"
    yield "loss on the old languages: equal to rounding on held-out blocks, before training"


def _by_the_library(difference: float) -> str:
    if difference == 0:
        return "by the matrix library too"
    places = 1 - math.floor(math.log10(difference))
    return f"by the matrix library within {difference:.{places}f}"
