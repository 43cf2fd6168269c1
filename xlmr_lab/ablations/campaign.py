"""A campaign: the cells of several claims in one run folder, up to the text that they need.

Cells of different claims that bear one name are one cell. What two cells share (a corpus, a
vocabulary, token shards) has one fingerprint and is made once. What is trained of them is
campaign_work's. A cell that fails is told and does not stop the rest; what needs it is missing from
the rows, which is said in the conclusions.
"""

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xlmr_lab import configs, provenance, storage
from xlmr_lab.ablations import arms, campaign_known, claim_seeds, parallel_text, stages, transfer
from xlmr_lab.ablations.arms import Arm
from xlmr_lab.ablations.beforehand import likely_run
from xlmr_lab.ablations.grid import Cell, Claim, Contrast, Scale
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.ablations.variants import languages_of, tiers_of
from xlmr_lab.corpus.executors import Executor
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain import foresight
from xlmr_lab.pretrain.settings import check
from xlmr_lab.vocabulary.load import load

logger = logging.getLogger(__name__)

CAMPAIGN_NAME, CELLS_NAME = "campaign.json", "cells.jsonl"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Campaign:
    """Claims at a scale, and where their results go."""

    scale: Scale
    claims: tuple[Claim, ...]
    folder: Path
    """Its run folder."""
    jobs: int
    """Processes at work at once, each with one thread."""
    executor: Executor = "local"
    """Where arms are trained: in processes of this machine, or on Ray's cluster."""

    def cells(self) -> list[Cell]:
        """Return each cell once.

        Raises:
            UserError: cells of one name differ.
        """
        found: dict[str, Cell] = {}
        for claim in self.claims:
            for cell in claim.cells:
                try:
                    found[cell.name] = claim_seeds.merged(found.get(cell.name, cell), cell)
                except UserError as error:
                    raise UserError(f"{claim.id}: {error}") from None
        return list(found.values())

    def limited(self, claims: Sequence[str], seeds: int) -> "Campaign":
        """Return the campaign with some of its claims and fewer seeds."""
        base = self.scale.base
        return dataclasses.replace(
            self,
            scale=dataclasses.replace(
                self.scale, base=dataclasses.replace(base, seeds=min(base.seeds, seeds))
            ),
            claims=tuple(
                claim_seeds.limited(claim, seeds) for claim in self.claims if claim.id in claims
            ),
        )

    def reads(self, cell: str) -> bool:
        """Tell whether losses of whole words are wanted of the cell of this name: of all cells of
        a claim that compares them.
        """
        claims = [claim for claim in self.claims if cell in {own.name for own in claim.cells}]
        terms = (term for claim in claims for c in claim.contrasts for term in c.terms)
        return any(term.outcome.kind == "words" for term in terms)

    def claims_of(self, cell: str) -> list[str]:
        """Return the claims that have a cell of this name."""
        return [claim.id for claim in self.claims if cell in {own.name for own in claim.cells}]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A cell whose text, vocabulary and token shards are there."""

    cell: Cell
    arms: tuple[Arm, ...]
    """Its pretraining runs, one for each seed."""
    tokens: Path
    pairs: Path | None


def require(campaign: Campaign) -> None:
    """Refuse what cannot be run, before anything starts.

    Raises:
        UserError: names the cell and what to change.
    """
    cells = {cell.name: cell for cell in campaign.cells()}
    for claim in campaign.claims:
        for contrast in claim.contrasts:
            require_two(contrast, cells)
    for cell in cells.values():
        run = likely_run(cell.config)
        try:
            _require_text(cell.config)
            if cell.evaluated:
                _require_tasks(cell.config)
            parallel_text.check(cell.config)
            foresight.check(run, cell.config.vocabulary.size, runs=campaign.jobs)
        except UserError as error:
            raise UserError(f"cell {cell.name} of {campaign.scale.name}: {error}") from None


def require_two(contrast: Contrast, cells: Mapping[str, Cell]) -> None:
    """Refuse to compare a cell with itself: with a margin it would be supported."""
    for better, worse in (*contrast.pairs, *contrast.less):
        a, b = cells[better.cell], cells[worse.cell]
        same = dataclasses.replace(better, cell="") == dataclasses.replace(worse, cell="")
        if same and claim_seeds.alike(a, b):
            raise UserError(
                f"{contrast.id} compares {a.name!r} with {b.name!r}, which have the same settings: "
                "one that holds for every cell undoes their difference; leave it out"
            )


def _require_text(config: StudyConfig) -> None:
    """Refuse text whose languages are not known before it is read: cells differ in them."""
    corpus = config.corpus
    if corpus.path is not None and not corpus.languages:
        raise UserError(
            f"corpus.languages must name the languages of {corpus.path}, such as "
            "corpus.languages=en,sw"
        )
    if corpus.path is None and corpus.languages:
        foreign = sorted(set(corpus.languages) - set(config.babel.codes()))
        raise UserError(
            f"{', '.join(foreign)} are no languages of Babel; add corpus.path=FOLDER, the folder "
            "of their text"
            if foreign
            else "corpus.languages are of text of one's own; name Babel's with babel.languages="
        )


def _require_tasks(config: StudyConfig) -> None:
    """Refuse to score models on a task of which there are no files."""
    for task in config.evaluated:
        if getattr(config, task).path is None and config.corpus.path is not None:
            raise UserError(
                f"it is scored on {task}; add {task}.path=FOLDER, the folder of the task's files"
            )


def prepare(campaign: Campaign, missing: list[dict[str, Any]]) -> list[Prepared]:
    """Make the stages of every cell up to its token shards; a cell that fails goes to `missing`."""
    found = []
    for cell in campaign.cells():
        try:
            found.append(_prepared(campaign, cell))
        except UserError as error:
            logger.warning("cell %s failed, others go on: %s", cell.name, error)
            missing.append({"cell": cell.name, "stage": "text", "why": str(error)})
    return found


def write_settings(campaign: Campaign) -> None:
    """Have the run folder say what it holds."""
    base = configs.flatten(campaign.scale.base)
    cells = [
        {
            "cell": cell.name,
            "claims": campaign.claims_of(cell.name),
            "seeds": cell.config.seeds,
            "evaluated": cell.evaluated,
            "changed": {
                name: value
                for name, value in configs.flatten(cell.config).items()
                if value != base[name] and name != "seeds"
            },
        }
        for cell in campaign.cells()
    ]
    storage.write_jsonl(campaign.folder / CELLS_NAME, cells)
    storage.write_json(
        campaign.folder / CAMPAIGN_NAME,
        {
            "scale": campaign.scale.name,
            "about": campaign.scale.about,
            "claims": [claim.id for claim in campaign.claims],
            "seeds": campaign.scale.base.seeds,
            "more_seeds": claim_seeds.differing(campaign.claims, campaign.scale.base.seeds),
            "languages": languages_of(campaign.scale.base),
            "high": list(tiers_of(campaign.scale.base)[0]),
            "low": list(tiers_of(campaign.scale.base)[1]),
            "settings": configs.to_dict(campaign.scale.base),
        },
    )
    others = campaign_known.provenances(campaign.folder)
    more = {"taken_over": others} if others else {}
    storage.write_json(campaign.folder / campaign_known.PROVENANCE_NAME, provenance.collect(**more))


def _prepared(campaign: Campaign, cell: Cell) -> Prepared:
    config = cell.config
    tokens, pairs = stages.token_shards(config), parallel_text.pair_shards(config)
    if cell.evaluated:
        for task in transfer.tasks(config):
            transfer.check(config, task)
    found = arms.arms(config, campaign.folder / "arms", [config.sampling.alpha])
    shards = parallel_text.training_shards(config)
    shards.require_vocabulary(load(stages.vocabulary(config)).fingerprint)
    check(found[0].run, shards)
    return Prepared(cell=cell, arms=tuple(found), tokens=tokens, pairs=pairs)
