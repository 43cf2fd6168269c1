"""A study's run folder, opened for what is made of its model and vocabulary.

Its settings and the places of its stages are as it wrote them down; nothing is built and nothing is
trained. What is not there is told at once, with the command that makes it.
"""

import dataclasses
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from xlmr_lab import configs, storage, study_call
from xlmr_lab.ablations import folder as run_folder
from xlmr_lab.ablations.run import Study
from xlmr_lab.ablations.sections import SurgeryConfig
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain import checkpoint
from xlmr_lab.pretrain.folder import CHECKPOINTS_NAME

PLACING = ("name", "runs_dir", "corpus.path")
"""Settings that say, with the preset, which run folder is meant."""


class OpenedRun(NamedTuple):
    """A run folder that holds these very settings, those of surgery aside."""

    folder: Path
    config: StudyConfig

    def stage(self, name: str) -> Path:
        """Return the folder of a stage, by its name in `stages.json`.

        Raises:
            UserError: the run has not made it, or it is not there any more.
        """
        recorded = self._read(run_folder.STAGES_NAME, {}).get(name)
        if recorded is None:
            maker = study_call.maker(self.folder, name)
            raise UserError(f"{self.folder} has no {name} yet; `{maker}` makes it")
        place = Path(self.config.data_dir) / Path(recorded).name
        if not place.is_dir():
            raise UserError(
                f"{place} is not there any more; {study_call.remade(self.folder, name)}"
            )
        return place

    def languages(self) -> list[str]:
        """Return the keys of the languages that the run has text of, largest first.

        Raises:
            UserError: the run does not hold their sizes.
        """
        sizes = self.folder / run_folder.SIZES_NAME
        if not sizes.is_file():
            maker = study_call.maker(self.folder, sizes.name)
            raise UserError(f"{self.folder} has no {sizes.name}; `{maker}` writes it")
        return [row["language"] for row in storage.read_jsonl(sizes)]

    def checkpoint(self) -> Path | None:
        """Return the final checkpoint of the main arm's first seed; None before pretraining.

        Raises:
            UserError: it is not there any more.
        """
        name = f"{self.config.sampling.name()}-s{self.config.seed}-"
        for row in self._read("arms.json", []):
            place = self.folder / row["folder"]
            if place.name.startswith(name):
                steps = self.config.pretrain.steps
                final = checkpoint.checkpoint_path(place / CHECKPOINTS_NAME, steps)
                if final.is_dir():
                    return final
                maker = study_call.told(self.folder, "pretrain")
                raise UserError(f"{final} is not there any more; `{maker}` trains it again")
        return None

    def required_checkpoint(self) -> Path:
        """Return the same checkpoint.

        Raises:
            UserError: it is not pretrained, or the checkpoint is not there any more.
        """
        found = self.checkpoint()
        if found is None:
            maker = study_call.told(self.folder, "pretrain")
            raise UserError(f"{self.folder} is not pretrained yet; run `{maker}` first")
        return found

    def refuse_idle(self, names: Iterable[str], verb: str) -> None:
        """Refuse settings of surgery that have no effect on a verb.

        Raises:
            UserError: one of them is not what it is by default.
        """
        default = SurgeryConfig()
        for name in names:
            if getattr(self.config.surgery, name) != getattr(default, name):
                raise UserError(f"surgery.{name} has no effect on {verb}; leave it out")

    def _read(self, name: str, default: Any) -> Any:
        place = self.folder / name
        return storage.read_json(place) if place.is_file() else default


def open_run(work: Study) -> OpenedRun:
    """Open the run folder of a study.

    Raises:
        UserError: there is none, or one of other settings.
    """
    held = _held(work.folder, "`./lab pretrain` with these settings")
    changed = run_folder.differences(held, configs.to_dict(work.config))
    if changed:
        told = "; ".join(
            f"{name} is {_shown(there)} there and {_shown(here)} here"
            for name, (there, here) in changed.items()
        )
        raise UserError(
            f"{work.folder} was made with other settings: {told}; leave them out, or give the "
            "name=NAME of the run that has them"
        )
    return OpenedRun(work.folder, work.config)


def settings(
    base: StudyConfig, given: Sequence[str], *, preset: str, asked: str | None
) -> StudyConfig:
    """Return the settings of the run that is meant by a preset and the given settings; those of
    surgery are as they are by default.

    `base` are the settings of the preset, which the user may have asked for.

    Raises:
        UserError: there is no such run, or it was made from another preset than the one asked for.
    """
    placing = [setting for setting in given if setting.partition("=")[0] in PLACING]
    placed = configs.override(base, placing)
    folder = Path(placed.runs_dir) / placed.run_name(preset)
    own = [setting for setting in given if not setting.startswith("surgery.")]
    call = ["./lab", "pretrain", *(["--preset", asked] if asked else []), *own]
    held = _held(folder, f"`{shlex.join(call)}`")
    origin = folder / run_folder.PROVENANCE_NAME
    made_from = storage.read_json(origin).get("preset") if origin.is_file() else None
    if asked and made_from and asked != made_from:
        raise UserError(
            f"{folder} was made with --preset {made_from}, not {asked}; leave the preset out"
        )
    try:
        config = configs.from_dict(StudyConfig, held)
    except UserError as error:
        raise UserError(
            f"{folder / run_folder.CONFIG_NAME} is of another version of the lab ({error}); run "
            f"`{shlex.join(call)}` again"
        ) from None
    return dataclasses.replace(
        config, name=folder.name, runs_dir=placed.runs_dir, surgery=SurgeryConfig()
    )


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _held(folder: Path, maker: str) -> dict[str, Any]:
    """Return the settings that a run folder holds."""
    place = folder / run_folder.CONFIG_NAME
    if place.is_file():
        held: dict[str, Any] = storage.read_json(place)
        return held
    there = sorted(path.parent.name for path in folder.parent.glob(f"*/{run_folder.CONFIG_NAME}"))
    told = f" (there are {', '.join(there)})" if there else ""
    raise UserError(f"there is no run at {folder}{told}; {maker} makes it")
