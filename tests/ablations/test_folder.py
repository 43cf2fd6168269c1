"""A run folder never mixes settings, and says what it replaces."""

import json
import logging
import re
import shlex
from pathlib import Path

import pytest

from xlmr_lab import configs, storage, study_call
from xlmr_lab.ablations import folder as run_folder
from xlmr_lab.ablations import studies
from xlmr_lab.ablations.studies import StudyConfig
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain.settings import EXECUTION


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """Return the folder of a study of the tiny preset, with results and what is made of them."""
    folder = tmp_path / "tiny"
    run_folder.prepare(folder, studies.tiny(), "tiny")
    made = ("report/index.html", "notebooks/00.ipynb", "trimmed/x", "extended/x", "arms/a/x")
    known = ("stages.json", "sizes.jsonl", "cleaning.json", "blocks.jsonl", "vocabulary/x")
    for name in (*run_folder.COLLECTED, *known, *made):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    return folder


def changed(*assignments: str) -> StudyConfig:
    return configs.override(studies.tiny(), assignments)


def test_other_settings_replace_the_results_with_one_warning(
    finished: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    config = changed("sampling.alpha=0.7", "seeds=2", "nli.seeds=1", "ner.seeds=1")
    run_folder.prepare(finished, config, "tiny")
    (record,) = caplog.records
    told = record.getMessage()
    assert "seeds 3 -> 2, sampling.alpha 0.3 -> 0.7, nli.seeds 3 -> 1 and 1 more;" in told
    assert "name=NEW" in told
    left = {path.name for path in finished.iterdir()}
    assert left == {"config.json", "provenance.json", "call.json", "arms"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ([], ["corpus.path=../text"], "other text, corpus.path=none; add name=NEW"),
        (["corpus.path=../my text"], [], "other text, 'corpus.path=../my text'; add name=NEW"),
        (
            ["corpus.path=t", "corpus.languages=de,en"],
            ["corpus.path=t", "corpus.languages=de"],
            "corpus.languages=de,en; add name=NEW to keep both, or give that text again",
        ),
    ],
)
def test_results_of_other_text_are_not_replaced(
    tmp_path: Path, before: list[str], now: list[str], told: str
) -> None:
    run_folder.prepare(tmp_path, changed(*before), "tiny")
    run_folder.require_same_text(tmp_path, changed(*now))  # nothing is collected yet
    (tmp_path / "heldout.jsonl").write_text("{}")
    for refuse in (
        lambda: run_folder.require_same_text(tmp_path, changed(*now)),
        lambda: run_folder.prepare(tmp_path, changed(*now), "tiny"),
    ):
        with pytest.raises(UserError, match=re.escape(told)):
            refuse()
    assert (tmp_path / "heldout.jsonl").is_file()
    run_folder.prepare(tmp_path, changed(*before, "seeds=2"), "tiny")


