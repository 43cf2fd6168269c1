"""Kill a fine-tuning experiment with SIGKILL at many random moments, and report what came out.

Run by test_killed_finetuning.py in a process of its own: `killed_finetuning.py WORK KILLS SEED`.
Each start is a process forked from here, so that the libraries are loaded once. State is written
after every step and slowly, so that many moments fall into the writing. The k-th kill comes a
random time after the k-th part of the work. Prints one JSON object.
"""

import dataclasses
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch._dynamo  # loaded once here instead of in every child

from xlmr_lab.evaluate import transfer
from xlmr_lab.evaluate.examples import Examples, Ragged
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.metrics import accuracy
from xlmr_lab.evaluate.protocols import plan
from xlmr_lab.evaluate.transfer import Target, TransferData
from xlmr_lab.model.encoder import Encoder, EncoderConfig
from xlmr_lab.pretrain import checkpoint

SLOW_SECONDS = 0.01
"""What writing a file of a checkpoint takes longer, twice."""
LONGEST_DELAY_SECONDS = 0.15
"""A few steps."""
SHAPE = EncoderConfig(
    num_layers=2, hidden_size=16, num_heads=2, ffn_size=32, max_tokens=32, init_std=0.2
)
CONFIG = FinetuneConfig(
    steps=24,
    batch_sequences=8,
    peak_learning_rate=1e-2,
    other_learning_rates=(3e-3,),
    max_tokens=24,
    selections=("train-dev", "joint-dev", "per-language-dev"),
    selection_checks=8,
    patience=4,
    frozen_layers=1,
)


def examples(name: str, num: int) -> Examples:
    """Return random pairs with labels that their first token tells."""
    rng = np.random.default_rng(sum(name.encode()))
    rows = [
        np.array([0, rng.integers(4, 10), *rng.integers(10, 90, rng.integers(1, 9)), 2], np.int32)
        for _ in range(num)
    ]
    return Examples(
        tokens=Ragged.of(rows, np.int32),
        positions=Ragged.of([np.zeros(1, np.int64)] * num, np.int64),
        labels=np.array([row[1] % 3 for row in rows], np.int64),
        languages=("qaa",),
        row_languages=np.zeros(num, np.int64),
        pad_id=1,
    )


def data() -> TransferData:
    """Return a task of two languages, with a model of one and a model of both."""
    models = plan(["zero-shot", "all"], "qaa", [("qaa", "test"), ("qab", "test")])
    scored = {part for model in models for cell in model.cells for part in (cell.scored, cell.dev)}

    def target(part: object) -> Target:
        made = examples(str(part), 60)
        return Target(
            examples=made,
            num_examples=60,
            score=lambda logits: {"accuracy": accuracy(logits.argmax(-1), made.labels)},
        )

    return TransferData(
        task="nli",
        objective="classification",
        num_labels=3,
        vocab_size=100,
        models=models,
        train={part: examples(str(part), 70) for model in models for part in model.train},
        targets={part: target(part) for part in sorted(scored)},
    )


def start(folder: Path, output: Path) -> None:
    """Run the experiment, or go on with it, and write its scores down."""
    encoder = Encoder(SHAPE, 100, generator=torch.Generator().manual_seed(0))
    rows = transfer.run(encoder, data(), config=CONFIG, seed=3, folder=folder, save_seconds=0.0)
    output.write_text(json.dumps([dataclasses.asdict(row) for row in rows]), encoding="utf-8")


def slow_down() -> None:
    """Write the files of checkpoints in two parts, with time between them and after."""
    original = checkpoint.save_file

    def save_file(tensors: dict[str, torch.Tensor], path: Path) -> None:
        original(tensors, path)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        time.sleep(SLOW_SECONDS)
        path.write_bytes(content)
        time.sleep(SLOW_SECONDS)

    checkpoint.save_file = save_file


def fork(work: Callable[[], object]) -> int:
    """Do the work in a forked process and return its id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)


def finish(child: int) -> int:
    """Wait for a process and return how it ended."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def progress(folder: Path) -> int:
    """Return the steps that are on disk, of all runs together."""
    kept = [int(path.name[5:]) for path in folder.glob("*/step-*") if path.name[5:].isdigit()]
    return sum(kept) + CONFIG.steps * len(list(folder.glob("*/looks.json")))


def main() -> None:
    """Run it once without and once with kills."""
    work, kills, rng = Path(sys.argv[1]), int(sys.argv[2]), random.Random(int(sys.argv[3]))
    torch.set_num_threads(1)
    os.fsync = lambda descriptor: None  # only a power failure needs the disk
    ends = [finish(fork(lambda: start(work / "never", work / "never.json")))]
    total = progress(work / "never")
    slow_down()
    killed, writing = work / "killed", 0
    for number in range(kills):
        child = fork(lambda: start(killed, work / "killed.json"))
        wanted = (number + rng.random()) / (kills + 1) * total
        while progress(killed) < wanted and not os.waitpid(child, os.WNOHANG)[0]:
            time.sleep(0.001)
        time.sleep(rng.uniform(0, LONGEST_DELAY_SECONDS))
        os.kill(child, signal.SIGKILL)
        ends.append(finish(child))
        writing += bool(list(killed.glob("*/step-*.partial-*")))
    ends.append(finish(fork(lambda: start(killed, work / "killed.json"))))
    report = {
        "ends": ends,
        "writing": writing,
        "never": json.loads((work / "never.json").read_text()),
        "killed": json.loads((work / "killed.json").read_text()),
        "left": sorted(path.name for path in killed.glob("*/*")),
    }
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
