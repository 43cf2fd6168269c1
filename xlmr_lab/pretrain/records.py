"""What a run writes and tells on its way: records of its files, lines of the log.

The files are metrics.jsonl and telemetry.jsonl (see folder.py), and TensorBoard's where they are
wanted.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from xlmr_lab.pretrain import folder as run_folder
from xlmr_lab.pretrain.event_files import EventFiles
from xlmr_lab.pretrain.heldout import HeldoutSet, heldout_loss, perplexity
from xlmr_lab.pretrain.telemetry import StepClock
from xlmr_lab.pretrain.training import Training
from xlmr_lab.sampling import meter

logger = logging.getLogger(__name__)


class Records:
    """The records of a run, each written at once; leaving it closes TensorBoard's files."""

    def __init__(self, folder: Path, *, step: int, tensorboard: bool, writes: bool = True) -> None:
        """Go on after `step`. Of several processes one `writes`.

        Raises:
            UserError: `tensorboard`, and the package is not installed.
        """
        self._folder = folder
        events = folder / run_folder.EVENTS_NAME
        self._writes = writes
        self._events = EventFiles(events, step=step) if tensorboard and writes else None

    def __enter__(self) -> "Records":
        return self

    def __exit__(self, *error: object) -> None:
        if self._events is not None:
            self._events.close()

    def steps(self, training: Training, clock: StepClock) -> str:
        """Write the loss and the speed since the record before; return both in a few words."""
        record, speed = training.record(), clock.record(training.step, training.band_shares())
        self._write(run_folder.METRICS_NAME, record)
        self._write(run_folder.TELEMETRY_NAME, speed)
        return f"loss {record['loss']:.3f}, {tqdm.format_sizeof(speed['tokens_per_second'])}tok/s"

    def _passes(self, training: Training) -> None:
        """Write and tell how often each language's text has been passed, and will be."""
        record = training.repetition()
        self._write(run_folder.METRICS_NAME, record)
        for name, of in (("", ""), ("pair_", "pairs: ")):
            if f"{name}passes" in record:
                told = meter.reading(record[f"{name}passes"], record[f"{name}passes_at_end"])
                logger.info("step %s: %s%s", f"{training.step:,}", of, told)

    def heldout(self, training: Training, heldout: HeldoutSet) -> float | None:
        """Write the passes over each language's text, and the held-out loss by language and their
        plain mean, in nats per masked token; return the mean, None where nothing is held out."""
        self._passes(training)
        if not heldout:
            return None
        losses = heldout_loss(
            training.objective, heldout, batch_sequences=training.sequences_at_once
        )
        mean = sum(losses.values()) / len(losses)
        record = {"kind": "heldout", "step": training.step}
        self._write(run_folder.METRICS_NAME, {**record, "loss": mean, "loss_by_language": losses})
        told = f"{mean:.3f} nats a piece (perplexity {perplexity(mean):,.1f})"
        logger.info("step %s: held-out loss %s", f"{training.step:,}", told)
        return mean

    def _write(self, name: str, record: Mapping[str, Any]) -> None:
        if self._writes:
            run_folder.append_record(self._folder / name, record)
        if self._events is not None:
            self._events.add(record)
