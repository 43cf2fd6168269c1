"""Run a campaign: text, pretraining, fine-tuning, and the rows of its run folder.

A killed campaign finds what is finished; started again it ends with the same rows. Where many runs
wait, or where there is a budget, what they will take is measured before; what a budget does not pay
for is left out, seeds first and then claims.
"""

import dataclasses
import time
from typing import Any

from xlmr_lab.ablations import campaign_costs, campaign_rows, campaign_work, cost, task_jobs
from xlmr_lab.ablations.campaign import (
    CAMPAIGN_NAME,
    Campaign,
    Prepared,
    prepare,
    require,
    write_settings,
)
from xlmr_lab.ablations.campaign_costs import Predicted
from xlmr_lab.ablations.campaign_work import Work
from xlmr_lab.errors import UserError

WORTH = 24
"""So many waiting runs are worth the minute that measuring takes."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Ready:
    """A campaign that has its text, and what its runs will take."""

    campaign: Campaign
    prepared: list[Prepared]
    missing: list[dict[str, Any]]
    """Cells that failed, and why."""
    work: list[Work]
    predicted: Predicted
    """Seconds of runs by name, as far as they were measured."""

    @property
    def seconds(self) -> float | None:
        """Predicted seconds of all that waits; None: it was not measured."""
        parts = campaign_costs.parts(self.campaign, self.work, self.predicted)
        return cost.total(parts, self.campaign.jobs) if self.predicted else None


def run(campaign: Campaign) -> None:
    """Do all the work that is not done, and collect it.

    Raises:
        UserError: something cannot be run at all, which is told before anything starts.
    """
    finish(ready(campaign))


def ready(campaign: Campaign, *, measured: bool | None = None) -> Ready:
    """Make the text of all cells, and measure what their runs take: always, never, or (None) where
    enough of them wait.

    Raises:
        UserError: something cannot be run at all, which is told before anything starts.
    """
    require(campaign)
    missing: list[dict[str, Any]] = []
    prepared = prepare(campaign, missing)
    work = campaign_work.everything(campaign, prepared)
    task_jobs.require_readable(
        one.of for one in work if isinstance(one.of, task_jobs.Plan) and not one.is_done
    )
    if measured is None:
        waiting = sum(not one.is_done for one in work)
        measured = waiting >= WORTH and campaign.executor == "local"  # a cluster is of others
    look = campaign_costs.measure if measured else campaign_costs.known
    return Ready(
        campaign=campaign,
        prepared=prepared,
        missing=missing,
        work=work,
        predicted=look(campaign, prepared, work),
    )


def within(campaign: Campaign, budget: float) -> Ready:
    """Return as much of a campaign, measured, as `budget` seconds pay for from now on.

    Raises:
        UserError: not even two seeds of the first claim, or something cannot be run at all.
    """
    started = time.monotonic()
    everything = ready(campaign, measured=True)
    waiting = (one.name for one in everything.work if not one.is_done)
    if unknown := [name for name in waiting if name not in everything.predicted]:
        raise UserError(
            f"no budget can be kept: {len(unknown)} runs, the first of them {unknown[0]}, could "
            "not be measured (see above); mend that, or leave budget= out"
        )
    first, most = campaign.scale.base.seed, max(c.config.seeds for c in campaign.cells())
    claims, seeds = cost.affordable(
        campaign_costs.parts(campaign, everything.work, everything.predicted),
        [claim.id for claim in campaign.claims],
        seeds=range(first, first + most),
        workers=campaign.jobs,
        left=budget - (time.monotonic() - started),
    )
    return ready(campaign.limited(claims, seeds), measured=False)


def finish(work: Ready) -> float:
    """Do what waits, collect it, and return the seconds that it took."""
    started, folder = time.monotonic(), work.campaign.folder
    if not (folder / CAMPAIGN_NAME).is_file():  # else they are of results that are there yet
        write_settings(work.campaign)
    for kind in campaign_work.KINDS:
        campaign_work.do(work.campaign, work.work, kind)
    taken = time.monotonic() - started
    write_settings(work.campaign)
    campaign_rows.collect(work.campaign, work.prepared, work.missing)
    campaign_costs.write(work.campaign, work.work, work.predicted)
    return taken
