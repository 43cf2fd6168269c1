"""GLUE-like sets: labels that follow from the events, published columns, and what simple baselines
reach, near chance where that is meant.
"""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from xlmr_lab import seeds
from xlmr_lab.babel import glue, paraphrase, question_entailment, questions, sentiment, tongues
from xlmr_lab.babel import similarity as similarities
from xlmr_lab.babel import world as worlds
from xlmr_lab.babel.glue import GlueConfig
from xlmr_lab.babel.speakers import speakers
from xlmr_lab.babel.world import NOTHING, Event
from xlmr_lab.errors import UserError

WORLD = worlds.build(0)
CODES = ("qaa", "qab", "qae")
CONFIG = GlueConfig(train=2000, dev=100, test=600)
TEXTS = {"cola": (3,), "sst2": (0,), "mrpc": (3, 4), "stsb": (7, 8), "qnli": (1, 2)}
"""Columns of the texts."""
LABELS = {"cola": 1, "sst2": 1, "mrpc": 0, "stsb": 9, "qnli": 3}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("glue")
    glue.write(place, speakers(WORLD, [tongues.grow(WORLD, c, 0) for c in CODES], 0), CONFIG)
    return place


def rows(folder: Path, name: str, split: str, code: str = "qaa") -> list[list[str]]:
    """Return the rows of a file, without its header."""
    lines = (folder / name / f"{split}-{code}.tsv").read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines[bool(glue.HEADERS[name]) :]]


def event(**parts) -> Event:
    """Return "an animal does a thing to a good thing in a place at a time", with parts changed."""
    kinds = ("action", "quality", "place", "time")
    plain = Event(
        agent=WORLD.first["animal"],
        family=NOTHING,
        object=WORLD.first["thing"],
        quantity=1,
        negated=False,
        **{kind: WORLD.first[kind] for kind in kinds},
    )
    return plain._replace(**parts)


BAD = WORLD.first["quality"] + 1


@pytest.mark.parametrize(
    ("told", "good"),
    [
        ([{}], 1),
        ([{"quality": BAD}], 0),
        ([{"negated": True}], 0),
        ([{"quality": BAD, "negated": True}], 1),
        ([{}, {"quality": BAD}, {"quality": BAD}], 0),
        ([{}, {"quality": BAD, "negated": True}, {"quality": BAD}], 1),
    ],
)
def test_sentiments_worked_by_hand(told, good) -> None:
    assert sentiment.sentiment(WORLD, [event(**parts) for parts in told]) == good


def test_sentiments_follow_from_the_events() -> None:
    items = sentiment.draw(WORLD, seeds.generator(0, "test"), 1000)
    assert [sentiment.sentiment(WORLD, events) for events, _ in items] == [y for _, y in items]
    assert Counter(label for _, label in items) == {0: 500, 1: 500}
    assert {len(events) for events, _ in items} == {1, 3}


@pytest.mark.parametrize(
    ("changed", "score"),
    [
        ({}, 5),
        ({"agent": WORLD.first["animal"] + 1}, 4),
        ({"family": WORLD.first["family_name"]}, 4),
        ({"place": WORLD.first["place"] + 1, "time": WORLD.first["time"] + 1}, 3),
    ],
)
def test_similarities_worked_by_hand(changed, score) -> None:
    assert similarities.similarity(WORLD, event(), event(**changed)) == score


def test_a_thing_of_the_same_class_counts_half() -> None:
    thing, things = WORLD.first["thing"], WORLD.concepts("thing")
    kin = next(t for t in things[1:] if WORLD.class_of[t] == WORLD.class_of[thing])
    stranger = next(t for t in things if WORLD.class_of[t] != WORLD.class_of[thing])
    assert similarities.similarity(WORLD, event(), event(object=kin)) == 4.5
    assert similarities.similarity(WORLD, event(), event(object=stranger)) == 4


def test_similarities_cover_the_scale_evenly() -> None:
    items = similarities.draw(WORLD, seeds.generator(0, "test"), 3000)
    assert [similarities.similarity(WORLD, a, b) for a, b, _ in items] == [s for *_, s in items]
    whole = Counter(int(score) for *_, score in items)
    assert all(whole[score] == pytest.approx(500, abs=60) for score in range(6))
    assert any(score % 1 for *_, score in items)


def test_paraphrases_tell_the_same_events() -> None:
    items = paraphrase.draw(WORLD, seeds.generator(0, "test"), 2000)
    for first, second, _, label in items:
        assert (set(first) == set(second)) == bool(label)
    assert Counter(label for *_, label in items) == {0: 1000, 1: 1000}
    assert paraphrase.paraphrases([event(), event(place=1)], [event(place=1), event()]) == 1
    assert paraphrase.paraphrases([event(), event(place=1)], [event(), event(place=2)]) == 0


def test_question_entailments_follow_from_the_events() -> None:
    items = question_entailment.draw(WORLD, seeds.generator(0, "test"), 2000)
    for question, said, label in items:
        assert questions.answers(question, said) == (label == "entailment")
    assert Counter(label for *_, label in items) == {"entailment": 1000, "not_entailment": 1000}


