"""The contamination guard: n-grams by hand, formats of evaluation sets, stable fingerprints, real
evaluation sets in many languages.
"""

import gzip
import json
import lzma
import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from xlmr_lab.corpus import contamination
from xlmr_lab.corpus import words as words_module
from xlmr_lab.corpus.contamination import ContaminationConfig
from xlmr_lab.errors import UserError

DATA = Path(__file__).parents[3] / "shared" / "data"

LONG = "The quick brown fox jumps over a lazy dog near the stone bridge today."
PINNED = [4295611284205345990, 8434692565648444612, 15062181412376489379]
"""Of the two n-grams of thirteen words in `LONG`, and of one short text as a whole."""

HAN = "".join(map(chr, range(0x4E00, 0x4E00 + 30)))


def found(texts: list[str], paragraphs: list[str], num_words: int = 13) -> list[bool]:
    fingerprints = contamination.build(texts, num_words)
    reasons = contamination.contaminated(pl.Series(paragraphs), fingerprints, num_words)
    assert reasons.name == "reason"
    assert set(reasons) <= {"contaminated", None}
    return [reason is not None for reason in reasons]


def test_thirteen_words_in_a_row_by_hand() -> None:
    words = LONG.split()
    paragraphs = [
        LONG,
        f"He read: {LONG} And stopped.",
        " ".join(words[:13]),
        " ".join(words[1:14]),
        " ".join([*words[:12], "tomorrow", *words[12:]]),
        " ".join(words[:12]),
        "Something else altogether, which is long enough to hold an n-gram of thirteen words.",
        "",
    ]
    assert len(words) == 14
    assert found([LONG], paragraphs) == [True, True, True, True, False, False, False, False]


def test_case_punctuation_and_spaces_do_not_hide_a_text() -> None:
    tokens = "the QUICK brown fox , jumps over ( a lazy dog ) near the stone\tbridge"
    other = "\u201cThe quick brown fox jumps over a la\u200czy dog near the stone bridge\u201d!"
    assert found([LONG], [tokens, other, tokens.replace("dog", "cat")]) == [True, True, False]


def test_a_short_text_is_matched_as_a_whole_paragraph() -> None:
    short = "Where does the fox jump?"
    paragraphs = ["where does the fox jump", f"{short} Nobody knows.", "Where does the dog jump?"]
    assert found([short], paragraphs) == [True, False, False]
    assert found(["The fox jumps high."], ["The fox jumps high."]) == [False]  # under five words


@pytest.mark.parametrize(("shared", "expected"), [(30, True), (26, True), (25, False)])
def test_scripts_without_spaces_count_letters(shared: int, expected: bool) -> None:
    paragraph = "\u597d" + HAN[:shared] + "\u597d"
    assert found([HAN], [paragraph]) == [expected]


def test_letters_with_marks_are_one() -> None:
    thai = "\u0e17\u0e35\u0e48\u0e19\u0e35\u0e48"  # two letters, each with two marks
    words = words_module.divide([thai, "\u0e01 \u0e02", "a\u0301b c"])
    assert np.diff(words.bounds).tolist() == [2, 2, 2]
    assert words.sizes.tolist() == [3, 3, 1, 1, 3, 1]
    assert words.units().tolist() == [4, 4, 1]


def test_no_match_crosses_paragraphs_and_no_result_depends_on_the_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = LONG.split()
    paragraphs = [" ".join(words[:7]), " ".join(words[7:]), "", LONG, HAN] * 20
    expected = [False, False, False, True, True] * 20
    assert found([LONG, HAN], paragraphs) == expected
    monkeypatch.setattr(words_module, "BLOCK_CHARACTERS", 50)
    assert found([LONG, HAN], paragraphs) == expected


def test_fingerprints_are_sorted_unique_and_the_same_everywhere(tmp_path: Path) -> None:
    fingerprints = contamination.build([LONG, LONG, "Where does the fox jump?"])
    assert fingerprints.dtype == np.uint64
    assert len(fingerprints) == 3  # two n-grams of fourteen words, one whole text
    assert (np.diff(fingerprints) > 0).all()
    assert fingerprints.tolist() == PINNED
    contamination.save(tmp_path / "fingerprints.npy", fingerprints)
    stored = contamination.load(tmp_path / "fingerprints.npy")
    assert np.array_equal(stored, fingerprints)
    assert contamination.contaminated(pl.Series([LONG]), stored).item() == "contaminated"


def test_nothing_to_guard_against_and_nothing_to_guard() -> None:
    assert found([], [LONG, ""]) == [False, False]
    assert found(["", " ", "?!"], [LONG, "", "?!"]) == [False, False, False]
    assert found([LONG], []) == []


def test_hashes_are_of_the_words_and_not_of_their_places() -> None:
    words = words_module.divide(["x y", "yy Y x", "ab c", "a bc"])
    hashes = words.hashes.tolist()
    assert hashes[0] == hashes[4]
    assert hashes[1] == hashes[3]
    assert len(set(hashes)) == 7
    places = np.array([0, 5, 7])
    assert len(set(words.ngrams(places, np.array([2, 2, 2])).tolist())) == 3


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
@pytest.mark.parametrize("text", ["[" * 100_000, "[" + "1" * 5000 + "]"])
def test_json_that_python_cannot_hold_is_an_error(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=rf"cannot read the evaluation set .*{name} \(.*; give"):
        list(contamination.read_texts(tmp_path / name))


