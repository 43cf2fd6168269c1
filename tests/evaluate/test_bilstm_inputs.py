"""What the BiLSTM-CRF sees: `pytest tests/evaluate/test_bilstm_inputs.py`."""

import random

import numpy as np
import pytest

from xlmr_lab.evaluate import bilstm_inputs
from xlmr_lab.evaluate.metrics import span_f1
from xlmr_lab.evaluate.task_files import TaggedSentences

TRAIN = TaggedSentences(
    [["ab", "in", "1990"], ["ab", "1234", "cab"], ["ab"]],
    [["B-PER", "O", "O"], ["B-LOC", "I-LOC", "I-LOC"], ["O"]],
)


def lexicon(**changes):
    return bilstm_inputs.lexicon(TRAIN, **{"scheme": "iobes", "zero_digits": True, **changes})


def batch(sentences, known, rows, **more):
    encoded = bilstm_inputs.encode(sentences, known, with_labels=True)
    return bilstm_inputs.batch(encoded, np.array(rows), **more)


def test_the_lexicon_is_that_of_the_training_set():
    known = lexicon()
    assert known.words == {"ab": 1, "in": 2, "0000": 3, "cab": 4}
    assert known.characters == {"a": 1, "b": 2, "i": 3, "n": 4, "0": 5, "c": 6}
    assert known.is_singleton.tolist() == [False, False, True, False, True]  # 0000 occurs twice
    tags = [f"{prefix}-{kind}" for kind in ("LOC", "PER") for prefix in "BIES"]
    assert known.labels == ("O", *tags)
    assert (known.num_words, known.num_characters) == (5, 7)


def test_digits_stay_and_tags_are_iob2_where_that_is_asked_for():
    known = lexicon(scheme="iob2", zero_digits=False)
    assert set(known.words) == {"ab", "in", "1990", "1234", "cab"}
    assert known.labels == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")


def test_words_with_vectors_are_known_and_no_singletons():
    known = lexicon(with_vectors=["new", "ab"])
    assert known.words["new"] == 5
    assert len(known.words) == 5
    assert not known.is_singleton[5]


def test_a_batch_by_hand():
    found = batch(TRAIN, lexicon(), [1, 2])
    assert found.words.tolist()[0] == [1, 3, 4]
    assert found.words.tolist()[1][0] == 1
    assert found.lengths.tolist() == [3, 1]
    assert found.labels.tolist()[0] == [1, 2, 3]
    assert found.labels.tolist()[1][0] == 0
    spelled = [
        ids[:size]
        for ids, size in zip(found.characters.tolist(), found.num_characters.tolist(), strict=True)
    ]
    assert [spelled[place] for place in found.forms.tolist()[0]] == [[1, 2], [5] * 4, [6, 1, 2]]
    assert spelled[found.forms[1, 0]] == [1, 2]
    assert len(spelled) == 3  # each distinct word once, and none of padding


def test_what_was_not_seen_is_unknown_and_unseen_characters_are_passed_over():
    seen = TaggedSentences([["xaxb", "yz", ""]], [["O", "O", "O"]])
    found = batch(seen, lexicon(), [0])
    assert found.words.tolist() == [[0, 0, 0]]
    spelled = found.characters[found.forms[0]].tolist()
    assert [spelled[0][:2], spelled[1][0], spelled[2][0]] == [[1, 2], 0, 0]
    assert found.num_characters[found.forms[0]].tolist() == [2, 1, 1]


def test_a_hidden_word_keeps_its_characters():
    hidden = np.array([[False, False, True], [True, False, False]])
    found, plain = batch(TRAIN, lexicon(), [1, 2], hidden=hidden), batch(TRAIN, lexicon(), [1, 2])
    assert found.words.tolist()[0] == [1, 3, 0]
    assert found.words.tolist()[1][0] == 0
    assert found.forms.tolist() == plain.forms.tolist()
    assert found.characters.tolist() == plain.characters.tolist()


def test_only_words_that_occur_once_are_unknown_in_training_as_often_as_asked_for():
    known = lexicon()
    encoded = bilstm_inputs.encode(TRAIN, known, with_labels=True)
    rows, singletons = np.array([0, 1]), known.is_singleton
    rng = np.random.default_rng(0)
    drawn = [
        bilstm_inputs.training_batch(encoded, rows, singletons, 0.5, rng).words.numpy()
        for _ in range(2000)
    ]
    unknown = (np.stack(drawn) == 0).mean(0)
    assert unknown[[0, 0, 1, 1], [0, 2, 0, 1]].tolist() == [0, 0, 0, 0]
    assert unknown[[0, 1], [1, 2]] == pytest.approx([0.5, 0.5], abs=0.05)


def test_iobes_tells_every_span_and_comes_back_whole():
    rng = random.Random(0)
    for _ in range(200):
        tags = []
        while len(tags) < 8:
            kind = rng.choice(["", "A", "B"])
            size = rng.randrange(1, 4) if kind else 1
            tags += [f"{'I' if i else 'B'}-{kind}" if kind else "O" for i in range(size)]
        made = bilstm_inputs.scheme_tags(tags, "iobes")
        assert bilstm_inputs.iob2_tags(made) == tags
        begun = sum(tag[0] == "B" for tag in tags)
        assert sum(tag[0] in "ES" for tag in made) == sum(tag[0] in "BS" for tag in made) == begun
        scores = span_f1([bilstm_inputs.iob2_tags(made)], [tags])
        assert scores.num_correct == begun
