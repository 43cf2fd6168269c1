"""An extended vocabulary serves the new language and cuts the old ones as before.

Run with: pytest tests/vocabulary/test_extension.py
"""

import io
import re

import numpy as np
import pytest
import sentencepiece

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary import exact_sums, extension, model_proto, surgery
from xlmr_lab.vocabulary.diagnostics import fertility
from xlmr_lab.vocabulary.extension import extend
from xlmr_lab.vocabulary.model_proto import ModelProto, Piece
from xlmr_lab.vocabulary.special_tokens import UNK_ID, mask_id
from xlmr_lab.vocabulary.surgery import NEW, changed_lines
from xlmr_lab.vocabulary.tokenizer import Tokenizer

SPACE = "\u2581"
NUM_PIECES = 50


def trained(lines: list[str], **options) -> bytes:
    writer = io.BytesIO()
    settings = {"minloglevel": 2, "num_threads": 1, "hard_vocab_limit": False, **options}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=writer, **settings
    )
    return writer.getvalue()


@pytest.fixture(scope="module")
def lines(documents) -> dict[str, list[str]]:
    return {
        key: [line for text in texts for line in text.split("\n") if line]
        for key, texts in documents.items()
    }


@pytest.fixture(scope="module")
def old(lines) -> bytes:
    """A vocabulary of the first language alone, in Latin script."""
    return trained(lines["qaa"], vocab_size=400)


@pytest.fixture(scope="module")
def georgian(old, lines):
    """That vocabulary with some pieces of the second language, in Georgian script."""
    return grown(old, lines["qab"], {"qaa": lines["qaa"]}, num_pieces=NUM_PIECES)


def grown(old: bytes, text: list[str], guard: dict[str, list[str]], **options):
    settings = {"language": "qab", "num_pieces": 20, "coverage": 1.0, **options}
    return extend(old, text, guard, **settings)


def test_ids_of_old_pieces_stay_and_mask_is_last(old, georgian):
    before, after = Tokenizer(old), Tokenizer(georgian.change.content)
    assert after.size == before.size + NUM_PIECES
    last = mask_id(before.size)
    assert after.names(range(last)) == before.names(range(last))
    assert after.names([mask_id(after.size)]) == ["<mask>"]
    assert georgian.change.old_ids.tolist() == [*range(last), *[NEW] * NUM_PIECES, last]
    proto, more = model_proto.read(old), model_proto.read(georgian.change.content)
    assert more.pieces[: len(proto.pieces)] == proto.pieces
    assert more.rest == proto.rest


def test_text_of_the_old_language_is_cut_as_before(old, georgian, lines):
    before, after = Tokenizer(old), Tokenizer(georgian.change.content)
    (row,) = changed_lines(before, after, georgian.change.old_ids, {"qaa": lines["qaa"]})
    assert row["num_lines"] > 1000
    assert row["num_changed"] == 0


def test_new_pieces_are_used_and_nothing_is_unknown(old, georgian, lines):
    (before,) = fertility(Tokenizer(old), {"qab": lines["qab"]})
    (after,) = fertility(Tokenizer(georgian.change.content), {"qab": lines["qab"]})
    assert before["unknown_rate"] > 0.3
    assert after["unknown_rate"] == 0
    ids = np.concatenate(Tokenizer(georgian.change.content).encode(lines["qab"]))
    new = range(mask_id(Tokenizer(old).size), mask_id(Tokenizer(georgian.change.content).size))
    idle = Tokenizer(georgian.change.content).names(set(new) - set(ids.tolist()))
    assert all(len(name) == 1 for name in idle)
    letters = set("".join(lines["qab"])) - set(". ")
    assert georgian.change.record["characters_added"] == len(letters)
    assert letters <= set(Tokenizer(georgian.change.content).names(new))


def test_more_pieces_cut_the_language_into_fewer(old, georgian, lines):
    more = grown(old, lines["qab"], {}, num_pieces=65)
    few, many = (
        fertility(Tokenizer(e.change.content), {"qab": lines["qab"]})[0]["fertility"]
        for e in (georgian, more)
    )
    assert many < 0.95 * few


