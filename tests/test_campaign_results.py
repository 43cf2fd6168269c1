"""Frames of a campaign, read from its run folder."""

import gzip
import shutil

import pytest

from xlmr_lab import campaign_results, study_words
from xlmr_lab.errors import UserError

CLAIMS = [f"F{number}" for number in range(1, 16)]


@pytest.fixture(scope="module")
def tested(tested_folder):
    return campaign_results.open_campaign(tested_folder)


def test_all_claims_are_there(tested):
    assert tested.campaign()["claims"] == CLAIMS
    frame = tested.conclusions()
    assert list(dict.fromkeys(frame["claim"].to_list())) == CLAIMS
    one = frame.filter(contrast="F7").row(0, named=True)
    assert one["num_seeds"] == 3
    assert len(one["by_language"]) == one["num_languages"] == 7


def test_tiers_are_those_that_claims_compare(tested):
    tiers = dict(tested.sizes().select("language", "tier").iter_rows())
    own = ("qaa", "qam", "qay", "qbk", "qbw", "qcu", "qds")
    assert [tiers.pop(key) for key in own] == ["high"] * 2 + ["mid"] * 3 + ["low"] * 2
    assert set(tiers.values()) == {"added"}
    assert tested.heldout()["tier"].null_count() == 0


def test_a_setting_is_the_cells_or_the_bases(tested):
    assert tested.setting("base", "model.hidden_size") == 64
    assert tested.setting("languages=7 width=128", "model.hidden_size") == 128
    assert tested.setting("base", "pretrain.steps") == tested.setting(
        "large batch", "pretrain.steps"
    )
    with pytest.raises(UserError, match="has no cell 'no such'"):
        tested.setting("no such", "pretrain.steps")


def test_packed_tables_are_read(tested, tested_folder, tmp_path):
    folder = tmp_path / "packed"
    shutil.copytree(tested_folder, folder)
    for name in ("heldout.jsonl", "scores.jsonl"):
        (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
        (folder / name).unlink()
    packed = campaign_results.open_campaign(folder)
    assert packed.heldout().equals(tested.heldout())
    assert packed.scores().equals(tested.scores())


def test_what_is_no_campaign_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"no tested claims in 'runs/none' .*`./lab ablate tiny`"):
        campaign_results.open_campaign("runs/none")
    (tmp_path / "campaign.json").write_text("{}")
    with pytest.raises(UserError, match=r"has no conclusions.jsonl"):
        campaign_results.open_campaign(tmp_path).conclusions()


def test_it_says_in_words_what_was_tested_and_what_made_it(tested, tested_folder):
    told = tested.about()
    assert f"`{tested_folder}`: 15 claims (F1 to F15) at scale laptop: Babel, 2 layers" in told
    assert "3 pretraining seeds of each setting" in told
    assert "Babel is a model organism" in told
    commit = tested.provenance()["git_commit"]
    assert commit is None or commit[:10] in told
    assert "taken over" not in told


def test_real_text_is_no_model_organism_and_what_was_taken_over_is_said():
    campaign = {"claims": ["F3"], "scale": "real", "about": "one's own text", "seeds": 1}
    campaign |= {"settings": {"corpus": {"path": "text"}}}
    made = {"git_commit": None, "device": "a GPU", "time_utc": "2026-11-26T18:05:25+00:00"}
    assert "1 pretraining seed of each setting. " in study_words.tested("runs/a", campaign, made)
    more = campaign | {"more_seeds": {"F5": 8}}
    assert "1 pretraining seed of each setting (8 of F5). " in study_words.tested(
        "runs/a", more, made
    )
    told = study_words.tested("runs/a", campaign, made | {"taken_over": [made]})
    assert told == (
        "`runs/a`: 1 claim (F3) at scale real: one's own text; 1 pretraining seed of each setting. "
        f"{study_words.REAL_TEXT} Made on a GPU, 2026-11-26, with results taken over from "
        "elsewhere."
    )
