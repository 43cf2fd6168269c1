"""All processes go on from the checkpoint that the first one chooses, or none does."""

import shutil
from pathlib import Path

import pytest
import torch

from xlmr_lab.errors import UserError
from xlmr_lab.pretrain import checkpoint, resumption


class OneOfTwo:
    """A process that has heard from the other: what the first has chosen, what the other finds."""

    def __init__(self, rank: int, *, of_first: object = None, of_other: str | None = None) -> None:
        self.rank, self.first = rank, rank == 0
        self._of_first, self._of_other = of_first, of_other

    def same(self, value: object) -> object:
        return value if self.first else self._of_first

    def each(self, value: str | None) -> list[str | None]:
        return [value, self._of_other] if self.first else [None, value]


def write(folder: Path, step: int, value: float = 1.0) -> None:
    content = {name: {"x": torch.full((4,), value)} for name in checkpoint.TENSOR_NAMES}
    checkpoint.write(folder, content, step=step, state={"draws": {"en": step}})


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Checkpoints of steps 5 and 10."""
    for step in (5, 10):
        write(tmp_path / "first", step)
    return tmp_path / "first"


def chosen_by_first(folder: Path) -> resumption.Chosen | None:
    return resumption.choose(folder, {}, OneOfTwo(0))


def refusal(folder: Path, of_first: resumption.Chosen | None) -> str:
    """Return what the other process says of its folder."""
    other = OneOfTwo(1, of_first=of_first and of_first.state)
    chosen = resumption.choose(folder, {}, other)
    with pytest.raises(UserError, match=r"^process 1 of torchrun does not go on .* share$") as told:
        resumption.require_everywhere(folder, chosen, other)
    return str(told.value)


def test_where_all_find_the_same_they_go_on_from_it(two: Path):
    first = chosen_by_first(two)
    other = OneOfTwo(1, of_first=first.state)
    chosen = resumption.choose(two, {}, other)
    resumption.require_everywhere(two, chosen, other)
    assert chosen == first
    assert (chosen.path.name, chosen.state["draws"]) == ("step-00000010", {"en": 10})


def test_another_process_takes_the_first_ones_choice_not_its_own_newest(two: Path, tmp_path: Path):
    first = chosen_by_first(two)
    shutil.copytree(two, tmp_path / "other")
    write(tmp_path / "other", 15)
    chosen = resumption.choose(tmp_path / "other", {}, OneOfTwo(1, of_first=first.state))
    assert chosen.path == tmp_path / "other" / "step-00000010"


def test_a_disk_without_the_checkpoint_is_refused(two: Path, tmp_path: Path):
    told = refusal(tmp_path / "other", chosen_by_first(two))
    assert f"its {tmp_path}/other/step-00000010 is not what the first finds" in told
    assert "state.json is missing" in told


def test_a_bad_read_is_refused(two: Path, tmp_path: Path):
    shutil.copytree(two, tmp_path / "other")
    file = tmp_path / "other" / "step-00000010" / checkpoint.OPTIMIZER_NAME
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert "optimizer.safetensors changed since" in refusal(
        tmp_path / "other", chosen_by_first(two)
    )


def test_other_weights_of_the_same_step_are_refused(two: Path, tmp_path: Path):
    write(tmp_path / "other", 10, value=2.0)
    assert "is another one, by SHA-256" in refusal(tmp_path / "other", chosen_by_first(two))


def test_a_first_process_that_misses_what_others_find_does_not_begin_anew(two: Path):
    told = refusal(two, None)
    assert f"it finds {two}/step-00000010, where the first finds none" in told


def test_the_first_process_stops_with_the_same_words(two: Path):
    first = OneOfTwo(0, of_other="its step is another one")
    with pytest.raises(UserError, match=r"process 1 of torchrun .*its step is another one; give"):
        resumption.require_everywhere(two, resumption.choose(two, {}, first), first)
