"""The n-gram identifier: it knows scripts, is the same every time, and says what it cannot do."""

from pathlib import Path

import numpy as np
import pytest

from xlmr_lab.corpus import ngram_identifier
from xlmr_lab.corpus.ngram_identifier import NgramIdentifier
from xlmr_lab.errors import UserError

LANGUAGES = ("qaa", "qab", "qac")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, write) -> NgramIdentifier:
    """Return an identifier of the three languages."""
    path = tmp_path_factory.mktemp("identifier") / "identifier.npz"
    ngram_identifier.train({key: write(key, 100, 2) for key in LANGUAGES}, path)
    return NgramIdentifier.load(path)


def test_unseen_text_gets_its_language(trained: NgramIdentifier, write) -> None:
    for language in LANGUAGES:
        labels, scores = trained.predict(write(language, 50, 9))
        assert labels == [language] * 50
        assert scores.dtype == np.float32
        assert 0.9 < scores.min() <= scores.max() <= 1
    assert trained.languages == list(LANGUAGES)


def test_text_without_known_letters_gets_no_language(trained: NgramIdentifier) -> None:
    labels, scores = trained.predict(["", " ", "12:30 \u2014 !", "\u0661\u0662", "\u0e01\u0e02"])
    assert labels == [""] * 5
    assert scores.tolist() == [0] * 5
    assert trained.predict([])[0] == []
    assert trained.predict_halves([]).labels == []


def test_a_verdict_does_not_depend_on_the_other_texts(trained: NgramIdentifier, write) -> None:
    texts = [
        text[:cut] for cut in (3, 10, 40, 99) for key in LANGUAGES for text in write(key, 9, 7)
    ]
    texts[5] = "12"
    labels, scores = trained.predict(texts)
    for i in (0, 5, 20, len(texts) - 1):
        label, score = trained.predict([texts[i]])
        assert (label[0], score[0]) == (labels[i], scores[i])
    backwards = trained.predict(texts[::-1])
    assert backwards[0][::-1] == labels
    assert backwards[1][::-1].tolist() == scores.tolist()


def test_batches_change_nothing(trained: NgramIdentifier, write, monkeypatch) -> None:
    texts = [*write("qab", 20, 7), "", *write("qac", 5, 7)]
    labels, scores = trained.predict(texts)
    monkeypatch.setattr(ngram_identifier, "BATCH_TEXTS", 4)
    again = trained.predict(texts)
    assert again[0] == labels
    assert again[1].tolist() == scores.tolist()


def test_case_digits_and_punctuation_do_not_matter(trained: NgramIdentifier, write) -> None:
    (text,) = write("qac", 1, 9)
    scores = trained.predict([text, f"1. \u00ab{text.upper()}\u00bb (2019)"])[1]
    assert scores[0] == scores[1]


def test_only_the_prefix_counts(trained: NgramIdentifier, write) -> None:
    (text,), (other,) = write("qaa", 1, 9), write("qab", 1, 9)
    labels, _ = trained.predict([text[:30] + other * 9], prefix_characters=30)
    assert labels == ["qaa"]
    labels, _ = trained.predict([other * 200], prefix_characters=10**9)
    assert labels == ["qab"]


