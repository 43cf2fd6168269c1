"""Settings that cannot work are refused, by name, before anything runs."""

import pytest

from xlmr_lab import configs
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain.loop import PretrainRun
from xlmr_lab.pretrain.settings import check, language_probabilities


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"peak_learning_rate": -1e-3}, "peak_learning_rate must be above 0, got -0.001"),
        ({"peak_learning_rate": float("nan")}, "peak_learning_rate must be above 0, got nan"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"warmup_steps": 13}, "warmup_steps must be at most steps, 12, got 13"),
        ({"weight_decay": -0.1}, "weight_decay must not be negative, got -0.1"),
        ({"keep_checkpoints": 0}, "keep_checkpoints must be at least 1"),
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


def test_probabilities_are_those_of_the_runs_languages(make_run, shards):
    probabilities = language_probabilities(make_run(languages=("ur", "sw"), alpha=1.0), shards)
    blocks = shards.sizes("blocks", 16)
    total = blocks["ur"] + blocks["sw"]
    assert probabilities == pytest.approx({key: blocks[key] / total for key in ("ur", "sw")})
