"""Runs over seeds that are killed at any moment: `pytest tests/ablations/test_task_runs.py`."""

import shutil
from pathlib import Path

import pytest

from xlmr_lab import storage
from xlmr_lab.ablations import task_runs
from xlmr_lab.ablations.task_runs import TaskRuns
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.protocols import plan
from xlmr_lab.evaluate.scores import Score

SEEDS = (0, 1)


class KilledError(Exception):
    """Stands for the end of the process."""


@pytest.fixture
def runs(tmp_path):
    return TaskRuns(
        task="nli",
        folder=tmp_path,
        finetune=FinetuneConfig(),
        reading={},
        train_language="en",
        protocols=("zero-shot",),
        languages=("en",),
        seeds=SEEDS,
        names={"study": "s", "run": "r", "arm": "a", "seed": None},
        output=tmp_path / "scores/nli-1.jsonl",
        looks=tmp_path / "looks/nli-1.jsonl",
    )


def files(tmp_path) -> list[str]:
    return [p.relative_to(tmp_path).as_posix() for p in sorted(tmp_path.rglob("*")) if p.is_file()]


def seed_of(done):
    """Return a seed's run, which keeps itself and notes that it was done from the start."""

    def run_seed(seed, kept, looked):
        if not (kept / "state.json").is_file():
            done.append(seed)
            storage.write_json(kept / "state.json", {})
        (model,) = plan(("zero-shot",), "en", [("en", "test")])
        looked(model, [], [])
        cell = {"task": "nli", "split": "test", "language": "en", "protocol": "zero-shot"}
        taken = {"selection": "last", "metric": "accuracy", "value": seed / 10, "num_examples": 3}
        return [Score(**cell, **taken, finetune_seed=seed)]

    return run_seed


def killed_at(monkeypatch, moment: int) -> list[str]:
    """Let the process end before its n-th change on the disk; return the changes that it made."""
    made: list[str] = []

    def counted(name, change):
        def call(path, *arguments, **named):
            if len(made) == moment:
                raise KilledError
            made.append(f"{name} {Path(path).name}")
            return change(path, *arguments, **named)

        return call

    monkeypatch.setattr(storage, "write_jsonl", counted("write", storage.write_jsonl))
    monkeypatch.setattr(storage, "write_json", counted("write", storage.write_json))
    monkeypatch.setattr(shutil, "rmtree", counted("remove", shutil.rmtree))
    monkeypatch.setattr(Path, "unlink", counted("remove", Path.unlink))
    return made


def finished(tmp_path) -> dict[str, bytes]:
    return {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}


def test_a_kill_at_any_moment_costs_no_finished_seed_and_leaves_nothing(
    runs, tmp_path, monkeypatch
):
    with monkeypatch.context() as whole:
        moments = killed_at(whole, -1)
        task_runs.over_seeds(runs, seed_of([]))
    expected = finished(tmp_path)
    assert set(expected) == {"scores/nli-1.jsonl", "looks/nli-1.jsonl"}
    assert len(moments) > 10
    for moment in range(len(moments)):
        for folder in ("scores", "looks"):
            shutil.rmtree(tmp_path / folder)
        done: list[int] = []
        with monkeypatch.context() as dying:
            killed_at(dying, moment)
            with pytest.raises(KilledError):
                task_runs.over_seeds(runs, seed_of(done))
        (tmp_path / "scores").mkdir(exist_ok=True)
        if not runs.output.is_file():
            task_runs.over_seeds(runs, seed_of(done))
        task_runs.tidy(runs)
        assert finished(tmp_path) == expected, moments[moment]
        assert not list(tmp_path.rglob("*.state")), moments[moment]
        assert done in ([0, 1], [0, 0, 1], [0, 1, 1]), moments[moment]
        twice = len(done) > len(SEEDS)  # only where the seed had kept nothing of itself yet
        assert twice == moments[moment].endswith("state.json"), moments[moment]


def test_what_unfinished_runs_keep_stays(runs, tmp_path):
    for seed in SEEDS:
        storage.write_json(runs.kept(seed) / "state.json", {})
    storage.write_jsonl(runs.part(0), [])
    storage.write_jsonl(runs.seen(0), [])
    task_runs.tidy(runs)
    assert files(tmp_path) == [
        *("looks/nli-1.f0.jsonl", "scores/nli-1.f0.jsonl", "scores/nli-1.f1.state/state.json")
    ]
