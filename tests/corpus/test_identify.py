"""The language identifier: it learns, it is the same every time, and it says what it cannot do."""

import os
import subprocess
import sys
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


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, write) -> Path:
    """Return a model with whole words and the codes of the published ones."""
    folder = tmp_path_factory.mktemp("published")
    texts = {
        "zh": ["\u8fd9\u662f\u4e00\u4e2a\u56fd\u5bb6", "\u9019\u662f\u4e00\u500b\u570b\u5bb6"] * 20,
        "nn": write("qab", 60, 2),
        "yo": write("qac", 60, 2),
    }
    lines = [f"__label__{code} {text}\n" for code, own in texts.items() for text in own]
    (folder / "examples.txt").write_text("".join(lines), encoding="utf-8")
    code = (
        "import fasttext, sys\n"
        "fasttext.train_supervised(sys.argv[1], minn=2, maxn=4, bucket=5000, epoch=20, lr=1.0,"
        " thread=1, verbose=0).save_model(sys.argv[2])"
    )
    # Fresh memory from the system, as in `identify`: fastText leaves some of it unset.
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_PERTURB_": "0"}
    model = folder / "lid.176.bin"
    command = [sys.executable, "-c", code, str(folder / "examples.txt"), str(model)]
    subprocess.run(command, env=environment, check=True)
    return model


def test_published_models_speak_in_the_keys_of_the_paper(published: Path, write) -> None:
    identifier = Identifier.load(published)
    assert identifier.languages == ["no", "yo", "zh-Hans", "zh-Hant"]
    labels, scores = identifier.predict(
        ["\u8fd9\u662f\n\u56fd\u5bb6", "\u9019\u662f\u570b\u5bb6", *write("qab", 1, 9)]
    )
    assert labels == ["zh-Hans", "zh-Hant", "no"]
    assert scores.min() > 0.5
    labels, scores = identifier.predict(["", " \n", "12:30 \u2014 !"])
    assert labels == [""] * 3
    assert scores.tolist() == [0] * 3


def test_what_a_model_sees_can_be_said(published: Path, write) -> None:
    (text,) = write("qab", 1, 9)
    assert Identifier.load(published, raw_text=False).predict([text])[0] == ["nn"]
    as_it_is = Identifier.load(published)
    assert as_it_is.predict([text])[1] != as_it_is.predict([text.upper()])[1]
