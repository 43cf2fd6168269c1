"""Pieces laid beside their text: `pytest tests/evaluate/test_alignment.py`."""

import random
import unicodedata

import pytest

from xlmr_lab.evaluate.alignment import align, matches


def said(text, pieces):
    """Return each piece with the text of its span."""
    return [
        (piece, text[start:end])
        for piece, (start, end) in zip(pieces, align(text, pieces).tolist(), strict=True)
    ]


def test_pieces_of_words_by_hand():
    assert align("Hello, world", ["hell", "o", ",", "world"]).tolist() == [
        [0, 4],
        [4, 5],
        [5, 6],
        [7, 12],
    ]


@pytest.mark.parametrize(
    ("text", "pieces", "spans"),
    [
        ("caf\u00e9s", ["caf", "es"], ["caf", "\u00e9s"]),
        ("cafe\u0301s", ["caf", "e", "s"], ["caf", "e\u0301", "s"]),
        ("\u0301ab", ["a", "b"], ["a", "b"]),  # an accent with nothing before it
        ("\ufb01ne", ["\ufb01", "ne"], ["\ufb01", "ne"]),
        (
            "\ufb01ne",
            ["f", "in", "e"],
            ["\ufb01", "\ufb01n", "e"],
        ),  # both say a part of the ligature
        ("\u201ca\u201d \u2026", ['"', "a", '"', "..."], ["\u201c", "a", "\u201d", "\u2026"]),
        ("\u2729a\u2729 b", ["*", "a", "*", "b"], ["\u2729", "a", "\u2729", "b"]),
        ("\uff11\uff12\uff05", ["12", "%"], ["\uff11\uff12", "\uff05"]),
        ("a\u3000b", ["a", "b"], ["a", "b"]),
        ("x\u200by\ufeff z", ["xy", "z"], ["x\u200by\ufeff", "z"]),
        ('say "no".', ["say", '"', "no", '."'], ["say", '"', "no", '".']),
        (
            "\U0001f600\u200d\U0001f601!",
            ["\U0001f600\U0001f601", "!"],
            ["\U0001f600\u200d\U0001f601", "!"],
        ),
        (
            "\u0e19\u0e49\u0e33\u0e14\u0e35",
            ["\u0e19\u0e49", "\u0e33", "\u0e14\u0e35"],
            ["\u0e19\u0e49", "\u0e33", "\u0e14\u0e35"],
        ),  # Thai, with its marks: a tone mark, and an AM that has two parts
        ("\u0e19\u0e49\u0e14\u0e35", ["\u0e19", "\u0e14"], ["\u0e19\u0e49", "\u0e14\u0e35"]),
        (
            "\ud55c\uad6d",
            ["\u1112\u1161", "\u11ab", "\u1100\u116e\u11a8"],
            ["\ud55c", "\ud55c", "\uad6d"],
        ),  # Hangul, taken apart
        ("stra\u00dfe", ["stra", "s", "se"], ["stra", "\u00df", "\u00dfe"]),
        ("\u03a3\u03a3\u03a3", ["\u03c3\u03c3", "\u03c2"], ["\u03a3\u03a3", "\u03a3"]),
        ("a \u00b4 b", ["a", "\u00b4", "b"], ["a", "\u00b4", "b"]),
    ],
)
def test_text_that_is_hard(text, pieces, spans):
    assert [span for _, span in said(text, pieces)] == spans


def test_pieces_that_say_nothing_stand_where_the_next_one_begins():
    assert align("a b", ["a", "", "b", ""]).tolist() == [[0, 1], [2, 2], [2, 3], [3, 3]]
    assert align("", [""]).tolist() == [[0, 0]]
    assert align("a b", []).tolist() == []


def test_a_piece_of_which_nothing_is_in_the_text_has_what_stands_before_it():
    assert align("a b", ["a", "@", "b"]).tolist() == [[0, 1], [0, 1], [2, 3]]


def test_a_name_for_the_unknown_stands_for_the_text_that_it_hides():
    text = "the \u16a0\u16a1\u16a2 ran off"
    assert said(text, ["the", "[UNK]", "ran", "off"])[1] == ("[UNK]", "\u16a0\u16a1\u16a2")


def test_stretches_that_differ_are_told_as_a_whole():
    assert [tuple(m) for m in matches("abXYZcde", "ab12cde")][2] == (2, 5, 2, 4)
    assert [tuple(m) for m in matches("ab", "xyz")] == [(0, 2, 0, 3)]


def preprocessed(word, rng):
    """Return a word as a tokenizer might: lower-case, without accents or controls, marks
    exchanged."""
    exchanged = word.replace("\u201c", '"').replace("\u2026", "...").replace("\u3002", ".")
    lowered = unicodedata.normalize("NFD", exchanged.lower())
    kept = "".join(c for c in lowered if unicodedata.category(c)[0] not in "MC")
    first, last = sorted(rng.choices(range(len(kept) + 1), k=2))
    return [piece for piece in (kept[:first], kept[first:last], kept[last:]) if piece]


def test_in_long_random_text_each_piece_has_its_own_word():
    rng = random.Random(3)
    letters = (
        "abcdeABCDE\u00e9\u00c5\u0301\u0e01\u0e49\u0e2d\u4e16\u200d\U0001f600\u201c\u2026\u3002-1"
    )
    words = ["".join(rng.choices(letters, k=rng.randrange(1, 9))) for _ in range(800)]
    words = [word for word in words if not unicodedata.combining(word[0])]
    text = "  ".join(words)
    pieces, expected = [], []
    start = 0
    for word in words:
        cut = preprocessed(word, rng) if rng.random() < 0.98 else []  # some are dropped whole
        pieces += cut
        expected += [(start, start + len(word))] * len(cut)
        start += len(word) + 2
    spans = align(text, pieces).tolist()
    wrong = [
        (piece, text[start:end])
        for piece, (start, end), (first, last) in zip(pieces, spans, expected, strict=True)
        if not first <= start < end <= last
    ]
    assert len(wrong) < len(pieces) / 100, wrong[:5]
    assert spans == sorted(spans)
