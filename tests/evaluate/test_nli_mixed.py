"""NLI in two languages at once, on Babel's files: `pytest tests/evaluate/test_nli_mixed.py`."""

import dataclasses

import numpy as np
import pytest
import torch

from xlmr_lab.babel import tasks, tongues
from xlmr_lab.babel import world as worlds
from xlmr_lab.babel.tasks import TaskConfig
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import nli, transfer
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.protocols import TaskSet, plan
from xlmr_lab.evaluate.selection import rules
from xlmr_lab.evaluate.task_files import NLI_LABELS
from xlmr_lab.model.encoder import Encoder

QUICK = FinetuneConfig(steps=4, batch_sequences=8, max_tokens=32)
EVERY = ("zero-shot", "code-switched", "crossed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Babel's NLI in qaa, qab and qam, with qaa as the pivot."""
    place, world = tmp_path_factory.mktemp("mixed"), worlds.build(0)
    spoken = [tongues.grow(world, code, 0) for code in ("qaa", "qab", "qam")]
    config = TaskConfig(nli_train=48, nli_dev=12, nli_test=24)
    tasks.write(place, world, spoken, config, 0, names=("nli",))
    return place / "nli"


def load(tokenizer, folder, protocols=EVERY, languages=("qaa", "qab", "qam"), **more):
    settings = {"train_language": "qaa", "config": QUICK} | more
    return nli.load(tokenizer, folder, languages=languages, protocols=protocols, **settings)


def test_one_model_is_fine_tuned_once_and_scored_on_every_mixed_file(
    encoder, tokenizer, folder, monkeypatch
):
    started, real = [], transfer.Finetuning

    def counted(*arguments, **settings):
        started.append(real(*arguments, **settings))
        return started[-1]

    monkeypatch.setattr(transfer, "Finetuning", counted)
    rows = transfer.run(encoder, load(tokenizer, folder), config=QUICK, seed=0)
    assert len(started) == 1
    pairs = ["qaa-qab", "qaa-qam", "qab-qaa", "qam-qaa"]
    found = [(row.protocol, row.language, row.split, row.num_examples) for row in rows]
    assert found == [
        *(("zero-shot", key, "test", 24) for key in ("qaa", "qab", "qam")),
        *((protocol, key, "test", 24) for protocol in EVERY[1:] for key in pairs),
    ]
    alone = load(tokenizer, folder, ("code-switched",), languages=())
    assert transfer.run(encoder, alone, config=QUICK, seed=0) == rows[3:7]


def test_the_files_are_read_and_a_crossed_pair_as_text_of_both_its_languages(tokenizer, folder):
    data = load(tokenizer, folder, ("crossed",), mixed_languages=("qab",))
    assert [str(part) for part in data.targets] == ["test.crossed-qaa-qab", "test.crossed-qab-qaa"]
    assert tokenizer.languages == ["qaa", "qaa", "qaa", "qab", "qab", "qaa"]
    target = data.targets[data.models[0].cells[1].scored]
    lines = (folder / "test.crossed-qab-qaa.tsv").read_text("utf-8").splitlines()
    premise, hypothesis, label = lines[0].split("\t")
    ids = [tokenizer.encode([text])[0].tolist() for text in (premise, hypothesis)]
    assert target.examples.tokens.values[: target.examples.tokens.lengths[0]].tolist() == (
        [0, *ids[0], 2, 2, *ids[1], 2]
    )
    assert NLI_LABELS[target.examples.labels[0]] == label


def test_switched_pairs_are_read_as_text_of_the_language_of_their_grammar(tokenizer, folder):
    load(tokenizer, folder, ("code-switched",), mixed_languages=("qab",))
    assert tokenizer.languages == ["qaa", "qaa", "qaa", "qaa", "qab", "qab"]


def test_language_embeddings_are_those_of_the_first_language(encoder, tokenizer, folder):
    config = dataclasses.replace(encoder.config, language_embeddings=True)
    made = Encoder(
        config,
        tokenizer.size,
        languages=("qaa", "qab"),
        generator=torch.Generator().manual_seed(0),
    )
    data = load(tokenizer, folder, EVERY[1:], mixed_languages=("qab",))
    spoken = {str(part): target.examples.languages for part, target in data.targets.items()}
    assert spoken == {
        f"test.{form}-{pair}": (pair[:3],)
        for form in ("switched", "crossed")
        for pair in ("qaa-qab", "qab-qaa")
    }
    rows = transfer.run(made, data, config=QUICK, seed=0)
    assert [row.language for row in rows] == ["qaa-qab", "qab-qaa"] * 2
    with pytest.raises(UserError, match="no language embedding for qam, only for qaa, qab"):
        transfer.run(made, load(tokenizer, folder, EVERY[1:]), config=QUICK, seed=0)


def test_selections_look_at_the_dev_sets_of_the_languages_that_are_mixed(
    encoder, tokenizer, folder
):
    config = dataclasses.replace(QUICK, selections=("joint-dev", "per-language-dev"))
    data = load(tokenizer, folder, config=config)
    (model,) = data.models
    looked_at = {rule.looked_at for rule in rules(model, ["joint-dev"])}
    every = {TaskSet("dev", key) for key in ("qaa", "qab", "qam")}
    assert {frozenset(parts) for parts in looked_at} == {frozenset(every)}  # those of zero-shot
    own = {
        (rule.cell.protocol, rule.cell.scored.language): rule.looked_at
        for rule in rules(model, ["per-language-dev"])
    }
    for other in ("qab", "qam"):
        for pair in (f"qaa-{other}", f"{other}-qaa"):
            assert own["code-switched", pair] == own["zero-shot", other] == (TaskSet("dev", other),)
    steps = {row.step for row in transfer.run(encoder, data, config=config, seed=0)}
    assert steps <= set(range(1, QUICK.steps + 1))


def test_without_mixed_files_the_names_that_are_expected_are_told(tokenizer, folder):
    with pytest.raises(UserError, match=r"code-switched scores files such as dev\.switched-en-hi"):
        load(tokenizer, folder, split="dev")
    with pytest.raises(UserError, match=r"none of two of qaa, qad; it has test\.crossed-qaa-qab"):
        load(tokenizer, folder, ("crossed",), mixed_languages=("qad",))


def test_a_mixed_set_may_be_scored_where_its_languages_have_no_set_of_their_own(
    encoder, tokenizer, folder, tmp_path
):
    lines = (folder / "train-qaa.tsv").read_text("utf-8")
    (tmp_path / "train-en.tsv").write_text(lines, "utf-8")
    (tmp_path / "test.switched-hi-zh.tsv").write_text(lines, "utf-8")
    data = load(tokenizer, tmp_path, ("code-switched",), languages=(), train_language="en")
    (row,) = transfer.run(encoder, data, config=QUICK, seed=0)
    assert (row.language, row.num_examples) == ("hi-zh-Hans", 48)
    assert tokenizer.languages == ["en", "en", "hi", "hi"]
    certain = np.eye(3)[next(iter(data.targets.values())).examples.labels]
    assert next(iter(data.targets.values())).score(certain) == {"accuracy": 1.0}


def test_joint_dev_of_pairs_that_are_not_learned_in_looks_at_both_languages():
    mixed = [TaskSet("test", "hi-sw", "crossed"), TaskSet("test", "sw-ur", "crossed")]
    (model,) = plan(["crossed"], "en", [], mixed)
    found = {rule.looked_at for rule in rules(model, ["joint-dev"])}
    assert found == {tuple(TaskSet("dev", key) for key in ("hi", "sw", "ur"))}


@pytest.mark.parametrize(("written", "key"), [("zh-CN", "zh-Hans"), ("zh-TW", "zh-Hant")])
def test_languages_of_a_pair_may_be_written_in_any_of_their_ways(tokenizer, tmp_path, written, key):
    lines = "".join(f"a b\tc d\t{label}\n" for label in ("neutral", "entailment") * 4)
    for name in ("train-en", "test-en", f"test.crossed-en-{written}"):
        (tmp_path / f"{name}.tsv").write_text(lines, "utf-8")
    for named in ((), (key,)):
        data = load(
            tokenizer,
            tmp_path,
            ("crossed",),
            languages=(),
            train_language="en",
            mixed_languages=named,
        )
        assert list(data.targets) == [TaskSet("test", f"en-{key}", "crossed")]
