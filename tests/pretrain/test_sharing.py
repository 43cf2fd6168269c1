"""What processes that share a step hold and send: fsdp divides, parts are added up before sending.

That their numbers are those of one process is in test_distributed.py.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from xlmr_lab import configs, storage

SCRIPT = Path(__file__).with_name("shared_steps.py")
ROOT = Path(__file__).parents[2]
LAYERS = 2
WAYS = {
    f"{parallel}-{micro}": {"parallel": parallel, "micro_sequences": micro}
    for parallel in ("ddp", "fsdp")
    for micro in (0, 1)  # of two sequences a process: at once, or in two parts
}
ADD_UP = {"ddp": "c10d::allreduce_", "fsdp": "c10d::_reduce_scatter_base_"}
GATHER = "c10d::_allgather_base_"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, shards_folder: Path, make_run):
    """What both processes say of each way."""
    folder = tmp_path_factory.mktemp("shared")
    runs = {name: configs.to_dict(make_run(**settings)) for name, settings in WAYS.items()}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
    command += ["2", SCRIPT, shards_folder, folder, json.dumps(runs)]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-3000:]
    return {
        name: [storage.read_json(folder / f"{name}-{rank}.json") for rank in (0, 1)]
        for name in WAYS
    }


@pytest.mark.parametrize(("held", "copies"), [("weights", 1), ("gradients", 1), ("moments", 2)])
def test_fsdp_divides_what_ddp_holds_twice(found, held: str, copies: int):
    (one, other), whole = (f[held] for f in found["fsdp-0"]), found["ddp-0"]
    numbers = copies * whole[0]["numbers"]
    assert one + other == numbers
    assert one == pytest.approx(numbers / 2, rel=0.05)
    assert [process[held] for process in whole] == [numbers, numbers]


def test_fsdp_gathers_layer_by_layer(found):
    """Each layer and the rest by itself, so that no process holds more than one of them whole; the
    rest, of which the loss needs the embedding, stays whole in the backward pass."""
    for process in found["fsdp-0"]:
        assert process["collectives"][GATHER] == 2 * LAYERS + 1
        assert process["collectives"][ADD_UP["fsdp"]] == LAYERS + 1


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_parts_of_a_batch_are_sent_once(found, parallel: str):
    whole, parts = (found[f"{parallel}-{micro}"] for micro in (0, 1))
    for one, other in zip(whole, parts, strict=True):
        name = ADD_UP[parallel]
        assert one["collectives"][name] == other["collectives"][name] > 0


def test_ddp_sends_gradients_together(found):
    """In one bucket, as small as this model is; the other sum is the loss."""
    for process in found["ddp-1"]:
        assert process["collectives"][ADD_UP["ddp"]] == 2
