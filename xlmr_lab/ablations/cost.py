"""What runs will take, from measured speeds, and how much of a campaign a budget pays for.

Pure: seconds of a run follow from the seconds of a step of its shape and from what a run takes
beside its steps; runs are handed out in their order, each to the first worker that is free, as
`jobs.run` does. A held-out block is taken to cost a third of one that is trained on, since it has
no gradient.
"""

import dataclasses
import heapq
from collections.abc import Iterable, Sequence

from xlmr_lab.errors import UserError
from xlmr_lab.pretrain.settings import PretrainRun

FORWARD_SHARE = 1 / 3
"""What a block costs that is only looked at, of one that is trained on."""
LEAST_SEEDS = 2
"""With fewer there is no interval, and nothing is decided."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Speed:
    """How fast pretraining runs of a shape are."""

    step: float
    """Seconds of an optimizer step."""
    beside: float
    """Seconds of a run beside its steps, with one measurement of held-out loss."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A run of a campaign and its predicted cost."""

    kind: str
    """Runs of a kind are done together, one kind after the other."""
    seed: int
    """Pretraining seed."""
    claims: frozenset[str]
    """Claims that need it."""
    seconds: float


def pretraining_seconds(run: PretrainRun, speed: Speed) -> float:
    """Return what a pretraining run takes: its steps, and further looks at held-out blocks."""
    settings = run.pretrain
    looks = -(-settings.steps // settings.heldout_steps)
    blocks = settings.heldout_blocks * len(run.languages)
    look = FORWARD_SHARE * speed.step * blocks / run.batches.batch_sequences
    return speed.beside + settings.steps * speed.step + (looks - 1) * look


def packed(seconds: Iterable[float], workers: int) -> float:
    """Return when the last of some runs ends that are handed out in their order.

    >>> packed([3, 1, 1, 1, 4], workers=2)
    7
    """
    free: list[float] = [0] * workers
    for one in seconds:
        heapq.heapreplace(free, free[0] + one)
    return max(free)


def total(parts: Sequence[Part], workers: int) -> float:
    """Return the seconds that all parts take, a kind after the other."""
    kinds = dict.fromkeys(part.kind for part in parts)
    return sum(packed((p.seconds for p in parts if p.kind == kind), workers) for kind in kinds)


def affordable(
    parts: Sequence[Part], claims: Sequence[str], *, seeds: Sequence[int], workers: int, left: float
) -> tuple[tuple[str, ...], int]:
    """Return the claims and the number of seeds, at most all of `seeds`, that `left` seconds pay
    for: as many seeds as may be, and where two are too many for all claims, fewer claims, the last
    of them going first.

    Raises:
        UserError: two seeds of the first claim take longer.
    """
    least = min(LEAST_SEEDS, len(seeds))
    kept = tuple(claims)
    while kept:
        for count in range(len(seeds), least - 1, -1):
            if total(of(parts, kept, seeds[:count]), workers) <= max(0, left):
                return kept, count
        kept = kept[:-1]
    needed = total(of(parts, claims[:1], seeds[:least]), workers)
    raise UserError(
        f"budget must leave at least {needed:.0f}s more for {claims[0]} alone with {least} seeds, "
        f"{max(0, left):.0f}s are left of it; give more, or ask for a smaller scale"
    )


def of(parts: Iterable[Part], claims: Sequence[str], seeds: Sequence[int]) -> list[Part]:
    """Return the parts that some claims need with some seeds."""
    wanted = set(claims)
    return [part for part in parts if part.seed in seeds and part.claims & wanted]