FILES = {
    "pairs.tsv": "A premise here.\tA claim.\tneutral\n",
    "squad.json": json.dumps(
        {"data": [{"context": "A premise here.", "n": 3, "qa": ["A claim."]}]}
    ),
    "rows.jsonl": '{"a": "A premise here."}\n\n{"b": {"c": ["A claim."]}}\r\n',
    "plain": "A premise here.\nA claim.\n",
    "ner.conll": "A O\npremise B-ORG\nhere I-ORG\n. O\n\nA\tO\nclaim O\n. O\n",
    "ner.iob2": "# text = A premise here.\n1\tA\tO\tO\n2\tpremise\tB-PER\tO\n3\there\tO\tO\n"
    "4\t.\tO\tO\n\n1\tA\tO\tO\n2\tclaim\tO\tO\n3\t.\tO\tO\n",
    "panx.tsv": "en:A\tO\nen:premise\tB-LOC\nen:here\tO\nen:.\tO\n\n"
    "en:A\tO\nen:claim\tO\nen:.\tO\n",
}


@pytest.mark.parametrize("packing", ["", ".gz", ".xz"])
@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_its_texts(tmp_path: Path, name: str, packing: str) -> None:
    data = FILES[name].encode("utf-8")
    pack = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress}[packing]
    path = tmp_path / (name + packing)
    path.write_bytes(pack(data))
    texts = [text.replace(" .", ".") for text in contamination.read_texts(path)]
    assert {"A premise here.", "A claim."} <= set(texts)
    assert set(texts) <= {"A premise here.", "A claim.", "neutral", ""}


def test_folders_are_read_whole_in_order(tmp_path: Path) -> None:
    (tmp_path / "sets" / "b").mkdir(parents=True)
    (tmp_path / "sets" / "b" / "x.txt").write_text("two\n", encoding="utf-8")
    (tmp_path / "sets" / "a.txt").write_text("one", encoding="utf-8")
    (tmp_path / "c.txt").write_text("three", encoding="utf-8")
    config = ContaminationConfig(evaluation_sets=(str(tmp_path / "sets"), str(tmp_path / "c.txt")))
    assert list(contamination.evaluation_texts(config)) == ["one", "two", "", "three"]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("set.json", b'{"a": '),
        ("set.jsonl", b"not json\n"),
        ("set.txt", b"\xff\xfe\x00"),
        ("set.tsv.gz", b"no gzip"),
        ("set.tsv.xz", lzma.compress(b"a" * 99)[:-9]),
        ("missing.tsv", None),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, data: bytes | None) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    config = ContaminationConfig(evaluation_sets=(str(tmp_path / name),))
    with pytest.raises(UserError, match=rf"evaluation set .*{name}"):
        list(contamination.evaluation_texts(config))


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="evaluation set"):
        list(contamination.evaluation_texts(ContaminationConfig(evaluation_sets=(str(tmp_path),))))


@pytest.mark.parametrize(("num_words", "min_words"), [(13, 0), (4, 5)])
def test_settings_are_checked(num_words: int, min_words: int) -> None:
    with pytest.raises(UserError, match=r"min_words must be from 1 to"):
        ContaminationConfig(num_words=num_words, min_words=min_words)


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="needs the real corpora in ../shared/data")
def test_real_evaluation_sets(record_property: Callable[..., None]) -> None:
    """Every evaluation text is caught in itself; novels from before the web hold next to none."""
    sets = tuple(str(DATA / name) for name in ("nli", "qa", "ner", "glue"))
    texts = list(contamination.evaluation_texts(ContaminationConfig(evaluation_sets=sets)))
    fingerprints = contamination.build(texts)
    record_property("fingerprints", len(fingerprints))
    premises = [line for text in texts[:: len(texts) // 2000] for line in text.splitlines()]
    long = pl.Series([line for line in premises if len(line.split()) >= 13])
    assert contamination.contaminated(long, fingerprints).null_count() == 0
    with lzma.open(DATA / "text" / "eltec" / "en.txt.xz", "rt", encoding="utf-8") as file:
        novels = pl.Series(file.read().splitlines())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    reasons = contamination.contaminated(novels, fingerprints)
    seconds = resource.getrusage(resource.RUSAGE_SELF).ru_utime - before
    speed = novels.str.len_bytes().sum() / 1e6 / seconds
    record_property("megabytes_per_cpu_second", speed)
    record_property("contaminated_paragraphs_of_novels", reasons.len() - reasons.null_count())
    assert reasons.len() - reasons.null_count() <= 5
    assert speed > 3


def test_line_separators_inside_a_string_do_not_end_a_row(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"a": "one\u2028two"}\n', encoding="utf-8")
    assert list(contamination.read_texts(tmp_path / "a.jsonl")) == ["one\u2028two"]
