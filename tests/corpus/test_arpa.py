"""ARPA files: read as written, scored by the arithmetic of back-off, refused with a line."""

import gzip
import itertools
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from xlmr_lab.corpus import arpa
from xlmr_lab.errors import UserError

TEXT = """This may say anything.

\\data\\
ngram 1=5
ngram 2=4
ngram 3=2

\\1-grams:
-1.5\t<unk>
-99\t<s>\t-0.3
-0.75\t</s>
-0.5\ta\t-0.25
-1.25\tb\t-0.125

\\2-grams:
-0.375\t<s> a\t-0.0625
-0.625\ta b\t-0.5
-1\tb a
-0.875\tb </s>

\\3-grams:
-0.1875\t<s> a b
-0.4375\ta b </s>

\\end\\
"""
WORDS = ["<unk>", "<s>", "</s>", "a", "b"]
SCORES = {
    "a b": -0.375 - 0.1875 - 0.4375,
    # b after "a b" is no trigram and "b b" no bigram: both back-offs, and the unigram.
    "a b b": -0.375 - 0.1875 + (-0.5 - 0.125 - 1.25) - 0.875,
    # "<s> b" is no bigram; "b a" has no back-off written, which is zero.
    "b a a": (-0.3 - 1.25) - 1 + (0 - 0.25 - 0.5) + (-0.25 - 0.75),
    "": -0.3 - 0.75,
    # After an unknown word nothing is known.
    "x a": (-0.3 - 1.5) - 0.5 + (-0.25 - 0.75),
}


def write(folder: Path, text: str, name: str = "model.arpa") -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    return path


def scores(path: Path, texts: list[str], pieces: list[str]) -> list[float]:
    ids = [[pieces.index(word) for word in text.split()] for text in texts]
    flat = np.array(list(itertools.chain.from_iterable(ids)), dtype=np.int64)
    return arpa.scorer(path, pieces)(flat, np.array(list(map(len, ids)))).tolist()


@pytest.mark.parametrize("name", ["model.arpa", "model.arpa.gz"])
def test_scores_are_those_worked_by_hand(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, TEXT, name)
    model, words = arpa.read(path)
    assert words == WORDS
    assert (model.vocabulary.bos, model.vocabulary.eos) == (1, 2)
    found = scores(path, list(SCORES), ["x", "b", "a"])
    assert found == pytest.approx(list(SCORES.values()), abs=1e-6)


def test_spaces_for_tabs_and_other_line_ends_are_read_as_well(tmp_path: Path) -> None:
    text = TEXT.replace("\t", " ").replace("\n", "\r\n")
    path = write(tmp_path, text)
    assert scores(path, ["a b"], ["a", "b"]) == pytest.approx([SCORES["a b"]], abs=1e-6)


def test_words_may_hold_what_unicode_calls_a_space(tmp_path: Path) -> None:
    wide = "a\u3000\u00a0\u2028c"
    path = write(tmp_path, TEXT.replace("\tb\t", f"\t{wide}\t").replace("a b", f"a {wide}"))
    with pytest.raises(UserError, match="'b' is not among the 1-grams"):
        arpa.read(path)
    text = TEXT.replace("ngram 1=5", "ngram 1=6").replace("-1.5\t", f"-2\t{wide}\n-1.5\t")
    assert arpa.read(write(tmp_path, text))[1][0] == wide


def test_without_an_unknown_word_there_is_next_to_no_chance(tmp_path: Path) -> None:
    text = TEXT.replace("-1.5\t<unk>\n", "").replace("ngram 1=5", "ngram 1=4")
    model, words = arpa.read(write(tmp_path, text))
    assert words == [*WORDS[1:], "<unk>"]
    assert model.unigrams["log10_probability"][-1] == -100


def test_many_lines_are_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arpa, "LINES_AT_ONCE", 2)
    path = write(tmp_path, TEXT)
    found = scores(path, list(SCORES), ["x", "b", "a"])
    assert found == pytest.approx(list(SCORES.values()), abs=1e-6)
    with pytest.raises(UserError, match="line 18: a log-probability must be"):
        arpa.read(write(tmp_path, TEXT.replace("-1\tb a", "none\tb a")))


