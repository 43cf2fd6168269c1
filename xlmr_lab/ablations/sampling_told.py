"""How a run samples its languages, in words: planned and drawn, to rows for a terminal."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from xlmr_lab import storage
from xlmr_lab.batches.shards import TokenShards
from xlmr_lab.pretrain.settings import PretrainRun, sampling_phases
from xlmr_lab.sampling import meter

Rows = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""The header of a table, and its rows."""


def planned(run: PretrainRun, shards: TokenShards) -> Rows:
    """Return for each language, and pair of parallel text, its text, its share of what a run will
    draw, and the passes over its text that this comes to.
    """
    draws = meter.expected_draws(sampling_phases(run, shards), run.length)
    blocks = shards.sizes("blocks", run.batches.block_tokens)
    shares, passes = meter.shares(draws), meter.passes(draws, blocks)
    rows: list[tuple[str, ...]] = [
        (key, f"{blocks[key]:,.0f}", _percent(shares[key]), _number(passes[key]))
        for key in (*run.languages, *shards.pairs)
    ]
    return ("language", "blocks", "share q", "passes"), rows


def made(run: PretrainRun, shards: TokenShards, drawn: Sequence[Mapping[str, float]]) -> Rows:
    """Return the same with what was drawn, the mean of runs that differ in their seed."""
    keys = [*run.languages, *shards.pairs]
    mean = {key: sum(draws[key] for draws in drawn) / len(drawn) for key in keys}
    blocks = shards.sizes("blocks", run.batches.block_tokens)
    shares, passes = meter.shares(mean), meter.passes(mean, blocks)
    header, rows = planned(run, shards)
    found: list[tuple[str, ...]] = [
        (key, size, q, _percent(shares[key]), planned_passes, _number(passes[key]))
        for key, size, q, planned_passes in rows
    ]
    return (*header[:3], "drawn", "passes planned", "passes made"), found


def note(run: PretrainRun, num_runs: int) -> str:
    """Say what the rows of `made` are means of."""
    over = "a whole run" + (", all its phases" if run.sampling.schedule == "annealed" else "")
    of = f", drawn and made: mean of {num_runs} runs" if num_runs > 1 else ""
    return f"share q and passes: over {over}{of}"


def last_draws(folder: Path) -> dict[str, int]:
    """Return how many blocks of each language, and pair, a finished run drew."""
    records = storage.read_jsonl(folder / "metrics.jsonl")
    last = next(record for record in reversed(records) if record["kind"] == "step")
    return {**last["draws"], **last.get("pair_draws", {})}


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _number(passes: float) -> str:
    """Write a number of passes with what a reader can use of it.

    >>> _number(0.01234), _number(0.6), _number(3.14159), _number(1234.5)
    ('0.012', '0.60', '3.14', '1,234')
    """
    return f"{passes:#.2g}" if passes < 0.1 else f"{passes:,.{2 if passes < 100 else 0}f}"
