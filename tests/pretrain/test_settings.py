"""Settings that cannot work are refused, by name, before anything runs."""

import pytest

from xlmr_lab import configs
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain.loop import PretrainRun
from xlmr_lab.pretrain.settings import EXECUTION, check, decisive, sampling_phases
from xlmr_lab.sampling.exponent import probabilities
from xlmr_lab.sampling.schedules import Phase


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"peak_learning_rate": -1e-3}, "peak_learning_rate must be above 0, got -0.001"),
        ({"peak_learning_rate": float("nan")}, "peak_learning_rate must be above 0, got nan"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"warmup_steps": 13}, "warmup_steps must be at most steps, 12, got 13"),
        ({"weight_decay": -0.1}, "weight_decay must not be negative, got -0.1"),
        ({"keep_checkpoints": 0}, "keep_checkpoints must be at least 1"),
        (
            {"schedule": "wsd"},
            "decay_steps must be between 1 and 9 with schedule wsd, got 0",
        ),
        ({"schedule": "wsd", "decay_steps": 10}, "decay_steps must be between 1 and 9"),
        ({"decay_steps": 1}, "decay_steps must be between 0 and 0 with schedule polynomial, got 1"),
        ({"decay_power": 0.0}, "decay_power must be above 0, got 0.0"),
        ({"end_learning_rate": 3e-3}, "below peak_learning_rate, 0.003, got 0.003"),
        ({"schedule": "constant", "decay_power": 2.0}, "schedule constant does not fall: .* got 2"),
        ({"micro_sequences": -1}, "micro_sequences must not be negative, got -1"),
        (
            {"micro_sequences": 5},
            "micro_sequences must be at most batches.batch_sequences, 4, got 5",
        ),
        ({"languages": ()}, "at least one language"),
        ({"languages": ("en", "en")}, "languages must differ, got en, en"),
    ],
)
def test_impossible_settings_are_refused(make_run, change, message):
    with pytest.raises(UserError, match=message):
        make_run(**change)


def test_a_block_longer_than_the_positions_is_refused(make_run, shards):
    with pytest.raises(
        UserError, match=r"block_tokens must be at most model.max_tokens, 16, got 17"
    ):
        check(make_run(block_tokens=17), shards)


def test_a_language_without_shards_is_refused(make_run, shards):
    with pytest.raises(UserError, match=r"no token shards for fr at .*; there are en, sw, ur"):
        check(make_run(languages=("en", "fr")), shards)


def test_settings_survive_json(make_run):
    run = make_run()
    assert configs.from_dict(PretrainRun, configs.to_dict(run)) == run


def test_how_a_machine_carries_a_run_out_does_not_decide_it(make_run):
    assert decisive(make_run(micro_sequences=2)) == decisive(make_run())
    assert decisive(make_run(weight_decay=0.5)) != decisive(make_run())
    assert not set(EXECUTION) & set(decisive(make_run())["pretrain"])


def test_probabilities_are_those_of_the_runs_languages(make_run, shards):
    (phase,) = sampling_phases(make_run(languages=("ur", "sw"), alpha=1.0), shards)
    blocks = shards.sizes("blocks", 16)
    total = blocks["ur"] + blocks["sw"]
    assert phase.first_step == 1
    assert phase.probabilities == pytest.approx({key: blocks[key] / total for key in ("ur", "sw")})


@pytest.mark.parametrize("basis", ["sentences", "blocks", "bytes", "pieces"])
def test_every_basis_counts_what_the_shards_say_of_it(make_run, shards, basis):
    languages = ("en", "sw", "ur")
    if basis == "blocks":
        sizes = {key: float(shards.num_blocks(key, 16)) for key in languages}
    else:
        sizes = {key: float(shards.counts(key)[basis]) for key in languages}
    run = make_run(sampling={"basis": basis})
    assert sampling_phases(run, shards) == [Phase(1, probabilities(sizes, 0.3))]


@pytest.mark.parametrize(
    ("sampling", "message"),
    [
        ({"schedule": "annealed", "starts": ("fr:0.5",)}, "starts names fr, but the run's"),
        ({"schedule": "annealed", "starts": ("sw:0.01",)}, "12 steps is too short"),
        ({"schedule": "capped", "max_passes": 0.1}, "more than sampling.max_passes=0.1"),
    ],
)
def test_a_schedule_that_does_not_fit_the_run_is_refused(make_run, shards, sampling, message):
    with pytest.raises(UserError, match=message):
        check(make_run(alpha=0.0, sampling=sampling), shards)
