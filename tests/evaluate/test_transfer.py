"""Fine-tuning as planned, and what is scored of it: `pytest tests/evaluate/test_transfer.py`."""

import dataclasses
import itertools
import math
import random

import pytest
import torch
from tuned import tuned

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import ner, nli, transfer
from xlmr_lab.evaluate.finetune import FinetuneConfig, Finetuning
from xlmr_lab.evaluate.task_files import NLI_LABELS
from xlmr_lab.model.encoder import Encoder, EncoderConfig

WIDE = EncoderConfig(
    num_layers=1,
    hidden_size=32,
    num_heads=2,
    ffn_size=64,
    max_tokens=32,
    dropout=0.0,
    init_std=0.2,
)
"""An encoder that learns in few steps."""
QUICK = FinetuneConfig(
    steps=20,
    batch_sequences=8,
    peak_learning_rate=5e-3,
    max_tokens=24,
    selections=("train-dev", "joint-dev", "per-language-dev"),
    selection_checks=5,
)
EVERY = ("zero-shot", "translate-test", "translate-train", "translate-train-all")
LANGUAGES = ("qaa", "qab", "qac")
WORDS = {"qaa": ("ja", "hm", "no"), "qab": ("si", "eh", "na"), "qac": ("xx", "yy", "zz")}


@pytest.fixture
def encoder(tokenizer):
    return Encoder(WIDE, tokenizer.size, generator=torch.Generator().manual_seed(0))


def pairs(path, words, num=40, noise=0.2):
    """Write pairs whose label is told by one word, but for some that are labelled at random."""
    rng = random.Random(path.name)
    lines = []
    for _ in range(num):
        label = rng.randrange(3)
        word = words[label if rng.random() > noise else rng.randrange(3)]
        filler = " ".join(rng.choices(["ab", "cd", "ef", "gh"], k=rng.randrange(1, 6)))
        lines.append(f"{filler}\t{word} {filler}\t{NLI_LABELS[label]}\n")
    path.write_text("".join(lines), encoding="utf-8")


@pytest.fixture
def folder(tmp_path):
    for language, words in WORDS.items():
        for split in ("dev", "test"):
            pairs(tmp_path / f"{split}-{language}.tsv", words)
            pairs(tmp_path / f"{split}.translated-from-{language}.tsv", WORDS["qaa"])
        pairs(tmp_path / f"train.translated-{language}.tsv", words, num=60)
    pairs(tmp_path / "train-qaa.tsv", WORDS["qaa"], num=60)
    return tmp_path


def load(tokenizer, folder, config=QUICK, protocols=EVERY, languages=LANGUAGES):
    return nli.load(
        tokenizer,
        folder,
        train_language="qaa",
        languages=languages,
        config=config,
        protocols=protocols,
    )


def run(encoder, tokenizer, folder, *, protocols=EVERY, languages=LANGUAGES, **changes):
    config = dataclasses.replace(QUICK, **changes)
    data = load(tokenizer, folder, config, protocols, languages)
    return transfer.run(encoder, data, config=config, seed=1)


@pytest.fixture
def started(monkeypatch):
    """Return a list that grows by the rate of each run that is started."""
    rates = []
    original = Finetuning.__init__

    def begin(self, *arguments, **settings):
        rates.append(settings["peak_learning_rate"])
        original(self, *arguments, **settings)

    monkeypatch.setattr(Finetuning, "__init__", begin)
    return rates


def test_what_has_the_same_training_data_is_fine_tuned_once(encoder, tokenizer, folder, started):
    rows = run(encoder, tokenizer, folder)
    assert len(started) == 4  # of qaa, of each translation, of all together
    cells = {(row.protocol, row.language, row.selection) for row in rows}
    assert cells == set(itertools.product(EVERY, LANGUAGES, QUICK.selections))
    assert len(rows) == len(cells)
    assert {(row.metric, row.split, row.num_examples) for row in rows} == {("accuracy", "test", 40)}


@pytest.mark.slow
def test_a_protocols_scores_do_not_depend_on_what_shares_the_run(encoder, tokenizer, folder):
    together = run(encoder, tokenizer, folder, patience=2, steps=40, selection_checks=10)
    for protocol in EVERY:
        settings = {"patience": 2, "steps": 40, "selection_checks": 10}
        alone = run(encoder, tokenizer, folder, protocols=(protocol,), **settings)
        assert sorted(map(str, alone)) == sorted(str(r) for r in together if r.protocol == protocol)
    for selection in QUICK.selections:
        settings = {"patience": 2, "steps": 40, "selection_checks": 10}
        alone = run(encoder, tokenizer, folder, selections=(selection,), **settings)
        assert alone == [row for row in together if row.selection == selection]


