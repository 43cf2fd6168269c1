"""Other tokenizers as text encoders: `pytest
tests/evaluate/huggingface/test_huggingface_text.py`."""

import random
import unicodedata

import numpy as np
import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.huggingface import open_encoder
from xlmr_lab.evaluate.huggingface_text import of_tokenizer

KINDS = ("xlm-roberta", "roberta", "bert", "mbert", "xlm", "xlnet")

HARD = [
    "The cat sat on the mat.",
    "  the  cat\t\nsat ",
    "caf\u00e9 cafe\u0301 na\u00efve",  # accents of one character and of two
    "\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22 \u0e19\u0e49\u0e33",  # Thai
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e",  # Devanagari
    "\U0001f600 ok \U0001f468\u200d\U0001f469 \U0001f1e9\U0001f1ea",  # emoji, joined ones, a flag
    "\ufb01ne \ufb02y \ufb03",  # ligatures
    "\u4e16\u754c\u3000\u4f60\u597d\u3002\u65e5\u672c\u8a9e",  # ideographs, ideographic space
    "\uff21\uff22\uff23 \uff11\uff12\uff01",  # full-width forms
    '\u201cbut\u201d \u2018he\u2019 said: \u2026 "no".',
    "a\u00a0b\u2003c\u200bd\ufeffe",  # spaces of all kinds, and none
    "\u16a0\u16a1 the \U00013000 cat",  # what has no piece
    "\ud55c\uad6d\uc5b4 \u1112\u1161\u11ab",  # Hangul, composed and taken apart
    "",
    " \u3000 ",
]


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def text_of(folder_of):
    return lambda kind: open_encoder(str(folder_of(kind)))[1]


def said(text_encoder, text):
    _, spans = text_encoder.offsets(text, "en")
    return [text[start:end] for start, end in spans.tolist()]


@pytest.mark.slow
def test_ids_are_those_of_the_librarys_own_call(kind, text_of, folder_of, library):
    theirs = library.AutoTokenizer.from_pretrained(folder_of(kind))
    for text, ids in zip(HARD, text_of(kind).encode(HARD, "en"), strict=True):
        assert ids.tolist() == theirs(text, add_special_tokens=False)["input_ids"]
        assert ids.dtype == np.int32


def test_offsets_have_the_ids_of_encode(kind, text_of):
    encoder = text_of(kind)
    for text in HARD:
        ids, spans = encoder.offsets(text, "en")
        assert ids.tolist() == encoder.encode([text], "en")[0].tolist()
        assert spans.shape == (len(ids), 2)
        assert spans.dtype == np.int64


def check_spans(text, spans):
    """Assert what is true of all spans: within the text, in order, no space at an end, and nothing
    outside of all of them but spaces, and marks and controls with nothing before them in their
    word."""
    starts, ends = spans[:, 0].tolist(), spans[:, 1].tolist()
    assert all(0 <= start <= end <= len(text) for start, end in spans.tolist()), text
    assert starts == sorted(starts), text
    assert ends == sorted(ends), text
    assert all(text[start:end] == text[start:end].strip() for start, end in spans.tolist()), text
    covered = {i for start, end in spans.tolist() for i in range(start, end)}
    dropped_before = True
    for i, c in enumerate(text):
        if i not in covered and not c.isspace():
            assert dropped_before, (text, i)
            assert unicodedata.category(c)[0] in "MC", (text, i)
        dropped_before = c.isspace() or (dropped_before and i not in covered)


def test_spans_cover_the_text_but_its_spaces(kind, text_of):
    encoder = text_of(kind)
    for text in HARD:
        check_spans(text, encoder.offsets(text, "en")[1])


def test_spans_cover_random_text_but_its_spaces(kind, text_of):
    encoder = text_of(kind)
    rng = random.Random(5)
    parts = [*"".join(HARD), " ", " ", "the", "cat"]
    for _ in range(150):
        text = "a" + "".join(rng.choices(parts, k=rng.randrange(12)))
        check_spans(text, encoder.offsets(text, "en")[1])


def test_spans_by_hand(text_of):
    """A word is found again from the spans of its pieces, whatever the pieces are."""
    for kind in KINDS:
        encoder = text_of(kind)
        _, spans = encoder.offsets("the  caf\u00e9\u3000dogs", "en")
        for start, end in ((0, 3), (5, 9), (10, 14)):
            inside = [(a, b) for a, b in spans.tolist() if a < end and b > start]
            assert (inside[0][0], inside[-1][1]) == (start, end), kind


def test_parts_of_a_character_have_its_whole_span(text_of):
    assert said(text_of("roberta"), "\u16a0a") == ["\u16a0", "\u16a0", "\u16a0", "a"]
    ids, spans = text_of("xlm-roberta").offsets("a \u2026")  # three full stops
    assert len(ids) > 3
    assert spans[-3:].tolist() == [[2, 3]] * 3


