"""Memory that runs out all the same is explained, wherever in a run, with the setting to change."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from xlmr_lab.errors import UserError
from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.pretrain import loop, training
from xlmr_lab.pretrain.checkpoint_writer import CheckpointWriter
from xlmr_lab.pretrain.loop import pretrain
from xlmr_lab.pretrain.memory_plan import Shape
from xlmr_lab.pretrain.out_of_memory import explained
from xlmr_lab.pretrain.records import Records

ENCODER = EncoderConfig(num_layers=2, hidden_size=64, num_heads=4, ffn_size=256, max_tokens=32)
SHAPE = Shape(
    model=ENCODER, vocab_size=300, block_tokens=32, mask_fraction=0.15, sequences=8, at_once=8
)
GO_ON = "and run again to go on from the last checkpoint"


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({}, "with 8 sequences of 32 tokens at once; set pretrain.micro_sequences=4 and run again"),
        ({"at_once": 1}, "set pretrain.activation_checkpointing=true and run again"),
        ({"at_once": 1, "checkpointed": True}, "take a smaller model or vocabulary"),
    ],
)
def test_running_out_names_the_setting_to_change(changes, advice):
    with (
        pytest.raises(UserError, match=advice),
        explained(dataclasses.replace(SHAPE, **changes), "compute"),
    ):
        raise torch.OutOfMemoryError("CUDA out of memory")


@pytest.mark.parametrize("take", [torch.empty, np.empty])
def test_a_cpu_that_runs_out_is_explained_too(take):
    with pytest.raises(UserError, match="memory ran out"), explained(SHAPE, "compute"):
        take(1 << 50)


@pytest.mark.parametrize(
    ("device", "advice"),
    [("cpu", "set pretrain.micro_sequences=4"), ("cuda", "free some of it or take a smaller")],
)
def test_locked_pages_that_run_out_are_the_machines(device: str, advice: str):
    shape = dataclasses.replace(SHAPE, device=device)
    told = rf"copy of a checkpoint, 2 MB of the machine's; {advice}.* {GO_ON}"
    with pytest.raises(UserError, match=told), explained(shape, "checkpoint"):
        raise RuntimeError("CUDA error: out of memory")


def test_other_errors_are_let_through():
    with pytest.raises(RuntimeError, match="shapes"), explained(SHAPE, "compute"):
        raise RuntimeError("shapes")


@pytest.mark.parametrize(
    ("place", "name", "advice"),
    [
        (loop, "Training", "made ready, 1 MB of weights and moments; take a smaller model"),
        (loop, "heldout_set", "made ready, 1 MB of weights and moments; take a smaller model"),
        (training, "train_step", "at once; set pretrain.micro_sequences=2 and run again"),
        (Records, "heldout", "at once; set pretrain.micro_sequences=2 and run again"),
        (CheckpointWriter, "save", "copy of a checkpoint, 1 MB of the machine's; set pretrain"),
    ],
)
def test_it_is_explained_wherever_in_a_run(
    tmp_path: Path,
    shards_folder: Path,
    make_run,
    monkeypatch: pytest.MonkeyPatch,
    place,
    name: str,
    advice: str,
):
    def full(*arguments, **settings):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(place, name, full)
    with pytest.raises(UserError, match=advice):
        pretrain(tmp_path, shards_folder, make_run(), threads=1)