@pytest.mark.slow
def test_last_beside_others_is_what_it_is_alone(encoder, tokenizer, folder):
    both = run(encoder, tokenizer, folder, selections=("last", "joint-dev"))
    alone = run(encoder, tokenizer, folder, selections=("last",), selection_checks=5)
    assert [row for row in both if row.selection == "last"] == alone
    assert {row.step for row in alone} == {20}


@pytest.mark.slow
def test_test_labels_choose_nothing(encoder, tokenizer, folder):
    """With every test label turned into another the same steps are scored."""
    settings = {"other_learning_rates": (1e-3,), "patience": 2, "selection_checks": 10}
    before = run(encoder, tokenizer, folder, **settings)
    for path in folder.glob("test*.tsv"):
        text = path.read_text()
        for old, new in zip(NLI_LABELS, "abc", strict=True):
            text = text.replace(f"\t{old}\n", f"\t{new}\n")
        for old, new in zip("abc", (*NLI_LABELS[1:], NLI_LABELS[0]), strict=True):
            text = text.replace(f"\t{old}\n", f"\t{new}\n")
        path.write_text(text)
    after = run(encoder, tokenizer, folder, **settings)
    assert [dataclasses.replace(row, value=0.0) for row in before] == [
        dataclasses.replace(row, value=0.0) for row in after
    ]
    assert [row.value for row in before] != [row.value for row in after]
    assert len({(row.step, row.learning_rate) for row in before}) > 2


def test_the_rate_of_a_grid_that_the_dev_sets_prefer_is_told(encoder, tokenizer, folder, started):
    only = {"protocols": ("zero-shot",), "selections": ("train-dev",)}
    rows = run(encoder, tokenizer, folder, other_learning_rates=(1e-7,), **only)
    assert started == [5e-3, 1e-7]
    assert {row.learning_rate for row in rows} == {5e-3}
    swapped = run(
        encoder,
        tokenizer,
        folder,
        peak_learning_rate=1e-7,
        other_learning_rates=(5e-3,),
        **only,
    )
    assert swapped == rows


def test_a_run_ends_early_when_the_dev_sets_do_not_get_better(
    encoder, tokenizer, folder, monkeypatch
):
    steps = []
    original = Finetuning.advance
    monkeypatch.setattr(
        Finetuning, "advance", lambda self: (original(self), steps.append(self.step))
    )
    settings = {"selection_checks": 20, "peak_learning_rate": 1e-9, "protocols": ("zero-shot",)}
    rows = run(encoder, tokenizer, folder, patience=3, **settings)
    assert len(steps) == 4
    assert {row.step for row in rows} == {1}
    assert run(encoder, tokenizer, folder, **settings) == rows
    assert len(steps) == 4 + 20


def test_translate_test_reads_the_translations_as_the_training_language(tokenizer, folder):
    data = load(tokenizer, folder, protocols=("translate-test",))
    assert set(tokenizer.languages) == {"qaa"}
    assert {str(part) for part in data.targets} == {
        *("dev-qaa", "test-qaa"),
        *(f"{s}.translated-from-{x}" for s in ("dev", "test") for x in ("qab", "qac")),
    }
    assert [str(part) for part in data.train] == ["train-qaa"]


@pytest.mark.parametrize(
    ("missing", "protocol"),
    [
        ("train.translated-qab.tsv", "translate-train"),
        ("train.translated-qac.tsv", "translate-train-all"),
        ("test.translated-from-qab.tsv", "translate-test"),
        ("dev.translated-from-qab.tsv", "translate-test"),
        ("dev-qac.tsv", "zero-shot"),
        ("train-qab.tsv", "each"),
    ],
)
def test_a_file_that_a_protocol_lacks_is_named(tokenizer, folder, missing, protocol):
    (folder / missing).unlink(missing_ok=True)
    with pytest.raises(UserError, match=f"no {missing} in .*; languages with a "):
        load(tokenizer, folder, protocols=(protocol,))


def test_translations_are_only_needed_where_they_are_used(tokenizer, folder):
    for path in folder.glob("*.translated*"):
        path.unlink()
    load(tokenizer, folder, protocols=("zero-shot",))
    for path in folder.glob("dev-*"):
        path.unlink()
    last = dataclasses.replace(QUICK, selections=("last",))
    load(tokenizer, folder, last, protocols=("zero-shot",))


