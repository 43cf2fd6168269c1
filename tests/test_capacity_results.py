"""Losses by number of languages and capacity, of the base's languages."""

import dataclasses
import json
import shutil

import pytest

from xlmr_lab import campaign_results, capacity_results
from xlmr_lab.ablations import scales
from xlmr_lab.model import parameters


@pytest.fixture(scope="module")
def tested(tested_folder):
    return campaign_results.open_campaign(tested_folder)


def test_cells_of_both_claims_are_there_once(tested):
    frame = capacity_results.cells(tested)
    found = frame.select("num_languages", "width").unique().sort("width", "num_languages").rows()
    assert found == [(7, 64), (15, 64), (30, 64), (60, 64), (30, 96), (7, 128), (60, 128)]
    keys = ["num_languages", "width", "seed", "language"]
    assert frame.select(keys).n_unique() == len(frame)
    assert set(frame["language"]) == set(scales.SEVEN)
    assert set(frame["tier"]) == {"high", "mid", "low"}


def test_a_row_is_that_of_its_cell(tested):
    frame = capacity_results.cells(tested).filter(num_languages=60, width=128)
    own = (
        tested.words().filter(cell="languages=60 width=128").join(frame, on="language", how="semi")
    )
    assert frame["bits_per_byte"].equals(own["bits_per_byte"])
    assert frame["arm"].unique().to_list() == ["languages=60 width=128"]


def test_capacity_is_of_the_layers(tested):
    """Two layers of width 64: without biases and norms 2 * 12 * 64^2."""
    frame = capacity_results.cells(tested).filter(width=64)
    sizes = {"num_layers": 2, "hidden_size": 64, "ffn_size": 256, "max_tokens": 128}
    assert frame["capacity"].unique().to_list() == [parameters.count(1400, **sizes).layers]
    assert frame["capacity"][0] == pytest.approx(2 * 12 * 64**2, rel=0.02)


def test_languages_of_ones_own_text_are_counted(tested, tmp_path):
    folder = tmp_path / "own"
    shutil.copytree(tested.folder, folder)
    path = folder / "campaign.json"
    told = json.loads(path.read_text("utf-8"))
    told["settings"]["corpus"]["languages"] = ["en", "fr", "sw"]
    path.write_text(json.dumps(told), encoding="utf-8")
    frame = capacity_results.cells(dataclasses.replace(tested, folder=folder))
    assert 3 in frame["num_languages"]


def test_a_campaign_without_the_claims_has_no_rows(tested, tmp_path):
    folder = tmp_path / "other"
    shutil.copytree(tested.folder, folder)
    cells = [json.loads(line) for line in (folder / "cells.jsonl").read_text("utf-8").splitlines()]
    kept = [
        cell | {"claims": [c for c in cell["claims"] if c not in ("F1", "F2")]} for cell in cells
    ]
    (folder / "cells.jsonl").write_text("".join(json.dumps(c) + "\n" for c in kept), "utf-8")
    frame = capacity_results.cells(dataclasses.replace(tested, folder=folder))
    assert frame.is_empty()
    assert {"num_languages", "capacity", "bits_per_byte"} <= set(frame.columns)


def test_what_tiers_lose_is_what_the_claim_says(tested):
    """The pictures and the verdicts of page 13 are of the same losses."""
    frame = capacity_results.cells(tested).filter(width=64, tier="high")
    few, many = (frame.filter(num_languages=n)["bits_per_byte"].mean() for n in (7, 60))
    effect = tested.conclusions().filter(contrast="F1-high-lose-7-60")["effect"].item()
    assert many - few == pytest.approx(effect)
