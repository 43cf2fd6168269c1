"""Tasks run on encoders of every architecture, each in its own layout."""

import random

import pytest
import torch
from tuned import tuned

from xlmr_lab.evaluate import ner, nli
from xlmr_lab.evaluate.encoders import open_encoder
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.task_files import NLI_LABELS
from xlmr_lab.model.initial_weights import initialize

CONFIG = FinetuneConfig(
    steps=150,
    batch_sequences=8,
    peak_learning_rate=3e-3,
    max_tokens=48,
    selections=("joint-dev",),
    selection_checks=3,
)
KINDS = ("xlm-roberta", "roberta", "bert", "mbert", "xlm", "xlnet")
TELLING = ("cat", "dogs", "ran")


@pytest.fixture
def folder(tmp_path):
    """Two tasks that one word tells: the label of a pair, and what is a name."""
    for name in ("train-en", "dev-en", "test-en", "dev-de", "test-de"):
        rng = random.Random(name)
        lines, words = [], []
        for _ in range(90 if name.startswith("train") else 20):
            label = rng.randrange(3)
            words = rng.choices(["the", "sat", "on", "mat"], k=rng.randrange(1, 6))
            lines.append(f"{' '.join(words)}\tthe {TELLING[label]}\t{NLI_LABELS[label]}\n")
        (tmp_path / f"{name}.tsv").write_text("".join(lines))
    return tmp_path


def to_tagged(folder):
    """Turn pairs into tagged words: what tells the label is a name."""
    for path in folder.glob("*.tsv"):
        blocks = []
        for line in path.read_text().splitlines():
            words = " ".join(line.split("\t")[:2]).split()
            blocks.append("\n".join(f"{w}\t{'B-X' if w in TELLING else 'O'}" for w in words))
        path.write_text("\n\n".join(blocks) + "\n")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("task", ["nli", "ner"])
def test_a_task_is_learnt_in_the_layout_of_the_architecture(folder_of, folder, kind, task):
    encoder, text = open_encoder(f"hf:{folder_of(kind)}")
    initialize(encoder, std=0.1, generator=torch.Generator().manual_seed(1))
    for part in encoder.modules():
        if isinstance(part, torch.nn.LayerNorm):
            part.reset_parameters()
    if task == "ner":
        to_tagged(folder)

    scores = tuned(
        {"nli": nli, "ner": ner}[task],
        encoder,
        text,
        folder,
        train_language="en",
        languages=["en", "de"],
        config=CONFIG,
        seed=1,
    )
    assert min(row.value for row in scores) > 0.7
    assert [row.num_examples for row in scores] == [20, 20]
