"""Natural language inference: `pytest tests/evaluate/test_nli.py`."""

import dataclasses
import logging
import random

import numpy as np
import pytest
import torch
from tuned import tuned

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import nli, transfer
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.protocols import TaskSet
from xlmr_lab.evaluate.task_files import NLI_LABELS, Pairs
from xlmr_lab.model.encoder import Encoder

QUICK = FinetuneConfig(steps=150, batch_sequences=16, peak_learning_rate=5e-3, max_tokens=24)
WORDS = {"qaa": ("ja", "hm", "no"), "qab": ("ja", "hm", "no"), "qac": ("xx", "yy", "zz")}


@pytest.fixture
def folder(tmp_path):
    """A task whose label is told by one word of the hypothesis: the same in qaa and qab."""
    for split, num in (("train", 200), ("dev", 40), ("test", 60)):
        for language, words in WORDS.items():
            rng = random.Random(f"{split} {language}")
            write(tmp_path / f"{split}-{language}.tsv", words, rng, num)
    return tmp_path


def write(path, words, rng, num):
    lines = []
    for _ in range(num):
        label = rng.randrange(3)
        filler = " ".join(rng.choices(["ab", "cd", "ef", "gh"], k=rng.randrange(1, 6)))
        lines.append(f"{filler}\t{words[label]} {filler}\t{NLI_LABELS[label]}\n")
    path.write_text("".join(lines), encoding="utf-8")


def run(encoder, tokenizer, folder, **changes):
    languages = changes.pop("languages", ["qaa", "qab", "qac"])
    seed = changes.pop("seed", 1)
    split = changes.pop("split", None)
    return tuned(
        nli,
        encoder,
        tokenizer,
        folder,
        train_language="qaa",
        languages=languages,
        config=dataclasses.replace(QUICK, **changes),
        seed=seed,
        split=split,
    )


def test_a_pair_is_laid_out_as_in_the_released_models(tokenizer):
    pairs = Pairs(["ab cd", "ef"], ["gh", "ab cd ef"], [2, 0])
    examples = nli.encode(tokenizer, pairs, language="qaa", max_tokens=24)
    a, c, e, g = (tokenizer.encode([word])[0][0] for word in ("ab", "cd", "ef", "gh"))
    expected = [0, a, c, 2, 2, g, 2, 0, e, 2, 2, a, c, e, 2]
    assert examples.tokens.values.tolist() == expected
    assert examples.tokens.starts.tolist() == [0, 7, 15]
    assert examples.positions.values.tolist() == [0, 0]
    assert examples.labels.tolist() == [2, 0]


def test_pairs_that_are_too_long_are_cut_and_counted(tokenizer, caplog):
    with caplog.at_level(logging.INFO):
        pairs = Pairs(["ab " * 30, "ab"], ["cd ef", "ab"], [0, 0])
        examples = nli.encode(tokenizer, pairs, language="qaa", max_tokens=10)
    assert examples.tokens.lengths.tolist() == [10, 6]
    assert examples.tokens.values[5:10].tolist() == [2, 2, *tokenizer.encode(["cd ef"])[0], 2]
    assert "1 of 2 pairs are longer than 10 tokens" in caplog.text


def test_published_files_fill_every_protocol(tokenizer, tmp_path):
    columns = ("language", "gold_label", "sentence1", "sentence2")

    def put(name, header, *rows):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = ("\t".join(cells) + "\n" for cells in (header, *rows))
        path.write_text("".join(lines), encoding="utf-8")

    put("XNLI-1.0/xnli.dev.tsv", columns, ("sw", "neutral", "a", "b"))
    put("multinli_1.0/multinli_1.0_train.txt", columns[1:], ("neutral", "ab cd", "ef"))
    english = ("en", "contradiction", "ab", "cd ef")
    put("XNLI-1.0/xnli.test.tsv", columns, english, ("sw", "neutral", "gh", "ij"))
    put("XNLI-MT-1.0/xnli/xnli.test.en.tsv", columns, ("sw", "neutral", "kl", "mn"))
    header = ("premise", "hypo", "label")
    put("XNLI-MT-1.0/multinli/multinli.train.sw.tsv", header, ("op", "qr", "contradictory"))
    settings = {"train_language": "en", "languages": ["en", "sw"], "config": QUICK}
    every = ("zero-shot", "translate-test", "translate-train", "translate-train-all")
    data = nli.load(tokenizer, tmp_path, protocols=every, **settings)
    assert [len(model.train) for model in data.models] == [1, 1, 2]
    pieces = {
        str(part): [tokenizer.encode([word])[0][0] for word in words]
        for part, words in {
            TaskSet("train", "en"): ["ab", "cd", "ef"],
            TaskSet("train", "sw", "translated"): ["op", "qr"],
            TaskSet("test", "en"): ["ab", "cd", "ef"],
            TaskSet("test", "sw"): ["gh", "ij"],
            TaskSet("test", "sw", "translated-from"): ["kl", "mn"],
        }.items()
    }
    read = {**data.train, **{part: target.examples for part, target in data.targets.items()}}
    found = {str(part): [i for i in sets.tokens.values if i > 3] for part, sets in read.items()}
    assert found == pieces
    labels = {str(part): sets.labels.tolist() for part, sets in read.items()}
    assert labels["train.translated-sw"] == labels["test-en"] == [2]
    with pytest.raises(UserError, match=r"no train-sw.tsv in .*; languages with a train file: en"):
        nli.load(tokenizer, tmp_path, protocols=("each",), **settings | {"languages": ["sw"]})


