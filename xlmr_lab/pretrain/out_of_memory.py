"""What to do when memory runs out all the same: the plan is no promise (see memory_plan.py)."""

import contextlib
from collections.abc import Iterator
from typing import Literal

import torch

from xlmr_lab.errors import UserError
from xlmr_lab.machine_memory import told
from xlmr_lab.pretrain.memory_plan import Shape, need

Doing = Literal["build", "compute", "checkpoint"]
SMALLER = "take a smaller model or vocabulary"
SIGNS = ("can't allocate memory", "CUDA error: out of memory")
"""What torch's errors say on a CPU, and where pages are locked for a GPU."""


@contextlib.contextmanager
def explained(shape: Shape, doing: Doing) -> Iterator[None]:
    """Say which setting to change if memory runs out while the model is built, while it computes, a
    step or a held-out loss, or while a checkpoint is copied.

    Raises:
        UserError: it ran out.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not _ran_out(error):
            raise
        raise UserError(f"memory ran out {_advice(shape, doing)}") from None


def _ran_out(error: RuntimeError | MemoryError) -> bool:
    found = isinstance(error, torch.OutOfMemoryError | MemoryError)
    return found or any(sign in str(error) for sign in SIGNS)


def _advice(shape: Shape, doing: Doing) -> str:
    go_on = "and run again to go on from the last checkpoint"
    if doing == "build":
        held = told(need(shape).parameters, up=True)
        return f"while the model was made ready, {held} of weights and moments; {SMALLER}"
    if doing == "checkpoint":
        change = _change(shape) if shape.device == "cpu" else f"free some of it or {SMALLER},"
        copied = told(3 * shape.weight_bytes, up=True)
        return f"for the copy of a checkpoint, {copied} of the machine's; {change} {go_on}"
    at_once = f"with {shape.at_once} sequences of {shape.block_tokens} tokens at once"
    return f"{at_once}; {_change(shape)} {go_on}"


def _change(shape: Shape) -> str:
    """Return the setting that next makes a step smaller."""
    if shape.at_once > 1:
        return f"set pretrain.micro_sequences={shape.at_once // 2}"
    if not shape.checkpointed:
        return "set pretrain.activation_checkpointing=true"
    return f"{SMALLER}, or shorter blocks,"
