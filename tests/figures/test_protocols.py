"""Protocols compared by hand: what is paired with what, over which languages, and what it says."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from xlmr_lab.figures import paper_protocols, protocols
from xlmr_lab.figures.summaries import paired

Maker = Callable[..., pl.DataFrame]

VALUES = {"zero-shot": (0.9, 0.4, 0.5), "translate-train": (0.9, 0.7, 0.7)}
"""In qaa, where the task is learned, and in qab and qac."""


def rows(values: dict[str, tuple[float, ...]] = VALUES, **also: Any) -> list[dict[str, Any]]:
    return [
        {"protocol": name, "language": key, "value": value, **also}
        for name, found in values.items()
        for key, value in zip(("qaa", "qab", "qac"), found, strict=True)
    ]


def seeds(*seconds: float) -> list[dict[str, Any]]:
    """Return scores of some seeds whose translate-train differ."""
    return [
        row
        for seed, value in enumerate(seconds)
        for row in rows({**VALUES, "translate-train": (0.9, value, value)}, seed=seed)
    ]


def test_a_difference_is_paired_by_language_and_both_seeds(made_scores: Maker) -> None:
    scores = made_scores(
        *rows(), *rows(finetune_seed=1), {"protocol": "zero-shot", "language": "qad", "value": 0.1}
    )
    found = paired(scores, "protocol", "translate-train", "zero-shot")
    assert found.height == 6  # qad has no pair
    assert dict(found.select("language", "difference").rows()) == {
        "qaa": 0.0,
        "qab": pytest.approx(0.3),
        "qac": pytest.approx(0.2),
    }


def test_the_mean_difference_leaves_out_the_language_learned_in(made_scores: Maker) -> None:
    figure = protocols.contrasts(made_scores(*rows()), task="nli")
    languages, mean = figure.data
    assert dict(zip([x[1] for x in languages.customdata], languages.x, strict=True)) == {
        "Bimatu": pytest.approx(0.3),
        "Celahi": pytest.approx(0.2),
    }
    assert list(mean.x) == [0.25]
    assert "other than Avelo" in figure.layout.title.text
    assert figure.layout.yaxis.ticktext == ("translate-train<br>\u2212 zero-shot",)


def test_an_interval_is_over_pretraining_seeds(made_scores: Maker) -> None:
    """Means 0.25, 0.15, 0.05 above zero-shot's 0.45: deviation 0.1, three seeds."""
    figure = protocols.contrasts(made_scores(*seeds(0.7, 0.6, 0.5)), task="nli")
    mean = figure.data[1]
    assert mean.x[0] == pytest.approx(0.15)
    assert mean.error_x.array[0] == pytest.approx(4.3027 * 0.1 / 3**0.5, rel=1e-3)


@pytest.mark.parametrize(
    ("seconds", "says", "above"),
    [
        ((0.70, 0.71, 0.72), "translate-train is higher", "2 of 2"),
        ((0.30, 0.31, 0.32), "translate-train is lower", "0 of 2"),
        ((0.20, 0.45, 0.75), "not told apart", "1 of 2"),
        ((0.70,), "no interval: one seed", "2 of 2"),
    ],
)
def test_what_a_difference_says_follows_from_its_interval(
    seconds: tuple[float, ...], says: str, above: str, made_scores: Maker
) -> None:
    (row,) = protocols.told(made_scores(*seeds(*seconds)), task="nli").frame.iter_rows(named=True)
    assert row["says"] == says
    assert row["languages above 0"] == above
    assert row["contrast"] == "translate-train \u2212 zero-shot"


def test_both_sides_are_in_points_and_the_papers_stand_once(made_scores: Maker) -> None:
    both = [*rows(), *rows(arm="no-pretraining")]
    frame = protocols.told(made_scores(*both), task="nli").frame
    assert frame.to_series(2)[0].startswith("+25.00")
    assert frame["in the paper, points"].to_list() == ["XLM-100 +3.8", "as above"]
    assert frame["arm"].to_list() == ["\u03b1 = 0.3", "no-pretraining"]


def test_scores_stand_by_protocol_with_the_mean_of_the_others(made_scores: Maker) -> None:
    figure = protocols.by_language(made_scores(*rows()), task="nli")
    drawn = {trace.name: list(trace.y) for trace in figure.data}
    assert drawn == {"zero-shot": [0.9, 0.4, 0.5, 0.45], "translate-train": [0.9, 0.7, 0.7, 0.7]}
    assert figure.layout.xaxis.ticktext[-1] == "mean of the others"
    assert [line.x0 for line in figure.layout.shapes] == [2.5]  # parts it from three languages
    assert "Learned in Avelo" in figure.layout.title.text


def test_arms_have_panels_of_one_scale(made_scores: Maker) -> None:
    scores = made_scores(*rows(), *rows({"zero-shot": (0.2, 0.1, 0.1)}, arm="no-pretraining"))
    figure = protocols.by_language(scores, task="nli")
    assert [note.text for note in figure.layout.annotations] == ["\u03b1 = 0.3", "no-pretraining"]
    assert figure.layout.yaxis.range == figure.layout.yaxis2.range
    assert figure.layout.yaxis.range[0] < 0.1 < 0.9 < figure.layout.yaxis.range[1]
    assert [trace.showlegend for trace in figure.data] == [True, False, True, False]


def test_selections_are_not_mixed(made_scores: Maker) -> None:
    halved = {name: tuple(x / 2 for x in values) for name, values in VALUES.items()}
    scores = made_scores(*rows(halved, selection="joint-dev"), *rows())
    plain = protocols.contrasts(scores, task="nli")
    joint = protocols.contrasts(scores, task="nli", selection="joint-dev")
    assert (plain.data[1].x, joint.data[1].x) == ((0.25,), (0.125,))
    assert "joint-dev" in joint.layout.title.text
    assert "last" not in plain.layout.title.text


