"""SQuAD's JSON, read strictly: `pytest tests/evaluate/formats/test_squad.py`."""

import gzip
import json
import logging
import lzma
from pathlib import Path

import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.formats import squad
from xlmr_lab.evaluate.formats.squad import Answer

REAL = Path(__file__).parents[4] / "shared" / "data" / "qa"
CONTEXT = "The Nile flows  north. The Nile is long."
NILE = {"text": "The Nile", "answer_start": 0}


def item(name="q", question="What flows?", answers=(NILE,)):
    return {"id": name, "question": question, "answers": list(answers)}


def put(folder, *items, context=CONTEXT, name="test-en.json"):
    data = [{"title": "t", "paragraphs": [{"context": context, "qas": list(items)}]}]
    path = folder / name
    path.write_text(json.dumps({"version": "1.1", "data": data}), encoding="utf-8")
    return path


def test_a_file_worked_by_hand(tmp_path):
    long = {"text": "long", "answer_start": 35}
    read = squad.read(put(tmp_path, item("a"), item(7, "How?", [long, NILE])))
    assert read.contexts == [CONTEXT]
    first, second = read.questions
    assert (first.id, first.text, first.context) == ("a", "What flows?", 0)
    assert first.where == "data[0].paragraphs[0].qas[0]"
    assert second.id == "7"
    assert second.answers == (Answer("long", 35, True), Answer("The Nile", 0, True))
    assert read.golds == {"a": ["The Nile"], "7": ["long", "The Nile"]}
    assert read.misplaced == []


def test_offsets_count_code_points(tmp_path):
    # GRINNING FACE is two units of UTF-16 and four bytes of UTF-8; e with COMBINING ACUTE is two.
    context = "\U0001f600 cafe\u0301 yes"
    right = item(answers=[{"text": "yes", "answer_start": 8}])
    assert squad.read(put(tmp_path, right, context=context)).misplaced == []
    for wrong in (9, 12):
        off = item(answers=[{"text": "yes", "answer_start": wrong}])
        (found,) = squad.read(put(tmp_path, off, context=context)).misplaced
        assert (found.text, found.start, found.found) == ("yes", wrong, context[wrong : wrong + 3])


def test_misplaced_answers_are_listed_and_told_and_stay_gold(tmp_path, caplog):
    wrong = {"text": "The Nile", "answer_start": -3}
    path = put(tmp_path, item("a"), item("b", answers=[NILE, wrong]))
    with caplog.at_level(logging.WARNING):
        read = squad.read(path)
    (found,) = read.misplaced
    assert found == ("data[0].paragraphs[0].qas[1].answers[1]", "b", "The Nile", -3, "")
    assert f"{path}: 1 of 3 answers do not stand at their offsets" in caplog.text
    assert "qas[1].answers[1]: 'The Nile' at -3, where '' stands" in caplog.text
    assert read.golds["b"] == ["The Nile", "The Nile"]


def test_training_leaves_misplaced_answers_out_or_finds_the_nearest(tmp_path, caplog):
    answers = [
        {"text": "The Nile", "answer_start": 20},
        {"text": "flows north", "answer_start": 9},  # with one space
        {"text": "east", "answer_start": 0},
    ]
    path = put(tmp_path, item("ok"), *(item(f"q{i}", answers=[a]) for i, a in enumerate(answers)))
    read = squad.read(path)
    assert len(read.misplaced) == 3
    caplog.clear()
    assert [q.id for q in squad.placed(read)] == ["ok"]
    assert "3 questions are not learned from" in caplog.text
    kept = squad.placed(read, "nearest")
    assert [q.answers for q in kept] == [
        (Answer("The Nile", 0, True),),
        (Answer("The Nile", 23, True),),
        (Answer("flows  north", 9, True),),
    ]
    alone = squad.read(put(tmp_path, item(answers=[answers[2]])))
    with pytest.raises(UserError, match="1 of 1 answers do not stand"):
        squad.placed(alone, "nearest")


def test_the_nearest_place_may_overlap_another():
    assert squad.nearest("aaaa", Answer("aa", 9, False)) == Answer("aa", 2, True)
    assert squad.nearest("a.b a*b", Answer("a*b", 0, False)) == Answer("a*b", 4, True)


def test_repeated_ids_get_a_number_and_keep_the_original(tmp_path):
    path = put(tmp_path, item("x"), item("y"), item("x"), item("x#1"))
    questions = squad.read(path).questions
    assert [q.id for q in questions] == ["x#2", "y", "x#3", "x#1"]
    assert [q.original_id for q in questions] == ["x", "y", "x", "x#1"]


def test_packed_files_and_a_byte_order_mark_are_read(tmp_path):
    data = b"\xef\xbb\xbf" + put(tmp_path, item()).read_bytes()
    for suffix, pack in (("", bytes), (".gz", gzip.compress), (".xz", lzma.compress)):
        path = tmp_path / f"packed.json{suffix}"
        path.write_bytes(pack(data))
        assert len(squad.read(path).questions) == 1


