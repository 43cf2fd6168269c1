"""The measures of a vocabulary on hand-worked cases, for every kind of subwords.

Run with: pytest tests/vocabulary/test_diagnostics.py
"""

import io
import json

import numpy as np
import pytest
import sentencepiece

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary import letters, overlap, scripts
from xlmr_lab.vocabulary.diagnostics import LanguageText, diagnose, fertility, pieces_used
from xlmr_lab.vocabulary.load import load
from xlmr_lab.vocabulary.premium import premiums
from xlmr_lab.vocabulary.settings import VocabularyConfig
from xlmr_lab.vocabulary.tokenizer import Tokenizer
from xlmr_lab.vocabulary.train import train
from xlmr_lab.vocabulary.wordpiece import WordPieceTokenizer

E_ACUTE, ACUTE, SNOWMAN = "\u00e9", "\u0301", "\u2603"


def characters(*lines: str, **options) -> Tokenizer:
    """Return a SentencePiece model whose pieces are the single characters of some lines."""
    writer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines * 10),
        model_writer=writer,
        minloglevel=2,
        hard_vocab_limit=False,
        max_sentencepiece_length=1,
        **{"vocab_size": 8, "character_coverage": 1.0} | options,
    )
    return Tokenizer(writer.getvalue())


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return characters("a b a b")


def text(*lines: str, unseen: bool = True) -> LanguageText:
    return LanguageText(rated=lines, unseen=unseen, used=lines, letters=letters.count(lines))


def test_a_row_is_worked_by_hand(tokenizer):
    # Pieces: space, a, space, b, space, unknown; the snowman takes three bytes.
    (row,) = fertility(tokenizer, {"qaa": ["a b \u2603"]})
    assert tokenizer.pieces("a b \u2603") == ["\u2581", "a", "\u2581", "b", "\u2581", "\u2603"]
    assert row == {
        "language": "qaa",
        "num_words": 3,
        "num_pieces": 6,
        "num_bytes": 7,
        "fertility": 2.0,
        "bytes_per_piece": 7 / 6,
        "unknown_rate": 1 / 6,
    }


def test_languages_keep_their_order(tokenizer):
    rows = fertility(tokenizer, {"qab": ["a"], "qaa": ["b a", "a"]})
    assert [row["language"] for row in rows] == ["qab", "qaa"]


def test_a_language_without_text_is_named(tokenizer):
    with pytest.raises(UserError, match="for qab"):
        fertility(tokenizer, {"qaa": ["a"], "qab": [" "]})


def test_a_letter_without_a_piece_is_lost_and_a_sign_is_no_letter(tokenizer):
    lines = ["abc", "ac\u2603"]
    found = letters.lost(tokenizer, "qaa", letters.count(lines), lines)
    assert found == [
        {
            "language": "qaa",
            "letter": "c",
            "code": "U+0063",
            "description": "latin small letter c",
            "letter_script": "Latn",
            "count": 2,
            "frequency": 2 / 5,
            "fate": "unknown",
        }
    ]
    assert letters.summary(letters.count(lines), found) == {
        "num_letters": 3,
        "letters_lost": 1,
        "letters_unseen": 0,
        "letters_in_bytes": 0,
        "share_lost": 2 / 5,
        "largest_lost": 2 / 5,
    }


def test_a_letter_of_held_out_text_alone_is_told_apart(tokenizer):
    lines = ["acd", "ac"]
    rows = letters.lost(tokenizer, "qaa", letters.count(lines), lines, unseen={"d": 1, "c": 1})
    assert [(row["letter"], row["fate"]) for row in rows] == [("c", "unknown"), ("d", "unseen")]
    summed = letters.summary(letters.count(lines), rows)
    assert (summed["letters_lost"], summed["letters_unseen"]) == (2, 1)


def test_letters_come_most_frequent_first_then_by_code_point(tokenizer):
    rows = letters.lost(tokenizer, "qaa", letters.count(["dcdc e"]), ["dcdc e"])
    assert [row["letter"] for row in rows] == ["c", "d", "e"]


def test_a_mark_that_is_known_with_its_letter_is_not_lost():
    """Normalisation makes one letter of e and an acute; an acute on x stays alone."""
    vocabulary = characters(f"e{E_ACUTE} x")
    kept = [f"e{ACUTE}"]
    assert letters.lost(vocabulary, "qaa", letters.count(kept), kept) == []
    lost = [f"x{ACUTE}"]
    (row,) = letters.lost(vocabulary, "qaa", letters.count(lost), lost)
    assert (row["letter"], row["fate"]) == (ACUTE, "unknown")