def test_fit_takes_from_the_longer_piece_by_piece():
    for first in range(15):
        for second in range(15):
            for room in range(4, 20):
                kept = [first, second]
                while sum(kept) > room:
                    kept[1 if kept[1] >= kept[0] else 0] -= 1
                assert nli.fit(first, second, room) == tuple(kept)


def test_a_learnable_task_is_learnt_and_transfers_where_the_words_are_shared(
    encoder, tokenizer, folder
):
    scores = {score.language: score for score in run(encoder, tokenizer, folder)}
    assert scores["qaa"].value > 0.95
    assert scores["qab"].value > 0.95
    assert scores["qac"].value < 0.75
    row = dataclasses.asdict(scores["qac"])
    assert (
        row.items()
        >= {
            "task": "nli",
            "split": "test",
            "protocol": "zero-shot",
            "selection": "last",
            "metric": "accuracy",
            "num_examples": 60,
            "finetune_seed": 1,
        }.items()
    )


def test_equal_seeds_give_equal_scores_and_the_encoder_is_left_as_it_was(
    encoder, tokenizer, folder
):
    before = {name: weight.clone() for name, weight in encoder.state_dict().items()}
    first = run(encoder, tokenizer, folder, steps=5)
    assert run(encoder, tokenizer, folder, steps=5) == first
    assert all(torch.equal(weight, before[n]) for n, weight in encoder.state_dict().items())


def test_loading_once_gives_the_scores_of_run(encoder, tokenizer, folder):
    config = dataclasses.replace(QUICK, steps=5)
    data = nli.load(
        tokenizer, folder, train_language="qaa", languages=["qaa", "qac"], config=config
    )
    for seed in (1, 2):
        once = transfer.run(encoder, data, config=config, seed=seed)
        again = run(encoder, tokenizer, folder, steps=5, languages=["qaa", "qac"], seed=seed)
        assert once == again


def test_the_dev_file_is_scored_where_there_is_no_test_file_or_on_request(
    encoder, tokenizer, folder
):
    (folder / "test-qab.tsv").unlink()
    scores = run(encoder, tokenizer, folder, steps=1)
    assert [(s.language, s.split, s.num_examples) for s in scores] == [
        ("qaa", "test", 60),
        ("qab", "dev", 40),
        ("qac", "test", 60),
    ]
    assert {s.split for s in run(encoder, tokenizer, folder, steps=1, split="dev")} == {"dev"}


def test_train_dev_selection_needs_a_file_that_is_not_scored(encoder, tokenizer, folder):
    scores = run(encoder, tokenizer, folder, steps=4, selections=("train-dev",))
    assert {score.selection for score in scores} == {"train-dev"}
    (folder / "test-qaa.tsv").unlink()
    with pytest.raises(UserError, match=r"choose the step on .*dev-qaa.tsv and score it there too"):
        run(encoder, tokenizer, folder, selections=("train-dev",))
    run(encoder, tokenizer, folder, steps=2, selections=("train-dev",), languages=["qab"])
    (folder / "dev-qaa.tsv").unlink()
    with pytest.raises(UserError, match=r"no dev-qaa.tsv"):
        run(encoder, tokenizer, folder, selections=("train-dev",), languages=["qab"])


def test_what_does_not_fit_is_refused(encoder, tokenizer, folder):
    with pytest.raises(UserError, match="no language to score"):
        run(encoder, tokenizer, folder, languages=[])
    with pytest.raises(UserError, match=r"no test-qad.tsv and no dev-qad.tsv"):
        run(encoder, tokenizer, folder, languages=["qad"])
    with pytest.raises(UserError, match="max_tokens must be at most 32"):
        run(encoder, tokenizer, folder, max_tokens=33)
    tokenizer.size = 501
    with pytest.raises(UserError, match="the encoder has 500 ids and the vocabulary 501"):
        run(encoder, tokenizer, folder)
    (folder / "train-qaa.tsv").unlink()
    with pytest.raises(UserError, match=r"no train-qaa.tsv .* a train file: qab, qac"):
        run(encoder, tokenizer, folder)


def test_each_file_is_encoded_as_the_language_it_is_in(tokenizer, folder):
    nli.load(tokenizer, folder, train_language="qab", languages=["qaa", "qac"], config=QUICK)
    assert tokenizer.languages == ["qab", "qab", "qaa", "qaa", "qac", "qac"]


def test_the_label_order_of_scores_is_that_of_the_file(encoder, tokenizer, folder):
    data = nli.load(tokenizer, folder, train_language="qaa", languages=["qaa"], config=QUICK)
    (target,) = data.targets.values()
    certain = np.eye(3, dtype=np.float32)[target.examples.labels]
    assert target.score(certain) == {"accuracy": 1.0}
    assert target.score(np.roll(certain, 1, axis=1)) == {"accuracy": 0.0}
    assert np.bincount(target.examples.labels).sum() == 60


def test_a_language_without_an_embedding_is_refused_before_fine_tuning(
    encoder, tokenizer, folder, monkeypatch
):
    config = dataclasses.replace(encoder.config, language_embeddings=True)
    made = Encoder(config, tokenizer.size, languages=("qaa", "qab"))
    monkeypatch.setattr("xlmr_lab.evaluate.transfer.Finetuning", None)
    with pytest.raises(UserError, match="no language embedding for qac, only for qaa, qab"):
        run(made, tokenizer, folder)
