"""Costs are those of the model itself, and agree with the paper's table."""

import dataclasses

import pytest
import torch

from xlmr_lab import model_costs
from xlmr_lab.errors import UserError
from xlmr_lab.model import losses
from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.model_costs import Load, Model

SMALL = Model(
    name="small", num_layers=3, hidden_size=32, ffn_size=128, vocab_size=300, max_tokens=64
)
BANDS = dataclasses.replace(SMALL, adaptive_cutoffs=(40, 120))
LOAD = Load(block_tokens=64, step_tokens=128, mask_fraction=0.25)


@pytest.mark.parametrize("model_sizes", [SMALL, BANDS], ids=["full", "adaptive"])
@pytest.mark.parametrize("everywhere", [False, True])
def test_operations_are_those_that_the_model_takes(model_sizes: Model, everywhere: bool) -> None:
    """Counted by torch over one step of training, embeddings looked up and not multiplied; rare
    ids are as frequent as Zipf's law says."""
    from torch.utils.flop_counter import FlopCounterMode

    names = ("num_layers", "hidden_size", "ffn_size", "adaptive_cutoffs")
    sizes = {name: getattr(model_sizes, name) for name in names}
    config = EncoderConfig(num_heads=1, max_tokens=64, dropout=0.0, **sizes)
    model = MaskedLM(config, SMALL.vocab_size).train()
    ids = torch.randint(4, 299, (2, 64))
    positions = torch.arange(64 if everywhere else 16).expand(2, -1)
    places = torch.rand(positions.shape, generator=torch.Generator().manual_seed(1))
    targets = (300**places).long().clamp(4, 298)  # each id r as often as 1 / r
    with FlopCounterMode(display=False) as counter:
        model.loss(ids, positions, targets).backward()
    told = model_costs.operations(model_sizes, LOAD, everywhere=everywhere)
    counted = counter.get_total_flops() / ids.numel()
    assert told.total == pytest.approx(counted, rel=0.1)
    assert told.attention < told.layers


def test_a_block_is_no_longer_than_the_model_takes() -> None:
    longer = Load(block_tokens=512, step_tokens=128, mask_fraction=0.25)
    assert model_costs.operations(SMALL, longer) == model_costs.operations(SMALL, LOAD)


def test_memory_holds_four_numbers_a_parameter_and_logits_in_32_bits() -> None:
    held = model_costs.memory(SMALL, LOAD, everywhere=True)
    assert held.total == 16 * SMALL.parameters.total + 4 * 128 * 300
    assert model_costs.memory(SMALL, LOAD).logits == 4 * 32 * 300


def test_an_adaptive_softmax_holds_the_logits_of_a_band_or_each_position_in_its_own() -> None:
    """32 masked positions; bands of 40 ids with 2 entries more, of 80 and of 180."""
    assert model_costs.memory(BANDS, LOAD).logits == 4 * 32 * 42
    every = model_costs.memory(BANDS, LOAD, everywhere=True)
    rare, rarest = (round(128 * share) for share in BANDS.band_shares)
    assert every.logits == 4 * (128 * 42 + rare * 80 + rarest * 180)
    assert every.weights == 4 * BANDS.parameters.total > 4 * SMALL.parameters.total


def test_another_size_keeps_the_cutoffs_that_fit() -> None:
    assert BANDS.resized(vocab_size=100).adaptive_cutoffs == (40,)
    assert BANDS.resized(hidden_size=8).adaptive_cutoffs == (40,)
    assert BANDS.resized(vocab_size=1000).adaptive_cutoffs == (40, 120)
    with pytest.raises(UserError, match="below the vocabulary's 100 ids, got 120"):
        dataclasses.replace(BANDS, vocab_size=100)


def test_a_chunk_of_logits_is_that_of_the_loss() -> None:
    assert model_costs.CHUNK == losses.CPU_CHUNK


def test_the_papers_models_have_about_the_parameters_that_it_prints() -> None:
    for model in model_costs.paper_models():
        printed = float(model_costs.printed_parameters(model.name).removesuffix("M"))
        assert model.parameters.total / 1e6 == pytest.approx(printed, rel=0.04), model.name
    assert model_costs.printed_parameters("mine") == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [({"step_tokens": 0}, "step_tokens must be at least 1"), ({"mask_fraction": 1.0}, "between")],
)
def test_a_load_that_cannot_be_is_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Load(**change)  # type: ignore[arg-type]