def test_what_is_spelled_in_bytes_is_not_lost():
    in_bytes = characters("a b", byte_fallback=True, vocab_size=300)
    (row,) = letters.lost(in_bytes, "qaa", letters.count(["ac"]), ["ac"])
    assert (row["letter"], row["fate"]) == ("c", "bytes")
    summed = letters.summary(letters.count(["ac"]), [row])
    assert (summed["letters_lost"], summed["letters_in_bytes"], summed["share_lost"]) == (0, 1, 0)


def test_what_normalisation_takes_away_is_missing(tmp_path):
    (tmp_path / "rules.tsv").write_text(f"{ord('c'):X}\t\n")
    vocabulary = characters("a b", normalization_rule_tsv=str(tmp_path / "rules.tsv"))
    (row,) = letters.lost(vocabulary, "qaa", letters.count(["ac"]), ["ac"])
    assert (row["letter"], row["fate"]) == ("c", "missing")


def test_characters_are_counted_over_texts_of_any_length(monkeypatch):
    whole = letters.count(["ab\U0001f600", "b", ""])
    assert whole == {"a": 1, "b": 2, "\U0001f600": 1}
    monkeypatch.setattr(letters, "_CHUNK_CHARACTERS", 1)
    assert letters.count(["ab\U0001f600", "b", ""]) == whole


def test_pieces_go_to_the_script_of_their_letters():
    hiragana, han, hangul, de = "\u3042", "\u4e00", "\uac00", "\u0434"
    names = ["\u2581the", "##ing", "7", "\u2581", hiragana + han, han, hangul + han, "a" + de]
    names += [f"x{ACUTE}", "<0x41>", "\u093f"]
    assert scripts.piece_scripts(names) == [
        *("Latn", "Latn", "none", "none", "Jpan", "Hani", "Kore", "mixed"),
        *("Latn", "bytes", "Deva"),
    ]


def test_pieces_are_counted_by_script_and_by_use(tokenizer):
    counts = {"qaa": pieces_used(tokenizer, "qaa", ["a a"])}
    rows = scripts.pieces_by_script(tokenizer, counts)
    assert [(row["script"], row["num_pieces"], row["num_used"]) for row in rows] == [
        ("Latn", 2, 1),
        ("none", 1, 1),
    ]
    assert sum(row["share"] for row in rows) == pytest.approx(1)


def test_unknown_pieces_are_nobodys(tokenizer):
    used = pieces_used(tokenizer, "qaa", [f"a{SNOWMAN}"])
    names = {tokenizer.names([i])[0]: n for i, n in enumerate(used.tolist()) if n}
    assert len(used) == tokenizer.size
    assert names == {"\u2581": 1, "a": 1}


COUNTS = {
    "qaa": np.array([0, 6, 2, 2, 0]),
    "qab": np.array([0, 3, 0, 0, 7]),
    "qac": np.array([0, 0, 0, 0, 1]),
}


def test_pieces_of_ones_own_are_those_that_no_other_uses():
    rows = overlap.owned(COUNTS)
    assert [tuple(row.values()) for row in rows] == [
        ("qaa", 3, 2, 0.4),
        ("qab", 2, 0, 0.0),
        ("qac", 1, 0, 0.0),
    ]


def test_overlap_is_jaccard_of_pieces_and_common_mass_of_use():
    """qaa and qab share one of four pieces, and 0.3 of their tokens; qab and qac 0.7 of theirs."""
    found = {(row["language"], row["other"]): row for row in overlap.pairs(COUNTS)}
    assert list(found) == [("qaa", "qab"), ("qaa", "qac"), ("qab", "qac")]
    assert found["qaa", "qab"]["of_pieces"] == 1 / 4
    assert found["qaa", "qab"]["of_use"] == pytest.approx(0.3)
    assert found["qaa", "qac"]["of_use"] == found["qaa", "qac"]["of_pieces"] == 0
    assert found["qab", "qac"]["of_pieces"] == 1 / 2
    assert found["qab", "qac"]["of_use"] == pytest.approx(0.7)


def test_a_language_shares_everything_with_itself():
    (row,) = overlap.pairs({"qaa": COUNTS["qaa"], "qab": 5 * COUNTS["qaa"]})
    assert (row["of_pieces"], row["of_use"]) == (1, pytest.approx(1))


def test_a_premium_by_hand(tokenizer):
    """Spaces count as letters do: "_ab" and "_a" have 5 pieces, "_a_b_a" and "_b" have 8."""
    rows = premiums(tokenizer, {"qaa": ["ab", "a"], "qab": ["a b a", "b"]}, "qaa")
    assert [(row["num_pieces"], row["num_original_pieces"]) for row in rows] == [(5, 5), (8, 5)]
    assert [row["premium"] for row in rows] == [1.0, 8 / 5]
    assert {row["num_sentences"] for row in rows} == {2}


