"""Where questions stand: `pytest tests/evaluate/qa/test_qa_files.py`."""

import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import qa_files
from xlmr_lab.evaluate.protocols import TaskSet


@pytest.fixture
def put(tmp_path):
    def make(*names):
        for name in names:
            (tmp_path / name).write_text("{}", encoding="utf-8")
        return tmp_path

    return make


def found(folder, *part):
    path = qa_files.find(folder, TaskSet(*part))
    return path and path.name


def test_files_are_found_by_the_languages_of_contexts_and_questions(put):
    folder = put(
        *(
            "train-context-en-question-en.json",
            "dev-sw.json",
            "test-context-de-question-en.json.xz",
        ),
        *("train.translated-sw.json", "test.translated-from-sw.json"),
    )
    assert found(folder, "train", "en") == "train-context-en-question-en.json"
    assert found(folder, "dev", "sw") == "dev-sw.json"
    assert found(folder, "test", "de", "", "en") == "test-context-de-question-en.json.xz"
    assert found(folder, "test", "de") is None
    assert found(folder, "test", "en", "", "de") is None
    assert found(folder, "train", "sw", "translated") == "train.translated-sw.json"
    assert found(folder, "test", "sw", "translated-from") == "test.translated-from-sw.json"


def test_published_names_are_found(put):
    folder = put(
        *("train-v1.1.json", "dev-v1.1.json", "xquad.el.json", "tydiqa.goldp.ko.train.json.gz"),
        *("es_squad-translate-train-train-v1.1.json", "es_squad-translate-train-dev-v1.1.json"),
        "translate-test-context-es-question-es.json",
    )
    assert found(folder, "train", "en") == "train-v1.1.json"
    assert found(folder, "dev", "en") == "dev-v1.1.json"
    assert found(folder, "train", "es") is None
    assert found(folder, "test", "el") == "xquad.el.json"
    assert found(folder, "dev", "el") is None
    assert found(folder, "train", "ko") == "tydiqa.goldp.ko.train.json.gz"
    assert found(folder, "train", "es", "translated") == "es_squad-translate-train-train-v1.1.json"
    name = "translate-test-context-es-question-es.json"
    assert found(folder, "test", "es", "translated-from") == name


def test_zh_alone_means_simplified_characters(put):
    folder = put("test-context-zh-question-zh.json", "test-context-en-question-zh.json")
    assert found(folder, "test", "zh-Hans") == "test-context-zh-question-zh.json"
    assert found(folder, "test", "en", "", "zh-Hans") == "test-context-en-question-zh.json"
    assert found(folder, "test", "zh-Hant") is None


def test_words_for_sets_in_a_name_are_no_languages(put):
    folder = put("train-dev.json", "train-en.json", "test-results.json", "dev-v1.1.json")
    assert qa_files.languages(folder, "train") == ["en"]
    assert qa_files.languages(folder, "test") == []
    assert qa_files.unknown(folder, "train") == ["dev"]
    assert qa_files.unknown(folder, "test") == ["results"]
    folder = put("test-zh-CN.json")
    assert qa_files.languages(folder, "test") == ["zh-Hans"]


def test_the_matrix_is_what_there_are_files_for(put):
    languages = [("en", "test"), ("de", "test"), ("sw", "dev")]
    folder = put(
        *("test-context-en-question-de.json", "test-context-de-question-en.json"),
        *("dev-context-sw-question-en.json", "test-context-sw-question-de.json"),
        *("test-context-en-question-fr.json", "test-context-en-question-en.json"),
    )
    assert qa_files.crossed(folder, languages) == [
        TaskSet("test", "en", "", "de"),
        TaskSet("test", "de", "", "en"),
        TaskSet("dev", "sw", "", "en"),
    ]


def test_the_test_file_scores_a_language_and_else_the_dev_file(put):
    folder = put("test-en.json", "dev-en.json", "dev-de.json")
    assert qa_files.scored_split(folder, "en") == "test"
    assert qa_files.scored_split(folder, "de") == "dev"
    message = (
        r"no test-context-sw-question-sw.json and no dev-context-sw-question-sw.json in .*; it "
        r"holds dev-de.json, dev-en.json, test-en.json"
    )
    with pytest.raises(UserError, match=message):
        qa_files.scored_split(folder, "sw")


def test_the_languages_of_a_split_are_those_with_questions_in_themselves(put):
    folder = put(
        *("train-v1.1.json", "dev-v1.1.json", "test-context-zh-Hant-question-zh-Hant.json"),
        *("test-context-de-question-de.json.gz", "test-context-de-question-en.json"),
        *("test-qaa.json", "xquad.el.json", "test.translated-from-hi.json", "notes.json"),
    )
    assert qa_files.languages(folder, "test") == ["de", "el", "qaa", "zh-Hant"]
    assert qa_files.languages(folder, "dev") == qa_files.languages(folder, "train") == ["en"]


def test_what_is_missing_or_there_twice_is_named(put, tmp_path):
    with pytest.raises(UserError, match=r"no task folder .*nowhere; it should hold files such as"):
        qa_files.find(tmp_path / "nowhere", TaskSet("dev", "en"))
    with pytest.raises(UserError, match="it holds no file of that kind"):
        qa_files.require(tmp_path, TaskSet("dev", "en"))
    folder = put("dev-en.json", "dev-en.json.xz", *(f"test-a{i}.json" for i in "bcdefgh"))
    with pytest.raises(UserError, match=r"holds dev-en.json and dev-en.json.xz: keep one"):
        qa_files.require(folder, TaskSet("dev", "en"))
    message = r"no train.translated-de.json or de_squad-.*; it holds dev-en.json, .* and 3 more"
    with pytest.raises(UserError, match=message):
        qa_files.require(folder, TaskSet("train", "de", "translated"))
