"""GLUE's files as they are published: `pytest tests/evaluate/formats/test_glue.py`."""

import logging
import lzma
import shutil
from pathlib import Path

import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import places
from xlmr_lab.evaluate.formats import glue
from xlmr_lab.evaluate.protocols import TaskSet

SHARED = Path(__file__).parents[3] / "../shared/data/glue"
real = pytest.mark.skipif(not SHARED.is_dir(), reason="needs the real data in ../shared/data")
FILES = {  # name of the file, its header and one row; what is read of it
    "cola": (
        "CoLA/dev.tsv",
        [["gj04", "1", "", 'The "x" is.'], ["gj04", "0", "*", "Is x the."]],
        ([['The "x" is.', "Is x the."]], [1, 0], ["0", "1"]),
    ),
    "sst2": ("SST-2/dev.tsv", [["sentence", "label"], ["a b", "0"]], ([["a b"]], [0], ["0"])),
    "mrpc": (
        "MRPC/dev.tsv",
        [["\ufeffQuality", "#1 ID", "#2 ID", "#1 String", "#2 String"], ["1", "7", "8", "a", '"b']],
        ([["a"], ['"b']], [1], ["0"]),
    ),
    "qqp": (
        "QQP/dev.tsv",
        [
            ["id", "qid1", "qid2", "question1", "question2", "is_duplicate"],
            ["5", "1", "2", "a?", "b?", "1"],
        ],
        ([["a?"], ["b?"]], [1], ["5"]),
    ),
    "stsb": (
        "STS-B/dev.tsv",
        [
            "index genre filename year old_index source1 source2 sentence1 sentence2 score".split(),
            ["3", "g", "f", "2012", "1", "s", "s", "a", "b", "4.750"],
        ],
        ([["a"], ["b"]], [4.75], ["3"]),
    ),
    "mnli": (
        "MNLI/dev_matched.tsv",
        [
            ["index", "genre", "sentence1", "sentence2", "label1", "label2", "gold_label"],
            ["4", "g", "a", "b", "neutral", "neutral", "contradiction"],
        ],
        ([["a"], ["b"]], [2], ["4"]),
    ),
    "qnli": (
        "QNLI/dev.tsv",
        [["index", "question", "sentence", "label"], ["0", "a?", "b", "not_entailment"]],
        ([["a?"], ["b"]], [1], ["0"]),
    ),
    "rte": (
        "RTE/dev.tsv",
        [["index", "sentence1", "sentence2", "label"], ["0", "a", "b", "entailment"]],
        ([["a"], ["b"]], [0], ["0"]),
    ),
    "pawsx": (
        "x-final/en/dev_2k.tsv",
        [["id", "sentence1", "sentence2", "label"], ["9", "a", "b", "1"]],
        ([["a"], ["b"]], [1], ["9"]),
    ),
}


def put(folder, name, rows):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
    return path


def load(folder, task, split="dev", language="en", form=""):
    source = places.require(glue.task_places(task), folder, TaskSet(split, language, form))
    return glue.read(source, task)


@pytest.mark.parametrize("task", FILES)
@pytest.mark.parametrize("where", ["", "own folder", "ours"])
def test_a_task_is_read_by_the_names_of_its_columns(tmp_path, task, where):
    name, rows, (texts, labels, indices) = FILES[task]
    put(tmp_path, f"{task}/dev-en.tsv" if where == "ours" else name, rows)
    folder = (tmp_path / name).parent if where == "own folder" and task != "pawsx" else tmp_path
    found = load(folder, task)
    assert found == (tuple(texts), labels, indices)


def test_mnli_has_two_dev_sets_and_one_name(tmp_path):
    name, rows, _ = FILES["mnli"]
    put(tmp_path, name, rows)
    part = TaskSet("dev", "en")
    assert glue.mismatched_source(tmp_path, part) is None
    put(tmp_path, name.replace("_matched", "_mismatched"), [rows[0], [*rows[1][:-1], "neutral"]])
    assert load(tmp_path, "mnli").labels == [2]
    source = glue.mismatched_source(tmp_path, part)
    assert glue.read(source, "mnli").labels == [1]
    assert glue.mismatched_source(tmp_path, TaskSet("test", "en")) is None
    with pytest.raises(UserError, match="give task mnli"):
        glue.get("mnli-mm")
    with pytest.raises(UserError, match="unknown task 'sts'; there is cola, sst2"):
        glue.get("sts")