def test_a_line_that_a_language_leaves_blank_is_left_out_for_it(tokenizer):
    rows = premiums(tokenizer, {"qaa": ["ab", "a"], "qab": ["", "b b"]}, "qaa")
    assert (rows[1]["num_sentences"], rows[1]["premium"]) == (1, 4 / 2)


def test_texts_that_are_not_aligned_are_refused(tokenizer):
    with pytest.raises(UserError, match="qab has 1 lines and qaa 2"):
        premiums(tokenizer, {"qaa": ["a", "b"], "qab": ["a"]}, "qaa")
    with pytest.raises(UserError, match=r"no parallel text in 'en'.*there is qaa"):
        premiums(tokenizer, {"qaa": ["a"]}, "en")
    with pytest.raises(UserError, match="no sentence in common"):
        premiums(tokenizer, {"qaa": ["a"], "qab": [""]}, "qaa")


def test_a_diagnosis_holds_a_row_for_each_language_with_all_measures(tokenizer):
    found = diagnose(tokenizer, {"qaa": text("a b", unseen=False), "qab": text("bbc")})
    first, second = found.languages
    assert (first["language"], first["unseen"], first["used_bytes"]) == ("qaa", False, 3)
    assert (second["letters_lost"], second["largest_lost"]) == (1, 1 / 3)
    assert (first["pieces_used"], first["pieces_own"]) == (3, 1)
    assert (second["pieces_used"], second["pieces_own"]) == (2, 0)
    assert [(row["language"], row["letter"]) for row in found.letters] == [("qab", "c")]
    assert [(row["language"], row["other"]) for row in found.overlap] == [("qaa", "qab")]
    assert found.scripts[0]["script"] == "Latn"


def test_only_so_many_lost_letters_are_listed_and_all_are_counted(tokenizer, monkeypatch):
    monkeypatch.setattr(letters, "MAX_LISTED", 2)
    found = diagnose(tokenizer, {"qaa": text("acdef")})
    assert [row["letter"] for row in found.letters] == ["c", "d"]
    assert found.languages[0]["letters_lost"] == 4


@pytest.fixture(scope="module")
def trained(documents, texts, sizes, tmp_path_factory):
    """Return a function that trains and loads a vocabulary of some settings on invented text."""

    def make(**settings):
        folder = tmp_path_factory.mktemp("trained")
        config = VocabularyConfig(size=400, sample_bytes=200_000, **settings)
        train(texts, sizes, folder, config=config, seed=1)
        return load(folder)

    return make


@pytest.mark.parametrize(
    "settings",
    [{}, {"model": "bpe"}, {"model": "wordpiece"}, {"model": "bpe", "byte_fallback": True}],
    ids=str,
)
def test_every_kind_of_vocabulary_is_measured(settings, trained, documents):
    vocabulary = trained(**settings)
    first, second = (documents[key][:40] for key in ("qaa", "qab"))
    strange = ["\u05d0 \u05d1\u05d0", *second]
    found = diagnose(vocabulary, {"qaa": text(*first), "qab": text(*strange)})
    latin, georgian = found.languages
    assert 1 < latin["fertility"] < 6
    assert latin["letters_lost"] == latin["unknown_rate"] == 0
    fates = {row["letter"]: row["fate"] for row in found.letters}
    expected = "bytes" if settings.get("byte_fallback") else "unknown"
    assert fates == {"\u05d0": expected, "\u05d1": expected}
    assert {row["script"] for row in found.scripts} >= {"Latn", "Geor"}
    assert sum(row["num_pieces"] for row in found.scripts) == vocabulary.size - 5
    assert latin["pieces_own"] + georgian["pieces_own"] <= vocabulary.size
    (pair,) = found.overlap
    assert pair["of_use"] < 0.4


def test_a_letter_that_only_begins_words_is_known_where_it_stands():
    """WordPiece has no piece for it inside a word, and needs none."""
    content = {"pieces": ["z", "a", "b", "o", "##a", "##b", "##o"], "lowercase": False}
    vocabulary = WordPieceTokenizer(json.dumps(content).encode())
    begins, inside = ["za zo"], ["aza bzb"]
    assert letters.lost(vocabulary, "qaa", letters.count(begins), begins) == []
    (row,) = letters.lost(vocabulary, "qaa", letters.count(inside), inside)
    assert (row["letter"], row["fate"]) == ("z", "unknown")


def test_lower_casing_takes_no_letter_away_but_its_marks(trained):
    """Accents go, the letters below them stay."""
    vocabulary = trained(model="bpe", preprocessing="tokenized_lowercased")
    lines = [f"Bada Ga{ACUTE}du"]
    (row,) = letters.lost(vocabulary, "en", letters.count(lines), lines)
    assert (row["letter"], row["fate"]) == (ACUTE, "missing")
