"""TensorBoard's files: the same numbers under grouped names, or one clear line."""

import sys
import types
from pathlib import Path

import pytest

from xlmr_lab import storage
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain.event_files import scalars
from xlmr_lab.pretrain.loop import pretrain

MODULE = "torch.utils.tensorboard"


class SummaryWriter:
    """What is asked of torch's class of that name."""

    made: list["SummaryWriter"]

    def __init__(self, folder: str, purge_step: int) -> None:
        self.folder, self.purge_step, self.closed = folder, purge_step, False
        self.added: dict[tuple[str, int], float] = {}
        SummaryWriter.made.append(self)

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.added[name, step] = value

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[SummaryWriter]:
    """The writers that are made, in place of tensorboard's."""
    SummaryWriter.made = []
    module = types.ModuleType(MODULE)
    module.SummaryWriter = SummaryWriter
    monkeypatch.setitem(sys.modules, MODULE, module)
    return SummaryWriter.made


def test_the_files_get_the_numbers_of_all_records(
    tmp_path: Path, shards_folder: Path, make_run, made: list[SummaryWriter]
):
    pretrain(tmp_path, shards_folder, make_run(tensorboard=True), threads=1)
    (writer,) = made
    assert (writer.folder, writer.purge_step) == (str(tmp_path / "tensorboard"), 1)
    assert writer.closed
    metrics = storage.read_jsonl(tmp_path / "metrics.jsonl")
    last = [record for record in metrics if record["kind"] == "heldout"][-1]
    assert writer.added["heldout/loss_by_language/sw", 12] == last["loss_by_language"]["sw"]
    names = {name for name, _ in writer.added}
    assert {"step/loss", "step/gradient_norm", "telemetry/mfu", "passes/shares/en"} <= names
    assert not [name for name in names if "draws" in name or name.endswith("step/step")]


def test_going_on_voids_what_came_after_the_checkpoint(
    tmp_path: Path, shards_folder: Path, make_run, made: list[SummaryWriter]
):
    pretrain(tmp_path, shards_folder, make_run(), threads=1)
    (tmp_path / "checkpoints" / "step-00000012" / "state.json").unlink()
    pretrain(tmp_path, shards_folder, make_run(tensorboard=True), threads=1)
    assert [writer.purge_step for writer in made] == [11]


def test_without_the_package_the_run_ends_before_its_first_step(
    tmp_path: Path, shards_folder: Path, make_run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, MODULE, None)
    with pytest.raises(UserError, match=r"needs the package tensorboard: pip install .*leave"):
        pretrain(tmp_path, shards_folder, make_run(tensorboard=True), threads=1)
    assert not (tmp_path / "metrics.jsonl").exists()


def test_a_loss_has_its_perplexity_beside_it():
    record = {"kind": "heldout", "step": 4, "loss": 0.0, "loss_by_language": {"sw": 1e9}}
    assert dict(scalars(record)) == {
        "heldout/loss": 0.0,
        "heldout/perplexity": 1.0,
        "heldout/loss_by_language/sw": 1e9,
        "heldout/perplexity_by_language/sw": float("inf"),
    }
