"""Predictions for GLUE's leaderboard: `pytest tests/evaluate/test_glue_submission.py`."""

import logging
import zipfile

import numpy as np
import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import glue_submission
from xlmr_lab.evaluate.formats import glue


@pytest.mark.parametrize(
    ("task", "values", "name", "told"),
    [
        ("cola", [1, 0], "CoLA.tsv", ["1", "0"]),
        ("mnli", [2, 1], "MNLI-m.tsv", ["contradiction", "neutral"]),
        ("mnli-mm", [0, 1], "MNLI-mm.tsv", ["entailment", "neutral"]),
        ("qnli", [1, 0], "QNLI.tsv", ["not_entailment", "entailment"]),
        ("rte", [1, 0], "RTE.tsv", ["not_entailment", "entailment"]),
        ("stsb", [0.5, 1.2], "STS-B.tsv", ["2.500", "5.000"]),
        ("stsb", [-0.1, 0.1], "STS-B.tsv", ["0.000", "0.500"]),
    ],
)
def test_labels_are_written_as_the_task_writes_them(tmp_path, task, values, name, told):
    path = glue_submission.write(tmp_path, task, ["7", "8"], np.array(values))
    expected = f"index\tprediction\n7\t{told[0]}\n8\t{told[1]}\n"
    assert (path.name, path.read_text("utf-8")) == (name, expected)


def test_the_leaderboard_knows_the_file_of_every_task():
    names = {glue_submission.file_name(task) for task in (*glue.TASKS, "mnli-mm")}
    assert names - {"PAWS-X.tsv"} == set(glue_submission.SIZES) - {"AX.tsv"}


def test_an_archive_holds_whole_files_and_says_which_are_missing(tmp_path, caplog):
    folder, archive = tmp_path / "predictions", tmp_path / "submission.zip"
    with pytest.raises(UserError, match=r"no predictions in .*predictions"):
        glue_submission.pack(folder, archive)
    for task in ("wnli", "stsb"):
        num = glue_submission.SIZES[glue_submission.file_name(task)]
        glue_submission.write(folder, task, [str(i) for i in range(num)], np.zeros(num))
    (folder / "notes.txt").write_text("not for the leaderboard")
    with caplog.at_level(logging.WARNING):
        missing = glue_submission.pack(folder, archive)
    assert len(missing) == 9
    assert "lacks AX.tsv, CoLA.tsv" in caplog.text
    with zipfile.ZipFile(archive) as packed:
        assert packed.testzip() is None
        assert packed.namelist() == ["STS-B.tsv", "WNLI.tsv"]
        assert packed.read("WNLI.tsv") == (folder / "WNLI.tsv").read_bytes()
    first = archive.read_bytes()
    glue_submission.pack(folder, archive)
    assert archive.read_bytes() == first
    glue_submission.write(folder, "wnli", ["0"], np.zeros(1))
    with pytest.raises(UserError, match=r"WNLI.tsv has 1 predictions, expected 146"):
        glue_submission.pack(folder, archive)
    (folder / "WNLI.tsv").write_text("id\tlabel\n")
    with pytest.raises(
        UserError, match=r"WNLI.tsv, line 1: expected the columns index and predict"
    ):
        glue_submission.pack(folder, archive)
    assert archive.read_bytes() == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["predictions", "submission.zip"]
