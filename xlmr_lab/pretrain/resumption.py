"""Which checkpoint a run goes on from: one, for all its processes.

The first process chooses, and says which step and what its files' checksums are. Every other one
must find that very checkpoint where it looks: on disks of their own, in a listing that is late or
after a bad read it would train from other weights than the first. Then all stop with one error.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from xlmr_lab.errors import UserError
from xlmr_lab.pretrain import checkpoint
from xlmr_lab.pretrain.distributed import Processes
from xlmr_lab.pretrain.folder import require_same


class Chosen(NamedTuple):
    """A checkpoint to go on from."""

    path: Path
    """Where this process looks for it."""
    state: dict[str, Any]
    """What its `state.json` says to the first process."""


def choose(folder: Path, identity: Mapping[str, Any], processes: Processes) -> Chosen | None:
    """Return the newest whole checkpoint that the first process finds, None before the first one.
    The others have not looked at it yet (see `require_everywhere`).

    Raises:
        UserError: it is of a run of another `identity`, or all there are are damaged.
    """
    own = checkpoint.newest(folder) if processes.first else None
    state = processes.same(own[1] if own else None)
    if state is None:
        return None
    chosen = Chosen(checkpoint.checkpoint_path(folder, state["step"]), state)
    require_same(state, identity, chosen.path)
    return chosen


def require_everywhere(folder: Path, chosen: Chosen | None, processes: Processes) -> None:
    """Refuse to go on where a process does not find what the first one has chosen.

    Raises:
        UserError: names that process and what it finds; the same in all processes.
    """
    differs = None if processes.first else _difference(folder, chosen)
    for rank, difference in enumerate(processes.each(differs)):
        if difference:
            raise UserError(
                f"process {rank} of torchrun does not go on from where the first one does: "
                f"{difference}; give all machines the same run folder, on a disk that they share"
            )


def _difference(folder: Path, chosen: Chosen | None) -> str | None:
    """Return what this process finds instead of what was chosen, None if it finds that."""
    if chosen is None:
        step = checkpoint.last_step(folder)
        there = checkpoint.checkpoint_path(folder, step)
        return f"it finds {there}, where the first finds none" if step else None
    if damage := checkpoint.find_damage(chosen.path, checkpoint.TENSOR_NAMES):
        return f"its {chosen.path} is not what the first finds ({damage})"
    if checkpoint.read_state(chosen.path)["sha256"] != chosen.state["sha256"]:
        return f"its {chosen.path} is another one, by SHA-256"
    return None
