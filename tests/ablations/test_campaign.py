"""A campaign at the least size: what cells share is made once, what fails stops no other, and a
killed one goes on.
"""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from least_campaign import LEAST

from xlmr_lab import configs, storage
from xlmr_lab.ablations import campaign, campaign_run, campaign_work, scales
from xlmr_lab.ablations.campaign import Campaign
from xlmr_lab.ablations.claims.pairs import pairs
from xlmr_lab.ablations.grid import BEST, Cell, Claim, Contrast, Scale, Term
from xlmr_lab.corpus import executors
from xlmr_lab.errors import UserError

pytestmark = pytest.mark.slow

OWN = (
    *LEAST,
    "seeds=2",
    "babel.languages=qaa,qam,qay",
    "babel.corpus_bytes=150000",
    "babel.smallest_bytes=40000",
    "tasks.nli_train=60",
    "tasks.nli_test=30",
    "tasks.ner_train=40",
    "tasks.ner_test=20",
)


def least(folder: Path) -> Scale:
    """Return the least scale."""
    scale = scales.tiny()
    places = (f"data_dir={folder / 'data'}", f"runs_dir={folder / 'runs'}")
    return dataclasses.replace(scale, base=configs.override(scale.base, [*OWN, *places]))


def claim(name: str, cells: tuple[Cell, ...]) -> Claim:
    """Return a claim that compares the first cell with the last, or one with its best step."""
    term = Term(cell=cells[0].name, language="qaa")
    with_itself = ((term, dataclasses.replace(term, outcome=BEST)),)
    with_last = pairs(cells[0].name, cells[-1].name, ["qaa"])
    return Claim(
        id=name,
        title="",
        section="",
        cells=cells,
        contrasts=(Contrast(id=name, says="", pairs=with_last if len(cells) > 1 else with_itself),),
        stand_in="",
    )


def cell(scale: Scale, name: str, *changes: str) -> Cell:
    return Cell(name=name, config=configs.override(scale.base, changes))


def _fail() -> None:
    raise ZeroDivisionError


def made(folder: Path, *claims: Claim) -> Campaign:
    return Campaign(scale=least(folder), claims=claims, folder=folder / "runs" / "own", jobs=2)


def test_what_cells_share_is_made_once(tmp_path):
    scale = least(tmp_path)
    base = cell(scale, "base")
    alpha = cell(scale, "alpha=1", "sampling.alpha=1.0")
    again = cell(scale, "alpha=0.3", "sampling.alpha=0.3")
    more = cell(scale, "vocabulary", "vocabulary.size=600")
    work = made(tmp_path, claim("F3", (base, again, alpha)), claim("F4", (base, more)))
    campaign_run.run(work)
    kinds = [path.name.rsplit("-", 1)[0] for path in (tmp_path / "data").iterdir()]
    assert kinds.count("babel") == kinds.count("measured") == kinds.count("clean") == 1
    assert kinds.count("vocabulary") == kinds.count("shards") == 2
    assert len(list((work.folder / "arms").iterdir())) == 2 * 3, "base is alpha 0.3"
    rows = storage.read_jsonl(work.folder / "heldout.jsonl")
    assert {row["cell"] for row in rows} == {"base", "alpha=1", "alpha=0.3", "vocabulary"}
    losses = {(r["cell"], r["seed"], r["step"], r["language"]): r["loss"] for r in rows}
    assert losses["base", 1, 6, "qam"] == losses["alpha=0.3", 1, 6, "qam"]
    assert not storage.read_jsonl(work.folder / "missing.jsonl")
    before = {p: p.stat().st_mtime_ns for p in (work.folder / "arms").rglob("*") if p.is_file()}
    campaign_run.run(work)
    after = {p: p.stat().st_mtime_ns for p in (work.folder / "arms").rglob("*") if p.is_file()}
    assert after == before, "a finished campaign redoes nothing"


def test_bits_per_byte_follow_from_pieces_and_bytes(tmp_path):
    scale = least(tmp_path)
    work = made(tmp_path, claim("F1", (cell(scale, "base"),)))
    campaign_run.run(work)
    (sidecar,) = (tmp_path / "data").glob("shards-*/shards.json")
    counts = storage.read_json(sidecar)["languages"]["qaa"]["heldout"]
    row = next(
        r for r in storage.read_jsonl(work.folder / "heldout.jsonl") if r["language"] == "qaa"
    )
    by_hand = row["loss"] / 0.6931471805599453 * counts["pieces"] / counts["bytes"]
    assert row["bits_per_byte"] == pytest.approx(by_hand, abs=1e-5)


def test_a_cell_that_fails_is_told_and_stops_no_other(tmp_path, caplog):
    scale = least(tmp_path)
    broken = cell(scale, "broken", "vocabulary.size=60000")
    work = made(tmp_path, claim("F4", (broken, cell(scale, "base"))))
    campaign_run.run(work)
    missing = storage.read_jsonl(work.folder / "missing.jsonl")
    assert [row["cell"] for row in missing] == ["broken"]
    assert "cell broken failed" in caplog.text
    rows = storage.read_jsonl(work.folder / "heldout.jsonl")
    assert {row["cell"] for row in rows} == {"base"}


