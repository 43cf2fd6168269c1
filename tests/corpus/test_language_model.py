"""Hash tables of n-grams and scores of many texts at once."""

from pathlib import Path

import numpy as np
import pytest

from xlmr_lab.corpus import kneser_ney, language_model
from xlmr_lab.corpus.language_model import LanguageModel, Table, Vocabulary
from xlmr_lab.errors import UserError

SIZE = 50
VOCABULARY = Vocabulary(size=SIZE, bos=1, eos=2)


def table_of(contexts: np.ndarray, words: np.ndarray, num_words: int) -> Table:
    places = np.arange(len(contexts), dtype=np.float64)
    return Table.build(
        contexts, words, num_words, log10_probability=-places, log10_backoff=-places / 2
    )


@pytest.fixture(scope="module")
def texts() -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.integers(3, SIZE, size=n) ** 2 % (SIZE - 3) + 3 for n in rng.integers(0, 9, 200)]


@pytest.fixture(scope="module")
def model(texts: list[np.ndarray]) -> LanguageModel:
    ids, lengths = np.concatenate(texts), np.array(list(map(len, texts)))
    return kneser_ney.estimate(ids, lengths, vocabulary=VOCABULARY, min_counts=(1, 1, 1, 1))


@pytest.mark.parametrize("number", [0, 1, 2, 10, 5000])
def test_what_is_in_a_table_is_found_and_nothing_else(number: int) -> None:
    rng = np.random.default_rng(number)
    num_words = 8000
    keys = rng.choice(10**9, size=2 * number, replace=False)
    contexts, words = np.divmod(keys, num_words)
    table = table_of(contexts[:number], words[:number], num_words)
    slots = table.find(contexts, words)
    assert (slots[number:] == -1).all()
    assert np.array_equal(-table.log10_probability[slots[:number]], np.arange(number))
    assert np.array_equal(table.log10_backoff[slots[:number]], -np.arange(number) / 2)


def test_keys_that_follow_each_other_do_not_crowd() -> None:
    contexts, words = np.divmod(np.arange(30_000), 100)
    table = table_of(contexts, words, 100)
    homes = language_model._homes(table.slots["key"], table.num_homes)
    filled = np.flatnonzero(table.slots["key"] != language_model._EMPTY)
    assert len(filled) == 30_000
    assert (filled - homes[filled]).mean() < 1.5


def test_an_ngram_twice_is_a_bug() -> None:
    with pytest.raises(AssertionError, match="twice"):
        table_of(np.array([4, 4]), np.array([7, 7]), 10)


def test_a_score_does_not_depend_on_what_is_scored_together(
    model: LanguageModel, texts: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, lengths = np.concatenate(texts), np.array(list(map(len, texts)))
    together = model.score(ids, lengths)
    alone = [model.score(text, np.array([len(text)]))[0] for text in texts]
    assert together.tolist() == alone
    for tokens in (1, 7, 40):
        monkeypatch.setattr(language_model, "BATCH_TOKENS", tokens)
        assert model.score(ids, lengths).tolist() == alone


def test_no_texts_have_no_scores(model: LanguageModel) -> None:
    nothing = np.zeros(0, dtype=np.int64)
    assert model.score(nothing, nothing).shape == (0,)


def test_a_saved_model_scores_the_same(
    model: LanguageModel, texts: list[np.ndarray], tmp_path: Path
) -> None:
    model.save(tmp_path)
    ids, lengths = np.concatenate(texts), np.array(list(map(len, texts)))
    loaded = LanguageModel.load(tmp_path)
    assert loaded.vocabulary == VOCABULARY
    assert loaded.score(ids, lengths).tolist() == model.score(ids, lengths).tolist()
    base = loaded.tables[0].slots
    while isinstance(base.base, np.ndarray):
        base = base.base
    assert isinstance(base, np.memmap), "a large model must not be read whole"


@pytest.mark.parametrize("name", ["language_model.json", "ngrams_1.npy", "ngrams_3.npy"])
def test_a_damaged_model_is_an_error_that_names_it(
    model: LanguageModel, tmp_path: Path, name: str
) -> None:
    model.save(tmp_path)
    data = (tmp_path / name).read_bytes()
    for damaged in (data[: len(data) // 2], b"", b"[]"):
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(UserError, match=rf"{tmp_path.name}.*train it again|delete it"):
            LanguageModel.load(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(UserError, match=r"holds no language model .* train it again"):
        LanguageModel.load(tmp_path)
