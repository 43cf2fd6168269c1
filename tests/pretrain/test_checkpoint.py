"""Checkpoints: what is read is what was written, damage is found, old ones go."""

import json
import logging
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError

from xlmr_lab.errors import UserError
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.pretrain import checkpoint
from xlmr_lab.pretrain.optimizer import build_optimizer

FILES = (checkpoint.MODEL_NAME, checkpoint.OPTIMIZER_NAME, checkpoint.STATE_NAME)


def trained(make_run, steps: int):
    model = MaskedLM(make_run().model, 300, generator=torch.Generator().manual_seed(1))
    optimizer = build_optimizer(model, weight_decay=0.1)
    for number in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 1e-2
        optimizer.zero_grad()
        ids = torch.arange(4, 20).view(1, 16) + number
        model.eval().loss(ids, torch.tensor([[3, 4]]), torch.tensor([[5, 6]])).backward()
        optimizer.step()
    return model, optimizer


def save(folder: Path, trained, *, keep: int, keep_best: bool = False, step: int, **state):
    checkpoint.write(folder, checkpoint.tensors(*trained), step=step, state=state)
    checkpoint.remove_old(folder, step, keep=keep, keep_best=keep_best)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def three(make_run, tmp_path: Path) -> Path:
    """Checkpoints of steps 1, 2 and 3."""
    for step in (1, 2, 3):
        save(tmp_path, trained(make_run, step), step=step, x=0.1, keep=3)
    return tmp_path


def test_the_newest_is_found_with_its_state(three: Path):
    path, state = checkpoint.newest(three)
    assert path == three / "step-00000003"
    assert (state["step"], state["x"]) == (3, 0.1)
    assert sorted(file.name for file in path.iterdir()) == sorted(FILES)


def test_none_where_there_is_none(tmp_path: Path):
    assert checkpoint.newest(tmp_path / "checkpoints") is None


def test_training_goes_on_from_a_checkpoint_as_if_never_stopped(make_run, three: Path):
    model, optimizer = trained(make_run, 0)
    checkpoint.load(three / "step-00000003", model, optimizer, step=3)
    expected, expected_optimizer = trained(make_run, 3)
    for name, tensor in expected.state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor), name
    for ours, theirs in zip(model.parameters(), expected.parameters(), strict=True):
        found, wanted = optimizer.state[ours], expected_optimizer.state[theirs]
        assert found.keys() == wanted.keys()
        assert all(torch.equal(found[key], wanted[key]) for key in wanted)
        assert all(found[key].dtype == wanted[key].dtype for key in wanted)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["cut", "flipped", "gone"])
def test_a_damaged_newest_is_reported_and_the_one_before_used(
    three: Path, name: str, damage: str, caplog: pytest.LogCaptureFixture
):
    file = three / "step-00000003" / name
    content = bytearray(file.read_bytes())
    if damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        position = content.index(b'"step": 3') + 8 if name == checkpoint.STATE_NAME else -5
        content[position] ^= 1
        file.write_bytes(content)
    else:
        file.unlink()
    with caplog.at_level(logging.WARNING):
        path, _ = checkpoint.newest(three)
    assert path.name == "step-00000002"
    assert "step-00000003 is damaged" in caplog.text
    assert name in caplog.text


@pytest.mark.parametrize("content", ["[1]", "3", "{}", '{"sha256": 3}', '{"sha256": "ab"}', "{"])
def test_a_state_that_is_other_json_is_damage(three: Path, content: str):
    (three / "step-00000003" / checkpoint.STATE_NAME).write_text(content)
    damage = checkpoint.find_damage(three / "step-00000003", ())
    assert damage == "state.json is not what was written"
    assert checkpoint.newest(three)[0].name == "step-00000002"


def test_where_all_are_damaged_they_are_named_with_what_to_do(
    three: Path, caplog: pytest.LogCaptureFixture
):
    for path in three.iterdir():
        (path / checkpoint.MODEL_NAME).unlink()
    told = (
        r"no checkpoint in .* is whole: step-00000003 \(model.safetensors is missing\); "
        r"step-00000002 .*; step-00000001 .*; put back a copy of one, or remove .* step 0"
    )
    with pytest.raises(UserError, match=told):
        checkpoint.newest(three)
    assert not caplog.text


def test_unfinished_folders_are_not_checkpoints(three: Path):
    (three / "step-00000004.partial-99").mkdir()
    assert checkpoint.newest(three)[0].name == "step-00000003"


def test_only_the_last_ones_are_kept(make_run, tmp_path: Path):
    for step in (5, 10, 15):
        save(tmp_path, trained(make_run, 1), step=step, keep=2)
    assert names(tmp_path) == ["step-00000010", "step-00000015"]


