"""A trimmed vocabulary cuts text of the kept languages as the whole one did.

Run with: pytest tests/vocabulary/test_surgery.py
"""

import io
import json
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
import sentencepiece

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary import model_proto, surgery
from xlmr_lab.vocabulary.model_proto import ModelProto, Piece
from xlmr_lab.vocabulary.preprocessed import PreprocessedVocabulary
from xlmr_lab.vocabulary.special_tokens import FIRST_PIECE_ID, mask_id
from xlmr_lab.vocabulary.surgery import changed_lines, merges, trim
from xlmr_lab.vocabulary.tokenizer import Tokenizer
from xlmr_lab.vocabulary.wordpiece import WordPieceTokenizer

UNKNOWN = "\u2603"  # SNOWMAN, in no text


def lines_of(documents, key: str) -> list[str]:
    return [line for text in documents[key] for line in text.split("\n") if line]


def trained(lines: list[str], **options) -> bytes:
    writer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=writer, minloglevel=2, num_threads=1, **options
    )
    return writer.getvalue()


@pytest.fixture(scope="module")
def lines(documents) -> dict[str, list[str]]:
    return {key: lines_of(documents, key) for key in documents}


@pytest.fixture(scope="module", params=["unigram", "bpe", "bytes"])
def model(request, lines) -> bytes:
    options = {
        "unigram": {"vocab_size": 450},
        "bpe": {"vocab_size": 600, "model_type": "bpe"},
        "bytes": {"vocab_size": 700, "byte_fallback": True},
    }[request.param]
    return trained(lines["qaa"] + lines["qab"], **options)


def by_hand(*pieces: tuple[str, float]) -> bytes:
    """Return a unigram model of given pieces and scores, without normalisation."""
    donor = model_proto.read(trained(["ab"] * 9, vocab_size=6, normalization_rule_name="identity"))
    ordinary = [Piece(text, score) for text, score in pieces]
    return model_proto.write(ModelProto([*donor.pieces[:3], *ordinary], donor.rest))


def test_kept_are_used_pieces_and_characters_and_ids_close_ranks_by_hand():
    """Ids 4 to 9 are _, a, b, ab, ba, c; of the text "ab ab" _ and ab are used, and a and b are
    its characters; c is the worst piece, and prices what is unknown; ba goes."""
    pieces = (("\u2581", -1.0), ("a", -4.0), ("b", -4.0), ("ab", -2.0), ("ba", -2.0), ("c", -9.0))
    model = by_hand(*pieces)
    change = trim(Tokenizer(model), model, {"xx": ["ab ab"]})
    assert change.old_ids.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 9, 10]
    made = Tokenizer(change.content)
    assert made.names(range(made.size)) == [
        *("<s>", "<pad>", "</s>", "<unk>", "\u2581", "a", "b", "ab", "c", "<mask>"),
    ]
    assert change.record["share_kept"] == 5 / 6
    assert change.record["languages"] == {"xx": {"num_lines": 1, "pieces_used": 2}}
    assert change.record["size"] == made.size == 10


def test_pieces_below_the_least_count_go_but_no_character():
    pieces = (("\u2581", -1.0), ("a", -4.0), ("b", -4.0), ("ab", -2.0), ("ba", -2.0), ("c", -9.0))
    model = by_hand(*pieces)
    text = {"xx": ["ab ab ba", "ab"]}
    twice = Tokenizer(trim(Tokenizer(model), model, text, min_count=2).content)
    assert twice.pieces("ab ba") == ["\u2581", "ab", "\u2581", "b", "a"]
    once = Tokenizer(trim(Tokenizer(model), model, text).content)
    assert once.pieces("ab ba") == ["\u2581", "ab", "\u2581", "ba"]


