"""Scores whose sums are the same in 32 and in 64 bits.

Run with: pytest tests/vocabulary/test_exact_sums.py
"""

import random

import numpy as np

from xlmr_lab.vocabulary import model_proto
from xlmr_lab.vocabulary.exact_sums import STEP, are_exact, with_exact_scores
from xlmr_lab.vocabulary.model_proto import Kind, ModelProto, Piece
from xlmr_lab.vocabulary.settings import VocabularyConfig
from xlmr_lab.vocabulary.tokenizer import MODEL_NAME
from xlmr_lab.vocabulary.train import train


def proto(*scores: float) -> ModelProto:
    pieces = [Piece("<unk>", 0.0, Kind.UNKNOWN)]
    return ModelProto([*pieces, *(Piece(f"p{i}", s) for i, s in enumerate(scores))], b"")


def test_scores_are_rounded_to_the_step_and_nothing_else_is_changed():
    model = model_proto.write(proto(-3.1, -7.25, -12.345678))
    changed = model_proto.read(with_exact_scores(model))
    assert [p.score for p in changed.pieces] == [0.0, -3.1015625, -7.25, -12.34375]
    assert [(p.text, p.kind) for p in changed.pieces] == [
        ("<unk>", Kind.UNKNOWN),
        ("p0", Kind.NORMAL),
        ("p1", Kind.NORMAL),
        ("p2", Kind.NORMAL),
    ]
    assert are_exact(changed)
    assert not are_exact(model_proto.read(model))


def test_ranks_of_merges_stay_as_they_are():
    model = model_proto.write(proto(-0.0, -1.0, -31_999.0))
    assert with_exact_scores(model) == model


def test_the_order_of_seven_thousand_addends_makes_no_difference():
    rng = random.Random(1)
    scores = [round(rng.uniform(-17, -1) / STEP) * STEP for _ in range(7000)]
    sums = set()
    for _ in range(3):
        rng.shuffle(scores)
        total = np.float32(0)
        for score in scores:
            total += np.float32(score)
        sums.add(float(total))
    assert sums == {sum(scores)}


def test_vocabularies_of_the_lab_have_exact_scores(texts, sizes, tmp_path):
    config = VocabularyConfig(size=300, sample_bytes=50_000)
    train(texts, sizes, tmp_path, config=config, seed=1)
    assert are_exact(model_proto.read((tmp_path / MODEL_NAME).read_bytes()))
