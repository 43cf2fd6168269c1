"""A run killed with SIGKILL at twenty random moments, many of them amid writing a checkpoint."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from xlmr_lab import configs

SCRIPT = Path(__file__).with_name("killed_at_random.py")
ROOT = Path(__file__).parents[2]
KILLS = 20


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_twenty_kills_cost_steps_and_no_bit(
    tmp_path: Path, shards_folder: Path, make_run, seed: int
):
    """The seed of a failure repeats steps and delays, not the moments to the microsecond."""
    periods = {"log_steps": 1, "heldout_steps": 2, "checkpoint_steps": 2}
    run = make_run(steps=147, warmup_steps=20, keep_best=True, **periods)
    settings = json.dumps(configs.to_dict(run))
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, (shards_folder, tmp_path, settings, KILLS, seed))],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout)
    assert report["ends"] == [0, *[-9] * KILLS, 0]
    assert report["writing"] >= 3, "too few kills fell into the writing of a checkpoint"
    assert report["steps"][-1] > 130
    assert report["killed"] == report["never"]
    assert len(report["never"]) == 4
    assert report["best"][0] == report["best"][1]
    assert not [name for name in report["left"] if "partial" in name]
