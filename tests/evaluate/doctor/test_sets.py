"""What is said of sets as tasks read and encode them: `pytest tests/evaluate/doctor/test_sets.py`.

Files are written as users have them, and what their loaders say of each set is looked at.
"""

import pytest

from xlmr_lab.evaluate import glue, ner, nli
from xlmr_lab.evaluate.doctor.sets import of_tags
from xlmr_lab.evaluate.examples import concatenate
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.protocols import TaskSet
from xlmr_lab.evaluate.task_files import Pairs

CONFIG = FinetuneConfig(steps=2, max_tokens=16)
LONG = "ab " * 12
"""12 pieces; a pair of it and one word does not fit into 16 tokens."""


def said(data, split, language="en"):
    return [(one.name, one.level) for one in data.found[TaskSet(split, language)]]


def write(folder, name, rows):
    text = "".join("\t".join(row) + "\n" for row in rows)
    (folder / name).write_text(text, encoding="utf-8")


def load_nli(text, folder):
    return nli.load(text, folder, train_language="en", languages=["en"], config=CONFIG)


@pytest.mark.parametrize(("num_long", "expected"), [(1, []), (2, [("truncation", "flag")])])
def test_pairs_that_are_cut_are_told_with_their_whole_length(
    tokenizer, tmp_path, num_long, expected
):
    """Of 100 pairs two are more than 1 %."""
    labels = ("neutral", "entailment")
    rows = [(LONG if i < num_long else "ab", "cd", labels[i % 2]) for i in range(100)]
    write(tmp_path, "train-en.tsv", rows)
    write(tmp_path, "test-en.tsv", [("ab", "cd", "neutral")] * 3)
    data = load_nli(tokenizer, tmp_path)
    assert said(data, "train") == expected
    assert said(data, "test") == []
    if expected:
        (verdict,) = data.found[TaskSet("train", "en")]
        assert verdict.evidence["longest"] == 12 + 1 + 4


def test_sentences_of_glue_that_are_cut_are_told(tokenizer, tmp_path):
    for split in ("train", "dev"):
        rows = [("sentence", "label"), (LONG + LONG, "0"), ("ab", "1")]
        write(tmp_path, f"{split}.tsv", rows)
    data = glue.load(
        tokenizer, tmp_path, task="sst2", train_language="en", languages=["en"], config=CONFIG
    )
    assert said(data, "dev") == [("truncation", "flag")]


@pytest.fixture
def tagged(tmp_path):
    """A sentence of 12 words in windows of 8 tokens, with an entity in each third."""
    tags = ["B-PER", "O", "O", "O"] * 3
    lines = [f"{word}\t{tag}" for word, tag in zip("abcdefghijkl", tags, strict=True)]
    for split in ("train", "test"):
        (tmp_path / f"{split}-en.tsv").write_text("\n".join(lines) + "\n")
    return tmp_path


def load_ner(text, folder):
    config = FinetuneConfig(steps=2, max_tokens=8)
    return ner.load(text, folder, train_language="en", languages=["en"], config=config)


def test_a_sentence_that_is_split_loses_no_entity(tokenizer, tagged):
    data = load_ner(tokenizer, tagged)
    assert len(data.targets[TaskSet("test", "en")].examples) > 1
    assert said(data, "test") == said(data, "train") == []


def test_a_sentence_that_is_cut_loses_its_last_entities(tokenizer, tagged, monkeypatch):
    """As where a script truncates: only the first window is encoded."""
    whole = ner.windows
    monkeypatch.setattr(ner, "windows", lambda lengths, room: list(whole(lengths, room))[:1])
    data = load_ner(tokenizer, tagged)
    (verdict,) = data.found[TaskSet("test", "en")]
    assert (verdict.name, verdict.level) == ("lost gold", "refuse")
    assert (verdict.evidence["num_before"], verdict.evidence["num_after"]) == (3, 2)


def test_tags_are_compared_as_entities():
    assert of_tags([["B-PER", "I-PER"]], [["B-PER", "I-PER"]]) == []
    assert of_tags([["B-PER", "I-PER"]], [["B-PER", "B-PER"]])[0].evidence["num_after"] == 2


def test_whole_lengths_go_with_their_rows(tokenizer):
    pairs = Pairs(["ab", LONG], ["cd", "cd"], [0, 1])
    cut = nli.encode(tokenizer, pairs, language="en", max_tokens=16)
    whole = nli.encode(tokenizer, pairs, language="en", max_tokens=40)
    both = concatenate([cut.first(1), whole])
    assert both.whole_lengths.tolist() == [6, 6, 17]
    assert both.first(2).tokens.lengths.tolist() == [6, 6]
    assert len(both.first(9)) == 3
