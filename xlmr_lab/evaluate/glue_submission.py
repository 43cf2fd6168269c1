"""Predictions for GLUE's leaderboard: a table for each test set, and the archive of all.

A table has the columns `index` and `prediction`; classes are written as the task's files write
them, similarities as numbers from 0 to 5. The leaderboard asks for every task, the diagnostic set
`AX.tsv` and `WNLI.tsv` among them: what is missing is named, for its pages have samples that may
stand in. Files appear under their names when they are whole.
"""

import logging
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xlmr_lab import storage
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.formats import glue

logger = logging.getLogger(__name__)

HEADER = "index\tprediction"
SIZES = {
    "AX.tsv": 1104,
    "CoLA.tsv": 1063,
    "MNLI-m.tsv": 9796,
    "MNLI-mm.tsv": 9847,
    "MRPC.tsv": 1725,
    "QNLI.tsv": 5463,
    "QQP.tsv": 390_965,
    "RTE.tsv": 3000,
    "SST-2.tsv": 1821,
    "STS-B.tsv": 1379,
    "WNLI.tsv": 146,
}
"""Predictions that the leaderboard expects in each file."""
OLDEST = (1980, 1, 1, 0, 0, 0)
"""Time of every file in an archive, so that equal predictions make equal archives."""


def file_name(task: str) -> str:
    """Return what the leaderboard calls the file of a task.

    >>> file_name("mnli-mm"), file_name("cola")
    ('MNLI-mm.tsv', 'CoLA.tsv')
    """
    stems = {"mnli": "MNLI-m", "mnli-mm": "MNLI-mm"}
    return f"{stems.get(task) or glue.TASKS[task].folder}.tsv"


def write(folder: Path, task: str, indices: Sequence[str], values: np.ndarray) -> Path:
    """Write the predictions of a test set, class ids or similarities in [0, 1], into a folder."""
    classes = glue.TASKS["mnli" if task == "mnli-mm" else task].classes
    if classes:
        told = [classes[int(value)] for value in values]
    else:
        told = [f"{value:.3f}" for value in np.clip(values, 0, 1) * glue.HIGHEST]
    rows = (f"{index}\t{label}" for index, label in zip(indices, told, strict=True))
    path = folder / file_name(task)
    storage.write_text(path, "\n".join([HEADER, *rows]) + "\n")
    return path


def pack(folder: Path, archive: Path) -> list[str]:
    """Write the archive of a folder's predictions and return the files that are still missing.

    Raises:
        UserError: the folder has no predictions, or a file with another header or number of them
            than the leaderboard expects.
    """
    present = [name for name in SIZES if (folder / name).is_file()]
    if not present:
        raise UserError(f"no predictions in {folder}; expected files such as {next(iter(SIZES))}")
    missing = [name for name in SIZES if name not in present]
    with storage.atomic_path(archive) as partial, zipfile.ZipFile(partial, "w") as packed:
        for name in present:
            entry = zipfile.ZipInfo(name, OLDEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, _checked(folder / name))
    if missing:
        logger.warning(
            "%s lacks %s, without which the leaderboard takes no archive; its sample files may "
            "stand in",
            archive,
            ", ".join(missing),
        )
    return missing


def _checked(path: Path) -> str:
    """Return what a file holds."""
    text = path.read_text(encoding="utf-8")
    header, *rows = text.splitlines() or [""]
    if header != HEADER:
        raise UserError(f"{path}, line 1: expected the columns index and prediction")
    if len(rows) != SIZES[path.name]:
        raise UserError(
            f"{path} has {len(rows):,} predictions, expected {SIZES[path.name]:,}, one for each "
            "example of the test set"
        )
    return text
