"""Kill pretraining runs with SIGKILL at chosen moments, start them again, and report what came out.

Run by test_killed_runs.py in a process of its own: `killed_runs.py SHARDS WORK SETTINGS`, where the
last is a run's settings as JSON. Each run, and each of its restarts, is a process forked from here,
so that the libraries are loaded once. Prints one JSON object: scenario -> report. With a number of
threads as fourth argument it runs once in WORK and kills nothing.
"""

import functools
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch._dynamo  # noqa: F401 - loaded once here instead of in every child

from xlmr_lab import configs, storage
from xlmr_lab.pretrain import checkpoint, telemetry, training
from xlmr_lab.pretrain.loop import PretrainRun, pretrain

Sabotage = Callable[[], None]
LONGEST_SECONDS = 100
MODEL, OPTIMIZER = checkpoint.MODEL_NAME, checkpoint.OPTIMIZER_NAME


def die(number: int = signal.SIGKILL) -> None:
    """Send this process a signal."""
    os.kill(os.getpid(), number)


def before_step(step: int, number: int = signal.SIGKILL) -> Sabotage:
    """Kill in step `step`, before its batch is drawn."""

    def sabotage() -> None:
        original = training.Training.advance

        @functools.wraps(original)
        def advance(self: training.Training) -> None:
            if self.step + 1 == step:
                die(number)
            original(self)

        training.Training.advance = advance

    return sabotage


def after_backward(step: int) -> Sabotage:
    """Kill when the weights of step `step` have changed and nothing is written yet."""

    def sabotage() -> None:
        original, calls = training.train_step, []

        def train_step(*arguments, **settings):
            result = original(*arguments, **settings)
            calls.append(1)
            if len(calls) == step:
                die()
            return result

        training.train_step = train_step

    return sabotage


def writing(name: str) -> Sabotage:
    """Kill when half of a file of the second checkpoint is written."""

    def sabotage() -> None:
        original = checkpoint.save_file

        def save_file(tensors, path: Path) -> None:
            original(tensors, path)
            if path.name == name and "step-00000010" in path.parent.name:
                path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
                die()

        checkpoint.save_file = save_file

    return sabotage


def renaming(step: int) -> Sabotage:
    """Kill when a checkpoint is complete and has not got its name."""

    def sabotage() -> None:
        original = os.rename

        def rename(source, target) -> None:
            if Path(target).name == f"step-{step:08d}":
                die()
            original(source, target)

        os.rename = rename

    return sabotage


def removing() -> Sabotage:
    """Kill when an old checkpoint is half removed."""

    def sabotage() -> None:
        def rmtree(path: Path, **ignored) -> None:
            if path.name == "step-00000005":
                (path / MODEL).unlink()
                die()

        checkpoint.shutil.rmtree = rmtree

    return sabotage


def logging_step(step: int) -> Sabotage:
    """Kill in the middle of a line of metrics."""

    def sabotage() -> None:
        original = storage.append_jsonl

        def append_jsonl(path: Path, records) -> None:
            original(path, records)
            if path.name == "metrics.jsonl" and records[0]["step"] == step:
                path.write_bytes(path.read_bytes()[:-20])
                die()

        storage.append_jsonl = append_jsonl

    return sabotage


SCENARIOS: dict[str, list[Sabotage]] = {
    "before the first step": [before_step(1)],
    "before the first checkpoint": [after_backward(4)],
    "at a step between": [before_step(8)],
    "right after a checkpoint": [before_step(6)],
    "in the last step": [after_backward(12)],
    "writing the weights": [writing(MODEL)],
    "writing the optimizer": [writing(OPTIMIZER)],
    "naming the first checkpoint": [renaming(5)],
    "naming the last checkpoint": [renaming(12)],
    "removing an old checkpoint": [removing()],
    "writing metrics": [logging_step(8)],
    "again and again": [
        after_backward(2),
        before_step(7),
        writing(MODEL),
        logging_step(8),
        before_step(12),
    ],
}


def fork(work: Callable[[], object]) -> int:
    """Run `work` in a process of its own and return its id."""
    child = os.fork()
    if child:
        return child
    code = 1
    signal.alarm(LONGEST_SECONDS)
    try:
        work()
        code = 0
    except KeyboardInterrupt:
        code = 130
    finally:
        os._exit(code)


def finish(child: int) -> int:
    """Return how a process ended: its exit code, or minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def digest(folder: Path) -> dict[str, str]:
    """Return checksums of what must not depend on kills."""
    final = sorted((folder / "checkpoints").glob("step-????????"))[-1]
    names = [final / MODEL, final / OPTIMIZER, final / checkpoint.STATE_NAME]
    return {
        path.relative_to(folder).as_posix(): storage.checksum(path)
        for path in (*names, folder / "metrics.jsonl")
    }


def report(folder: Path, ends: list[int]) -> dict[str, object]:
    """Return how the processes ended and what they left."""
    left = sorted(path.name for path in (folder / "checkpoints").iterdir())
    return {"ends": ends, "digest": digest(folder), "checkpoints": left}


def killed_at_a_time(folder: Path, run: Callable[[], object], delays: list[float]) -> list[int]:
    """Kill from outside, each time some seconds after the metrics have grown."""
    ends, metrics = [], folder / "metrics.jsonl"
    for delay in delays:
        size = metrics.stat().st_size if metrics.exists() else 0
        child = fork(run)
        while not metrics.exists() or metrics.stat().st_size == size:
            if os.waitpid(child, os.WNOHANG)[0]:
                return ends  # it was faster
            time.sleep(0.001)
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
        ends.append(finish(child))
    return ends


def main() -> None:
    """Run all scenarios."""
    shards, work = Path(sys.argv[1]), Path(sys.argv[2])
    run = configs.from_dict(PretrainRun, json.loads(sys.argv[3]))
    # A killed process leaves the system's buffers intact; only a power failure needs the disk.
    os.fsync = lambda descriptor: None
    telemetry.MATRIX_SIZE, telemetry.MATRIX_SECONDS = {"cpu": 16}, 0.0
    if len(sys.argv) > 4:
        pretrain(work, shards, run, threads=int(sys.argv[4]))
        return
    reports = {}

    def start(folder: Path, sabotage: Sabotage | None = None) -> None:
        if sabotage:
            sabotage()
        pretrain(folder, shards, run, threads=1)

    for name, sabotages in {"never": [], **SCENARIOS}.items():
        folder = work / name.replace(" ", "-")
        ends = [finish(fork(functools.partial(start, folder, s))) for s in (*sabotages, None)]
        reports[name] = report(folder, ends)

    folder = work / "from-outside"
    again = functools.partial(start, folder)
    ends = killed_at_a_time(folder, again, [0.0, 0.003, 0.01])
    reports["from outside"] = report(folder, [*ends, finish(fork(again))])

    for number in (signal.SIGTERM, signal.SIGINT):
        folder = work / number.name
        first = finish(fork(functools.partial(start, folder, before_step(3, number))))
        saved = sorted(path.name for path in (folder / "checkpoints").iterdir())
        second = finish(fork(functools.partial(start, folder)))
        reports[number.name] = {**report(folder, [first, second]), "saved": saved}
    json.dump(reports, sys.stdout)


if __name__ == "__main__":
    main()
