"""Kill one pretraining run with SIGKILL at many random moments, and report what came out.

Run by test_killed_at_random.py in a process of its own: `killed_at_random.py SHARDS WORK SETTINGS
KILLS SEED`. The moments are spread over the run: the k-th comes a random time after a random step
of the k-th part of the run. Checkpoints are written slowly, so that many moments fall into one.
Prints one JSON object.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from killed_runs import digest, finish, fork

from xlmr_lab import configs, storage
from xlmr_lab.pretrain import checkpoint, telemetry
from xlmr_lab.pretrain.loop import PretrainRun, pretrain

SLOW_SECONDS = 0.004
"""What writing a file of a checkpoint takes longer, about a step."""
LONGEST_DELAY_SECONDS = 0.03
"""A few steps."""


def slow_down() -> None:
    """Write the files of checkpoints in two parts, with time between them and after."""
    original = checkpoint.save_file

    def save_file(tensors, path: Path) -> None:
        original(tensors, path)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        time.sleep(SLOW_SECONDS)
        path.write_bytes(content)
        time.sleep(SLOW_SECONDS)

    checkpoint.save_file = save_file


def last_step(folder: Path) -> int:
    """Return the last step that the metrics tell of."""
    metrics = folder / "metrics.jsonl"
    records = storage.read_jsonl(metrics) if metrics.exists() else []
    return records[-1]["step"] if records else 0


def kill_after(folder: Path, run: Callable[[], object], step: int, delay: float) -> int:
    """Start the run, kill it `delay` seconds after `step`, and return how it ended."""
    child = fork(run)
    while last_step(folder) < step:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    return finish(child)


def unfinished(folder: Path) -> list[str]:
    """Return the checkpoints that are being written."""
    return [path.name for path in (folder / "checkpoints").glob("step-*.partial-*")]


def main() -> None:
    """Run it once without and once with kills."""
    shards, work, kills = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[4])
    run = configs.from_dict(PretrainRun, json.loads(sys.argv[3]))
    rng = random.Random(int(sys.argv[5]))
    os.fsync = lambda descriptor: None  # only a power failure needs the disk
    telemetry.MATRIX_SIZE, telemetry.MATRIX_SECONDS = {"cpu": 16}, 0.0
    slow_down()
    never, killed = work / "never", work / "killed"

    def start(folder: Path) -> None:
        pretrain(folder, shards, run, threads=1)

    ends = [finish(fork(lambda: start(never)))]
    part = run.pretrain.steps / (kills + 1)
    writing, steps = 0, []
    for number in range(kills):
        step = int((number + rng.random()) * part)
        delay = rng.uniform(0.0, LONGEST_DELAY_SECONDS)
        ends.append(kill_after(killed, lambda: start(killed), step, delay))
        steps.append(last_step(killed))
        writing += bool(unfinished(killed))
    ends.append(finish(fork(lambda: start(killed))))
    report = {
        "ends": ends,
        "writing": writing,
        "steps": steps,
        "never": digest(never),
        "killed": digest(killed),
        "best": [(f / "checkpoints" / "best").resolve().name for f in (never, killed)],
        "left": sorted(path.name for path in (killed / "checkpoints").iterdir()),
    }
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
