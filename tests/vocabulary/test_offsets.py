"""Spans of pieces in the original text: by hand, and as properties of text in many scripts.

Run with: pytest tests/vocabulary/test_offsets.py
"""

import io
import itertools
import json
import random
import unicodedata

import numpy as np
import pytest
import sentencepiece

from xlmr_lab.vocabulary.special_tokens import UNK_ID
from xlmr_lab.vocabulary.tokenizer import Tokenizer
from xlmr_lab.vocabulary.wordpiece import WordPieceTokenizer

LINES = [
    "the cat sat on the mat in the office",
    "\u0921\u093e\u0915 \u0915\u0940 \u092c\u093e\u0924",  # Devanagari
    "\u0645\u0631\u062d\u0628\u0627 \u0643\u062a\u0627\u0628",  # Arabic
    "\u4e16\u754c\u4f60\u597d",  # Han
    "caf\u00e9 na\u00efve \ud55c\uad6d\uc5b4",
] * 20
STRANGE = [
    "the office",
    "  the \t cat\n\nsat  ",
    "o\ufb03ce",  # LATIN SMALL LIGATURE FFI
    "\uff34\uff28\uff25 \uff43\uff41\uff54",  # full-width letters
    "\ufe97\ufe8e\ufe91 \ufdfa",  # Arabic presentation forms; a phrase in one character
    "cafe\u0301 nai\u0308ve \u1112\u1161\u11ab",  # NFD
    "a\u00a0cat\u3000sat\u200bon",  # spaces of other kinds
    "the\x07 cat\u00ad",  # BELL, SOFT HYPHEN
    "\u2603\U0001f600\u2603 cat",
    "the\u2581cat",
    "a \u00a8 \u00bd cat",  # NFKC makes a space and a mark of one, three characters of the other
    "\u2581",
    " ",
    "",
]
ALPHABET = sorted(set("".join(LINES + STRANGE)))


def trained(**options) -> Tokenizer:
    writer = io.BytesIO()
    settings = {"minloglevel": 2, "hard_vocab_limit": False, "character_coverage": 0.98, **options}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES), model_writer=writer, **settings
    )
    return Tokenizer(writer.getvalue())


MODELS = {
    "unigram": dict(vocab_size=90),
    "bpe": dict(vocab_size=70, model_type="bpe"),
    "bytes": dict(vocab_size=320, byte_fallback=True),
    "bytes of BPE": dict(vocab_size=320, byte_fallback=True, model_type="bpe"),
    "spaces behind": dict(vocab_size=90, treat_whitespace_as_suffix=True),
    "all spaces": dict(vocab_size=90, remove_extra_whitespaces=False),
    "no space before": dict(vocab_size=90, add_dummy_prefix=False),
    "as it is": dict(vocab_size=90, normalization_rule_name="identity"),
}


@pytest.fixture(scope="module", params=MODELS)
def tokenizer(request) -> Tokenizer:
    return trained(**MODELS[request.param])


@pytest.fixture(scope="module")
def unigram() -> Tokenizer:
    return trained(**MODELS["unigram"])


@pytest.fixture(scope="module")
def letters() -> Tokenizer:
    """One letter a piece, so that spans can be written down."""
    return trained(vocab_size=60, model_type="char")


@pytest.fixture(scope="module")
def wordpiece() -> WordPieceTokenizer:
    pieces = sorted({c for c in ALPHABET if c.isalpha()})
    values = {"pieces": [*pieces, *(f"##{c}" for c in pieces)], "lowercase": True}
    return WordPieceTokenizer(json.dumps(values).encode())


def strange_texts(count: int) -> list[str]:
    """Return texts of random characters of many kinds, and those written by hand."""
    rng = random.Random(1)
    made = ["".join(rng.choices(ALPHABET, k=rng.randrange(1, 30))) for _ in range(count)]
    return STRANGE + made


def spans(tokenizer, text: str) -> list[tuple[str, str]]:
    """Return name and text of each piece."""
    ids, found = tokenizer.offsets(text)
    return [
        (name, text[start:end])
        for name, (start, end) in zip(tokenizer.names(ids), found.tolist(), strict=True)
    ]


def test_a_letter_has_its_place_and_a_space_none(letters):
    ids, found = letters.offsets("at  a")
    assert letters.names(ids) == ["\u2581", "a", "t", "\u2581", "a"]
    assert found.tolist() == [[0, 0], [0, 1], [1, 2], [4, 4], [4, 5]]
    assert (ids.dtype, found.dtype) == (np.int32, np.int64)


def test_parts_of_a_ligature_have_its_whole_span(letters):
    assert spans(letters, "o\ufb03c")[1:] == [
        ("o", "o"),
        *[("f", "\ufb03"), ("f", "\ufb03"), ("i", "\ufb03")],
        ("c", "c"),
    ]


def test_a_composed_letter_has_the_span_of_its_parts(letters):
    assert spans(letters, "e\u0301t")[1:] == [("\u00e9", "e\u0301"), ("t", "t")]


