"""How often languages are seen, told in rows: planned by the schedule, made by what was drawn."""

import dataclasses
import json
from pathlib import Path

import pytest

from xlmr_lab import configs
from xlmr_lab.ablations import sampling_told, studies
from xlmr_lab.pretrain.settings import PretrainRun
from xlmr_lab.sampling.pairs import PairSampling


class Shards:
    """English has 300 blocks, Swahili 50, the pairs of them 20 where there are any."""

    def __init__(self, *pairs: str) -> None:
        self.pairs = list(pairs)

    def sizes(self, basis: str, block_tokens: int) -> dict[str, float]:
        assert block_tokens == 64
        return {"en": 300.0, "sw": 50.0} | dict.fromkeys(self.pairs, 20.0)


def run(*settings: str) -> PretrainRun:
    """Return a run of 100 steps of 7 blocks."""
    base = ["pretrain.steps=100", "pretrain.warmup_steps=9", "batches.batch_sequences=7"]
    given = studies.settled(settings, own_text=False)
    config = configs.override(studies.tiny(), [*base, *given])
    parts = {name: getattr(config, name) for name in ("sampling", "batches", "model", "pretrain")}
    return PretrainRun(seed=0, languages=("en", "sw"), **parts)


@pytest.mark.parametrize(
    ("settings", "rows"),
    [
        (["sampling.alpha=1"], [("85.71 %", "2.00"), ("14.29 %", "2.00")]),
        (["sampling.alpha=0"], [("50.00 %", "1.17"), ("50.00 %", "7.00")]),
        (
            ["sampling.schedule=capped", "sampling.max_passes=4"],
            [("71.43 %", "1.67"), ("28.57 %", "4.00")],
        ),
        (
            ["sampling.schedule=annealed", "sampling.alpha=0", "sampling.starts=sw:0.9"],
            [("95.00 %", "2.22"), ("5.00 %", "0.70")],
        ),
    ],
)
def test_shares_and_passes_are_planned_by_hand(
    settings: list[str], rows: list[tuple[str, str]]
) -> None:
    """Of 700 blocks: six to one by size, halves, 200 at most for Swahili, half of the last 70."""
    header, found = sampling_told.planned(run(*settings), Shards())
    assert header == ("language", "blocks", "share q", "passes")
    assert found == [("en", "300", *rows[0]), ("sw", "50", *rows[1])]


def test_what_was_drawn_is_the_mean_of_the_runs() -> None:
    drawn = [{"en": 500, "sw": 200}, {"en": 540, "sw": 160}]
    header, found = sampling_told.made(run("sampling.alpha=1"), Shards(), drawn)
    assert header[2:] == ("share q", "drawn", "passes planned", "passes made")
    assert found == [
        ("en", "300", "85.71 %", "74.29 %", "2.00", "1.73"),
        ("sw", "50", "14.29 %", "25.71 %", "2.00", "3.60"),
    ]
    assert "mean of 2 runs" in sampling_told.note(run(), 2)
    assert "mean" not in sampling_told.note(run(), 1)


def test_the_last_draws_stand_before_what_was_measured_after_them(tmp_path: Path) -> None:
    records = [{"kind": "step", "draws": {"en": n}} for n in (3, 8)] + [{"kind": "heldout"}]
    (tmp_path / "metrics.jsonl").write_text("\n".join(map(json.dumps, records)) + "\n")
    assert sampling_told.last_draws(tmp_path) == {"en": 8}


def test_pairs_are_planned_and_told_beside_languages(tmp_path: Path) -> None:
    """A fifth of 700 blocks, seven passes over the 20 blocks of the pair."""
    shards = Shards("en+sw")
    base = run("sampling.alpha=1")
    with_pairs = dataclasses.replace(base, tlm=PairSampling(share=0.2, alpha=0.3))
    _, rows = sampling_told.planned(with_pairs, shards)
    assert rows == [
        ("en", "300", "68.57 %", "1.60"),
        ("sw", "50", "11.43 %", "1.60"),
        ("en+sw", "20", "20.00 %", "7.00"),
    ]
    records = [{"kind": "step", "draws": {"en": 480, "sw": 80}, "pair_draws": {"en+sw": 140}}]
    (tmp_path / "metrics.jsonl").write_text("\n".join(map(json.dumps, records)))
    drawn = sampling_told.last_draws(tmp_path)
    _, rows = sampling_told.made(with_pairs, shards, [drawn])
    assert rows[-1] == ("en+sw", "20", "20.00 %", "20.00 %", "7.00", "7.00")
