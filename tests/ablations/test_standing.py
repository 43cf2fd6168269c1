"""How far runs are: where they go on, since when they are finished, what has no effect then."""

import dataclasses
from pathlib import Path

import pytest

from xlmr_lab import storage
from xlmr_lab.ablations import beforehand, standing, studies
from xlmr_lab.ablations.arms import Arm
from xlmr_lab.errors import UserError

NAMES = ("alpha=0.3-s0-aaaaaaaaaa", "alpha=0.3-s1-aaaaaaaaaa")


@pytest.fixture
def found(tmp_path: Path) -> list[Arm]:
    """Two runs that nothing is trained of."""
    run = beforehand.likely_run(studies.tiny())
    return [Arm(name="alpha=0.3", folder=tmp_path / name, run=run) for name in NAMES]


def save(arm: Arm, step: int) -> None:
    folder = arm.folder / "checkpoints" / f"step-{step:08d}"
    folder.mkdir(parents=True)
    (folder / "state.json").write_text("{}")


def told_to(arm: Arm, **settings: object) -> Arm:
    pretrain = dataclasses.replace(arm.run.pretrain, **settings)
    return dataclasses.replace(arm, run=dataclasses.replace(arm.run, pretrain=pretrain))


def test_what_begins_and_what_goes_on_is_told_with_its_step(found: list[Arm]) -> None:
    assert standing.begun(found) == [f"from step 0 of 1500: {NAMES[0]}, {NAMES[1]}"]
    save(found[0], 500)
    save(found[0], 1000)
    assert standing.begun(found) == [
        f"{NAMES[0]} goes on from step 1000 of 1500",
        f"from step 0 of 1500: {NAMES[1]}",
    ]
    assert standing.begun([]) == []


def test_a_changed_setting_says_that_no_run_goes_on(found: list[Arm]) -> None:
    save(dataclasses.replace(found[1], folder=found[1].folder.with_name("alpha=0.3-s1-bbbb")), 9)
    assert standing.begun(found)[0].endswith(
        "; those of other settings stay as they are, none goes on"
    )
    assert ";" not in standing.begun(found[:1])[0], "the other seed's"


def test_progress_is_what_was_logged_last(found: list[Arm]) -> None:
    assert (standing.steps_done(found[0]), standing.loss_told(found[0])) == (0, "")
    steps = [{"kind": "step", "step": step, "loss": 9 - step / 10} for step in range(10, 40, 10)]
    measured = {"kind": "heldout", "step": 30, "loss": 99.0}
    storage.write_jsonl(found[0].folder / "metrics.jsonl", [*steps, measured])
    storage.write_jsonl(found[0].folder / "telemetry.jsonl", [{"step": 1500}])
    with (found[0].folder / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "st')  # as a reader may meet it
    assert standing.loss_told(found[0]) == "6.00"
    assert standing.steps_done(found[0]) == 1499, "the final checkpoint is not there"
    save(found[0], 1500)
    assert standing.steps_done(found[0]) == 1500


def test_an_interruption_says_what_is_saved(found: list[Arm]) -> None:
    save(found[0], 500)
    assert standing.stopped(found) == "at steps 500 and 0 of 1500"
    assert standing.stopped(found[:1]) == "at step 500 of 1500"


@pytest.mark.parametrize(
    ("setting", "value", "left"),
    [
        ("tensorboard", True, "tensorboard/events"),
        ("profile_steps", 3, "trace-from-step-00000001.json"),
        ("keep_best", True, "checkpoints/best"),
    ],
)
def test_what_only_training_leaves_is_refused_of_finished_runs(
    found: list[Arm], setting: str, value: object, left: str
) -> None:
    wanted = [told_to(arm, heldout_steps=500, **{setting: value}) for arm in found]
    save(found[0], 1500)
    standing.refuse_idle(wanted)  # the other one is trained yet
    save(found[1], 1500)
    standing.refuse_idle(found)
    with pytest.raises(UserError, match=f"pretrain.{setting} has no effect .* add name=NEW"):
        standing.refuse_idle(wanted)
    (found[0].folder / left).parent.mkdir(exist_ok=True)
    (found[0].folder / left).write_text("")
    standing.refuse_idle(wanted)
    assert standing.finished(found[0]).startswith("finished 20")
