"""Fine-tuning against the Trainer of Hugging Face transformers, paired in one process, one thread.

Both sides start from the same weights (exported, the head's as well), see the same rows once in
batches of the same size and of like lengths (`group_by_length`), with the same dropout, AdamW
fused, linear warm-up and decay, and clipping; first their losses on one batch without dropout are
compared. Rows are random ids of lengths as pairs and sentences have them, for speed does not depend
on what is said. Timed is a whole fine-tuning, from rows in memory to the last step. Rounds
alternate which side is first; time is CPU time on a CPU, and the clock on a GPU. Bars: the Trainer
takes at least as long, for pairs and for tagged words.

Needs transformers and accelerate.

    python tests/benchmarks/finetune.py
    python tests/benchmarks/finetune.py --layers 12 --width 768 --device cuda --batch 32
"""

import argparse
import copy
import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import bars
import numpy as np
import torch

from xlmr_lab import intervals
from xlmr_lab.evaluate import objectives
from xlmr_lab.evaluate.examples import Examples, Ragged, collate
from xlmr_lab.evaluate.finetune import FinetuneConfig, Finetuning
from xlmr_lab.evaluate.objectives import Objective
from xlmr_lab.evaluate.task_model import TaskModel, task_model
from xlmr_lab.model.convert import to_huggingface
from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.model.losses import IGNORE_INDEX
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.pretrain.optimizer import BETAS, EPSILON
from xlmr_lab.vocabulary.special_tokens import BOS_ID, EOS_ID, PAD_ID

LEAST_RATIO = 1.0
"""Time of the Trainer over ours."""
LENGTHS: dict[Objective, tuple[float, float]] = {"classification": (40, 0.45), "tagging": (28, 0.6)}
"""Median tokens of a row, and the deviation of their logarithm: about XNLI's and WikiANN's."""
NUM_LABELS: dict[Objective, int] = {"classification": 3, "tagging": 7}
CLASSES: dict[Objective, str] = {
    "classification": "XLMRobertaForSequenceClassification",
    "tagging": "XLMRobertaForTokenClassification",
}
HEADS = {
    "dense.weight": "dense.weight",
    "dense.bias": "dense.bias",
    "output.weight": "out_proj.weight",
    "output.bias": "out_proj.bias",
}
PEAK, WARMUP, DECAY, DROPOUT, MAX_TOKENS = 5e-5, 0.1, 0.01, 0.1, 128


def main() -> None:
    """Measure both tasks, print times and ratios, and hold the bars."""
    options = parse()
    torch.set_num_threads(1)
    verdicts = []
    for objective in LENGTHS:
        examples = rows(objective, options)
        with tempfile.TemporaryDirectory() as folder:
            ours, theirs = models(objective, Path(folder), options)
            check(ours, theirs, examples)
            verdicts.append(compare(objective, ours, theirs, examples, options))
    bars.finish(verdicts)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--vocabulary", type=int, default=8000, help="ids")
    parser.add_argument("--batch", type=int, default=32, help="sequences")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    return parser.parse_args()


def rows(objective: Objective, options: argparse.Namespace) -> Examples:
    """Return random rows: as many as all steps take, so that both sides see each once."""
    rng = np.random.default_rng(1)
    median, deviation = LENGTHS[objective]
    num = options.steps * options.batch
    lengths = np.exp(rng.normal(math.log(median), deviation, num)).astype(int).clip(4, MAX_TOKENS)
    made = [
        np.array([BOS_ID, *rng.integers(4, options.vocabulary, n - 2), EOS_ID], np.int32)
        for n in lengths
    ]
    whole = objective == "classification"
    positions = [np.arange(1 if whole else n - 2) + (not whole) for n in lengths]
    return Examples(
        tokens=Ragged.of(made, np.int32),
        positions=Ragged.of(positions, np.int64),
        labels=rng.integers(0, NUM_LABELS[objective], sum(map(len, positions))),
        languages=("en",),
        row_languages=np.zeros(num, np.int64),
        pad_id=PAD_ID,
    )