def test_cells_of_one_name_must_be_one(tmp_path):
    scale = least(tmp_path)
    one, other = cell(scale, "base"), cell(scale, "base", "sampling.alpha=1.0")
    work = made(tmp_path, claim("F3", (one,)), claim("F4", (other,)))
    with pytest.raises(UserError, match=r"F4: another claim has a cell 'base' too"):
        campaign.require(work)


def test_a_cell_compared_with_one_of_the_same_settings_is_refused(tmp_path):
    scale = least(tmp_path)
    cells = (cell(scale, "base"), cell(scale, "told", "seed=0"))
    with pytest.raises(UserError, match=r"^F14 compares 'base' with 'told', which have the same"):
        campaign.require(made(tmp_path, claim("F14", cells)))


def test_text_and_tasks_that_cannot_be_known_are_refused(tmp_path):
    scale = least(tmp_path)
    for changes, told in {
        ("corpus.languages=qaa,qam",): "name Babel's with babel.languages=",
        ("corpus.languages=en",): "en are no languages of Babel",
        (f"corpus.path={tmp_path}",): "corpus.languages must name the languages of",
        (f"corpus.path={tmp_path}", "corpus.languages=en"): "it is scored on nli; add nli.path=",
    }.items():
        one = dataclasses.replace(cell(scale, "own", *changes), evaluated=True)
        with pytest.raises(UserError, match=told):
            campaign.require(made(tmp_path, claim("F8", (one,))))


def test_a_run_that_was_killed_has_no_time(tmp_path):
    place = tmp_path / "times" / "run.json"
    campaign_work._run_timed(int, {}, place)
    assert storage.read_json(place)["seconds"] >= 0
    with pytest.raises(ZeroDivisionError):
        campaign_work._run_timed(_fail, {}, place)
    campaign_work._run_timed(int, {}, place)
    assert storage.read_json(place)["seconds"] is None, "its first part is not known"
    assert [path.name for path in place.parent.iterdir()] == ["run.json"]


def test_a_killed_campaign_goes_on(tmp_path):
    """What was killed by SIGKILL ends with the numbers of one that was not, and with the runs
    that were finished as they were."""
    script = (
        "import sys; from pathlib import Path; from xlmr_lab.ablations import campaign_run;"
        "sys.path[:0] = [sys.argv[2], str(Path(sys.argv[2]).parent)];"
        "import test_campaign as t; folder = Path(sys.argv[1]); scale = t.least(folder);"
        "cells = (t.cell(scale, 'base'), t.cell(scale, 'alpha', 'sampling.alpha=1.0'));"
        "campaign_run.run(t.made(folder, t.claim('F3', cells)))"
    )
    here = str(Path(__file__).parent)
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    for folder in (killed, whole):
        folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(killed), here], start_new_session=True
    )
    finals = killed / "runs" / "own" / "arms"
    deadline = time.monotonic() + 120
    while not list(finals.glob("*/checkpoints/step-00000006")) and time.monotonic() < deadline:
        time.sleep(0.05)
        if process.poll() is not None:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    kept = {p: p.stat().st_mtime_ns for p in finals.glob("*/checkpoints/step-00000006/*")}
    assert kept
    for folder in (killed, whole):
        subprocess.run([sys.executable, "-c", script, str(folder), here], check=True)
    assert all(path.stat().st_mtime_ns == time_ns for path, time_ns in kept.items())
    ours, theirs = (
        storage.read_jsonl(f / "runs" / "own" / "heldout.jsonl") for f in (killed, whole)
    )
    assert ours == theirs


def test_rays_tasks_and_processes_give_the_same_rows(tmp_path):
    try:
        executors.join_cluster()
    except UserError as error:
        pytest.skip(str(error))
    for executor in ("local", "ray"):
        scale = least(tmp_path / executor)
        cells = (cell(scale, "base"), cell(scale, "broken", "vocabulary.size=60000"))
        work = made(tmp_path / executor, claim("F4", cells))
        campaign_run.run(dataclasses.replace(work, executor=executor))
    local, ray = (tmp_path / name / "runs" / "own" for name in ("local", "ray"))
    rows = storage.read_jsonl(local / "heldout.jsonl")
    assert rows == storage.read_jsonl(ray / "heldout.jsonl")
    assert len({row["seed"] for row in rows}) == 2


def test_runs_go_by_seed_and_a_run_that_two_cells_share_is_one(tmp_path):
    scale = least(tmp_path)
    base, alpha = cell(scale, "base"), cell(scale, "alpha=1", "sampling.alpha=1.0")
    again = dataclasses.replace(cell(scale, "again"), evaluated=True)
    work = made(tmp_path, claim("F3", (base, alpha, again)))
    found = campaign_work.everything(work, campaign.prepare(work, []))
    arms = [(one.seed, one.cells) for one in found if one.kind == "pretraining"]
    shared = ("base", "again")
    assert arms == [(0, shared), (0, ("alpha=1",)), (1, shared), (1, ("alpha=1",))]
    tuned = [(one.seed, one.of.runs.task) for one in found if one.kind == "fine-tuning"]
    assert tuned == [(0, "nli"), (0, "ner"), (1, "nli"), (1, "ner")]
    assert not campaign_work.waiting(found, "fine-tuning"), "there is no checkpoint yet"