@pytest.mark.slow
@pytest.mark.parametrize("name", glue.HEADERS)
def test_files_have_the_published_columns(folder, name) -> None:
    header = (folder / name / "dev-qaa.tsv").read_text("utf-8").splitlines()[0].split("\t")
    width = len(glue.HEADERS[name]) or 4
    assert name == "cola" or header == list(glue.HEADERS[name])
    for split, count in (("train", CONFIG.train), ("dev", CONFIG.dev), ("test", CONFIG.test)):
        found = rows(folder, name, split)
        assert len(found) == count
        assert {len(row) for row in found} == {width}
        assert all(row[column].strip() for row in found for column in TEXTS[name])


@pytest.mark.parametrize("name", glue.HEADERS)
def test_languages_have_the_same_items(folder, name) -> None:
    labels = [[row[LABELS[name]] for row in rows(folder, name, "test", code)] for code in CODES]
    assert labels[0] == labels[1] == labels[2]
    texts = [[row[TEXTS[name][0]] for row in rows(folder, name, "test", code)] for code in CODES]
    assert not set(texts[0]) & set(texts[1])


@pytest.mark.parametrize("name", glue.HEADERS)
def test_no_test_item_was_trained_on(folder, name) -> None:
    trained = {tuple(row[c] for c in TEXTS[name]) for row in rows(folder, name, "train")}
    tested = {tuple(row[c] for c in TEXTS[name]) for row in rows(folder, name, "test")}
    assert not trained & tested


def features(folder: Path, name: str, split: str, words: dict[tuple[int, str], int]) -> np.ndarray:
    """Return the bag of words of each text of each item, with its length."""
    found = rows(folder, name, split)
    bags = np.zeros((len(found), len(words) + 3))
    for bag, row in zip(bags, found, strict=True):
        bag[-1] = 1
        for place, column in enumerate(TEXTS[name]):
            said = row[column].replace(".", "").replace("?", "").split()
            bag[-2 - place] = len(said) / 10
            for word in said:
                if (place, word) in words:
                    bag[words[place, word]] += 1
    return bags


def bag_of_words_accuracy(folder: Path, name: str) -> float:
    """Return the test accuracy of ridge regression on words and lengths."""
    seen = {
        (place, word)
        for row in rows(folder, name, "train")
        for place, column in enumerate(TEXTS[name])
        for word in row[column].replace(".", "").replace("?", "").split()
    }
    words = {word: number for number, word in enumerate(sorted(seen))}
    train, test = (features(folder, name, split, words) for split in ("train", "test"))
    first = rows(folder, name, "train")[0][LABELS[name]]
    truth, target = (
        np.array([row[LABELS[name]] == first for row in rows(folder, name, split)], float)
        for split in ("train", "test")
    )
    covariance = train.T @ train + 10 * np.eye(train.shape[1])
    weights = np.linalg.solve(covariance, train.T @ (2 * truth - 1))
    return float(((test @ weights > 0) == target).mean())


def test_the_baseline_learns_what_words_tell(folder) -> None:
    """The helper of the next test is no guess: sentiment is mostly in the words."""
    assert 0.65 < bag_of_words_accuracy(folder, "sst2") < 0.95


@pytest.mark.parametrize("name", ["cola", "mrpc", "qnli"])
def test_words_and_lengths_alone_stay_near_chance(folder, name) -> None:
    assert 0.42 < bag_of_words_accuracy(folder, name) < 0.58


def overlap(folder: Path, name: str, split: str) -> np.ndarray:
    """Return the share of words that the two texts of each item have in common."""
    shares = []
    for row in rows(folder, name, split):
        first, second = (
            set(row[column].replace(".", "").replace("?", "").split()) for column in TEXTS[name]
        )
        shares.append(len(first & second) / len(first | second))
    return np.array(shares)


def test_an_overlap_of_words_tells_similarity_within_a_language_only(folder) -> None:
    scores = np.array([float(row[9]) for row in rows(folder, "stsb", "test")])
    assert np.corrcoef(overlap(folder, "stsb", "test"), scores)[0, 1] > 0.9
    lengths = np.array([len(row[8].split()) for row in rows(folder, "stsb", "test")])
    assert abs(np.corrcoef(lengths, scores)[0, 1]) < 0.15


@pytest.mark.parametrize("name", ["mrpc", "qnli"])
def test_an_overlap_of_words_tells_part_of_pairs(folder, name) -> None:
    """The best threshold is well above chance and well below right."""
    shares = overlap(folder, name, "test")
    labels = [row[LABELS[name]] for row in rows(folder, name, "test")]
    same = np.array([label in ("1", "entailment") for label in labels])
    best = max(((shares >= edge) == same).mean() for edge in np.unique(shares))
    assert 0.55 < best < 0.9


def test_scrambled_texts_have_the_words_of_the_first() -> None:
    """Of the texts that tell something else, about half say the same words."""
    items = paraphrase.draw(WORLD, seeds.generator(0, "test"), 2000)
    parts = ("agent", "action", "object", "quality", "place", "time")
    same = [
        all(sorted(getattr(e, p) for e in a) == sorted(getattr(e, p) for e in b) for p in parts)
        for a, b, _, label in items
        if not label
    ]
    assert np.mean(same) == pytest.approx(0.5, abs=0.1)


def test_empty_sets_are_refused() -> None:
    with pytest.raises(UserError, match=r"tasks.glue.dev must be at least 1, got 0"):
        GlueConfig(dev=0)
