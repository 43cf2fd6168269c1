"""What pretraining runs have learned, in rows for a terminal: their held-out loss beside what the
frequencies of pieces alone would lose."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xlmr_lab import storage
from xlmr_lab.ablations.arms import Arm
from xlmr_lab.ablations.sampling_told import Rows
from xlmr_lab.batches.frequencies import frequency_loss
from xlmr_lab.batches.shards import TokenShards
from xlmr_lab.pretrain.folder import METRICS_NAME
from xlmr_lab.pretrain.settings import PretrainRun

NOTE = (
    "losses are in nats a piece, of held-out text, the mean of the languages; by frequencies: of "
    "guessing each piece by how often it is in its language, without context"
)
"""What the columns are."""


def rows(found: Sequence[Arm], shards: TokenShards) -> Rows:
    """Return for each finished run its last held-out loss and the yardstick."""
    by_frequencies = f"{mean_frequency_loss(found[0].run, shards):.3f}"
    lines: list[tuple[str, ...]] = []
    for arm in found:
        last = last_heldout(arm.folder)
        lines.append((arm.folder.name, str(last["step"]), f"{last['loss']:.3f}", by_frequencies))
    return ("run", "steps", "held-out loss", "by frequencies"), lines


def mean_frequency_loss(run: PretrainRun, shards: TokenShards) -> float:
    """Return the loss of guessing by frequencies, the plain mean of a run's languages."""
    blocks = run.pretrain.heldout_blocks
    losses = [frequency_loss(shards, key, run.batches, blocks) for key in run.languages]
    return sum(losses) / len(losses)


def last_heldout(folder: Path) -> dict[str, Any]:
    """Return the last record of held-out loss of a run."""
    records = storage.read_jsonl(folder / METRICS_NAME)
    return next(record for record in reversed(records) if record["kind"] == "heldout")
