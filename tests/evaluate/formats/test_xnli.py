"""XNLI as it is published: `pytest tests/evaluate/formats/test_xnli.py`."""

import json
import logging
import lzma
from pathlib import Path

import polars as pl
import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import places
from xlmr_lab.evaluate.formats import xnli
from xlmr_lab.evaluate.protocols import TaskSet
from xlmr_lab.evaluate.task_files import NLI_LABELS

SHARED = Path(__file__).parents[3] / "../shared/data"
HEADER = (
    "language gold_label sentence1_binary_parse sentence2_binary_parse sentence1_parse "
    "sentence2_parse sentence1 sentence2 promptID pairID genre label1 label2 label3 label4 label5 "
    "sentence1_tokenized sentence2_tokenized match"
).split()
ROWS = [  # language, label, premise, hypothesis
    ("ar", "neutral", "a1", "a2"),
    ("en", "neutral", 'he said "no', "b2"),
    ("en", "contradiction", "c1", 'd" 2'),
    ("zh", "entailment", "e1", "e2"),
    ("zh", "-", "f1", "f2"),
]
MULTINLI = [name for name in HEADER[:16] if name != "language"]


def record(columns, row):
    told = dict(zip(("language", "gold_label", "sentence1", "sentence2"), row, strict=True))
    return {name: told.get(name, "") for name in columns}


