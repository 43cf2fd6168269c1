"""Single claims have more seeds than the study; nothing else changes."""

import pytest

from xlmr_lab import campaigns
from xlmr_lab.ablations import campaign, claim_seeds
from xlmr_lab.errors import UserError
from xlmr_lab.storage import read_json, read_jsonl

GIVEN = ["seeds=2", "seeds.f5=4"]


def seeds_of(work) -> dict[str, int]:
    return {cell.name: cell.config.seeds for cell in work.cells()}


def test_cells_of_the_claim_have_more_also_where_other_claims_share_them():
    work = campaigns.planned(["laptop", "F4", "F5"], GIVEN)
    own = {cell.name for claim in work.claims if claim.id == "F5" for cell in claim.cells}
    assert own
    assert seeds_of(work) == {name: 4 if name in own else 2 for name in seeds_of(work)}
    plain = campaigns.planned(["laptop", "F4", "F5"], ["seeds=2"])
    assert list(seeds_of(plain)) == list(seeds_of(work))
    assert {*seeds_of(plain).values()} == {2}


def test_a_shared_cell_has_the_larger_number_whichever_claim_comes_first():
    for words in (["F5", "F9"], ["F9", "F5"]):
        work = campaigns.planned(["laptop", *words], ["seeds=2", "seeds.F9=3"])
        by_claim = {claim.id: {cell.name for cell in claim.cells} for claim in work.claims}
        shared = by_claim["F5"] & by_claim["F9"]
        assert {seeds_of(work)[name] for name in by_claim["F9"]} == {3}
        assert {seeds_of(work)[name] for name in by_claim["F5"] - shared} <= {2}


def test_a_budget_takes_from_both():
    work = campaigns.planned(["laptop", "F4", "F5"], GIVEN)
    assert {*seeds_of(work.limited(["F4", "F5"], 3)).values()} == {2, 3}
    assert {*seeds_of(work.limited(["F4", "F5"], 1)).values()} == {1}


def test_the_run_folder_and_its_conclusions_say_so(tmp_path):
    places = [f"runs_dir={tmp_path}", f"data_dir={tmp_path}"]
    work = campaigns.planned(["laptop", "F4", "F5"], [*GIVEN, *places])
    campaign.write_settings(work)
    assert read_json(work.folder / campaign.CAMPAIGN_NAME)["more_seeds"] == {"F5": 4}
    rows = read_jsonl(work.folder / campaign.CELLS_NAME)
    assert {row["cell"]: row["seeds"] for row in rows} == seeds_of(work)
    assert not any("seeds" in row["changed"] for row in rows)  # it makes no cell of its own
    for name in ("heldout.jsonl", "scores.jsonl", "words.jsonl"):
        (work.folder / name).touch()
    told = {conclusion.scale for conclusion in campaigns.conclude(work)}
    assert [scale.endswith(", 2 seeds (F5: 4)") for scale in told] == [True]


@pytest.mark.slow
def test_what_names_no_claim_or_number_is_refused():
    for setting, told in {
        "seeds.F5=none": "seeds.F5=none: seeds must be a whole number of at least 1",
        "seeds.F5=0": "of at least 1",
        "seeds.F5=": "of at least 1",
        "seeds.F6=3": r"seeds.F6: no such claim here; there are F4, F5",
    }.items():
        with pytest.raises(UserError, match=told):
            campaigns.planned(["laptop", "F4", "F5"], [setting])
    assert claim_seeds.parsed(["pretrain.steps=3", "seeds=9"]) == {}
