"""Settings under which a run repeats no language's text more than a limit.

Each was tried on the text at hand before it is named, so it does what is said of it. Where all text
together is passed too often no other sampling helps, only fewer steps or more text.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from xlmr_lab.errors import UserError
from xlmr_lab.sampling import meter, schedules
from xlmr_lab.sampling.schedules import Length
from xlmr_lab.sampling.settings import SamplingConfig


class Plan(NamedTuple):
    """How a run samples its text."""

    config: SamplingConfig
    sizes: Mapping[str, float]
    """Text of each language in the unit of `config.basis`."""
    blocks: Mapping[str, float]
    """The same in blocks."""
    length: Length

    def passes(self) -> dict[str, float]:
        """Return how often each language's text is gone through."""
        found = schedules.phases(self.config, self.sizes, self.length)
        return meter.passes(meter.expected_draws(found, self.length), self.blocks)

    def mean_passes(self) -> float:
        """Return how often all text together is gone through, however it is sampled."""
        return self.length.steps * self.length.step_blocks / sum(self.blocks.values())

    def keeps_within(self, limit: float) -> bool:
        """Tell whether no text is gone through more than `limit` times; not where nothing can be
        sampled so."""
        try:
            return not meter.above(self.passes(), limit)
        except UserError:
            return False


def least_alpha(plan: Plan, limit: float) -> float | None:
    """Return the least larger exponent, in hundredths, that keeps within the limit, if one does.

    >>> sizes = {"en": 900.0, "sw": 100.0}
    >>> least_alpha(Plan(SamplingConfig(alpha=0.3), sizes, sizes, Length(100, 100)), 16.0)
    0.76
    """
    if plan.config.schedule != "constant":
        return None
    larger = (n / 100 for n in range(math.floor(100 * plan.config.alpha) + 1, 101))
    tried = ((alpha, replace(plan.config, alpha=alpha)) for alpha in larger)
    return next(
        (a for a, config in tried if plan._replace(config=config).keeps_within(limit)), None
    )


def capped(plan: Plan, limit: float) -> SamplingConfig | None:
    """Return a cap of passes that keeps within the limit, if one does."""
    config = SamplingConfig(schedule="capped", alpha=0.0, max_passes=limit)
    tried = plan._replace(config=config, sizes=plan.blocks)
    return config if tried.keeps_within(limit) else None


def most_steps(plan: Plan, limit: float) -> int:
    """Return how many steps, otherwise alike, keep within the limit; 0 where not even one does.

    >>> sizes = {"en": 900.0, "sw": 100.0}
    >>> most_steps(Plan(SamplingConfig(alpha=1.0), sizes, sizes, Length(460, 100)), 16.0)
    160
    """
    steps = plan.length.steps
    while steps:
        tried = plan._replace(length=plan.length._replace(steps=steps))
        try:
            worst = max(tried.passes().values())
        except UserError:  # too short for the changes of the schedule
            return 0
        if tried.keeps_within(limit):
            return steps
        steps = min(steps - 1, math.floor(steps * limit / worst * (1 + 1e-9)))
    return 0
