"""Sampling in a training run: changes at their step, passes counted and projected, warnings."""

import logging
import math
import re
from pathlib import Path

import pytest

from xlmr_lab import configs, storage
from xlmr_lab.batches.shards import TokenShards
from xlmr_lab.pretrain import repetition
from xlmr_lab.pretrain.loop import pretrain
from xlmr_lab.sampling.schedules import Length

FALLING = {"schedule": "annealed", "later_alphas": (0.0,), "changes": (0.5,)}
JOINING = {"schedule": "annealed", "starts": ("en:0.5",)}


def run_pretrain(folder: Path, shards_folder: Path, run, **settings) -> None:
    pretrain(folder, shards_folder, run, threads=1, **settings)


def records(folder: Path, kind: str) -> list[dict]:
    return [r for r in storage.read_jsonl(folder / "metrics.jsonl") if r["kind"] == kind]


def drawn_by_step(folder: Path) -> list[dict[str, int]]:
    """Return the blocks drawn in each step of a run that logs every one."""
    totals = [r["draws"] for r in records(folder, "step")]
    befores = [dict.fromkeys(totals[0], 0), *totals]
    return [
        {key: total[key] - before[key] for key in total}
        for total, before in zip(totals, befores, strict=False)
    ]


def test_a_language_joins_at_its_very_step(tmp_path: Path, shards_folder: Path, make_run):
    """Of twelve steps six go before; English has five times the text of Urdu."""
    run = make_run(languages=("en", "ur"), alpha=1.0, sampling=JOINING, log_steps=1)
    run_pretrain(tmp_path, shards_folder, run)
    steps = drawn_by_step(tmp_path)
    assert [step["en"] > 0 for step in steps] == 6 * [False] + 6 * [True]
    assert [step["ur"] for step in steps[:6]] == 6 * [4]


def test_an_exponent_changes_at_its_very_step(tmp_path: Path, shards_folder: Path, make_run):
    runs = {
        "falling": make_run(alpha=1.0, sampling=FALLING, log_steps=1),
        "first": make_run(alpha=1.0, log_steps=1),
        "second": make_run(alpha=0.0, log_steps=1),
    }
    for name, run in runs.items():
        run_pretrain(tmp_path / name, shards_folder, run)
    falling, first, second = (drawn_by_step(tmp_path / name) for name in runs)
    assert falling == first[:6] + second[6:]
    assert first[:6] != second[:6]
    assert first[6:] != second[6:]


def test_passes_recorded_are_the_passes_made(tmp_path: Path, shards_folder: Path, make_run):
    run_pretrain(tmp_path, shards_folder, make_run(log_steps=1))
    shards = TokenShards.open(shards_folder)
    found = records(tmp_path, "passes")
    assert [r["step"] for r in found] == [4, 8, 12]
    for record in found:
        draws = records(tmp_path, "step")[record["step"] - 1]["draws"]
        for key, count in draws.items():
            assert record["passes"][key] == count / shards.num_blocks(key, 16)
            assert record["shares"][key] == count / sum(draws.values())
    assert found[-1]["passes_at_end"] == found[-1]["passes"]


def test_the_end_is_projected_through_the_phases_to_come(
    tmp_path: Path, shards_folder: Path, make_run
):
    """After four of twelve steps: English comes with the last six, in proportion to its blocks."""
    run = make_run(languages=("en", "ur"), alpha=1.0, sampling=JOINING)
    run_pretrain(tmp_path, shards_folder, run)
    shards = TokenShards.open(shards_folder)
    blocks = {key: shards.num_blocks(key, 16) for key in run.languages}
    first, total = records(tmp_path, "passes")[0], sum(blocks.values())
    assert first["passes"]["en"] == 0
    assert first["passes_at_end"] == {
        "en": pytest.approx(24 / total),
        "ur": pytest.approx((16 + 8) / blocks["ur"] + 24 / total),
    }


def test_capped_passes_hold_in_a_run(tmp_path: Path, shards_folder: Path, make_run):
    run = make_run(alpha=0.0, sampling={"schedule": "capped", "max_passes": 0.5}, steps=20)
    run_pretrain(tmp_path, shards_folder, run)
    last = records(tmp_path, "passes")[-1]
    error = math.sqrt(0.5 / TokenShards.open(shards_folder).num_blocks("ur", 16))
    assert last["passes"]["ur"] < 0.5 + 3 * error
    assert last["shares"]["en"] > last["shares"]["sw"] > last["shares"]["ur"]


@pytest.mark.parametrize("basis", ["sentences", "bytes", "pieces"])
def test_a_run_samples_by_any_basis(tmp_path: Path, shards_folder: Path, make_run, basis: str):
    run = make_run(steps=3, warmup_steps=1, sampling={"basis": basis})
    run_pretrain(tmp_path, shards_folder, run)
    assert sum(records(tmp_path, "step")[-1]["draws"].values()) == 12


