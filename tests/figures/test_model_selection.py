"""What choosing a model for each language gains, by hand."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from xlmr_lab.figures import model_selection

Maker = Callable[..., pl.DataFrame]


def rows(**values: tuple[float, float]) -> list[dict[str, Any]]:
    return [
        {"selection": name.replace("_", "-"), "language": key, "value": value}
        for name, found in values.items()
        for key, value in zip(("qaa", "qab"), found, strict=True)
    ]


def test_every_other_way_is_compared_with_one_model_for_all(made_scores: Maker) -> None:
    found = rows(joint_dev=(0.8, 0.5), per_language_dev=(0.8, 0.6), last=(0.7, 0.5))
    figure = model_selection.differences(made_scores(*found), task="nli")
    drawn = {trace.name: list(trace.y) for trace in figure.data}
    assert drawn == {
        "one for each (#M\u00a0=\u00a0N)": pytest.approx([0.0, 0.1, 0.05]),
        "the last step": pytest.approx([-0.1, 0.0, -0.05]),
    }
    assert figure.layout.xaxis.ticktext == ("Avelo", "Bimatu", "mean of all")
    assert "+0.05" in figure.layout.title.text


def test_networks_without_pretraining_and_other_protocols_are_left_out(made_scores: Maker) -> None:
    found = rows(joint_dev=(0.8, 0.5), last=(0.7, 0.4))
    other = [row | {"arm": "no-pretraining", "value": 0.1} for row in found]
    others = [row | {"protocol": "translate-train", "value": 0.2} for row in found]
    scores = made_scores(*found, *other, *others)
    plain = model_selection.differences(made_scores(*found), task="nli")
    assert model_selection.differences(scores, task="nli").to_dict() == plain.to_dict()
    trained = model_selection.differences(scores, task="nli", protocol="translate-train")
    assert set(trained.data[0].y) == {0.0}


def test_a_study_of_one_selection_says_what_compares(made_scores: Maker) -> None:
    figure = model_selection.differences(made_scores(*rows(last=(0.7, 0.4))), task="nli")
    assert not figure.data
    text = figure.layout.annotations[0].text
    assert text.startswith("Steps were chosen by last alone")
    assert "nli.finetune.selections=last,joint-dev,per-language-dev" in text
    other = model_selection.differences(made_scores(*rows(last=(0.7, 0.4))), task="ner")
    assert "no zero-shot scores" in other.layout.annotations[0].text
