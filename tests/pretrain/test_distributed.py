"""Two processes take the steps of one: same batches, same losses, whoever goes on."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from xlmr_lab import configs, storage
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain import distributed
from xlmr_lab.pretrain.distributed import ALONE, Processes
from xlmr_lab.pretrain.loop import PretrainRun, pretrain

SCRIPT = Path(__file__).with_name("two_processes.py")
ROOT = Path(__file__).parents[2]
LONG = {"steps": 50, "warmup_steps": 5, "log_steps": 1, "heldout_steps": 25, "checkpoint_steps": 25}
# Parts of two sequences: one process takes two of them, each of two processes one.
PLANS = {
    "ddp": ({"micro_sequences": 2}, None),
    "fsdp": ({"micro_sequences": 2, "parallel": "fsdp"}, None),
    "ddp-added-up": ({"micro_sequences": 1}, None),
    "fsdp-added-up": ({"micro_sequences": 1, "parallel": "fsdp"}, None),
    "ddp-checkpointed": ({"micro_sequences": 2, "activation_checkpointing": True}, None),
    "fsdp-checkpointed": (
        {"micro_sequences": 2, "activation_checkpointing": True, "parallel": "fsdp"},
        None,
    ),
    "begun-alone": ({"micro_sequences": 2, "parallel": "fsdp"}, None),
    "ddp-stopped": ({"micro_sequences": 2}, 20),
    "fsdp-stopped": ({"micro_sequences": 2, "parallel": "fsdp"}, 20),
}
TOLERANCE = 1e-6


def torchrun(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.fixture(scope="module")
def runs(make_run) -> dict[str, PretrainRun]:
    """The settings of each run of two processes."""
    return {name: make_run(**LONG, **settings) for name, (settings, _) in PLANS.items()}


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory, shards_folder: Path, runs) -> Path:
    """The folder of all runs of two processes."""
    folder = tmp_path_factory.mktemp("together")
    plans = {
        name: {"run": configs.to_dict(run), "stop": PLANS[name][1]} for name, run in runs.items()
    }
    begun = {"begun-alone": plans["begun-alone"] | {"stop": 20}}
    arguments = [sys.executable, SCRIPT, shards_folder, folder, json.dumps(begun)]
    subprocess.run(list(map(str, arguments)), check=True, cwd=ROOT)
    assert not (folder / "begun-alone" / "checkpoints" / "step-00000050").exists()
    done = torchrun(SCRIPT, shards_folder, folder, json.dumps(plans))
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, shards_folder: Path, make_run) -> Path:
    """The folder of the same run, with parts of one and of two sequences, in one process."""
    folder = tmp_path_factory.mktemp("alone")
    for micro in (1, 2):
        run = make_run(**LONG, micro_sequences=micro)
        pretrain(folder / str(micro), shards_folder, run, threads=1)
    return folder


def records(folder: Path, kind: str) -> list[dict]:
    return [r for r in storage.read_jsonl(folder / "metrics.jsonl") if r["kind"] == kind]


def assert_same(together: Path, alone: Path, tolerance: float = TOLERANCE) -> None:
    """Compare batches, losses and gradients of each step, and held-out losses."""
    for kind in ("step", "heldout"):
        ours, theirs = records(together, kind), records(alone, kind)
        assert [r["step"] for r in ours] == [r["step"] for r in theirs]
        assert [r.get("draws") for r in ours] == [r.get("draws") for r in theirs]
        for name, widened in (("loss", 1), ("gradient_norm", 10)):
            expected = [r.get(name, 0.0) for r in theirs]
            found = [r.get(name, 0.0) for r in ours]
            assert found == pytest.approx(expected, rel=widened * tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, (_, stop) in PLANS.items() if not stop])
def test_two_processes_give_the_losses_of_one(name, together, alone, runs):
    """Fifty steps with dropout, which parts of equal size draw alike."""
    assert_same(together / name, alone / str(runs[name].pretrain.micro_sequences))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ddp-stopped", "fsdp-stopped"])
def test_a_signal_to_one_stops_both_and_one_alone_goes_on(
    name, together, alone, runs, shards_folder
):
    folder = together / name
    names = [path.name for path in (folder / "checkpoints").iterdir()]
    assert names == ["step-00000020"]
    pretrain(folder, shards_folder, runs[name], threads=1)
    assert_same(folder, alone / "2")


@pytest.mark.slow
def test_the_first_process_alone_writes(together):
    for name in ("ddp", "fsdp"):
        steps = [r["step"] for r in storage.read_jsonl(together / name / "telemetry.jsonl")]
        assert steps == list(range(1, 51))
        assert storage.read_json(together / name / "provenance.json")["processes"] == 2


@pytest.mark.slow
def test_no_process_leaves_before_the_first_has_saved(tmp_path, shards_folder, make_run):
    plan = {"run": configs.to_dict(make_run(**LONG)), "stop": 3, "slow": True}
    done = torchrun(SCRIPT, shards_folder, tmp_path, json.dumps({"slow": plan}))
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
def test_processes_that_do_not_share_a_disk_do_not_go_on(tmp_path, shards_folder, make_run):
    plan = {"run": configs.to_dict(make_run(**LONG)), "stop": 20}
    done = torchrun(SCRIPT, shards_folder, tmp_path, json.dumps({"disk-{rank}": plan}))
    assert done.returncode == 0, done.stderr[-3000:]
    metrics = (tmp_path / "disk-0" / "metrics.jsonl").read_bytes()
    again = {"disk-{rank}": plan | {"stop": None}}
    done = torchrun(SCRIPT, shards_folder, tmp_path, json.dumps(again))
    assert done.returncode != 0
    told = "UserError: process 1 of torchrun does not go on from where the first one does"
    assert done.stderr.count(told) == 2, done.stderr[-3000:]
    assert (tmp_path / "disk-0" / "metrics.jsonl").read_bytes() == metrics


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="fewer than two CUDA devices")
@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_two_gpus_give_the_losses_of_one(parallel, tmp_path, shards_folder, make_run):
    """Never tried where it was written: there was no GPU."""
    settings = LONG | {"micro_sequences": 2, "precision": "fp32", "device": "cuda"}
    run = make_run(**settings, parallel=parallel)
    plans = {"two": {"run": configs.to_dict(run), "stop": None}}
    done = torchrun(SCRIPT, shards_folder, tmp_path, json.dumps(plans))
    assert done.returncode == 0, done.stderr[-3000:]
    pretrain(tmp_path / "one", shards_folder, run, threads=1)
    assert_same(tmp_path / "two", tmp_path / "one", tolerance=1e-4)


def test_a_batch_that_does_not_divide_is_refused(
    tmp_path, shards_folder, make_run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(
        UserError, match=r"must be a multiple of the 3 processes .* got 4; change it"
    ):
        pretrain(tmp_path / "run", shards_folder, make_run(), threads=1)
    assert not (tmp_path / "run").exists()


def as_torchrun(monkeypatch: pytest.MonkeyPatch, **changes: str) -> None:
    """Have the environment of one of torchrun's processes."""
    set_by_it = {"RANK": "0", "LOCAL_RANK": "0", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}
    for name, value in (set_by_it | changes).items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_half_an_environment_of_torchrun_is_refused(
    device: str, tmp_path, shards_folder, make_run, monkeypatch: pytest.MonkeyPatch
):
    as_torchrun(monkeypatch, WORLD_SIZE="2")
    for name in ("LOCAL_RANK", "MASTER_PORT"):
        monkeypatch.delenv(name)
    told = "WORLD_SIZE is 2 without LOCAL_RANK, MASTER_PORT, which torchrun sets; start"
    with pytest.raises(UserError, match=told):
        pretrain(tmp_path / "run", shards_folder, make_run(), threads=1, device=device)
    assert not (tmp_path / "run").exists()


