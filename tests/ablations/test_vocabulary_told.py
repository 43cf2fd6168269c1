"""What was measured of a vocabulary, in words.

Run with: pytest tests/ablations/test_vocabulary_told.py
"""

from xlmr_lab.ablations import vocabulary_told

ROW = {
    "language": "sw",
    "unseen": True,
    "fertility": 2.041,
    "bytes_per_piece": 3.404,
    "unknown_rate": 0.00621,
    "letters_lost": 3,
    "letters_unseen": 0,
    "num_letters": 1665,
    "pieces_used": 2363,
}
PAID = {"language": "sw", "original": "en", "premium": 1.257}


def notes(*rows: dict[str, object], premiums: tuple[dict[str, object], ...] = ()) -> str:
    return "\n".join(vocabulary_told.notes(rows, premiums))


def test_a_language_is_a_row():
    header, rows = vocabulary_told.rows([ROW], [])
    assert rows == [("sw", "2.04", "3.40", "0.621 %", "3 of 1,665", "2,363")]
    assert len(header) == len(rows[0])


def test_the_premium_has_a_column_where_it_was_measured():
    header, rows = vocabulary_told.rows([ROW, ROW | {"language": "en"}], [PAID])
    assert header[-1] == "premium"
    assert [row[-1] for row in rows] == ["1.26", ""]
    assert "same sentences in en" in notes(ROW, premiums=(PAID,))
    assert "no premium" in notes(ROW)


def test_text_that_training_saw_is_marked():
    seen = ROW | {"unseen": False}
    assert [row[0] for row in vocabulary_told.rows([ROW, seen], [])[1]] == ["sw", "sw*"]
    assert "\n* of text that training saw" in notes(ROW, seen)
    assert "*" not in notes(ROW)


def test_letters_of_heldout_text_alone_are_no_loss_of_training():
    new = ROW | {"letters_unseen": 2}
    assert vocabulary_told.rows([new], [])[1][0][4] == "1 of 1,665"
    assert "not counted: sw 2\n" in notes(new)
    assert "not counted" not in notes(ROW)


def test_a_note_names_the_languages_that_matter_most():
    rows = [ROW | {"language": f"q{k}", "letters_unseen": k} for k in range(8)]
    assert "not counted: q7 7, q6 6, q5 5, q4 4, q3 3 and 2 languages with fewer\n" in notes(*rows)


def test_a_table_of_long_numbers_fits_a_terminal():
    wide = ROW | {"language": "zh-Hans", "num_letters": 12_345, "letters_lost": 123}
    header, rows = vocabulary_told.rows([wide], [PAID | {"language": "zh-Hans"}])
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    assert sum(widths) + 2 * (len(widths) - 1) <= 80
