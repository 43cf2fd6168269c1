"""Curves hold the records of the files, each once, also of files that grow or are written anew."""

import json
import os
import shutil
from pathlib import Path

import pytest

from xlmr_lab import results, training_curves, training_tries
from xlmr_lab.errors import UserError
from xlmr_lab.results import Study

RUN = "arms/alpha=0.3-s1"


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A study of blocks of 50 tokens with one run of 40 steps, 8 blocks each."""
    folder = tmp_path / RUN
    folder.mkdir(parents=True)
    model = {"model": {"hidden_size": 8}}
    whole = model | {"batches": {"block_tokens": 50}, "sampling": {"alpha": 0.3}}
    (tmp_path / "config.json").write_text(json.dumps(whole))
    own = model | {"batches": {"block_tokens": 50, "batch_sequences": 8}}
    own |= {"pretrain": {"steps": 40}}
    (folder / "config.json").write_text(json.dumps(own))
    return results.open_study(tmp_path)


def record(study: Study, *lines: str, name: str = "metrics.jsonl", mode: str = "a") -> None:
    with (study.folder / RUN / name).open(mode) as file:
        file.writelines(lines)


def step(number: int, loss: float) -> str:
    return json.dumps({"kind": "step", "step": number, "loss": loss, "learning_rate": 0.5}) + "\n"


def losses(curves: training_curves.GrowingCurves) -> list[tuple[int, float]]:
    frame = curves.read([RUN]).filter(measure="loss")
    return list(frame.select("step", "value").iter_rows())


def test_every_measure_stands_at_its_step_and_its_tokens(study: Study) -> None:
    record(study, step(10, 7.5), '{"kind": "passes", "step": 10, "passes": {"sw": 2}}\n')
    record(study, '{"kind": "heldout", "step": 10, "loss": 6.5, "loss_by_language": {}}\n')
    record(study, '{"step": 10, "seconds": 2, "tokens_per_second": 2000}\n', name="telemetry.jsonl")
    frame = training_curves.read(study)
    assert frame.select("measure", "value").rows() == [
        ("loss", 7.5),
        ("learning_rate", 0.5),
        ("heldout", 6.5),
        ("tokens_per_second", 2000),
    ]
    places = frame.select("run", "step", "tokens", "steps", "all_tokens").unique().rows()
    assert places == [("alpha=0.3, seed 1", 10, 4000, 40, 16_000)]


def test_a_file_that_grows_is_read_on_and_a_half_written_line_later(study: Study) -> None:
    curves = training_curves.GrowingCurves(study)
    assert losses(curves) == []
    record(study, step(10, 7.0), step(20, 6.0)[:15])
    assert losses(curves) == [(10, 7.0)]
    record(study, step(20, 6.0)[15:])
    assert losses(curves) == losses(curves) == [(10, 7.0), (20, 6.0)]


def test_a_file_that_is_written_anew_is_read_anew(study: Study) -> None:
    curves = training_curves.GrowingCurves(study)
    record(study, step(10, 7.0), step(20, 6.0), step(30, 5.0))
    assert len(losses(curves)) == 3
    record(study, step(10, 7.0), step(20, 6.5), name="metrics.partial")
    os.replace(study.folder / RUN / "metrics.partial", study.folder / RUN / "metrics.jsonl")
    assert losses(curves) == [(10, 7.0), (20, 6.5)]


def test_a_run_that_is_not_there_and_a_broken_record_are_told(study: Study) -> None:
    with pytest.raises(UserError, match=r"has no run 'arms/other'; it has arms/alpha=0.3-s1"):
        training_curves.read(study, ["arms/other"])
    record(study, "no record\n")
    with pytest.raises(UserError, match="a line that is not JSON: b'no record'"):
        training_curves.read(study)


def test_runs_of_one_arm_and_seed_with_other_settings_are_told_apart(study: Study) -> None:
    for mark in ("1a", "2b"):
        folder = study.folder / "arms" / f"alpha=1-s0-{mark}"
        shutil.copytree(study.folder / RUN, folder)
    labels = [run.label for run in training_tries.arms(study)]
    assert labels == ["alpha=0.3, seed 1", "alpha=1-s0-1a", "alpha=1-s0-2b"]
