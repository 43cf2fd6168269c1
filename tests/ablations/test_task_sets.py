"""The sets of tasks: `pytest tests/ablations/test_task_sets.py`."""

import pytest

from xlmr_lab.ablations import task_sets
from xlmr_lab.ablations.sections import GlueConfig, NerConfig, NliConfig, QaConfig
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


def test_mixed_sets_are_those_of_the_languages_that_are_asked_for(put):
    folder = put("train-en.tsv", "test-en.tsv", "test-de.tsv")
    asked = {"train_language": "en", "languages": ("en", "de"), "selections": ("last",)}

    def require(**more):
        return task_sets.require("nli", folder, **asked, protocols=("code-switched",), **more)

    missing = r"scores files such as test\.switched-en-hi\.tsv, and .* has none$"
    with pytest.raises(UserError, match=missing):
        require()
    put("test.switched-de-en.tsv", "test.switched-en-zh.tsv.gz", "test.crossed-en-sw.tsv")
    assert require() == ["de", "en"]
    assert require(mixed_languages=["zh-Hans"]) == ["en"]
    missing = (
        r"^code-switched scores files such as test\.switched-en-sw\.tsv, and .* has none of two of "
        r"en, sw; it has test\.switched-de-en\.tsv, test\.switched-en-zh\.tsv$"
    )
    with pytest.raises(UserError, match=missing):
        require(mixed_languages=["sw"])
    put("test.switched-hinglish.tsv")
    with pytest.raises(UserError, match=r"switched-hinglish\.tsv should be named by two languages"):
        require()


def test_only_mixed_protocols_say_of_which_languages_their_sets_are():
    plain, mixed = NliConfig(), NliConfig(protocols=("zero-shot", "crossed"))
    assert task_sets.reading("nli", plain, ["en"]) == {"label_order": ()}
    assert task_sets.reading("nli", mixed, ["en"])["mixed_languages"] == ("en",)
    for made in (NerConfig, QaConfig, GlueConfig):
        with pytest.raises(UserError, match=r"protocol crossed is of nli alone, got each,crossed;"):
            made(protocols=("each", "crossed"))


def test_what_is_missing_is_named_before_anything_is_read(put):
    folder = put("train-en.tsv", "test-de.tsv")
    asked = {"protocols": ("zero-shot",), "train_language": "en", "languages": ("de",)}
    task_sets.require("nli", folder, **asked, selections=("last",))
    with pytest.raises(UserError, match=r"no dev-de\.tsv"):
        task_sets.require("nli", folder, **asked, selections=("joint-dev",))
    with pytest.raises(UserError, match=r"no train-.* or train-en\.json in"):
        task_sets.require("qa", put("test-de.json"), **asked, selections=("last",))