def test_a_piece_that_guarded_text_would_use_is_not_added(old, lines):
    """The new language is written as the old one, in part with its words."""
    text = [line.replace("a", "e") for line in lines["qaa"][:300]]
    words = grown(old, text, {})
    guard = {"qaa": lines["qaa"][300:500]}
    guarded = grown(old, text, guard)
    tokenizers = [Tokenizer(e.change.content) for e in (words, guarded)]
    changed = [
        changed_lines(Tokenizer(old), tokenizer, e.change.old_ids, guard)[0]["num_changed"]
        for tokenizer, e in zip(tokenizers, (words, guarded), strict=True)
    ]
    assert changed[0] > 0
    assert changed[1] == 0
    assert guarded.change.record["dropped_for_guard"] > 0
    assert guarded.change.record["guard"] == {"qaa": 200}


@pytest.mark.parametrize("chunk", [7, 40])
def test_a_guard_is_kept_however_few_of_its_lines_are_held(old, lines, monkeypatch, chunk):
    """A piece that takes the place of one that went is dropped by an earlier line or by its own."""
    text = [line.replace("a", "e") for line in lines["qaa"][:300]]
    guard = {"qaa": lines["qaa"][300:400], "qab": [line.replace("o", "e") for line in text[:50]]}
    whole = grown(old, text, guard)
    for module in (extension, surgery):
        monkeypatch.setattr(module, "CHUNK_LINES", chunk)
    parts = grown(old, text, {key: iter_anew(group) for key, group in guard.items()})
    assert parts.change.record["guard"] == whole.change.record["guard"]
    dropped = [e.change.record["dropped_for_guard"] for e in (whole, parts)]
    assert 0 < dropped[1] <= dropped[0]
    for row in changed_lines(
        Tokenizer(old), Tokenizer(parts.change.content), parts.change.old_ids, guard
    ):
        assert row["num_changed"] == 0


def iter_anew(lines: list[str]):
    """Return the lines as something that can only be gone through."""
    return type("Lines", (), {"__iter__": lambda _: iter(lines)})()


def test_a_new_character_that_guarded_text_has_stays_unknown_and_is_told(old):
    text = ["\u10d0\u10d1 \u10d1\u10d0"] * 30
    extension = grown(old, text, {"qaa": ["ba \u10d0"]}, num_pieces=1)
    assert extension.change.record["characters_dropped_for_guard"] == ["\u10d0"]
    after = Tokenizer(extension.change.content)
    assert UNK_ID in after.encode(["\u10d0"])[0]
    assert UNK_ID not in after.encode(["\u10d1"])[0]


def test_scores_are_on_the_scale_of_the_old_model(old, georgian, lines):
    """A piece that both have, such as the full stop, has its old score, and new ones stand to it as
    in a model of the language alone: within what another size of that model changes."""
    proto, more = model_proto.read(old), model_proto.read(georgian.change.content)
    own = model_proto.read(trained(lines["qab"], vocab_size=140))
    scores = {p.text: p.score for p in own.pieces}
    new = [p for p in more.pieces[len(proto.pieces) :] if p.text in scores]
    assert len(new) > 40
    shifts = np.array([p.score - scores[p.text] for p in new])
    common = {p.text: p.score for p in proto.pieces if p.text in (SPACE, ".")}
    wanted = [score - scores[text] for text, score in common.items()]
    assert min(wanted) - 1 < np.median(shifts) < max(wanted) + 1
    assert shifts.std() < 0.5
    assert min(p.score for p in more.pieces) == min(p.score for p in proto.pieces)


def test_scores_of_new_pieces_add_up_exactly(old, georgian):
    exact = exact_sums.with_exact_scores(old)
    extension = grown(exact, ["\u10d0\u10d1 \u10d1\u10d0"] * 9, {}, num_pieces=2)
    for model in (georgian.change.content, extension.change.content):
        new = model_proto.read(model).pieces[-2:]
        assert exact_sums.are_exact(ModelProto(new, b""))
    assert exact_sums.are_exact(model_proto.read(extension.change.content))


def test_sources_are_what_stood_for_a_piece_before(old, georgian):
    before = Tokenizer(old)
    new = model_proto.read(georgian.change.content).pieces[-NUM_PIECES:]
    assert len(georgian.sources) == NUM_PIECES
    for piece, source in zip(new, georgian.sources, strict=True):
        start = [SPACE] if piece.text.startswith(SPACE) else []
        assert before.names(source) == start  # all else was unknown


