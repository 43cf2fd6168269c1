"""A run goes on under another way of carrying it out, told of, with the same batches."""

import logging
import shutil
from pathlib import Path

import pytest

from xlmr_lab import storage
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain.loop import pretrain


def half_finished(folder: Path, shards_folder: Path, run) -> Path:
    """Return the folder of a run whose last checkpoint, of step 12, is gone."""
    pretrain(folder, shards_folder, run, threads=1)
    shutil.rmtree(folder / "checkpoints" / "step-00000012")
    return folder


def steps(folder: Path) -> list[dict]:
    return [r for r in storage.read_jsonl(folder / "metrics.jsonl") if r["kind"] == "step"]


def test_a_run_goes_on_with_another_micro_batch(
    tmp_path: Path, shards_folder: Path, make_run, caplog: pytest.LogCaptureFixture
):
    settings = {"dropout": 0.0}
    pretrain(tmp_path / "whole", shards_folder, make_run(**settings), threads=1)
    folder = half_finished(tmp_path / "parts", shards_folder, make_run(**settings))
    with caplog.at_level(logging.WARNING):
        pretrain(folder, shards_folder, make_run(micro_sequences=1, **settings), threads=1)
    assert "going on with micro_sequences 1 after micro_sequences 0" in caplog.text
    assert "results can differ by rounding and dropout" in caplog.text
    expected, found = steps(tmp_path / "whole"), steps(folder)
    assert [r["draws"] for r in found] == [r["draws"] for r in expected]
    assert [r["loss"] for r in found] == pytest.approx([r["loss"] for r in expected], rel=1e-5)


WAYS = [{"micro_sequences": 3}, {"precision": "bf16"}, {"activation_checkpointing": True}]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_run_goes_on_exactly_in_every_way(tmp_path: Path, shards_folder: Path, make_run, way):
    run = make_run(**way)
    pretrain(tmp_path, shards_folder, run, threads=1)
    final = tmp_path / "checkpoints" / "step-00000012"
    names = ("model.safetensors", "optimizer.safetensors", "state.json")
    before = {name: (final / name).read_bytes() for name in names}
    shutil.rmtree(final)
    pretrain(tmp_path, shards_folder, run, threads=1)
    assert {name: (final / name).read_bytes() for name in names} == before


def test_checkpointing_activations_changes_nothing(tmp_path: Path, shards_folder: Path, make_run):
    folder = half_finished(tmp_path / "half", shards_folder, make_run())
    checkpointed = make_run(activation_checkpointing=True)
    for place in (folder, tmp_path / "whole"):
        pretrain(place, shards_folder, checkpointed, threads=1)
    pretrain(tmp_path / "plain", shards_folder, make_run(), threads=1)
    for name in ("metrics.jsonl", "checkpoints/step-00000012/model.safetensors"):
        expected = (tmp_path / "plain" / name).read_bytes()
        assert all((tmp_path / run / name).read_bytes() == expected for run in ("half", "whole"))


def test_another_precision_is_another_run(tmp_path: Path, shards_folder: Path, make_run):
    pretrain(tmp_path, shards_folder, make_run(), threads=1)
    with pytest.raises(UserError, match="precision is auto there and bf16 here"):
        pretrain(tmp_path, shards_folder, make_run(precision="bf16"), threads=1)


def test_the_schedules_settings_reach_the_steps(tmp_path: Path, shards_folder: Path, make_run):
    shape = {"decay_steps": 2, "decay_power": 2.0, "end_learning_rate": 1e-3}
    run = make_run(schedule="wsd", log_steps=1, **shape)
    pretrain(tmp_path, shards_folder, run, threads=1)
    rates = [r["learning_rate"] for r in steps(tmp_path)]
    fall = [1e-3 + 2e-3 * (2 / 3) ** 2, 1e-3 + 2e-3 * (1 / 3) ** 2]
    assert rates == pytest.approx([1e-3, 2e-3, *(8 * [3e-3]), *fall])