def test_a_character_that_is_dropped_belongs_to_the_one_before(letters):
    assert spans(letters, "a\x07t")[1:] == [("a", "a\x07"), ("t", "t")]


def test_a_space_inside_one_character_has_its_span(letters):
    ids, found = letters.offsets("a\ufdfat")
    assert letters.names(ids).count("\u2581") == 4  # one is put in front
    assert found[1:3].tolist() == [[0, 1], [1, 2]]
    assert {tuple(span) for span in found[2:-1].tolist()} == {(1, 2)}
    assert found[-1].tolist() == [2, 3]


def test_bytes_of_a_letter_have_its_whole_span():
    found = spans(trained(**MODELS["bytes"]), "a \u2603\u2603")
    assert found[-6:] == [(f"<0x{byte:02X}>", "\u2603") for byte in "\u2603\u2603".encode()]


def test_an_unknown_run_has_its_span(unigram):
    ids, found = unigram.offsets("the \u2603\u2604 cat")
    (unknown,) = np.flatnonzero(ids == UNK_ID)
    assert found[unknown].tolist() == [4, 6]


def test_spaces_behind_words_are_in_no_span():
    found = spans(trained(**MODELS["spaces behind"]), " the  cat ")
    assert "".join(text for _, text in found) == "thecat"


@pytest.mark.parametrize("text", STRANGE)
def test_each_id_that_encode_gives_has_a_span(tokenizer, wordpiece, text):
    for used in (tokenizer, wordpiece):
        ids, found = used.offsets(text)
        np.testing.assert_array_equal(ids, used.encode([text])[0])
        assert found.shape == (len(ids), 2)


def test_spans_are_ordered_and_within_the_text(tokenizer, wordpiece):
    for used, text in itertools.product((tokenizer, wordpiece), strange_texts(300)):
        _, found = used.offsets(text)
        assert (found[:, 0] <= found[:, 1]).all(), repr(text)
        assert (np.diff(found, axis=0) >= 0).all(), repr(text)
        assert not len(found) or (0 <= found.min() and found.max() <= len(text)), repr(text)


def test_all_that_is_no_space_is_in_a_span_and_no_space_begins_or_ends_one(tokenizer):
    normalize = tokenizer._processor.normalize
    for text in strange_texts(300):
        _, found = tokenizer.offsets(text)
        covered = np.zeros(len(text) + 1, bool)
        for start, end in found.tolist():
            covered[start:end] = True
            if end - start > 1:
                assert normalize(text[start]).strip("\u2581") or text[start] == "\u2581"
        for i in np.flatnonzero(~covered[: len(text)]).tolist():
            assert not normalize(text[i]).strip("\u2581"), (text, i)


def test_the_text_of_a_span_normalises_to_its_piece(tokenizer):
    """Exactly where no neighbour shares a character with it; elsewhere it holds the piece."""
    normalize = tokenizer._processor.normalize
    for text in strange_texts(300):
        ids, found = tokenizer.offsets(text)
        names = tokenizer.names(ids)
        for number, (start, end) in enumerate(found.tolist()):
            if ids[number] == UNK_ID or names[number].startswith("<0x"):
                continue
            others = np.delete(found, number, axis=0)
            shares = ((others[:, 0] < end) & (others[:, 1] > start)).any()
            made = normalize(text[start:end]).strip("\u2581")
            wanted = names[number].strip("\u2581")
            assert wanted in made if shares else wanted == made, (text, number)


def test_an_answer_is_found_again_by_its_pieces(tokenizer):
    """The pieces that touch a word, put together, are that word."""
    for text in ("In  the o\ufb03ce, cafe\u0301s", " \uff43\uff41\uff54 \u2603 \u0921\u093e\u0915"):
        _, found = tokenizer.offsets(text)
        for word in text.replace(",", " ").split():
            start, end = text.index(word), text.index(word) + len(word)
            touching = found[(found[:, 0] < end) & (found[:, 1] > start)]
            assert touching[0, 0] == start
            assert touching[-1, 1] in (end, end + 1)  # the comma may be in the last piece
            assert text[touching[0, 0] : end] == word


def test_words_of_wordpiece_have_their_spans(wordpiece):
    assert spans(wordpiece, "  Cafe\u0301, \u4e16\u754c!") == [
        *[("c", "C"), ("##a", "a"), ("##f", "f"), ("##e", "e\u0301")],
        ("<unk>", ","),
        *[("\u4e16", "\u4e16"), ("\u754c", "\u754c")],
        ("<unk>", "!"),
    ]


def test_of_wordpiece_too_all_that_is_no_space_is_in_a_span(wordpiece):
    for text in strange_texts(300):
        _, found = wordpiece.offsets(text)
        covered = np.zeros(len(text) + 1, bool)
        for start, end in found.tolist():
            covered[start:end] = True
        for i in np.flatnonzero(~covered[: len(text)]).tolist():
            dropped = unicodedata.category(text[i]) in ("Cc", "Cf", "Mn", "Zs")
            assert dropped or text[i] == "\ufffd", (text, i)
