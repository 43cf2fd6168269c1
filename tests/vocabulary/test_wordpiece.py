"""WordPiece in the same id layout: by hand, and the pieces that BERT's own code makes.

Run with: pytest tests/vocabulary/test_wordpiece.py
"""

import json
import pickle
import random

import numpy as np
import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary.special_tokens import FIRST_PIECE_ID, UNK_ID
from xlmr_lab.vocabulary.wordpiece import WORDPIECE_NAME, WordPieceTokenizer

PIECES = ["the", "cat", "##s", "play", "##ing", ".", "\u4e16", "caf\u00e9", "cafe", "##\u00e9", "<"]


def content(pieces=PIECES, **changes) -> bytes:
    values = {
        "pieces": pieces,
        "lowercase": False,
        "max_word_characters": 100,
        "continuing_prefix": "##",
    }
    return json.dumps(values | changes).encode()


@pytest.fixture(scope="module")
def cased() -> WordPieceTokenizer:
    return WordPieceTokenizer(content())


@pytest.fixture(scope="module")
def lowercased() -> WordPieceTokenizer:
    return WordPieceTokenizer(content(lowercase=True))


def test_pieces_follow_the_four_specials_and_the_mask_is_last(cased):
    assert cased.size == FIRST_PIECE_ID + len(PIECES) + 1
    assert cased.names(range(6)) == ["<s>", "<pad>", "</s>", "<unk>", "the", "cat"]
    assert cased.names([cased.size - 1]) == ["<mask>"]


def test_words_are_cut_into_the_longest_pieces_from_their_beginning(cased):
    (ids,) = cased.encode(["the cats playing."])
    assert cased.names(ids) == ["the", "cat", "##s", "play", "##ing", "."]
    assert cased.pieces("the cats") == ["the", "cat", "##s"]
    assert ids.tolist() == [4, 5, 6, 7, 8, 9]
    assert ids.dtype == np.int32


def test_a_word_that_cannot_be_cut_is_unknown_as_a_whole(cased):
    assert cased.encode(["the catx"])[0].tolist() == [4, UNK_ID]


def test_han_characters_stand_apart_and_control_characters_are_dropped(cased):
    assert cased.pieces("the\u4e16the\0\ufffd\x07s") == ["the", "\u4e16", "the", "##s"]


def test_only_a_lower_cased_vocabulary_drops_case_and_accents(cased, lowercased):
    assert cased.pieces("The caf\u00e9") == ["<unk>", "caf\u00e9"]
    assert lowercased.pieces("The caf\u00e9") == ["the", "cafe"]


def test_a_word_may_have_as_many_characters_as_the_file_says():
    tokenizer = WordPieceTokenizer(content(max_word_characters=4))
    assert tokenizer.pieces("cats play playing") == ["cat", "##s", "play", "<unk>"]


def test_text_that_spells_a_special_stays_text(cased):
    (ids,) = cased.encode(["<s> <mask> <unk>"])
    assert cased.names(ids) == ["<", "<unk>", "<unk>"] * 3


def test_ids_decode_to_words_between_spaces_without_specials(cased):
    (ids,) = cased.encode(["the cats, playing."])
    assert cased.decode([0, *ids, 2, 1, cased.size - 1]) == "the cats \u2047 playing ."


def test_no_text_has_no_ids(cased):
    assert cased.encode([]) == []
    assert [len(ids) for ids in cased.encode(["", " \n"])] == [0, 0]


def test_the_fingerprint_is_that_of_the_file_and_other_processes_see_the_same(cased, lowercased):
    again = pickle.loads(pickle.dumps(cased))
    assert again.fingerprint == cased.fingerprint != lowercased.fingerprint
    assert again.pieces("the cats") == ["the", "cat", "##s"]


@pytest.mark.parametrize("method", ["encode", "pieces", "offsets"])
def test_a_lone_surrogate_is_refused(cased, method):
    with pytest.raises(UserError, match=r"text 0 has the lone surrogate U\+DC80 at character 1"):
        getattr(cased, method)(["a\udc80"] if method == "encode" else "a\udc80")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (b"", "not a WordPiece vocabulary but an empty file"),
        (b"[UNK]\nthe\n", "not a WordPiece vocabulary but a vocab.txt of BERT; give a Sent"),
        (b"the\n", "not a WordPiece vocabulary but a text file"),
        (b"\n\x0e\n\x05<unk>\x15\0\0\0\0\x18\x02", "not a .* but a SentencePiece model; give"),
        (
            b'{"added_tokens": []}',
            "not a WordPiece vocabulary but a tokenizer.json of Hugging Face",
        ),
        (content(["a", "a"]), "the pieces hold 'a' twice or as a special"),
        (content(["<mask>"]), "the pieces hold '<mask>' twice or as a special"),
        (content(max_word_characters=0), "max_word_characters must be at least 1, got 0"),
        (content(continued="@@"), "unknown setting 'continued'"),
        (b'{"pieces": ["a"]}', "lowercase must be given"),
    ],
)
def test_a_file_that_is_no_wordpiece_vocabulary_is_named(given, message, tmp_path):
    (tmp_path / WORDPIECE_NAME).write_bytes(given)
    with pytest.raises(UserError, match=f"{WORDPIECE_NAME}: {message}"):
        WordPieceTokenizer.load(tmp_path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=f"no vocabulary at .*; looked for .*{WORDPIECE_NAME}"):
        WordPieceTokenizer.load(tmp_path)


SCRIPTS = {
    "Latin": "abcde\u00e9\u0142\u1ea1AB\u00c9",
    "Greek": "\u03b1\u03ac\u03b2\u0391\u0386",
    "Cyrillic": "\u0430\u0439\u0451\u0416",
    "Arabic": "\u0628\u064e\u062a\u0643",
    "Devanagari": "\u0915\u093f\u094d\u0928",
    "Thai": "\u0e01\u0e34\u0e48",
    "Han": "\u4e16\u754c",
    "kana": "\u3042\u30ac",
    "Hangul": "\ud55c\uad6d",
    "marks": ".,!\u3002\u060c\u00bf'-\u201c",
}


@pytest.mark.slow
@pytest.mark.parametrize("lowercase", [False, True])
def test_pieces_are_those_of_bert(lowercase, tmp_path):
    legacy = pytest.importorskip("transformers.models.bert.tokenization_bert_legacy")
    letters = sorted(set("".join(SCRIPTS.values())))
    rng = random.Random(1)
    joined = {"##" + rng.choice(letters) + rng.choice(letters) for _ in range(80)}
    pieces = [*letters, *(f"##{c}" for c in letters), *sorted(joined)]
    vocabulary = tmp_path / "vocab.txt"
    vocabulary.write_text("\n".join(["[UNK]", *pieces]), encoding="utf-8")
    theirs = legacy.BertTokenizerLegacy(str(vocabulary), do_lower_case=lowercase)
    ours = WordPieceTokenizer(content(pieces, lowercase=lowercase))
    for _ in range(400):
        script = rng.choice([*SCRIPTS.values(), "".join(letters) + "xyz"])
        text = "".join(rng.choices(script + "  \t\u00a0\u200b" + SCRIPTS["marks"], k=30))
        expected = [p if p != "[UNK]" else "<unk>" for p in theirs.tokenize(text)]
        assert ours.pieces(text) == expected
        assert ours.names(ours.encode([text])[0]) == expected
