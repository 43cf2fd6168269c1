"""Both sides of the comparison train the same model on the same blocks, measured alike."""

import dataclasses
import math
import sys

import pytest
import torch

from xlmr_lab.batches.masking import IGNORE_INDEX
from xlmr_lab.errors import UserError
from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.pretrain import counterpart, throughput
from xlmr_lab.pretrain.throughput import Measured, ThroughputConfig, paired

MODEL = EncoderConfig(num_layers=2, hidden_size=32, num_heads=2, ffn_size=64, max_tokens=16)
CONFIG = ThroughputConfig(
    model=MODEL, vocab_size=200, block_tokens=16, batch_sequences=4, rounds=3, device="cpu"
)


@pytest.fixture(autouse=True)
def no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time a step or two for each round."""
    monkeypatch.setattr(throughput, "ROUND_SECONDS", 0.0)


def plain(config: ThroughputConfig) -> ThroughputConfig:
    return dataclasses.replace(
        config, model=dataclasses.replace(config.model, dropout=0.0, attention_dropout=0.0)
    )


def test_both_sides_are_the_same_model():
    lab = throughput._model(CONFIG).eval()
    other = counterpart.with_weights(counterpart.build(lab), lab).eval()
    ids = torch.from_numpy(throughput.blocks(CONFIG, 0)).long()
    torch.testing.assert_close(other(input_ids=ids).logits, lab(ids), rtol=1e-4, atol=1e-5)


def test_the_collator_hides_ordinary_pieces_of_packed_blocks():
    collate = counterpart.collator(200, 0.15)
    blocks = torch.from_numpy(throughput.blocks(CONFIG, 0)).long().repeat(50, 1)
    batch = collate([{"input_ids": row} for row in blocks])
    hidden = batch["labels"] != IGNORE_INDEX
    assert batch["input_ids"].shape == blocks.shape
    assert float(hidden.float().mean()) == pytest.approx(0.15, abs=0.02)
    assert torch.equal(batch["labels"][hidden], blocks[hidden])
    masks = batch["input_ids"] == 199
    assert not (masks & ~hidden).any()
    assert bool(batch["attention_mask"].all())


@pytest.mark.slow
def test_both_sides_learn():
    """Random ids from 4 on: below the loss of even odds over all ids lies that over these."""
    config = plain(dataclasses.replace(CONFIG, vocab_size=12))
    lab = throughput._model(config)
    other = counterpart.with_weights(counterpart.build(lab), lab)
    for step in (throughput.lab_step(config, lab), throughput.other_step(config, other)):
        losses = [step(number) for number in range(150)]
        assert losses[0] == pytest.approx(math.log(12), abs=0.3)
        assert sum(losses[-10:]) / 10 < losses[0] - 0.1


def test_sides_take_turns_and_the_first_round_does_not_count():
    taken = []

    def step(side: str):
        return lambda number: taken.append((side, number)) or 0.0

    times = paired({side: step(side) for side in throughput.SIDES}, CONFIG)
    warm = [entry for entry in taken if entry[1] == 0]
    assert len(warm) == 4
    assert taken[4:] == [(side, number) for number in (1, 2, 3) for side in throughput.SIDES]
    assert all(len(values) == 3 for both in times.values() for values in both)


def test_speeds_are_those_of_the_round_in_the_middle():
    measured = Measured([1.0, 2.0, 9.0], [0.5, 1.0, 1.0], 0)
    assert measured.tokens_per_second(64) == 32.0
    assert measured.tokens_per_cpu_second(64) == 64.0


@pytest.mark.slow
def test_a_comparison_measures_both_sides_and_leaves_torch_as_it_was():
    before = torch.get_num_threads(), torch.get_rng_state()
    found = throughput.compare(dataclasses.replace(CONFIG, threads=2))
    assert list(found) == list(throughput.SIDES)
    for measured in found.values():
        assert len(measured.seconds) == 3
        assert min(measured.seconds) > 0
        assert 1_000_000 < measured.peak_bytes < 2_000_000_000
    assert torch.get_num_threads() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])


def test_a_process_that_is_killed_is_told(monkeypatch: pytest.MonkeyPatch):
    class Pool:
        def __init__(self, *arguments, **settings) -> None: ...

        def __enter__(self):
            return self

        def __exit__(self, *error) -> None: ...

        def submit(self, *arguments):
            raise throughput.BrokenProcessPool

    monkeypatch.setattr(throughput, "ProcessPoolExecutor", Pool)
    with pytest.raises(UserError, match=r"measures transformers was killed.*batch_sequences, 4"):
        throughput.compare(CONFIG)


def test_without_transformers_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(UserError, match=r"needs Hugging Face's transformers 5: pip install"):
        throughput.compare(CONFIG)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"rounds": 0}, "rounds must be at least 1, got 0"),
        ({"block_tokens": 17}, "block_tokens must be between 2 and model.max_tokens, 16, got 17"),
        ({"vocab_size": 5}, "vocab_size must be at least 6, got 5"),
        ({"mask_fraction": 0.0}, "mask_fraction must be between 0 and 1, got 0"),
        (
            {"model": dataclasses.replace(MODEL, adaptive_cutoffs=(50,))},
            "leave out model.language_embeddings and model.adaptive_cutoffs",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(change, told: str):
    with pytest.raises(UserError, match=told):
        dataclasses.replace(CONFIG, **change)


def test_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="device is cuda, but torch finds no CUDA device here"):
        dataclasses.replace(CONFIG, device="cuda")
    assert dataclasses.replace(CONFIG, device="auto").place.type == "cpu"
