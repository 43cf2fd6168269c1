"""Study configurations: presets build, checks across sections refuse what cannot run."""

import pytest

from xlmr_lab import configs
from xlmr_lab.ablations import studies
from xlmr_lab.errors import UserError
from xlmr_lab.paper import tables


@pytest.mark.parametrize("name", studies.PRESETS)
def test_every_preset_builds_and_survives_a_round_trip(name) -> None:
    config = studies.preset(name)
    assert configs.from_dict(type(config), configs.to_dict(config)) == config


@pytest.mark.parametrize("name", studies.PRESETS)
def test_every_setting_of_a_preset_is_documented(name) -> None:
    config = studies.preset(name)
    undocumented = [k for k, leaf in configs.leaves(type(config)).items() if not leaf.doc]
    assert undocumented == []


@pytest.mark.slow
def test_runs_are_named_after_preset_and_text() -> None:
    config = studies.tiny()
    assert config.run_name("tiny") == "tiny"
    assert configs.override(config, ["corpus.path=../my/text/"]).run_name("tiny") == "tiny-text"
    assert configs.override(config, ["name=mine"]).run_name("tiny") == "mine"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("sampling.alpha=1.5", r"alpha must be in \[0, 1\], got 1.5"),
        ("ablation.alphas=0.3,-1", r"alpha must be in \[0, 1\], got -1"),
        ("sampling.alfa=0.3", "did you mean sampling.alpha"),
        ("batches.block_tokens=4096", "max_tokens"),
        ("nli.finetune.max_tokens=4096", "nli.finetune.max_tokens"),
        ("seeds=0", "seeds must be at least 1"),
        ("jobs=0", "jobs must be at least 1"),
        ("nli.seeds=0", "seeds must be at least 1"),
        ("passes_warned=0", "passes_warned must be above 0, got 0"),
        ("sampling.changes=0.5", r"^sampling\.changes has no effect with sampling"),
        (
            "surgery.languages=qaa,qab,qaa",
            r"surgery\.languages names qaa more than once; name each",
        ),
    ],
)
def test_settings_that_cannot_run_are_refused(change, told) -> None:
    with pytest.raises(UserError, match=told):
        configs.override(studies.tiny(), [change])


ANNEALED = ("sampling.schedule=annealed", "sampling.later_alphas=0.1", "sampling.changes=0.5")
CAPPED = ("sampling.schedule=capped", "sampling.alpha=0", "sampling.max_passes=4")


@pytest.mark.slow
@pytest.mark.parametrize("schedule", [ANNEALED, CAPPED])
def test_arms_of_constant_exponents_have_no_place_beside_a_schedule(schedule) -> None:
    with pytest.raises(UserError, match=r"^ablation\.alphas compares .* set ablation.alphas= \("):
        configs.override(studies.tiny(), schedule)
    config = configs.override(studies.tiny(), [*schedule, "ablation.alphas="])
    assert config.alphas() == [config.sampling.alpha]


@pytest.mark.parametrize("schedule", [ANNEALED, CAPPED, (CAPPED[0], CAPPED[2])])
def test_a_presets_arms_and_exponent_make_way_for_a_schedule_that_is_given(schedule) -> None:
    settings = studies.settled(schedule, own_text=False)
    config = configs.override(studies.tiny(), settings)
    assert config.ablation.alphas == ()
    assert config.alphas() == [config.sampling.alpha]
    assert settings[-len(schedule) :] == list(schedule)


def test_what_a_user_gives_makes_way_for_nothing() -> None:
    given = [*CAPPED, "sampling.alpha=0.3", "ablation.alphas=0.3"]
    assert studies.settled(given, own_text=False) == given
    assert studies.settled(["sampling.schedule=constant"], own_text=True) == [
        "sampling.schedule=constant"
    ]


def test_an_unknown_preset_names_those_there_are() -> None:
    with pytest.raises(UserError, match="tiny"):
        studies.preset("huge")


def test_base_and_large_are_the_papers() -> None:
    """XLM-R Sec. 3, 5.2 and Table 7."""
    printed = {row["model"]: row for row in tables.read("model_configs")}
    for make, row in ((studies.base, "XLM-R-Base"), (studies.large, "XLM-R")):
        config = make()
        assert (config.model.num_layers, config.model.hidden_size) == (
            printed[row]["L"],
            printed[row]["H_m"],
        )
        assert config.vocabulary.size == 250_002
        assert (config.pretrain.steps, config.batches.batch_sequences) == (1_500_000, 8192)
        assert (config.batches.block_tokens, config.batches.mask_fraction) == (512, 0.15)
        assert config.sampling.alpha == 0.3
        assert config.batches.batch_sequences % config.pretrain.micro_sequences == 0


@pytest.mark.parametrize("name", studies.OF_TEXT)
def test_presets_of_ones_own_text_are_what_they_say_and_need_it(name) -> None:
    assert studies.preset(name, own_text=True) == studies.PRESETS[name]()
    assert studies.PRESETS[name]().alphas() == [0.3]
    studies.require_text(name, own_text=True)
    with pytest.raises(UserError, match=rf"preset {name} is for text of your own; add corpus.path"):
        studies.require_text(name, own_text=False)
    studies.require_text("tiny", own_text=False)
