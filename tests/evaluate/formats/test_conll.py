"""Entities as they are published: `pytest tests/evaluate/formats/test_conll.py`."""

import logging
import lzma
import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import places
from xlmr_lab.evaluate.formats import conll
from xlmr_lab.evaluate.metrics import chunks
from xlmr_lab.evaluate.protocols import TaskSet

NER = Path(__file__).parents[3] / "../shared/data/ner"
real = pytest.mark.skipif(not NER.is_dir(), reason="needs the real data in ../shared/data")
ENGLISH_2003 = """-DOCSTART- -X- O O

Ann NNP I-NP I-PER
Lee NNP I-NP I-PER
Bob NNP I-NP B-PER
Oslo NNP I-NP I-LOC

-DOCSTART- -X- O O

a DT I-NP O
"""


def put(folder, name, text, encoding="utf-8"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def load(folder, split, language, kinds=None):
    source = places.require(conll.places, folder, TaskSet(split, language))
    return conll.read(source, language, kinds)


def test_conll_2003_is_read_with_its_documents_as_iob2(tmp_path, caplog):
    put(tmp_path, "eng.testa", ENGLISH_2003)
    with caplog.at_level(logging.WARNING):
        found = load(tmp_path, "dev", "en")
    assert found.words == [["Ann", "Lee", "Bob", "Oslo"], ["a"]]
    assert found.tags == [["B-PER", "I-PER", "B-PER", "B-LOC"], ["O"]]
    assert list(found.documents) == [1, 2]
    assert "2 of 3 entities begin with I-" in caplog.text
    assert places.languages(conll.places, tmp_path, "dev") == ["en"]


def test_german_of_2003_has_five_columns_in_latin_1(tmp_path, caplog):
    # U+00FC LATIN SMALL LETTER U WITH DIAERESIS
    text = "-DOCSTART- -X- -X- -X- O\n\nM\u00fcnchen M\u00fcnchen NE I-NC I-LOC\n"
    put(tmp_path, "deu.train", text, "latin-1")
    with caplog.at_level(logging.WARNING):
        assert load(tmp_path, "train", "de").words == [["M\u00fcnchen"]]
    assert "is not UTF-8; read as Latin-1, as CoNLL publishes it" in caplog.text
    put(tmp_path, "deu.train", text)
    caplog.clear()
    assert load(tmp_path, "train", "de").words == [["M\u00fcnchen"]]
    assert "Latin-1" not in caplog.text


def test_conll_2002_is_iob2_and_its_dutch_documents_begin_without_a_blank_line(tmp_path):
    put(tmp_path, "ned.testb", "-DOCSTART- -DOCSTART- O\nDe Art O\nAa N B-ORG\n\nBb N B-ORG\n")
    found = load(tmp_path, "test", "nl")
    assert (found.words, list(found.documents)) == ([["De", "Aa"], ["Bb"]], [1, 1])
    put(tmp_path, "esp.train", "El O\nAbogado B-PER\nGeneral I-PER\n\n")
    found = load(tmp_path, "train", "es")
    assert found.tags == [["O", "B-PER", "I-PER"]]
    assert found.documents == ()
    put(tmp_path, "esp.train", "El O\nAbogado I-PER\n")
    with pytest.raises(UserError, match=r"esp.train, line 2: tag 'I-PER' follows 'O': in IOB2"):
        load(tmp_path, "train", "es")


def test_universal_ner_has_comments_documents_and_the_tag_in_the_third_column(tmp_path):
    text = (
        "# newdoc id = d1\n# sent_id = 1\n# text = # Ann\n1\t#\tO\t-\t-\n2\tAnn\tB-PER\t-\ts\n\n"
        "# sent_id = 2\n1\tOslo\tI-LOC\t-\t-\n\n# newdoc id = d2\n1\tx\tO\t-\t-\n"
    )
    put(tmp_path, "en_ewt-ud-dev.iob2", text)
    found = load(tmp_path, "dev", "en")
    assert found.words == [["#", "Ann"], ["Oslo"], ["x"]]
    assert found.tags == [["O", "B-PER"], ["B-LOC"], ["O"]]
    assert list(found.documents) == [1, 1, 2]
    put(tmp_path, "en_pud-ud-dev.iob2", text)
    with pytest.raises(UserError, match=r"en_ewt-ud-dev.iob2 and en_pud-ud-dev.iob2: keep one"):
        load(tmp_path, "dev", "en")


def test_chinese_of_universal_ner_is_read_in_its_script(tmp_path):
    put(tmp_path, "zh_gsd-ud-dev.iob2", "1\ta\tO\t-\t-\n")
    assert places.find(conll.places, tmp_path, TaskSet("dev", "zh-Hans")) is None
    assert load(tmp_path, "dev", "zh-Hant").words == [["a"]]
    put(tmp_path, "UNER_Chinese-GSDSIMP/zh_gsdsimp-ud-dev.iob2", "1\tb\tO\t-\t-\n")
    assert load(tmp_path, "dev", "zh-Hans").words == [["b"]]


def test_the_other_publishers_files_by_their_names(tmp_path):
    put(tmp_path, "swa/train.txt", "Mei B-DATE\n. O\n\n")
    put(tmp_path, "hau/train.txt", "Mei B-DATE\n. O\n\n")
    assert load(tmp_path, "train", "sw").tags == [["B-DATE", "O"]]
    assert places.languages(conll.places, tmp_path, "train") == ["ha", "sw"]
    put(tmp_path, "wnut17train.conll", "a\tB-creative-work\nb\tI-creative-work\n\t\nc\tO\n")
    assert load(tmp_path, "train", "en").words == [["a", "b"], ["c"]]
    put(tmp_path, "wikigold.conll.txt", "010 I-MISC\nis O\n\n-DOCSTART- O\n\nx O\n")
    found = load(tmp_path, "test", "en")
    assert (found.tags, list(found.documents)) == ([["B-MISC", "O"], ["O"]], [0, 1])
    put(tmp_path, "nl/dev", "nl:Jan\tB-PER\nnl:,\tO\n\nnl:nl\tO\n")
    assert load(tmp_path, "dev", "nl").words == [["Jan", ","], ["nl"]]


def test_columns_of_any_number_under_our_name(tmp_path):
    put(tmp_path, "dev-uk.conll", "a x y O\nb x y I-PER\n\nc x y B-PER\n")
    assert load(tmp_path, "dev", "uk").tags == [["O", "B-PER"], ["B-PER"]]
    put(tmp_path, "dev-uk.conll", "a\tx y\tO\n")
    assert load(tmp_path, "dev", "uk").words == [["a"]]


@pytest.mark.parametrize(
    ("name", "language", "line", "problem"),
    [
        ("eng.testa", "en", "Lee NNP I-PER", "got 3 columns, expected 4 or 5 columns"),
        ("eng.testa", "en", "Lee", "the tag is missing"),
        ("eng.testa", "en", "Lee NNP I-NP PER", "tag 'PER' must be O, B-TYPE or I-TYPE"),
        ("eng.testa", "en", "Lee NNP I-NP E-PER", "tag 'E-PER' must be O"),
        ("eng.testa", "en", "I-PER NNP I-NP Lee", "tag 'Lee' must be O"),
        ("eng.testa", "en", " NNP I-NP O", "the word is empty"),
        ("eng.testa", "en", "Lee NNP I-NP I-MISC", "entity type 'MISC' is not in the training"),
        ("dev-en.conll", "en", "a b", "got 2 columns, expected 4 columns"),
        ("da_ddt-ud-dev.iob2", "da", "1\tLee\tO", "got 3 columns, expected 5 columns"),
        ("swa.dev.txt", "sw", "Lee I-PER", "got 2 columns"),
    ],
)
def test_a_bad_line_is_named(tmp_path, name, language, line, problem):
    first = {"da": "1\tx\tO\t-\t-", "sw": "x O"}.get(language, "x X X O")
    problem = "tag 'I-PER' follows 'O'" if language == "sw" else problem
    put(tmp_path, name, f"{first}\n{line}\n")
    with pytest.raises(UserError, match=f"{name}, line 2: {problem}"):
        load(tmp_path, "dev", language, {"PER", "LOC"})


@pytest.mark.parametrize("text", ["", "\n\n", "-DOCSTART- -X- O O\n\n"])
def test_an_empty_file_is_an_error(tmp_path, text):
    put(tmp_path, "eng.testa", text)
    with pytest.raises(UserError, match=r"eng.testa is empty"):
        load(tmp_path, "dev", "en")


def test_a_file_that_promises_utf_8_is_held_to_it(tmp_path):
    put(tmp_path, "swa.dev.txt", "\u00fc O\n", "latin-1")
    with pytest.raises(UserError, match=r"swa.dev.txt, line 1 is not UTF-8"):
        load(tmp_path, "dev", "sw")


def test_an_unknown_language_names_what_was_looked_for(tmp_path):
    put(tmp_path, "eng.testa", ENGLISH_2003)
    message = r"no dev-xx.tsv, dev-xx.conll or xx/dev in .*; languages with a dev file: en"
    with pytest.raises(UserError, match=message):
        load(tmp_path, "dev", "xx")


def test_iob2_has_the_spans_that_conlleval_reads():
    rng = random.Random(7)
    for _ in range(2000):
        tags = rng.choices(["O", "B-A", "I-A", "B-B", "I-B"], k=rng.randrange(12))
        made = conll.iob2(tags)
        assert chunks(made) == chunks(tags)
        assert sum(tag[0] == "B" for tag in made) == len(chunks(tags))
        assert conll.iob2(made) == made


def spans_by_hand(path, separator, word, tag, comments):
    """Count sentences, words and entities of a file in another way: whole text, then blocks."""
    text = lzma.open(path).read().decode("utf-8")
    lines = [line.strip("\t ") for line in text.split("\n")]
    counts = Counter()
    for block in "\n".join(lines).split("\n\n"):
        rows = [line.split(separator) for line in block.split("\n") if line]
        rows = [row for row in rows if not (comments and row[0].startswith("# "))]
        rows = [row for row in rows if row[0] != "-DOCSTART-"]
        counts["sentences"] += bool(rows)
        counts["words"] += len(rows)
        before = "O"
        for row in rows:
            now = row[tag]
            counts["entities"] += now != "O" and (now[0] == "B" or before[1:] != now[1:])
            counts["letters"] += len(row[word])
            before = now
    return counts


@pytest.mark.real
@real
@pytest.mark.parametrize(
    ("kind", "path", "columns"),
    [
        *(("uner", path, ("\t", 1, 2, True)) for path in sorted(NER.glob("uner/*"))),
        *(("masakhaner", path, (" ", 0, 1, False)) for path in sorted(NER.glob("masakhaner/*"))),
        *(("wnut17", path, ("\t", 0, 1, False)) for path in sorted(NER.glob("wnut17/*"))),
        *(("wikigold", path, (" ", 0, 1, False)) for path in sorted(NER.glob("wikigold/*conll*"))),
        *(("ours", path, ("\t", 0, 1, False)) for path in sorted(NER.glob("panx/*"))),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else "",
)
def test_real_files_load_whole_with_every_span(kind, path, columns):
    found = conll.read(places.Source((path,), kind, "en"), "en")
    counted = Counter(
        sentences=len(found.words),
        words=sum(map(len, found.words)),
        entities=sum(len(chunks(tags)) for tags in found.tags),
        letters=sum(len(word) for words in found.words for word in words),
    )
    assert counted == spans_by_hand(path, *columns)
    begun = sum(tag[0] == "B" for tags in found.tags for tag in tags)
    assert begun == counted["entities"]
    text = lzma.open(path).read().decode("utf-8")
    marks = text.count("\n# newdoc") + text.startswith("# newdoc") + text.count("-DOCSTART- O")
    assert len(set(found.documents)) == marks


@pytest.mark.real
@real
def test_real_folders_are_found_by_their_names(tmp_path):
    found = {
        (folder, split): places.languages(conll.places, NER / folder, split)
        for folder in ("uner", "masakhaner", "wnut17", "panx", "wikigold")
        for split in ("train", "dev", "test")
    }
    assert found["uner", "dev"] == ["da", "en", "hr", "pt", "sv", "zh-Hans"]
    assert found["uner", "train"] == ["da", "hr", "pt", "sv", "zh-Hans"]
    assert found["masakhaner", "train"] == found["masakhaner", "dev"] == ["sw"]
    assert found["wnut17", "train"] == found["wnut17", "dev"] == ["en"]
    assert len(found["panx", "train"]) == len(found["panx", "dev"]) == 10
    assert found["wikigold", "test"] == ["en"]
    shutil.copy(NER / "panx/dev-nl.tsv.xz", tmp_path)
    assert len(load(tmp_path, "dev", "nl").words) == 10000