WRONG = {
    "a table": ("a,b\n1,2\n", r"line 2: no line \\data\\, so this is no ARPA file"),
    "no counts": (TEXT.replace("ngram ", "\n"), "line 4: the header counts no n-grams"),
    "a count missing": (TEXT.replace("ngram 2=4\n", ""), r"line 5: expected ngram 2=<count>"),
    "no number": (TEXT.replace("1=5", "1=five"), r"line 4: expected ngram 1=<count>, got"),
    "one too few": (TEXT.replace("2=4", "2=5"), r"line 20: expected 5 2-grams, got '' after 4"),
    "one too many": (TEXT.replace("2=4", "2=3"), r"line 19: expected .*3-grams:', got '-0.875"),
    "cut off": (TEXT[: TEXT.index("-0.4375")], r"line 22: the file ends after 1 of 2 3-grams"),
    "no end": (TEXT.replace("\\end\\\n", ""), r"line 24: expected .*end.*, got 'the end of the"),
    "a word short": (TEXT.replace("\ta b\t", "\ta\t"), r"line 17: the word '-0.5' is not among"),
    "a positive log": (TEXT.replace("-0.5\ta", "0.5\ta"), r"line 12: a log-probability must be"),
    "not a number": (TEXT.replace("-0.5\ta", "nan\ta"), r"line 12: .* got 'nan a -0.25'"),
    "text": (TEXT.replace("-0.125", "big"), r"line 13: a log-probability must be a number"),
    "a word twice": (TEXT.replace("\tb\t-", "\ta\t-"), r"line 13: the word 'a' is there twice"),
    "a strange word": (TEXT.replace("\tb a", "\tb z"), r"line 18: the word 'z' is not among"),
    "an n-gram twice": (TEXT.replace("\tb a", "\ta b"), r"line 18: this n-gram is there twice"),
    "no context": (TEXT.replace("<s> a b", "a a b"), r"line 22: the first words of this n-gram"),
    "no beginning": (
        TEXT.replace("<s>", "<S>"),
        r"line 25: the file has no word <s>, so it is no model of whole texts",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_right_is_an_error_with_its_line(tmp_path: Path, case: str) -> None:
    text, message = WRONG[case]
    with pytest.raises(UserError, match=rf"model\.arpa, {message}"):
        arpa.read(write(tmp_path, text))


def test_a_missing_or_damaged_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no ARPA file at .*none\.arpa"):
        arpa.read(tmp_path / "none.arpa")
    path = write(tmp_path, TEXT, "model.arpa.gz")
    for data in (path.read_bytes()[:-20], TEXT.encode(), path.read_bytes()[:30] + b"xxxxxxx"):
        path.write_bytes(data)
        with pytest.raises(UserError, match=r"model\.arpa\.gz is damaged .*; fetch or pack it"):
            arpa.read(path)


def test_a_binary_without_the_package_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "kenlm", None)
    with pytest.raises(UserError, match=r"fr\.arpa\.bin needs the package kenlm \(pip install"):
        arpa.scorer(tmp_path / "fr.arpa.bin", ["a"])


def test_a_binary_is_asked_through_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class Model:
        def __init__(self, path: str) -> None:
            if "broken" in path:
                raise OSError("bad magic")

        def score(self, text: str) -> float:
            asked.append(text)
            return -float(len(text))

    monkeypatch.setitem(sys.modules, "kenlm", types.SimpleNamespace(Model=Model))
    path = tmp_path / "fr.arpa.bin"
    assert scores(path, ["a b", "", "b"], ["a", "b"]) == [-3, 0, -1]
    assert asked == ["a b", "", "b"]
    with pytest.raises(UserError, match=r"broken\.arpa\.bin is no model that KenLM can read"):
        arpa.scorer(tmp_path / "broken.arpa.bin", ["a"])


def test_kenlm_gives_the_same_scores(tmp_path: Path) -> None:
    kenlm = pytest.importorskip("kenlm", reason="needs the optional package kenlm")
    path = write(tmp_path, TEXT[TEXT.index("\\data") :])  # it reads no preamble
    model = kenlm.Model(str(path))
    for text, score in SCORES.items():
        assert model.score(text) == pytest.approx(score, abs=1e-5)
