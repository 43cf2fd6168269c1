"""Logits of a trimmed model are equal bit for bit, and what is not equal is found.

Run with: pytest tests/model/test_surgery_proofs.py
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from xlmr_lab.errors import UserError
from xlmr_lab.model import surgery
from xlmr_lab.model.convert import from_huggingface, to_huggingface
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.model.surgery_proofs import (
    Masked,
    bit_equal,
    ordered_logits,
    same_logits,
    same_losses,
)

VOCAB_SIZE = 50
MASK = VOCAB_SIZE - 1
KEPT = np.array([0, 1, 2, 3, 5, 8, 13, 21, 34, 48, MASK])
GROWN = np.array([*range(MASK), -1, -1, -1, MASK])
NEW_IDS = np.array([*range(MASK), len(GROWN) - 1])
SOURCES = [[5, 8], [13], []]


@pytest.fixture
def model(model: MaskedLM) -> MaskedLM:
    """The model of these tests, in single precision."""
    return model.float()


@pytest.fixture
def kept_ids() -> np.ndarray:
    """Twelve sequences in the ids of the trimmed model."""
    return np.random.default_rng(3).integers(4, len(KEPT), (12, 17))


@pytest.fixture(params=[1, 2])
def threads(request) -> Iterator[None]:
    """Matrix products divide their work by threads."""
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(1)


@pytest.fixture
def masked() -> Masked:
    """Blocks with three hidden tokens, one of them not counted."""
    rng = np.random.default_rng(4)
    inputs = rng.integers(4, MASK, (11, 20)).astype(np.int32)
    positions = np.tile([1, 2, 9], (11, 1))
    targets = np.take_along_axis(inputs, positions, 1).astype(np.int64)
    np.put_along_axis(inputs, positions, MASK, 1)
    targets[0, 2] = -100
    return Masked(inputs, positions, targets)


def test_an_ordered_logit_is_its_sum_by_hand():
    hidden = torch.tensor([[1.0, 2.0]])
    weight, bias = torch.tensor([[3.0, 4.0], [0.5, -1.0]]), torch.tensor([0.25, 0.0])
    assert ordered_logits(hidden, weight, bias).tolist() == [[11.25, -1.5]]


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize(
    ("size", "width"), [(50, 1), (50, 64), (1802, 64), (333, 768), (333, 1024), (5003, 17)]
)
@torch.inference_mode()
def test_an_ordered_logit_does_not_depend_on_the_other_rows(size: int, width: int):
    """Where the product of the matrix library may, as at width 1024 with a third of the rows."""
    generator = torch.Generator().manual_seed(size)
    weight = torch.randn(size, width, generator=generator)
    bias = torch.randn(size, generator=generator)
    for rows in (1, 3, 16):
        hidden = torch.randn(rows, width, generator=generator)
        whole = ordered_logits(hidden, weight, bias)
        torch.testing.assert_close(whole, hidden @ weight.T + bias, rtol=1e-4, atol=1e-4)
        for share in (0.97, 0.5, 0.1):
            kept = torch.randperm(size, generator=generator)[: int(share * size)]
            part = ordered_logits(hidden, weight[kept], bias[kept])
            assert bit_equal(part, whole[:, kept])


def test_bits_are_compared_not_values():
    zero, ones = torch.zeros(2), torch.ones(2)
    assert bit_equal(ones, ones.clone())
    assert torch.equal(zero, -zero)
    assert not bit_equal(zero, -zero)
    assert not bit_equal(ones, torch.nextafter(ones, 2 * ones))
    assert not bit_equal(ones, ones.double())


@pytest.mark.usefixtures("threads")
def test_a_trimmed_model_has_the_same_logits_bit_for_bit(model: MaskedLM, kept_ids):
    proof = same_logits(model, surgery.gather(model, KEPT), kept_ids, KEPT)
    assert proof.is_equal
    assert (proof.num_ids, proof.num_rows) == (len(KEPT), 12 * 17)
    assert proof.largest_difference < 1e-5


def test_logits_are_the_same_after_export_and_import_too(model: MaskedLM, kept_ids, tmp_path: Path):
    to_huggingface(model, tmp_path / "whole")
    whole = from_huggingface(tmp_path / "whole")
    to_huggingface(surgery.gather(whole, KEPT), tmp_path / "trimmed")
    trimmed = from_huggingface(tmp_path / "trimmed")
    assert trimmed.encoder.vocab_size == len(KEPT)
    assert same_logits(model, trimmed, kept_ids, KEPT).is_equal


@pytest.mark.slow
@torch.inference_mode()
def test_trimmed_and_extended_models_load_in_transformers(
    model: MaskedLM, kept_ids, tmp_path: Path, monkeypatch
):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    transformers = pytest.importorskip("transformers")
    transformers.utils.logging.disable_progress_bar()
    ids = torch.from_numpy(kept_ids)
    for name, made in (
        ("trimmed", surgery.gather(model, KEPT)),
        ("extended", surgery.extend(model, GROWN, SOURCES)),
    ):
        to_huggingface(made, tmp_path / name)
        theirs = transformers.XLMRobertaForMaskedLM.from_pretrained(tmp_path / name).eval()
        torch.testing.assert_close(theirs(ids).logits, made(ids), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("part", ["encoder.token_embedding.weight", "head.bias", "head.norm.bias"])
@torch.no_grad()
def test_a_change_in_the_last_place_is_found(model: MaskedLM, kept_ids, part):
    trimmed = surgery.gather(model, KEPT)
    value = trimmed.get_parameter(part).view(-1)[7:8]
    value.copy_(torch.nextafter(value, value + 1))
    assert not same_logits(model, trimmed, kept_ids, KEPT).is_equal


def test_a_wrong_map_is_found(model: MaskedLM, kept_ids):
    wrong = KEPT.copy()
    wrong[[5, 6]] = wrong[[6, 5]]
    assert not same_logits(model, surgery.gather(model, KEPT), kept_ids, wrong).is_equal


def test_rows_are_fewer_where_all_would_take_long(model: MaskedLM, kept_ids, monkeypatch):
    monkeypatch.setattr("xlmr_lab.model.surgery_proofs.MOST_PRODUCTS", 5 * VOCAB_SIZE * 32)
    assert same_logits(model, surgery.gather(model, KEPT), kept_ids, KEPT).num_rows == 5


def test_losses_of_an_extended_model_are_the_same(model: MaskedLM, masked, tmp_path: Path):
    grown = surgery.extend(model, GROWN, SOURCES)
    to_huggingface(grown, tmp_path / "grown")
    for made in (grown, from_huggingface(tmp_path / "grown")):
        losses = same_losses(model, made, {"qaa": masked}, NEW_IDS)["qaa"]
        assert losses.is_equal
        by_hand = model.loss(*(torch.from_numpy(part).long() for part in masked))
        assert losses.before == pytest.approx(by_hand.item(), rel=1e-6)


def test_another_loss_is_refused(model: MaskedLM, masked):
    grown = surgery.extend(model, GROWN, SOURCES)
    with torch.no_grad():
        grown.head.bias[MASK] += 60  # a new piece that takes probability
    with pytest.raises(UserError, match=r"the loss of qaa was [\d.]+ and is [\d.]+"):
        same_losses(model, grown, {"qaa": masked}, NEW_IDS)
    with torch.no_grad():
        grown.head.bias[MASK] = torch.nan
    with pytest.raises(UserError, match=r"and is nan; the weights may hold"):
        same_losses(model, grown, {"qaa": masked}, NEW_IDS)