@pytest.mark.parametrize("selection", QUICK.selections)
def test_no_dev_set_is_both_looked_at_and_scored(encoder, tokenizer, folder, selection):
    (folder / "test-qaa.tsv").unlink()
    with pytest.raises(UserError, match=rf"selections={selection} would .*dev-qaa.tsv and score"):
        run(encoder, tokenizer, folder, selections=(selection,), protocols=("zero-shot",))


@pytest.mark.slow
def test_an_experiment_that_is_found_is_not_done_again(
    encoder, tokenizer, folder, started, tmp_path
):
    data = load(tokenizer, folder)
    place = tmp_path / "kept"

    def rows(**changes):
        config = dataclasses.replace(QUICK, **changes)
        return transfer.run(encoder, data, config=config, seed=1, folder=place)

    first = rows()
    assert first == transfer.run(encoder, data, config=QUICK, seed=1)
    assert len(started) == 8
    left = next(place.iterdir()) / "step-00000010"  # as of a kill just before it was removed
    left.mkdir()
    assert rows() == first
    assert len(started) == 8
    assert not left.exists()
    assert rows(steps=15) != first
    assert len(started) == 12
    encoder.embedding_norm.bias.data += 1.0
    rows()
    assert len(started) == 16


def tagged(path, names, num=30):
    rng = random.Random(path.name)
    blocks = []
    for _ in range(num):
        words = [rng.choice([*names, "abc", "abd"]) for _ in range(rng.randrange(1, 6))]
        blocks.append(
            "\n".join(f"{w}\t{'B-' + names.get(w, '') if w in names else 'O'}" for w in words)
        )
    path.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


@pytest.fixture
def ner_folder(tmp_path):
    for language, names in (
        ("qaa", {"Li": "PER", "Ro": "LOC"}),
        ("qab", {"Xu": "PER", "Zy": "LOC"}),
    ):
        for split in ("train", "dev", "test"):
            tagged(tmp_path / f"{split}-{language}.tsv", names)
    return tmp_path


def test_each_model_takes_the_steps_that_the_passes_over_its_own_examples_take(
    encoder, tokenizer, ner_folder
):
    plans, seen = [], []
    config = dataclasses.replace(QUICK, steps=400, passes=1.5, selections=("last",))
    data = ner.load(
        tokenizer,
        ner_folder,
        train_language="qaa",
        languages=["qaa", "qab"],
        config=config,
        protocols=("zero-shot", "all"),
    )

    def looked(plan, looks, told):
        plans.append(plan)
        seen.append([look.check.step for look in looks])

    rows = transfer.run(encoder, data, config=config, seed=1, looked=looked)
    sizes = [sum(len(data.train[part]) for part in plan.train) for plan in data.models]
    assert sizes[1] == 2 * sizes[0]
    assert seen == [[math.ceil(1.5 * size / config.batch_sequences)] for size in sizes]
    assert tuple(plans) == data.models
    assert {row.step for row in rows} == {steps for (steps,) in seen}


def test_ner_of_each_and_all(encoder, tokenizer, ner_folder, started):
    rows = tuned(
        ner,
        encoder,
        tokenizer,
        ner_folder,
        train_language="qaa",
        languages=["qaa", "qab"],
        config=dataclasses.replace(QUICK, steps=60, selections=("last", "joint-dev")),
        seed=1,
        protocols=("zero-shot", "each", "all"),
    )
    assert len(started) == 3
    values = {(row.protocol, row.language): row.value for row in rows if row.selection == "last"}
    assert values["zero-shot", "qaa"] == values["each", "qaa"] > 0.9
    assert values["zero-shot", "qab"] < 0.8 < 0.9 < values["each", "qab"]
    assert min(values["all", "qaa"], values["all", "qab"]) > 0.9


def test_a_model_must_be_able_to_learn_every_type_of_entity(tokenizer, ner_folder):
    def loaded(*protocols):
        return ner.load(
            tokenizer,
            ner_folder,
            train_language="qaa",
            languages=["qaa", "qab"],
            config=dataclasses.replace(QUICK, selections=("last",)),
            protocols=protocols,
        )

    tagged(ner_folder / "train-qab.tsv", {"Xu": "PER"})
    assert loaded("all").num_labels == 5
    message = r"train-qab.tsv has no entity of type LOC, which other training sets have"
    with pytest.raises(UserError, match=message):
        loaded("zero-shot", "each")
