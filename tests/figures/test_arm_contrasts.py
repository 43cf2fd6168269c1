"""Pretrained arms beside networks without pretraining, by hand: what is paired, what it says."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from xlmr_lab.figures import arm_contrasts

Maker = Callable[..., pl.DataFrame]

NER = {"task": "ner", "metric": "span_f1"}


def rows(arm: str, values: tuple[float, ...], **also: Any) -> list[dict[str, Any]]:
    """Return scores in qaa, where the task is learned, and in qab and qac."""
    return [
        {**NER, "arm": arm, "language": key, "value": value, **also}
        for key, value in zip(("qaa", "qab", "qac"), values, strict=True)
    ]


def three(*gained: float, **also: Any) -> list[dict[str, Any]]:
    """Return three seeds that gain so much over 0.4 in the others; in qaa 0.9 on both sides."""
    return [
        row
        for seed, one in enumerate(gained)
        for row in (
            *rows("alpha=0.3", (0.9, 0.4 + one, 0.4 + one), seed=seed, **also),
            *rows("no-pretraining", (0.9, 0.4, 0.4), seed=seed, **also),
        )
    ]


def test_both_sides_and_their_difference_stand_in_the_language_learned_in_and_the_others(
    made_scores: Maker,
) -> None:
    """In the others 0.5 and 0.6 against 0.4 and 0.2: means 0.55 and 0.3."""
    scores = made_scores(
        *rows("alpha=0.3", (0.9, 0.5, 0.6)), *rows("no-pretraining", (0.8, 0.4, 0.2))
    )
    table = arm_contrasts.told(scores, task="ner")
    learned, others = table.frame.iter_rows(named=True)
    assert learned["scored in"] == "Avelo"
    assert learned["difference"].startswith("+0.10")
    assert others["scored in"] == "others"
    one = "(s, span F1, zero-shot, \u03b1 = 0.3 against no-pretraining)"
    assert one in table.caption
    cells = [others[name][:5] for name in ("with pretraining", "without", "difference")]
    assert cells == ["0.55\u00a0", "0.30\u00a0", "+0.25"]
    assert (others["with it, it is"].replace("\u00a0", " "), others["languages above 0"]) == (
        "no interval: one seed",
        "2 of 2",
    )


@pytest.mark.parametrize(
    ("gained", "says"),
    [
        ((0.10, 0.11, 0.12), "higher"),
        ((-0.10, -0.11, -0.12), "lower"),
        ((-0.1, 0.0, 0.1), "not told apart"),
    ],
)
def test_what_a_difference_says_follows_from_its_interval(
    gained: tuple[float, ...], says: str, made_scores: Maker
) -> None:
    table = arm_contrasts.told(made_scores(*three(*gained)), task="ner")
    assert [text.replace("\u00a0", " ") for text in table.frame["with it, it is"]] == [
        "not told apart",
        says,
    ]
    assert "intervals over 3 pretraining seeds" in table.caption


def test_a_baseline_with_seeds_of_its_own_is_paired_by_their_number(made_scores: Maker) -> None:
    """A BiLSTM-CRF has one run a seed, an encoder several fine-tuning runs, which are averaged."""
    encoder = [
        row
        for seed in (0, 1)
        for run in (0, 1, 2)
        for row in rows("alpha=0.3", (0.9, 0.5 + 0.1 * run, 0.6), seed=seed, finetune_seed=run)
    ]
    crf = [
        row
        for seed in (0, 1)
        for row in rows("bilstm-crf", (0.9, 0.1, 0.1), seed=seed)
        for row in [{**row, "finetune_seed": seed}]
    ]
    table = arm_contrasts.told(made_scores(*encoder, *crf), task="ner")
    others = table.frame.row(1, named=True)
    assert "\u03b1 = 0.3 against bilstm-crf" in table.caption
    assert others["with pretraining"].startswith("0.6")
    assert others["difference"].startswith("+0.5")


def test_protocols_stand_in_the_order_of_print_and_both_baselines_in_each(
    made_scores: Maker,
) -> None:
    scores = made_scores(
        *(
            row
            for protocol in ("all", "zero-shot", "each")
            for arm in ("bilstm-crf", "no-pretraining", "alpha=0.3")
            for row in rows(arm, (0.9, 0.5, 0.5), protocol=protocol)
        )
    )
    frame = arm_contrasts.told(scores, task="ner").frame
    order = frame["protocol"].unique(maintain_order=True).to_list()
    assert order == ["zero-shot", "each", "all"]
    contrasts = frame.filter(protocol="each")["contrast"].unique(maintain_order=True).to_list()
    assert [text.partition("against ")[2] for text in contrasts] == ["bilstm-crf", "no-pretraining"]


def test_studies_and_measures_have_rows_of_their_own(made_scores: Maker) -> None:
    qa = [
        row
        for study, gained in (("one", 0.2), ("two", -0.1))
        for metric, half in (("f1", 1.0), ("exact_match", 0.5))
        for arm, value in (("alpha=0.3", 0.4 + gained), ("no-pretraining", 0.4))
        for row in rows(
            arm, (0.9, half * value, half * value), study=study, task="qa", metric=metric
        )
    ]
    frame = arm_contrasts.told(
        made_scores(*qa), task="qa", metrics=("f1", "exact_match")
    ).frame.filter(pl.col("scored in") == "others")
    found = [
        (study, measure, d[:5])
        for study, measure, d in frame.select("study", "measure", "difference").rows()
    ]
    assert found == [
        ("one", "F1", "+0.20"),
        ("one", "exact\u00a0match", "+0.10"),
        ("two", "F1", "\u22120.10"),
        ("two", "exact\u00a0match", "\u22120.05"),
    ]


def test_what_is_not_there_is_said_with_what_makes_it(made_scores: Maker) -> None:
    scores = made_scores(*rows("alpha=0.3", (0.9, 0.5, 0.6)))
    assert "scores of \u03b1 = 0.3 alone" in arm_contrasts.told(scores, task="ner").frame.item()
    none = arm_contrasts.told(scores, task="qa").frame.item()
    assert "./lab evaluate name=NEW evaluated=qa qa.protocols=zero-shot makes them" in none


def test_scores_that_the_doctor_refuses_are_told(made_scores: Maker) -> None:
    scores = made_scores(*three(0.1)).with_columns(refused=pl.lit("lost gold"))
    caption = arm_contrasts.told(scores, task="ner").caption
    assert caption.endswith("The evaluation doctor refuses 6 of 6 scores (lost gold).")


def test_a_study_without_them_is_named_below_those_of_another(made_scores: Maker) -> None:
    scores = made_scores(
        {"study": "bare", "language": "qaa", "value": 0.5},
        *rows("alpha=0.3", (0.9, 0.5, 0.6), task="qa", metric="f1"),
        *rows("no-pretraining", (0.9, 0.5, 0.6), task="qa", metric="f1"),
    )
    caption = arm_contrasts.told(scores, task="qa").caption
    assert "bare has none: ./lab evaluate name=NEW evaluated=qa" in caption
    assert "s has none" not in caption
