"""Batches are read as the trainer draws and masks them."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from xlmr_lab import batch_results, results, seeds
from xlmr_lab.batch_results import StudyBatches
from xlmr_lab.batches.masking import mask
from xlmr_lab.errors import UserError


@pytest.fixture(scope="module")
def made(study_folder: Path) -> StudyBatches:
    return batch_results.open_batches(results.open_study(study_folder))


def test_the_first_batch_is_what_the_first_step_sees(made: StudyBatches) -> None:
    """Put together here from the stream and the masks of the trainer's own seeds."""
    stream = made._stream()
    batch, _ = stream.next(stream.start())
    rng = seeds.generator(made.study.config()["seed"], "masks", 1)
    masked = mask(batch.tokens, vocab_size=made.shards.vocab_size, fraction=0.15, rng=rng)
    frame = made.batch(rows=1000, columns=1000)
    by_row = frame.sort("row", "place")
    assert by_row["seen"].to_list() == made.vocabulary.names(masked.inputs.ravel().tolist())
    assert by_row["piece"].to_list() == made.vocabulary.names(batch.tokens.ravel().tolist())
    firsts = by_row.filter(pl.col("place") == 0)
    assert firsts["language"].to_list() == batch.languages
    assert set(firsts["piece"]) == {"<s>"}


def test_a_batch_is_shown_by_language_and_no_more_than_asked(made: StudyBatches) -> None:
    frame = made.batch(rows=10, columns=20)
    assert len(frame) == 200
    order = frame["language"].unique(maintain_order=True).to_list()
    assert order == [key for key in made.languages() if key in order]


def test_languages_are_drawn_as_they_should_be_on_average(made: StudyBatches) -> None:
    frame = made.drawn(60)
    means = frame.group_by("language").agg(pl.col("share").mean(), pl.col("probability").first())
    assert means["probability"].sum() == pytest.approx(1)
    assert (means["share"] - means["probability"]).abs().max() < 0.03  # type: ignore[operator]
    assert set(frame.group_by("batch").agg(pl.col("share").sum())["share"].round(6)) == {1.0}


def test_a_block_has_the_masks_of_its_seed(made: StudyBatches) -> None:
    one, again = (made.block("qaa", 1, seed=3, fraction=0.4) for _ in range(2))
    assert one.equals(again)
    assert not one.equals(made.block("qaa", 1, seed=4, fraction=0.4))
    assert len(one.filter(pl.col("fate").is_in(["masked", "random", "kept"]))) == 20
    number = made.num_blocks("qaa")
    assert made.block("qaa", number + 1)["piece"].equals(made.block("qaa", 1)["piece"])


def test_a_text_is_a_block_of_its_own(made: StudyBatches) -> None:
    text = "".join(made.block("qaa")["piece"][1:20].to_list()).replace("\u2581", " ").strip()
    cells = made.text(text, "qaa", fraction=0.5)
    assert cells["piece"].to_list()[0] == "<s>"
    assert cells["piece"].to_list()[-1] == "</s>"
    assert set(cells["fate"]) > {"special", "masked"}
    assert len(made.text(text * 100, "qaa")) == made.config.block_tokens
    assert made.text("", "qaa")["fate"].to_list() == ["special", "special"]


def test_counts_are_of_whole_blocks_and_differ_between_languages(made: StudyBatches) -> None:
    frame = made.counts()
    chosen = frame.filter(pl.col("fate").is_in(["masked", "random", "kept"]))
    for key in made.languages():
        number = min(batch_results.MAX_BLOCKS, made.num_blocks(key))
        assert frame.filter(language=key)["tokens"].sum() == number * made.config.block_tokens
        assert chosen.filter(language=key)["tokens"].sum() == number * made.chosen()
    assert chosen.filter(fate="random")["tokens"].n_unique() > 1


def test_lengths_of_documents_are_those_of_the_shards(made: StudyBatches) -> None:
    frame = made.documents()
    for row in frame.iter_rows(named=True):
        tokens = made.shards.tokens(row["language"], "train")
        assert row["documents"] == made.shards.counts(row["language"])["documents"]
        assert row["median"] == np.median(np.diff(np.flatnonzero(tokens == 2), prepend=-1))
        assert 0 <= row["to_block"] < 1


def test_text_that_is_not_encoded_names_the_command(make_study: Any, tmp_path: Path) -> None:
    make_study(tmp_path / "runs" / "mine", num_languages=12, with_text=False)
    study = results.open_study(tmp_path / "runs" / "mine")
    with pytest.raises(UserError, match=r"mine is not encoded yet; `./lab pretrain` does that"):
        batch_results.open_batches(study)


def test_a_share_that_cannot_be_is_refused(made: StudyBatches) -> None:
    with pytest.raises(UserError, match="mask_fraction must be between 0 and 1, got 1"):
        made.block("qaa", fraction=1.0)
