"""What is due after a step: each period, after the last step, and when a signal has come."""

from xlmr_lab.pretrain.due import Due, every
from xlmr_lab.pretrain.settings import PretrainConfig

SETTINGS = PretrainConfig(
    steps=10, warmup_steps=1, log_steps=2, heldout_steps=4, checkpoint_steps=5
)


def test_every_is_due_each_period_and_at_the_end():
    assert [step for step in range(1, 11) if every(step, 4, last=10)] == [4, 8, 10]


def test_each_thing_has_its_own_period():
    due = [Due.after(step, SETTINGS, stop=False) for step in range(1, 11)]
    assert [step for step, now in enumerate(due, 1) if now.log] == [2, 4, 6, 8, 10]
    assert [step for step, now in enumerate(due, 1) if now.heldout] == [4, 8, 10]
    assert [step for step, now in enumerate(due, 1) if now.save] == [5, 10]
    assert not any(now.stop for now in due)


def test_a_run_that_stops_is_saved():
    assert Due.after(3, SETTINGS, stop=True) == Due(log=False, heldout=False, save=True, stop=True)
