"""Retrieval of translations: `pytest tests/evaluate/test_retrieval.py`."""

from pathlib import Path

import numpy as np
import pytest
import torch

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import retrieval
from xlmr_lab.evaluate.aligned_sentences import read_tatoeba
from xlmr_lab.evaluate.retrieval import RetrievalConfig, accuracy, run, score
from xlmr_lab.evaluate.sentence_vectors import embed
from xlmr_lab.model.encoder import Encoder, EncoderConfig

TATOEBA = Path(__file__).parents[3] / "shared" / "data" / "retrieval" / "tatoeba"
CSLS = RetrievalConfig(similarity="csls", neighbours=2)
MARGIN = RetrievalConfig(similarity="margin", neighbours=2)


def values(rows, metric, language, layer):
    return [
        row.value
        for row in rows
        if (row.metric, row.language) == (metric, language)
        and row.protocol.startswith(f"mean-layer-{layer}")
    ]


def test_accuracy_by_hand():
    ours = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    theirs = np.array([[5.0, 0.1], [2.0, 2.1], [0.0, 3.0]])
    assert accuracy(ours, theirs) == (1 / 3, 0)
    assert accuracy(ours, theirs[[0, 2, 1]]) == (1.0, 0)


def test_length_makes_no_difference():
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(size=(2, 20, 4))
    scale = rng.uniform(0.1, 10, size=(20, 1))
    assert accuracy(ours, theirs * scale) == accuracy(ours, theirs)


def test_equally_near_sentences_share_the_credit():
    ours = np.eye(2)[[0, 0, 1, 1]]
    assert accuracy(ours, ours) == (0.5, 4)
    same = np.ones((10, 3))
    assert accuracy(same, same) == (pytest.approx(0.1), 10)
    zeros = np.zeros((10, 3))
    assert accuracy(zeros, zeros) == (pytest.approx(0.1), 10)
    rounded = same + np.random.default_rng(0).normal(size=same.shape) * 1e-7
    assert accuracy(rounded, same) == (pytest.approx(0.1), 10)


def test_a_tie_without_the_translation_is_wrong():
    ours = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    theirs = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    assert accuracy(ours, theirs).num_tied == 1
    assert accuracy(ours, theirs).value == 0.0


def hub():
    """Return sentences of which the last is near to everything, and so hides the others."""
    angles = np.radians([0, 40, 80])
    ours = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    turned = np.radians([-30, 40, 110])
    theirs = np.stack([np.cos(turned), np.sin(turned)], axis=1)
    return ours, theirs


def by_hand(ours, theirs, similarity, k):
    """Return the accuracy by the formulas, one pair at a time."""
    unit = [[row / np.linalg.norm(row) for row in side] for side in (ours, theirs)]

    def near(row, side):
        return np.mean(sorted(float(row @ other) for other in side)[-k:])

    found = 0
    for i, x in enumerate(unit[0]):
        scores = []
        for y in unit[1]:
            cosine, a, b = float(x @ y), near(x, unit[1]), near(y, unit[0])
            scores.append(2 * cosine - a - b if similarity == "csls" else cosine / (a / 2 + b / 2))
        found += int(np.argmax(scores) == i)
    return found / len(ours)


@pytest.mark.parametrize("config", [CSLS, MARGIN])
def test_csls_and_margin_are_their_formulas(config):
    rng = np.random.default_rng(1)
    differs = 0
    for _ in range(20):
        ours = rng.normal(size=(15, 4)) + 2
        theirs = ours + rng.normal(size=ours.shape)
        found = accuracy(ours, theirs, config).value
        assert found == pytest.approx(by_hand(ours, theirs, config.similarity, 2))
        differs += found != accuracy(ours, theirs).value
    assert differs > 5


def test_csls_takes_from_a_sentence_that_is_near_to_everything():
    hub = np.array([1.0, 1.0, 1.0])
    ours = np.eye(3) + 0.5
    theirs = np.array([[2.0, 1.0, 1.0], [1.0, 1.6, 1.0], hub])
    ours[2] = hub + np.array([0, 0, 0.3])
    ours[1] = [1.0, 1.25, 1.0]
    assert accuracy(ours, theirs).value == pytest.approx(2 / 3)
    assert accuracy(ours, theirs, RetrievalConfig(similarity="csls")).value == 1.0


def test_more_neighbours_than_sentences_are_all_of_them():
    ours, theirs = hub()
    some, many = (RetrievalConfig(similarity="csls", neighbours=k) for k in (3, 30))
    assert accuracy(ours, theirs, some) == accuracy(ours, theirs, many)


def test_a_margin_that_is_no_ratio_is_refused():
    with pytest.raises(UserError, match=r"not above 0 here; use similarity=csls"):
        accuracy(np.eye(2), -np.eye(2), MARGIN)


def test_vectors_that_are_not_finite_are_refused():
    broken = np.eye(3)
    broken[1, 1] = np.nan
    for pair in ((broken, np.eye(3)), (np.eye(3), broken)):
        with pytest.raises(UserError, match="vectors that are not finite"):
            accuracy(*pair)


