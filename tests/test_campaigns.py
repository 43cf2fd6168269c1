"""`xlmr-lab ablate SCALE`: what its words mean, what it plans, and a study from end to end."""

import pytest
from least_campaign import LEAST

from xlmr_lab import campaigns, notebook_execution, storage
from xlmr_lab.__main__ import main
from xlmr_lab.errors import UserError

OWN = (
    *LEAST,
    "babel.corpus_bytes=200000",
    "babel.smallest_bytes=30000",
)
LEAST_NLI = [
    "tasks.nli_train=40",
    "tasks.nli_dev=20",
    "tasks.nli_test=30",
    "nli.seeds=1",
]


def test_words_and_settings_are_told_apart():
    words, settings = campaigns.words_of(["laptop", "seeds=2", "F3", "plan"])
    assert (words, settings) == (["laptop", "F3", "plan"], ["seeds=2"])
    assert campaigns.is_asked_for(["laptop", "seeds=2"])
    assert not campaigns.is_asked_for(["seeds=2"])


def test_settings_hold_for_every_cell():
    work = campaigns.planned(["laptop", "F3"], ["pretrain.steps=700", "seeds=2", "name=mine"])
    assert {cell.config.pretrain.steps for cell in work.cells()} == {700}
    assert work.folder.name == "mine"


@pytest.mark.slow
def test_claims_are_those_that_are_named_or_the_scales():
    tested = {
        "tiny": ["F1", "F3"],
        "real": ["F3", "F4"],
        "laptop": [f"F{number}" for number in range(1, 16)],
    }
    for scale, claims in tested.items():
        assert [claim.id for claim in campaigns.planned([scale], []).claims] == claims
        assert [claim.id for claim in campaigns.planned([scale, "f6"], []).claims] == ["F6"]


def test_a_word_that_is_no_scale_is_refused(capsys):
    with pytest.raises(UserError, match=r"unknown scale 'desktop'; there are tiny, laptop"):
        campaigns.is_asked_for(["desktop"])
    assert main(["ablate", "laptop", "F77"]) == 2
    assert "unknown claim 'F77'" in capsys.readouterr().err


def test_near_misses_are_told_what_is_meant(capsys):
    with pytest.raises(UserError, match=r"unknown scale 'Labtop'; did you mean laptop\?"):
        campaigns.is_asked_for(["Labtop"])
    for words, told in {
        ("predcit",): "unknown claim 'predcit'; did you mean predict?",
        ("F3", "bugdet=2h"): "unknown setting 'bugdet'; did you mean budget=TIME?",
        ("F3", "form=runs/a"): "unknown setting 'form'; did you mean from=FOLDER?",
        ("F3", "seds=2"): "unknown setting 'seds'; did you mean seed",
    }.items():
        assert main(["ablate", "tiny", *words]) == 2
        assert told in capsys.readouterr().err


def test_words_that_would_have_no_effect_are_refused(capsys):
    for words, told in {
        ("plan", "predict"): "plan runs nothing and predict measures",
        ("predict", "executor=ray"): "predict is by this machine's speed",
        ("budget=2h", "executor=ray"): "budget=2h is by this machine's speed",
    }.items():
        assert main(["ablate", "tiny", *words]) == 2
        assert told in capsys.readouterr().err


def test_claims_are_named_in_capitals_or_not_and_each_once():
    work = campaigns.planned(["tiny", "f3", "F1", "plan", "F3"], [])
    assert [claim.id for claim in work.claims] == ["F3", "F1"]


def test_what_cannot_run_is_told_before_anything_starts(tmp_path, capsys):
    places = [f"runs_dir={tmp_path / 'runs'}", f"data_dir={tmp_path / 'data'}"]
    assert main(["ablate", "tiny", "F1", "model.hidden_size=63", *places]) == 2
    assert "hidden_size must be a multiple of num_heads, got 63" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_plan_tells_cells_and_runs_nothing(tmp_path, capsys):
    places = [f"runs_dir={tmp_path / 'runs'}", f"data_dir={tmp_path / 'data'}"]
    with_budget = ["ablate", "laptop", "F1", "plan", "budget=2h", *places]
    assert main(with_budget) == 2
    assert "budget=2h has no effect with plan; write predict" in capsys.readouterr().err
    assert main(["ablate", "laptop", "F1", "F3", "plan", "seeds=3", *places]) == 0
    said = capsys.readouterr().out
    assert "languages=30" in said
    assert "27 pretraining runs at most" in said
    header, *cells = said.partition("\nBabel")[0].splitlines()
    assert header.split() == ["cell", "claims", "scored", "seeds"]
    assert {line.split()[-1] for line in cells} == {"3"}
    assert not list(tmp_path.iterdir())


