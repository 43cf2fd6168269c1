"""Named entity recognition: `pytest tests/evaluate/test_ner.py`."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from tuned import tuned

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import ner
from xlmr_lab.evaluate.examples import collate
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.metrics import span_f1
from xlmr_lab.evaluate.task_files import TaggedSentences

QUICK = FinetuneConfig(steps=80, batch_sequences=16, peak_learning_rate=5e-3, max_tokens=24)
PANX = Path(__file__).parents[2] / "../shared/data/ner/panx"
LABELS = ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")


def sentence(rng, length):
    """Draw words and IOB2 tags; names begin with a letter of their own."""
    words, tags = [], []
    while len(words) < length:
        kind = rng.choice(["O", "LOC", "PER"])
        for position in range(1 if kind == "O" else rng.randrange(1, 4)):
            start = {"O": "a", "LOC": "L", "PER": "P"}[kind] + ("i" if position else "b")
            words.append(start + "".join(rng.choices("cdefg", k=rng.randrange(5))))
            tags.append("O" if kind == "O" else f"{'I' if position else 'B'}-{kind}")
    return words, tags


@pytest.fixture
def folder(tmp_path):
    for name, num in (("train-qaa", 150), ("dev-qaa", 40), ("test-qab", 40)):
        rng = random.Random(name)
        blocks = []
        for _ in range(num):
            words, tags = sentence(rng, rng.randrange(1, 9))
            lines = (f"{word}\t{tag}" for word, tag in zip(words, tags, strict=True))
            blocks.append("\n".join(lines))
        (tmp_path / f"{name}.tsv").write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
    return tmp_path


def test_the_first_piece_of_each_word_carries_its_label(tokenizer):
    sentences = TaggedSentences([["abcd", "ef", "ghabcd"]], [["B-PER", "I-PER", "O"]])
    examples = ner.encode(tokenizer, sentences, LABELS, language="qaa", max_tokens=24)
    pieces = tokenizer.encode(["abcd ef ghabcd"])[0]
    assert examples.tokens.values.tolist() == [0, *pieces, 2]
    assert examples.positions.values.tolist() == [1, 3, 4]
    assert examples.labels.tolist() == [3, 4, 0]


@pytest.mark.parametrize("word", ["\u200b", ""])
def test_a_word_without_a_piece_stands_as_unknown_and_is_labelled(tokenizer, word):
    sentences = TaggedSentences([["ab", word, "cd"]], [["O", "B-LOC", "O"]])
    examples = ner.encode(tokenizer, sentences, LABELS, language="qaa", max_tokens=24)
    (a,), (c,) = tokenizer.encode(["ab", "cd"])
    assert examples.tokens.values.tolist() == [0, a, 3, c, 2]
    assert examples.positions.values.tolist() == [1, 2, 3]
    assert examples.labels.tolist() == [0, 1, 0]


def test_a_sentence_that_is_too_long_is_split_between_words(tokenizer):
    words = ["abcd", "abcdef", "ab", "abcdefgh"]
    sentences = TaggedSentences([words], [["B-PER", "I-PER", "I-PER", "O"]])
    examples = ner.encode(tokenizer, sentences, LABELS, language="qaa", max_tokens=8)
    assert examples.tokens.lengths.tolist() == [8, 6]  # 2 + 3 + 1 pieces, then 4
    assert examples.positions.values.tolist() == [1, 3, 6, 1]
    assert examples.positions.starts.tolist() == [0, 3, 4]
    assert examples.labels.tolist() == [3, 4, 4, 0]


def test_a_word_that_is_longer_than_a_window_keeps_its_first_pieces(tokenizer):
    sentences = TaggedSentences([["ab", "cd" * 40, "ef"]], [["O", "B-PER", "O"]])
    examples = ner.encode(tokenizer, sentences, LABELS, language="qaa", max_tokens=8)
    assert examples.tokens.lengths.tolist() == [3, 8, 3]
    assert examples.positions.values.tolist() == [1, 1, 1]


def test_windows_hold_all_words_in_order_and_are_as_few_as_can_be():
    rng = random.Random(2)
    for _ in range(300):
        lengths = [rng.randrange(1, 7) for _ in range(rng.randrange(30))]
        cut = list(ner.windows(lengths, 6))
        assert [i for start, end in cut for i in range(start, end)] == list(range(len(lengths)))
        sums = [sum(lengths[start:end]) for start, end in cut]
        assert all(0 < total <= 6 for total in sums)
        # No window could take the next one's first word.
        assert all(
            total + lengths[end] > 6 for total, (_, end) in zip(sums[:-1], cut, strict=False)
        )


@pytest.mark.parametrize("max_tokens", [8, 12, 128])
def test_no_gold_entity_is_lost_however_short_the_windows(tokenizer, max_tokens):
    rng = random.Random(3)
    sentences = TaggedSentences(
        *map(list, zip(*(sentence(rng, 20) for _ in range(50)), strict=True))
    )
    examples = ner.encode(tokenizer, sentences, LABELS, language="qaa", max_tokens=max_tokens)
    assert examples.tokens.lengths.max() <= max_tokens
    assert len(examples.labels) == len(examples.positions.values)
    num_words = [len(words) for words in sentences.words]
    rejoined = ner.sentence_tags(examples.labels, LABELS, num_words)
    assert rejoined == sentences.tags
    scores = span_f1(rejoined, sentences.tags)
    begun = sum(tag.startswith("B-") for tags in sentences.tags for tag in tags)
    assert scores.num_correct == scores.num_gold == begun
    # The word whose label a position carries is the word that stands there.
    words = [word for words in sentences.words for word in words]
    for row in range(len(examples)):
        tokens = examples.tokens.values[slice(*examples.tokens.starts[row : row + 2])]
        span = slice(*examples.positions.starts[row : row + 2])
        firsts = [tokenizer.encode([word])[0][0] for word in words[span]]
        assert tokens[examples.positions.values[span]].tolist() == firsts


@pytest.mark.parametrize("max_tokens", [8, 12, 40])
def test_document_context_changes_what_is_seen_and_nothing_else(tokenizer, max_tokens):
    rng = random.Random(4)
    drawn = [sentence(rng, rng.randrange(1, 14)) for _ in range(40)]
    words, tags = map(list, zip(*drawn, strict=True))
    documents = sorted(rng.choices(range(6), k=40))
    sentences = TaggedSentences(words, tags, documents)
    settings = {"language": "qaa", "max_tokens": max_tokens}
    alone = ner.encode(tokenizer, sentences, LABELS, **settings)
    within = ner.encode(tokenizer, sentences, LABELS, context="document", **settings)
    assert within.labels.tolist() == alone.labels.tolist()
    assert within.positions.starts.tolist() == alone.positions.starts.tolist()
    text = [np.concatenate([tokenizer.encode([w])[0] for w in sent]) for sent in words]
    whole = {
        key: np.concatenate([ids for at, ids in zip(documents, text, strict=True) if at == key])
        for key in documents
    }
    seen = 0
    for row in range(len(alone)):
        short = alone.tokens.values[slice(*alone.tokens.starts[row : row + 2])]
        full = within.tokens.values[slice(*within.tokens.starts[row : row + 2])]
        places = [
            examples.positions.values[slice(*examples.positions.starts[row : row + 2])]
            for examples in (alone, within)
        ]
        shifts = set((places[1] - places[0]).tolist())
        assert len(shifts) == 1  # the sentence stands in its context as it is
        before = shifts.pop()
        assert full[before + 1 : before + len(short) - 1].tolist() == short[1:-1].tolist()
        assert any(
            len(full) == min(max_tokens, len(stream) + 2)
            and full[1:-1].tobytes() in stream.tobytes()
            for stream in whole.values()
        )
        seen += len(full) > len(short)
    assert seen > len(alone) / 2


def test_document_context_by_hand(tokenizer):
    sentences = TaggedSentences(
        [["ab", "cd"], ["ef"], ["gh", "ij"], ["kl"]],
        [["O", "O"], ["B-PER"], ["O", "O"], ["O"]],
        [0, 0, 0, 1],
    )
    examples = ner.encode(
        tokenizer, sentences, LABELS, language="qaa", max_tokens=5, context="document"
    )
    a, c, e, g, i, k = (ids[0] for ids in tokenizer.encode("ab cd ef gh ij kl".split()))
    rows = [[0, a, c, e, 2], [0, c, e, g, 2], [0, e, g, i, 2], [0, k, 2]]
    assert examples.tokens.values.tolist() == [token for row in rows for token in row]
    assert examples.positions.values.tolist() == [1, 2, 2, 2, 3, 1]


def test_document_context_needs_files_that_mark_documents(tokenizer, folder):
    with pytest.raises(UserError, match=r"train-qaa.tsv marks no documents .*context=sentence"):
        ner.load(
            tokenizer,
            folder,
            train_language="qaa",
            languages=["qaa"],
            config=QUICK,
            context="document",
        )


def test_published_files_are_fine_tuned_on_as_they_are(encoder, tokenizer, tmp_path):
    for part, count in (("train", 60), ("testa", 20), ("testb", 20)):
        for code in ("eng", "deu"):
            rng, blocks = random.Random(f"{part}{code}"), ["-DOCSTART- -X- O O"]
            for _ in range(count):
                lines = (f"{w} X X {t}" for w, t in zip(*sentence(rng, 5), strict=True))
                blocks.append("\n".join(lines))
            (tmp_path / f"{code}.{part}").write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
    scores = tuned(
        ner,
        encoder,
        tokenizer,
        tmp_path,
        train_language="en",
        languages=["en", "de"],
        config=QUICK,
        seed=1,
        context="document",
    )
    assert [(s.language, s.split, s.num_examples) for s in scores] == [
        ("en", "test", 20),
        ("de", "test", 20),
    ]
    assert min(s.value for s in scores) > 0.8


def test_a_learnable_task_is_learnt(encoder, tokenizer, folder):
    def run(steps, seed=1):
        config = FinetuneConfig(
            steps=steps, batch_sequences=16, peak_learning_rate=5e-3, max_tokens=24
        )
        return tuned(
            ner,
            encoder,
            tokenizer,
            folder,
            train_language="qaa",
            languages=["qaa", "qab"],
            config=config,
            seed=seed,
        )

    untrained = run(1)
    scores = run(80)
    assert [(s.language, s.split, s.metric) for s in scores] == [
        ("qaa", "dev", "span_f1"),
        ("qab", "test", "span_f1"),
    ]
    assert [s.num_examples for s in scores] == [40, 40]
    assert min(s.value for s in scores) > 0.9
    assert max(s.value for s in untrained) + 0.1 < min(s.value for s in scores)
    assert run(80) == scores


def certain(target, data):
    """Return logits that say the gold labels of a target."""
    return np.eye(data.num_labels, dtype=np.float32)[target.examples.labels]


def test_a_target_scores_its_own_labels_as_perfect(tokenizer, folder):
    config = FinetuneConfig(max_tokens=8)
    data = ner.load(tokenizer, folder, train_language="qaa", languages=["qab"], config=config)
    (target,) = data.targets.values()
    assert len(target.examples) > target.num_examples == 40
    assert target.score(certain(target, data)) == {"span_f1": 1.0}
    assert target.score(np.zeros((len(target.examples.labels), data.num_labels))) == {
        "span_f1": 0.0
    }


def test_each_file_is_encoded_as_the_language_it_is_in(tokenizer, folder):
    ner.load(tokenizer, folder, train_language="qaa", languages=["qab"], config=QUICK)
    assert tokenizer.languages == ["qaa", "qab"]


@pytest.mark.real
@pytest.mark.skipif(not PANX.is_dir(), reason="needs the real data in ../shared/data")
def test_no_gold_entity_of_real_files_is_lost_in_short_windows(tokenizer):
    config = FinetuneConfig(max_tokens=16)
    data = ner.load(tokenizer, PANX, train_language="sw", languages=["de", "ur"], config=config)
    for target in data.targets.values():
        assert len(target.examples) > target.num_examples
        assert target.score(certain(target, data)) == {"span_f1": 1.0}


def test_labels_come_from_the_training_file_alone(tokenizer, folder):
    (folder / "test-qab.tsv").write_text("x\tO\nAnn\tB-MISC\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"test-qab.tsv, line 2: entity type 'MISC' is not in the"):
        ner.load(tokenizer, folder, train_language="qaa", languages=["qab"], config=QUICK)
    (folder / "train-qaa.tsv").write_text("x\tO\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"train-qaa.tsv has no entity"):
        ner.load(tokenizer, folder, train_language="qaa", languages=["qaa"], config=QUICK)


def test_label_set_has_both_tags_of_a_type_that_only_begins():
    assert ner.label_set([["B-X-Y"], ["O"]]) == ("O", "B-X-Y", "I-X-Y")


def test_batches_of_words_point_at_first_pieces(tokenizer):
    sentences = TaggedSentences([["abcd", "ef"], ["gh"]], [["B-PER", "I-PER"], ["O"]])
    examples = ner.encode(tokenizer, sentences, LABELS, language="qaa", max_tokens=24)
    batch = collate(examples, np.array([0, 1]), torch.device("cpu"))
    assert batch.positions.tolist() == [[1, 3], [1, 0]]
    assert batch.labels.tolist() == [[3, 4], [0, -100]]
