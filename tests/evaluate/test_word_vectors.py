"""Files of word vectors: `pytest tests/evaluate/test_word_vectors.py`."""

import gzip

import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import word_vectors

GOOD = (
    "3 2\nthe 0.5 -1\n\u00e9t\u00e9 1e-2 2 \n\u00a0. 3 4\n"  # U+00E9 e with acute; no-break space
)


@pytest.fixture
def path(tmp_path):
    def written(text, name="vectors.txt"):
        place = tmp_path / name
        place.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return place

    return written


@pytest.mark.parametrize("name", ["vectors.txt", "vectors.txt.gz"])
def test_vectors_of_the_words_that_are_asked_for_are_read(path, name):
    found, length = word_vectors.read(path(GOOD, name), {"the", "\u00a0.", "none"})
    assert length == 2
    assert {word: vector.tolist() for word, vector in found.items()} == {
        "the": [0.5, -1.0],
        "\u00a0.": [3.0, 4.0],
    }
    assert found["the"].dtype == "float32"


def test_the_first_of_two_lines_for_a_word_counts(path):
    found, _ = word_vectors.read(path("2 1\na 1\na 2\n"), {"a"})
    assert found["a"].tolist() == [1.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("the 0.5 -1\n", r"line 1 must be the number of words and .* got 'the 0\.5 -1'"),
        ("", "line 1 must be the number of words"),
        ("0 2\n", "line 1 says 0 words of 2 numbers"),
        (GOOD.replace("3 2", "4 2"), "holds 3 vectors, and its first line says 4; fetch it again"),
        (GOOD.replace("3 4", "3"), r"line 4: expected a word and 2 numbers, got 1 after '\\xa0\.'"),
        (GOOD.replace("-1", "-1 7"), "line 2: expected a word and 2 numbers, got 3 after 'the'"),
        (GOOD.replace("-1", "one"), "line 2: could not convert string to float: 'one'"),
        (GOOD.replace("-1", "nan"), "line 2: a number is not finite"),
        (GOOD.replace("-1", "1e39"), "line 2: a number is not finite"),
        (GOOD.replace("-1", "1_0"), "line 2: could not convert string to float: '1_0'"),
        (GOOD.replace("the", ""), "line 2: the word is empty"),
    ],
)
def test_what_is_not_well_formed_is_an_error_that_says_where(path, text, message):
    with pytest.raises(UserError, match=message):
        word_vectors.read(path(text), set())


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"no word vectors at .*none\.txt"):
        word_vectors.read(tmp_path / "none.txt", set())
