"""What one reading of a text tells: sizes, characters as the vocabulary will see them, new words.

Run with: pytest tests/vocabulary/test_text_counts.py
"""

import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary import sentencepiece_trainer, text_counts, wordpiece_trainer
from xlmr_lab.vocabulary.sample import BATCH_LINES, TextSize
from xlmr_lab.vocabulary.text_counts import alphabet, losses


def count(lines: list[str], language: str = "qaa") -> text_counts.TextCounts:
    return text_counts.count(iter(lines), language, sentencepiece_trainer.Normalizer())


def test_a_text_is_counted_by_hand():
    found = count(["ab \u10d0", "ab"])  # GEORGIAN LETTER AN
    assert found.size == TextSize(num_bytes=8, num_sentences=2)
    assert found.characters == {"a": 2, "b": 2, "\u10d0": 1}
    assert found.num_characters == 9  # a space before each word, and one between the lines
    assert found.new_words == (3 + 2) / 9  # "ab " and the Georgian letter with its space


def test_characters_are_counted_as_the_vocabulary_will_see_them():
    composed = "\u00e9"  # LATIN SMALL LETTER E WITH ACUTE
    assert count(["e\u0301"]).characters == {composed: 1}
    assert count(["\ufb01"]).characters == {"f": 1, "i": 1}  # LATIN SMALL LIGATURE FI
    wordpiece = text_counts.count(["e\u0301"], "qaa", wordpiece_trainer.Normalizer())
    assert wordpiece.characters == {"e": 1, "\u0301": 1}


def test_characters_that_sentencepiece_keeps_for_itself_are_not_counted():
    assert count(["a \u2581 \u2585 \t \0"]).characters == {"a": 1}


def test_distinct_words_are_bounded_by_the_text_and_by_the_sample():
    text = count(["ab cd ab cd"] * 10)  # 12 characters a line, 9 spaces between lines
    assert text.num_characters == 129
    assert text.new_words == 6 / 129
    assert text.distinct_characters(1.0) == pytest.approx(6)
    assert text.distinct_characters(7.0) == pytest.approx(6)
    assert text.distinct_characters(0.01) == pytest.approx(1.29)


def test_the_words_of_a_part_are_its_share_at_least():
    text = count(["ab cd ab cd"] * 10)
    assert (text.num_words, text.growth) == (2, 0.0)
    assert text.least_words(1.0) == text.least_words(7.0) == 2
    assert text.least_words(0.25) == 0.5


def test_beyond_what_was_counted_words_grow_half_as_fast(monkeypatch):
    """Each line brings a word of its own."""
    monkeypatch.setattr(text_counts, "WORDS_CHARACTERS", 1)
    text = count([f"{number:09}" for number in range(4 * BATCH_LINES)])
    assert (text.num_words, text.growth) == (BATCH_LINES, 0.0)  # one batch says nothing of growth
    monkeypatch.setattr(text_counts, "WORDS_CHARACTERS", 15 * BATCH_LINES)
    text = count([f"{number:09}" for number in range(8 * BATCH_LINES)])
    assert (text.num_words, text.growth) == (2 * BATCH_LINES, 1.0)
    assert text.least_words(1.0) == pytest.approx(2 * 2 * BATCH_LINES, rel=1e-3)


def test_an_alphabet_has_the_frequent_characters_first():
    # 6 a, 3 b, 1 c, 1 d: nine of eleven are covered by a and b.
    characters = {"d": 1, "c": 1, "a": 6, "b": 3}
    assert alphabet(characters, 9 / 11) == {"a", "b"}
    assert alphabet(characters, 0.85) == {"a", "b", "c"}
    assert alphabet(characters, 1.0) == {"a", "b", "c", "d"}


def test_an_alphabet_keeps_letters_that_are_rare_only_beside_signs():
    # Of 1000 characters z is one in 1000, of the 100 letters it is one in 100.
    characters = {"!": 900, "a": 98, "y": 1, "z": 1}
    assert alphabet(characters, 0.998) == {"!", "a", "y", "z"}
    assert alphabet(characters, 0.98) == {"!", "a"}


def test_losses_are_worked_by_hand():
    assert losses({"a": 6, "b": 3, "c": 1}, {"a"}) == {
        "num_characters": 3,
        "num_characters_lost": 2,
        "share_lost": 0.4,
        "largest_lost": 0.3,
    }


@pytest.mark.parametrize("lines", [[], ["\u200b"], ["\0"]])  # ZERO WIDTH SPACE, NUL
def test_a_language_without_a_character_is_named(lines):
    with pytest.raises(UserError, match="no text for qab to train a vocabulary on"):
        count(lines, "qab")


def test_half_of_a_surrogate_pair_is_named():
    with pytest.raises(UserError, match=r"text of qab .* surrogate pair, U\+D83D"):
        count(["a", "b \ud83d c"], "qab")
