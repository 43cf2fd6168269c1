"""Memory of a run: what layers keep is counted, sums are worked by hand, advice fits."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from xlmr_lab import machine_memory, storage
from xlmr_lab.batches.masking import mask, num_masked
from xlmr_lab.errors import UserError
from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.pretrain.loop import pretrain
from xlmr_lab.pretrain.memory_plan import (
    Shape,
    activations,
    chunk,
    layer_bytes,
    need,
    require,
    shape_of,
)
from xlmr_lab.pretrain.optimizer import build_optimizer
from xlmr_lab.pretrain.step import Objective, to_device, train_step

ENCODER = EncoderConfig(num_layers=2, hidden_size=64, num_heads=4, ffn_size=256, max_tokens=32)
SHAPE = Shape(
    model=ENCODER, vocab_size=300, block_tokens=32, mask_fraction=0.15, sequences=8, at_once=8
)
BASE = EncoderConfig(num_layers=12, hidden_size=768, num_heads=12, ffn_size=3072)
LARGE_SHAPE = dataclasses.replace(SHAPE, model=BASE, vocab_size=250_002, block_tokens=512)


def kept_bytes(shape: Shape, num_layers: int) -> int:
    """Return what autograd keeps in the forward pass besides weights."""
    config = dataclasses.replace(shape.model, num_layers=num_layers)
    model = MaskedLM(config, shape.vocab_size).train()
    model.encoder.checkpointed = shape.checkpointed
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    held: dict[int, torch.Tensor] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        held.setdefault(tensor.untyped_storage().data_ptr(), tensor)
        return tensor

    ids = torch.randint(4, 299, (shape.at_once, shape.block_tokens))
    positions = torch.arange(5).repeat(shape.at_once, 1)
    places = torch.zeros(shape.at_once, 1, dtype=torch.long)
    with torch.random.fork_rng(), torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        Objective(model, shape.precision)(ids, positions, ids.gather(1, positions), places)
    return sum(t.untyped_storage().nbytes() for key, t in held.items() if key not in weights)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("attention_dropout", [0.0, 0.1])
def test_a_layer_keeps_what_the_plan_says(precision, dropout, attention_dropout):
    model = dataclasses.replace(ENCODER, dropout=dropout, attention_dropout=attention_dropout)
    shape = dataclasses.replace(SHAPE, model=model, precision=precision)
    kept = kept_bytes(shape, 3) - kept_bytes(shape, 2)
    assert kept == pytest.approx(layer_bytes(shape), rel=0.02)


def test_states_by_hand():
    """Four copies of the weights: themselves, two moments, gradients at the peak; there also stand
    the embedding's gradient of a part of the batch, and that of its lookup on a GPU.
    """
    alone = dataclasses.replace(LARGE_SHAPE, at_once=1, sequences=1, block_tokens=8)
    weights, embedding = 4 * LARGE_SHAPE.num_parameters, 4 * 250_002 * 768
    assert LARGE_SHAPE.num_parameters == pytest.approx(278e6, rel=0.002)
    for device, sequences, extra in (("cpu", 1, 0), ("cuda", 1, 1), ("cuda", 2, 2)):
        found = need(dataclasses.replace(alone, sequences=sequences, device=device))
        assert found.parameters == pytest.approx(3 * weights, rel=0.001)
        assert found.gradients == pytest.approx(weights + extra * embedding, rel=0.001)


def test_what_processes_share_by_hand():
    """DDP's buckets, as large as the weights, stay beside the output's gradient at the loss and the
    embedding's at the end; fsdp divides weights, moments and what comes back of gradients, and
    holds what it sends.
    """
    weights, embedding = 4 * LARGE_SHAPE.num_parameters, 4 * 250_002 * 768
    long = dataclasses.replace(LARGE_SHAPE, sequences=64, at_once=64)
    short = dataclasses.replace(LARGE_SHAPE, sequences=1, at_once=1, block_tokens=8)
    assert need(long).gradients == embedding
    ddp, fsdp = ({"processes": 4, "parallel": parallel} for parallel in ("ddp", "fsdp"))
    assert need(dataclasses.replace(long, **ddp)).gradients == embedding + weights
    assert need(dataclasses.replace(short, **ddp)).gradients == weights + embedding
    divided = need(dataclasses.replace(short, **fsdp))
    assert divided.gradients == weights + embedding + weights // 4
    assert divided.parameters == 3 * weights // 4 + weights
    assert divided.snapshot == 3 * weights + 2 * embedding


def test_a_gpu_has_a_margin():
    """For what torch does not count, and for holes in what it does; for NCCL where it is used."""
    for processes, fixed in ((1, 0.5e9), (2, 1.5e9)):
        shape = dataclasses.replace(LARGE_SHAPE, device="cuda", processes=processes)
        found = need(shape)
        assert found.process == pytest.approx(fixed + 0.05 * (found.total - found.process))


def test_an_adaptive_softmax_by_hand():
    """Bands of 10,000 ids and two entries, of 30,000 ids of width 64, of 60,000 of width 16; all 38
    masked positions may have their target in the last one."""
    model = dataclasses.replace(ENCODER, hidden_size=256, adaptive_cutoffs=(10_000, 40_000))
    shape = dataclasses.replace(SHAPE, model=model, vocab_size=100_000)
    positions = 8 * num_masked(32, 0.15)
    output = 10_002 * 256 + 30_000 * 64 + 60_000 * 16
    for precision, per_weight in (("fp32", 4), ("bf16", 10)):
        found = chunk(dataclasses.replace(shape, precision=precision))
        first, last = ((10_002, 256), (60_000, 16))
        assert found == max(
            8 * positions * n + per_weight * n * width for n, width in (first, last)
        )
    whole = 4 * 100_000 * 256
    on_gpu = need(dataclasses.replace(shape, device="cuda"))
    assert on_gpu.gradients == 4 * shape.num_parameters + whole
    on_cpu = need(shape)
    assert on_cpu.gradients == 4 * shape.num_parameters
    assert on_cpu.activations == min(whole, activations(shape) + chunk(shape))
    long = dataclasses.replace(shape, block_tokens=512, sequences=64, at_once=64)
    assert need(long).gradients == 4 * output


def test_fewer_at_once_or_checkpointed_needs_less():
    whole = need(dataclasses.replace(LARGE_SHAPE, sequences=64, at_once=64))
    parts = need(dataclasses.replace(LARGE_SHAPE, sequences=64, at_once=32))
    again = need(dataclasses.replace(LARGE_SHAPE, sequences=64, at_once=64, checkpointed=True))
    assert whole.activations == pytest.approx(2 * parts.activations, rel=0.001)
    assert again.activations < whole.activations / 3
    assert whole.parameters == parts.parameters == again.parameters


def test_what_fits_is_let_through_and_what_does_not_is_told():
    total = need(SHAPE).total
    assert require(SHAPE, total).total == total
    with pytest.raises(UserError, match=r"for 8 sequences at once; the machine has \d+ MB to give"):
        require(SHAPE, total - 1)


def test_runs_at_once_share_what_there_is():
    total = need(SHAPE).total
    assert require(SHAPE, 3 * total, runs=3).total == total
    with pytest.raises(UserError, match=r"pretraining 3 runs at once needs .* set jobs=2$"):
        require(SHAPE, 3 * total - 1, runs=3)
    shape = dataclasses.replace(LARGE_SHAPE, sequences=64, at_once=64)
    with pytest.raises(UserError, match=r"set pretrain.micro_sequences=\d+ jobs=1$"):
        require(shape, need(shape).total - 1, runs=2)
    with pytest.raises(UserError, match=r"or shorter blocks$"):
        require(LARGE_SHAPE, 10**9, runs=2)


@pytest.mark.parametrize("gigabytes", [30, 20, 16, 13, 12])
def test_advice_fits_when_followed(gigabytes: int):
    shape = dataclasses.replace(LARGE_SHAPE, sequences=256, at_once=256)
    with pytest.raises(UserError, match="set pretrain") as caught:
        require(shape, gigabytes * 10**9)
    micro = re.search(r"pretrain.micro_sequences=(\d+)", str(caught.value))
    changes = {"at_once": int(micro[1])} if micro else {}
    changes["checkpointed"] = "pretrain.activation_checkpointing=true" in str(caught.value)
    require(dataclasses.replace(shape, **changes), gigabytes * 10**9)


def test_a_model_that_never_fits_is_told_so():
    with pytest.raises(UserError, match=r"one sequence at once needs .* GB still; take a smaller"):
        require(LARGE_SHAPE, 10**9)


def test_the_plan_is_made_from_the_runs_settings(make_run):
    run = make_run(micro_sequences=2, precision="bf16", activation_checkpointing=True)
    assert shape_of(run, 300, torch.device("cpu")) == Shape(
        model=run.model,
        vocab_size=300,
        block_tokens=16,
        mask_fraction=0.15,
        sequences=4,
        at_once=2,
        precision="bf16",
        checkpointed=True,
        languages=("en", "sw", "ur"),
    )
    shared = shape_of(make_run(parallel="fsdp"), 300, torch.device("cpu"), processes=2)
    assert (shared.sequences, shared.at_once) == (2, 2)
    assert (shared.processes, shared.parallel) == (2, "fsdp")


@pytest.mark.parametrize("language_embeddings", [False, True])
def test_every_weight_is_counted(make_run, language_embeddings: bool):
    run = make_run()
    model = dataclasses.replace(run.model, language_embeddings=language_embeddings)
    run = dataclasses.replace(run, model=model)
    made = MaskedLM(model, 300, languages=run.languages)
    counted = shape_of(run, 300, torch.device("cpu")).num_parameters
    assert counted == sum(weight.numel() for weight in made.parameters())


def test_a_run_that_cannot_fit_is_refused_before_the_first_step(
    tmp_path: Path, shards_folder: Path, make_run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(machine_memory, "available_bytes", lambda: 10**6)
    with pytest.raises(UserError, match="pretraining needs about"):
        pretrain(tmp_path, shards_folder, make_run(), threads=1)
    assert not (tmp_path / "checkpoints").exists()


def test_what_was_planned_is_recorded(tmp_path: Path, shards_folder: Path, make_run):
    run = make_run(steps=3)
    pretrain(tmp_path, shards_folder, run, threads=1)
    planned = need(shape_of(run, 300, torch.device("cpu"))).total
    assert storage.read_json(tmp_path / "provenance.json")["planned_memory_bytes"] == planned


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("cutoffs", [(), (3000, 12_000)])
def test_on_a_gpu_the_plan_is_near_what_torch_allocates(precision, cutoffs):
    """Never tried where it was written: there was no GPU."""
    model = EncoderConfig(
        num_layers=4, hidden_size=256, num_heads=4, ffn_size=1024, adaptive_cutoffs=cutoffs
    )
    shape = dataclasses.replace(
        SHAPE,
        model=model,
        vocab_size=30_000,
        block_tokens=512,
        sequences=32,
        at_once=32,
        precision=precision,
        device="cuda",
    )
    place = torch.device("cuda")
    masked_lm = MaskedLM(model, shape.vocab_size).to(place).train()
    optimizer = build_optimizer(masked_lm, weight_decay=0.01)
    rng = np.random.default_rng(1)
    tokens = rng.integers(4, 29_999, size=(32, 512), dtype=np.int32)
    batch = to_device(mask(tokens, vocab_size=30_000, fraction=0.15, rng=rng), place)
    settings = {"learning_rate": 1e-4, "clip_norm": 1.0, "dropout_seed": 1}
    for _ in range(2):
        train_step(Objective(masked_lm, precision), optimizer, batch, **settings)
    planned, reserved = need(shape), torch.cuda.max_memory_reserved()
    tensors = planned.total - planned.process
    assert tensors == pytest.approx(torch.cuda.max_memory_allocated(), rel=0.25)
    assert planned.total > reserved