def test_paws_x_has_translated_training_sets_and_a_form_without_header(tmp_path):
    rows = [["a", "b", "0"], ["c", "d", "1"]]
    put(tmp_path, "dev-de.tsv", rows)
    assert load(tmp_path, "pawsx", "dev", "de") == ((["a", "c"], ["b", "d"]), [0, 1], ["0", "1"])
    header = ["id", "sentence1", "sentence2", "label"]
    put(tmp_path, "zh/translated_train.tsv", [header, ["1", "a", "b", "1"]])
    put(tmp_path, "en/train.tsv", [header, ["1", "a", "b", "1"]])
    put(tmp_path, "zh/test_2k.tsv", [header, ["1", "a", "b", "0"]])
    assert load(tmp_path, "pawsx", "train", "zh-Hans", "translated").labels == [1]
    assert load(tmp_path, "pawsx", "train").labels == [1]
    assert load(tmp_path, "pawsx", "test", "zh-Hans").labels == [0]
    assert places.languages(glue.task_places("pawsx"), tmp_path, "train") == ["en"]


@pytest.mark.parametrize("folder", ["", "pawsx", "PAWS-X", "PAWS-X/x-final", "pawsx/x-final"])
def test_paws_x_may_lie_in_a_folder_of_its_own(tmp_path, folder):
    for name in ("en/train", "de/translated_train", "de/test_2k"):
        path = tmp_path / folder / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("id\tsentence1\tsentence2\tlabel\n1\ta\tb\t1\n")
    assert load(tmp_path, "pawsx", "test", "de").labels == [1]
    assert load(tmp_path, "pawsx", "train", "de", "translated").labels == [1]
    assert places.languages(glue.task_places("pawsx"), tmp_path, "train") == ["en"]


def test_our_files_may_lie_in_the_folder_that_glue_has_for_a_task(tmp_path):
    for folder in ("MNLI", "PAWS-X"):
        (tmp_path / folder).mkdir()
    (tmp_path / "PAWS-X/test-sw.tsv").write_text("a\tb\t1\n")
    assert load(tmp_path, "pawsx", "test", "sw").labels == [1]
    (tmp_path / "MNLI/dev-sw.tsv").write_text("sentence1\tsentence2\tgold_label\na\tb\tneutral\n")
    assert load(tmp_path, "mnli", "dev", "sw").labels == [1]


@pytest.mark.parametrize("labels", [["0"] * 2000, ["-1"] * 2000, [""] * 2000])
def test_paws_x_test_sets_of_placeholders_are_refused(tmp_path, labels):
    rows = "".join(f"a{n}\tb\t{label}\n" for n, label in enumerate(labels))
    (tmp_path / "test-en.tsv").write_text(rows)
    with pytest.raises(UserError, match=r"test-en\.tsv.*use the dev set"):
        load(tmp_path, "pawsx", "test", "en")


def test_a_test_set_without_labels_is_no_set_to_score_but_can_be_predicted(tmp_path):
    put(tmp_path, "CoLA/test.tsv", [["index", "sentence"], ["0", "a"], ["1", "b"]])
    assert places.find(glue.task_places("cola"), tmp_path, TaskSet("test", "en")) is None
    source = glue.unlabelled_source(tmp_path, "cola")
    assert glue.read(source, "cola", labelled=False) == ((["a", "b"],), [], ["0", "1"])
    with pytest.raises(
        UserError, match=r"test.tsv has no column label: GLUE's test sets are publi"
    ):
        glue.read(source, "cola")
    put(tmp_path, "MNLI/test_mismatched.tsv", [["index", "sentence1", "sentence2"], "0ab"])
    assert (
        glue.unlabelled_source(tmp_path, "mnli", mismatched=True).paths[0].stem[5:] == "mismatched"
    )
    with pytest.raises(UserError, match=r"no test_matched.tsv in"):
        glue.unlabelled_source(tmp_path, "mnli")


