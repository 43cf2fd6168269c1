"""Mixed sets stand at the place of the language that was not learned in, on scores by hand."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from xlmr_lab.figures import paper_protocols, protocols
from xlmr_lab.figures.mixed_sets import by_partner

Maker = Callable[..., pl.DataFrame]


def row(protocol: str, language: str, value: float) -> dict[str, Any]:
    return {"protocol": protocol, "language": language, "value": value}


PLAIN = [row("zero-shot", key, value) for key, value in (("qaa", 0.9), ("qab", 0.4), ("qac", 0.5))]
MIXED = [
    row("code-switched", "qaa-qab", 0.7),
    row("code-switched", "qab-qaa", 0.6),
    row("code-switched", "qaa-qac", 0.9),
    row("crossed", "qac-qab", 0.1),
]


def test_a_mixed_set_has_its_partner_and_all_that_is_known_of_it(made_scores: Maker) -> None:
    found = by_partner(made_scores(*PLAIN, *MIXED))
    told = found[3:].select("protocol", "language", "name", "size_bytes", "value").rows()
    assert sorted(told, key=lambda cells: cells[-1]) == [
        ("crossed", "qac-qab", None, None, 0.1),  # neither is learned in
        ("code-switched, qaa second", "qab", "Bimatu", 3000, 0.6),
        ("code-switched, qaa first", "qab", "Bimatu", 3000, 0.7),
        ("code-switched, qaa first", "qac", "Celahi", 2000, 0.9),
    ]


def test_scores_without_mixed_sets_are_left_as_they_are(made_scores: Maker) -> None:
    plain = made_scores(*PLAIN, row("zero-shot", "zh-Hans", 0.5))
    assert by_partner(plain).equals(plain)
    unknown = made_scores(*MIXED)  # nothing tells which language is learned in
    assert by_partner(unknown).equals(unknown)


def test_each_order_is_compared_with_zero_shot_in_the_other_language(made_scores: Maker) -> None:
    scores = made_scores(*PLAIN, *MIXED[:3])
    frame = protocols.told(scores, task="nli").frame
    assert frame["contrast"].to_list() == [
        "code-switched, qaa first \u2212 zero-shot",
        "code-switched, qaa second \u2212 zero-shot",
    ]
    points = [float(text.partition("\u00a0")[0]) for text in frame.to_series(2)]
    assert points == pytest.approx([35.0, 20.0])  # (0.3 + 0.4) / 2, and 0.2
    assert frame["languages above 0"].to_list() == ["2 of 2", "1 of 1"]
    figure = protocols.by_language(scores, task="nli")
    assert [trace.name for trace in figure.data][1:] == [
        "code-switched, qaa first",
        "code-switched, qaa second",
    ]
    assert figure.layout.xaxis.ticktext == ("Avelo", "Bimatu", "Celahi", "mean of the others")
    drops = paper_protocols.drops(scores, task="nli").frame.filter(where="here")
    assert drops["protocol"].to_list() == [
        "zero-shot",
        "code-switched, qaa first",
        "code-switched, qaa second",
    ]
