"""What a task that was learned in some languages is worth in the others, drawn as it was scored."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from xlmr_lab import results
from xlmr_lab.ablations.task_sets import section
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.glue_metrics import TASK_METRICS
from xlmr_lab.figures import task_scores, transfer
from xlmr_lab.figures.summaries import FRESH
from xlmr_lab.results import Study

Maker = Callable[..., pl.DataFrame]


@pytest.fixture(scope="module")
def study(study_folder: Path) -> Study:
    return results.open_study(study_folder)


def test_scores_are_drawn_with_intervals_over_pretraining_seeds(study: Study) -> None:
    figure = transfer.by_language(study.scores(), task="nli")
    trace = figure.data[0]
    assert trace.name == "α = 0.3"
    assert trace.customdata[0][0] == "Avelo"
    part = study.scores().filter(
        (pl.col("task") == "nli") & (pl.col("arm") == "alpha=0.3") & (pl.col("language") == "qab")
    )
    assert trace.y[1] == pytest.approx(part["value"].mean(), rel=1e-4)
    means = part.group_by("seed").agg(pl.col("value").mean())["value"]
    assert trace.error_y.array[1] == pytest.approx(4.3027 * means.std() / 3**0.5, rel=1e-3)


def test_the_language_learned_in_is_no_transfer(study: Study) -> None:
    table = transfer.summary(study.scores()).frame
    own = table.filter((pl.col("task") == "nli") & (pl.col("languages") == "the one learned"))
    assert own.height == 2
    assert all(text.startswith("0.8") or text.startswith("0.9") for text in own.to_series(6))


def test_gains_are_drawn_for_pretrained_arms_only(study: Study) -> None:
    figure = transfer.gains(study.scores(), task="ner")
    assert [trace.name for trace in figure.data] == ["α = 0.3"]
    assert len(figure.data[0].y) == 12


def test_intervals_of_scores_end_at_the_bounds_and_the_figure_says_so(study: Study) -> None:
    scores = study.scores().filter((pl.col("task") == "nli") & (pl.col("arm") == "alpha=0.3"))
    assert "cut" not in transfer.by_language(scores, task="nli").layout.title.text
    high = scores.with_columns(value=pl.lit(0.9) + 0.05 * (pl.col("seed") - 2))
    figure = transfer.by_language(high, task="nli")
    assert figure.data[0].error_y.array[0] == pytest.approx(0.1)
    assert figure.data[0].error_y.arrayminus[0] > 0.12
    assert "Intervals cut at 0 and 1" in figure.layout.title.text
    table = transfer.summary(high)
    assert "1.00]" in table.frame.to_series(6)[0]
    assert "cut at 0 and 1" in table.caption


def test_scores_of_several_selections_are_not_mixed(study: Study) -> None:
    scores = study.scores().filter(pl.col("task") == "nli")
    other = scores.with_columns(pl.lit("joint-dev").alias("selection"), value=pl.col("value") / 2)
    both = pl.concat([other, scores])
    plain = transfer.by_language(scores, task="nli")
    assert transfer.by_language(both, task="nli").to_dict() == plain.to_dict()
    joint = transfer.by_language(both, task="nli", selection="joint-dev")
    assert joint.data[0].y[1] == pytest.approx(plain.data[0].y[1] / 2, abs=1e-3)
    assert "zero-shot, joint-dev" in joint.layout.title.text
    assert transfer.by_language(other, task="nli").data[0].y == joint.data[0].y
    halved = [value / 2 for value in transfer.gains(scores, task="nli").data[0].y]
    found = transfer.gains(both, task="nli", selection="joint-dev").data[0].y
    assert list(found) == pytest.approx(halved, abs=1e-3)
    assert transfer.summary(both).frame.height == 2 * transfer.summary(scores).frame.height
    with pytest.raises(UserError, match="selection must be one of joint-dev, last, got 'best'"):
        transfer.gains(both, task="nli", selection="best")


def test_a_task_without_scores_says_what_makes_them(study: Study) -> None:
    scores = study.scores().filter(pl.col("task") == "ner")
    figure = transfer.by_language(scores, task="nli")
    assert not figure.data
    assert "no zero-shot scores" in figure.layout.annotations[0].text
    assert "evaluated=nli" in figure.layout.annotations[0].text
    assert "evaluated=glue" in transfer.gains(scores, task="glue-rte").layout.annotations[0].text
    assert "none" in transfer.summary(scores.clear()).frame.item()
    with pytest.raises(UserError, match=r"task must be one of nli, ner, qa, .*, got 'nil'"):
        transfer.by_language(study.scores(), task="nil")


QA: dict[str, Any] = {"task": "qa", "metric": "f1"}


def test_question_answering_is_f1_of_questions_in_the_language_of_their_context(
    made_scores: Maker,
) -> None:
    scores = made_scores(
        {**QA, "language": "qaa", "value": 0.8},
        {**QA, "language": "qab", "value": 0.4},
        {**QA, "language": "qab", "value": 0.1, "question_language": "qaa"},
        {**QA, "language": "qab", "value": 0.3, "metric": "exact_match"},
    )
    figure = transfer.by_language(scores, task="qa")
    assert list(figure.data[0].y) == [0.8, 0.4]
    assert figure.layout.yaxis.title.text == "F1"
    assert "Question answering by language" in figure.layout.title.text
    exact = transfer.by_language(scores, task="qa", metric="exact_match")
    assert list(exact.data[0].y) == [0.3]
    assert exact.layout.yaxis.title.text == "exact match"
    with pytest.raises(UserError, match="metric must be one of exact_match, f1, got 'span_f1'"):
        transfer.by_language(scores, task="qa", metric="span_f1")
    means = transfer.summary(scores).frame
    assert means.filter(pl.col("metric") == "F1").height == 2


def test_gains_in_question_answering_are_paired_without_the_other_questions(
    made_scores: Maker,
) -> None:
    rows = [
        {**QA, "language": "qab", "value": value, "arm": arm, "question_language": asked}
        for arm, value in (("alpha=0.3", 0.4), ("no-pretraining", 0.1))
        for asked in ("", "qaa")
    ]
    scores = made_scores(*rows, {**QA, "language": "qab", "value": 0.9, "arm": "bilstm-crf"})
    figure = transfer.gains(scores, task="qa")
    assert [list(trace.y) for trace in figure.data] == [[0.3]]
    assert "+0.30 (no" in figure.layout.title.text.replace("\u00a0", " ")


@pytest.mark.parametrize("task", [name for name in task_scores.TASKS if section(name) == "glue"])
def test_a_task_of_glue_is_known_by_its_first_metric(task: str, made_scores: Maker) -> None:
    first = TASK_METRICS[task.removeprefix("glue-").removesuffix("-mm")][0]  # type: ignore[index]
    assert task_scores.MEASURES.get(task, "accuracy") == first
    row = {"task": task, "metric": first, "language": "qaa", "value": 0.5}
    figure = transfer.by_language(made_scores(row), task=task)
    assert figure.layout.yaxis.title.text == task_scores.METRICS[first]
    assert task_scores.TASKS[task] in figure.layout.title.text


def test_correlations_are_cut_at_their_own_bounds(made_scores: Maker) -> None:
    row = {"task": "glue-cola", "metric": "matthews", "language": "qaa"}
    values = enumerate((-0.2, 0.1, -0.1))
    scores = made_scores(*({**row, "seed": seed, "value": value} for seed, value in values))
    figure = transfer.by_language(scores, task="glue-cola")
    assert figure.data[0].error_y.arrayminus[0] > 0.3
    assert "cut" not in figure.layout.title.text
    wide = scores.with_columns(value=pl.col("seed") - 1.0)
    assert (
        "Intervals cut at \u22121 and 1"
        in transfer.by_language(wide, task="glue-cola").layout.title.text
    )


def test_where_every_language_was_learned_from_its_own_set_nothing_is_called_transfer(
    made_scores: Maker,
) -> None:
    rows = [
        {"protocol": "all", "language": key, "arm": arm, "value": value}
        for key in ("qaa", "qab")
        for arm, value in (("alpha=0.3", 0.7), ("no-pretraining", 0.5))
    ]
    scores = made_scores(*rows)
    figure = transfer.gains(scores, task="nli", protocol="all")
    assert "Mean over all languages" in figure.layout.title.text
    assert "+0.20" in figure.layout.title.text
    drawn = transfer.by_language(scores, task="nli", protocol="all")
    assert "all languages' own training sets" in drawn.layout.title.text
    assert "stands first" not in drawn.layout.title.text
    assert set(transfer.summary(scores).frame["languages"]) == {"mean of those learned"}


def test_of_translated_training_sets_only_the_source_is_learned(made_scores: Maker) -> None:
    rows = [
        {"protocol": "translate-train", "language": key, "value": value}
        for key, value in (("qaa", 0.9), ("qab", 0.6), ("qac", 0.4))
    ]
    table = transfer.summary(made_scores(*rows)).frame
    assert table["languages"].to_list() == ["the one learned", "mean of the others"]
    assert [text[:4] for text in table.to_series(6)] == ["0.90", "0.50"]


GAINS = {"qaa": 0.5, "qab": 0.1, "qac": 0.2, "qad": 0.4}


def rows(gains: dict[str, float] = GAINS, **also: Any) -> list[dict[str, Any]]:
    return [
        {"arm": arm, "language": key, "value": 0.3 + share * gain, **also}
        for key, gain in gains.items()
        for arm, share in (("alpha=0.3", 1), ("no-pretraining", 0))
    ]


def test_a_groups_gain_is_the_mean_of_its_languages_without_the_one_learned_in(
    made_scores: Maker,
) -> None:
    """Of family one qaa is learned in; two has 0.2 and 0.4."""
    figure = transfer.gains_by_group(made_scores(*rows()), task="nli")
    panels = [note.text for note in figure.layout.annotations]
    assert panels == ["resource tier", "family", "script"]
    tier, family, script = ([round(x, 3) for x in trace.x] for trace in figure.data)
    assert (tier, family, script) == ([0.1, 0.3], [0.1, 0.3], [0.1, 0.3])
    assert figure.layout.yaxis2.ticktext == ("one (1, as Avelo)", "two (2)")
    assert figure.layout.yaxis.ticktext == ("mid (1)", "low (2)")


def test_a_grouping_of_one_group_is_left_out(made_scores: Maker) -> None:
    scores = made_scores(*rows()).with_columns(family=pl.lit("one"))
    figure = transfer.gains_by_group(scores, task="nli")
    assert [note.text for note in figure.layout.annotations] == ["resource tier", "script"]
    alike = scores.with_columns(pl.lit("Latn").alias("script"), pl.lit("equal").alias("tier"))
    figure = transfer.gains_by_group(alike, task="nli")
    assert not figure.data
    assert figure.layout.annotations[0].text == (
        "All languages but the one learned in are of one tier, family and script."
    )


def test_without_a_network_that_was_not_pretrained_it_says_so(made_scores: Maker) -> None:
    scores = made_scores(*rows()).filter("pretrained")
    figure = transfer.gains_by_group(scores, task="nli")
    assert not figure.data
    assert "evaluated=nli" in figure.layout.annotations[0].text


def test_pairs_of_languages_are_drawn_by_themselves_and_pooled_with_no_language(
    made_scores: Maker,
) -> None:
    zero = [{"language": key, "value": 0.5, "seed": s} for key in ("qaa", "qab") for s in (0, 1)]
    mixed = [
        {"language": pair, "value": value, "seed": seed, "protocol": "code-switched"}
        for pair, value in (("qaa-qab", 0.7), ("qab-qaa", 0.9))
        for seed in (0, 1)
    ]
    scores = made_scores(*zero, *mixed)
    table = transfer.summary(scores).frame
    told = {row[1:2] + row[5:6]: row[6] for row in table.rows()}
    assert told["zero-shot", "the one learned"].startswith("0.50")
    assert told["zero-shot", "mean of the others"].startswith("0.50")
    assert told["code-switched", "mean of pairs of languages"].startswith("0.80")
    assert len(told) == 3
    figure = transfer.by_language(scores, task="nli", protocol="code-switched")
    assert sorted(figure.data[0].y) == pytest.approx([0.7, 0.9])
    plain = transfer.by_language(scores, task="nli")
    assert list(plain.data[0].y) == pytest.approx([0.5, 0.5])
    gained = transfer.gains(scores, task="nli", protocol="code-switched")
    assert "no code-switched scores" in gained.layout.annotations[0].text
    fresh = [{**row, "arm": FRESH, "value": 0.4} for row in mixed]
    both = made_scores(*zero, *mixed, *fresh)
    gained = transfer.gains(both, task="nli", protocol="code-switched")
    assert sorted(gained.data[0].y) == pytest.approx([0.3, 0.5])
    groups = transfer.gains_by_group(both, task="nli", protocol="code-switched")
    assert "of one tier, family and script" in groups.layout.annotations[0].text
