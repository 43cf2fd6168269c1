"""Question answering: spans that decode to their answers, the same items in every language."""

import itertools
import json
from pathlib import Path

import pytest

from xlmr_lab import seeds
from xlmr_lab.babel import qa, questions, tongues
from xlmr_lab.babel import world as worlds
from xlmr_lab.babel.qa import QaConfig
from xlmr_lab.babel.speakers import speakers
from xlmr_lab.babel.translation import TranslationConfig
from xlmr_lab.babel.world import NOTHING, Event
from xlmr_lab.errors import UserError

WORLD = worlds.build(0)
CODES = ("qaa", "qab", "qae", "qag", "qdc")
TONGUES = [tongues.grow(WORLD, code, 0) for code in CODES]
CONFIG = QaConfig(train=120, dev=20, test=40)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("qa")
    qa.write(place, speakers(WORLD, TONGUES, 0), CONFIG, TranslationConfig(errors=0.4))
    return place


def read(folder: Path, name: str) -> list[dict]:
    """Return the paragraphs of a file."""
    data = json.loads((folder / f"{name}.json").read_text("utf-8"))
    assert data["version"] == "1.1"
    return [paragraph for article in data["data"] for paragraph in article["paragraphs"]]


def items(folder: Path, name: str) -> dict[str, tuple[str, dict]]:
    """Return each question of a file with its context, by its id."""
    found = [(p["context"], q) for p in read(folder, name) for q in p["qas"]]
    assert len({question["id"] for _, question in found}) == len(found)
    return {question["id"]: (context, question) for context, question in found}


def test_every_answer_is_the_text_at_its_offset(folder) -> None:
    for path in folder.iterdir():
        for context, question in items(folder, path.stem).values():
            assert question["answers"]
            for answer in question["answers"]:
                start = answer["answer_start"]
                assert context[start : start + len(answer["text"])] == answer["text"]


def test_answers_worked_by_hand() -> None:
    """Two places where a red animal did it, one where it did not."""
    tongue = tongues.grow(WORLD, "qaa", 0)
    firsts = ("action", "place", "quality")
    did = Event(
        agent=WORLD.first["animal"],
        family=NOTHING,
        object=WORLD.first["thing"],
        quantity=2,
        time=NOTHING,
        negated=False,
        **{kind: WORLD.first[kind] for kind in firsts},
    )
    events = [did._replace(negated=True), did, did._replace(time=WORLD.first["time"])]
    what = qa.Item(questions.ask(did, "object", (True, True, False)), [1, 2])
    where = qa.Item(questions.ask(did, "place", (True, True, True)), [1, 2])
    said = qa.say(tongue, qa.Context(events, [what, where]), lambda e, whole: tongue.phrases(e))
    assert said.text == " ".join(tongue.sentence(event) for event in events)
    number, noun = tongue.functions["number2"], tongue.forms[did.object]
    quality, place = tongue.forms[did.quality], tongue.forms[did.place]
    assert tongue.grammar.quality_first
    plural = f"{noun}{tongue.functions['plural']}" if tongue.grammar.plural_suffix else noun
    for start, end in said.answers[0]:
        assert said.text[start:end].startswith(f"{number} {quality} {plural}")
    assert [said.text[start:end] for start, end in said.answers[1]] == [place, place]
    assert len(said.text[: said.answers[1][0][0]].split(".")) == 2


def test_every_language_asks_the_same_of_the_same(folder) -> None:
    """Contexts of a language are the same with any language's questions, and the other way."""
    for a, b in itertools.product(CODES, CODES):
        crossed = items(folder, f"test-context-{a}-question-{b}")
        contexts = items(folder, f"test-context-{a}-question-{a}")
        asked = items(folder, f"test-context-{b}-question-{b}")
        assert list(crossed) == list(contexts) == list(asked)
        assert len(crossed) == CONFIG.test
        for name, (context, question) in crossed.items():
            assert (context, question["answers"]) == (
                contexts[name][0],
                contexts[name][1]["answers"],
            )
            assert question["question"] == asked[name][1]["question"]


def test_translations_have_the_items_of_their_originals(folder) -> None:
    for code in CODES[1:]:
        for translated, original in (
            (f"train.translated-{code}", f"train-context-{code}-question-{code}"),
            (f"dev.translated-from-{code}", "dev-context-qaa-question-qaa"),
            (f"test.translated-from-{code}", "test-context-qaa-question-qaa"),
        ):
            noisy, exact = items(folder, translated), items(folder, original)
            assert list(noisy) == list(exact)
            assert any(noisy[name][0] != exact[name][0] for name in exact)
            for name, (_, question) in noisy.items():
                assert len(question["answers"]) == len(exact[name][1]["answers"])


def test_dev_and_train_are_not_crossed(folder) -> None:
    crossed = [p.name for p in folder.glob("*-context-*") if len(set(p.stem.split("-")[2::2])) > 1]
    assert len(crossed) == len(CODES) * (len(CODES) - 1)
    assert all(name.startswith("test-") for name in crossed)


def test_only_the_first_languages_are_crossed(tmp_path) -> None:
    config = QaConfig(train=3, dev=3, test=3, crossed=2)
    qa.write(tmp_path, speakers(WORLD, TONGUES, 0), config, TranslationConfig())
    tests = {path.stem for path in tmp_path.glob("test-context-*")}
    same = {f"test-context-{code}-question-{code}" for code in CODES}
    assert tests == same | {"test-context-qaa-question-qab", "test-context-qab-question-qaa"}


def draw(count: int, known: set[qa.Fact], name: str = "test") -> list[qa.Context]:
    return qa.draw(WORLD, seeds.generator(0, name), count, QaConfig(), known)


def test_all_sentences_that_answer_give_the_one_answer_and_are_listed() -> None:
    contexts = draw(2000, set())
    twice = 0
    for context in contexts:
        for question, support in context.items:
            answering = [i for i, e in enumerate(context.events) if questions.answers(question, e)]
            assert support == answering
            given = {questions.answer(question, context.events[i]) for i in support}
            assert len(given) == 1
            twice += len(support) > 1
    assert sum(len(context.items) for context in contexts) == 2000
    assert twice > 20


def test_every_part_is_asked_for() -> None:
    parts = [questions.asked(q) for context in draw(2000, set()) for q, _ in context.items]
    assert {part: parts.count(part) > 200 for part in questions.ASKED} == dict.fromkeys(
        questions.ASKED, True
    )


def test_no_fact_of_dev_or_test_is_known_from_an_earlier_split() -> None:
    known: set[qa.Fact] = set()
    facts = []
    for name in qa.SPLITS:
        drawn = draw(1000, known, name)
        facts.append({qa.fact(context.events, item) for context in drawn for item in context.items})
    assert not facts[0] & facts[1]
    assert not facts[2] & (facts[0] | facts[1])
    assert known == facts[0] | facts[1] | facts[2]


def test_some_contexts_fit_a_small_block_and_some_do_not(folder) -> None:
    """Blocks of the tiny preset have 64 tokens, and no piece is longer than a word."""
    words = [len(p["context"].split()) for p in read(folder, "train-context-qaa-question-qaa")]
    assert min(words) < 40
    assert sum(count > 64 for count in words) > len(words) / 4


def test_bad_settings_are_refused() -> None:
    with pytest.raises(UserError, match=r"tasks.qa.train must be at least 1, got 0"):
        QaConfig(train=0)
    with pytest.raises(UserError, match=r"tasks.qa.longest must be at least .*shortest, 9, got 5"):
        QaConfig(shortest=9, longest=5)
