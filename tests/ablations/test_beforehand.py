"""What is told of a study before its text is read: what cannot work, and how long it takes."""

import logging
import sys
from pathlib import Path

import pytest
import torch

from xlmr_lab import configs
from xlmr_lab.ablations import beforehand, stages, studies
from xlmr_lab.ablations import folder as run_folder
from xlmr_lab.ablations.run import Study
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain import foresight, memory_plan

TEXT = ["corpus.path=text", "jobs=1", "seeds=1"]


@pytest.fixture(autouse=True)
def no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where the text is read."""

    def read(config: object) -> None:
        raise AssertionError("the text was read")

    monkeypatch.setattr(stages, "text_files", read)


def study(preset: str, folder: Path, *settings: str) -> Study:
    base = studies.preset(preset, own_text="corpus.path=text" in settings)
    return Study(configs.override(base, [*settings, f"runs_dir={folder}"]), preset)


@pytest.mark.parametrize(
    ("preset", "settings", "told"),
    [
        ("base", [*TEXT, "pretrain.micro_sequences=0"], r"needs about .* set pretrain\.micro_seq"),
        (
            "tiny",
            ["model.adaptive_cutoffs=1800"],
            r"^model\.adaptive_cutoffs must be below .* 1800",
        ),
        ("tiny", ["pretrain.tensorboard=true"], "needs the package tensorboard"),
        ("tiny", ["pretrain.micro_sequences=64"], r"micro_sequences must be at most batches"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_the_text_is_read(
    tmp_path: Path, preset: str, settings: list[str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_plan, "available_bytes", lambda *_, **__: 20e9)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UserError, match=told):
        study(preset, tmp_path, *settings).prepare()


def test_a_study_with_results_needs_nothing_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_plan, "available_bytes", lambda *_, **__: 0)
    work = study("tiny", tmp_path)
    with pytest.raises(UserError, match="needs about"):
        beforehand.check(work.config, work.folder)
    run_folder.prepare(work.folder, work.config, "tiny")
    (work.folder / "arms.json").write_text("[]")
    beforehand.check(work.config, work.folder)


@pytest.mark.parametrize(
    ("settings", "runs"), [(["seeds=3", "jobs=2"], 2), (["seeds=1", "jobs=2"], 1)]
)
def test_runs_at_once_must_fit_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: list[str], runs: int
) -> None:
    work = study("tiny", tmp_path, *settings)
    run = beforehand.likely_run(work.config)
    shape = memory_plan.shape_of(run, work.config.vocabulary.size, torch.device("cpu"))
    total = memory_plan.need(shape).total
    monkeypatch.setattr(memory_plan, "available_bytes", lambda *_, **__: runs * total)
    beforehand.check(work.config, work.folder)
    monkeypatch.setattr(memory_plan, "available_bytes", lambda *_, **__: runs * total - 1)
    with pytest.raises(UserError, match="set jobs=1" if runs > 1 else "set pretrain"):
        beforehand.check(work.config, work.folder)


def test_under_torchrun_one_run_comes_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = study("tiny", tmp_path).config
    assert beforehand.runs_at_once(config, 3) == 2
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert beforehand.runs_at_once(config, 3) == 1


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("model.language_embeddings=true", "language embeddings cannot be exported"),
        ("model.adaptive_cutoffs=900", "adaptive softmax cannot be exported"),
    ],
)
def test_a_model_that_cannot_be_exported_is_told_before_it_is_trained(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, setting: str, told: str
) -> None:
    work = study("tiny", tmp_path, setting)
    beforehand.check(work.config, work.folder)
    (record,) = caplog.records
    assert told in record.getMessage()


@pytest.mark.parametrize(
    ("settings", "rate", "told"),
    [
        ([], 1e9, "is 3 runs of 1500 steps, 3.07M tokens each: at least 55 min"),
        (["seeds=1"], 1e9, "is 1 run of 1500 steps, 3.07M tokens: at least 27 min"),
    ],
)
def test_the_least_time_is_that_of_matrix_products(
    settings: list[str], rate: float, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With two jobs three runs take the time of two."""
    monkeypatch.setattr(beforehand, "_most_at_once", lambda: 2)
    config = configs.override(studies.tiny(), settings)
    assert told in beforehand.length_told(config, rate)


def test_the_papers_length_on_a_laptop_is_told_in_years() -> None:
    config = configs.override(studies.base(), TEXT)
    line = beforehand.length_told(config, 1e11)
    assert line.startswith("pretraining an arm is 1 run of 1500000 steps, 6.29T tokens: at least 1")
    assert line.endswith(" years")


def test_threads_are_as_they_were() -> None:
    before = torch.get_num_threads()
    foresight.matrix_rate(beforehand.likely_run(studies.tiny()))
    assert torch.get_num_threads() == before


def test_the_length_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    work = study("tiny", tmp_path)
    beforehand.check(work.config, work.folder)
    assert [record.getMessage()[:20] for record in caplog.records] == ["pretraining an arm i"]