NEW = [
    {"protocol": name, "language": key, "value": value}
    for name, values in (("crossed", (0.55, 0.45)), ("code-switched", (0.6, 0.8)))
    for key, value in zip(("qab", "qac"), values, strict=True)
]
"""Scores of protocols that the paper lacks, none of them in the language learned in."""


def test_protocols_that_the_paper_lacks_stand_after_its_own(made_scores: Maker) -> None:
    scores = made_scores(*NEW, *rows())
    figure = protocols.by_language(scores, task="nli")
    assert [trace.name for trace in figure.data] == [
        *("zero-shot", "translate-train", "code-switched", "crossed")
    ]
    assert list(figure.data[2].y) == [0.6, 0.8, 0.7]  # two languages, and their mean
    assert figure.layout.title.text.count("Not of the paper: code-switched, crossed") == 1
    looks = {(trace.marker.color, trace.marker.symbol) for trace in figure.data}
    assert len(looks) == 4
    plain = protocols.by_language(made_scores(*rows()), task="nli")
    assert [trace.marker.color for trace in plain.data] == [
        trace.marker.color for trace in figure.data[:2]
    ]
    assert "Not of the paper" not in plain.layout.title.text


def test_protocols_that_the_paper_lacks_are_compared_with_zero_shot(made_scores: Maker) -> None:
    frame = protocols.told(made_scores(*NEW, *rows()), task="nli").frame
    assert frame["contrast"].to_list() == [
        "translate-train \u2212 zero-shot",
        "code-switched \u2212 zero-shot",
        "crossed \u2212 zero-shot",
    ]
    assert frame["in the paper, points"].to_list()[1:] == ["not a protocol of it"] * 2
    assert [text[:6] for text in frame.to_series(2)[1:]] == ["+25.00", "+5.00\u00a0"]
    figure = protocols.contrasts(made_scores(*NEW, *rows()), task="nli")
    assert "Not of the paper: code-switched, crossed" in figure.layout.title.text
    alone = protocols.contrasts(made_scores(*NEW), task="nli")
    assert "scores of code-switched, crossed, nothing" in alone.layout.annotations[0].text


def test_a_protocol_without_the_language_learned_in_has_no_fall(made_scores: Maker) -> None:
    table = paper_protocols.drops(made_scores(*NEW, *rows()), task="nli")
    last = table.frame.filter(pl.col("where") == "here")[-2:]
    assert last["protocol"].to_list() == ["code-switched", "crossed"]
    assert [text[:5] for text in last["mean of the others"]] == ["70.00", "50.00"]
    assert last.select("learned in", "difference").rows() == [(None, None)] * 2
    assert table.frame["protocol"].to_list()[-2:] == ["code-switched", "crossed"]
    assert table.caption.endswith("Not of the paper: code-switched, crossed.")


def test_a_single_protocol_says_what_makes_others(made_scores: Maker) -> None:
    scores = made_scores(*rows({"zero-shot": VALUES["zero-shot"]}))
    figure = protocols.contrasts(scores, task="nli")
    assert not figure.data
    text = figure.layout.annotations[0].text
    assert "nli.protocols=zero-shot,translate-test,translate-train,translate-train-all" in text
    table = protocols.told(scores, task="nli").frame
    assert "scores of zero-shot" in table.to_series()[0]
    row = {"task": "ner", "metric": "span_f1", "language": "qab", "value": 0.5}
    ner = protocols.contrasts(made_scores(row), task="ner").layout.annotations[0].text
    assert "ner.protocols=zero-shot,each,all" in ner
    none = protocols.contrasts(scores, task="ner").layout.annotations[0].text
    assert "no zero-shot scores for named-entity recognition" in none
    assert not protocols.by_language(scores, task="ner").data


def test_the_papers_differences_are_recomputed_from_its_cells() -> None:
    """Of XLM-R, Table 1: the mean of 14 languages is 83.2 from translations and 80.3 without."""
    found = paper_protocols.differences("nli", "translate-train-all", "zero-shot")
    assert "XLM-R +2.9" in found
    assert "XLM-15" not in found  # one model against one for each language
    assert paper_protocols.differences("nli", "translate-train-all", "translate-train") == (
        "XLM-100 +2.7"
    )
    assert paper_protocols.differences("nli", "translate-test", "zero-shot") == ""
    assert "XLM-R +12.4" in paper_protocols.differences("ner", "each", "zero-shot")
    assert paper_protocols.differences("glue-rte", "each", "zero-shot") == ""


def test_how_far_scores_fall_stands_beside_the_papers_for_each_protocol(
    made_scores: Maker,
) -> None:
    scores = made_scores(*rows(selection="joint-dev"), *rows(selection="per-language-dev"))
    frame = paper_protocols.drops(scores, task="nli").frame
    ours = frame.filter(pl.col("where") == "here")
    assert ours.select("protocol", "#M").rows() == [
        ("zero-shot", "1"),
        ("zero-shot", "N"),
        ("translate-train", "N"),
        ("translate-train", "N"),
    ]
    assert [text[:6] for text in ours["difference"]][:1] == ["\u221245.00"]
    assert [text[:5] for text in ours["mean of the others"]][:1] == ["45.00"]
    base = frame.filter(pl.col("model") == "XLM-R Base", pl.col("protocol") == "zero-shot")
    assert base.select("learned in", "mean of the others", "difference").rows() == [
        ("85.8", "75.5", "\u221210.3")
    ]
    places = frame["protocol"].to_list()
    assert places.index("translate-train") > max(
        i for i, name in enumerate(places) if name == "zero-shot"
    )
    assert "none for question answering" in paper_protocols.drops(scores, task="qa").frame.item()
