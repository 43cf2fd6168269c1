"""Reads the run folder of a campaign, the paper's claims as tested, into polars frames.

The files are the truth; nothing is cached and nothing is written. Frames about languages carry what
is known of each (name, script, family, resource tier). Rows are of cells, the settings that claims
compare; what a cell is, `setting` tells. Tables may be packed (.gz), as those in notebooks/results
are.
"""

import dataclasses
from pathlib import Path
from typing import Any

import polars as pl

from xlmr_lab import storage, study_words
from xlmr_lab.errors import UserError
from xlmr_lab.result_tables import CELL_LOSSES, CELL_SCORES, CONCLUSIONS, COSTS, SIZES, WORDS

CAMPAIGN_NAME = "campaign.json"


def open_campaign(folder: str | Path) -> "Tested":
    """Find a campaign's run folder, from the working directory or any folder above it.

    Raises:
        UserError: there is no such folder, or it holds no campaign.
    """
    if place := storage.found(folder, CAMPAIGN_NAME):
        return Tested(folder=place, name=str(folder))
    raise UserError(
        f"no tested claims in {str(folder)!r} (looked in {Path.cwd()} and the folders above); "
        "`./lab ablate tiny` makes runs/studies-tiny, `./lab ablate --help` tells of others"
    )


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Tested:
    """Claims that were tested: the campaign's folder and readers of what it holds."""

    folder: Path
    """The run folder."""
    name: str
    """The folder as the user named it."""

    def about(self) -> str:
        """Say in Markdown what was tested at what scale, on what text, and what made it."""
        return study_words.tested(self.name, self.campaign(), self.provenance())

    def campaign(self) -> dict[str, Any]:
        """Return scale, what it is in words, claims, seeds, and the settings of its base."""
        return dict(storage.read_json(self._path(CAMPAIGN_NAME)))

    def provenance(self) -> dict[str, Any]:
        """Return what it ran on: versions, commit, device, time."""
        return dict(storage.read_json(self._path("provenance.json")))

    def conclusions(self) -> pl.DataFrame:
        """Return a row for each contrast of each claim: effect, intervals, verdicts, the paper's
        numbers in words; effects are positive as the claim says (see `ablations.conclusions`).
        """
        rows = [
            row | {"by_language": [{"name": n, "effect": e} for n, e in row["by_language"]]}
            for row in storage.read_jsonl(self._path("conclusions.jsonl"))
        ]
        return pl.DataFrame(rows, schema=CONCLUSIONS)

    def sizes(self) -> pl.DataFrame:
        """Return the clean text of each language, largest first; of one whose text differs between
        cells, that of the first cell that has it.

        Tiers are those that claims compare: the base's high- and low-resource languages, the mid
        ones between, and those that are added to the base.
        """
        frame = pl.DataFrame(storage.read_jsonl(self._path("sizes.jsonl")), schema=SIZES)
        told = self.campaign()
        tier = dict.fromkeys(told["languages"], "mid")
        tier |= dict.fromkeys(told["high"], "high") | dict.fromkeys(told["low"], "low")
        column = pl.col("language").replace_strict(tier, default="added", return_dtype=pl.String)
        frame = frame.with_columns(tier=column)
        return frame.sort("size_bytes", "language", descending=[True, False])

    def heldout(self) -> pl.DataFrame:
        """Return held-out masked-LM losses by cell, seed, step and language, in nats a piece
        (`loss`) and in `bits_per_byte` of the held-out text.
        """
        rows = storage.read_jsonl(self._path("heldout.jsonl"))
        return self._grouped(pl.DataFrame(rows, schema=CELL_LOSSES))

    def words(self) -> pl.DataFrame:
        """Return losses of whole words by cell, seed and language, in `bits_per_byte`, of the cells
        that are compared across vocabularies (see `ablations.word_losses`).
        """
        rows = storage.read_jsonl(self._path("words.jsonl"))
        return self._grouped(pl.DataFrame(rows, schema=WORDS))

    def scores(self) -> pl.DataFrame:
        """Return task scores by cell, pretraining seed, fine-tuning seed and language."""
        rows = storage.read_jsonl(self._path("scores.jsonl"))
        known = pl.DataFrame(schema=CELL_SCORES)
        frame = pl.DataFrame(rows, infer_schema_length=None) if rows else known
        return self._grouped(frame)

    def costs(self) -> pl.DataFrame:
        """Return what each run was predicted to take and took, in seconds."""
        return pl.DataFrame(storage.read_jsonl(self._path("costs.jsonl")), schema=COSTS)

    def missing(self) -> list[dict[str, Any]]:
        """Return what cells should have and have not: cell, stage, why."""
        return storage.read_jsonl(self._path("missing.jsonl"))

    def cells(self) -> list[dict[str, Any]]:
        """Return each cell: its name (`cell`), the claims that have it, whether it is evaluated,
        and the settings in which it differs from the base (`changed`)."""
        return storage.read_jsonl(self._path("cells.jsonl"))

    def setting(self, cell: str, name: str) -> Any:
        """Return a cell's value of a setting, such as `model.hidden_size`.

        Raises:
            UserError: there is no such cell.
        """
        for row in self.cells():
            if row["cell"] == cell:
                changed = row["changed"]
                return changed[name] if name in changed else self._base(name)
        raise UserError(f"{self.name} has no cell {cell!r}")

    def _base(self, name: str) -> Any:
        value = self.campaign()["settings"]
        for part in name.split("."):
            value = value[part]
        return value

    def _grouped(self, frame: pl.DataFrame) -> pl.DataFrame:
        groups = self.sizes().select("language", "name", "script", "family", "tier", "size_bytes")
        return frame.join(groups, on="language", how="left", maintain_order="left")

    def _path(self, file: str) -> Path:
        path = storage.plain_or_packed(self.folder / file)
        if not path.is_file():
            raise UserError(f"{self.name} has no {file}; `./lab ablate SCALE` goes on with it")
        return path
