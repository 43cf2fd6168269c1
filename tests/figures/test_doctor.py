"""The doctor's verdicts as a table, and what a caption says of refused scores."""

import polars as pl
import pytest

from xlmr_lab.evaluate.doctor import records
from xlmr_lab.figures import doctor, transfer

VERDICT = {
    **{"study": "s", "run": "r", "task": "nli", "protocol": "zero-shot", "selection": "last"},
    **{"arm": "alpha=0.3", "seed": 0, "finetune_seed": 0, "set": "test-qab", "split": "test"},
    **{"language": "qab", "question_language": "", "level": "flag", "name": "truncation"},
    **{"line": "many are cut", "evidence": {"share": 0.5}},
}
LOOK = {"learning_rate": 1e-3, "step": 4, "dev": {"dev-qaa": 0.4}}
BOTH = "\u03b1 = 0.3, no-pretraining"
SEEN = {
    **{"task": "nli", "arm": "alpha=0.3", "seed": 0, "finetune_seed": 0, "train": ["train-qaa"]},
    "looks": [{**LOOK, "scores": {"test-qaa": {"accuracy": 0.5}, "test-qab": {"accuracy": 0.4}}}],
}


def frames(verdicts, seen):
    return records.doctor(verdicts), records.looks(seen)


def test_each_kind_stands_once_and_refusals_first() -> None:
    collapse = {**VERDICT, "level": "refuse", "name": "one-class collapse", "line": "all are 0"}
    rows = [
        VERDICT,
        {**VERDICT, "set": "test-qaa"},
        collapse,
        {**collapse, "arm": "no-pretraining"},
    ]
    table = doctor.table(*frames(rows, [SEEN, {**SEEN, "finetune_seed": 1}]))
    assert table.frame.rows() == [
        ("nli", "refused", "one-class collapse", 2, 1, BOTH, "test-qab: all are 0"),
        ("nli", "flagged", "truncation", 2, 2, "\u03b1 = 0.3", "test-qab: many are cut"),
    ]
    assert table.caption.startswith("4 sets of fine-tuned models were examined.")


def test_a_healthy_study_says_how_many_sets_were_examined() -> None:
    """A set that is scored at two checks is one; a second model's is another."""
    twice = {**SEEN, "looks": [*SEEN["looks"], {**SEEN["looks"][0], "step": 8}]}
    table = doctor.table(*frames([], [twice, {**SEEN, "seed": 1}]))
    assert table.frame.item() == "nothing was flagged of 4 sets examined"


def test_verdicts_of_several_studies_are_told_apart_and_their_sets_counted() -> None:
    """Models of two studies may have the same names."""
    verdicts, looks = frames([VERDICT, {**VERDICT, "study": "t"}], [SEEN])
    both = pl.concat([looks.with_columns(study=pl.lit(name)) for name in ("s", "t")])
    table = doctor.table(verdicts, both)
    assert table.frame["study"].to_list() == ["s", "t"]
    assert table.frame["times"].to_list() == [1, 1]
    assert table.caption.startswith("4 sets of fine-tuned models were examined.")


def test_a_study_without_verdicts_says_so() -> None:
    assert "keeps no verdicts" in doctor.table(*frames([], [])).frame.item()


def test_figures_and_tables_of_refused_scores_say_so(made_scores) -> None:
    rows = [
        {"language": key, "value": 0.4, "seed": seed} for key in ("qaa", "qab") for seed in (0, 1)
    ]
    scores = made_scores(*rows)
    wrong = scores.with_columns(
        refused=pl.when(pl.col("language") == "qab")
        .then(pl.lit("label order"))
        .otherwise(pl.lit(""))
    )
    told = "valuation doctor refuses 2 of 4 scores (label order)"
    assert told in transfer.summary(wrong).caption
    assert told in transfer.by_language(wrong, task="nli").layout.title.text
    assert "doctor" not in transfer.summary(scores).caption
    assert "doctor" not in transfer.summary(scores.with_columns(refused=pl.lit(""))).caption


@pytest.mark.parametrize("evidence", [{}, {"p": 0.5, "label": 1}])
def test_evidence_is_kept_whatever_numbers_it_has(evidence) -> None:
    (row,) = records.doctor([{**VERDICT, "evidence": evidence}]).to_dicts()
    assert row["evidence"].count(":") == len(evidence)