def test_slices_cover_a_batch_once():
    batch = list(range(12))
    parts = [batch[Processes(rank=rank, size=4).part(12)] for rank in range(4)]
    assert [one for part in parts for one in part] == batch
    assert {len(part) for part in parts} == {3}


def test_one_process_alone_asks_nobody():
    value = torch.ones(())
    assert ALONE.sum(value) is value
    assert ALONE.any(True)
    assert not ALONE.any(False)
    assert ALONE.first


def test_each_process_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert distributed.chosen_device("auto") == torch.device("cuda")
    as_torchrun(monkeypatch, WORLD_SIZE="4", LOCAL_RANK="3")
    assert distributed.chosen_device("cuda") == torch.device("cuda", 3)
    assert distributed.chosen_device("cpu") == torch.device("cpu")


def test_the_gpu_that_was_chosen_is_the_current_one_meanwhile(monkeypatch: pytest.MonkeyPatch):
    """Seeds of dropout are set for the current one."""
    current = []

    @contextlib.contextmanager
    def device(chosen: torch.device) -> Iterator[None]:
        current.append(chosen)
        yield
        current.pop()

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "device", device)
    with distributed.joined(distributed.chosen_device("cuda:1")) as processes:
        assert processes is ALONE
        assert current == [torch.device("cuda", 1)]
    assert not current
    with distributed.joined(torch.device("cpu")):
        assert not current
    with pytest.raises(UserError, match=r"device is 'cuda:2', the last one .* here is cuda:1"):
        distributed.chosen_device("cuda:2")


def test_without_a_gpu_auto_is_the_cpu(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert distributed.chosen_device("auto") == torch.device("cpu")