def test_settings_that_no_result_depends_on_replace_nothing(
    finished: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = changed("jobs=7", "data_dir=elsewhere", "passes_warned=4")
    run_folder.prepare(finished, config, "tiny")
    assert not caplog.records
    assert (finished / "report" / "index.html").is_file()
    assert storage.read_json(finished / "config.json")["jobs"] == 7
    run_folder.require_finished(finished, config)
    run_folder.require_finished(finished, changed("jobs=1"))


def test_how_a_machine_trains_replaces_nothing_and_is_called_up_again(
    finished: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = ["pretrain.tensorboard=true", "pretrain.micro_sequences=4", "pretrain.device=cpu"]
    config = changed(*settings)
    held = storage.read_json(finished / "config.json")
    assert not run_folder.differences(held, configs.to_dict(config))
    run_folder.prepare(finished, config, "tiny")
    assert not caplog.records
    assert (finished / "trimmed" / "x").is_file()
    assert sorted(shlex.split(study_call.told(finished, "pretrain"))[4:]) == sorted(settings)


@pytest.mark.parametrize("name", EXECUTION)
def test_no_result_depends_on_how_a_machine_trains(name: str) -> None:
    held = {"pretrain": {name: "other"}}
    assert not run_folder.differences(held, {"pretrain": {name: "one"}})


def test_a_setting_that_a_folder_is_older_than_is_at_its_default_there(
    finished: Path, caplog: pytest.LogCaptureFixture
) -> None:
    held = storage.read_json(finished / "config.json")
    del held["pretrain"]["end_learning_rate"], held["surgery"], held["clean"]
    storage.write_json(finished / "config.json", held)
    other = configs.to_dict(changed("pretrain.end_learning_rate=1e-5"))
    assert run_folder.differences(held, other) == {"pretrain.end_learning_rate": (0.0, 1e-5)}
    run_folder.prepare(finished, studies.tiny(), "tiny")
    assert not caplog.records
    assert (finished / "trimmed" / "x").is_file()
    assert storage.read_json(finished / "config.json") == configs.to_dict(studies.tiny())


def test_wherever_a_kill_stops_a_change_nothing_old_stands_beside_the_new_settings(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off at each of the files that are written; then the same command mends it."""
    config = changed("vocabulary.size=500")
    for allowed in range(3):
        written = iter(range(allowed))

        def write(path: Path, value: object, written=written) -> None:
            if next(written, None) is None:
                raise KeyboardInterrupt
            storage.write_text(path, json.dumps(value))

        with monkeypatch.context() as patch:
            patch.setattr(storage, "write_json", write)
            with pytest.raises(KeyboardInterrupt):
                run_folder.prepare(finished, config, "tiny")
        assert not (finished / "config.json").exists()
        assert not (finished / "stages.json").exists()
        assert not (finished / "vocabulary").exists()
        (finished / "sizes.jsonl").write_text("{}")
    run_folder.prepare(finished, config, "tiny")
    left = {path.name for path in finished.iterdir()}
    assert left == {"config.json", "provenance.json", "call.json", "arms"}


def test_what_a_kill_left_without_its_origin_has_it_again(finished: Path) -> None:
    (finished / "provenance.json").unlink()
    run_folder.prepare(finished, studies.tiny(), "tiny")
    assert storage.read_json(finished / "provenance.json")["preset"] == "tiny"
    assert (finished / "trimmed" / "x").is_file()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "settings"),
    [
        ("tiny", []),
        ("small", ["name=mine", "seeds=2"]),
        ("tiny", ["runs_dir=two words", "babel.languages=", "babel.num_languages=3"]),
        (
            "web",
            ["clean.near_duplicates=false", "ablation.alphas=0.2,1", "corpus.path=some text"],
        ),
        ("tiny", ["ablation.alphas=", "sampling.schedule=annealed", "sampling.starts=qaa:0.5"]),
    ],
)
def test_a_run_folder_says_how_its_study_is_called_up_again(
    preset: str, settings: list[str], tmp_path: Path
) -> None:
    """The words of the command, parsed as the command line does, are the study's settings."""
    own_text = any(setting.startswith("corpus.path") for setting in settings)
    base = studies.preset(preset, own_text=own_text)
    config = configs.override(base, [*settings, "jobs=7"])
    run_folder.prepare(tmp_path, config, preset)
    lab, verb, option, called, *words = shlex.split(study_call.told(tmp_path, "vocab"))
    assert (lab, verb, option, called) == ("./lab", "vocab", "--preset", preset)
    assert sorted(words) == sorted(settings)
    again = configs.override(base, studies.settled(words, own_text=own_text))
    assert not run_folder.differences(configs.to_dict(again), configs.to_dict(config))


def test_a_study_of_no_preset_is_called_by_what_differs_from_the_defaults() -> None:
    flat = {"batches.block_tokens": 64, "jobs": 7}
    assert run_folder.typed(configs.build(StudyConfig, flat), "") == ["batches.block_tokens=64"]


def test_a_folder_without_results_is_replaced_in_silence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run_folder.prepare(tmp_path / "tiny", studies.tiny(), "tiny")
    run_folder.prepare(tmp_path / "tiny", changed("seeds=2"), "tiny")
    assert not caplog.records


def test_a_report_of_other_settings_names_them(finished: Path) -> None:
    with pytest.raises(UserError, match=r"other settings \(seeds 3 -> 4\); run `./lab study`"):
        run_folder.require_finished(finished, changed("seeds=4"))


def test_settings_that_do_not_matter_are_settings(finished: Path) -> None:
    assert set(configs.leaves(StudyConfig)) >= run_folder.WITHOUT_EFFECT


@pytest.mark.slow
def test_a_folder_is_free_unless_it_holds_results_of_other_settings(
    finished: Path, tmp_path: Path
) -> None:
    assert run_folder.is_free(tmp_path / "new", studies.tiny())
    assert run_folder.is_free(finished, changed("jobs=7"))
    assert not run_folder.is_free(finished, changed("vocabulary.size=900"))
    run_folder.prepare(tmp_path / "begun", studies.tiny(), "tiny")
    assert run_folder.is_free(tmp_path / "begun", changed("vocabulary.size=900"))
