"""A pretraining run: what it writes, that it is deterministic, and what stops it."""

import dataclasses
import json
import logging
import math
from collections import Counter
from pathlib import Path

import pytest
import torch

from xlmr_lab import configs, storage
from xlmr_lab.batches.shards import TokenShards
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain import checkpoint, loop, training
from xlmr_lab.pretrain.loop import PretrainRun, load_model, pretrain

FINAL = "step-00000012"


def run_pretrain(folder: Path, shards_folder: Path, run: PretrainRun) -> Path:
    return pretrain(folder, shards_folder, run, threads=1)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, shards_folder: Path, make_run) -> Path:
    """The folder of a finished run."""
    folder = tmp_path_factory.mktemp("runs") / "finished"
    run_pretrain(folder, shards_folder, make_run())
    return folder


def records(folder: Path, kind: str) -> list[dict]:
    return [r for r in storage.read_jsonl(folder / "metrics.jsonl") if r["kind"] == kind]


def test_a_finished_folder_holds_what_it_should(finished: Path, make_run):
    assert sorted(path.name for path in finished.iterdir()) == [
        "checkpoints",
        "config.json",
        "memory.json",
        "metrics.jsonl",
        "provenance.json",
        "telemetry.jsonl",
        "tokens.json",
    ]
    names = sorted(path.name for path in (finished / "checkpoints").iterdir())
    assert names == ["step-00000010", FINAL]
    assert configs.from_dict(PretrainRun, storage.read_json(finished / "config.json")) == make_run()
    assert storage.read_json(finished / "provenance.json")["threads"] == 1


def test_step_records_count_blocks_and_follow_the_schedule(finished: Path):
    steps = records(finished, "step")
    assert [r["step"] for r in steps] == [2, 4, 6, 8, 10, 12]
    assert [sum(r["draws"].values()) for r in steps] == [4 * r["step"] for r in steps]
    assert steps[0]["learning_rate"] == pytest.approx(3e-3 * 2 / 3)
    assert all(math.isfinite(r["gradient_norm"]) for r in steps)


def test_the_model_learns(finished: Path):
    losses = [r["loss"] for r in records(finished, "heldout")]
    assert losses[0] == pytest.approx(math.log(300), abs=0.5)
    assert losses == sorted(losses, reverse=True)


def test_heldout_records_hold_each_language_and_their_mean(finished: Path):
    heldout = records(finished, "heldout")
    assert [r["step"] for r in heldout] == [4, 8, 12]
    for record in heldout:
        assert list(record["loss_by_language"]) == ["en", "sw", "ur"]
        assert record["loss"] == pytest.approx(sum(record["loss_by_language"].values()) / 3)


def test_metrics_hold_nothing_of_the_clock(finished: Path):
    names = {name for r in storage.read_jsonl(finished / "metrics.jsonl") for name in r}
    assert names == {"kind", "step", "loss", "learning_rate", "gradient_norm", "draws"} | {
        *("loss_by_language", "shares", "passes", "passes_at_end")
    }
    telemetry = storage.read_jsonl(finished / "telemetry.jsonl")
    speed = {"tokens_per_second", "model_flops_per_second", "mfu"}
    assert [set(r) for r in telemetry] == 6 * [{"step", "seconds", "peak_memory_bytes"} | speed]
    seconds = [r["seconds"] for r in telemetry]
    assert seconds == sorted(seconds)


def test_the_loss_recorded_is_the_mean_since_the_record_before(
    tmp_path: Path, shards_folder: Path, make_run, finished: Path
):
    run_pretrain(tmp_path, shards_folder, make_run(log_steps=1))
    single = [r["loss"] for r in records(tmp_path, "step")]
    means = [(a + b) / 2 for a, b in zip(single[::2], single[1::2], strict=True)]
    # The settings differ in what is logged alone, so the steps themselves are the same.
    assert means == pytest.approx([r["loss"] for r in records(finished, "step")], rel=1e-6)


def test_a_finished_run_returns_at_once(
    finished: Path, shards_folder: Path, make_run, monkeypatch: pytest.MonkeyPatch
):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    monkeypatch.setattr(loop, "Training", None)
    assert run_pretrain(finished, shards_folder, make_run()) == finished / "checkpoints" / FINAL
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*")} == before


