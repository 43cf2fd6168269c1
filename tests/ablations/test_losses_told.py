"""The loss of runs is held-out loss, with its yardstick beside it."""

import dataclasses

import pytest

from xlmr_lab import storage
from xlmr_lab.ablations import beforehand, losses_told, studies
from xlmr_lab.ablations.arms import Arm


def test_a_run_is_told_by_its_last_heldout_loss_beside_that_of_frequencies(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = dataclasses.replace(beforehand.likely_run(studies.tiny()), languages=("en", "sw"))
    losses = {"en": 6.0, "sw": 7.0}
    monkeypatch.setattr(losses_told, "frequency_loss", lambda shards, key, *_: losses[key])
    records = [
        {"kind": "heldout", "step": 1200, "loss": 9.0},
        {"kind": "heldout", "step": 1500, "loss": 6.2149},
        {"kind": "passes", "step": 1500},
        {"kind": "step", "step": 1500, "loss": 1.0},
    ]
    storage.write_jsonl(tmp_path / "alpha=0.3-s0-x" / "metrics.jsonl", records)
    arm = Arm(name="alpha=0.3", folder=tmp_path / "alpha=0.3-s0-x", run=run)
    header, rows = losses_told.rows([arm], None)  # type: ignore[arg-type]
    assert header == ("run", "steps", "held-out loss", "by frequencies")
    assert rows == [("alpha=0.3-s0-x", "1500", "6.215", "6.500")]
