"""No answer of a real file is lost on the way through windows and back."""

from pathlib import Path

import numpy as np
import pytest

from xlmr_lab.evaluate.formats import squad
from xlmr_lab.evaluate.objectives import BEGIN, END
from xlmr_lab.evaluate.qa_spans import best_spans
from xlmr_lab.evaluate.qa_windows import Context, Cut, encode, token_span
from xlmr_lab.evaluate.text import of_vocabulary
from xlmr_lab.vocabulary import load as vocabularies
from xlmr_lab.vocabulary import train
from xlmr_lab.vocabulary.settings import VocabularyConfig

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "qa"
CUT = Cut(max_tokens=384, stride=128, max_question_tokens=64)
SHARED = CUT.max_tokens - 4 - CUT.max_question_tokens - CUT.stride
"""Tokens that windows share at least."""
KEYS = {"arcd": "ar", "tydiqa": 2, "xquad": 1}
"""The language of a file's contexts, or its place in the name between points."""

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the real corpora in ../shared/data"),
]


def language(path: Path) -> str:
    place = KEYS.get(path.parent.name)
    key = place if isinstance(place, str) else path.name.split(".")[place or 0]
    return key if place else key.split("-")[2]


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """A vocabulary of 4,000 pieces trained on the contexts of all languages."""
    contexts: dict[str, list[str]] = {}
    for path in sorted(FOLDER.glob("*/*.json.xz")):
        contexts.setdefault(language(path), []).extend(squad.read(path).contexts)
    place = tmp_path_factory.mktemp("vocabulary")
    config = VocabularyConfig(size=4000, sample_bytes=2_000_000, coverage=0.999)
    texts = {key: (lambda own=own: iter(own)) for key, own in contexts.items()}
    train.train(texts, dict.fromkeys(texts, 1.0), place, config=config, seed=1)
    return of_vocabulary(vocabularies.load(place))


def said(text: str) -> str:
    """Return the letters and digits of a text; marks of direction and the like have no token."""
    return "".join(c for c in text if c.isalnum())


@pytest.mark.timeout(900)
def test_each_answer_is_whole_in_a_window_and_read_back(text):
    """But for the few that are longer than what any two windows share; those are counted."""
    exact = total = num_long = num_lost = 0
    for path in sorted(FOLDER.glob("*/*.json.xz")):
        read, key = squad.read(path), language(path)
        contexts = [Context(c, *text.offsets(c, key)) for c in read.contexts]
        made = encode(text, read.questions, contexts, languages=(key, key), cut=CUT)
        labels = made.examples.labels
        logits = np.stack([labels & BEGIN != 0, labels & END != 0], axis=1).astype(np.float32)
        best = best_spans(made, logits, max_answer_tokens=int(made.answer_tokens.max()))
        for number, question in enumerate(read.questions):
            (answer,) = question.answers
            if not answer.stands:
                assert made.answer_tokens[number] == 0
                continue
            spans, end = contexts[question.context].spans, answer.start + len(answer.text)
            first, last = token_span(spans, answer.start, end)
            if last - first >= SHARED:
                num_long += 1
                num_lost += made.answer_tokens[number] == 0
                continue
            assert made.answer_tokens[number] == last - first + 1
            found = best[number][0]
            assert found.score == 2
            assert said(answer.text) in said(found.text)
            assert len(found.text) - len(answer.text) < 20
            total += 1
        exact += int(made.exact.sum())
    assert total + num_long == 20_885 - 3
    assert num_lost <= num_long < 100
    assert exact / total > 0.9
