"""Models answer for text that is typed or held out; who is missing is said with the command."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from xlmr_lab import prediction_results, results
from xlmr_lab.errors import UserError
from xlmr_lab.prediction_results import TrainedModels


@pytest.fixture(scope="module")
def made(study_folder: Path) -> TrainedModels:
    return prediction_results.open_models(results.open_study(study_folder))


def test_the_main_arm_answers_with_a_model_for_each_seed(made: TrainedModels) -> None:
    assert made.arm == "alpha=0.3"
    assert list(made.models) == [1, 2, 3]
    assert "seeds 1, 2, 3" in made.about()


def test_a_typed_text_is_hidden_where_it_says_mask(made: TrainedModels) -> None:
    hidden = made.written("a <mask> b<mask>.", "qaa")
    names = made.names(hidden.ids)
    assert names[0] == "<s>"
    assert names[-1] == "</s>"
    assert [names[place] for place in hidden.positions] == ["<mask>", "<mask>"]
    assert hidden.stood == ()
    assert names[hidden.positions[1] + 1] == "."
    spaced = made.names(made.written("a <mask> b<mask> .", "qaa").ids)
    assert spaced[-2:] != names[-2:] or spaced[-3].startswith("\u2581")


@pytest.mark.parametrize(
    ("text", "message"),
    [("nothing", "write <mask> where a piece"), ("a b " * 100 + "<mask>", "the models take 64")],
)
def test_a_text_that_cannot_be_asked_says_what_to_do(
    made: TrainedModels, text: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        made.written(text, "qaa")


def test_words_of_a_heldout_document_are_hidden_whole(made: TrainedModels) -> None:
    hidden = made.heldout("qaa", 1, words=3)
    names = made.names(hidden.ids)
    tokens = made.batches.shards.tokens("qaa", "heldout")
    second = np.flatnonzero(tokens == 2)[:2]
    document = tokens[second[0] + 1 : second[1]].tolist()[: len(names) - 2]
    shown = list(hidden.ids)
    for place, stood in zip(hidden.positions, hidden.stood, strict=True):
        assert names[place] == "<mask>"
        shown[place] = stood
    assert shown[1:-1] == document
    assert len(hidden.positions) >= 3
    assert made.heldout("qaa", 1, words=3, seed=1).positions != hidden.positions
    again = made.heldout("qaa", 1 + made.num_documents("qaa"), words=0)
    assert again.ids[1:-1] == tuple(document)


def test_words_are_pieces_from_one_space_to_the_next() -> None:
    pieces = ["\u2581a", "b", "\u2581c", "\u2581d", "e", "f"]
    rng = np.random.default_rng(0)
    assert prediction_results._hidden_places(pieces, 9, rng).tolist() == [0, 1, 2, 3, 4, 5]
    for seed in range(9):
        found = prediction_results._hidden_places(pieces, 1, np.random.default_rng(seed)).tolist()
        assert found in ([0, 1], [2], [3, 4, 5])
    long = ["\u2581a", *"bcdefgh"]
    assert len(prediction_results._hidden_places(long, 2, rng)) == 2


def test_pieces_of_a_long_word_are_hidden_only_where_there_are_too_few_other_words() -> None:
    """The rest of the word would give them away."""
    pieces = ["\u2581t", "l", "v", "i", "s", "\u2581a", "b"]
    for seed in range(9):
        rng = np.random.default_rng(seed)
        assert prediction_results._hidden_places(pieces, 1, rng).tolist() == [5, 6]
        more = prediction_results._hidden_places(pieces, 2, rng).tolist()
        assert more[-2:] == [5, 6]
        assert len(more) == 3


def test_guesses_are_the_likeliest_of_all_models_and_what_stood_there(
    made: TrainedModels,
) -> None:
    hidden = made.heldout("qaa", 0, words=1)
    frame = made.guesses(hidden, best=4)
    first = frame.filter(mask=0)
    assert first["seed"].n_unique() == 3
    assert first["piece"].n_unique() in (4, 5)
    means = first.group_by("piece", "stood", maintain_order=True).agg(pl.col("probability").mean())
    ranked = means["probability"].to_list()[:4]
    assert ranked == sorted(ranked, reverse=True)
    stood = means.filter("stood")["piece"].to_list()
    assert stood == made.names(hidden.stood[:1])
    everything = made.guesses(hidden, best=made.batches.vocabulary.size).filter(mask=0, seed=1)
    assert everything["probability"].sum() == pytest.approx(1, abs=1e-4)


def test_judged_are_the_masked_tokens_of_heldout_blocks(made: TrainedModels) -> None:
    frame = made.judged(blocks=3)
    assert set(frame["language"]) == set(made.batches.languages())
    sizes = frame.group_by("language", "seed").len()
    assert sizes.group_by("language").agg(pl.col("len").n_unique())["len"].to_list() == [1] * 4
    chosen = 3 * made.batches.chosen()
    assert 0.5 * chosen < max(sizes["len"].to_list()) < chosen
    assert (frame["confidence"] >= frame["probability"] - 1e-6).all()
    first = frame.filter(pl.col("rank") == 1)
    assert first["confidence"].to_list() == pytest.approx(first["probability"].to_list())


def test_frequencies_are_those_of_the_training_text(made: TrainedModels) -> None:
    frame = made.judged(blocks=100)
    for key, part in frame.filter("commonest").group_by("language"):
        tokens = made.batches.shards.tokens(str(key[0]), "train")
        _, counts = np.unique(tokens[tokens > 3], return_counts=True)
        expected = pytest.approx(counts.max() / counts.sum(), rel=0.02)
        assert part["frequency"].unique().to_list() == [expected]
    assert frame.filter("commonest")["language"].n_unique() > 1


def test_an_arm_of_another_name_is_refused(study_folder: Path) -> None:
    study = results.open_study(study_folder)
    with pytest.raises(UserError, match=r"no arm 'alpha=2'; it has alpha=0.01, alpha=0.3, alpha=1"):
        prediction_results.open_models(study, "alpha=2")


def test_missing_models_are_said_with_the_command(
    study_folder: Path, make_study: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "runs" / "mine"
    make_study(folder, num_languages=12, with_text=False)
    study = results.open_study(folder)
    with pytest.raises(UserError, match=r"s1 has no checkpoint left; `./lab pretrain` makes it"):
        prediction_results.open_models(study)
    (folder / "arms.json").unlink()
    with pytest.raises(UserError, match=r"mine has no trained model yet; `./lab pretrain` trains"):
        prediction_results.open_models(study)
    shutil.copytree(study_folder / "arms", folder / "arms", dirs_exist_ok=True)
    (folder / "arms.json").write_text(json.dumps([{"arm": "x", "folder": "arms/alpha=0.3-s1"}]))
    with pytest.raises(UserError, match=r"the text of .*mine is not encoded yet"):
        prediction_results.open_models(study)