def test_the_same_settings_give_the_same_files(
    tmp_path: Path, shards_folder: Path, make_run, finished: Path
):
    torch.rand(3)
    run_pretrain(tmp_path, shards_folder, make_run())
    for name in ("metrics.jsonl", f"checkpoints/{FINAL}/model.safetensors"):
        assert (tmp_path / name).read_bytes() == (finished / name).read_bytes()


def test_another_seed_gives_another_model(
    tmp_path: Path, shards_folder: Path, make_run, finished: Path
):
    run_pretrain(tmp_path, shards_folder, make_run(seed=2))
    other, ours = (f / "checkpoints" / FINAL / "model.safetensors" for f in (tmp_path, finished))
    assert other.read_bytes() != ours.read_bytes()
    draws = [[r["draws"] for r in records(f, "step")] for f in (tmp_path, finished)]
    assert draws[0] != draws[1]


def test_the_generator_and_threads_of_the_caller_are_left_alone(
    tmp_path: Path, shards_folder: Path, make_run
):
    torch.set_num_threads(2)
    before = torch.get_rng_state()
    run_pretrain(tmp_path, shards_folder, make_run(steps=3))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == 2


def test_load_model_gives_the_trained_model_in_evaluation_mode(finished: Path, make_run):
    model, state = load_model(finished / "checkpoints" / FINAL)
    assert not model.training
    assert model.encoder.config == make_run().model
    assert state["step"] == 12
    assert state["vocabulary"] == "bytes"


def test_load_model_refuses_what_is_no_checkpoint_or_damaged(tmp_path: Path, finished: Path):
    with pytest.raises(UserError, match="no checkpoint at"):
        load_model(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"is damaged \(state.json is missing\)"):
        load_model(finished)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 13}, "pretrain.steps is 12 there and 13 here"),
        ({"alpha": 0.7}, "sampling.alpha is 0.3 there and 0.7 here"),
        ({"languages": ("en", "sw")}, "languages is en,sw,ur there and en,sw here"),
        ({"seed": 2}, "seed is 1 there and 2 here"),
    ],
)
def test_a_folder_of_other_settings_is_refused_by_name(
    finished: Path, shards_folder: Path, make_run, change, message
):
    with pytest.raises(UserError, match=message):
        run_pretrain(finished, shards_folder, make_run(**change))


def test_a_checkpoint_of_other_settings_is_refused_by_name(
    tmp_path: Path, shards_folder: Path, make_run
):
    run_pretrain(tmp_path, shards_folder, make_run())
    (tmp_path / "config.json").unlink()
    with pytest.raises(UserError, match=rf"{FINAL} has other settings: run.model.dropout is 0.1"):
        run_pretrain(tmp_path, shards_folder, make_run(dropout=0.0))


def test_a_checkpoint_of_other_tokens_is_refused(tmp_path: Path, shards_folder: Path, make_run):
    run_pretrain(tmp_path / "run", shards_folder, make_run())
    sidecar = storage.read_json(shards_folder / "shards.json")
    sidecar["languages"]["sw"]["train"]["checksum"] = "0"
    (tmp_path / "shards").mkdir()
    for path in shards_folder.glob("*.bin"):
        (tmp_path / "shards" / path.name).write_bytes(path.read_bytes())
    storage.write_json(tmp_path / "shards" / "shards.json", sidecar)
    with pytest.raises(UserError, match="has other settings: shards is"):
        run_pretrain(tmp_path / "run", tmp_path / "shards", make_run())


@pytest.mark.parametrize(
    "damaged", [checkpoint.MODEL_NAME, checkpoint.OPTIMIZER_NAME, checkpoint.STATE_NAME]
)
def test_a_flipped_byte_in_the_newest_checkpoint_costs_a_warning_and_some_steps(
    tmp_path: Path, shards_folder: Path, make_run, finished: Path, caplog, damaged: str
):
    run_pretrain(tmp_path, shards_folder, make_run())
    file = tmp_path / "checkpoints" / FINAL / damaged
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        run_pretrain(tmp_path, shards_folder, make_run())
    assert f"{FINAL} is damaged" in caplog.text
    assert damaged in caplog.text
    for name in ("metrics.jsonl", *(f"checkpoints/{FINAL}/{n}" for n in file_names())):
        assert (tmp_path / name).read_bytes() == (finished / name).read_bytes(), name
    assert len(storage.read_json(tmp_path / "provenance.json")["resumed"]) == 1