AT = r"test-en.json, data\[0\].paragraphs\[0\].qas\[0\]"
BAD_ITEMS = {
    "no id": ({"question": "q?", "answers": [NILE]}, rf"{AT} has no 'id', only 'question'"),
    "id": (item(None), rf"{AT}.id must be text or a whole number, got None"),
    "blank question": (item(question=" "), rf"{AT}.question is blank"),
    "half": (item(question="q\ud800?"), rf"{AT}.question has half a character, U\+D800"),
    "no answer": (item(answers=[]), rf"{AT}.answers is empty: .* at least 1 answer"),
    "answers": ({**item(), "answers": NILE}, rf"{AT}.answers must be a list, got \{{'text'"),
    "answer": (item(answers=["x"]), rf"{AT}.answers\[0\] must be an object with 'text', got 'x'"),
    "blank": (item(answers=[{**NILE, "text": ""}]), rf"{AT}.answers\[0\].text is blank"),
    "offset": (
        item(answers=[NILE, {**NILE, "answer_start": "0"}]),
        rf"{AT}.answers\[1\].answer_start must be a whole number, got '0'",
    ),
    "no offset": (item(answers=[{"text": "x"}]), rf"{AT}.answers\[0\] has no 'answer_start'"),
    "bool": (item(answers=[{**NILE, "answer_start": True}]), "whole number, got True"),
    "2.0": ({**item(answers=[]), "is_impossible": True}, rf"{AT} is unanswerable \(SQuAD 2.0\)"),
}


@pytest.mark.parametrize("kind", BAD_ITEMS)
def test_a_bad_question_is_refused_by_file_and_place(tmp_path, kind):
    bad, message = BAD_ITEMS[kind]
    with pytest.raises(UserError, match=message) as error:
        squad.read(put(tmp_path, bad))
    assert "\n" not in str(error.value)


BAD_FILES = {
    "": "test.json is empty: expected",
    "{}": "test.json has no 'data', only nothing: expected",
    "[]": r"test.json must be an object with 'data', got \[\]",
    '{"data": []}': "test.json has no question: expected",
    '{"data": {}}': r"test.json.data must be a list, got \{\}",
    '{"data": [1]}': r"test.json, data\[0\] must be an object with 'paragraphs', got 1",
    '{"data": [{"paragraphs": [{"qas": []}]}]}': r"paragraphs\[0\] has no 'context', only 'qas'",
    '{"data": [\n{"a": }]}': "test.json, line 2 is not JSON at column 7",
    '{"a": 1}\n{"a": 2}': r"test.json, line 2 is not JSON at column 1 \(Extra data\)",
}


@pytest.mark.parametrize("text", BAD_FILES)
def test_a_bad_file_is_refused_by_name_and_place(tmp_path, text):
    path = tmp_path / "test.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=BAD_FILES[text]) as error:
        squad.read(path)
    assert "\n" not in str(error.value)


def test_bytes_that_are_no_text_and_files_cut_short_are_refused(tmp_path):
    path = tmp_path / "test.json"
    path.write_bytes(b'{"data": "\xff"}')
    with pytest.raises(UserError, match=r"test.json is not UTF-8 text at byte 10"):
        squad.read(path)
    packed = tmp_path / "test.json.gz"
    packed.write_bytes(gzip.compress(b"{}" * 100)[:-4])
    with pytest.raises(UserError, match=r"is no whole .gz file"):
        squad.read(packed)


@pytest.mark.real
@pytest.mark.skipif(not REAL.is_dir(), reason="needs the real corpora in ../shared/data")
def test_real_files_load_whole_with_each_answer_accounted_for():
    """Counts are those of the files themselves, by a reading of their bare JSON."""
    files = sorted(REAL.glob("*/*.json.xz"))
    assert len(files) >= 20
    num_misplaced = {}
    for path in files:
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            bare = [p for a in json.load(lines)["data"] for p in a["paragraphs"]]
        read = squad.read(path)
        assert read.contexts == [paragraph["context"] for paragraph in bare]
        items = [(i, item) for i, paragraph in enumerate(bare) for item in paragraph["qas"]]
        assert len({question.id for question in read.questions}) == len(items)
        misplaced = {found.where for found in read.misplaced}
        for question, (context, item) in zip(read.questions, items, strict=True):
            assert (question.original_id, question.context) == (item["id"], context)
            assert len(question.answers) == len(item["answers"])
            for place, answer in enumerate(question.answers):
                is_there = bare[context]["context"].startswith(answer.text, answer.start)
                assert answer.stands == is_there
                assert is_there != (f"{question.where}.answers[{place}]" in misplaced)
        num_misplaced[path.parent.name] = num_misplaced.get(path.parent.name, 0) + len(misplaced)
        lost = len(items) - len(squad.placed(read, "nearest"))
        assert lost == 0, "ARCD's three differ in white space alone"
    assert num_misplaced == {"arcd": 3, "mlqa": 0, "tydiqa": 0, "xquad": 0}
