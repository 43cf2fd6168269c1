"""Traces of steps: those asked for, of the run as it is."""

import json
from pathlib import Path

import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.pretrain.loop import pretrain
from xlmr_lab.pretrain.step_trace import step_trace


def test_a_trace_holds_the_steps_asked_for(tmp_path: Path, shards_folder: Path, make_run):
    pretrain(tmp_path / "run", shards_folder, make_run(profile_steps=2), threads=1)
    trace = tmp_path / "run" / "trace-from-step-00000001.json"
    events = json.loads(trace.read_text())["traceEvents"]
    steps = {e["name"] for e in events if e.get("name", "").startswith("ProfilerStep")}
    assert steps == {"ProfilerStep#3", "ProfilerStep#4"}
    assert any(e.get("name") == "aten::addmm" for e in events)


def test_recording_changes_no_result(tmp_path: Path, shards_folder: Path, make_run):
    for name, steps in (("plain", 0), ("traced", 4)):
        pretrain(tmp_path / name, shards_folder, make_run(profile_steps=steps), threads=1)
    for name in ("metrics.jsonl", "checkpoints/step-00000012/model.safetensors"):
        assert (tmp_path / "plain" / name).read_bytes() == (tmp_path / "traced" / name).read_bytes()


def test_nothing_is_recorded_where_nothing_is_asked_for(tmp_path: Path):
    with step_trace(tmp_path / "trace.json", 0) as after_step:
        after_step()
    assert list(tmp_path.iterdir()) == []


def test_less_than_no_steps_are_refused(make_run):
    with pytest.raises(UserError, match="profile_steps must not be negative, got -1"):
        make_run(profile_steps=-1)
