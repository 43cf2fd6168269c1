"""Sentences that translate each other: `pytest tests/evaluate/test_aligned_sentences.py`."""

import lzma
from pathlib import Path

import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.aligned_sentences import (
    KEYS,
    premises,
    read,
    read_tatoeba,
    tatoeba_languages,
)
from xlmr_lab.languages import LANGUAGES

SHARED = Path(__file__).parents[3] / "shared" / "data"
TATOEBA, NTREX = SHARED / "retrieval" / "tatoeba", SHARED / "text" / "ntrex"


@pytest.fixture
def write(tmp_path):
    def written(name, content):
        path = tmp_path / name
        raw = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(lzma.compress(raw) if name.endswith(".xz") else raw)
        return path

    return written


def test_line_i_of_each_file_is_the_same_sentence(write):
    paths = {"en": write("en", "one\ntwo\n"), "de": write("de.xz", "eins\r\n zwei"), "qaa": None}
    paths["qaa"] = write("qaa", "ab\ncd\n")
    found = read(paths)
    assert found == {"en": ["one", "two"], "de": ["eins", "zwei"], "qaa": ["ab", "cd"]}


def test_only_a_line_feed_ends_a_line(write):
    found = read({"en": write("en", "a\u2028b\x0cc\nd"), "de": write("de", "e\x85f\ng")})
    assert found["en"] == ["a\u2028b\x0cc", "d"]


def test_lines_that_are_blank_everywhere_part_documents(write):
    found = read({"en": write("en", "one\n\ntwo\n"), "de": write("de", "eins\n \nzwei\n")})
    assert found == {"en": ["one", "two"], "de": ["eins", "zwei"]}


def test_files_that_are_not_aligned_are_refused(write):
    two, three = write("two", "a\nb\n"), write("three", "a\nb\nc\n")
    with pytest.raises(UserError, match=r"two has 2 lines and .*three 3; line i of each must be"):
        read({"en": two, "de": three})
    hole = write("hole", "a\n\n")
    with pytest.raises(UserError, match=r"hole, line 2 is blank, and has a sentence in .*two; tak"):
        read({"en": two, "de": hole})
    empty = write("empty", "")
    with pytest.raises(UserError, match="empty is empty: expected a sentence a line"):
        read({"en": empty, "de": empty})
    with pytest.raises(UserError, match=r"no file .*absent"):
        read({"en": two, "de": two.parent / "absent"})
    with pytest.raises(UserError, match="latin, line 2 is not UTF-8"):
        read({"en": two, "de": write("latin", b"a\n\xe9\n")})


def test_a_tatoeba_folder_gives_each_language_with_its_english(write, tmp_path):
    write("tatoeba.fra-eng.fra.xz", "un\ndeux\n")
    write("tatoeba.fra-eng.eng.xz", "one\ntwo\n")
    write("tatoeba.dsb-eng.dsb", "jaden\n")
    write("tatoeba.dsb-eng.eng", "one\n")
    write("README.md", "text")
    assert tatoeba_languages(tmp_path) == ["dsb", "fra"]
    assert read_tatoeba(tmp_path, "fra") == {"fr": ["un", "deux"], "en": ["one", "two"]}
    assert read_tatoeba(tmp_path, "dsb") == {"dsb": ["jaden"], "en": ["one"]}
    with pytest.raises(UserError, match=r"no tatoeba.deu-eng.deu in .*; languages there: dsb, fra"):
        read_tatoeba(tmp_path, "deu")
    (tmp_path / "tatoeba.fra-eng.eng.xz").unlink()
    with pytest.raises(UserError, match=r"no tatoeba.fra-eng.eng in"):
        read_tatoeba(tmp_path, "fra")


def test_a_folder_without_tatoeba_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no file such as tatoeba"):
        tatoeba_languages(tmp_path)
    with pytest.raises(UserError, match=r"no folder .*absent"):
        tatoeba_languages(tmp_path / "absent")


def test_tatoebas_names_become_keys_of_the_paper():
    assert set(KEYS.values()) <= set(LANGUAGES)
    assert len(set(KEYS.values())) == len(KEYS)


def test_premises_stand_once_for_each_line_of_all_languages(write, tmp_path):
    line = "{}\tb\tneutral\n"
    write("test-en.tsv", "".join(line.format(a) for a in ("one", "one", "two", "two")))
    write("test-de.tsv", "".join(line.format(a) for a in ("eins", "eins", "zwei", "zwo")))
    found = premises(tmp_path, ["en", "de"])
    assert found == {"en": ["one", "two", "two"], "de": ["eins", "zwei", "zwo"]}
    write("test-sw.tsv", line.format("moja"))
    with pytest.raises(UserError, match=r"different numbers of pairs \(.*en.tsv 4, .*sw.tsv 1\)"):
        premises(tmp_path, ["en", "sw"])


@pytest.mark.real
@pytest.mark.skipif(not TATOEBA.is_dir(), reason=f"no Tatoeba at {TATOEBA}")
def test_real_tatoeba_loads_whole():
    languages = tatoeba_languages(TATOEBA)
    assert len(languages) == 56
    for language in languages:
        found = read_tatoeba(TATOEBA, language)
        for key, name in zip(found, (language, "eng"), strict=True):
            path = TATOEBA / f"tatoeba.{language}-eng.{name}.xz"
            assert len(found[key]) == lzma.decompress(path.read_bytes()).count(b"\n")


@pytest.mark.real
@pytest.mark.skipif(not NTREX.is_dir(), reason=f"no NTREX at {NTREX}")
def test_real_documents_of_many_languages_are_aligned():
    paths = {path.name.partition(".")[0]: path for path in sorted(NTREX.glob("*.xz"))}
    found = read(paths)
    assert len(found) == len(paths) == 83
    assert len({len(own) for own in found.values()}) == 1
