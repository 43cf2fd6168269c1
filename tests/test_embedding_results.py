"""What a campaign says of models with and without language embeddings."""

import shutil

import polars as pl
import pytest

from xlmr_lab import campaign_results, embedding_results, storage
from xlmr_lab.embedding_results import OWN_GRAMMAR, WITH, WITHOUT, ZERO

OUTER = "code-switched, grammar of qaa"


@pytest.fixture(scope="module")
def tested(tested_folder):
    return campaign_results.open_campaign(tested_folder)


@pytest.fixture
def with_scores(tested_folder, tmp_path):
    """A function that returns the campaign with its scores changed."""

    def change(function):
        folder = tmp_path / "studies"
        shutil.copytree(tested_folder, folder, ignore=shutil.ignore_patterns("report"))
        rows = storage.read_jsonl(folder / "scores.jsonl")
        storage.write_jsonl(folder / "scores.jsonl", function(rows))
        return campaign_results.open_campaign(folder)

    return change


def test_models_are_told_by_their_setting(tested):
    found = dict(embedding_results.losses(tested).select("cell", "arm").unique().iter_rows())
    assert found["base"] == found["NLI switched"] == WITHOUT
    assert found["language embeddings"] == found["NLI switched, language embeddings"] == WITH


def test_switched_text_is_at_the_place_of_the_language_mixed_in(tested):
    found = embedding_results.nli(tested)
    assert set(found["kind"]) == {ZERO, OUTER, OWN_GRAMMAR}
    for kind in (ZERO, OUTER, OWN_GRAMMAR):
        own = set(found.filter(~pl.col("source"), kind=kind)["language"])
        assert own == {"qam", "qay", "qbk", "qbw", "qcu", "qds"}, kind
    tiers = dict(found.select("language", "tier").unique().iter_rows())
    assert (tiers["qam"], tiers["qds"]) == ("high", "low")


def test_the_first_language_has_the_grammar(with_scores):
    def marked(rows):
        return [row | {"value": 0.9} if row["language"] == "qaa-qam" else row for row in rows]

    found = embedding_results.nli(with_scores(marked)).filter(value=0.9)
    assert set(found["kind"]) == {OUTER}
    assert set(found["language"]) == {"qam"}


def test_sets_of_two_other_languages_are_left_out(with_scores):
    """A key that ends as the learned one's does is no pair."""

    def more(rows):
        own = [row for row in rows if row["language"] == "qaa-qam"]
        return rows + [row | {"language": key} for row in own for key in ("qam-qay", "xqaa-qam")]

    found = embedding_results.nli(with_scores(more))
    switched = set(found.filter(pl.col("kind") != ZERO)["language"])
    assert switched == {"qam", "qay", "qbk", "qbw", "qcu", "qds"}
    assert len(found.filter(kind=OUTER, language="qam")) == 2 * 3 * 2  # arms, seeds, fine-tuning


def test_the_language_that_is_learned_is_the_source(with_scores):
    def more(rows):
        own = [row for row in rows if row["protocol"] == ZERO and row["language"] == "qam"]
        return rows + [row | {"language": "qaa"} for row in own]

    found = embedding_results.nli(with_scores(more))
    assert set(found.filter("source")["language"]) == {"qaa"}
    assert set(found.filter("source")["kind"]) == {ZERO}


def test_a_campaign_without_scores_or_claim_gives_empty_frames(with_scores):
    own = with_scores(lambda rows: [])
    assert embedding_results.nli(own).is_empty()
    storage.write_jsonl(own.folder / "cells.jsonl", [])
    for frame in (embedding_results.nli(own), embedding_results.losses(own)):
        assert frame.is_empty()
        assert {"arm", "language", "seed"} <= set(frame.columns)
