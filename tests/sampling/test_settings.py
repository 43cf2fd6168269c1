"""Settings of sampling: what has no effect, or no meaning, is one line that says so."""

import math

import pytest

from xlmr_lab import configs
from xlmr_lab.errors import UserError
from xlmr_lab.sampling.settings import SamplingConfig

MMBERT = {"schedule": "annealed", "alpha": 0.7, "later_alphas": (0.5, 0.3), "changes": (0.77, 0.97)}
UNIMAX = {"schedule": "capped", "alpha": 0.0, "max_passes": 5.0}


def test_the_default_is_the_papers():
    assert SamplingConfig() == SamplingConfig(alpha=0.3, basis="blocks", schedule="constant")


def test_schedules_of_the_literature_are_allowed():
    assert SamplingConfig(**MMBERT, starts=("sw:0.5", "zh-Hans:0.77")).joins() == {
        "sw": 0.5,
        "zh-Hans": 0.77,
    }
    assert SamplingConfig(schedule="annealed", starts=("sw:0.5",)).joins() == {"sw": 0.5}
    assert SamplingConfig(**UNIMAX).max_passes == 5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha": 1.3}, r"alpha must be in \[0, 1\], got 1.3"),
        (
            {"later_alphas": (0.5,)},
            "^sampling.later_alphas has no effect with sampling.schedule=constant; set",
        ),
        ({"changes": (0.5,)}, "^sampling.changes has no effect with sampling.schedule=constant"),
        ({"starts": ("sw:0.5",)}, "^sampling.starts has no effect with sampling.schedule=constant"),
        ({"max_passes": 4.0}, "^sampling.max_passes has no effect with sampling.sch"),
        (MMBERT | {"max_passes": 4.0}, "sampling.max_passes has no effect with sampling.sch"),
        (
            UNIMAX | {"starts": ("sw:0.5",)},
            "sampling.starts has no effect with sampling.schedule=capped",
        ),
        ({"schedule": "annealed"}, "needs sampling.later_alphas or sampling.starts to say"),
        (MMBERT | {"later_alphas": (0.5, -1)}, r"later_alphas must be in \[0, 1\], got -1"),
        (MMBERT | {"changes": (0.5,)}, "fraction for each of the 2 sampling.later_alphas, got 1"),
        (MMBERT | {"changes": (0.9, 0.5)}, "changes must rise from above 0 to below 1, got 0.9,0"),
        (MMBERT | {"changes": (0.0, 0.5)}, "changes must rise from above 0 to below 1, got 0,0.5"),
        (MMBERT | {"changes": (0.5, 1.0)}, "changes must rise from above 0 to below 1, got 0.5,1"),
        (MMBERT | {"later_alphas": (0.5, 0.5)}, "no effect where it follows .* got 0.5 after 0.5"),
        (MMBERT | {"later_alphas": (0.7, 0.3)}, "no effect where it follows .* got 0.7 after 0.7"),
        (MMBERT | {"starts": ("sw",)}, "starts must be LANGUAGE:FRACTION .* got 'sw'"),
        (MMBERT | {"starts": ("sw:1",)}, "such as sampling.starts=sw:0.5, got 'sw:1'"),
        (MMBERT | {"starts": ("sw:nan",)}, "such as sampling.starts=sw:0.5, got 'sw:nan'"),
        (MMBERT | {"starts": ("sw:0.1", "sw:0.2")}, "starts must name a language once"),
        (UNIMAX | {"max_passes": None}, "max_passes must be a number above 0 .* got None"),
        (UNIMAX | {"max_passes": math.inf}, "max_passes must be a number above 0 .* got inf"),
        (UNIMAX | {"max_passes": 0.0}, r"max_passes must be a number above 0 .* got 0\.0"),
        (UNIMAX | {"alpha": 0.3}, "alpha has no effect with sampling.schedule=capped, got 0.3"),
        (UNIMAX | {"basis": "bytes"}, "basis must be blocks with .*schedule=capped.* got bytes"),
    ],
)
def test_settings_without_effect_or_meaning_are_one_clear_line(settings, message):
    with pytest.raises(UserError, match=message) as error:
        SamplingConfig(**settings)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "settings",
    [{"schedule": "annealed"}, MMBERT | {"changes": ()}, {"schedule": "capped", "alpha": 0.0}],
)
def test_what_a_message_advises_is_accepted_as_it_stands(settings):
    """Full names, so that the words can be typed behind a verb."""
    with pytest.raises(UserError) as error:
        SamplingConfig(**settings)
    advised = [
        word.rstrip(",;") for word in str(error.value).split("; ")[-1].split() if "=" in word
    ]
    assert advised[0].startswith("sampling.schedule=")
    plain = [word.removeprefix("sampling.") for word in advised]
    assert configs.override(SamplingConfig(), plain).schedule == settings["schedule"]
    assert all(word.startswith("sampling.") for word in advised)


def test_settings_survive_json_and_the_command_line():
    config = SamplingConfig(**MMBERT, starts=("sw:0.5",))
    assert configs.from_dict(SamplingConfig, configs.to_dict(config)) == config
    written = ["schedule=annealed", "alpha=0.7", "later_alphas=0.5,0.3", "changes=0.77,0.97"]
    assert configs.override(SamplingConfig(), [*written, "starts=sw:0.5"]) == config


def test_samplings_are_told_apart_by_name():
    assert SamplingConfig(**MMBERT).name() == "alpha=0.7-0.5-0.3"
    assert SamplingConfig(**MMBERT, starts=("sw:0.5",)).name() == "alpha=0.7-0.5-0.3+1-later"
    assert SamplingConfig(**UNIMAX).name() == "max_passes=5"
    assert SamplingConfig().name() == "alpha=0.3"
