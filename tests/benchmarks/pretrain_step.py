"""Training speed on a CPU against Hugging Face's XLMRobertaForMaskedLM, paired in one process.

Both start from the same weights and see the same masked batches, packed without padding, with the
same dropout, clipping and AdamW settings; steps alternate in short rounds and time is CPU time, so
that a busy machine hurts both alike. The lab's step includes choosing and masking tokens; the other
gets its inputs and labels ready-made.

    python tests/benchmarks/pretrain_step.py
    python tests/benchmarks/pretrain_step.py --layers 2 --width 64 --heads 2 --vocabulary 4000 \
        --block-tokens 64 --batch-sequences 64
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from transformers import XLMRobertaForMaskedLM

from xlmr_lab import seeds
from xlmr_lab.batches.masking import IGNORE_INDEX, Masked, mask
from xlmr_lab.model.convert import from_huggingface, to_huggingface
from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.pretrain.memory import keep_freed_memory
from xlmr_lab.pretrain.optimizer import BETAS, EPSILON, build_optimizer
from xlmr_lab.pretrain.step import Objective, to_device, train_step
from xlmr_lab.vocabulary.special_tokens import FIRST_PIECE_ID

CPU = torch.device("cpu")
LEARNING_RATE, WEIGHT_DECAY, CLIP_NORM = 1e-4, 0.01, 1.0


def main() -> None:
    """Measure and print the ratio."""
    options = parse()
    torch.set_num_threads(options.threads)
    if not options.keep_system_allocator:
        keep_freed_memory()
    lab, other = models(options)
    compare_losses(lab, other, batch(options, 0))
    steps = {"transformers": other_step(other, options), "xlmr_lab": lab_step(lab, options)}
    seconds = measure(steps, options.rounds, options.round_steps)
    tokens = options.batch_sequences * options.block_tokens
    for name, values in seconds.items():
        print(f"{name:14s}{tokens / statistics.median(values):12,.0f} tokens per CPU second")
    pairs = zip(seconds["transformers"], seconds["xlmr_lab"], strict=True)
    ratios = sorted(a / b for a, b in pairs)
    best = min(seconds["transformers"]) / min(seconds["xlmr_lab"])
    print(
        f"ratio {statistics.median(ratios):.2f} (rounds from {ratios[0]:.2f} to {ratios[-1]:.2f}, "
        f"of the fastest rounds {best:.2f}); {options.threads} thread(s), torch {torch.__version__}"
    )


def parse() -> argparse.Namespace:
    """Read the command line; the defaults are a model of 5 million weights."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name, default in (
        ("layers", 4),
        ("width", 256),
        ("heads", 4),
        ("vocabulary", 8000),
        ("block-tokens", 128),
        ("batch-sequences", 32),
        ("threads", 1),
        ("rounds", 7),
        ("round-steps", 2),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--attention-dropout", type=float, default=0.1)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32", help="of the lab")
    parser.add_argument("--keep-system-allocator", action="store_true")
    return parser.parse_args()


def models(options: argparse.Namespace) -> tuple[MaskedLM, XLMRobertaForMaskedLM]:
    """Return the lab's model and the other one with the same weights."""
    config = EncoderConfig(
        num_layers=options.layers,
        hidden_size=options.width,
        num_heads=options.heads,
        ffn_size=4 * options.width,
        max_tokens=options.block_tokens,
        dropout=options.dropout,
        attention_dropout=options.attention_dropout,
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "model"
        generator = torch.Generator().manual_seed(0)
        to_huggingface(MaskedLM(config, options.vocabulary, generator=generator), folder)
        return from_huggingface(folder), XLMRobertaForMaskedLM.from_pretrained(folder)


def batch(options: argparse.Namespace, step: int) -> Masked:
    """Return random blocks, masked."""
    rng = seeds.generator(0, "benchmark", step)
    shape = (options.batch_sequences, options.block_tokens)
    tokens = rng.integers(FIRST_PIECE_ID, options.vocabulary - 1, size=shape, dtype=np.int32)
    return mask(tokens, vocab_size=options.vocabulary, fraction=0.15, rng=rng)


def labels(masked: Masked) -> torch.Tensor:
    """Return targets [B, T] as the other model wants them."""
    full = np.full(masked.inputs.shape, IGNORE_INDEX, dtype=np.int64)
    np.put_along_axis(full, masked.positions, masked.targets, axis=1)
    return torch.from_numpy(full)


def compare_losses(lab: MaskedLM, other: XLMRobertaForMaskedLM, masked: Masked) -> None:
    """Print both losses on one batch without dropout: they are the same model."""
    with torch.inference_mode():
        ours = float(lab.eval().loss(*to_device(masked, CPU)))
        inputs = torch.from_numpy(masked.inputs).long()
        theirs = float(other.eval()(input_ids=inputs, labels=labels(masked)).loss)
    print(f"loss on the same batch: transformers {theirs:.6f}, xlmr_lab {ours:.6f}")
    lab.train()
    other.train()


def lab_step(model: MaskedLM, options: argparse.Namespace) -> Callable[[int], float]:
    """Return a function that takes a step and returns its CPU seconds."""
    optimizer = build_optimizer(model, weight_decay=WEIGHT_DECAY)
    objective = Objective(model, options.precision)

    def step(number: int) -> float:
        started = time.process_time()
        result = train_step(
            objective,
            optimizer,
            to_device(batch(options, number), CPU),
            learning_rate=LEARNING_RATE,
            clip_norm=CLIP_NORM,
            dropout_seed=number,
        )
        float(result.loss)
        return time.process_time() - started

    return step


def other_step(model: XLMRobertaForMaskedLM, options: argparse.Namespace) -> Callable[[int], float]:
    """Return the same for the other model, with AdamW as its trainer sets it up."""
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=LEARNING_RATE, betas=BETAS, eps=EPSILON, weight_decay=WEIGHT_DECAY
    )

    def step(number: int) -> float:
        masked = batch(options, number)
        inputs, targets = torch.from_numpy(masked.inputs).long(), labels(masked)
        started = time.process_time()
        loss = model(input_ids=inputs, labels=targets).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
        optimizer.step()
        optimizer.zero_grad()
        float(loss.detach())
        return time.process_time() - started

    return step


def measure(
    steps: dict[str, Callable[[int], float]], rounds: int, round_steps: int
) -> dict[str, list[float]]:
    """Return the mean seconds of a step in each round, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(-1, rounds):
        for name, step in steps.items():
            numbers = range((number + 1) * round_steps, (number + 2) * round_steps)
            taken = statistics.mean(step(n) for n in numbers)
            if number >= 0:
                seconds[name].append(taken)
    return seconds


if __name__ == "__main__":
    main()
