"""An evaluation of one given encoder, carried out: each task fine-tuned over its seeds, sentences
retrieved, all collected in a run folder; nothing is pretrained.

What is finished is found again by the fingerprint of all it depends on (the encoder's weights and
tokenizer, the files, the settings), and a killed run goes on. The folder holds the scores of the
last call, what was seen on the way (looks.jsonl: dev sets at each check), the doctor's verdicts
(doctor.jsonl), predictions for GLUE's leaderboard if asked for, and where it all comes from.
"""

import dataclasses
import json
import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xlmr_lab import configs, provenance, storage
from xlmr_lab.ablations import baseline_runs, examined, sentence_runs, task_runs, task_sets
from xlmr_lab.ablations.evaluation_plan import (
    EVALUATION_VERSION,
    PREDICTIONS_NAME,
    Evaluation,
    beside,
    names,
    planned,
    predicted,
)
from xlmr_lab.ablations.task_runs import TaskRuns
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import glue_submission
from xlmr_lab.evaluate import scores as score_tables
from xlmr_lab.evaluate.doctor.records import DOCTOR_NAME, LOOKS_NAME
from xlmr_lab.evaluate.encoders import FOREIGN
from xlmr_lab.evaluate.scores import Score

logger = logging.getLogger(__name__)

SETTINGS_NAME, STUDY_NAME = "evaluation.json", "config.json"
"""Files of settings: of an evaluation, and of a study."""
SCORES_NAME = "scores.jsonl"


def run(work: Evaluation) -> list[Score]:
    """Fine-tune and score what is not done yet, baselines too, and collect it all in the run
    folder; what was collected there before is replaced once all is done."""
    _begin(work)
    everything = planned(work)
    for runs in everything:
        if not _is_finished(runs):
            runs.output.unlink(missing_ok=True)
            task_runs.run(runs, *work.opened)
    for plan in beside(work, everything):
        if not _is_finished(plan.runs):
            plan.runs.output.unlink(missing_ok=True)
            baseline_runs.run(plan)
        everything.append(plan.runs)
    for runs in everything:
        task_runs.tidy(runs)
    outputs = [runs.output for runs in everything]
    if work.config.retrieval.path is not None:
        outputs.append(_retrieved(work))
    rows = [Score(**row) for path in outputs for row in storage.read_jsonl(path)]
    _clear(work.folder)
    _write_settings(work)
    examined.collect(work.folder, everything, rows)
    score_tables.write(work.folder / SCORES_NAME, rows)
    if work.config.predictions:
        _collect_predictions(work, everything)
    return rows


def doctor(work: Evaluation) -> list[dict[str, Any]]:
    """Return what the doctor says of sets and scores, a record for each verdict."""
    return storage.read_jsonl(work.folder / DOCTOR_NAME)


def _begin(work: Evaluation) -> None:
    """Have the run folder say that it is an evaluation's, and tell what is going to be replaced."""
    held, settings = _held(work.folder), configs.to_dict(work.config)
    if not held:
        _write_settings(work)
    elif held["fingerprint"] != work.fingerprint:
        _tell_replaced(work.folder, "the evaluation of another encoder")
    elif (work.folder / SCORES_NAME).is_file() and held.get("settings") != _as_read(settings):
        _tell_replaced(work.folder, "scores of other settings")


def _tell_replaced(folder: Path, what: str) -> None:
    logger.warning("%s holds %s, which is replaced at the end; name=NEW keeps both", folder, what)


def _as_read(settings: dict[str, Any]) -> Any:
    """Return settings as they are read again: lists for tuples."""
    return json.loads(json.dumps(settings))


def _clear(folder: Path) -> None:
    """Remove what was collected before; finished scores stay in folders of their own."""
    for name in (SCORES_NAME, LOOKS_NAME, DOCTOR_NAME, f"{PREDICTIONS_NAME}.zip"):
        (folder / name).unlink(missing_ok=True)
    for name in (PREDICTIONS_NAME, "tables"):
        shutil.rmtree(folder / name, ignore_errors=True)


def _write_settings(work: Evaluation) -> None:
    """Have the run folder say what it holds."""
    revision = work.place.name if work.place.parent.name == "snapshots" else None
    about = {
        "source": _shown(work.source),
        "revision": revision,
        "fingerprint": work.fingerprint,
        "text_fingerprint": work.opened.text.fingerprint,
        "preset": work.preset,
    }
    place = work.folder / SETTINGS_NAME
    storage.write_json(place, {**about, "settings": configs.to_dict(work.config)})
    device = str(next(work.opened.module.parameters()).device)
    record = provenance.collect(encoder=about, run_on=device)
    storage.write_json(work.folder / "provenance.json", record)


def _held(folder: Path) -> dict[str, Any]:
    """Return what a run folder says that it holds, nothing if it is new or empty.

    Raises:
        UserError: it was not made by an evaluation, so that nothing in it may be replaced.
    """
    if (folder / STUDY_NAME).is_file():
        raise UserError(f"{folder} holds a study; add name=NEW for the evaluation")
    place = folder / SETTINGS_NAME
    held = storage.read_json(place) if place.is_file() else {}
    is_ours = isinstance(held, dict) and "fingerprint" in held
    if not is_ours and os.path.lexists(folder) and not _is_empty(folder):
        raise UserError(
            f"{folder} is there and was made by no evaluation; add name=NEW, or move it away"
        )
    return held


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def _shown(source: str) -> str:
    """Return an encoder's name without an absolute path."""
    start = FOREIGN if source.startswith(FOREIGN) else ""
    return start + provenance.shortened(source.removeprefix(start), Path.cwd())


def _retrieved(work: Evaluation) -> Path:
    """Return the file of the scores of retrieval, made if it is not there."""
    config = work.config.retrieval
    folder = Path(str(config.path))
    files = task_sets.signatures(folder, Path(work.config.runs_dir))
    mark = configs.fingerprint(
        EVALUATION_VERSION, work.fingerprint, files, config, work.config.languages
    )
    output = work.folder / "scores" / f"retrieval-{mark}.jsonl"
    if not output.exists():
        logger.info("retrieval: %s", folder)
        rows = sentence_runs.run(work.opened, config, folder, work.config.languages)
        named = [dataclasses.replace(row, **names(work)) for row in rows]
        score_tables.write(output, named)
    return output


def _is_finished(runs: TaskRuns) -> bool:
    """Tell whether a task's scores are there, and its predictions."""
    written = [
        runs.reading["predictions"] / glue_submission.file_name(name) for name in predicted(runs)
    ]
    return all(path.is_file() for path in (runs.output, runs.looks, *written) if path)


def _collect_predictions(work: Evaluation, everything: Sequence[TaskRuns]) -> None:
    """Put the predictions of all tasks into one folder and, where they are whole, an archive."""
    folder = work.folder / PREDICTIONS_NAME
    for runs in everything:
        for name in map(glue_submission.file_name, predicted(runs)):
            storage.write_bytes(folder / name, (runs.reading["predictions"] / name).read_bytes())
    try:
        glue_submission.pack(folder, work.folder / f"{PREDICTIONS_NAME}.zip")
    except UserError as error:
        logger.warning("no archive for GLUE's leaderboard: %s", error)