def models(
    objective: Objective, folder: Path, options: argparse.Namespace
) -> tuple[TaskModel, Any]:
    """Return the model of each side, with the same weights."""
    import transformers

    shape = EncoderConfig(
        num_layers=options.layers,
        hidden_size=options.width,
        num_heads=max(1, options.width // 64),
        ffn_size=4 * options.width,
    )
    whole = MaskedLM(shape, options.vocabulary, generator=torch.Generator().manual_seed(1))
    to_huggingface(whole, folder)
    num = NUM_LABELS[objective]
    ours = task_model(whole.encoder.to(options.device), objective, num, dropout=DROPOUT, seed=1)
    transformers.utils.logging.set_verbosity_error()
    theirs = getattr(transformers, CLASSES[objective]).from_pretrained(folder, num_labels=num)
    names = HEADS if objective == "classification" else {"weight": "weight", "bias": "bias"}
    head = ours.head.state_dict()
    own = {n if objective == "classification" else f"output.{n}": m for n, m in names.items()}
    theirs.classifier.load_state_dict({their: head[our].cpu() for our, their in own.items()})
    return ours, theirs.to(options.device)


def check(ours: TaskModel, theirs: Any, examples: Examples) -> None:
    """Make sure that both sides give the same loss to a batch."""
    batch = collate(examples, np.arange(16), ours.device)
    with torch.no_grad():
        loss = objectives.loss(ours.objective, ours.eval().on(batch), batch.labels)
        padded = their_batch([their_row(examples, row) for row in range(16)])
        moved = {name: tensor.to(ours.device) for name, tensor in padded.items()}
        with torch.autocast(ours.device.type, torch.bfloat16, enabled=ours.precision == "bf16"):
            other = theirs.eval()(**moved).loss
    assert abs(float(loss) - float(other)) < (2e-2 if ours.precision == "bf16" else 1e-4)


def their_row(examples: Examples, row: int) -> dict[str, Any]:
    """Return a row as a data set for the Trainer holds it."""
    ids = examples.tokens.values[slice(*examples.tokens.starts[row : row + 2])]
    own = slice(*examples.positions.starts[row : row + 2])
    labels, places = examples.labels[own], examples.positions.values[own]
    if places[0] == 0:
        return {"input_ids": ids.tolist(), "labels": int(labels[0])}
    all_labels = np.full(len(ids), IGNORE_INDEX)
    all_labels[places] = labels
    return {"input_ids": ids.tolist(), "labels": all_labels.tolist()}


def their_batch(found: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Return a padded batch, with less work than the library's own collators take."""
    ids = [torch.tensor(row["input_ids"]) for row in found]
    padded = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=PAD_ID)
    if isinstance(found[0]["labels"], int):
        labels = torch.tensor([row["labels"] for row in found])
    else:
        each = [torch.tensor(row["labels"]) for row in found]
        labels = torch.nn.utils.rnn.pad_sequence(each, True, IGNORE_INDEX)
    return {"input_ids": padded, "attention_mask": (padded != PAD_ID).long(), "labels": labels}


def lab(model: TaskModel, examples: Examples, options: argparse.Namespace) -> Callable[[], object]:
    """Return the fine-tuning of a copy of a model by the lab."""
    config = FinetuneConfig(
        steps=options.steps,
        batch_sequences=options.batch,
        peak_learning_rate=PEAK,
        warmup_fraction=WARMUP,
        weight_decay=DECAY,
        dropout=DROPOUT,
    )
    own = copy.deepcopy(model)

    def train() -> None:
        run = Finetuning(own, examples, config=config, seed=1, peak_learning_rate=PEAK)
        while run.step < config.steps:
            run.advance()

    return train


def trainer(
    model: Any, examples: Examples, options: argparse.Namespace, folder: str
) -> Callable[[], object]:
    """Return the fine-tuning of a copy of a model by the Trainer."""
    import transformers

    arguments = transformers.TrainingArguments(
        output_dir=folder,
        per_device_train_batch_size=options.batch,
        max_steps=options.steps,
        learning_rate=PEAK,
        warmup_steps=round(WARMUP * options.steps),
        weight_decay=DECAY,
        adam_beta2=BETAS[1],
        adam_epsilon=EPSILON,
        max_grad_norm=1.0,
        optim="adamw_torch_fused",
        train_sampling_strategy="group_by_length",
        bf16=options.device == "cuda",
        use_cpu=options.device == "cpu",
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
        seed=1,
    )
    data = [their_row(examples, row) for row in range(len(examples))]
    made = transformers.Trainer(
        model=copy.deepcopy(model), args=arguments, train_dataset=data, data_collator=their_batch
    )
    return made.train


def compare(
    objective: Objective,
    ours: TaskModel,
    theirs: Any,
    examples: Examples,
    options: argparse.Namespace,
) -> bars.Bar:
    """Print times of both sides; return the verdict on their ratio."""
    seconds: dict[str, list[float]] = {"xlmr_lab": [], "Trainer": []}
    for number in range(options.rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            sides = {
                "xlmr_lab": lab(ours, examples, options),
                "Trainer": trainer(theirs, examples, options, folder),
            }
            for name in sorted(sides, reverse=number % 2 == 0):
                taken = timed(sides[name], options.device)
                if number:  # the first round warms up
                    seconds[name].append(taken)
    tokens = examples.tokens.lengths.sum()
    for name, values in seconds.items():
        rate = tokens / statistics.median(values)
        print(f"{objective:15s} {name:9s} {rate:9,.0f} tokens a second", flush=True)
    pairs = zip(seconds["Trainer"], seconds["xlmr_lab"], strict=True)
    ratios = sorted(a / b for a, b in pairs)
    spread = intervals.mean_interval([math.log(ratio) for ratio in ratios])
    print(
        f"{objective:15s} ratio {math.exp(spread.mean):.2f}, 95 % interval "
        f"{math.exp(spread.low):.2f} to {math.exp(spread.high):.2f}; rounds {ratios[0]:.2f} to "
        f"{ratios[-1]:.2f}; load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    return bars.at_least(f"{objective}: Trainer / xlmr_lab", math.exp(spread.mean), LEAST_RATIO)


def timed(run: Callable[[], object], device: str) -> float:
    """Return the CPU time that a call takes, or on a GPU the time by the clock."""
    if device == "cpu":
        began = time.process_time()
        run()
        return time.process_time() - began
    torch.cuda.synchronize()
    began = time.perf_counter()
    run()
    torch.cuda.synchronize()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
