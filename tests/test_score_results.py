"""Which rows are transfer, by hand, and which stand beside the paper's."""

import polars as pl
import pytest

from xlmr_lab import score_results


def frame(*rows: tuple[str, str, str, str, str]) -> pl.DataFrame:
    return pl.DataFrame(rows, ["task", "arm", "protocol", "selection", "language"], orient="row")


def marked(frame: pl.DataFrame) -> pl.DataFrame:
    return score_results.marked(
        frame, pretrained=["alpha=0.3"], sources={"nli": "qaa", "ner": "qab"}
    )


@pytest.mark.parametrize(
    ("protocol", "trained"),
    [
        ("zero-shot", [True, False]),
        ("translate-test", [True, False]),
        ("translate-train", [True, False]),
        ("translate-train-all", [True, False]),
        ("each", [True, True]),
        ("all", [True, True]),
    ],
)
def test_a_translated_training_set_is_none_of_a_languages_own(
    protocol: str, trained: list[bool]
) -> None:
    rows = [("nli", "alpha=0.3", protocol, "last", key) for key in ("qaa", "qab")]
    found = marked(frame(*rows))
    assert found["trained"].to_list() == trained
    assert found["source"].to_list() == [True, False]


def test_each_task_has_a_source_of_its_own_and_each_arm_says_whether_it_is_pretrained() -> None:
    rows = [
        (task, arm, "zero-shot", "last", key)
        for task in ("nli", "ner")
        for key, arm in (("qaa", "alpha=0.3"), ("qab", "no-pretraining"))
    ]
    found = marked(frame(*rows))
    assert found["source"].to_list() == [True, False, False, True]
    assert found["pretrained"].to_list() == [True, False, True, False]


def test_scores_without_any_row_are_marked_as_well() -> None:
    empty = frame(("nli", "a", "zero-shot", "last", "qaa")).clear()
    found = score_results.marked(empty, pretrained=[], sources={})
    assert {"pretrained", "source", "trained"} <= set(found.columns)


def test_beside_print_stand_the_selections_of_print_and_a_model_for_each_language_once() -> None:
    rows = [
        ("nli", arm, protocol, selection, "qaa")
        for arm in ("alpha=0.3", "no-pretraining")
        for protocol in ("zero-shot", "translate-train")
        for selection in ("last", "joint-dev", "per-language-dev")
    ]
    found = score_results.as_in_print(marked(frame(*rows)))
    assert found.select("arm", "protocol", "selection").rows() == [
        ("alpha=0.3", "zero-shot", "joint-dev"),
        ("alpha=0.3", "zero-shot", "per-language-dev"),
        ("alpha=0.3", "translate-train", "per-language-dev"),
    ]


def test_where_no_dev_set_was_looked_at_the_last_step_stands_beside_print() -> None:
    rows = [("ner", "alpha=0.3", "zero-shot", "last", key) for key in ("qaa", "qab")]
    other = [("nli", "alpha=0.3", "zero-shot", name, "qaa") for name in ("last", "joint-dev")]
    found = score_results.as_in_print(marked(frame(*rows, *other)))
    assert dict(found.group_by("task", "selection").len().select("task", "len").rows()) == {
        "ner": 2,
        "nli": 1,
    }


def test_a_model_for_each_language_that_was_chosen_on_all_dev_sets_alone_stays() -> None:
    rows = frame(("nli", "alpha=0.3", "translate-train", "joint-dev", "qaa"))
    assert score_results.as_in_print(marked(rows)).height == 1
