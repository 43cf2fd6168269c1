"""What a campaign says of models of one language and of all: losses, scores, what they share."""

import json
import shutil

import polars as pl
import pytest

from xlmr_lab import campaign_results, monolingual_results, storage
from xlmr_lab.claim_results import ALONE, TOGETHER


@pytest.fixture(scope="module")
def tested(tested_folder):
    return campaign_results.open_campaign(tested_folder)


@pytest.fixture
def changed(tested_folder, tmp_path):
    """A function that returns the campaign with other rows in one of its files."""

    def change(name, rows):
        folder = tmp_path / "studies"
        shutil.copytree(tested_folder, folder, ignore=shutil.ignore_patterns("report"))
        storage.write_jsonl(folder / name, rows)
        return campaign_results.open_campaign(folder)

    return change


def test_each_models_budget_is_told(tested):
    found = monolingual_results.budgets(tested)
    every, first, *others = found.to_dicts()
    assert (every["arm"], every["language"], every["num_languages"]) == (TOGETHER, "", 7)
    assert (first["arm"], first["language"], first["num_languages"]) == (ALONE, "qaa", 1)
    assert [row["language"] for row in others] == ["qam", "qay", "qcu", "qds"]
    assert (every["ids"], first["ids"]) == (1400, round(1400 * 40 / 150))
    assert found["tokens"].unique().to_list() == [1500 * 64 * 32]
    assert every["parameters"] - first["parameters"] == (1400 - 373) * (64 + 1)
    assert every["body"] == first["body"]
    base = tested.sizes().filter(pl.col("tier") != "added")
    assert every["text_bytes"] == base["size_bytes"].sum()


def test_a_share_is_that_of_the_exponent(tested):
    found = dict(monolingual_results.budgets(tested).select("language", "share").iter_rows())
    sizes = tested.sizes().filter(pl.col("tier") != "added")
    weights = {key: size**0.3 for key, size in sizes.select("language", "size_bytes").iter_rows()}
    assert found["qaa"] == pytest.approx(weights["qaa"] / sum(weights.values()))
    assert found[""] is None


def test_no_share_is_known_where_it_changes_during_a_run(tested, tested_folder, tmp_path):
    folder = tmp_path / "studies"
    shutil.copytree(tested_folder, folder, ignore=shutil.ignore_patterns("report"))
    settings = json.loads((folder / "campaign.json").read_text("utf-8"))
    settings["settings"]["sampling"]["schedule"] = "annealed"
    (folder / "campaign.json").write_text(json.dumps(settings), "utf-8")
    found = monolingual_results.budgets(campaign_results.open_campaign(folder))
    assert found["share"].null_count() == len(found)


def test_losses_are_over_the_tokens_read(tested):
    found = monolingual_results.losses(tested)
    assert found.select("step", "tokens").unique().sort("step").rows() == [
        (500, 500 * 64 * 32),
        (1000, 1000 * 64 * 32),
        (1500, 1500 * 64 * 32),
    ]


def test_losses_leave_out_languages_with_part_of_their_text(tested):
    cells = set(monolingual_results.losses(tested)["cell"])
    assert {"base", "alone qam", "NLI alone qay", "GLUE"} <= cells
    assert not {"30 kB of qam", "alone 30 kB of qam"} & cells


def test_a_model_of_one_language_is_measured_in_that_one(changed, tested):
    """Rows of others, which it may be scored in as well, are not its own."""
    rows = storage.read_jsonl(tested.folder / "scores.jsonl")
    foreign = [row | {"language": "qam"} for row in rows if row["cell"] == "NLI alone qay"]
    found = monolingual_results.nli(changed("scores.jsonl", rows + foreign))
    assert set(found.filter(cell="NLI alone qay")["language"]) == {"qay"}


def test_ways_of_learning_nli_are_told_as_table_5_does(tested):
    found = monolingual_results.nli(tested).group_by("arm").agg(pl.col("protocol").unique().sort())
    assert dict(found.iter_rows()) == {
        ALONE: ["monolingual"],
        TOGETHER: ["all", "each", "zero-shot"],
    }
    assert set(monolingual_results.nli(tested)["language"]) == {"qaa", "qay", "qcu"}


def test_glue_is_in_the_language_that_is_alone(changed, tested):
    rows = storage.read_jsonl(tested.folder / "scores.jsonl")
    others = [row | {"language": "qam"} for row in rows if row["cell"] == "GLUE"]
    found = monolingual_results.glue(changed("scores.jsonl", rows + others))
    assert set(found["language"]) == {"qaa"}
    assert set(found["arm"]) == {ALONE, TOGETHER}


def test_dev_sets_count_where_there_are_no_test_sets(changed, tested):
    rows = storage.read_jsonl(tested.folder / "scores.jsonl")
    dev = [row | {"split": "dev", "value": 0.1} for row in rows]
    without = [row for row in rows if row["task"] != "glue-sst2"]
    found = monolingual_results.glue(changed("scores.jsonl", without + dev))
    assert set(found.filter(task="glue-sst2")["split"]) == {"dev"}
    assert set(found.filter(task="glue-mrpc")["split"]) == {"test"}


def test_scores_of_other_selections_are_left_out(changed, tested):
    rows = storage.read_jsonl(tested.folder / "scores.jsonl")
    last = [row | {"selection": "last"} for row in rows]
    own = changed("scores.jsonl", rows + last)
    assert len(monolingual_results.nli(own)) == len(monolingual_results.nli(tested))


def test_claims_without_rows_give_empty_frames(changed, tested):
    rows = [row for row in tested.cells() if "F3" in row["claims"]]
    own = changed("cells.jsonl", rows)
    for read in (monolingual_results.losses, monolingual_results.glue, monolingual_results.nli):
        assert read(own).is_empty()
        assert "arm" in read(own).columns
    assert monolingual_results.budgets(own).is_empty()
    assert monolingual_results.budgets(own).schema == monolingual_results.BUDGETS
