"""Wiki dumps: articles only, a whole page or a count, and no markup in real ones."""

import html
import io
import lzma
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from xlmr_lab.corpus import packing, wiki_dumps, wikitext

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "raw" / "wikipedia"
MARKUP = ("[[", "]]", "{{", "}}", "<ref", "|-", "==", "&lt;", "'''")

HEAD = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/" version="0.10" xml:lang="sw">
  <siteinfo>
    <sitename>Wikipedia</sitename>
    <dbname>swwiki</dbname>
    <base>https://sw.wikipedia.org/wiki/Mwanzo</base>
    <namespaces>
      <namespace key="0" case="first-letter" />
      <namespace key="6" case="first-letter">Picha</namespace>
      <namespace key="14" case="first-letter">Jamii</namespace>
    </namespaces>
  </siteinfo>
"""


def page(
    number: int,
    text: str,
    *,
    title: str = "",
    space: int = 0,
    more: str = "",
    model: str = "wikitext",
) -> str:
    return f"""  <page>
    <title>{title or f"Page {number}"}</title><ns>{space}</ns><id>{number}</id>{more}
    <revision><id>9{number}</id><contributor><id>7</id></contributor><model>{model}</model>
      <text bytes="1" xml:space="preserve">{escape(text)}</text></revision>
  </page>
"""


def read(data: str | bytes) -> tuple[list[wiki_dumps.Article], dict[str, int]]:
    raw = io.BytesIO(data.encode() if isinstance(data, str) else data)
    opening = raw.read(8)
    raw.seek(0)
    name = packing.sniff(opening)
    stream = packing.unpacked(raw, name) if name else io.BufferedReader(raw)  # type: ignore[type-var]
    reasons: Counter[str] = Counter()
    return list(wiki_dumps.articles(stream, lambda r: reasons.update([r]))), dict(reasons)


def dump(*pages: str) -> str:
    return HEAD + "".join(pages) + "</mediawiki>\n"


def test_articles_are_text_and_the_rest_is_counted() -> None:
    articles, reasons = read(
        dump(
            page(1, "'''Nairobi''' ni [[mji]].\n[[Picha:x.jpg]]\n[[Jamii:Miji]]", title="Nairobi"),
            page(2, "talk", space=1),
            page(3, "#REDIRECT [[x]]", more='<redirect title="x" />'),
            page(4, "{{stub}}"),
            page(5, "return {}", model="Scribunto"),
            page(6, "Ndizi & nanasi < embe", title="Ndizi \u00fc"),
        )
    )
    assert articles[0] == wiki_dumps.Article(
        "swwiki/1", "Nairobi ni mji.\n", "https://sw.wikipedia.org/wiki/Nairobi"
    )
    assert articles[1].text == "Ndizi & nanasi < embe\n"
    assert articles[1].url == "https://sw.wikipedia.org/wiki/Ndizi_%C3%BC"
    assert reasons == {"not_an_article": 2, "redirect": 1, "no_text": 1}


def test_the_newest_revision_counts() -> None:
    old = "<revision><text>old</text></revision>"
    assert [a.text for a in read(dump(page(1, "new words", more=old)))[0]] == ["new words\n"]


def test_every_cut_gives_the_whole_pages_and_one_count() -> None:
    whole = dump(*(page(i, f"words {i}") for i in range(6))).encode()
    ends = [i for i in range(len(whole)) if whole.startswith(b"</page>", i - 7)]
    for cut in range(len(HEAD), len(whole) - len(b"</mediawiki>\n"), 13):
        articles, reasons = read(whole[:cut])
        assert len(articles) == sum(end <= cut for end in ends)
        assert reasons == {"truncated": 1}
    assert read(whole)[1] == {}


@pytest.mark.parametrize("cut", [3000, 400])
def test_a_cut_packing_is_counted_once(cut: int) -> None:
    whole = lzma.compress(dump(*(page(i, f"words {i * 7919**9}") for i in range(900))).encode())
    articles, reasons = read(whole[:-cut])
    assert len(articles) > 100
    assert reasons == {"truncated": 1}


def test_a_broken_page_costs_itself() -> None:
    articles, reasons = read(
        dump(page(1, "one"), page(2, "two").replace("</title>", "</name>"), page(3, "three"))
    )
    assert [a.text for a in articles] == ["one\n", "three\n"]
    assert reasons == {"broken_record": 1}


def test_numbers_of_many_digits_are_no_characters() -> None:
    number = f"&#{'1' * 5000};"
    broken = page(2, "two").replace("two", number)  # an entity of the XML itself
    articles, reasons = read(dump(page(1, f"one {number} word"), broken, page(3, "three")))
    assert [a.text for a in articles] == ["one \ufffd word\n", "three\n"]
    assert reasons == {"broken_record": 1}


def test_a_page_that_is_too_large_is_counted() -> None:
    large = page(1, "x " * (packing.MAX_RECORD_BYTES // 2 + 100))
    articles, reasons = read(dump(large, page(2, "two")))
    assert [a.text for a in articles] == ["two\n"]
    assert reasons == {"too_large": 1}


def test_what_is_no_dump_is_counted() -> None:
    assert read("<html>no dump</html>") == ([], {"broken_record": 1})
    assert read(lzma.compress(HEAD.encode() * 50)[:-30])[1] == {"truncated": 1}


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("swwiki", "sw"),
        ("simplewiki", "en"),
        ("zhwiki", "zh"),
        ("be_x_oldwiki", "be"),
    ],
)
def test_the_language_comes_from_the_dump(name: str, language: str) -> None:
    about = wiki_dumps.site(io.BufferedReader(io.BytesIO(HEAD.replace("swwiki", name).encode())))  # type: ignore[type-var]
    assert about is not None
    assert about.language == language
    assert {"picha", "jamii", "category", "file"} <= about.namespaces


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the real dumps in ../shared/data")
@pytest.mark.parametrize("code", ["bn", "el", "uk", "vi"])
def test_real_articles_are_free_of_markup(
    code: str, record_property: Callable[[str, object], None]
) -> None:
    articles, reasons = read((FOLDER / f"{code}wiki-20230501-truncated.xml.xz").read_bytes())
    assert len(articles) > 200
    assert reasons["truncated"] == 1
    paragraphs = [line for article in articles for line in article.text.splitlines()]
    marked = [line for line in paragraphs if any(mark in line for mark in MARKUP)]
    record_property("marked_paragraphs", f"{len(marked)} of {len(paragraphs)}")
    assert len(marked) <= len(paragraphs) / 1000, marked[:5]


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the real dumps in ../shared/data")
def test_simple_lines_of_a_real_dump_come_out_as_the_parser_has_them() -> None:
    with lzma.open(FOLDER / "ukwiki-20230501-truncated.xml.xz") as raw:
        about = wiki_dumps.site(io.BufferedReader(io.BytesIO(raw.read(1 << 18))))  # type: ignore[type-var]
        assert about is not None
        text = html.unescape(raw.read(4_000_000).decode("utf-8", "replace"))
    lines = [line.strip("*#:;= ") for line in wikitext.reduced(text).split("\n") if "[" in line]
    assert len(lines) > 2000
    different = []
    for line in lines[:4000]:
        simple = wikitext.simple_words(line, about.namespaces)
        if simple is not None and simple != wikitext.parsed_words(line, about.namespaces):
            different.append(line)
    assert different == []