def test_halves_of_rows_are_left_out_of_qqp_alone_and_counted(tmp_path, caplog):
    name, (header, row), (texts, labels, indices) = FILES["qqp"]
    put(tmp_path, name, [header, ["6", "1", "2", '"a'], ['"', "b?", "0"], row])
    with caplog.at_level(logging.WARNING):
        assert load(tmp_path, "qqp") == (tuple(texts), labels, indices)
    assert "2 of 3 lines are no rows and are left out" in caplog.text
    put(tmp_path, "RTE/dev.tsv", [*FILES["rte"][1], ["1", "a", "b"]])
    with pytest.raises(UserError, match=r"dev.tsv, line 3: got 3 columns, expected 4"):
        load(tmp_path, "rte")


@pytest.mark.parametrize(
    ("task", "row", "problem"),
    [
        ("sst2", ["a", "-1"], "line 2: the label is the placeholder -1"),
        ("sst2", ["a", ""], "line 2: the label is missing"),
        ("sst2", ["1", "a b"], "line 2: unknown label 'a b': expected 0, 1"),
        ("qnli", ["0", "a", "b", "neutral"], "unknown label 'neutral': expected entailment, not_"),
        ("stsb", [*"0gf1ossab", "5.5"], "the similarity must be a number from 0 to 5, got '5.5'"),
        ("stsb", [*"0gf1ossab", "nan"], "the similarity must be a number from 0 to 5, got 'nan'"),
        ("stsb", [*"0gf1ossab", ""], "the similarity must be a number from 0 to 5, got ''"),
    ],
)
def test_a_bad_label_is_named_by_file_and_line(tmp_path, task, row, problem):
    name, (header, _), _ = FILES[task]
    put(tmp_path, name, [header, row])
    with pytest.raises(UserError, match=problem):
        load(tmp_path, task)


def test_missing_columns_placeholders_and_empty_files_are_refused(tmp_path):
    put(tmp_path, "SST-2/dev.tsv", [["text", "label"], ["a", "1"]])
    with pytest.raises(UserError, match="line 1: no column sentence; it has text, label"):
        load(tmp_path, "sst2")
    put(tmp_path, "SST-2/dev.tsv", [["sentence", "label"], *[["a", "0"]] * 100])
    with pytest.raises(UserError, match="all 100 labels are 0: placeholders"):
        load(tmp_path, "sst2")
    put(tmp_path, "SST-2/dev.tsv", [])
    with pytest.raises(UserError, match=r"dev.tsv is empty"):
        load(tmp_path, "sst2")
    with pytest.raises(UserError, match=r"no dev-de.tsv in .*; languages with a dev file: en"):
        load(tmp_path, "sst2", language="de")


@pytest.mark.real
@real
def test_real_qnli_and_paws_x_load_whole(tmp_path):
    (tmp_path / "QNLI").mkdir()
    shutil.copy(SHARED / "qnli-dev.tsv.xz", tmp_path / "QNLI/dev.tsv.xz")
    lines = lzma.open(SHARED / "qnli-dev.tsv.xz").read().decode("utf-8").splitlines()
    found = load(tmp_path, "qnli")
    assert len(found.labels) == len(lines) - 1 == 5463
    assert [found.labels.count(i) for i in range(2)] == [2702, 2761]
    assert found.indices == [str(i) for i in range(5463)]
    for language in places.languages(glue.task_places("pawsx"), SHARED / "pawsx", "dev"):
        path = SHARED / f"pawsx/dev-{language}.tsv.xz"
        lines = lzma.open(path).read().decode("utf-8").removesuffix("\n").split("\n")
        key = {"zh": "zh-Hans"}.get(language, language)
        found = load(SHARED / "pawsx", "pawsx", "dev", key)
        assert list(map("\t".join, zip(*found.texts, strict=True))) == [
            "\t".join(cell.strip() for cell in line.split("\t")[:2]) for line in lines
        ]
        assert found.labels == [int(line[-1]) for line in lines]
        assert len(lines) == 2000
