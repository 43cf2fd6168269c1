"""The rows of a claim's cells, with the settings that the claim goes through."""

import shutil

import polars as pl
import pytest

from xlmr_lab import campaign_results, claim_results
from xlmr_lab.errors import UserError


@pytest.fixture(scope="module")
def tested(tested_folder):
    return campaign_results.open_campaign(tested_folder)


def test_a_claim_has_its_cells_in_order(tested):
    assert claim_results.cells_of(tested, "F6") == ["base", "large batch", "long"]
    assert claim_results.cells_of(tested, "F15") == ["vocabulary=1900", "adaptive softmax"]
    assert claim_results.cells_of(tested, "F99") == []


def test_rows_have_the_settings_of_their_cell(tested):
    cells = claim_results.cells_of(tested, "F3")
    frame = claim_results.by_setting(tested, cells, "sampling.alpha", "sampling.schedule")
    found = frame.select("cell", "alpha", "schedule").unique(maintain_order=True).rows()
    assert found == [
        ("alpha=0.01", 0.01, "constant"),
        ("alpha=0.3", 0.3, "constant"),
        ("alpha=0.7", 0.7, "constant"),
        ("alpha=1", 1.0, "constant"),
        ("alpha annealed", 0.7, "annealed"),
    ]
    own = tested.heldout().filter(cell="alpha=1")
    assert frame.filter(cell="alpha=1").drop("alpha", "schedule").equals(own)


def test_scores_have_them_too(tested):
    cells = claim_results.cells_of(tested, "F5")
    frame = claim_results.with_settings(tested, tested.scores(), cells, ["corpus.sources"])
    found = {tuple(row["sources"]): row["cell"] for row in frame.iter_rows(named=True)}
    assert found[("encyclopaedia",)] == "encyclopaedia"
    assert len(found) == 2


def test_an_unknown_cell_is_refused(tested):
    with pytest.raises(UserError, match="has no cell 'no such'"):
        claim_results.by_setting(tested, ["no such"], "sampling.alpha")


def test_only_constant_exponents_where_they_are_asked_for(tested):
    assert claim_results.alphas(tested)["arm"].n_unique() == 5
    constant = claim_results.alphas(tested, constant=True)
    assert constant["alpha"].unique().sort().to_list() == [0.01, 0.3, 0.7, 1.0]
    assert "alpha annealed" not in constant["arm"]


def test_a_dev_set_counts_for_a_language_without_a_test_set(tested):
    rows = claim_results.compared(tested.scores())
    language = rows["language"][0]
    split = pl.when(pl.col("language") == language).then(pl.lit("dev")).otherwise("split")
    changed = claim_results.compared(rows.with_columns(split=split))
    assert changed.drop("split").equals(rows.drop("split"))
    both = pl.concat([rows, rows.with_columns(split=pl.lit("dev"))])
    assert claim_results.compared(both).equals(rows)


def test_text_is_told_by_its_sources(tested):
    frame = claim_results.corpora(tested)
    found = dict(frame.select("arm", "cell").unique().iter_rows())
    assert found == {"all text": "NER of each", "encyclopaedia": "encyclopaedia"}
    assert frame.select("task", "protocol", "split").unique().rows() == [("ner", "each", "test")]


def test_the_dial_goes_through_text_of_one_language_alone_and_together(tested):
    frame = claim_results.text_dial(tested).filter(seed=0, language="qam")
    size = dict(tested.sizes().select("language", "size_bytes").iter_rows())["qam"]
    whole = 0.95 * size  # a twentieth is held out
    expected = {
        ("alone 30 kB of qam", "alone", 30_000),
        ("30 kB of qam", "together with others", 30_000),
        ("alone 120 kB of qam", "alone", 120_000),
        ("alone qam", "alone", whole),
        ("base", "together with others", whole),
    }
    assert set(frame.select("cell", "arm", "text_bytes").iter_rows()) == expected


def test_the_dial_has_no_language_that_no_cell_has_alone(tested):
    frame = claim_results.text_dial(tested)
    assert set(frame["language"]) == {"qaa", "qam", "qcu", "qds"}
    little = frame.filter(cell="30 kB of qam")
    assert set(little["language"]) == {"qam"}  # the others have all their text there


