"""The trainer tells language embeddings the language of each block, in training and held-out loss.

Run with: pytest tests/pretrain/test_language_embeddings.py
"""

import dataclasses
from pathlib import Path

import pytest
import torch

from xlmr_lab.batches.shards import TokenShards
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
    (language,) = training._last[0]
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
