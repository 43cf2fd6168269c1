"""What a campaign will take is measured once for each shape, told beside what it took, and kept to
a budget.
"""

import dataclasses
from pathlib import Path

import pytest
from least_campaign import LEAST

from xlmr_lab import configs, storage
from xlmr_lab.ablations import campaign_run, claim_seeds, jobs, scales
from xlmr_lab.ablations.campaign import Campaign
from xlmr_lab.ablations.claims.pairs import pairs
from xlmr_lab.ablations.grid import Cell, Claim, Contrast, Scale
from xlmr_lab.errors import UserError

OWN = (
    *LEAST,
    "seeds=3",
    "babel.languages=qaa,qam,qay",
    "babel.corpus_bytes=150000",
    "babel.smallest_bytes=40000",
    "tasks.ner_train=40",
    "tasks.ner_dev=20",
    "tasks.ner_test=20",
    "ner.seeds=1",
    "ner.finetune.passes=0",
    "ner.finetune.steps=4",
    "evaluated=ner",
)


def least(folder: Path) -> Scale:
    scale = scales.tiny()
    places = (f"data_dir={folder / 'data'}", f"runs_dir={folder / 'runs'}")
    return dataclasses.replace(scale, base=configs.override(scale.base, [*OWN, *places]))


def claim(scale: Scale, name: str, *changes: str, evaluated: bool = False) -> Claim:
    """Return a claim that compares a changed cell with the base."""
    cells = (
        Cell(name="base", config=scale.base, evaluated=evaluated),
        Cell(name=name, config=configs.override(scale.base, changes)),
    )
    contrast = Contrast(id=name, says="", pairs=pairs("base", name, ["qaa"]))
    return Claim(id=name, title="", section="", cells=cells, contrasts=(contrast,), stand_in="")


def made(folder: Path, *claims: str) -> Campaign:
    scale = least(folder)
    changed = {
        "alpha": claim(scale, "alpha", "sampling.alpha=1.0", evaluated=True),
        "wide": claim(scale, "wide", "model.hidden_size=32"),
    }
    own = tuple(changed[name] for name in claims)
    return Campaign(scale=scale, claims=own, folder=folder / "runs" / "own", jobs=2)


def test_a_limited_campaign_has_fewer_seeds_in_every_cell(tmp_path):
    work = made(tmp_path, "alpha", "wide").limited(["wide"], 2)
    assert [one.id for one in work.claims] == ["wide"]
    assert {cell.config.seeds for cell in work.cells()} == {work.scale.base.seeds} == {2}


@pytest.mark.slow
def test_each_shape_is_measured_once_and_told_beside_what_was_taken(tmp_path):
    work = campaign_run.ready(made(tmp_path, "alpha", "wide"), measured=True)
    folder = work.campaign.folder
    shapes = {path.name for path in (folder / "measured").iterdir() if ".beside" not in path.name}
    assert len(shapes) == 3, "two widths and a task; alpha makes no difference"
    assert len(work.work) == 3 * 3 + 3
    assert set(work.predicted) == {one.name for one in work.work}
    predicted, taken = work.seconds, campaign_run.finish(work)
    assert predicted > 0
    rows = storage.read_jsonl(folder / "costs.jsonl")
    assert {row["kind"] for row in rows} == {"pretraining", "fine-tuning"}
    assert all(row["predicted_seconds"] > 0 and row["seconds"] > 0 for row in rows)
    assert sum(row["seconds"] for row in rows) < 2 * taken + 1, "on two workers"
    again = campaign_run.ready(made(tmp_path, "alpha", "wide"))
    assert again.seconds == 0, "what was measured is known, and nothing waits"
    assert again.predicted == work.predicted


@pytest.mark.slow
def test_a_file_that_cannot_be_read_is_told_before_anything_is_trained(tmp_path):
    tasks = tmp_path / "tasks"
    tasks.mkdir()
    (tasks / "train-qaa.tsv").write_text("x\tB-PER\n")
    (tasks / "test-qam.tsv").write_text("x\tB-PER\n\ny\tPER\n")
    scale = least(tmp_path)
    own = dataclasses.replace(
        scale,
        base=configs.override(
            scale.base,
            [f"ner.path={tasks}", "ner.train_language=qaa", "ner.finetune.selections=last"],
        ),
    )
    tested = (claim(own, "alpha", "sampling.alpha=1.0", evaluated=True),)
    folder = tmp_path / "runs" / "own"
    work = Campaign(scale=own, claims=tested, folder=folder, jobs=2)
    with pytest.raises(UserError, match=r"test-qam.tsv.*3.*PER"):
        campaign_run.ready(work)
    assert not (folder / "arms").exists()


@pytest.mark.slow
def test_a_budget_is_kept_to(tmp_path):
    whole = made(tmp_path, "wide", "alpha")
    more = claim_seeds.given(whole.claims, {"wide": 4})
    given = campaign_run.within(dataclasses.replace(whole, claims=more), 86_400.0)
    assert [one.id for one in given.campaign.claims] == ["wide", "alpha"]
    assert given.campaign.scale.base.seeds == 3
    seeds = {cell.name: cell.config.seeds for cell in given.campaign.cells()}
    assert seeds == {"base": 4, "wide": 4, "alpha": 3}
    with pytest.raises(UserError, match=r"more for wide alone with 2 seeds, 0s are left"):
        campaign_run.within(whole, 0.5)
    assert not (whole.folder / "arms").exists()
    assert not (whole.folder / "campaign.json").exists(), "nothing was run"


@pytest.mark.slow
def test_a_budget_is_not_kept_where_a_run_could_not_be_measured(tmp_path, monkeypatch):
    def broken(*args, **kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr(jobs, "run", broken)
    with pytest.raises(UserError, match=r"no budget can be kept: 6 runs, the first of them alpha"):
        campaign_run.within(made(tmp_path, "wide"), 86_400.0)
