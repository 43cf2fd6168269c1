"""A run folder is opened with its own settings, and what it lacks is said before anything is made.

Run with: pytest tests/ablations/test_opened.py
"""

from pathlib import Path

import pytest

from xlmr_lab import configs, storage
from xlmr_lab.ablations import folder as run_folder
from xlmr_lab.ablations import opened, studies
from xlmr_lab.ablations.run import Study
from xlmr_lab.errors import UserError

FINAL = "arms/alpha=0.3-s0-f/checkpoints/step-00000200"


@pytest.fixture
def places(tmp_path: Path) -> list[str]:
    return [f"runs_dir={tmp_path / 'runs'}", f"data_dir={tmp_path / 'data'}"]


@pytest.fixture
def folder(tmp_path: Path, places: list[str]) -> Path:
    """The folder of a run with one setting of its own, as pretraining leaves it."""
    made = tmp_path / "runs" / "mine"
    config = configs.override(
        studies.tiny(), [*places, "name=mine", "pretrain.steps=200", "surgery.min_count=7"]
    )
    run_folder.prepare(made, config, "tiny")
    storage.write_json(made / "stages.json", {"vocabulary": "elsewhere/vocabulary-1"})
    storage.write_jsonl(made / "sizes.jsonl", [{"language": "qaa"}, {"language": "qab"}])
    storage.write_json(made / "arms.json", [{"arm": "a", "folder": "arms/alpha=0.3-s0-f"}])
    (tmp_path / "data" / "vocabulary-1").mkdir(parents=True)
    (made / FINAL).mkdir(parents=True)
    return made


def settings(*given: str, preset: str | None = None):
    base = studies.preset(preset or "tiny")
    return opened.settings(base, given, preset=preset or "tiny", asked=preset)


def opened_run(*given: str) -> opened.OpenedRun:
    return opened.open_run(Study(configs.override(settings(*given), given), "tiny"))


@pytest.mark.slow
def test_a_runs_own_settings_take_the_place_of_the_presets(folder, places):
    config = settings(*places, "name=mine", "surgery.languages=qaa")
    assert config.pretrain.steps == 200
    assert config.surgery == studies.tiny().surgery
    run = opened_run(*places, "name=mine", "surgery.languages=qaa")
    assert run.folder == folder
    assert run.config.surgery.languages == ("qaa",)
    assert run.languages() == ["qaa", "qab"]


@pytest.mark.slow
def test_a_setting_that_is_given_again_must_be_the_runs(folder, places):
    opened_run(*places, "name=mine", "pretrain.steps=200", "jobs=7")
    with pytest.raises(UserError) as refused:
        opened_run(*places, "name=mine", "pretrain.steps=300", "babel.languages=qaa,qab")
    told = str(refused.value)
    assert "pretrain.steps is 200 there and 300 here" in told
    assert "babel.languages is qaa,qab,qam,qbk,qcu,qdc there and qaa,qab here" in told
    assert "\n" not in told


@pytest.mark.slow
def test_settings_are_checked_beside_the_runs_and_not_the_presets(folder, places):
    """Blocks of 128 tokens do not fit the preset's model."""
    config = configs.override(
        settings(*places, "name=mine"), ["batches.block_tokens=128", "model.max_tokens=128"]
    )
    run_folder.prepare(folder, config, "tiny")
    opened_run(*places, "name=mine", "batches.block_tokens=128")


@pytest.mark.slow
def test_a_run_that_is_not_there_is_said_with_the_command_that_makes_it(folder, places):
    with pytest.raises(UserError, match=r"no run at .*/none \(there are mine\); `\./lab pretrain"):
        settings(*places, "name=none")
    with pytest.raises(UserError) as refused:
        settings("runs_dir=nowhere", "seed=4", "surgery.languages=qaa", preset="small")
    assert str(refused.value) == (
        "there is no run at nowhere/small; "
        "`./lab pretrain --preset small runs_dir=nowhere seed=4` makes it"
    )
    with pytest.raises(UserError, match=r"no run at .*; `\./lab pretrain` with these settings"):
        opened.open_run(Study(configs.override(studies.tiny(), places), "tiny"))


