"""Fine-tuning killed with SIGKILL at random moments, many of them amid writing its state, ends in
the same scores."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("killed_finetuning.py")
ROOT = Path(__file__).parents[2]
KILLS = 6


@pytest.mark.slow
def test_kills_at_random_moments_change_no_score(tmp_path):
    """Two models of two learning rates each, with every selection and early stopping."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path), str(KILLS), "1"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout)
    assert report["ends"] == [0, *[-9] * KILLS, 0]
    assert report["writing"] >= 1, "no kill fell into the writing of state"
    assert report["killed"] == report["never"]
    assert len({row["value"] for row in report["never"]}) > 3
    assert len({row["step"] for row in report["never"]}) > 1
    assert set(report["left"]) == {"looks.json"}