def test_a_piece_of_nothing_but_a_space_stands_where_the_word_begins(text_of):
    encoder = text_of("xlm-roberta")
    ids, spans = encoder.offsets("a \u16a0")
    assert spans[-2:].tolist() == [[2, 2], [2, 3]]
    assert ids[-1] == encoder.layout.unk_id


def test_a_dropped_accent_belongs_to_its_letter(text_of):
    assert said(text_of("bert"), "e\u0301 a") == ["e\u0301", "a"]
    assert said(text_of("xlm"), "E\u0301 a") == ["E\u0301", "a"]


def test_characters_that_become_one_are_in_its_span(text_of):
    encoder = text_of("xlnet")
    assert [word for word in said(encoder, "a ``b'' ''c") if word] == [
        "a",
        "``",
        "b",
        "''",
        "''",
        "c",
    ]
    check_spans("``a", encoder.offsets("``a")[1])


def test_names_of_specials_in_a_text_are_text(kind, text_of):
    encoder = text_of(kind)
    specials = {*encoder.layout.begin, *encoder.layout.end, encoder.layout.pad_id}
    text = "a <s> </s> <pad> [CLS] [SEP] [PAD] [MASK] <mask> <cls> <sep> <special1> b"
    (ids,) = encoder.encode([text], "en")
    assert not specials & set(ids.tolist())
    assert encoder.offsets(text, "en")[0].tolist() == ids.tolist()


def test_a_name_of_a_special_has_the_pieces_of_its_letters(text_of):
    for kind, name in (("roberta", "<mask>"), ("bert", "[MASK]")):
        encoder = text_of(kind)
        ids, spans = encoder.offsets(name, "en")
        assert len(ids) > 2, kind
        assert ids[0] == encoder.encode([name[0]], "en")[0][0] != encoder.layout.unk_id
        assert spans[0].tolist() == [0, 1]


def test_the_mark_of_a_space_in_a_text_is_a_space(text_of):
    assert [word for word in said(text_of("xlm-roberta"), "a\u2581 b\u2581") if word] == ["a", "b"]


@pytest.mark.parametrize(
    ("kind", "names", "segments", "label_at"),
    [
        ("xlm-roberta", "<s> | </s> </s> | </s>", (0, 0, 0), "first"),
        ("roberta", "<s> | </s> </s> | </s>", (0, 0, 0), "first"),
        ("bert", "[CLS] | [SEP] | [SEP]", (0, 1, 0), "first"),
        ("mbert", "[CLS] | [SEP] | [SEP]", (0, 1, 0), "first"),
        ("xlm", "<s> | </s> | </s>", (0, 0, 0), "first"),
        ("xlnet", " | <sep> | <sep> <cls>", (0, 1, 2), "last"),
    ],
)
def test_layouts_by_hand(kind, names, segments, label_at, text_of, folder_of, library):
    layout = text_of(kind).layout
    theirs = library.AutoTokenizer.from_pretrained(folder_of(kind))
    found = [
        " ".join(theirs.convert_ids_to_tokens(list(ids)))
        for ids in (layout.begin, layout.between, layout.end)
    ]
    assert " | ".join(found) == names
    assert (layout.segments, layout.label_at) == (segments, label_at)
    assert (layout.pad_id, layout.unk_id) == (theirs.pad_token_id, theirs.unk_token_id)


def test_one_text_and_two_are_laid_out_as_the_tokenizer_does_itself(
    kind, text_of, folder_of, library
):
    encoder = text_of(kind)
    theirs = library.AutoTokenizer.from_pretrained(folder_of(kind))
    for first, second in (("the cat", "dogs ran off"), ("fine", "the mat and")):
        a, b = encoder.encode([first, second], "en")
        one, two = (
            theirs(*texts, return_token_type_ids=True) for texts in ((first,), (first, second))
        )
        for row, expected in ((encoder.layout.single(a), one), (encoder.layout.pair(a, b), two)):
            assert row.ids.tolist() == expected["input_ids"]
            if encoder.layout.has_segments:
                assert row.segments.tolist() == expected["token_type_ids"]


def test_words_are_encoded_as_they_stand_behind_a_space(kind, text_of, folder_of, library):
    encoder = text_of(kind)
    words = ["the", "Cat", "dogs.", "caf\u00e9"]
    more = {"add_prefix_space": True} if kind == "roberta" else {}
    theirs = library.AutoTokenizer.from_pretrained(folder_of(kind), **more)
    if kind == "xlm":
        expected = [theirs(word, add_special_tokens=False)["input_ids"] for word in words]
    else:
        found = theirs(words, is_split_into_words=True, add_special_tokens=False)
        expected = [
            [i for i, w in zip(found["input_ids"], found.word_ids(), strict=True) if w == number]
            for number in range(len(words))
        ]
    assert [ids.tolist() for ids in encoder.encode_words(words, "en")] == expected


