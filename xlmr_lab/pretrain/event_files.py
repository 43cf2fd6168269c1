"""A run's records once more as TensorBoard's event files, where they are wanted.

metrics.jsonl and telemetry.jsonl are the truth; these files hold the same numbers, and
perplexities, for those who look at runs with TensorBoard. They need the package `tensorboard`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xlmr_lab.errors import UserError
from xlmr_lab.pretrain.heldout import perplexity

LEFT_OUT = ("kind", "step", "draws")


class EventFiles:
    """Writes records into event files of a folder."""

    def __init__(self, folder: Path, *, step: int) -> None:
        """Open a file for what comes after `step`; what others hold of later steps is void.

        Raises:
            UserError: the package is not installed.
        """
        self._writer = require_package()(str(folder), purge_step=step + 1)

    def add(self, record: Mapping[str, Any]) -> None:
        """Write the numbers of a record."""
        for name, value in scalars(record):
            self._writer.add_scalar(name, value, record["step"])

    def close(self) -> None:
        """Write out what is held back."""
        self._writer.close()


def require_package() -> Any:
    """Return TensorBoard's writer of event files, a class.

    Raises:
        UserError: the package is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise UserError(
            "pretrain.tensorboard needs the package tensorboard: pip install "
            "'xlmr-lab[tensorboard]', or leave the setting out; metrics.jsonl has the numbers"
        ) from None
    return SummaryWriter


def scalars(record: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the numbers of a record under names that TensorBoard groups; for each held-out loss a
    perplexity as well.

    >>> record = {"kind": "heldout", "step": 4, "loss_by_language": {"sw": 2.0}}
    >>> [(name, round(value, 2)) for name, value in scalars(record)]
    [('heldout/loss_by_language/sw', 2.0), ('heldout/perplexity_by_language/sw', 7.39)]
    """
    group = record.get("kind", "telemetry")
    for name, value in record.items():
        if name in LEFT_OUT:
            continue
        numbers = value if isinstance(value, Mapping) else {"": value}
        for key, number in numbers.items():
            end = f"/{key}" if key else ""
            yield f"{group}/{name}{end}", number
            if group == "heldout":
                yield f"{group}/{name.replace('loss', 'perplexity')}{end}", perplexity(number)
