"""The fine-tuning loop: `pytest tests/evaluate/test_finetune.py`."""

import copy
import dataclasses

import numpy as np
import pytest
import torch

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.examples import Examples, Ragged
from xlmr_lab.evaluate.finetune import (
    FinetuneConfig,
    Finetuning,
    finetune,
    freeze,
    is_check,
)
from xlmr_lab.evaluate.task_model import predict, task_model
from xlmr_lab.model.encoder import Encoder, EncoderConfig, initialize

TINY = EncoderConfig(
    num_layers=1, hidden_size=32, num_heads=2, ffn_size=64, max_tokens=32, dropout=0.0
)
QUICK = FinetuneConfig(steps=12, batch_sequences=8, peak_learning_rate=3e-3, max_tokens=24)


def random_examples(num=40, num_labels=3, seed=0, words=False):
    rng = np.random.default_rng(seed)
    rows = [
        np.array([0, *rng.integers(4, 400, rng.integers(1, 14)), 2], np.int32) for _ in range(num)
    ]
    positions = [np.arange(1, len(row) - 1) if words else np.zeros(1, int) for row in rows]
    labels = rng.integers(0, num_labels, sum(map(len, positions)))
    return Examples(
        tokens=Ragged.of(rows, np.int32),
        positions=Ragged.of(positions, np.int64),
        labels=labels,
        languages=("qaa",),
        row_languages=np.zeros(num, dtype=np.int64),
        pad_id=1,
    )


def model_of(encoder, objective="classification", seed=1):
    return task_model(copy.deepcopy(encoder), objective, 3, dropout=0.1, seed=seed)


def weights(model):
    return {name: weight.clone() for name, weight in model.state_dict().items()}


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(("objective", "words"), [("classification", False), ("tagging", True)])
def test_a_few_examples_are_learnt_by_heart(encoder, objective, words):
    examples = random_examples(8, words=words)
    model = model_of(encoder, objective)
    config = dataclasses.replace(QUICK, steps=100, peak_learning_rate=5e-3, dropout=0.0)
    losses = finetune(model, examples, config=config, seed=1)
    assert len(losses) == 100
    assert losses[0] == pytest.approx(np.log(3), abs=0.05)
    assert losses[-1] < 0.05
    assert (predict(model, examples).argmax(-1) == examples.labels).all()


@pytest.mark.parametrize(("objective", "words"), [("classification", False), ("tagging", True)])
def test_predictions_do_not_depend_on_what_else_is_in_the_batch(encoder, objective, words):
    examples = random_examples(60, words=words)
    model = model_of(encoder, objective)
    initialize(model, std=0.3, generator=torch.Generator().manual_seed(2))
    together = predict(model, examples).argmax(-1)
    alone = []
    for row in range(len(examples)):
        tokens = examples.tokens.values[slice(*examples.tokens.starts[row : row + 2])]
        places = examples.positions.values[slice(*examples.positions.starts[row : row + 2])]
        with torch.no_grad():
            logits = model(
                torch.from_numpy(tokens)[None], None, torch.from_numpy(places.copy())[None]
            )
        alone += logits.argmax(-1).flatten().tolist()
    assert together.tolist() == alone
    assert set(alone) == {0, 1, 2}


