"""Training a BiLSTM-CRF: `pytest tests/evaluate/test_bilstm_training.py`."""

import dataclasses
import random
from types import MappingProxyType

import numpy as np
import pytest
import torch

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import bilstm_inputs
from xlmr_lab.evaluate.bilstm_crf import BilstmShape
from xlmr_lab.evaluate.bilstm_training import BilstmConfig, BilstmSettings, Training, clip, quick
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.metrics import span_f1
from xlmr_lab.evaluate.task_files import TaggedSentences

SMALL = BilstmShape(word_dim=16, character_dim=8, character_hidden=8, word_hidden=16)
QUICK = BilstmConfig(
    shape=SMALL, optimizer="adam", learning_rate=1e-2, batch_sentences=16, passes=8
)
SGD = dataclasses.replace(QUICK, optimizer="sgd", learning_rate=0.05, batch_sentences=4)


def sentences(num, seed):
    """Draw sentences in which a name is told by its letters, and how it is tagged by the word
    before it."""
    rng = random.Random(seed)
    words, tags = [], []
    for _ in range(num):
        own, given = [], []
        for _ in range(rng.randrange(1, 4)):
            kind = rng.choice(["PER", "LOC"])
            size = rng.randrange(1, 3)
            own.append("mr" if kind == "PER" else "in")
            own += ["X" + "".join(rng.choices("abcde", k=4)) for _ in range(size)]
            given += ["O", f"B-{kind}", *[f"I-{kind}"] * (size - 1)]
        words.append(own)
        tags.append(given)
    return TaggedSentences(words, tags)


TRAIN, TEST = sentences(120, 0), sentences(60, 1)


def started(config=QUICK, seed=1, train=TRAIN, vectors=MappingProxyType({})):
    known = bilstm_inputs.lexicon(
        train, scheme=config.scheme, zero_digits=True, with_vectors=vectors
    )
    encoded = bilstm_inputs.encode(train, known, with_labels=True)
    return Training(known, encoded, config=config, seed=seed, vectors=vectors)


def weights(run):
    return {name: tensor.clone() for name, tensor in run.model.state_dict().items()}


def assert_equal(one, other):
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        assert torch.equal(tensor, other[name]), name


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["iobes", "iob2"])
@pytest.mark.parametrize("config", [QUICK, SGD], ids=["adam", "sgd"])
def test_names_that_were_never_seen_are_found_by_letters_and_neighbours(config, scheme):
    run = started(dataclasses.replace(config, scheme=scheme))
    encoded = bilstm_inputs.encode(TEST, run.known)
    before = span_f1(run.predict(encoded), TEST.tags).f1
    losses = [run.advance() for _ in range(run.steps)]
    predicted = run.predict(encoded)
    assert {tag[0] for tags in predicted for tag in tags} <= {"B", "I", "O"}
    assert before < 0.3
    assert span_f1(predicted, TEST.tags).f1 > 0.95
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) / 4


def test_predictions_are_in_the_order_of_the_sentences_whatever_the_batches():
    run = started()
    for _ in range(20):
        run.advance()
    together = run.predict(bilstm_inputs.encode(TEST, run.known))
    for words, tags, predicted in zip(TEST.words, TEST.tags, together, strict=True):
        alone = TaggedSentences([words], [tags])
        assert run.predict(bilstm_inputs.encode(alone, run.known)) == [predicted]


@pytest.mark.parametrize("config", [QUICK, SGD], ids=["adam", "sgd"])
def test_equal_seeds_give_equal_weights_whatever_else_is_drawn(config):
    runs = [started(config), started(config), started(config, seed=2)]
    for _ in range(6):
        losses = [run.advance() for run in runs]
        torch.rand(7)
        assert losses[0] == losses[1] != losses[2]
    assert_equal(weights(runs[0]), weights(runs[1]))


@pytest.mark.parametrize("config", [QUICK, SGD], ids=["adam", "sgd"])
def test_what_goes_on_from_disk_is_what_never_stopped(config, tmp_path):
    never, stopped = started(config), started(config)
    for _ in range(9):
        never.advance()
    for _ in range(4):
        stopped.advance()
        stopped.save(tmp_path, [{"step": stopped.step}])
    assert len(list(tmp_path.iterdir())) == 1
    resumed = started(config)
    assert resumed.resume(tmp_path) == [{"step": 4}]
    assert resumed.step == 4
    for _ in range(5):
        resumed.advance()
    assert_equal(weights(never), weights(resumed))
    assert started(config).resume(tmp_path / "none") == []