def test_the_best_stays_under_a_name_of_its_own(make_run, tmp_path: Path):
    model = trained(make_run, 1)
    for step, loss in enumerate((3.0, 2.0, 2.5, 2.0), 1):
        save(tmp_path, model, step=step, heldout_loss=loss, keep=1, keep_best=True)
    assert names(tmp_path) == ["best", "step-00000002", "step-00000004"]
    assert checkpoint.read_state(tmp_path / "best")["heldout_loss"] == 2.0
    assert (tmp_path / "best").resolve() == tmp_path / "step-00000002"
    save(tmp_path, model, step=5, keep=1, keep_best=True)
    save(tmp_path, model, step=6, heldout_loss=1.0, keep=1, keep_best=True)
    assert names(tmp_path) == ["best", "step-00000006"]
    assert checkpoint.newest(tmp_path)[0].name == "step-00000006"


@pytest.mark.parametrize("content", ["{", "[2]", '{"heldout_loss": "low"}'])
def test_a_best_that_cannot_be_read_is_no_candidate(make_run, tmp_path: Path, content: str):
    model = trained(make_run, 1)
    for step, loss in ((1, 1.0), (2, 2.0)):
        save(tmp_path, model, step=step, heldout_loss=loss, keep=1, keep_best=True)
    (tmp_path / "best" / checkpoint.STATE_NAME).write_text(content)
    save(tmp_path, model, step=3, heldout_loss=3.0, keep=2, keep_best=True)
    assert names(tmp_path) == ["best", "step-00000002", "step-00000003"]
    assert (tmp_path / "best").resolve() == tmp_path / "step-00000002"


def test_without_keeping_the_best_no_link_is_left_to_what_is_gone(make_run, tmp_path: Path):
    """A run may go on without `keep_best`."""
    model = trained(make_run, 1)
    for step, loss in ((1, 1.0), (2, 2.0)):
        save(tmp_path, model, step=step, heldout_loss=loss, keep=1, keep_best=True)
    save(tmp_path, model, step=3, heldout_loss=3.0, keep=2)
    assert names(tmp_path) == ["step-00000002", "step-00000003"]


def test_a_best_that_is_damaged_gives_way_to_the_next(make_run, tmp_path: Path):
    model = trained(make_run, 1)
    for step, loss in ((1, 2.0), (2, 1.0)):
        save(tmp_path, model, step=step, heldout_loss=loss, keep=2, keep_best=True)
    checkpoint.set_aside_after(tmp_path, 1)
    save(tmp_path, model, step=3, heldout_loss=3.0, keep=1, keep_best=True)
    assert (tmp_path / "best").resolve() == tmp_path / "step-00000001"


def test_keeping_counts_up_to_the_step_written(make_run, three: Path):
    """After damage a run goes back; what it writes must not be the first to go."""
    save(three, trained(make_run, 2), step=2, keep=1)
    assert names(three) == ["step-00000002", "step-00000003"]


def test_what_is_set_aside_counts_for_nothing_until_the_run_has_passed_it(
    make_run, three: Path, caplog: pytest.LogCaptureFixture
):
    (three / "step-00000003" / checkpoint.MODEL_NAME).unlink()
    with caplog.at_level(logging.WARNING):
        checkpoint.set_aside_after(three, 2)
    whole = ["step-00000001", "step-00000002"]
    assert names(three) == [*whole, "step-00000003.damaged"]
    assert "step-00000003 is now step-00000003.damaged" in caplog.text
    assert checkpoint.newest(three)[0].name == whole[-1]
    assert checkpoint.last_step(three) == 2
    checkpoint.remove_old(three, 2, keep=2)
    assert names(three) == [*whole, "step-00000003.damaged"]
    save(three, trained(make_run, 3), step=3, keep=2)
    assert names(three) == ["step-00000002", "step-00000003"]


def test_a_step_that_is_damaged_twice_is_set_aside_once_more(three: Path):
    (three / "step-00000003.damaged").mkdir()
    checkpoint.set_aside_after(three, 2)
    assert checkpoint.find_damage(three / "step-00000003.damaged", checkpoint.TENSOR_NAMES) is None


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), SafetensorError("No space left on device")]
)
def test_a_full_disk_leaves_nothing_half_written(
    make_run, three: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    content = checkpoint.tensors(*trained(make_run, 4))

    def full(tensors, path):
        Path(path).write_bytes(b"half")
        raise error

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(
        UserError, match=r"cannot write checkpoint .*No space left.*free some space"
    ):
        checkpoint.write(three, content, step=4, state={})
    assert len(list(three.iterdir())) == 3
    assert checkpoint.newest(three)[0].name == "step-00000003"


def test_nothing_is_pickled(three: Path):
    for name in (checkpoint.MODEL_NAME, checkpoint.OPTIMIZER_NAME):
        raw = (three / "step-00000003" / name).read_bytes()
        length = int.from_bytes(raw[:8], "little")
        assert json.loads(raw[8 : 8 + length])
