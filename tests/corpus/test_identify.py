"""The language identifier: it learns, it is the same every time, and it says what it cannot do."""

from pathlib import Path

import numpy as np
import pytest

from xlmr_lab.corpus import identify
from xlmr_lab.corpus.identify import Identifier
from xlmr_lab.errors import UserError

LANGUAGES = ("qaa", "qab", "qac")


def test_unseen_text_gets_its_language(identifier: Identifier, write) -> None:
    for language in LANGUAGES:
        labels, scores = identifier.predict(write(language, 50, 9))
        assert labels == [language] * 50
        assert scores.dtype == np.float32
        assert 0.9 < scores.min() <= scores.max() <= 1
    assert identifier.languages == list(LANGUAGES)


def test_text_without_letters_gets_no_language(identifier: Identifier) -> None:
    labels, scores = identifier.predict(["", " ", "12:30 \u2014 !", "\u0661\u0662"])
    assert labels == [""] * 4
    assert scores.tolist() == [0] * 4
    assert identifier.predict([])[0] == []


def test_case_digits_and_punctuation_do_not_matter(identifier: Identifier, write) -> None:
    (text,) = write("qac", 1, 9)
    dressed = f"1. \u00ab{text.upper()}\u00bb (2019) <b>"
    scores = identifier.predict([text, dressed.replace("<b>", "")])[1]
    assert scores[0] == scores[1]


def test_training_again_gives_the_same_file(tmp_path: Path, write, monkeypatch) -> None:
    texts = {key: write(key, 40, 3) for key in LANGUAGES}
    identify.train(texts, tmp_path / "a.bin", seed=5)
    # Old contents in the memory that fastText leaves unset would show.
    monkeypatch.setenv("MALLOC_PERTURB_", "165")
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "1000000000")
    identify.train(dict(reversed(texts.items())), tmp_path / "b.bin", seed=5)
    first, second = ((tmp_path / f"{name}.bin").read_bytes() for name in "ab")
    assert first == second
    assert len(first) < 8e6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.bin", "b.bin"]


def test_one_language_is_always_itself(tmp_path: Path, write) -> None:
    identify.train({"qaa": write("qaa", 20, 3)}, tmp_path / "one.bin", seed=1)
    labels, scores = Identifier.load(tmp_path / "one.bin").predict(write("qab", 3, 3))
    assert labels == ["qaa"] * 3
    assert scores.tolist() == [1] * 3


def test_a_language_with_little_text_is_not_drowned(tmp_path: Path, write) -> None:
    texts = {"qaa": write("qaa", 400, 3), "qab": write("qab", 4, 3)}
    identify.train(texts, tmp_path / "uneven.bin", seed=1)
    identifier = Identifier.load(tmp_path / "uneven.bin")
    assert identifier.predict(write("qab", 20, 9))[0] == ["qab"] * 20


def test_a_language_without_letters_is_an_error(tmp_path: Path, write) -> None:
    with pytest.raises(UserError, match=r"no text in letters to train .* for 'qab'"):
        identify.train({"qaa": write("qaa", 5, 1), "qab": ["1 2 3"]}, tmp_path / "x.bin", seed=1)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_training_leaves_nothing(tmp_path: Path, write, monkeypatch) -> None:
    monkeypatch.setattr(identify.sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match="training the language identifier failed: exit status"):
        identify.train({"qaa": write("qaa", 5, 1)}, tmp_path / "x.bin", seed=1)
    assert list(tmp_path.iterdir()) == []


def test_another_file_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(b"text")
    with pytest.raises(UserError, match=r"x\.bin is no fastText model"):
        Identifier.load(tmp_path / "x.bin")
    with pytest.raises(UserError, match=r"missing\.bin is no fastText model"):
        Identifier.load(tmp_path / "missing.bin")