def test_what_will_be_repeated_is_told_before_the_first_step(
    tmp_path: Path, shards_folder: Path, make_run, caplog, monkeypatch: pytest.MonkeyPatch
):
    """24 of 48 blocks are expected in each language; Urdu has 23, Swahili 54."""

    def stop(self):
        raise KeyboardInterrupt

    monkeypatch.setattr("xlmr_lab.pretrain.training.Training.advance", stop)
    run = make_run(languages=("sw", "ur"), alpha=0.0)
    with caplog.at_level(logging.WARNING), pytest.raises(KeyboardInterrupt):
        run_pretrain(tmp_path, shards_folder, run, passes_warned=1.0)
    assert caplog.messages == [
        "1 of 2 languages will be gone through more than 1 times: ur 1; set sampling.alpha=0.1, or "
        "set sampling.schedule=capped sampling.max_passes=1, or set pretrain.steps=11, or add text"
    ]


def test_expected_passes_are_worked_by_hand(make_run, shards: TokenShards):
    """Twelve steps of four blocks; Swahili joins after the first six."""
    run = make_run(
        languages=("ur", "sw"), alpha=0.0, sampling={"schedule": "annealed", "starts": ("sw:0.5",)}
    )
    assert run.length == Length(12, 4)
    assert repetition.plan(run, shards).passes() == {
        "ur": pytest.approx((24 + 12) / shards.num_blocks("ur", 16)),
        "sw": pytest.approx(12 / shards.num_blocks("sw", 16)),
    }


REPEATED = {
    "constant": ({}, {}, 1.4),
    "by bytes": ({"basis": "bytes"}, {}, 1.4),
    "annealed": (FALLING, {}, 1.4),
    "joining": (JOINING, {}, 1.0),
    "capped": ({"schedule": "capped", "max_passes": 3.0}, {"alpha": 0.0}, 2.1),
    "all text": ({}, {"alpha": 1.0}, 0.3),
    "all text, alpha 0.3": ({}, {}, 0.05),
    "a warm-up of most of the run": ({}, {"warmup_steps": 90}, 0.3),
    "a fall at the end": ({}, {"schedule": "wsd", "decay_steps": 60}, 0.3),
}


@pytest.mark.parametrize("case", REPEATED)
def test_whatever_a_warning_advises_ends_it(make_run, shards: TokenShards, case: str):
    sampling, changes, limit = REPEATED[case]
    run = make_run(**{"steps": 100, "sampling": sampling, **changes})
    told = repetition.warning(run, shards, limit)
    assert told
    ways = [re.findall(r"[a-z]+\.[a-z_]+=[^\s,]*", way) for way in told.split("set ")[1:]]
    assert ways
    for settings in ways:
        mended = configs.override(run, settings)
        assert repetition.warning(mended, shards, limit) is None, settings


@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_where_all_text_is_repeated_only_fewer_steps_or_more_text_are_advised(
    make_run, shards: TokenShards, alpha: float
):
    run = make_run(alpha=alpha, steps=5000)
    mean = repetition.plan(run, shards).mean_passes()
    told = repetition.warning(run, shards, mean / 2)
    assert told
    remedy = told.partition("; all text together ")[2]
    assert re.fullmatch(
        r"\S+ times, whatever the sampling: set pretrain.steps=\d+, or add text", remedy
    )


def test_where_not_even_one_step_keeps_within_the_limit_text_is_wanted(
    make_run, shards: TokenShards
):
    told = repetition.warning(make_run(), shards, 1e-4)
    assert told
    assert told.endswith(" whatever the sampling: add text")


def test_an_exponent_is_left_out_where_none_is_large_enough(make_run, shards: TokenShards):
    """Bytes are no blocks: at alpha 1 some text is passed a little more than all text together."""
    largest = make_run(alpha=1.0, steps=100, sampling={"basis": "bytes"})
    found = repetition.plan(largest, shards)
    limit = (found.mean_passes() + max(found.passes().values())) / 2
    run = make_run(alpha=0.3, steps=100, sampling={"basis": "bytes"})
    for tried in (run, largest):
        told = repetition.warning(tried, shards, limit)
        assert told
        assert not re.search(r"set sampling\.alpha=\S+, or", told)
        assert "set sampling.alpha=0 sampling.basis=blocks sampling.schedule=capped" in told


def test_nothing_is_told_of_what_is_repeated_less(
    tmp_path: Path, shards_folder: Path, make_run, caplog
):
    with caplog.at_level(logging.WARNING):
        run_pretrain(tmp_path, shards_folder, make_run(steps=3, warmup_steps=1))
    assert not caplog.messages


def test_passes_so_far_and_at_the_end_are_told_on_the_way(
    tmp_path: Path, shards_folder: Path, make_run, caplog
):
    with caplog.at_level(logging.INFO):
        run_pretrain(tmp_path, shards_folder, make_run())
    told = [text for text in caplog.messages if "passes so far" in text]
    assert len(told) == 3
    assert told[0].startswith("step 4: passes so far (at the end): ur 0.")
