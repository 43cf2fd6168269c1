"""A text in pieces reads as it was written, in its own direction, and each piece is named."""

import html
import re

import polars as pl

from xlmr_lab.figures import segmentation


def cut(*rows: tuple[str, int, int, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=("piece", "id", "start", "end"), orient="row")


def alone(text: str, pieces: pl.DataFrame) -> str:
    """Return a text as one vocabulary cuts it, as HTML."""
    return segmentation.compared(text, {"": pieces})._repr_html_()


TWO = cut(("\u2581a", 7, 0, 1), ("b<", 8, 1, 3))


def text_line(shown: str) -> str:
    """Return what the line of text reads, without markup."""
    line = shown.split("pre-wrap'>")[1].split("</div>")[0]
    return html.unescape(re.sub("<[^>]*>", "", line))


def test_the_text_stands_as_it_was_given_with_pieces_and_ids_below() -> None:
    shown = alone("ab<", TWO)
    assert text_line(shown) == "ab<"
    assert "2 pieces" in shown
    assert "title='\u2581a, id 7, characters 0 to 1'" in shown
    assert "b&lt;, id 8" in shown
    assert shown.count("flex-direction:column") == 2


def test_what_no_piece_stands_for_is_kept_without_colour() -> None:
    pieces = cut(("\u2581a", 7, 0, 1), ("\u2581b", 8, 3, 4), ("\u2581", 5, 4, 4))
    shown = alone("a  b ", pieces)
    assert text_line(shown) == "a  b "
    assert shown.count("title=") == 2


def test_two_pieces_of_one_character_show_it_once() -> None:
    pieces = cut(("f", 7, 0, 1), ("i", 8, 0, 1), ("x", 9, 1, 2))
    assert text_line(alone("\ufb01x", pieces)) == "\ufb01x"


def test_arabic_and_hebrew_run_from_right_to_left_with_ids_from_left_to_right() -> None:
    for letter in ("\u0645", "\u05d0"):
        shown = alone(f"2 {letter}", cut((letter, 7, 2, 3)))
        assert shown.count("dir='rtl'") == 2
        assert shown.count("dir='ltr'") == 1
    shown = alone("a \u0645", cut(("a", 7, 0, 1)))
    assert "dir='rtl'" not in shown


def test_a_piece_reads_in_its_own_direction() -> None:
    """As `7)` in a Hebrew text, which its row would turn round."""
    shown = alone("\u05d0 7)", cut(("7)", 7, 2, 4)))
    assert re.search(r"<span dir='auto' [^>]*>7\)</span>", shown)


def test_unknown_pieces_are_red_and_counted() -> None:
    shown = alone("a\u2603", cut(("a", 7, 0, 1), ("\u2603", 3, 1, 2)))
    assert "1 unknown" in shown
    assert shown.count(segmentation.UNKNOWN_COLOR) == 2


def test_a_vowel_sign_alone_stands_on_a_dotted_circle() -> None:
    shown = alone("\u093f", cut(("\u093f", 7, 0, 1)))
    assert "\u25cc\u093f" in shown
    assert text_line(shown) == "\u093f"


def test_two_vocabularies_stand_one_below_the_other() -> None:
    shown = segmentation.compared(
        "ab<", {"this vocabulary": TWO, "the other": cut(("ab<", 9, 0, 3))}
    )._repr_html_()
    assert "this vocabulary</b>: 2 pieces" in shown
    assert "the other</b>: 1 piece<" in shown


def test_each_vocabulary_says_how_finely_it_cuts() -> None:
    """Six bytes and two words: three bytes a piece and one piece a word, or two and one and a
    half.
    """
    one = cut(("\u0431 ", 7, 0, 2), ("\u0432c", 8, 2, 4))
    other = cut(("\u0431", 7, 0, 1), ("\u0432", 3, 2, 3), ("c", 9, 3, 4))
    made = segmentation.compared("\u0431 \u0432c", {"one": one, "<two>": other, "gone": "no file"})
    shown = made._repr_html_()
    assert "one</b>: 2 pieces<" in shown
    assert "1.00 pieces per word<br>3.00 bytes per piece" in shown
    assert "&lt;two&gt;</b>: 3 pieces, 1 unknown<" in shown
    assert "1.50 pieces per word<br>2.00 bytes per piece" in shown
    assert "gone</b>: not cut" in shown
    assert "no file" in shown
    short = segmentation.compared("ab<", {"": TWO}, ids=False)._repr_html_()
    assert text_line(short) == "ab<"
    assert "flex-direction:column" not in short


def test_no_text_asks_for_some() -> None:
    assert "write something" in alone("", TWO.head(0))
