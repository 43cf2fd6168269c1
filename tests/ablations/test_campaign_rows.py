"""What a campaign tells of its runs: results from elsewhere stay beside weights made here."""

import types

import pytest

from xlmr_lab import storage
from xlmr_lab.ablations import campaign_rows
from xlmr_lab.ablations.campaign_known import Known
from xlmr_lab.pretrain.folder import METRICS_NAME

ELSEWHERE = {"step": 6, "language": "qaa", "loss": 3.25}
HERE = {"kind": "heldout", "step": 6, "loss_by_language": {"qaa": 3.26}}


@pytest.mark.parametrize(
    ("is_known", "is_made", "told"),
    [(True, False, [3.25]), (True, True, [3.25]), (False, True, [3.26]), (False, False, [])],
)
def test_losses_from_elsewhere_stay_where_a_run_is_made_again_for_its_weights(
    tmp_path, is_known, is_made, told
):
    folder = tmp_path / "alpha=0.3-s0-1"
    arm = types.SimpleNamespace(folder=folder, final=folder / "checkpoints")
    if is_made:
        arm.final.mkdir(parents=True)
        storage.write_jsonl(folder / METRICS_NAME, [{"kind": "step", "step": 6}, HERE])
    heldout = {folder.name: [ELSEWHERE]} if is_known else {}
    known = Known(heldout=heldout, words={}, scores={}, costs={})
    assert [row["loss"] for row in campaign_rows._losses(arm, known)] == told