def test_another_preset_than_the_runs_is_refused(folder, places):
    settings(*places, "name=mine", preset="tiny")
    with pytest.raises(UserError, match="made with --preset tiny, not small; leave the preset out"):
        settings(*places, "name=mine", preset="small")


def test_a_run_that_was_renamed_is_found_by_its_folder(folder, places):
    folder.rename(folder.with_name("other"))
    run = opened_run(*places, "name=other")
    assert run.folder == folder.with_name("other")
    with pytest.raises(UserError, match=r"no cleaned yet; `\./lab vocab .*name=other .*` makes it"):
        run.stage("cleaned")


@pytest.mark.slow
def test_a_run_that_is_older_than_a_setting_is_opened(folder, places):
    held = storage.read_json(folder / "config.json")
    del held["pretrain"]["tensorboard"], held["pretrain"]["end_learning_rate"], held["clean"]
    storage.write_json(folder / "config.json", held)
    opened_run(*places, "name=mine", "pretrain.tensorboard=true")
    with pytest.raises(UserError, match=r"end_learning_rate is 0\.0 there and 1e-05 here"):
        opened_run(*places, "name=mine", "pretrain.end_learning_rate=1e-5")


def test_a_run_of_unknown_origin_is_opened(folder, places):
    (folder / "provenance.json").unlink()
    assert opened_run(*places, "name=mine").folder == folder
    settings(*places, "name=mine", preset="tiny")


def test_settings_of_another_version_are_said_to_be(folder, places):
    held = storage.read_json(folder / "config.json")
    storage.write_json(folder / "config.json", held | {"of_old": 1})
    with pytest.raises(UserError, match=r"of another version of the lab .unknown setting 'of_old'"):
        settings(*places, "name=mine")


def test_a_stage_is_where_the_data_are_now_or_said_to_be_missing(folder, places, tmp_path):
    run = opened_run(*places, "name=mine")
    assert run.stage("vocabulary") == tmp_path / "data" / "vocabulary-1"
    with pytest.raises(
        UserError, match=r"mine has no cleaned yet; `\./lab vocab .*name=mine.* mak"
    ):
        run.stage("cleaned")
    (tmp_path / "data" / "vocabulary-1").rmdir()
    with pytest.raises(UserError, match=r"vocabulary-1 is not there any more; `\./lab vocab .*"):
        run.stage("vocabulary")
    (tmp_path / "moved" / "vocabulary-1").mkdir(parents=True)
    with pytest.raises(UserError, match="add data_dir=FOLDER if it was moved"):
        run.stage("vocabulary")
    moved = opened_run(*places, "name=mine", f"data_dir={tmp_path / 'moved'}")
    assert moved.stage("vocabulary") == tmp_path / "moved" / "vocabulary-1"


def test_sizes_that_are_missing_are_said_with_the_command_that_writes_them(folder, places):
    (folder / "sizes.jsonl").unlink()
    with pytest.raises(UserError, match=r"has no sizes.jsonl; `\./lab vocab .*name=mine.* writes"):
        opened_run(*places, "name=mine").languages()


def test_the_checkpoint_is_of_the_main_arms_first_seed(folder, places):
    run = opened_run(*places, "name=mine")
    assert run.checkpoint() == folder / FINAL
    storage.write_json(folder / "arms.json", [{"arm": "a", "folder": "arms/alpha=0.3-s1-f"}])
    assert run.checkpoint() is None
    (folder / "arms.json").unlink()
    with pytest.raises(UserError, match=r"not pretrained yet; run `\./lab pretrain .*name=mine"):
        run.required_checkpoint()


def test_a_checkpoint_that_was_deleted_is_said_with_the_command_that_trains_it_again(
    folder, places
):
    """It is not taken for a run without a model, nor for a model that cannot be read."""
    (folder / FINAL).rmdir()
    run = opened_run(*places, "name=mine")
    told = r"step-00000200 is not there any more; `\./lab pretrain .*name=mine.* trains it again"
    for look in (run.checkpoint, run.required_checkpoint):
        with pytest.raises(UserError, match=told):
            look()
