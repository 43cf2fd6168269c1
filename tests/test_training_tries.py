"""A try is the study's own call with a few settings of its own."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from xlmr_lab import configs, results, study_call, training_tries
from xlmr_lab.ablations import studies
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.errors import UserError
from xlmr_lab.results import Study
from xlmr_lab.training_tries import TrySettings

CALL = ("seeds=4", "name=mine", "pretrain.steps=3000", "pretrain.warmup_steps=300")


def made(home: Path, *changes: str) -> Study:
    """Write the run folder of `./lab pretrain CALL CHANGES`, as far as a try looks at it."""
    folder = home / "runs" / "mine"
    folder.mkdir(parents=True)
    config = configs.override(studies.tiny(), [*CALL, *changes])
    (folder / "config.json").write_text(json.dumps(configs.to_dict(config)))
    call = {"preset": "tiny", "settings": [*CALL, *changes], "folder": str(folder)}
    (folder / "call.json").write_text(json.dumps(call))
    (home / "data" / "shards-1").mkdir(parents=True)
    (folder / "stages.json").write_text('{"shards": "data/shards-1"}')
    return results.open_study(folder)


def settled(study: Study, settings: TrySettings) -> StudyConfig:
    """Return the settings that the command of a try comes to."""
    command = training_tries.command(study, settings)
    assert command[:6] == [sys.executable, "-m", "xlmr_lab", "pretrain", "--preset", "tiny"]
    return configs.override(studies.tiny(), command[6:])


def changed(study: Study, settings: TrySettings) -> dict[str, Any]:
    """Return in what a try differs from its study."""
    own = configs.flatten(settled(study, settings))
    theirs = configs.flatten(configs.from_dict(StudyConfig, study.config()))
    return {name: value for name, value in own.items() if value != theirs[name]}


def test_a_try_is_one_run_in_its_own_folder_with_the_studys_settings_but_its_own(
    tmp_path: Path,
) -> None:
    study = made(tmp_path)
    assert changed(study, TrySettings(500, 6e-3, 32, 0.3)) == {
        "name": "steps=500-rate=0.006-batch=32-alpha=0.3",
        "runs_dir": str(tmp_path / "runs" / "mine" / "tries"),
        "data_dir": str(tmp_path / "data"),
        "seeds": 1,
        "jobs": 1,
        "ablation.alphas": (),
        "pretrain.steps": 500,
        "pretrain.warmup_steps": 50,
        "pretrain.heldout_steps": 50,
        "pretrain.checkpoint_steps": 50,
    }


def test_its_own_settings_are_its_own(tmp_path: Path) -> None:
    config = settled(made(tmp_path), TrySettings(20, 1e-5, 64, 0.7))
    assert config.pretrain.peak_learning_rate == 1e-5
    assert config.batches.batch_sequences == 64
    assert config.sampling.alpha == 0.7
    assert config.pretrain.log_steps == config.pretrain.heldout_steps == 2


def test_what_goes_by_the_length_or_the_batch_follows_them(tmp_path: Path) -> None:
    study = made(
        tmp_path,
        *("pretrain.schedule=wsd", "pretrain.decay_steps=600", "pretrain.micro_sequences=16"),
    )
    config = settled(study, TrySettings(100, 6e-3, 8, 0.3))
    assert config.pretrain.warmup_steps == 10
    assert config.pretrain.decay_steps == 20
    assert config.pretrain.micro_sequences == 8


def test_the_exponents_of_a_schedule_stay_the_studys(tmp_path: Path) -> None:
    annealed = ("sampling.schedule=annealed", "sampling.alpha=0.7", "sampling.later_alphas=0.3")
    study = made(tmp_path, *annealed, "sampling.changes=0.5", "ablation.alphas=")
    assert not training_tries.has_one_exponent(study)
    own = training_tries.own_settings(study)
    assert settled(study, own).sampling == configs.from_dict(StudyConfig, study.config()).sampling


def test_tries_are_found_by_what_was_begun(tmp_path: Path) -> None:
    study = made(tmp_path)
    settings = TrySettings(500, 6e-3, 32, 0.3)
    assert training_tries.tries(study) == []
    assert training_tries.tried(study, settings).folder is None
    home = study.folder / "tries" / settings.name()
    home.mkdir(parents=True)
    (home / "process.log").write_text("")
    assert [run.name for run in training_tries.tries(study)] == [f"tries/{settings.name()}"]
    assert TrySettings.named(home.name) == settings


def test_runs_of_another_model_are_no_longer_the_studys(tmp_path: Path) -> None:
    """A study may be made anew under its name with other settings; what was made before stays."""
    study, settings = made(tmp_path), TrySettings(500, 6e-3, 32, 0.3)
    config = study.config()
    other = config | {"model": config["model"] | {"hidden_size": 96}}
    home = study.folder / "tries" / settings.name()
    for place, own in (("alpha=0.3-s1-0", other), ("alpha=0.3-s1-1", config)):
        for folder in (study.folder / "arms" / place, home / "arms" / place):
            folder.mkdir(parents=True)
            (folder / "config.json").write_text(json.dumps(own))
    assert [run.name for run in training_tries.arms(study)] == ["arms/alpha=0.3-s1-1"]
    assert training_tries.tried(study, settings).folder == home / "arms" / "alpha=0.3-s1-1"
    (home / "arms" / "alpha=0.3-s1-1" / "config.json").write_text(json.dumps(other))
    assert training_tries.tried(study, settings).folder is None


@pytest.mark.parametrize("name", ["my good try", "steps=600-rate=copy-batch=32-alpha=0.3"])
def test_a_folder_that_is_named_otherwise_is_no_try(tmp_path: Path, name: str) -> None:
    study = made(tmp_path)
    home = study.folder / "tries" / name
    home.mkdir(parents=True)
    (home / "process.log").write_text("")
    assert training_tries.tries(study) == []
    with pytest.raises(UserError, match="is no name of a try, which is like steps=600-rate"):
        TrySettings.named(name)


def test_paths_of_a_study_are_seen_from_where_it_ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = made(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert training_tries._ran_in(study) == tmp_path, "where its call does not say it"
    monkeypatch.chdir(elsewhere)
    study_call.keep(study.folder, "tiny", [f"runs_dir={tmp_path / 'runs'}", "corpus.path=texts"])
    assert training_tries._ran_in(study) == elsewhere
    elsewhere.rename(tmp_path / "moved")
    assert training_tries._ran_in(study) == tmp_path / "runs", "it is gone"


def test_a_study_without_its_text_cannot_be_tried(tmp_path: Path) -> None:
    study = made(tmp_path)
    (tmp_path / "data" / "shards-1").rmdir()
    with pytest.raises(UserError, match="which is not there any more"):
        training_tries.command(study, training_tries.own_settings(study))
