"""Finds and reads the sentences that the languages of a study are compared by: those of its own NLI
task, or of a folder that a user names.
"""

from collections.abc import Sequence
from pathlib import Path

from xlmr_lab import configs, stage_folders, study_call
from xlmr_lab.ablations import sentence_runs, stages
from xlmr_lab.ablations.evaluation_config import SentencesConfig
from xlmr_lab.babel.corpora import BabelConfig
from xlmr_lab.babel.tasks import TaskConfig
from xlmr_lab.errors import UserError
from xlmr_lab.results import Study

OTHERS = (
    "name a folder of others as `sentences`: Tatoeba's files, <language>.txt with a sentence a "
    "line, or an NLI task"
)


def find(study: Study, named: str = "") -> Path:
    """Return a folder of aligned sentences: one that is named, from the working directory or any
    folder above it, else the study's NLI task, which says the same in every language.

    Raises:
        UserError: there is none.
    """
    if not named:
        return _own(study)
    path, here = Path(named).expanduser(), Path.cwd()
    for place in (here, *here.parents):
        if (place / path).is_dir():
            return place / path
    raise UserError(f"no folder {named!r} (looked in {here} and the folders above); {OTHERS}")


def read(folder: Path, languages: Sequence[str], most: int) -> list[dict[str, list[str]]]:
    """Return the first sentences of some languages in groups, place i of each language of a group
    the same; Tatoeba has a group for each of its languages, others one.

    Raises:
        UserError: the folder holds no such sentences, of fewer than two of the languages, or of
            fewer than 2 sentences.
    """
    found = sentence_runs.groups(SentencesConfig(path=str(folder)), folder, ())
    there = {key for group in found.groups for key in group}
    groups = [
        {key: group[key][:most] for key in languages if key in group} for group in found.groups
    ]
    kept = [group for group in groups if len(group) > 1]
    if not kept:
        raise UserError(
            f"{folder} has sentences of {', '.join(sorted(there))}; of the study's languages, "
            f"{', '.join(languages)}, at least two are needed; {OTHERS}"
        )
    if (fewest := min(len(own) for group in kept for own in group.values())) < 2:
        raise UserError(f"at least 2 sentences are needed to look among, got {fewest}")
    return kept


def _own(study: Study) -> Path:
    config = study.config()
    given = config["nli"].get("path")
    if given is not None:
        places = [place / given for place in (study.folder, *study.folder.parents)]
        folder = next((place for place in places if place.is_dir()), Path(given))
    elif study.is_babel():
        data = stage_folders.find(study, "shards").parent
        babel = configs.from_dict(BabelConfig, config["babel"])
        sets = configs.from_dict(TaskConfig, config.get("tasks", {}))
        folder = stages.task_place(data, babel, sets, "nli", study.train_language("nli"))
    else:
        raise UserError(f"{study.name} has no NLI task to take sentences of; {OTHERS}")
    if not folder.is_dir():
        call = study_call.maker(study.folder, "scores.jsonl")
        raise UserError(f"{study.name} has no sentences: `{call}` makes its NLI task, or {OTHERS}")
    return folder