def test_a_word_behind_a_space_is_another_one_for_roberta_only(text_of):
    for kind in KINDS:
        encoder = text_of(kind)
        same = encoder.encode(["the"], "en")[0].tolist() == (
            encoder.encode_words(["the"], "en")[0].tolist()
        )
        assert same == (kind != "roberta")


def test_xlm_cuts_words_by_the_rules_of_the_language(text_of):
    xlm = text_of("xlm")
    thai = "\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22\u0e40\u0e1b\u0e47\u0e19"
    english, cut = (xlm.encode([thai], key)[0].tolist() for key in ("en", "th"))
    assert english != cut
    check_spans(thai, xlm.offsets(thai, "th")[1])
    chinese = "\u4e16\u754c\u4f60\u597d\u3002\u65e5\u672c"
    assert xlm.encode([chinese], "zh-Hans")[0].tolist() != xlm.encode([chinese], "en")[0].tolist()
    check_spans(chinese, xlm.offsets(chinese, "zh-Hans")[1])
    with pytest.raises(UserError, match="needs the language of the text"):
        xlm.encode(["a"])


def test_a_language_whose_library_is_missing_is_told_in_one_line(text_of):
    with pytest.raises(UserError, match=r"needs Mykytea for text of 'ja', which is not installed"):
        text_of("xlm").encode(["a"], "ja")


def test_what_is_no_text_is_refused(kind, text_of):
    encoder = text_of(kind)
    with pytest.raises(UserError, match="encode takes a list of texts"):
        encoder.encode("the cat", "en")
    for call in (encoder.offsets, lambda text, key: encoder.encode([text], key)):
        with pytest.raises(UserError, match=r"lone surrogate U\+D83D"):
            call("a\ud83d", "en")
    assert encoder.encode([], "en") == []


def test_fingerprints_name_the_vocabulary_and_its_rules(text_of, folder_of, change, tmp_path):
    prints = {kind: text_of(kind).fingerprint for kind in KINDS}
    assert len(set(prints.values())) == len(KINDS)
    for kind in ("bert", "xlm"):
        assert text_of(kind).fingerprint == prints[kind]
    moved = change(folder_of("xlm"), tmp_path / "moved", "tokenizer_config.json")
    assert open_encoder(str(moved))[1].fingerprint == prints["xlm"]
    cased = change(
        moved, tmp_path / "cased", "tokenizer_config.json", do_lowercase_and_remove_accent=False
    )
    assert open_encoder(str(cased))[1].fingerprint != prints["xlm"]


def test_what_a_tokenizer_cuts_and_pads_by_itself_makes_no_difference(folder_of, change, tmp_path):
    cutting = {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0}
    padding = {
        "strategy": {"Fixed": 9},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "[PAD]",
    }
    whole = change(  # of a class that takes its file as it stands
        folder_of("bert"),
        tmp_path / "whole",
        "tokenizer_config.json",
        tokenizer_class="PreTrainedTokenizerFast",
    )
    cut = change(whole, tmp_path / "cut", "tokenizer.json", truncation=cutting, padding=padding)
    plain, changed = (open_encoder(str(folder))[1] for folder in (whole, cut))
    assert changed.fingerprint == plain.fingerprint
    for text in ("the", "the cat sat on the mat and the dogs ran"):
        assert changed.encode([text])[0].tolist() == plain.encode([text])[0].tolist()
        assert len(changed.offsets(text)[0]) == len(plain.offsets(text)[0])


def test_the_librarys_own_calls_change_nothing(library, folder_of):
    """They set on its tokenizer what they were called with."""
    theirs = library.AutoTokenizer.from_pretrained(folder_of("bert"))
    encoder = of_tokenizer(theirs, size=len(theirs), has_segments=True)
    text = "the cat [MASK] on"
    before = encoder.encode([text, "the"])
    theirs([text, "the"], padding="max_length", max_length=12)
    theirs([text, "the"], truncation=True, max_length=3)
    after = encoder.encode([text, "the"])
    assert [ids.tolist() for ids in after] == [ids.tolist() for ids in before]


def test_an_xlm_that_keeps_case_and_accents_has_their_spans(folder_of, change, tmp_path):
    folder = change(
        folder_of("xlm"),
        tmp_path / "x",
        "tokenizer_config.json",
        do_lowercase_and_remove_accent=False,
    )
    encoder = open_encoder(str(folder))[1]
    assert said(encoder, "\u0e19\u0e49") == ["\u0e19", "\u0e49"]
    for text in HARD:
        check_spans(text, encoder.offsets(text, "en")[1])


def test_the_length_of_a_list_makes_no_difference(kind, text_of):
    """As it would if the library padded or cut."""
    encoder = text_of(kind)
    together = encoder.encode(["the cat", "the dogs ran " * 50], "en")
    apart = [encoder.encode([text], "en")[0] for text in ("the cat", "the dogs ran " * 50)]
    assert [ids.tolist() for ids in together] == [ids.tolist() for ids in apart]
