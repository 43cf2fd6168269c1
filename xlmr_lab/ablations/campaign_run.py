"""Run a campaign: text, pretraining, fine-tuning, and the rows of its run folder.

A killed campaign finds what is finished; started again it ends with the same rows.
"""

from typing import Any

from xlmr_lab.ablations import campaign_rows, campaign_work
from xlmr_lab.ablations.campaign import Campaign, Prepared, prepare, require, write_settings


def run(campaign: Campaign) -> None:
    """Do all the work that is not done, and collect it.

    Raises:
        UserError: something cannot be run at all, which is told before anything starts.
    """
    require(campaign)
    write_settings(campaign)
    missing: list[dict[str, Any]] = []
    train(campaign, prepare(campaign, missing), missing)


def train(campaign: Campaign, prepared: list[Prepared], missing: list[dict[str, Any]]) -> None:
    """Do what is trained of prepared cells, and collect it; `missing` is what failed before."""
    work = campaign_work.everything(campaign, prepared)
    for kind in campaign_work.KINDS:
        campaign_work.do(campaign, work, kind)
    campaign_rows.collect(campaign, prepared, missing)
