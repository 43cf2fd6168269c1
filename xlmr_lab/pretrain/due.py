"""What is due after a step of pretraining: a record, held-out loss, a checkpoint, the end.

A pure function of the step, the settings and whether a signal has come, so that all processes of a
run, and a run that goes on, do the same at the same steps.
"""

from typing import NamedTuple

from xlmr_lab.pretrain.settings import PretrainConfig


class Due(NamedTuple):
    """What is due after a step."""

    log: bool
    """A record of the steps since the one before."""
    heldout: bool
    """The held-out loss."""
    save: bool
    """A checkpoint."""
    stop: bool
    """The end, for a signal has come."""

    @classmethod
    def after(cls, step: int, settings: PretrainConfig, *, stop: bool) -> "Due":
        """Return what is due after `step`; a run that stops is saved.

        >>> Due.after(20, PretrainConfig(), stop=True)
        Due(log=True, heldout=False, save=True, stop=True)
        """
        last = settings.steps
        return cls(
            log=every(step, settings.log_steps, last),
            heldout=every(step, settings.heldout_steps, last),
            save=stop or every(step, settings.checkpoint_steps, last),
            stop=stop,
        )


def every(step: int, period: int, last: int) -> bool:
    """Tell whether something periodic is due after `step`; it always is after the last.

    >>> [step for step in range(1, 8) if every(step, 3, last=7)]
    [3, 6, 7]
    """
    return step % period == 0 or step == last
