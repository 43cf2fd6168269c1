"""The plan of models and cells: `pytest tests/evaluate/test_protocols.py`."""

import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.protocols import Cell, TaskSet, plan, text_language

SCORED = [("en", "test"), ("de", "test"), ("sw", "dev")]
TRAIN, TEST = TaskSet("train", "en"), TaskSet("test", "de")


def told(models):
    """Return each model as its training sets, and the sets that it scores by protocol."""
    return [
        (
            [str(part) for part in model.train],
            [f"{cell.protocol}: {cell.scored}" for cell in model.cells],
        )
        for model in models
    ]


def test_zero_shot_by_hand():
    (model,) = plan(["zero-shot"], "en", SCORED)
    assert model.train == (TRAIN,)
    assert model.train_dev == (TaskSet("dev", "en"),)
    assert model.cells[1] == Cell("zero-shot", TEST, TaskSet("dev", "de"))
    assert [str(cell.scored) for cell in model.cells] == ["test-en", "test-de", "dev-sw"]


def test_translate_test_scores_what_was_put_into_the_training_language():
    (model,) = plan(["translate-test"], "en", SCORED[:2])
    assert told([model]) == [
        (["train-en"], ["translate-test: test-en", "translate-test: test.translated-from-de"])
    ]
    _, german = model.cells
    assert str(german.dev) == "dev.translated-from-de"
    assert german.scored.language == "de"
    assert text_language(german.scored, "en") == "en"
    assert text_language(TEST, "en") == "de"


def test_translate_train_has_a_model_for_each_language():
    assert told(plan(["translate-train"], "en", SCORED[:2])) == [
        (["train-en"], ["translate-train: test-en"]),
        (["train.translated-de"], ["translate-train: test-de"]),
    ]


def test_translate_train_all_has_one_model_of_all_languages_the_training_one_among_them():
    (model,) = plan(["translate-train-all"], "en", [("sw", "test"), ("de", "test")])
    assert [str(part) for part in model.train] == [
        "train.translated-de",
        "train-en",
        "train.translated-sw",
    ]
    assert [str(part) for part in model.train_dev] == ["dev-de", "dev-en", "dev-sw"]
    (other,) = plan(["translate-train-all"], "en", [("de", "test"), ("sw", "test")])
    assert other.train == model.train  # the order of languages changes no model


def test_each_and_all_take_the_languages_own_training_sets():
    assert told(plan(["each", "all"], "en", SCORED[:2])) == [
        (["train-en"], ["each: test-en"]),
        (["train-de"], ["each: test-de"]),
        (["train-de", "train-en"], ["all: test-en", "all: test-de"]),
    ]


def test_mixed_sets_are_scored_on_the_model_of_zero_shot_each_under_its_protocol():
    mixed = [
        TaskSet("test", "en-de", "switched"),
        TaskSet("test", "de-en", "switched"),
        TaskSet("test", "en-zh-Hans", "crossed"),
    ]
    (model,) = plan(["zero-shot", "code-switched", "crossed"], "en", SCORED[:1], mixed)
    assert told([model]) == [
        (
            ["train-en"],
            [
                "zero-shot: test-en",
                "code-switched: test.switched-en-de",
                "code-switched: test.switched-de-en",
                "crossed: test.crossed-en-zh-Hans",
            ],
        )
    ]
    # no mixed set has a dev set: that of its other language stands for it
    assert [str(c.dev) for c in model.cells] == ["dev-en", "dev-de", "dev-de", "dev-zh-Hans"]
    (alone,) = plan(["crossed"], "en", [], mixed)
    assert alone.train == model.train
    assert alone.cells == model.cells[3:]


def test_the_text_of_a_mixed_set_counts_as_its_first_language():
    for form in ("switched", "crossed"):
        assert text_language(TaskSet("test", "zh-Hans-en", form), "en") == "zh-Hans"
        assert text_language(TaskSet("test", "en-zh-Hans", form), "sw") == "en"


def test_protocols_of_mixed_sets_need_such():
    with pytest.raises(UserError, match="crossed scores files of two languages, which only NLI"):
        plan(["zero-shot", "crossed"], "en", SCORED, [TaskSet("test", "en-de", "switched")])


def test_models_of_the_same_training_sets_are_one():
    everything = ["zero-shot", "translate-test", "translate-train", "translate-train-all"]
    models = plan(everything, "en", SCORED)
    assert [len(model.train) for model in models] == [1, 1, 1, 3]
    assert len({model.train for model in models}) == 4
    assert len(models[0].cells) == 3 + 3 + 1
    assert sum(len(model.cells) for model in models) == len(everything) * len(SCORED)


@pytest.mark.parametrize("first", ["zero-shot", "translate-train-all"])
def test_a_protocol_gets_the_same_models_whatever_others_there_are(first):
    alone = plan([first], "en", SCORED)
    others = plan([first, "translate-test", "translate-train"], "en", SCORED)
    for model in alone:
        (same,) = [other for other in others if other.train == model.train]
        assert [c for c in same.cells if c.protocol == first] == list(model.cells)


@pytest.mark.parametrize(
    ("protocols", "message"),
    [
        ([], "protocols must name at least one"),
        (["each", "all", "each"], "protocols names each more than once; name each once"),
    ],
)
def test_protocols_that_are_none_are_refused(protocols, message):
    with pytest.raises(UserError, match=message):
        plan(protocols, "en", SCORED)


def test_the_name_of_a_set_is_that_of_its_file():
    assert str(TaskSet("train", "sw", "translated")) == "train.translated-sw"
    assert str(TaskSet("test", "de", "", "ar")) == "test-de-asked-in-ar"
