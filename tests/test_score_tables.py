"""Our scores beside the paper's: what is compared with what, and when nothing is."""

from typing import Any

import polars as pl
import pytest

from xlmr_lab import score_tables
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import protocols
from xlmr_lab.evaluate.scores import SCORES
from xlmr_lab.paper import benchmarks
from xlmr_lab.paper.benchmarks import XNLI

SHARED = {
    "study": "s",
    "run": "r",
    "arm": "ours",
    "finetune_seed": 0,
    "task": "nli",
    "split": "test",
    "protocol": "zero-shot",
    "selection": "joint-dev",
    "metric": "accuracy",
    "num_examples": 5010,
    "question_language": "",
}


def scores(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([{**SHARED, **row} for row in rows], schema=SCORES)


def one(cells: pl.DataFrame, column: str, source: str = "ours") -> dict[str, Any]:
    rows = cells.filter(pl.col("column") == column, pl.col("source") == source)
    return rows.row(0, named=True)


def test_a_cell_is_the_mean_over_seeds_beside_the_printed_one() -> None:
    found = scores(
        {"language": "sw", "seed": 0, "value": 0.6},
        {"language": "sw", "seed": 1, "value": 0.7},
        {"language": "sw", "seed": 1, "value": 0.8, "finetune_seed": 1},
    )
    cell = one(score_tables.beside_paper(found, "xnli"), "sw")
    assert cell["value"] == pytest.approx(67.5)  # (60 + (70 + 80) / 2) / 2
    assert (cell["num_seeds"], cell["paper"]) == (2, 66.5)
    assert cell["difference"] == pytest.approx(1.0)
    assert cell["low"] < 60 < 75 < cell["high"]


def test_one_model_has_the_interval_of_its_fine_tuning_seeds() -> None:
    found = scores(
        {"language": "sw", "seed": None, "value": 0.6},
        {"language": "sw", "seed": None, "value": 0.7, "finetune_seed": 1},
    )
    cell = one(score_tables.beside_paper(found, "xnli"), "sw")
    assert (cell["num_seeds"], cell["value"]) == (2, pytest.approx(65.0))
    single = one(score_tables.beside_paper(found[:1], "xnli"), "sw")
    assert single["low"] is None
    assert single["num_seeds"] == 1


def test_the_average_is_compared_only_over_all_of_the_papers_columns() -> None:
    some = scores({"language": "sw", "seed": 0, "value": 0.5})
    cell = one(score_tables.beside_paper(some, "xnli"), "Avg")
    assert cell["paper"] is None
    assert "not the paper's columns" in cell["note"]
    whole = scores(*({"language": key, "seed": 0, "value": 0.5} for key in XNLI))
    cell = one(score_tables.beside_paper(whole, "xnli"), "Avg")
    assert (cell["paper"], cell["difference"]) == (76.2, pytest.approx(-26.2))


def test_a_baseline_stands_beside_its_own_row_of_the_paper() -> None:
    shared = {"task": "ner", "metric": "span_f1", "protocol": "each", "num_examples": 3453}
    rows = (
        {**shared, "arm": arm, "language": "en", "seed": 0, "value": 0.9}
        for arm in ("bilstm-crf", "ours")
    )
    cells = score_tables.beside_paper(scores(*rows), "ner")
    found = cells.filter(pl.col("source") == "ours", pl.col("column") == "en")
    assert dict(found.select("model", "paper").rows()) == {"bilstm-crf": 90.74, "ours": 92.25}
    named = score_tables.beside_paper(
        scores({**shared, "arm": "bilstm-crf", "language": "en", "seed": 0, "value": 0.9}),
        "ner",
        reference="mBERT",
    )
    assert one(named, "en")["paper"] == 91.97
    assert score_tables.compared_with("xnli", arm="bilstm-crf") == "XLM-R Base"


def test_other_data_are_told_and_not_compared() -> None:
    found = scores(
        {"language": "sw", "seed": 0, "value": 0.5, "num_examples": 2490},
        {"language": "qab", "seed": 0, "value": 0.5},
    )
    cells = score_tables.beside_paper(found, "xnli")
    assert one(cells, "sw")["difference"] is None
    assert one(cells, "sw")["note"] == "sw was scored on 2490 examples, the paper on 5010"
    assert one(cells, "qab")["note"] == "a language that the paper's table lacks"


def test_a_model_for_each_language_is_compared_with_the_papers_n_models() -> None:
    found = scores({"language": "sw", "seed": 0, "value": 0.5, "selection": "per-language-dev"})
    mbert = "mBERT (Devlin et al. 2018)"
    cell = one(score_tables.beside_paper(found, "xnli", reference=mbert), "sw")
    assert (cell["models"], cell["paper"]) == ("N", 50.4)
    base = one(score_tables.beside_paper(found, "xnli"), "sw")
    assert base["paper"] is None
    assert base["note"] == "the paper compares no zero-shot with N model"


def test_pairs_of_languages_stand_in_no_table_of_the_paper_and_in_none_of_its_averages() -> None:
    shared = {"seed": 0, "selection": "last"}
    plain = [{"language": key, "value": 0.5, **shared} for key in ("en", "sw")]
    mixed = [
        {"language": pair, "value": 0.9, "protocol": protocol, **shared}
        for protocol in protocols.MIXED
        for pair in ("en-sw", "sw-en")
    ]
    cells = score_tables.beside_paper(scores(*plain, *mixed), "xnli")
    assert cells.equals(score_tables.beside_paper(scores(*plain), "xnli"))
    assert one(cells, "Avg")["value"] == pytest.approx(50.0)
    alone = score_tables.beside_paper(scores(*mixed), "xnli")
    assert "ours" not in alone["source"].to_list()


def test_zero_shot_ner_is_the_papers_row_en() -> None:
    row = {"task": "ner", "metric": "span_f1", "language": "de", "num_examples": 3005}
    cell = one(score_tables.beside_paper(scores({**row, "seed": 0, "value": 0.7}), "ner"), "de")
    assert (cell["protocol"], cell["paper"]) == ("en", 69.60)


def test_every_column_of_the_paper_is_compared_on_its_own_data_alone() -> None:
    """WikiANN's German is not CoNLL's, and a dev set of the right size is no test set."""
    for name, benchmark in benchmarks.BENCHMARKS.items():
        ours = {place or "": key for key, place in score_tables.SOURCES[name].items()}
        for column in benchmark.columns:
            task, metric = ours.get(column) or ours[""]
            row = {
                "task": task,
                "metric": metric,
                "seed": 0,
                "value": 0.7,
                "split": benchmark.split,
            }
            row |= {"language": "en" if column in ours else column}
            row |= {"num_examples": benchmark.test_sizes[column]}
            other_split = "test" if benchmark.split == "dev" else "dev"
            changes = {
                "": {},
                f" examples, the paper on {benchmark.test_sizes[column]}": {"num_examples": 10_000},
                f"its {other_split} set, the paper on the {benchmark.split}": {
                    "split": other_split
                },
            }
            for told, change in changes.items():
                cell = one(score_tables.beside_paper(scores({**row, **change}), name), column)
                assert told in cell["note"], (name, column)
                assert (cell["difference"] is None) == bool(told), (name, column)


def test_machine_translated_test_sets_are_compared_where_the_paper_has_such_a_row_alone() -> None:
    found = scores(
        *(
            {"task": task, "metric": metric, "language": "de", "seed": 0, "value": 0.7}
            | {"protocol": "translate-test", "num_examples": size}
            for task, metric, size in (("qa", "f1", 4517), ("ner", "span_f1", 3005))
        )
    )
    for name in ("mlqa", "ner"):
        cell = one(score_tables.beside_paper(found, name), "de")
        assert cell["difference"] is None
        assert cell["note"] == "the paper compares no translate-test with 1 model"


def test_the_sizes_of_test_sets_are_those_of_their_files() -> None:
    assert benchmarks.BENCHMARKS["mlqa"].test_sizes == {
        **{"en": 11590, "es": 5253, "de": 4517, "ar": 5335, "hi": 4918, "vi": 5495, "zh": 5137}
    }
    assert benchmarks.BENCHMARKS["ner"].test_sizes == {
        "en": 3453,
        "nl": 5195,
        "es": 1517,
        "de": 3005,
    }


def test_an_average_is_not_compared_where_one_language_is_other_data_or_not_there() -> None:
    sizes = benchmarks.BENCHMARKS["mlqa"].test_sizes
    shared = {"task": "qa", "metric": "f1", "seed": 0, "value": 0.7}
    rows = [{**shared, "language": key, "num_examples": n} for key, n in sizes.items()]
    average = one(score_tables.beside_paper(scores(*rows), "mlqa"), "Avg")
    assert average["difference"] is not None
    more = {**shared, "language": "ru", "num_examples": 1190}
    wider = one(score_tables.beside_paper(scores(*rows, more), "mlqa"), "Avg")
    assert wider["difference"] == average["difference"]
    for change in ({"split": "dev"}, {"num_examples": 1190}, {"language": "ru"}):
        other = [*rows[:-1], {**rows[-1], **change}]
        cell = one(score_tables.beside_paper(scores(*other), "mlqa"), "Avg")
        assert cell["paper"] is None, change
        assert "not the paper's columns and data" in cell["note"]


def test_f1_and_exact_match_stand_apart() -> None:
    row = {"task": "qa", "language": "de", "seed": 0, "num_examples": 4517}
    found = scores(
        {**row, "metric": "f1", "value": 0.7}, {**row, "metric": "exact_match", "value": 0.5}
    )
    cells = score_tables.beside_paper(found, "mlqa").filter(
        pl.col("column") == "de", pl.col("source") == "ours"
    )
    assert cells["paper"].to_list() == [60.9, 46.7]


def test_questions_in_another_language_are_not_in_table_3() -> None:
    row = {"task": "qa", "metric": "f1", "language": "de", "seed": 0, "num_examples": 4517}
    found = scores(
        {**row, "value": 0.7, "question_language": "de"},
        {**row, "value": 0.1, "question_language": "en"},
    )
    assert one(score_tables.beside_paper(found, "mlqa"), "de")["value"] == pytest.approx(70.0)


def test_a_score_that_the_doctor_refuses_is_not_compared_nor_its_average() -> None:
    row = {"task": "ner", "metric": "span_f1", "value": 0.7, "num_examples": 3005}
    found = scores(*({**row, "language": "de", "seed": seed} for seed in (0, 1)))
    marks = pl.Series("refused", ["", "skew, label order"])
    cells = score_tables.beside_paper(found.with_columns(marks), "ner")
    for column in ("de", "Avg"):
        cell = one(cells, column)
        assert (cell["refused"], cell["difference"]) == ("label order, skew", None)
    assert one(cells, "de")["paper"] == 69.60
    healthy = found.with_columns(refused=pl.lit(""))
    assert one(score_tables.beside_paper(healthy, "ner"), "de")["difference"] is not None


def test_tasks_of_glue_are_columns() -> None:
    row = {"task": "glue-qnli", "split": "dev", "language": "en", "seed": 0, "num_examples": 5463}
    cells = score_tables.beside_paper(scores({**row, "value": 0.9}), "glue", reference="XLM-R")
    assert one(cells, "QNLI")["difference"] == pytest.approx(-3.8)


def test_the_average_of_glue_is_over_tasks_of_different_measures() -> None:
    sizes = dict(benchmarks.BENCHMARKS["glue"].test_sizes)
    rows = [
        {
            **{"task": task, "metric": metric, "split": "dev", "language": "en", "seed": 0},
            **{"num_examples": sizes[column], "value": 0.9 if metric == "accuracy" else 0.6},
        }
        for (task, metric), column in score_tables.SOURCES["glue"].items()
    ]
    average = one(score_tables.beside_paper(scores(*rows), "glue"), "Avg")
    assert average["value"] == pytest.approx(85.0)  # five of 90 and one of 60; MNLI counts once
    assert average["paper"] is not None
    assert average["note"] == ""


def test_an_average_over_some_tasks_of_glue_leaves_out_mismatched_mnli() -> None:
    rows = [
        {"task": task, "language": "en", "seed": 0, "value": value}
        for task, value in (("glue-mnli", 0.8), ("glue-mnli-mm", 0.1), ("glue-qnli", 0.9))
    ]
    average = one(score_tables.beside_paper(scores(*rows), "glue"), "Avg")
    assert average["value"] == pytest.approx(85.0)
    assert average["note"].startswith("mean over MNLI_m, QNLI, not the paper's")


def test_a_column_of_glue_is_of_the_language_learned_in() -> None:
    rows = ({"language": key, "value": value} for key, value in (("qaa", 0.9), ("qab", 0.5)))
    found = scores(*({"task": "glue-qnli", "seed": 0, **row} for row in rows))
    marked = found.with_columns(source=pl.col("language") == "qaa")
    assert one(score_tables.beside_paper(marked, "glue"), "QNLI")["value"] == pytest.approx(90.0)
    nli = marked.with_columns(task=pl.lit("nli"))
    columns = score_tables.beside_paper(nli, "xnli").filter(source="ours")["column"]
    assert columns.to_list() == ["qaa", "qab", "Avg"]


def test_rows_of_one_protocol_tell_how_their_step_was_chosen() -> None:
    chosen = ("last", "joint-dev", "per-language-dev")
    found = scores(
        *({"language": "sw", "seed": 0, "value": 0.5, "selection": name} for name in chosen)
    )
    cells = score_tables.beside_paper(found, "xnli").filter(column="sw")
    ours = cells.filter(source="ours")
    assert ours.select("models", "selection").rows() == list(zip("11N", chosen, strict=True))
    assert set(cells.filter(source="v2")["selection"]) == {""}


def test_simplified_chinese_stands_in_the_papers_column_of_chinese() -> None:
    cells = score_tables.beside_paper(
        scores({"language": "zh-Hans", "seed": 0, "value": 0.7}), "xnli"
    )
    assert one(cells, "zh")["paper"] is not None
    assert score_tables.compared_with("xnli") == "XLM-R Base"
    assert score_tables.compared_with("glue") == "XLM-R"


def test_both_versions_and_what_is_wrong_in_print_are_there() -> None:
    cells = score_tables.beside_paper(scores(), "xnli")
    assert set(cells["source"]) == {"v1", "v2"}
    wrong = cells.filter(pl.col("note").str.contains("cells give 70.7"))
    assert wrong["value"].to_list() == [71.3]


def test_nothing_is_drawn_from_a_task_of_another_table() -> None:
    found = scores({"task": "ner", "metric": "span_f1", "language": "de", "seed": 0, "value": 0.5})
    assert "ours" not in set(score_tables.beside_paper(found, "xnli")["source"])


def test_an_unknown_model_names_those_there_are() -> None:
    with pytest.raises(UserError, match=r"no model 'GPT' in ner; it has Lample et al\. 2016"):
        score_tables.beside_paper(scores(), "ner", reference="GPT")


def test_a_model_of_two_corpora_is_compared_by_commoncrawl() -> None:
    """Table 5 prints XLM-7 with 60.8 in sw of Wikipedia and 71.2 of CommonCrawl."""
    found = scores({"language": "sw", "seed": 0, "value": 0.7})
    cell = one(score_tables.beside_paper(found, "mono_multi"), "sw")
    assert (cell["paper"], cell["difference"]) == (71.2, pytest.approx(-1.2))