def test_equal_seeds_give_equal_weights_whatever_the_global_generator(encoder):
    examples = random_examples()
    first, second, third = (model_of(encoder) for _ in range(3))
    finetune(first, examples, config=QUICK, seed=1)
    torch.manual_seed(99)
    before = torch.get_rng_state()
    finetune(second, examples, config=QUICK, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    finetune(third, examples, config=QUICK, seed=2)
    assert same(weights(first), weights(second))
    assert not same(weights(first), weights(third))


def test_heads_are_drawn_from_the_seed(encoder):
    assert same(weights(model_of(encoder)), weights(model_of(encoder)))
    assert not same(weights(model_of(encoder)), weights(model_of(encoder, seed=2)))


@pytest.mark.parametrize("checks", [1, 2, 3, 7, 12, 50])
def test_checks_are_evenly_spread_and_end_with_the_last_step(checks):
    steps = [step for step in range(1, 13) if is_check(step, 12, checks)]
    assert len(steps) == min(checks, 12)
    assert steps[-1] == 12
    assert np.ptp(np.diff([0, *steps])) <= 1


def test_a_loss_that_is_not_finite_stops_with_the_step(encoder):
    model = model_of(encoder)
    with torch.no_grad():
        model.head.output.weight.fill_(float("nan"))
    with pytest.raises(UserError, match="the fine-tuning loss is nan at step 1; lower"):
        finetune(model, random_examples(), config=QUICK, seed=1)


@pytest.mark.parametrize("frozen", [0, 1])
def test_gradients_of_encoder_and_head_are_clipped_together(encoder, frozen):
    """By one factor, to the norm of both."""
    gradients = []
    for clip_norm in (0.0, 0.01):
        config = dataclasses.replace(
            QUICK, clip_norm=clip_norm, dropout=0.0, frozen_layers=frozen, precision="fp32"
        )
        run = Finetuning(
            model_of(encoder), random_examples(), config=config, seed=1, peak_learning_rate=1e-3
        )
        run.advance()
        named = run.model.named_parameters()
        gradients.append({name: p.grad for name, p in named if p.grad is not None})
    whole, clipped = gradients
    assert {name.partition(".")[0] for name in whole} == {"encoder", "head"}
    norm = torch.stack([x.norm() for x in whole.values()]).norm()
    assert norm > 0.02
    for name, gradient in clipped.items():
        assert torch.allclose(gradient, whole[name] * 0.01 / norm, rtol=1e-3, atol=1e-9), name
    parts = {"encoder": [], "head": []}
    for name, gradient in clipped.items():
        parts[name.partition(".")[0]].append(gradient.norm())
    assert all(torch.stack(own).norm() > 1e-4 for own in parts.values())


def test_a_batch_may_be_larger_than_the_data(encoder):
    config = dataclasses.replace(QUICK, steps=2, batch_sequences=64)
    assert len(finetune(model_of(encoder), random_examples(5), config=config, seed=1)) == 2


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("steps", 0, "steps must be at least 1, got 0"),
        ("batch_sequences", 0, "batch_sequences must be at least 1"),
        ("max_tokens", 7, "max_tokens must be at least 8"),
        ("peak_learning_rate", 0.0, "peak_learning_rate must be above 0"),
        ("peak_learning_rate", float("inf"), "peak_learning_rate must be above 0"),
        ("warmup_fraction", 1.0, r"warmup_fraction must be in \[0, 1\)"),
        ("dropout", -0.1, r"dropout must be in \[0, 1\)"),
        ("weight_decay", -1.0, "weight_decay must not be negative"),
        ("clip_norm", float("nan"), "clip_norm must not be negative"),
    ],
)
def test_settings_out_of_range_are_refused(field, value, message):
    with pytest.raises(UserError, match=message):
        FinetuneConfig(**{field: value})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"selections": ()}, "selections must name at least one"),
        ({"selections": ("last", "last")}, "selections names last more than once"),
        ({"other_learning_rates": (1e-5,)}, "other_learning_rates must be empty where selections"),
        (
            {"other_learning_rates": (5e-4,), "selections": ("joint-dev",)},
            "other_learning_rates names 0.0005 more than once",
        ),
        (
            {"other_learning_rates": (0.0,), "selections": ("joint-dev",)},
            "other_learning_rates must be above 0",
        ),
        ({"patience": 2}, "patience must be 0 where selections has last"),
        (
            {"patience": 2, "selections": ("last", "joint-dev")},
            "patience must be 0 where selections has last, the end of all steps, got 2; take last",
        ),
        (
            {"patience": 4, "selections": ("joint-dev",)},
            "patience must be below selection_checks - 1, 4, .* got 4",
        ),
        ({"patience": -1, "selections": ("joint-dev",)}, "patience must not be negative"),
        ({"selection_checks": 6}, "selection_checks has no effect with selections=last"),
        ({"passes": 2.0, "steps": 60}, "steps has no effect with passes=2; set passes=0"),
        ({"passes": -1.0}, "passes must not be negative, got -1"),
    ],
)
def test_settings_without_effect_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        FinetuneConfig(**settings)


def test_the_narrow_precision_rounds_what_is_multiplied(encoder):
    """bf16 is taken on request; on a CPU auto is fp32, to the bit."""
    examples = random_examples()
    wide, auto, narrow = (
        predict(task_model(encoder, "tagging", 3, dropout=0.1, seed=1, precision=p), examples)
        for p in ("fp32", "auto", "bf16")
    )
    assert (wide == auto).all()
    assert (wide != narrow).any()
    assert np.abs(wide - narrow).max() < 0.05 * np.abs(wide).max()
    assert narrow.dtype == np.float32


def test_a_run_in_narrow_precision_learns_with_weights_in_32_bits(encoder):
    model = task_model(encoder, "classification", 3, dropout=0.0, seed=1, precision="bf16")
    config = dataclasses.replace(QUICK, steps=80, peak_learning_rate=5e-3)
    losses = finetune(model, random_examples(8), config=config, seed=1)
    assert losses[-1] < 0.2
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert {p.grad.dtype for p in model.parameters() if p.grad is not None} == {torch.float32}


@pytest.fixture
def encoder_of_two():
    """An encoder with embeddings of two languages, far from each other."""
    config = dataclasses.replace(TINY, language_embeddings=True)
    generator = torch.Generator().manual_seed(0)
    made = Encoder(config, 500, languages=("qaa", "qab"), generator=generator)
    torch.nn.init.normal_(made.language_embedding.weight, std=5.0, generator=generator)
    return made


def test_the_language_of_the_text_decides_which_embedding_is_used(encoder_of_two):
    examples = random_examples(60)
    model = model_of(encoder_of_two)
    initialize(model.head, std=0.5, generator=torch.Generator().manual_seed(2))
    other = dataclasses.replace(examples, languages=("qab",))
    assert (predict(model, examples) != predict(model, other)).any()
    before = encoder_of_two.language_embedding.weight.clone()
    finetune(model, examples, config=QUICK, seed=1)
    moved = (model.encoder.language_embedding.weight != before).any(dim=1)
    assert moved[0]
    unknown = dataclasses.replace(examples, languages=("qac",))
    with pytest.raises(UserError, match="no language embedding for qac"):
        predict(model, unknown)


def test_frozen_embeddings_include_those_of_languages(encoder_of_two):
    freeze(encoder_of_two, 1)
    trained = {name for name, x in encoder_of_two.named_parameters() if x.requires_grad}
    assert all(name.startswith("layers.") for name in trained)
    assert trained
