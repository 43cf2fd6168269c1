"""What surgery did and proved, in words: records to lines and rows for a terminal."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

Rows = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""The header of a table, and its rows."""
Record = Mapping[str, Any]

MANY_CHANGED = 0.2
"""A share of held-out lines that are cut otherwise, from which on it is warned of."""
MANY_UNKNOWN = 0.001
"""A share of held-out pieces that became unknown, likewise."""
UNKNOWN_RUNS = (
    "; a run of letters without piece is one <unk>, so few pieces before are no better cut"
)
"""What is said beside numbers of pieces, many of which were unknown."""
SAMPLED_MORE = 10
"""So many times the sample is advised where not all text was learned from."""


def trimmed_lines(record: Record) -> Rows:
    """Return for each kept language the pieces that it uses, its held-out lines that are cut
    otherwise than before, and the share of their pieces that is and was unknown.
    """
    used = record["languages"]
    columns: dict[str, Callable[[Record], str]] = {
        "language": lambda row: row["language"],
        "pieces used": lambda row: f"{used[row['language']]['pieces_used']:,}",
        "held-out lines changed": lambda row: f"{row['num_changed']:,} of {row['num_lines']:,}",
        "share": lambda row: _percent(row["share_changed"], 1),
        "unknown": lambda row: _percent(row["unknown_rate"], 3),
        "before": lambda row: _percent(row["unknown_rate_before"], 3),
    }
    return _rows(columns, record["heldout"])


def trimmed(record: Record) -> Iterator[str]:
    """Yield what was kept, what that changed, and what the proof found."""
    saved = record["parameters_before"] - record["parameters"]
    yield (
        f"kept {record['size']:,} of {record['from_size']:,} ids "
        f"({_percent(record['share_kept'], 1)} of the pieces)"
    )
    yield (
        f"{record['parameters'] / 1e6:,.2f}M parameters, {saved / 1e6:,.2f}M fewer "
        f"({_percent(saved / record['parameters_before'], 0)})"
    )
    proof = record["logits"]
    yield (
        f"logits of {proof['num_ids']:,} kept ids: bit-equal at {proof['num_rows']:,} positions of "
        f"{proof['num_blocks']} held-out blocks, summed in one order; "
        + _by_the_library(proof["largest_difference"])
    )
    yield f"held-out lines cut otherwise than before: {_changed(record['heldout'])}"
    yield from _warnings(record["heldout"], _remedy_of_trim(record["min_count"]))


def losses(record: Record) -> Rows:
    """Return for each old language its loss before and after."""
    columns: dict[str, Callable[[Record], str]] = {
        "language": lambda row: row["language"],
        "loss before": lambda row: f"{row['before']:.6f}",
        "loss after": lambda row: f"{row['after']:.6f}",
        "difference": lambda row: f"{abs(row['after'] - row['before']):.1e}",
    }
    return _rows(columns, record["losses"])


def extended(record: Record) -> Iterator[str]:
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
        f"{record['language']}: {_percent(before['unknown_rate'], 3)} -> "
        f"{_percent(after['unknown_rate'], 3)} of the pieces unknown, "
        f"{before['bytes_per_piece']:.2f} -> {after['bytes_per_piece']:.2f} bytes a piece, "
        f"{before['fertility']:.2f} -> {after['fertility']:.2f} pieces a word"
        + (UNKNOWN_RUNS if before["unknown_rate"] > MANY_UNKNOWN else "")
    )
    guarded, heldout = (_changed(record[name]) for name in ("guarded", "heldout"))
    yield f"lines of old languages cut otherwise: {guarded} guarded, {heldout} held out"
    yield "loss on the old languages: equal to rounding on held-out blocks, before training"
    if after["unknown_rate"] > MANY_UNKNOWN:
        yield (
            f"warning: {_percent(after['unknown_rate'], 2)} of the pieces of {record['language']} "
            f"stay unknown; of their characters {'; '.join(_causes(record))}"
        )
    yield from _warnings(
        record["heldout"], f"set surgery.pieces below {added}, or have more text of it in the study"
    )


def _causes(record: Record) -> Iterator[str]:
    """Yield why characters stay unknown, the most frequent cause first, and what helps."""
    counts = record["unknown_characters"]
    told = {"guard": _guarded, "coverage": _beyond_coverage, "unseen": _unseen}
    for cause in sorted(counts, key=lambda cause: -counts[cause]):
        if counts[cause]:
            share = _percent(counts[cause] / sum(counts.values()), 0)
            yield f"{share} {told[cause](record)}"


def _guarded(_: Record) -> str:
    return (
        "are in text of the old languages, which new pieces would cut otherwise: no setting adds "
        "them"
    )


def _beyond_coverage(record: Record) -> str:
    added = record["size"] - record["from_size"]
    least = record["characters_added"] + record["characters_beyond_coverage"]
    pieces = f" surgery.pieces={least}" if least > added else ""
    return (
        f"are too rare for the coverage of {record['coverage']:g}: set surgery.coverage=1{pieces}, "
        "which adds those that text of the old languages lacks"
    )


def _unseen(record: Record) -> str:
    sample_bytes = record["made_from"]["settings"]["sample_bytes"]
    told = "are not in the text that pieces were learned from: "
    if record["num_bytes"] < sample_bytes:
        return told + "give more text"
    return told + f"set surgery.sample_bytes={SAMPLED_MORE * sample_bytes} to learn from more of it"


def _rows(columns: Mapping[str, Callable[[Record], str]], records: Iterable[Record]) -> Rows:
    return tuple(columns), [tuple(show(row) for show in columns.values()) for row in records]


def _warnings(rows: Iterable[Record], remedy: str) -> Iterator[str]:
    """Yield a warning for each thing that the change did to many held-out lines."""
    for row in rows:
        if row["share_changed"] > MANY_CHANGED:
            yield (
                f"warning: {_percent(row['share_changed'], 0)} of the held-out lines of "
                f"{row['language']} are cut otherwise than before; {remedy}"
            )
        if row["unknown_rate"] - row["unknown_rate_before"] > MANY_UNKNOWN:
            yield (
                f"warning: {_percent(row['unknown_rate'], 2)} of the pieces of {row['language']} "
                f"are unknown on held-out text, {_percent(row['unknown_rate_before'], 2)} before; "
                "give more text"
            )


def _remedy_of_trim(min_count: int) -> str:
    """Return what leaves more lines as they are."""
    return "give more text" if min_count == 1 else f"set surgery.min_count below {min_count}"


def _changed(rows: Iterable[Record]) -> str:
    """Say how many lines of all languages changed, and their share."""
    rows = list(rows)
    changed, lines = (sum(row[name] for row in rows) for name in ("num_changed", "num_lines"))
    return f"{changed:,} of {lines:,} ({_percent(changed / max(1, lines), 1)})"


def _percent(share: float, places: int) -> str:
    return f"{100 * share:.{places}f} %"


def _by_the_library(difference: float) -> str:
    if difference == 0:
        return "by the matrix library too"
    places = 1 - math.floor(math.log10(difference))
    return f"by the matrix library within {difference:.{places}f}"
