"""Runs killed with SIGKILL at any moment and started again end as if they had not been killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from xlmr_lab import configs

SCRIPT = Path(__file__).with_name("killed_runs.py")
ROOT = Path(__file__).parents[2]
KILLED, INTERRUPTED = -9, 130
SCHEDULE = {
    "schedule": "annealed",
    "later_alphas": (0.3, 0.0),
    "changes": (0.33, 0.6),
    "starts": ("ur:0.5",),
}


def command(*arguments: object) -> list[str]:
    return [sys.executable, str(SCRIPT), *map(str, arguments)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory, shards_folder: Path, make_run) -> dict:
    """What every scenario of killed_runs.py left of a run whose sampling changes in its middle."""
    settings = json.dumps(configs.to_dict(make_run(alpha=1.0, sampling=SCHEDULE)))
    work = tmp_path_factory.mktemp("killed")
    done = subprocess.run(
        command(shards_folder, work, settings),
        capture_output=True,
        text=True,
        env=environment(),
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "before the first step",
        "before the first checkpoint",
        "at a step between",
        "right after a checkpoint",
        "in the last step",
        "writing the weights",
        "writing the optimizer",
        "naming the first checkpoint",
        "naming the last checkpoint",
        "removing an old checkpoint",
        "writing metrics",
        "again and again",
    ],
)
def test_a_killed_run_ends_bit_for_bit_like_one_never_killed(reports: dict, name: str):
    *kills, last = reports[name]["ends"]
    assert kills
    assert set(kills) == {KILLED}
    assert last == 0
    assert reports[name]["digest"] == reports["never"]["digest"]
    assert len(reports["never"]["digest"]) == 4


def test_kills_from_outside_at_odd_moments(reports: dict):
    report = reports["from outside"]
    *kills, last = report["ends"]
    assert kills
    assert set(kills) == {KILLED}
    assert last == 0
    assert report["digest"] == reports["never"]["digest"]


@pytest.mark.slow
def test_a_run_on_two_threads_killed_from_outside(tmp_path: Path, shards_folder: Path, make_run):
    settings = json.dumps(configs.to_dict(make_run()))
    killed, never = tmp_path / "killed", tmp_path / "never"

    def start(folder: Path) -> subprocess.Popen[bytes]:
        # Threads that wait busily take the processor from each other on a machine with other work.
        waiting = {**environment(), "OMP_WAIT_POLICY": "passive"}
        return subprocess.Popen(command(shards_folder, folder, settings, 2), env=waiting)

    assert start(never).wait(timeout=100) == 0
    child = start(killed)
    metrics = killed / "metrics.jsonl"
    while not metrics.exists() and child.poll() is None:
        time.sleep(0.001)
    child.send_signal(signal.SIGKILL)
    child.wait(timeout=100)
    assert start(killed).wait(timeout=100) == 0
    for name in ("metrics.jsonl", "checkpoints/step-00000012/model.safetensors"):
        assert (killed / name).read_bytes() == (never / name).read_bytes()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_saves_the_current_step_and_the_run_goes_on_from_it(reports: dict, name: str):
    report = reports[name]
    assert report["ends"] == [INTERRUPTED, 0]
    assert report["saved"] == ["step-00000003"]
    assert report["digest"] == reports["never"]["digest"]


def test_no_scenario_leaves_unfinished_folders(reports: dict):
    for name, report in reports.items():
        assert not [x for x in report["checkpoints"] if "partial" in x], name