def test_a_source_is_cut_as_it_stands_within_a_word(old, lines):
    """The old pieces of a new one spell it, without a space that is not its own."""
    text = [line.replace("a", "e") for line in lines["qaa"][:300]]
    extension = grown(old, text, {})
    new = model_proto.read(extension.change.content).pieces[-20:]
    assert any(not piece.text.startswith(SPACE) for piece in new)
    for piece, source in zip(new, extension.sources, strict=True):
        names = Tokenizer(old).names(source)
        assert "".join(names) == piece.text
        assert len(names) > 1


def test_the_same_text_gives_the_same_bytes(old, georgian, lines):
    again = grown(old, lines["qab"], {"qaa": lines["qaa"]}, num_pieces=NUM_PIECES)
    assert again.change.content == georgian.change.content
    assert again.sources == georgian.sources


def test_text_is_normalised_as_the_old_model_does(lines):
    """Full-width letters become plain ones, in pieces too."""
    old = trained(lines["qaa"], vocab_size=100)
    text = ["".join(chr(ord(c) + 0xFEE0) if c.isalpha() else c for c in x) for x in lines["qaa"]]
    extension = grown(old, text[:500], {}, num_pieces=10)
    new = model_proto.read(extension.change.content).pieces[-10:]
    assert all(piece.text.removeprefix(SPACE).rstrip(".").isascii() for piece in new)


def test_more_than_the_text_supports_is_refused_with_what_it_does(old):
    text = ["\u10d0\u10d1 \u10d1\u10d0 \u10d1"] * 5
    with pytest.raises(UserError, match="text of qab supports") as refused:
        grown(old, text, {}, num_pieces=500)
    told = re.search(
        r"supports (\d+) new pieces, asked for 500; set surgery\.pieces=(\d+)", str(refused.value)
    )
    possible = int(told[1])
    assert possible == int(told[2]) > 2
    grown(old, text, {}, num_pieces=possible)
    with pytest.raises(UserError, match=f"supports {possible} new pieces"):
        grown(old, text, {}, num_pieces=possible + 1)


@pytest.mark.parametrize(
    ("text", "guard", "message"),
    [
        ([], {}, "no text of qab"),
        (["", "  "], {}, "no text of qab"),
        (["\u10d0"] * 9, {"qaa": ["\u10d0"]}, "nothing to add for qab: .* would change text"),
    ],
)
def test_nothing_to_add_is_told(old, text, guard, message):
    with pytest.raises(UserError, match=message):
        grown(old, text, guard)


def test_a_text_whose_pieces_are_all_there_adds_nothing():
    old = trained(["a"] * 9, vocab_size=5)
    with pytest.raises(UserError, match="every piece that it uses is there already"):
        grown(old, ["a"] * 9, {})


def test_other_models_and_counts_are_refused(old, lines):
    bpe = trained(lines["qaa"], vocab_size=200, model_type="bpe")
    for content in (bpe, b'{"pieces": ["a"]}'):
        with pytest.raises(UserError, match="only unigram vocabularies are extended"):
            grown(content, lines["qab"], {})
    with pytest.raises(UserError, match="pieces must be at least 1, got 0"):
        grown(old, lines["qab"], {}, num_pieces=0)


def test_fewer_pieces_than_new_characters_are_refused(old, lines):
    told = r"qab has \d\d characters that are not there, .* set surgery\.pieces=\d\d or more"
    with pytest.raises(UserError, match=told):
        grown(old, lines["qab"], {}, num_pieces=5)


def test_the_piece_type_is_ordinary(georgian):
    assert all(
        piece == Piece(piece.text, piece.score)
        for piece in model_proto.read(georgian.change.content).pieces[-NUM_PIECES:]
    )


def test_text_with_the_mark_of_unknown_pieces_is_learned_from(old, georgian, lines):
    marked = [f"{line} \u2585" for line in lines["qab"]]
    made = grown(old, marked, {"qaa": lines["qaa"]}, num_pieces=NUM_PIECES).change.content
    names = [piece.text for piece in model_proto.read(made).pieces]
    assert names == [piece.text for piece in model_proto.read(georgian.change.content).pieces]


def test_a_lone_surrogate_is_told(old):
    with pytest.raises(UserError, match=r"lone surrogate U\+D83D"):
        grown(old, ["a \ud83d"], {})