def test_a_plan_for_another_machine_says_what_is_wanting_here(tmp_path, capsys):
    places = [f"runs_dir={tmp_path / 'runs'}", f"data_dir={tmp_path / 'data'}"]
    assert main(["ablate", "paper", "F3", "plan", *places]) == 0
    said = capsys.readouterr().out
    assert "alpha=0.01" in said
    assert "it cannot run here: cell alpha=0.01 of paper: de, en, fr, ru, sw, ur, zh" in said
    assert main(["ablate", "paper", "F3", *places]) == 2
    assert "are no languages of Babel; add corpus.path=FOLDER" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_help_names_scales_and_claims(capsys):
    assert main(["ablate", "laptop", "--help"]) == 0
    said = capsys.readouterr().out
    assert "F13" in said
    assert all(len(line) <= 80 for line in said.splitlines())


@pytest.fixture
def pages(monkeypatch):
    """Return where notebooks would be executed; each stops, and so leaves no copy."""
    asked = []

    def stop(source, target, parameters):
        asked.append(target)
        raise UserError(f"{source.name} stopped: a test")

    monkeypatch.setattr(notebook_execution, "run_notebook", stop)
    return asked


@pytest.mark.slow
def test_a_study_of_a_claim_ends_in_conclusions(tmp_path, capsys, pages):
    places = [f"runs_dir={tmp_path / 'runs'}", f"data_dir={tmp_path / 'data'}", "seeds=2"]
    assert main(["ablate", "tiny", "F14", *OWN, *LEAST_NLI, *places]) == 0
    said = capsys.readouterr().out
    folder = tmp_path / "runs" / "studies-tiny"
    rows = storage.read_jsonl(folder / "conclusions.jsonl")
    assert [(row["contrast"], row["num_seeds"], row["num_languages"]) for row in rows] == [
        ("F14-heldout", 2, 7),
        ("F14-nli", 2, 6),
        ("F14-code-switched", 2, 12),
    ]
    scores = storage.read_jsonl(folder / "scores.jsonl")
    refused = [row["refused"] for row in scores if row["protocol"] == "zero-shot"]
    assert any(refused), "so short a training learns nothing"
    assert rows[0]["note"] == ""
    assert rows[1]["note"].startswith("the evaluation doctor refuses ")
    assert folder / "notebooks" / "16_results.ipynb" in pages
    assert "16_results.ipynb stopped: a test" in " ".join(said.split())
    page = (folder / "report" / "index.html").read_text("utf-8")
    assert f"<span class='verdict {rows[0]['claim_verdict']}'>" in page
    row = rows[0]
    assert "F14-heldout: a model without language embeddings" in said
    assert f"F14 as a whole: {row['claim_verdict']}" in said
    arms = {path.name for path in (folder / "arms").iterdir()}
    assert len(arms) == 4, "the scored cells have the models of the others"
    heldout = storage.read_jsonl(folder / "heldout.jsonl")
    last = {
        (r["cell"], r["seed"], r["language"]): r["bits_per_byte"] for r in heldout if r["step"] == 6
    }
    keys = {(seed, language) for _, seed, language in last}
    effects = [last["language embeddings", s, k] - last["base", s, k] + 0.01 for s, k in keys]
    assert row["effect"] == pytest.approx(sum(effects) / len(effects))
    _goes_on_from_its_tables(tmp_path, folder / "results", capsys)


def _goes_on_from_its_tables(tmp_path, tables, capsys):
    """A study elsewhere, with other places, runs nothing that the tables know; where a score is
    wanting, it trains the model for it again, and no other.
    """
    call = ["ablate", "tiny", "F14", *OWN, *LEAST_NLI, "seeds=2", f"data_dir={tmp_path / 'data'}"]
    other = tmp_path / "elsewhere" / "studies-tiny"
    capsys.readouterr()
    assert main([*call, f"runs_dir={other.parent}", f"from={tables}"]) == 0
    assert "8 of 8 runs are known from elsewhere" in capsys.readouterr().out
    for name in ("conclusions.jsonl", "heldout.jsonl", "scores.jsonl"):
        found = storage.read_jsonl(tables.parent / name)
        assert storage.read_jsonl(other / name) == found, name
    assert not (other / "arms").exists()
    assert storage.read_json(other / "provenance.json")["taken_over"]
    rows = storage.read_jsonl(tables / "scores.jsonl.gz")
    (tables / "scores.jsonl.gz").unlink()
    rest = [row for row in rows if row["finetuning"] != rows[0]["finetuning"]]
    storage.write_jsonl(tables / "scores.jsonl", rest)
    third = tmp_path / "third" / "studies-tiny"
    assert main([*call, f"runs_dir={third.parent}", f"from={tables}"]) == 0
    assert [path.name for path in (third / "arms").iterdir()] == [rows[0]["run"]]
    assert storage.read_jsonl(third / "scores.jsonl") == rows


def test_a_plan_takes_nothing_over(capsys):
    assert main(["ablate", "tiny", "plan", "from=runs/other"]) == 2
    assert "from=runs/other has no effect with plan" in capsys.readouterr().err
