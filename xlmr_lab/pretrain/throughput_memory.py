"""Whether both sides of a comparison fit into memory, known before either is built.

The lab's side is what `memory_plan` knows. Hugging Face's keeps at least as much of its layers, all
gradients at its peak, and logits of all positions three times: as they are, as logarithms of
probabilities, as gradients. While both take turns the weights and moments of both are held.
"""

import dataclasses

from xlmr_lab.errors import UserError
from xlmr_lab.machine_memory import told
from xlmr_lab.pretrain import memory_plan
from xlmr_lab.pretrain.memory_plan import NUMBER, Shape

LOGITS_HELD = 3
"""Numbers of each position and id."""


def need(shape: Shape) -> int:
    """Return the bytes that both sides take while the other one steps."""
    lab = memory_plan.need(shape)
    tokens = shape.at_once * shape.block_tokens
    logits = LOGITS_HELD * NUMBER * tokens * shape.vocab_size
    step = NUMBER * shape.num_parameters + memory_plan.activations(shape) + logits
    return 2 * lab.parameters + max(step, lab.total - lab.parameters - lab.snapshot)


def require(shape: Shape, available: int) -> None:
    """Check that a device has what both sides take.

    Raises:
        UserError: it has not; the message names the largest batch that fits, of those half as
            large, a quarter, and so on.
    """
    needed, fitting = need(shape), shape.at_once
    if needed <= available:
        return
    while fitting and need(dataclasses.replace(shape, at_once=fitting)) > available:
        fitting //= 2
    place = "the GPU" if shape.device == "cuda" else "the machine"
    remedy = f"set batch_sequences={fitting}" if fitting else "take a smaller model or vocabulary"
    raise UserError(
        f"both sides need about {told(needed, up=True)} of memory with "
        f"batch_sequences={shape.at_once}; {place} has {told(available)} to give; {remedy}"
    )