def test_text_of_kept_pieces_is_cut_as_before(model, lines):
    """The law of the module, on text that was not used to trim as well."""
    old = Tokenizer(model)
    change = trim(old, model, {"qaa": lines["qaa"][:200]})
    new = Tokenizer(change.content)
    assert new.size < old.size
    kept, checked, changed = set(change.old_ids.tolist()), 0, 0
    tests = [*lines["qaa"], *lines["qab"], *(f"{line} {UNKNOWN}" for line in lines["qaa"][:300])]
    for text, before, after in zip(tests, old.encode(tests), new.encode(tests), strict=True):
        if set(before.tolist()) <= kept:
            np.testing.assert_array_equal(change.old_ids[after], before, err_msg=text)
            checked += 1
        else:
            changed += 1
    assert checked > len(lines["qaa"][:200]) + 300
    assert changed


def test_lines_that_changed_are_counted(model, lines):
    old = Tokenizer(model)
    change = trim(old, model, {"qaa": lines["qaa"]})
    new = Tokenizer(change.content)
    own, other = changed_lines(old, new, change.old_ids, lines)
    assert own == {
        "language": "qaa",
        "num_lines": len(lines["qaa"]),
        "num_changed": 0,
        "share_changed": 0.0,
        "unknown_rate_before": 0.0,
        "unknown_rate": 0.0,
    }
    assert other["num_changed"] == other["num_lines"] == len(lines["qab"])


def test_what_became_unknown_is_told_as_a_share_of_the_pieces():
    """Of "a c" c was known and goes: of _ a _ c one piece in four."""
    pieces = (("\u2581", -1.0), ("a", -4.0), ("b", -9.0), ("c", -5.0))
    model = by_hand(*pieces)
    change = trim(Tokenizer(model), model, {"xx": ["a b"]})
    (row,) = changed_lines(
        Tokenizer(model), Tokenizer(change.content), change.old_ids, {"xx": ["a c"]}
    )
    assert (row["unknown_rate_before"], row["unknown_rate"]) == (0.0, 0.25)


class Read:
    """Lines that are made anew each time they are gone through, as those of a corpus are read."""

    def __init__(self, num_lines: int) -> None:
        self.num_lines = num_lines

    def __iter__(self) -> Iterator[str]:
        return (f"ab ba {number % 2 * 'ab'}" + " " * 1000 for number in range(self.num_lines))


def test_text_is_read_and_not_held(monkeypatch):
    """Ten MB of lines, of which a hundred are in memory at a time."""
    monkeypatch.setattr(surgery, "CHUNK_LINES", 100)
    pieces = (("\u2581", -1.0), ("a", -4.0), ("b", -4.0), ("ab", -2.0), ("ba", -2.0), ("c", -9.0))
    model, text = by_hand(*pieces), {"xx": Read(10_000)}
    tracemalloc.start()
    try:
        change = trim(Tokenizer(model), model, text)
        (row,) = changed_lines(Tokenizer(model), Tokenizer(change.content), change.old_ids, text)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    assert change.record["languages"] == {"xx": {"num_lines": 10_000, "pieces_used": 3}}
    assert (row["num_lines"], row["num_changed"]) == (10_000, 0)


def test_what_is_unknown_keeps_its_price():
    """Unknown costs ten more than the worst piece: here 40, so -1 - 19 - 19 beats -1 - 40 - 1;
    without the unused y of -30 it would be 29, and -1 - 29 - 1 would win."""
    pieces = (("\u2581", -1.0), ("\u2603q", -19.0), ("z", -19.0), ("qz", -1.0), ("y", -30.0))
    model = by_hand(*pieces)
    old = Tokenizer(model)
    change = trim(old, model, {"xx": ["\u2603qz qz"]})
    cut = ["\u2581", "\u2603q", "z"]
    assert old.pieces("\u2603qz") == Tokenizer(change.content).pieces("\u2603qz") == cut
    proto = model_proto.read(change.content)
    cheaper = ModelProto([p for p in proto.pieces if p.text != "y"], proto.rest)
    assert Tokenizer(model_proto.write(cheaper)).pieces("\u2603qz") == ["\u2581", UNKNOWN, "qz"]


def test_merges_by_hand():
    """abc is made of a and bc where that merge comes first."""
    scores = {"ab": -2.0, "bc": -1.0, "abc": -3.0}
    assert list(merges("abc", scores)) == ["bc", "abc"]
    assert list(merges("aab", {"aa": -1.0, "ab": -1.0})) == ["aa"]
    assert list(merges("xyz", scores)) == []