def test_a_run_whose_checkpoints_are_all_damaged_does_not_start_over(
    tmp_path: Path, shards_folder: Path, make_run
):
    run_pretrain(tmp_path, shards_folder, make_run())
    for path in (tmp_path / "checkpoints").iterdir():
        (path / checkpoint.OPTIMIZER_NAME).write_bytes(b"")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(UserError, match=r"no checkpoint in .* is whole: .*; put back a copy"):
        run_pretrain(tmp_path, shards_folder, make_run())
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def file_names() -> tuple[str, ...]:
    return checkpoint.MODEL_NAME, checkpoint.OPTIMIZER_NAME, checkpoint.STATE_NAME


@pytest.mark.parametrize("broken", ["loss", "gradient_norm"])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_the_first_step_that_is_not_finite_stops_the_run(
    tmp_path: Path, shards_folder: Path, make_run, monkeypatch, broken: str, asynchronous: bool
):
    monkeypatch.setattr(training.Training, "is_asynchronous", asynchronous)
    original, calls = training.train_step, []

    def break_at_seven(*arguments, **settings):
        result = original(*arguments, **settings)
        calls.append(1)
        nan = {broken: torch.tensor(float("nan"))}
        return result._replace(**nan) if len(calls) == 7 else result

    whole = training.Training(
        make_run(), TokenShards.open(shards_folder), device=torch.device("cpu")
    )
    for _ in range(7):
        whole.advance()
    drawn = Counter(whole._unseen[-1].languages).most_common()
    monkeypatch.setattr(training, "train_step", break_at_seven)
    expected = (
        f"at step 7, in a batch of {', '.join(f'{key} {n}' for key, n in drawn)} blocks; "
        r"last good checkpoint: .*step-00000005; lower pretrain.peak_learning_rate \(0.003\)"
    )
    with pytest.raises(UserError, match=expected):
        run_pretrain(tmp_path, shards_folder, make_run())
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-00000005"]


def test_settings_that_do_not_fit_leave_no_folder(tmp_path: Path, shards_folder: Path, make_run):
    for run in (make_run(block_tokens=17), make_run(languages=("fr",))):
        with pytest.raises(UserError):
            run_pretrain(tmp_path / "run", shards_folder, run)
    with pytest.raises(UserError, match="no token shards"):
        run_pretrain(tmp_path / "run", tmp_path / "nowhere", make_run())
    assert not (tmp_path / "run").exists()


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, shards_folder: Path, make_run):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"cannot write to .*choose another folder"):
        run_pretrain(tmp_path / "file" / "run", shards_folder, make_run())


def test_a_disk_too_small_for_the_checkpoints_is_refused(
    tmp_path: Path, shards_folder: Path, make_run, monkeypatch: pytest.MonkeyPatch
):
    usage = storage.shutil.disk_usage(tmp_path)._replace(free=10_000)
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda place: usage)
    with pytest.raises(UserError, match="3 checkpoints needs about"):
        run_pretrain(tmp_path, shards_folder, make_run())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"device": "toaster"}, "device must be auto, cpu or cuda, got 'toaster'"),
        ({"threads": 0}, "threads must be at least 1, got 0"),
    ],
)
def test_a_machine_that_is_not_there_is_refused(
    tmp_path: Path, shards_folder: Path, make_run, arguments, message
):
    with pytest.raises(UserError, match=message):
        pretrain(tmp_path, shards_folder, make_run(), **arguments)


def test_no_heldout_blocks_no_heldout_records(tmp_path: Path, shards_folder: Path, make_run):
    run_pretrain(tmp_path, shards_folder, make_run(steps=3, heldout_blocks=0))
    assert records(tmp_path, "heldout") == []


def test_another_number_of_threads_is_said_when_going_on(
    tmp_path: Path, shards_folder: Path, make_run, caplog, monkeypatch: pytest.MonkeyPatch
):
    run_pretrain(tmp_path, shards_folder, make_run())
    for path in (tmp_path / "checkpoints" / FINAL).iterdir():
        path.unlink()
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    with caplog.at_level(logging.WARNING):
        run_pretrain(tmp_path, shards_folder, make_run())
    assert "results can differ by rounding and dropout" in caplog.text


def test_config_json_is_readable_without_the_lab(finished: Path, make_run):
    config = json.loads((finished / "config.json").read_text())
    for name in ("sampling", "batches", "model", "pretrain"):
        settings = dataclasses.asdict(getattr(make_run(), name))
        assert config[name] == json.loads(json.dumps(settings)), name
