"""Arms of the model in training: language embeddings are told the language of each block, and an
adaptive softmax goes through a run.

Run with: pytest tests/pretrain/test_model_arms.py
"""

import dataclasses
from pathlib import Path

import pytest
import torch

from xlmr_lab import storage
from xlmr_lab.batches.shards import TokenShards
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain.heldout import heldout_loss, heldout_set
from xlmr_lab.pretrain.loop import PretrainRun, load_model, pretrain
from xlmr_lab.pretrain.step import Objective
from xlmr_lab.pretrain.training import Training

CPU = torch.device("cpu")


@pytest.fixture
def run(make_run) -> PretrainRun:
    """A run with embeddings of its three languages."""
    plain = make_run()
    model = dataclasses.replace(plain.model, language_embeddings=True)
    return dataclasses.replace(plain, model=model)


def test_a_checkpoint_knows_its_languages_and_what_it_learned_of_them(
    run: PretrainRun, shards_folder: Path, tmp_path: Path
):
    path = pretrain(tmp_path / "run", shards_folder, run, threads=1)
    model, _ = load_model(path)
    assert model.encoder.languages == ("en", "sw", "ur")
    first = Training(run, TokenShards.open(shards_folder), device=CPU).model.encoder
    before, after = first.language_embedding.weight, model.encoder.language_embedding.weight
    assert (before != after).any(dim=1).all()


def test_a_block_teaches_the_embedding_of_its_language_alone(run: PretrainRun, shards):
    alone = dataclasses.replace(
        run,
        languages=("sw", "en"),
        batches=dataclasses.replace(run.batches, batch_sequences=1),
    )
    training = Training(alone, shards, device=CPU)
    training.advance()
    (language,) = training._unseen[-1].languages
    gradient = training.model.encoder.language_embedding.weight.grad
    taught = [bool(row.any()) for row in gradient]
    assert taught == [key == language for key in alone.languages]


def test_held_out_loss_is_that_of_the_texts_language(run: PretrainRun, shards):
    training = Training(run, shards, device=CPU)
    with torch.no_grad():
        training.model.encoder.language_embedding.weight[1] = 20 * torch.randn(16)
    held = heldout_set(shards, run.languages, run.batches, max_blocks=3, device=CPU)
    losses = heldout_loss(Objective(training.model), held, batch_sequences=2)
    moved = {
        key: batch._replace(languages=torch.ones_like(batch.languages))
        for key, batch in held.items()
    }
    others = heldout_loss(Objective(training.model), moved, batch_sequences=2)
    assert others["sw"] == losses["sw"]
    assert others["en"] != losses["en"]


def test_a_run_with_adaptive_softmax_learns_and_is_saved(
    make_run, shards_folder: Path, tmp_path: Path
):
    plain = make_run(steps=100, heldout_steps=100, log_steps=25)
    model = dataclasses.replace(plain.model, adaptive_cutoffs=(90, 120))
    run = dataclasses.replace(plain, model=model)
    path = pretrain(tmp_path / "run", shards_folder, run, threads=1)
    assert load_model(path)[0].encoder.config.adaptive_cutoffs == (90, 120)
    records = storage.read_jsonl(tmp_path / "run" / "metrics.jsonl")
    losses = [record["loss"] for record in records if record["kind"] == "step"]
    assert losses[-1] < 0.9 * losses[0]
    speed = storage.read_jsonl(tmp_path / "run" / "telemetry.jsonl")
    assert all(record["mfu"] > 0 for record in speed)


def test_a_cutoff_beyond_the_vocabulary_is_refused_before_the_first_step(
    make_run, shards_folder: Path, tmp_path: Path
):
    plain = make_run()
    model = dataclasses.replace(plain.model, adaptive_cutoffs=(90, 5000))
    run = dataclasses.replace(plain, model=model)
    with pytest.raises(UserError, match=r"must be below the vocabulary's 300 ids, got 5000"):
        pretrain(tmp_path / "run", shards_folder, run, threads=1)
