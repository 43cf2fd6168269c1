"""Where the stages of a study lie, by its `stages.json`: text and vocabulary are kept beside the
run folder and may be shared by studies.
"""

from pathlib import Path

from xlmr_lab import storage, study_call
from xlmr_lab.errors import UserError
from xlmr_lab.results import Study


def named(study: Study) -> dict[str, str]:
    """Return the folders of the stages by name, as the study wrote them down."""
    path = study.folder / "stages.json"
    return dict(storage.read_json(path)) if path.is_file() else {}


def find(study: Study, stage: str) -> Path:
    """Return the folder of a stage: seen from where the study ran, which is some folder above its
    own.

    Raises:
        UserError: the study names none, or it is not there any more.
    """
    place = named(study).get(stage)
    if place is None:
        call = study_call.maker(study.folder, stage)
        raise UserError(f"{study.name}/stages.json names no {stage}; `{call}` writes it")
    for folder in (study.folder, *study.folder.resolve().parents):
        if (folder / place).is_dir():
            return folder / place
    raise UserError(
        f"{study.name} was made of {place}, which is not there any more; "
        f"{study_call.remade(study.folder, stage)}"
    )