def test_chunks_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    ours = rng.normal(size=(30, 8))
    theirs = ours + rng.normal(size=ours.shape)
    expected = [accuracy(ours, theirs, config) for config in (RetrievalConfig(), CSLS)]
    monkeypatch.setattr(retrieval, "CHUNK_ROWS", 7)
    assert [accuracy(ours, theirs, config) for config in (RetrievalConfig(), CSLS)] == expected


def test_unaligned_or_single_sentences_are_refused(encoder, tokenizer):
    with pytest.raises(UserError, match=r"at least 2 sentences in each language .*got 1 and 1"):
        accuracy(np.eye(1), np.eye(1))
    with pytest.raises(UserError, match=r"as many in each language, got 2 of en, 1 of de"):
        run(encoder, tokenizer, {"en": ["a", "b"], "de": ["a"]})
    with pytest.raises(UserError, match=r"at least 2 languages, got en"):
        run(encoder, tokenizer, {"en": ["a", "b"]})
    with pytest.raises(UserError, match=r"pivot must be one of en, de, got 'sw'"):
        run(encoder, tokenizer, {"en": ["a", "b"], "de": ["a", "b"]}, pivot="sw")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"similarity": "l2"}, "similarity must be one of cosine, margin, csls, got 'l2'"),
        ({"neighbours": 0}, "neighbours must be at least 1, got 0"),
    ],
)
def test_impossible_settings_are_refused(change, message):
    with pytest.raises(UserError, match=message):
        RetrievalConfig(**change)


def test_rows_of_all_layers_in_both_directions(encoder, tokenizer):
    sentences = {"qaa": ["ab cd", "ef", "gh ij"], "qab": ["ab cd", "ef", "gh ij"]}
    rows = run(encoder, tokenizer, sentences, pivot="qab")
    assert {row.language for row in rows} == {"qaa"}
    assert {row.question_language for row in rows} == {"qab"}
    assert {row.protocol for row in rows} == {"mean-layer-0", "mean-layer-1"}
    assert [row.metric for row in rows[:3]] == ["accuracy", "accuracy_to", "accuracy_from"]
    assert {(row.task, row.num_examples, row.finetune_seed) for row in rows} == {
        ("retrieval", 3, None)
    }
    assert {row.value for row in rows} == {1.0}
    everywhere = run(encoder, tokenizer, {**sentences, "qac": ["ab cd", "gh ij", "ef"]})
    pairs = {(row.language, row.question_language) for row in everywhere}
    assert len(pairs) == 6
    assert values(everywhere, "accuracy", "qac", 0) == [pytest.approx(1 / 3)] * 2


def test_directions_are_told_apart():
    sides = {
        "qaa": np.array([[[1.0, 0.0], [0.9, 0.1]]]),
        "qab": np.array([[[1.0, 0.0], [0.0, 1.0]]]),
    }
    rows = score(sides, config=RetrievalConfig(), pivot="qab")
    assert {row.metric: row.value for row in rows} == {
        "accuracy": 0.75,
        "accuracy_to": 0.5,  # both of qaa find the first of qab
        "accuracy_from": 1.0,
    }


def test_centring_takes_out_what_a_language_has_in_common():
    rng = np.random.default_rng(0)
    ours = rng.normal(size=(1, 40, 8))
    sides = {"qaa": ours, "qab": ours + 0.1 * rng.normal(size=ours.shape) + 30 * np.eye(8)[0]}
    (plain, *_), (centred, *_) = (
        score(sides, config=RetrievalConfig(centred=centred), pivot="qab")
        for centred in (False, True)
    )
    assert plain.value < 0.5
    assert (centred.value, centred.protocol) == (1.0, "mean-layer-0-centred")


def test_specials_are_taken_in_where_that_is_asked_for(encoder, tokenizer):
    sentences = {"qaa": ["ab cd", "ef"], "qab": ["ab", "gh"]}
    rows = run(encoder, tokenizer, sentences, config=RetrievalConfig(specials=True))
    expected = {
        key: embed(encoder, tokenizer, own, key, specials=True).vectors
        for key, own in sentences.items()
    }
    assert rows == score(expected, config=RetrievalConfig(specials=True))
    assert rows[0].protocol == "mean-layer-0-specials"


@pytest.mark.real
@pytest.mark.skipif(not TATOEBA.is_dir(), reason=f"no Tatoeba at {TATOEBA}")
def test_real_sentences_find_their_translations_no_less_than_by_chance(tokenizer):
    """Names and numbers are alike in both, and so is length: an untrained encoder sees those."""
    config = EncoderConfig(num_layers=2, hidden_size=32, num_heads=2, ffn_size=64, max_tokens=64)
    encoder = Encoder(config, tokenizer.size, generator=torch.Generator().manual_seed(0))
    for language in ("fra", "nld"):
        rows = run(encoder, tokenizer, read_tatoeba(TATOEBA, language), pivot="en")
        assert len(rows) == 9
        assert all(row.value > 2 / row.num_examples for row in rows if row.metric == "accuracy")
