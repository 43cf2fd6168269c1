"""The sets of tasks: `pytest tests/ablations/test_task_sets.py`."""

import pytest

from xlmr_lab.ablations import task_sets
from xlmr_lab.errors import UserError


@pytest.fixture
def put(tmp_path):
    """Return the function that writes empty files below a folder, and gives the folder."""

    def made(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
        return tmp_path

    return made


def test_the_languages_of_a_task_are_those_of_its_files_under_their_full_keys(put):
    folder = put("test-zh.tsv", "test-de.tsv", "dev-sw.tsv", "train-en.tsv")
    for task in ("nli", "ner", "glue-mnli"):
        assert task_sets.languages(task, folder, "test") == ["de", "zh-Hans"]
        assert task_sets.languages(task, folder, "dev") == ["sw"]
    assert task_sets.languages("qa", put("test-zh.json"), "test") == ["zh-Hans"]


def test_tasks_of_glue_are_those_with_a_folder_or_named_ones(put):
    assert task_sets.tasks_of("nli", put("x.tsv")) == ["nli"]
    folder = put("SST-2/train.tsv", "stsb/train-en.tsv")
    assert task_sets.tasks_of("glue", folder) == ["glue-sst2", "glue-stsb"]
    assert task_sets.tasks_of("glue", folder, ["pawsx"]) == ["glue-pawsx"]
    with pytest.raises(UserError, match="unknown task 'sst'; there is cola, sst2"):
        task_sets.tasks_of("glue", folder, ["sst"])
    with pytest.raises(UserError, match=r"no folder of a task of GLUE, such as MNLI; name those"):
        task_sets.tasks_of("glue", folder / "SST-2")


def test_what_is_missing_is_named_before_anything_is_read(put):
    folder = put("train-en.tsv", "test-de.tsv")
    asked = {"protocols": ("zero-shot",), "train_language": "en", "languages": ("de",)}
    task_sets.require("nli", folder, **asked, selections=("last",))
    with pytest.raises(UserError, match=r"no dev-de\.tsv"):
        task_sets.require("nli", folder, **asked, selections=("joint-dev",))
    with pytest.raises(UserError, match=r"no train-.* or train-en\.json in"):
        task_sets.require("qa", put("test-de.json"), **asked, selections=("last",))
