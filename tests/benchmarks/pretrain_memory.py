"""Memory of a training step: predicted from shapes, and the peak of a process that takes three.

Each shape is a process of its own; what it holds before the model is built (libraries) does not
count. On a GPU it is what torch has allocated at the peak.

    python tests/benchmarks/pretrain_memory.py
    python tests/benchmarks/pretrain_memory.py --device cuda
"""

import argparse
import dataclasses
import json
import resource
import subprocess
import sys

import numpy as np
import torch

from xlmr_lab import seeds
from xlmr_lab.batches.masking import mask
from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.pretrain.memory import keep_freed_memory
from xlmr_lab.pretrain.memory_plan import Shape, need
from xlmr_lab.pretrain.optimizer import build_optimizer
from xlmr_lab.pretrain.step import Objective, to_device, train_step
from xlmr_lab.vocabulary.special_tokens import FIRST_PIECE_ID

SMALL = EncoderConfig(num_layers=4, hidden_size=256, num_heads=4, ffn_size=1024)
MIDDLE = EncoderConfig(num_layers=6, hidden_size=384, num_heads=6, ffn_size=1536)
BASE = EncoderConfig(num_layers=12, hidden_size=768, num_heads=12, ffn_size=3072)
STEPS = 2


def adaptive(model: EncoderConfig, *cutoffs: int) -> EncoderConfig:
    """Return a model with an adaptive softmax."""
    return dataclasses.replace(model, adaptive_cutoffs=cutoffs)


SMALL_SHAPE = Shape(
    model=SMALL, vocab_size=8000, block_tokens=128, mask_fraction=0.15, sequences=32, at_once=32
)
SHAPES = {
    "L4 H256 V8k, 32 x 128": SMALL_SHAPE,
    "L4 H256 V8k, 32 x 512": dataclasses.replace(SMALL_SHAPE, block_tokens=512),
    "the same, without dropout": dataclasses.replace(
        SMALL_SHAPE,
        block_tokens=512,
        model=dataclasses.replace(SMALL, dropout=0.0, attention_dropout=0.0),
    ),
    "the same, 8 at once": dataclasses.replace(SMALL_SHAPE, block_tokens=512, at_once=8),
    "the same, checkpointed": dataclasses.replace(SMALL_SHAPE, block_tokens=512, checkpointed=True),
    "the same, bf16": dataclasses.replace(SMALL_SHAPE, block_tokens=512, precision="bf16"),
    "L6 H384 V32k, 16 x 128": dataclasses.replace(
        SMALL_SHAPE, model=MIDDLE, vocab_size=32_000, sequences=16, at_once=16
    ),
    "L6 H384 V32k, 64 x 256": dataclasses.replace(
        SMALL_SHAPE, model=MIDDLE, vocab_size=32_000, block_tokens=256, sequences=64, at_once=64
    ),
    "Base, V250k, 8 x 128": dataclasses.replace(
        SMALL_SHAPE, model=BASE, vocab_size=250_002, sequences=8, at_once=8
    ),
    "Base, V250k, 8 x 512": dataclasses.replace(
        SMALL_SHAPE, model=BASE, vocab_size=250_002, block_tokens=512, sequences=8, at_once=8
    ),
    "L4 H256 V100k cut at 10k, 40k": dataclasses.replace(
        SMALL_SHAPE, model=adaptive(SMALL, 10_000, 40_000), vocab_size=100_000
    ),
    "the same, 32 x 512, 8 at once": dataclasses.replace(
        SMALL_SHAPE,
        model=adaptive(SMALL, 10_000, 40_000),
        vocab_size=100_000,
        block_tokens=512,
        at_once=8,
    ),
    "L4 H256 V1M cut at 20k, 200k": dataclasses.replace(
        SMALL_SHAPE,
        model=adaptive(SMALL, 20_000, 200_000),
        vocab_size=1_000_000,
        sequences=16,
        at_once=16,
    ),
    "Base, V250k cut at 20k, 100k": dataclasses.replace(
        SMALL_SHAPE,
        model=adaptive(BASE, 20_000, 100_000),
        vocab_size=250_002,
        sequences=8,
        at_once=8,
    ),
}


def main() -> None:
    """Measure each shape and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--shape", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.shape:
        print(json.dumps(peak(dataclasses.replace(SHAPES[options.shape], device=options.device))))
        return
    for name, shape in SHAPES.items():
        done = subprocess.run(
            [sys.executable, __file__, "--device", options.device, "--shape", name],
            capture_output=True,
            text=True,
            check=True,
        )
        planned = need(dataclasses.replace(shape, device=options.device))
        predicted, measured = planned.total - planned.snapshot, json.loads(done.stdout)
        ratio = predicted / measured
        print(
            f"{name:30s}{predicted / 1e6:10.0f}{measured / 1e6:10.0f} MB {ratio:8.2f}", flush=True
        )


def peak(shape: Shape) -> int:
    """Return the bytes that some steps of a shape took at their peak."""
    torch.set_num_threads(1)
    keep_freed_memory()
    before = resident()
    device = torch.device(shape.device)
    config = dataclasses.replace(shape.model, max_tokens=shape.block_tokens)
    model = MaskedLM(config, shape.vocab_size).to(device).train()
    model.encoder.checkpointed = shape.checkpointed
    optimizer = build_optimizer(model, weight_decay=0.01)
    for step in range(STEPS):
        rng = seeds.generator(0, "benchmark", step)
        tokens = rng.integers(
            FIRST_PIECE_ID,
            shape.vocab_size - 1,
            size=(shape.sequences, shape.block_tokens),
            dtype=np.int32,
        )
        masked = mask(tokens, vocab_size=shape.vocab_size, fraction=shape.mask_fraction, rng=rng)
        train_step(
            Objective(model, shape.precision),
            optimizer,
            to_device(masked, device),
            learning_rate=1e-4,
            clip_norm=1.0,
            dropout_seed=step,
            micro_sequences=shape.at_once,
        )
    if shape.device == "cuda":
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before


def resident() -> int:
    """Return the bytes that this process holds in memory."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


if __name__ == "__main__":
    main()
