"""Finding sources: what a folder, a list, a path or an address holds, and what is wrong there."""

import bz2
import gzip
import lzma
import os
from pathlib import Path

import pytest

from xlmr_lab.corpus import sources
from xlmr_lab.corpus.sources import SourceFile
from xlmr_lab.errors import UserError


def put(tmp_path: Path, name: str, data: bytes | str) -> SourceFile:
    path = tmp_path / "news" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
    return SourceFile(str(path), "news", name.partition(".")[0])


def texts(file: SourceFile) -> list[str]:
    return [document.text for document in sources.read(file)]


RECORD = (
    b"WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Record-ID: <urn:uuid:%b>\r\n"
    b"WARC-Target-URI: https://a.example/%b\r\nContent-Length: 5\r\n\r\nwords\r\n\r\n"
)


DUMP = (
    b'<mediawiki xml:lang="sw"><siteinfo><dbname>swwiki</dbname></siteinfo><page><title>A</title>'
    b"<ns>0</ns><id>7</id><revision><text>maneno</text></revision></page></mediawiki>"
)


def add(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_files_are_found_by_language_then_source(tmp_path: Path) -> None:
    for name in ("news/sw.txt", "news/zh-Hans.jsonl.zst", "bible/sw.parquet", "bible/ur.txt.xz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "sizes.tsv").touch()
    (tmp_path / "news" / "README.md").touch()
    found = sources.find(tmp_path, ["zh-Hans", "sw"])
    assert [(file.language, file.source) for file in found] == [
        ("zh-Hans", "news"),
        ("sw", "bible"),
        ("sw", "news"),
    ]
    assert {file.language for file in sources.find(tmp_path)} == {"sw", "ur", "zh-Hans"}


def test_what_cannot_be_found_is_named_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no corpus at .*missing; give a folder"):
        sources.find(tmp_path / "missing", ["sw"])
    with pytest.raises(UserError, match=r"no text of any language .*nothing of that form"):
        sources.find(tmp_path)
    put(tmp_path, "ur.txt", "a\n")
    with pytest.raises(UserError, match=r"no text of sw, ha in .*found languages: ur"):
        sources.find(tmp_path, ["sw", "ur", "ha"])
    with pytest.raises(UserError, match="named twice in ur,ur"):
        sources.find(tmp_path, ["ur", "ur"])
    put(tmp_path, "ur.jsonl.gz", "")
    with pytest.raises(UserError, match="two files of language 'ur' in one source"):
        sources.find(tmp_path, ["ur"])


def test_archives_and_dumps_are_found_beside_text(tmp_path: Path) -> None:
    add(tmp_path, "crawl/a.warc.wet.gz", gzip.compress(RECORD % (b"x1", b"1")))
    add(tmp_path, "crawl/a.warc.wat.gz", b"links")
    add(tmp_path, "crawl/b.warc", RECORD % (b"x2", b"2"))
    add(tmp_path, "crawl/old.arc.gz", b"1")
    add(tmp_path, "wiki/swwiki-latest-pages-articles1.xml-p1p99.bz2", bz2.compress(DUMP))
    add(tmp_path, "wiki/swwiki-latest-pages-articles2.xml.xz", lzma.compress(DUMP))
    add(tmp_path, "news/sw.txt", b"habari\n")
    found = sources.find(tmp_path, ["sw"])
    assert [(f.source, f.language, f.path.name[:6]) for f in found] == [
        ("news", "sw", "sw.txt"),
        ("wiki", "sw", "swwiki"),
        ("wiki", "sw", "swwiki"),
        ("crawl", None, "a.warc"),
        ("crawl", None, "b.warc"),
        ("crawl", None, "old.ar"),
    ]
    assert [tuple(d) for f in found[:5] for d in sources.read(f)] == [
        ("news/sw/0", "habari\n", None, "news", "sw"),
        ("wiki/swwiki/7", "maneno\n", None, "wiki", "sw"),
        ("wiki/swwiki/7", "maneno\n", None, "wiki", "sw"),
        ("crawl/x1", "words", "https://a.example/1", "crawl", None),
        ("crawl/x2", "words", "https://a.example/2", "crawl", None),
    ]


def test_what_is_named_like_a_file_and_is_none_is_an_error(tmp_path: Path) -> None:
    add(tmp_path, "news/sw.txt", b"habari\n")
    path = tmp_path / "news" / "ur.txt.gz"
    path.mkdir()
    with pytest.raises(UserError, match=r"ur\.txt\.gz is a directory in place of a file"):
        sources.find(tmp_path, ["sw"])
    path.rmdir()
    path.symlink_to(tmp_path / "gone")
    with pytest.raises(UserError, match=r"cannot read .*ur\.txt\.gz: a link to nothing; mend it"):
        sources.find(tmp_path, ["sw"])
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(UserError, match=r"ur\.txt\.gz is a pipe or device in place of a file"):
        sources.find(tmp_path, ["sw"])
    path.unlink()
    path.symlink_to(tmp_path / "news" / "sw.txt")
    assert {file.language for file in sources.find(tmp_path)} == {"sw", "ur"}
    (tmp_path / "bible").symlink_to(tmp_path / "gone")
    with pytest.raises(UserError, match=r"cannot read .*bible: a link to nothing; mend it"):
        sources.find(tmp_path)


def test_a_file_beside_the_sources_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    add(tmp_path, "news/de.txt", b"Worte\n")
    with pytest.raises(UserError, match=r"found de\.txt directly in") as caught:
        sources.find(tmp_path / "news")
    assert "below it: move the files to {0}/text, or give one of them, {0}/de.txt".format(
        tmp_path / "news"
    ) in str(caught.value)
    add(tmp_path, "news/da.txt", b"x\n")
    with pytest.raises(UserError, match=r"or give one of them, .*/news/de.txt$"):
        sources.find(tmp_path / "news", ["de"])
    assert sources.find(tmp_path / "news" / "de.txt", ["de"])[0].language == "de"
    (tmp_path / "news" / "da.txt").unlink()
    assert not caplog.messages
    add(tmp_path, "ur.txt", b"x\n")
    assert [file.language for file in sources.find(tmp_path)] == ["de"]
    (message,) = caplog.messages
    assert message.endswith("not read, since they lie in no folder of a source: ur.txt (files: 1)")


@pytest.mark.parametrize("code", ["../../../../escaped/evil", "/evil", "..", "a b", "sw\n"])
def test_a_language_is_no_path(tmp_path: Path, code: str) -> None:
    dump = DUMP.replace(b'"sw"', f'"{code}"'.encode()).replace(b"swwiki", code.encode())
    path = add(tmp_path, "wiki/pages.xml", dump)
    assert sources.find(path) == [SourceFile(str(path), "wiki", None)]
    for place in (f"{tmp_path}/{{language}}.txt", "hf://datasets/o/n/x.parquet", tmp_path):
        with pytest.raises(UserError, match=r"a language is made of letters, digits, .* got "):
            sources.find(place, [code])


def test_one_file_stands_alone(tmp_path: Path) -> None:
    path = add(tmp_path, "news/sw.txt.xz", lzma.compress(b"habari\n"))
    assert sources.find(path) == [SourceFile(str(path), "news", "sw")]
    with pytest.raises(UserError, match=r"no text of ur in .*found languages: sw"):
        sources.find(path, ["ur"])
    with pytest.raises(UserError, match="holds links and no text; give the WET or WARC file"):
        sources.find(add(tmp_path, "a.warc.wat.gz", b"x"))
    with pytest.raises(UserError, match=r"cannot tell the format of .*README"):
        sources.find(add(tmp_path, "README", b"x"))


def test_a_list_of_paths_names_files_beside_it_and_far_away(tmp_path: Path) -> None:
    near = add(tmp_path, "crawl/part/a.warc.wet.gz", b"x")
    listed = "crawl-data/CC-MAIN-2018-51/segments/1/wet/CC-MAIN-1.warc.wet.gz"
    lines = f"part/a.warc.wet.gz\n\n{listed}\n{listed.replace('wet', 'wat')}\ns3://b/k.warc\n"
    path = add(tmp_path, "crawl/wet.paths.gz", gzip.compress(lines.encode()))
    expected = [
        SourceFile(str(near), "part", None),
        SourceFile(f"https://data.commoncrawl.org/{listed}", "CC-MAIN-2018-51", None),
        SourceFile("s3://b/k.warc", "b", None),
    ]
    assert sources.find(path) == expected
    assert sources.find(path, ["sw", "ur"]) == expected
    assert sources.find(tmp_path) == expected
    mirror = sources.find(path, base="https://mirror.example/")
    assert mirror[1].place == f"https://mirror.example/{listed}"
    with pytest.raises(UserError, match=r"is damaged .*fetch it again"):
        sources.find(add(tmp_path, "b.paths.gz", path.read_bytes()[:-9]))
    with pytest.raises(UserError, match=r"names another list: x\.paths"):
        sources.find(add(tmp_path, "c.paths", b"x.paths\n"))


def test_a_place_that_is_listed_twice_is_read_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    near = add(tmp_path, "crawl/a.warc", RECORD % (b"x", b"1"))
    path = add(tmp_path, "crawl/wet.paths", b"a.warc\nnotes.md\na.warc\n\nREADME\ns3://b/k.warc")
    expected = [SourceFile(str(near), "crawl", None), SourceFile("s3://b/k.warc", "b", None)]
    assert sources.find(path) == expected
    (message,) = caplog.messages
    assert message == f"{path}: passed over 2 lines that name no file of text"
    assert sources.find(tmp_path) == expected  # in the folder, and named by the list


def test_addresses_say_what_they_hold() -> None:
    (file,) = sources.find("https://data.commoncrawl.org/crawl-data/CC-NEWS/2023/a.warc.gz?x=1")
    assert (file.language, file.is_local, file.num_bytes()) == (None, False, 0)
    dump = "https://dumps.wikimedia.org/swwiki/20230501/swwiki-20230501-pages-articles.xml.bz2"
    assert sources.find(dump, ["sw"]) == [SourceFile(dump, "20230501", "sw")]
    wanted = "hf://datasets/owner/name/data/{language}/part.parquet"
    assert sources.find(wanted, ["sw", "ur"]) == [
        SourceFile(wanted.format(language=key), "name", key) for key in ("sw", "ur")
    ]
    parts = wanted.replace("part.", "*.")
    assert [file.source for file in sources.find(parts, ["sw"])] == ["name"]
    one = "hf://datasets/owner/name/data/part-0.parquet"
    assert sources.find(one, ["sw"]) == [SourceFile(one, "name", "sw")]
    with pytest.raises(UserError, match=r"name the languages that \{language\} stands for"):
        sources.find(wanted)


def test_a_language_in_a_path_stands_for_its_files(tmp_path: Path) -> None:
    for language in ("sw", "ur"):
        add(tmp_path, f"news/{language}/part.txt", language.encode())
    found = sources.find(f"{tmp_path}/news/{{language}}/part.txt", ["ur", "sw"])
    assert [(file.language, file.source, texts(file)) for file in found] == [
        ("ur", "news", ["ur"]),
        ("sw", "news", ["sw"]),
    ]
