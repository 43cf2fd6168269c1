"""Held-out loss: the same blocks and masks every time, whatever the batch size."""

import pytest
import torch

from xlmr_lab.batches.masking import IGNORE_INDEX
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.pretrain.heldout import heldout_loss, heldout_set
from xlmr_lab.pretrain.step import Objective

CPU = torch.device("cpu")


@pytest.fixture
def heldout(shards, make_run):
    return heldout_set(shards, ("en", "sw"), make_run().batches, max_blocks=5, device=CPU)


@pytest.fixture
def model(make_run) -> MaskedLM:
    return MaskedLM(make_run().model, 300, generator=torch.Generator().manual_seed(1)).train()


def test_blocks_and_masks_are_the_same_for_every_run(shards, make_run, heldout):
    again = heldout_set(shards, ("sw", "en"), make_run(seed=2).batches, max_blocks=5, device=CPU)
    for key in ("en", "sw"):
        assert all(map(torch.equal, heldout[key][:3], again[key][:3]))


def test_blocks_know_the_place_of_their_language_in_the_run(heldout):
    places = {key: batch.languages.unique().tolist() for key, batch in heldout.items()}
    assert places == {"en": [0], "sw": [1]}


def test_the_batch_size_does_not_change_the_loss(model, heldout):
    whole = heldout_loss(Objective(model), heldout, batch_sequences=5)
    assert heldout_loss(Objective(model), heldout, batch_sequences=2) == pytest.approx(
        whole, rel=1e-6
    )


def test_the_loss_is_the_mean_over_masked_tokens(model, heldout):
    heldout["en"].targets[0, :] = IGNORE_INDEX
    found = heldout_loss(Objective(model), heldout, batch_sequences=1)["en"]
    part = [tensor[1:] for tensor in heldout["en"]]
    assert found == pytest.approx(model.eval().loss(*part).item(), rel=1e-6)


def test_the_model_goes_on_training_and_its_generator_is_not_touched(model, heldout):
    before = torch.get_rng_state()
    heldout_loss(Objective(model), heldout, batch_sequences=2)
    assert model.training
    assert torch.equal(torch.get_rng_state(), before)


def test_no_blocks_asked_for_none_measured(shards, make_run):
    assert heldout_set(shards, ("en",), make_run().batches, max_blocks=0, device=CPU) == {}