def test_steps_are_passes_over_the_sentences_and_checks_are_spread_over_them():
    looking = dataclasses.replace(QUICK, selections=("train-dev",), selection_checks=4)
    run = started(looking)
    assert run.steps == 8 * (120 // 16)
    seen = []
    while run.step < run.steps:
        run.step += 1
        seen += [run.step] if run.is_check else []
    assert seen == [14, 28, 42, 56]
    last = started()
    last.step = last.steps
    assert last.is_check
    last.step -= 1
    assert not last.is_check


def test_words_begin_with_their_vectors_under_their_likeliest_spelling():
    train = TaggedSentences([["The", "the", "R2D2", "none"]], [["O", "O", "B-X", "O"]])
    vectors = {name: np.full(16, i, np.float32) for i, name in enumerate(["the", "r0d0", "new"])}
    run = started(train=train, vectors={**vectors, "The": np.full(16, 7, np.float32)})
    of = {word: run.model.words.weight[number] for word, number in run.known.words.items()}
    assert [of[word][0].item() for word in ("The", "the", "R0D0", "new")] == [7, 0, 1, 2]
    plain = started(train=train)
    number, other = (r.known.words["none"] for r in (run, plain))
    assert of["none"].std() > 0
    assert number == other
    assert torch.equal(run.model.words.weight[number], plain.model.words.weight[number])


def test_gradients_are_clipped_to_one_norm_sparse_rows_counted_once():
    dense, table = torch.nn.Parameter(torch.zeros(2)), torch.nn.Embedding(9, 2, sparse=True)
    dense.grad = torch.tensor([3.0, 0.0])
    (
        table(torch.tensor([4, 4, 1])) * torch.tensor([[1.0, 1.0], [1.0, 1.0], [2.0, 2.0]])
    ).sum().backward()
    clip([dense, table.weight], 2.5)  # 3, and (2, 2) twice: 5 in all
    assert dense.grad.tolist() == [1.5, 0.0]
    found = table.weight.grad.to_dense()
    assert found[[1, 4]].tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert found.abs().sum() == 4
    clip([dense, table.weight], 2.6)
    assert dense.grad.tolist() == [1.5, 0.0]


@pytest.mark.parametrize("config", [QUICK, SGD], ids=["adam", "sgd"])
def test_a_step_clips_the_gradients_of_all_parameters_by_one_factor(config):
    gradients = []
    for clip_norm in (0.0, 0.1):
        run = started(dataclasses.replace(config, clip_norm=clip_norm))
        run.advance()
        dense = {name: p.grad.to_dense() for name, p in run.model.named_parameters()}
        gradients.append(dense)
    whole, clipped = gradients
    assert whole.keys() == weights(run).keys()
    norm = torch.stack([x.norm() for x in whole.values()]).norm()
    assert norm > 0.2
    for name, gradient in clipped.items():
        assert torch.allclose(gradient, whole[name] * 0.1 / norm, rtol=1e-3, atol=1e-8), name


def test_a_short_gradient_stays_as_it_is():
    run, free = (
        started(dataclasses.replace(QUICK, clip_norm=1e3)),
        started(dataclasses.replace(QUICK, clip_norm=0.0)),
    )
    for one in (run, free):
        one.advance()
    assert_equal(weights(run), weights(free))


def test_the_papers_settings_are_the_defaults():
    paper = BilstmSettings()
    assert (paper.optimizer, paper.learning_rate, paper.clip_norm) == ("sgd", 0.01, 5.0)
    assert (paper.scheme, paper.unknown, paper.shape.dropout) == ("iobes", 0.5, 0.5)
    assert (
        dataclasses.replace(
            quick(), optimizer="sgd", learning_rate=0.01, batch_sentences=1, passes=100
        )
        == paper
    )


def test_selections_are_those_of_the_encoders_beside_it():
    """The number of checks is theirs where dev sets are looked at; else it has none to take."""
    looking = FinetuneConfig(selections=("train-dev",), selection_checks=7, patience=2)
    config = BilstmConfig.of(quick(), looking)
    assert (config.selections, config.selection_checks, config.patience) == (("train-dev",), 7, 2)
    assert (config.optimizer, config.passes) == ("adam", quick().passes)
    last = BilstmConfig.of(BilstmSettings(), FinetuneConfig())
    assert last == BilstmConfig()


def test_a_loss_that_is_no_number_stops_the_run():
    run = started()
    run.advance()
    run.model.scores.bias.data.fill_(float("nan"))
    with pytest.raises(UserError, match=r"loss of the BiLSTM-CRF is nan at step 2; lower learning"):
        run.advance()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"passes": 0}, "passes must be at least 1, got 0"),
        ({"unknown": 1.5}, r"unknown must be in \[0, 1\], got 1\.5"),
        ({"learning_rate": float("nan")}, "learning_rate must be above 0, got nan"),
        ({"clip_norm": -1.0}, r"clip_norm must not be negative, got -1\.0"),
        ({"selections": ()}, "selections must name at least one"),
        ({"patience": 2}, "patience must be 0 where selections has last"),
        ({"selection_checks": 3}, "selection_checks has no effect with selections=last"),
        (
            {"selections": ("train-dev",), "selection_checks": 4, "patience": 3},
            "patience must be below selection_checks - 1, 3",
        ),
    ],
)
def test_settings_that_are_none_are_refused(changes, message):
    with pytest.raises(UserError, match=message):
        BilstmConfig(**changes)