def table(path, columns, rows):
    lines = [columns, *(record(columns, row).values() for row in rows)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8")


def objects(path, columns, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(record(columns, row)) + "\n" for row in rows)
    path.write_text("".join(lines), encoding="utf-8")


def load(folder, split, language, form="", **settings):
    source = places.require(xnli.places, folder, TaskSet(split, language, form))
    return xnli.read(source, **settings)


@pytest.mark.parametrize("within", ["", "XNLI-1.0/"])
@pytest.mark.parametrize(("suffix", "write"), [("tsv", table), ("jsonl", objects)])
def test_a_language_is_read_out_of_the_file_of_all(tmp_path, within, suffix, write, caplog):
    write(tmp_path / f"{within}xnli.dev.{suffix}", HEADER, ROWS)
    english = load(tmp_path, "dev", "en")
    assert english == (['he said "no', "c1"], ["b2", 'd" 2'], [1, 2])
    with caplog.at_level(logging.WARNING):
        assert load(tmp_path, "dev", "zh-Hans") == (["e1"], ["e2"], [0])
    assert "1 pairs without a gold label (-) are left out" in caplog.text
    assert len(places.languages(xnli.places, tmp_path, "dev")) == 15
    with pytest.raises(UserError, match=r"xnli.dev.* has no pair of language 'sw'"):
        load(tmp_path, "dev", "sw")
    with pytest.raises(UserError, match=r"no dev-nl.tsv in .*; languages with a dev file: ar, bg"):
        load(tmp_path, "dev", "nl")


@pytest.mark.parametrize(("suffix", "write"), [("txt", table), ("jsonl", objects)])
def test_multinli_trains_english_alone(tmp_path, suffix, write):
    rows = [("", "neutral", "a", "b"), ("", "entailment", "c", "d")]
    write(tmp_path / f"multinli_1.0/multinli_1.0_train.{suffix}", MULTINLI, rows)
    assert load(tmp_path, "train", "en") == (["a", "c"], ["b", "d"], [1, 0])
    assert places.find(xnli.places, tmp_path, TaskSet("train", "sw")) is None
    assert places.find(xnli.places, tmp_path, TaskSet("train", "sw", "translated")) is None


def test_machine_translated_sets_are_translated_ones(tmp_path, caplog):
    folder = tmp_path / "XNLI-MT-1.0"
    (folder / "multinli").mkdir(parents=True)
    text = "premise\thypo\tlabel\na b .\tc .\tcontradictory\n\td .\tneutral\n"
    for language in ("en", "sw", "zh"):
        (folder / f"multinli/multinli.train.{language}.tsv").write_text(text, encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        assert load(tmp_path, "train", "sw", "translated") == (
            ["a b .", ""],
            ["c .", "d ."],
            [2, 1],
        )
    assert "1 pairs have an empty sentence and are kept" in caplog.text
    assert load(folder, "train", "zh-Hans", "translated") == load(folder, "train", "en")
    with pytest.raises(UserError, match=r"no train-sw.tsv in .*; languages with a train file: en"):
        load(tmp_path, "train", "sw")
    table(folder / "xnli/xnli.test.en.tsv", HEADER, ROWS)
    assert load(tmp_path, "test", "ar", "translated-from") == (["a1"], ["a2"], [1])
    assert places.find(xnli.places, tmp_path, TaskSet("test", "ar")) is None


def parquet(path, frame, names=NLI_LABELS):
    features = {"label": {"names": names, "_type": "ClassLabel"}}
    told = json.dumps({"info": {"features": features}})
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(path, metadata={"huggingface": told} if names else None)


def test_the_hubs_files_are_read_with_the_order_that_they_tell(tmp_path):
    frame = pl.DataFrame({"premise": ["a", "b"], "hypothesis": ["c", "d"], "label": [0, 2]})
    parquet(tmp_path / "sw/validation-00000-of-00002.parquet", frame)
    other = frame.with_columns(label=pl.Series([0, 1]))
    parquet(
        tmp_path / "sw/validation-00001-of-00002.parquet",
        other,
        ("contradiction", "neutral", "entailment"),
    )
    assert load(tmp_path, "dev", "sw") == (["a", "b"] * 2, ["c", "d"] * 2, [0, 2, 2, 1])
    assert places.languages(xnli.places, tmp_path, "dev") == ["sw"]
    parquet(tmp_path / "sw/train-00000-of-00001.parquet", frame)
    assert places.find(xnli.places, tmp_path, TaskSet("train", "sw")) is None
    assert load(tmp_path, "train", "sw", "translated").labels == [0, 2]


def test_the_order_of_numbered_labels_is_named_where_no_file_tells_it(tmp_path):
    frame = pl.DataFrame({"premise": ["a"], "hypothesis": ["c"], "label": [0]})
    path = tmp_path / "sw/test-00000-of-00001.parquet"
    parquet(path, frame, None)
    with pytest.raises(
        UserError, match=r"does not tell what its numbered labels mean.*label_order"
    ):
        load(tmp_path, "test", "sw")
    order = ("contradiction", "entailment", "neutral")
    assert load(tmp_path, "test", "sw", label_order=order).labels == [2]
    with pytest.raises(UserError, match="label_order calls the labels yes, no; they must be"):
        load(tmp_path, "test", "sw", label_order=("yes", "no"))
    parquet(path, frame)
    with pytest.raises(UserError, match=r"label_order is contradiction.* metadata says entailment"):
        load(tmp_path, "test", "sw", label_order=order)
    parquet(path, frame, ("neg", "pos", "neu"))
    with pytest.raises(UserError, match="its metadata calls the labels neg, pos, neu"):
        load(tmp_path, "test", "sw")


def test_all_languages_of_the_hub_in_one_file(tmp_path):
    frame = pl.DataFrame(
        {
            "premise": [{"en": "a", "zh": "b"}, {"en": "c", "zh": "d"}],
            "hypothesis": [
                {"language": ["en", "zh"], "translation": ["e", "f"]},
                {"language": ["zh", "en"], "translation": ["h", "g"]},
            ],
            "label": [1, 0],
        }
    )
    parquet(tmp_path / "xnli/all_languages/test-00000-of-00001.parquet", frame)
    assert load(tmp_path, "test", "en") == (["a", "c"], ["e", "g"], [1, 0])
    assert load(tmp_path, "test", "zh-Hans") == (["b", "d"], ["f", "h"], [1, 0])
    with pytest.raises(UserError, match="premise has no language 'sw'; it has en, zh"):
        load(tmp_path, "test", "sw")


@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        ({"premise": ["a"], "hypothesis": ["c"]}, "has no column label"),
        ({"premise": ["a"], "hypothesis": [None], "label": [0]}, "row 1: hypothesis must be text"),
        ({"premise": ["a"], "hypothesis": ["c"], "label": [-1]}, "row 1: label -1 .*use the dev"),
        ({"premise": ["a"], "hypothesis": ["c"], "label": [3]}, "row 1: label 3 is no number of"),
        ({"premise": [], "hypothesis": [], "label": []}, "is empty"),
    ],
)
def test_a_bad_parquet_file_is_named(tmp_path, frame, problem):
    parquet(tmp_path / "en/test-0.parquet", pl.DataFrame(frame))
    with pytest.raises(UserError, match=problem):
        load(tmp_path, "test", "en")


