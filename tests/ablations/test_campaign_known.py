"""Results taken over from another campaign's tables."""

import gzip

import pytest

from xlmr_lab import storage
from xlmr_lab.ablations import campaign_known
from xlmr_lab.errors import UserError

LOSS = {"run": "r1", "seed": 0, "step": 6, "language": "qaa", "loss": 3.25, "bits_per_byte": 1.5}
WORDS = {"reading": "words-r1-1", "seed": 0, "language": "qaa", "bits_per_byte": 1.7}
OF_SCORE = {"seed": 0, "finetune_seed": 1, "arm": "alpha=0.3", "task": "nli", "split": "test"}
OF_SCORE |= {"language": "qaa", "protocol": "zero-shot", "selection": "joint-dev"}
OF_SCORE |= {"run": "r1", "metric": "accuracy", "value": 0.5}
SCORE = {"finetuning": "f1"} | OF_SCORE
COST = {"name": "r1", "predicted_seconds": 3.0, "seconds": 2.5}


def write(folder, **changed):
    tables = {
        "heldout.jsonl": [{"cell": "base"} | LOSS, {"cell": "alpha=0.3"} | LOSS],
        "scores.jsonl": [{"cell": "base"} | SCORE],
        "words.jsonl": [{"cell": "base"} | WORDS, {"cell": "alpha=0.3"} | WORDS],
        "costs.jsonl": [COST],
        "cells.jsonl": [{"cell": "base"}],
        **changed,
    }
    for name, rows in tables.items():
        storage.write_jsonl(folder / name, rows)
    storage.write_json(folder / "provenance.json", {"device": "a machine"})
    return folder


def test_what_cells_share_is_known_once(tmp_path):
    campaign_known.take_over(tmp_path / "own", write(tmp_path / "other"))
    known = campaign_known.read(tmp_path / "own")
    without = {name: value for name, value in LOSS.items() if name != "run"}
    assert known.heldout == {"r1": [without]}
    assert known.scores == {"f1": [OF_SCORE]}
    assert [known.has(name) for name in ("r1", "words-r1-1", "f1", "r2")] == [True] * 3 + [False]
    assert known.words == {"words-r1-1": [{"seed": 0, "language": "qaa", "bits_per_byte": 1.7}]}
    assert known.costs == {"r1": {"predicted_seconds": 3.0, "seconds": 2.5}}
    assert campaign_known.provenances(tmp_path / "own") == [{"device": "a machine"}]


def test_what_is_handed_on_can_be_taken_over(tmp_path):
    source = write(tmp_path / "other")
    for name in ("campaign.json", "sizes.jsonl", "missing.jsonl", "conclusions.jsonl"):
        (source / name).write_text("{}\n")
    packed = campaign_known.hand_on(source)
    assert (
        gzip.decompress((packed / "heldout.jsonl.gz").read_bytes())
        == (source / "heldout.jsonl").read_bytes()
    )
    campaign_known.take_over(tmp_path / "one", source)
    campaign_known.take_over(tmp_path / "two", packed)
    assert campaign_known.read(tmp_path / "one") == campaign_known.read(tmp_path / "two")
    again = sorted(path.read_bytes() for path in packed.iterdir())
    campaign_known.hand_on(source)
    assert sorted(path.read_bytes() for path in packed.iterdir()) == again, "no time stamp"


def test_tables_of_several_machines_add_up(tmp_path):
    more = [{"cell": "base"} | LOSS | {"run": "r2"}]
    for source in (write(tmp_path / "a"), write(tmp_path / "b", **{"heldout.jsonl": more})):
        campaign_known.take_over(tmp_path / "own", source)
        campaign_known.take_over(tmp_path / "own", source)
    assert set(campaign_known.read(tmp_path / "own").heldout) == {"r1", "r2"}
    assert len(campaign_known.provenances(tmp_path / "own")) == 2


def test_tables_that_are_none_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"from=.*none has no heldout.jsonl, .*give a run folder"):
        campaign_known.take_over(tmp_path / "own", tmp_path / "none")
    nameless = [{name: value for name, value in LOSS.items() if name != "run"}]
    source = write(tmp_path / "old", **{"heldout.jsonl": nameless})
    with pytest.raises(UserError, match=r"heldout.jsonl does not say run, step"):
        campaign_known.take_over(tmp_path / "own", source)
    assert not (tmp_path / "own").exists()


def test_what_is_no_packed_table_is_refused_and_nothing_is_written(tmp_path):
    source = write(tmp_path / "broken")
    (source / "words.jsonl").unlink()
    (source / "words.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(UserError, match=r"words.jsonl.gz is not packed by gzip"):
        campaign_known.take_over(tmp_path / "own", source)
    assert not (tmp_path / "own").exists()