def test_letters_of_another_script_lower_the_score(trained: NgramIdentifier, write) -> None:
    (text,) = write("qaa", 1, 9)
    thai = "\u0e01\u0e02" * (len(text) // 4)
    labels, scores = trained.predict([text, f"{text} {thai}"])
    assert labels == ["qaa", "qaa"]
    assert scores[1] < 0.75 < 0.9 < scores[0]


def test_halves_in_two_languages_are_noticed(trained: NgramIdentifier, write) -> None:
    (a,), (b,), (c,) = (write(key, 1, 9) for key in LANGUAGES)
    halves = trained.predict_halves([a + a, f"{a} {b}", f"{a} {c}", a[:10] + b[:10]])
    assert halves.labels[0] == "qaa"
    assert halves.mixed[0] == 0
    assert halves.mixed[1:3].min() > 0.9
    assert halves.mixed[3] == 0


def test_halves_and_whole_texts_get_the_same_verdict(trained: NgramIdentifier, write) -> None:
    texts = [text[:cut] for cut in (0, 3, 79, 80, 99) for text in write("qab", 4, 7)]
    texts += [" ".join(write("qac", 9, 7)), "12", "\u0e01\u0e02"]
    halves = trained.predict_halves(texts)
    labels, scores = trained.predict(texts)
    assert halves.labels == labels
    assert halves.scores.dtype == halves.mixed.dtype == np.float32
    np.testing.assert_allclose(halves.scores, scores, atol=0.01)
    short = [len(text) < 2 * ngram_identifier.MIN_HALF_CHARACTERS for text in texts]
    assert halves.scores[short].tolist() == scores[short].tolist()
    assert halves.mixed.max() == 0


def test_variants_in_another_script_are_labels_of_their_own(tmp_path: Path, write) -> None:
    romanised = [text.translate(ROMAN) for text in write("qac", 100, 2)]
    texts = {"qac": write("qac", 100, 2), "qac_rom": romanised, "qaa": write("qaa", 100, 2)}
    ngram_identifier.train(texts, tmp_path / "x.npz")
    identifier = NgramIdentifier.load(tmp_path / "x.npz")
    fresh = write("qac", 20, 9)
    assert identifier.predict(fresh)[0] == ["qac"] * 20
    assert identifier.predict([text.translate(ROMAN) for text in fresh])[0] == ["qac_rom"] * 20


ROMAN = str.maketrans("жшрлыэя", "ZSRLYEA") | str.maketrans("ЖШРЛ", "ZSRL")


def test_a_language_in_two_scripts_is_known_in_both(tmp_path: Path, write) -> None:
    both = [*write("qac", 60, 2), *(text.translate(ROMAN) for text in write("qac", 60, 3))]
    texts = {"qac": both, "qaa": write("qaa", 100, 2)}
    ngram_identifier.train(texts, tmp_path / "x.npz")
    identifier = NgramIdentifier.load(tmp_path / "x.npz")
    fresh = write("qac", 20, 9)
    assert identifier.predict(fresh)[0] == ["qac"] * 20
    assert identifier.predict([text.translate(ROMAN) for text in fresh])[0] == ["qac"] * 20


def test_training_again_gives_the_same_file(tmp_path: Path, write) -> None:
    texts = {key: write(key, 40, 3) for key in LANGUAGES}
    ngram_identifier.train(texts, tmp_path / "a.npz")
    ngram_identifier.train(dict(reversed(texts.items())), tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "b.npz"]


def test_one_language_is_always_itself(tmp_path: Path, write) -> None:
    ngram_identifier.train({"qaa": write("qaa", 20, 3)}, tmp_path / "one.npz")
    labels, scores = NgramIdentifier.load(tmp_path / "one.npz").predict(write("qab", 3, 3))
    assert labels == ["qaa"] * 3
    assert scores.tolist() == [1] * 3


def test_a_few_words_are_enough_to_train_on(tmp_path: Path) -> None:
    ngram_identifier.train({"qaa": ["ko"], "qab": ["b\u00f6"]}, tmp_path / "x.npz")
    assert NgramIdentifier.load(tmp_path / "x.npz").predict(["ko"])[0] == ["qaa"]


def test_a_language_with_little_text_is_not_drowned(tmp_path: Path, write) -> None:
    texts = {"qaa": write("qaa", 400, 3), "qab": write("qab", 4, 3)}
    ngram_identifier.train(texts, tmp_path / "uneven.npz")
    identifier = NgramIdentifier.load(tmp_path / "uneven.npz")
    assert identifier.predict(write("qab", 20, 9))[0] == ["qab"] * 20


def test_a_language_without_letters_is_an_error(tmp_path: Path, write) -> None:
    with pytest.raises(UserError, match=r"no text in letters to train .* for 'qab'"):
        ngram_identifier.train({"qaa": write("qaa", 5, 1), "qab": ["1 2 3"]}, tmp_path / "x.npz")
    assert list(tmp_path.iterdir()) == []


def test_another_file_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(b"text")
    np.savez(tmp_path / "y.npz", languages=np.array(["qaa"]))
    np.save(tmp_path / "z.npy", np.zeros(3))
    for name in ("x.npz", "y.npz", "z.npy", "missing.npz"):
        with pytest.raises(UserError, match=rf"{name} is no n-gram identifier"):
            NgramIdentifier.load(tmp_path / name)