def test_what_is_no_parquet_file_is_told(tmp_path):
    (tmp_path / "en").mkdir()
    (tmp_path / "en/test-0.parquet").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(
        UserError, match=r"test-0.parquet is no whole Parquet file .*fetch it again"
    ):
        load(tmp_path, "test", "en")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", r"xnli.dev.tsv is empty"),
        ("language\tsentence1\tsentence2\n", "line 1: no column gold_label; it has language"),
        ("\t".join(HEADER) + "\nen\tneutral\n", "line 2: got 2 columns, expected 19"),
        ("\t".join(HEADER) + "\nen" + "\t" * 19 + "\n", "line 2: got 20 columns"),
        ("\t".join(HEADER) + "\nen" + "\t" * 18 + "\n", "line 2: the label is missing"),
        ("\t".join(HEADER) + "\nen\tyes" + "\t" * 17 + "\n", "line 2: unknown label 'yes'"),
        ("\t".join(HEADER) + "\n", "is empty: expected rows"),
    ],
)
def test_a_bad_table_is_named_by_file_and_line(tmp_path, text, problem):
    (tmp_path / "xnli.dev.tsv").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=problem):
        load(tmp_path, "dev", "en")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", r"xnli.dev.jsonl, line 1 is not JSON at column 2"),
        (
            '{"gold_label": "neutral"}',
            "line 1: expected an object with texts gold_label, sentence1",
        ),
        ("[]", "line 1: expected an object"),
    ],
)
def test_a_bad_object_is_named_by_file_and_line(tmp_path, line, problem):
    (tmp_path / "xnli.dev.jsonl").write_text(line + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=problem):
        load(tmp_path, "dev", "en")


def test_a_set_with_placeholders_for_labels_is_refused(tmp_path):
    table(tmp_path / "xnli.test.tsv", HEADER, [("en", "neutral", "a", "b")] * 100)
    with pytest.raises(UserError, match="all 100 labels are neutral: placeholders"):
        load(tmp_path, "test", "en")
    (tmp_path / "test-sw.tsv").write_text("a\tb\tneutral\n" * 100, encoding="utf-8")
    (tmp_path / "xnli.test.tsv").unlink()
    with pytest.raises(UserError, match=r"test-sw.tsv: all 100 labels are neutral"):
        load(tmp_path, "test", "sw")


@pytest.mark.real
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the real data in ../shared/data")
def test_real_dev_sets_load_whole_as_ours_and_as_published(tmp_path):
    folder = SHARED / "nli/xnli"
    rows = []
    for language in xnli.LANGUAGES:
        pairs = load(folder, "dev", language)
        code = xnli.LANGUAGES[language]
        lines = lzma.open(folder / f"dev-{code}.tsv.xz").read().decode("utf-8").splitlines()
        assert len(pairs.labels) == len(lines) == 2490
        assert [pairs.labels.count(i) for i in range(3)] == [830] * 3
        rows += [
            (code, NLI_LABELS[label], premise, hypothesis)
            for premise, hypothesis, label in zip(*pairs, strict=True)
        ]
    assert len(rows) == 15 * 2490
    table(tmp_path / "tsv/xnli.dev.tsv", HEADER, rows)
    objects(tmp_path / "jsonl/xnli.dev.jsonl", HEADER, rows)
    for language in xnli.LANGUAGES:
        expected = load(folder, "dev", language)
        assert load(tmp_path / "tsv", "dev", language) == expected
        assert load(tmp_path / "jsonl", "dev", language) == expected
