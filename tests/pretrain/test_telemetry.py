"""Telemetry: rates by hand, operations of the products that run, memory of this process."""

import dataclasses
import re
import resource
import time
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from xlmr_lab import storage
from xlmr_lab.batches.masking import num_masked
from xlmr_lab.model.bands import bands
from xlmr_lab.pretrain import telemetry, training
from xlmr_lab.pretrain.loop import pretrain
from xlmr_lab.pretrain.telemetry import StepClock, Work
from xlmr_lab.pretrain.training import Training

CPU = torch.device("cpu")


class Clock:
    """A clock that moves on by a second each time it is asked."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def test_rates_are_those_since_the_record_before(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(telemetry.time, "perf_counter", Clock())
    work = Work(step_tokens=100, token_operations=work_of(5), matrix_rate=1000.0, device=CPU)
    clock = StepClock(7.0, step=3, work=work)
    for _ in range(2):
        with clock:
            pass
    first = clock.record(5)
    with clock:
        pass
    second = clock.record(9)
    assert (first["seconds"], first["tokens_per_second"]) == (9.0, 100.0)
    assert (first["model_flops_per_second"], first["mfu"]) == (500, 0.5)
    assert (second["seconds"], second["tokens_per_second"]) == (10.0, 400.0)


@pytest.mark.parametrize("log_steps", [1, 3])
def test_the_seconds_of_an_asynchronous_device_are_counted(
    tmp_path: Path, shards_folder: Path, make_run, monkeypatch: pytest.MonkeyPatch, log_steps: int
):
    device = AsynchronousDevice(seconds_per_step=0.03)
    launch, read = training.train_step, Training.require_finite
    monkeypatch.setattr(training, "train_step", lambda *a, **k: device.begin(launch(*a, **k)))
    monkeypatch.setattr(Training, "is_asynchronous", True)
    monkeypatch.setattr(Training, "require_finite", lambda *a: read(*device.wait(a)))
    pretrain(tmp_path, shards_folder, make_run(steps=6, log_steps=log_steps), threads=1)
    last = storage.read_jsonl(tmp_path / "telemetry.jsonl")[-1]
    assert last["seconds"] >= 6 * 0.03


class AsynchronousDevice:
    """A device that works on what it is given after the call has returned, as GPUs do."""

    def __init__(self, *, seconds_per_step: float) -> None:
        self._seconds = seconds_per_step
        self._busy_until = 0.0

    def begin(self, result):
        self._busy_until = max(self._busy_until, time.perf_counter()) + self._seconds
        return result

    def wait(self, result):
        time.sleep(max(0.0, self._busy_until - time.perf_counter()))
        return result


def test_operations_are_those_of_the_bands_that_targets_were_in(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(telemetry.time, "perf_counter", Clock())
    work = Work(step_tokens=100, token_operations=work_of(5, 20), matrix_rate=1000.0, device=CPU)
    clock = StepClock(0.0, step=0, work=work)
    with clock:
        pass
    assert clock.record(1, [0.25])["model_flops_per_second"] == 100 * (5 + 20 / 4)


def work_of(always: float, *inside: float):
    """Return what counts operations, given the share of targets in each band."""
    return lambda shares: always + sum(s * n for s, n in zip(shares, inside, strict=True))


@pytest.mark.parametrize("cutoffs", [(), (90, 112)])
def test_operations_are_those_of_the_products_that_a_step_computes(make_run, shards, cutoffs):
    """Torch counts what it multiplies, except in place: so the loss adds up the gradient of the
    output, a third of the logits' work."""
    run = make_run(dropout=0.1)
    run = dataclasses.replace(run, model=dataclasses.replace(run.model, adaptive_cutoffs=cutoffs))
    training = Training(run, shards, device=CPU)
    with FlopCounterMode(display=False) as counter:
        training.advance()
    batches, vocab_size = run.batches, shards.vocab_size
    rows = batches.batch_sequences * num_masked(batches.block_tokens, batches.mask_fraction)
    shares = training.band_shares()
    scored = [rows, *(round(rows * share) for share in shares)]
    assert all(scored), "a target in every band"
    parts = bands(vocab_size, run.model.hidden_size, cutoffs)
    in_place = sum(2 * n * b.num_scores * b.width for n, b in zip(scored, parts, strict=True))
    tokens = batches.batch_sequences * batches.block_tokens
    expected = telemetry.token_operations(run, vocab_size, shares) * tokens
    assert counter.get_total_flops() + in_place == pytest.approx(expected, rel=1e-12)


def test_the_rate_of_a_matrix_product_is_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(telemetry, "MATRIX_SIZE", {"cpu": 128})
    before = torch.get_rng_state()
    rates = [telemetry.matrix_rate(CPU, precision) for precision in ("fp32", "bf16")]
    assert all(1e8 < rate < 1e14 for rate in rates)
    assert torch.equal(torch.get_rng_state(), before)


def test_peak_memory_is_that_of_the_process():
    before = telemetry.peak_memory(CPU)
    assert before == pytest.approx(
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, rel=0.01
    )
    held = torch.ones(30_000_000 + before // 4)
    assert telemetry.peak_memory(CPU) >= before + 30_000_000 * 4 // 2
    del held


def test_what_the_device_can_do_is_in_the_provenance(tmp_path: Path, shards_folder: Path, make_run):
    pretrain(tmp_path, shards_folder, make_run(steps=3), threads=1)
    rate = storage.read_json(tmp_path / "provenance.json")["matrix_flops_per_second"]
    record = storage.read_jsonl(tmp_path / "telemetry.jsonl")[-1]
    assert record["mfu"] == pytest.approx(record["model_flops_per_second"] / rate, abs=1e-4)


def test_the_bar_shows_loss_and_speed(
    tmp_path: Path, shards_folder: Path, make_run, monkeypatch: pytest.MonkeyPatch
):
    shown = []
    monkeypatch.setattr("tqdm.tqdm.set_postfix_str", lambda bar, text, refresh: shown.append(text))
    pretrain(tmp_path, shards_folder, make_run(steps=4), threads=1)
    assert len(shown) == 2
    assert all(re.fullmatch(r"loss \d\.\d{3}, [\d.]+k?tok/s", text) for text in shown), shown
