"""Wikitext: the words of an article and none of its markup."""

import time

import pytest

from xlmr_lab.corpus import wikitext

SWAHILI = (*wikitext.FILES_AND_CATEGORIES, "picha", "jamii")


def plain(text: str) -> list[str]:
    return wikitext.plain_text(text, SWAHILI).splitlines()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("just words", ["just words"]),
        ("'''Bold''' and ''italic'' and '''''both'''''", ["Bold and italic and both"]),
        ("l''''eau''' d'un", ["l'eau d'un"]),
        ("a [[link]], a [[target|label]], [[Rift Valley]]s", ["a link, a label, Rift Valleys"]),
        ("[[a#part|b]] [[a (x)|]]", ["b"]),
        ("[[Picha:x y.jpg|thumb|100px|words [[link]] more]]after", ["after"]),
        ("[[File:x.png|thumb|a [http://x.example b] c]]", []),
        ("[[Hình:Lake.JPG|thumb|its namespace has another name]]words", ["words"]),
        ("[[Jamii:Nchi]]\n[[category:x|*]]\n[[en:Country]]\n[[zh-min-nan:x]]", []),
        ("[http://x.example the words] and [http://x.example]", ["the words and"]),
        ("[https://x.example/a?b=c&d=e ''words'' [[here]]]", ["words here"]),
        (
            'One.<ref>two</ref> Three<ref name=a/>, <ref name="b/c">{{cite|x}}</ref>four.',
            ["One. Three, four."],
        ),
        ("{{Infobox\n| a = {{b|c}}\n| d = [[e]]\n}}\nWords{{f|{{g}}|{{{h}}}}}.", ["Words."]),
        ("{| class=x\n|-\n! a\n| b {{c}}\n{|\n| inner\n|}\n|}\nwords", ["words"]),
        ("<table><tr><td>x</table>words", ["words"]),
        ("== Heading ==\n=== [[Sub]] ===\nwords\n----\n__NOTOC__", ["Heading", "Sub", "words"]),
        ("* one\n** two\n# three\n: four\n; five", ["one", "two", "three", "four", "five"]),
        ("<!-- a\n\nb -->words<!-- unclosed\nend", ["words"]),
        ("a<br/>b <small>c</small> H<sub>2</sub>O <span style='x'>d</span>", ["a b c H2O d"]),
        ("x <math>\\frac{a}{b}</math> y <gallery>\nFile:a.jpg|b\n</gallery>", ["x y"]),
        ("a&nbsp;b &amp; c &lt;d&gt; &ndash; e", ["a b & c \u2013 e"]),
        ("{{lang|fr|mots}} {{formatnum:1234}} {{nowrap|a b}}", ["mots 1234 a b"]),
        ("Ali ({{lang-ar|x [[y]]}}; {{IPA|z}}) ni", ["Ali ni"]),
        ("-{zh-hans:a;zh-hant:b}- -{c}-", ["a c"]),
        ("<nowiki>it</nowiki> <poem>is</poem>", ["it is"]),
        ("[[Picha:x.jpg|thumb|words\n[[link]]\n\nmore]]after", ["after"]),
        ("Ali ({{lang-ar|}}, 1900; {{IPA|z}}) ni {{IPA|z}}, a", ["Ali (1900; ) ni, a"]),
        ("", []),
        ("'''\n{{a}}\n()\n*\n==  ==", []),
    ],
)
def test_the_words_stay_and_the_markup_goes(text: str, expected: list[str]) -> None:
    assert plain(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{Infobox\n| a = b\n| c\nWords after.", ["Infobox", "Words after."]),
        ("words {{a}} more}} and [[more", ["words more and more"]),
        ("{| \n| cell\n\nWords after.", ["Words after."]),
        ("one <ref>two\n\nthree", ["one two", "three"]),
        ("[[File:a.jpg|thumb|b\n\nWords after.", ["Words after."]),
        ("'''one two", ["one two"]),
    ],
)
def test_what_never_closes_does_not_swallow_the_rest(text: str, expected: list[str]) -> None:
    got = plain(text)
    assert got[-1] == expected[-1]
    assert not any(mark in line for line in got for mark in ("[[", "]]", "{{", "}}", "'''", "<ref"))


@pytest.mark.parametrize(
    "line",
    [
        "a [[b]] c [[d|e f]] g",
        "'''A''' ni [[b c|d]]s na ''e''.",
        "''[[a|b]]'' '''[[c]]'''",
        "[http://x.example/y words of it] z",
        "l'a [[d'e|f]] g's",
        "[[Picha:x.jpg]] a [[Jamii:b]]",
    ],
)
def test_simple_lines_come_out_as_the_parser_has_them(line: str) -> None:
    simple = wikitext.simple_words(line, SWAHILI)
    assert simple is not None
    assert simple == wikitext.parsed_words(line, SWAHILI)


@pytest.mark.parametrize("number", ["1" * 11, "9" * 5000])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a &#{}; b", "a \ufffd b"),
        ("a &#{} b [[c", "a \ufffd b c"),
        ("a &amp;#{}; b", "a \ufffd b"),
        ("a &&#{0};#{0}; b", None),
        ("a &amp;amp;#{}; b", None),
    ],
)
def test_numbers_of_many_digits_are_no_characters(
    number: str, text: str, expected: str | None
) -> None:
    (got,) = plain(text.format(number))
    assert got[:1] + got[-1:] in ("ab", "ac")
    assert expected in (None, got)


def test_words_of_tables_are_left_to_the_parser() -> None:
    assert wikitext.simple_words("a | b", SWAHILI) is None
    assert wikitext.simple_words("[[a|b|c]]", SWAHILI) is None


@pytest.mark.parametrize(
    "text",
    [
        "{{" * 50_000,
        "[[" * 20_000,
        "<ref>" * 20_000,
        "'" * 50_000,
        "{|\n" * 30_000,
        "}}" * 9999,
        " " * 200_000 + "(",
        "(" * 50_000 + ", " * 50_000,
        "=" * 50_000 + "x",
    ],
)
def test_hostile_text_takes_no_time(text: str) -> None:
    start = time.process_time()
    plain(text + " words")
    assert time.process_time() - start < 5
