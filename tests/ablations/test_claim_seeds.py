"""Single claims have more seeds than the study; nothing else changes."""

import pytest

from xlmr_lab import campaigns
from xlmr_lab.ablations import campaign, claim_seeds
from xlmr_lab.errors import UserError
from xlmr_lab.storage import read_json, read_jsonl

GIVEN = ["seeds=2", "seeds.f5=4"]


def seeds_of(work) -> dict[str, int]:
    return {cell.name: cell.config.seeds for cell in work.cells()}


def test_cells_of_the_claim_have_more_and_no_others():
    work = campaigns.planned(["laptop", "F4", "F5"], GIVEN)
    own = {cell.name for claim in work.claims if claim.id == "F5" for cell in claim.cells}
    assert own
    assert seeds_of(work) == {name: 4 if name in own else 2 for name in seeds_of(work)}
    plain = campaigns.planned(["laptop", "F4", "F5"], ["seeds=2"])
    assert list(seeds_of(plain)) == list(seeds_of(work))
    assert {*seeds_of(plain).values()} == {2}


@pytest.mark.parametrize("words", [("F6", "F7"), ("F7", "F6")])
def test_a_shared_cell_has_the_larger_number_whichever_claim_comes_first(words):
    work = campaigns.planned(["laptop", *words], ["seeds=2", "seeds.F6=3"])
    f6, f7 = ({c.name for c in claim.cells} for claim in sorted(work.claims, key=lambda c: c.id))
    assert "base" in f6 & f7
    assert {seeds_of(work)[name] for name in f6} == {3}
    assert f7 - f6
    assert {seeds_of(work)[name] for name in f7 - f6} == {2}


def test_a_cell_with_more_seeds_is_not_compared_with_one_that_is_the_same():
    """Both have language embeddings, one of them also more seeds."""
    settings = ["seeds=2", "model.language_embeddings=true"]
    for given in (settings, [*settings, "seeds.F6=3"]):
        with pytest.raises(
            UserError, match=r"F14-heldout compares .* which have the same settings"
        ):
            campaign.require(campaigns.planned(["laptop", "F6", "F14"], given))


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