def test_the_dial_takes_the_best_step_of_each_run(tested):
    frame = claim_results.text_dial(tested)
    own = tested.heldout().filter(cell="alone qaa", seed=1)
    found = frame.filter(cell="alone qaa", seed=1).row(0, named=True)
    assert found["bits_per_byte"] == own["bits_per_byte"].min()
    assert found["best_step"] == own.sort("bits_per_byte")["step"][0]


def test_the_base_is_on_both_lines_of_vocabularies(tested):
    frame = claim_results.vocabularies(tested, words=False)
    frame = frame.select("line", "ids", "width").unique()
    assert sorted(frame.filter(line="constant body")["ids"]) == [500, 900, 1400, 1900]
    assert sorted(frame.filter(line="constant parameters").select("ids", "width").rows()) == [
        (500, 80),
        (1400, 64),
        (1900, 56),
    ]


def test_constant_parameters_are_nearly_that(tested):
    frame = claim_results.vocabularies(tested, words=False)
    found = frame.filter(line="constant parameters")["parameters"]
    assert max(found) < 1.1 * min(found)
    body = frame.filter(line="constant body")
    assert body.sort("ids")["parameters"].is_sorted()


@pytest.mark.parametrize("reader", [claim_results.vocabularies, claim_results.preprocessing])
def test_losses_across_vocabularies_are_of_whole_words_or_of_pieces(tested, reader):
    words, pieces = reader(tested), reader(tested, words=False)
    assert set(words["loss_of"]) == {"whole words"}
    assert "step" not in words.columns
    assert set(pieces["loss_of"]) == {"masked pieces"}
    cell = words["cell"][0]
    own = tested.words().filter(cell=cell)["bits_per_byte"].to_list()
    assert words.filter(cell=cell)["bits_per_byte"].to_list() == own


def test_what_is_cut_and_how(tested):
    frame = claim_results.preprocessing(tested)
    found = dict(frame.select("arm", "cell").unique().iter_rows())
    assert found == {"unigram on raw text": "base", "BPE on tokenized text": "tokenized BPE"}


def test_an_adaptive_softmax_scores_fewer_ids_and_has_more_weights(tested):
    frame = claim_results.softmaxes(tested)
    known = frame.select("arm", "cutoffs", "logits", "head").unique().sort("arm").rows()
    further = 570 * 16 + 950 * 4  # rows of the bands from 380 and from 950 on
    entries = 2 * (64 + 1) + 64 * 16 + 64 * 4  # an entry for each band, and what narrows
    head = 64 * 64 + 3 * 64 + 1900
    assert known == [
        ("adaptive softmax", "380, 950", 380 + 2, head + entries + further),
        ("full softmax", "", 1900, head),
    ]


def test_tokens_are_steps_of_batches(tested):
    frame = claim_results.lengths(tested).filter(cell="large batch", step=1000)
    assert set(frame["tokens"]) == {1000 * 128 * 64}
    assert set(frame["arm"]) == {"batch 128, 1500 steps"}


def test_speed_is_seconds_over_steps(tested):
    frame = claim_results.speeds(tested, "F15")
    assert set(frame["cell"]) == {"vocabulary=1900", "adaptive softmax"}
    assert frame.height == 6
    assert set(frame["step_seconds"]) == {27.5 / 1500}


def test_nothing_tested_is_no_rows_and_no_error(tested, tested_folder, tmp_path):
    folder = tmp_path / "empty"
    shutil.copytree(tested_folder, folder)
    for name in ("heldout", "words", "scores", "costs", "cells"):
        (folder / f"{name}.jsonl").write_text("")
    empty = campaign_results.open_campaign(folder)
    for reader in (
        claim_results.alphas,
        claim_results.corpora,
        claim_results.text_dial,
        claim_results.vocabularies,
        claim_results.preprocessing,
        claim_results.softmaxes,
        claim_results.lengths,
    ):
        assert reader(empty).is_empty()
    assert claim_results.speeds(empty, "F15").is_empty()