def test_pieces_on_the_way_of_merges_stay(lines):
    """Without them no piece of three characters can be made."""
    model = trained(lines["qaa"], vocab_size=600, model_type="bpe")
    old = Tokenizer(model)
    change = trim(old, model, {"qaa": lines["qaa"][:30]})
    used = np.unique(np.concatenate(old.encode(lines["qaa"][:30])))
    names = {old.names([i])[0] for i in change.old_ids[FIRST_PIECE_ID:-1]}
    beside = names - set(old.names(used))
    assert any(len(name) > 1 for name in beside)
    row = changed_lines(old, Tokenizer(change.content), change.old_ids, {"qaa": lines["qaa"][:30]})
    assert row[0]["num_changed"] == 0


def test_specials_and_bytes_stay_where_they_were(lines):
    model = trained(lines["qaa"], vocab_size=650, byte_fallback=True)
    change = trim(Tokenizer(model), model, {"qaa": lines["qaa"][:3]})
    new = Tokenizer(change.content)
    assert new.names([0, 1, 2, 3, mask_id(new.size)]) == [
        *("<s>", "<pad>", "</s>", "<unk>", "<mask>")
    ]
    assert new.pieces(UNKNOWN) == ["\u2581", "<0xE2>", "<0x98>", "<0x83>"]
    assert change.old_ids[-1] == mask_id(Tokenizer(model).size)


def test_the_specifications_of_the_model_are_kept(model, lines):
    change = trim(Tokenizer(model), model, {"qaa": lines["qaa"][:3]})
    assert model_proto.read(change.content).rest == model_proto.read(model).rest


def wordpiece(*pieces: str) -> bytes:
    return json.dumps({"pieces": pieces, "lowercase": False}).encode()


def test_wordpiece_keeps_used_pieces_and_characters_in_both_forms():
    content = wordpiece("a", "b", "c", "##a", "##b", "##c", "ab", "##ab", "abc", "abab")
    old = WordPieceTokenizer(content)
    text = ["abab ab"]
    assert old.pieces(text[0]) == ["abab", "ab"]
    change = trim(old, content, {"xx": text})
    new = WordPieceTokenizer(change.content)
    names = ["a", "b", "##a", "##b", "ab", "abab"]
    assert new.names(range(FIRST_PIECE_ID, new.size - 1)) == names
    assert old.names(change.old_ids) == new.names(range(new.size))
    assert new.pieces("abab ab ba") == ["abab", "ab", "b", "##a"]
    assert new.pieces("abc") == ["<unk>"]


def test_pieces_are_counted_behind_the_preprocessing(lines):
    """An upper-cased line needs the lower-cased pieces alone."""
    pytest.importorskip("sacremoses")
    model = trained([*lines["qaa"], "ABCDEFG HIJKLMNOP " * 3], vocab_size=300)
    old = PreprocessedVocabulary(Tokenizer(model), "tokenized_lowercased")
    change = trim(old, model, {"en": [lines["qaa"][0].upper()]})
    names = Tokenizer(change.content).names(range(FIRST_PIECE_ID, len(change.old_ids) - 1))
    assert sum(name.lower() != name for name in names) <= 1  # the worst piece may have capitals


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({}, "no languages to keep"),
        ({"sw": []}, "no text of sw"),
        ({"qaa": ["a b"], "sw": ["", "  "]}, "no text of sw"),
    ],
)
def test_languages_without_text_are_refused(texts, message, lines):
    model = trained(lines["qaa"], vocab_size=100)
    with pytest.raises(UserError, match=message):
        trim(Tokenizer(model), model, texts)


def test_other_kinds_of_models_and_counts_are_refused():
    model = trained(["the cat sat", "a dog"] * 9, vocab_size=8, model_type="word")
    with pytest.raises(UserError, match="of kind word is not trimmed; unigram and bpe are"):
        trim(Tokenizer(model), model, {"xx": ["the cat"]})
    with pytest.raises(UserError, match="min_count must be at least 1, got 0"):
        trim(Tokenizer(model), model, {"xx": ["the cat"]}, min_count=0)
