"""How far the pretraining runs of a study are, in words: what begins, goes on, is finished."""

import datetime
from collections.abc import Sequence

from xlmr_lab.ablations.arms import Arm
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain import checkpoint
from xlmr_lab.pretrain import folder as run_folder
from xlmr_lab.pretrain.folder import CHECKPOINTS_NAME, EVENTS_NAME

LEFT_BY = {
    "keep_best": f"{CHECKPOINTS_NAME}/{checkpoint.BEST_NAME}",
    "tensorboard": EVENTS_NAME,
    "profile_steps": "trace-from-step-*.json",
}
"""Settings of what a run leaves besides its results, and its files, which only training makes."""


def saved_step(arm: Arm) -> int:
    """Return the step of a run's last checkpoint, 0 before the first; whether it is damaged is not
    looked at."""
    return checkpoint.last_step(arm.folder / CHECKPOINTS_NAME)


def steps_done(arm: Arm) -> int:
    """Return the last step that a run has logged; all of them only if its final checkpoint is
    there.
    """
    steps = arm.run.pretrain.steps
    if arm.final.is_dir():
        return steps
    records = run_folder.last_records(arm.folder / run_folder.TELEMETRY_NAME)
    return min(steps - 1, int(records[-1]["step"])) if records else 0


def loss_told(arm: Arm) -> str:
    """Return the training loss that a run has logged last; nothing before the first."""
    records = run_folder.last_records(arm.folder / run_folder.METRICS_NAME)
    losses = [record["loss"] for record in records if record["kind"] == "step"]
    return f"{losses[-1]:.2f}" if losses else ""


def begun(waiting: Sequence[Arm]) -> list[str]:
    """Say of runs that are about to be trained where each goes on, and how many begin."""
    steps = {arm.folder.name: saved_step(arm) for arm in waiting}
    lines = [
        f"{arm.folder.name} goes on from step {steps[arm.folder.name]} of {arm.run.pretrain.steps}"
        for arm in waiting
        if steps[arm.folder.name]
    ]
    fresh = [arm for arm in waiting if not steps[arm.folder.name]]
    if fresh:
        told = ", ".join(arm.folder.name for arm in fresh)
        lines.append(f"from step 0 of {fresh[0].run.pretrain.steps}: {told}{_instead_of(fresh)}")
    return lines


def stopped(waiting: Sequence[Arm]) -> str:
    """Say at which step each of the runs that were to be trained is saved."""
    *most, last = [str(saved_step(arm)) for arm in waiting]
    steps = f"steps {', '.join(most)} and {last}" if most else f"step {last}"
    return f"at {steps} of {waiting[0].run.pretrain.steps}"


def finished(arm: Arm) -> str:
    """Say since when a run is finished."""
    state = arm.final / checkpoint.STATE_NAME
    then = datetime.datetime.fromtimestamp(state.stat().st_mtime).astimezone()
    return f"finished {then:%Y-%m-%d %H:%M}, not trained again"


def refuse_idle(found: Sequence[Arm]) -> None:
    """Refuse settings of what training leaves where all runs are finished without it.

    Raises:
        UserError: names the setting and both ways out.
    """
    if not all(arm.final.is_dir() for arm in found):
        return
    for name, left in LEFT_BY.items():
        wanted = [arm for arm in found if getattr(arm.run.pretrain, name)]
        if wanted and not any(any(arm.folder.glob(left)) for arm in wanted):
            raise UserError(
                f"pretrain.{name} has no effect on {wanted[0].folder}, which is finished: {left} "
                "is written while a run trains; leave it out, or add name=NEW to train anew"
            )


def _instead_of(fresh: Sequence[Arm]) -> str:
    """Say that runs of the same names that were made with other settings are not gone on from."""
    others = {
        path.name
        for arm in fresh
        for path in arm.folder.parent.glob(arm.folder.name.rpartition("-")[0] + "-*")
        if path.name != arm.folder.name
    }
    return "; those of other settings stay as they are, none goes on" if others else ""
