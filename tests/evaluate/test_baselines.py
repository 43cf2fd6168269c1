"""The baseline without pretraining, from files to scores: `pytest
tests/evaluate/test_baselines.py`."""

import dataclasses
import itertools
import random
from pathlib import Path

import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import baselines, task_files
from xlmr_lab.evaluate.bilstm_crf import BilstmShape
from xlmr_lab.evaluate.bilstm_training import BilstmConfig, Training, quick
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.metrics import span_f1

SHAPE = BilstmShape(word_dim=8, character_dim=6, character_hidden=6, word_hidden=12)
LEARNING = BilstmConfig(
    shape=SHAPE,
    optimizer="adam",
    learning_rate=1e-2,
    batch_sentences=8,
    passes=8,
    selections=("last", "train-dev", "joint-dev", "per-language-dev"),
    selection_checks=4,
)
BRIEF = dataclasses.replace(LEARNING, passes=1)
LETTERS = {"qaa": "abcdef", "qab": "\u0430\u0431\u0432\u0433\u0434\u0435"}  # Cyrillic a to ie
EVERY = ("zero-shot", "each", "all")
PANX = Path(__file__).parents[2] / "../shared/data/ner/panx"


def sentence(rng, letters):
    """Draw words and tags; names begin with a letter of their own."""
    words, tags = [], []
    for _ in range(rng.randrange(1, 7)):
        kind = rng.choice(["", "LOC", "PER"])
        first = letters["LOC PER".split().index(kind)] if kind else rng.choice(letters[2:])
        words.append(first + "".join(rng.choices(letters[2:], k=4)))
        tags.append(f"B-{kind}" if kind else "O")
    return words, tags


def write(path, sentences):
    blocks = ["\n".join(map("\t".join, zip(*pair, strict=True))) for pair in sentences]
    path.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "ner"
    place.mkdir()
    for language, letters in LETTERS.items():
        for split, num in (("train", 120), ("dev", 30), ("test", 40)):
            rng = random.Random(split + language)
            write(place / f"{split}-{language}.tsv", [sentence(rng, letters) for _ in range(num)])
    return place


def load(folder, config=LEARNING, **changes):
    settings = {"train_language": "qaa", "languages": tuple(LETTERS), "protocols": EVERY}
    return baselines.load(folder, config=config, **{**settings, **changes})


@pytest.mark.slow
def test_rows_stand_beside_those_of_encoders_and_languages_are_learned(folder):
    rows = baselines.run(load(folder), config=LEARNING, seed=3)
    cells = {(row.protocol, row.language, row.selection) for row in rows}
    assert cells == set(itertools.product(EVERY, LETTERS, LEARNING.selections))
    assert len(rows) == len(cells)
    fields = {(r.arm, r.task, r.metric, r.split, r.num_examples, r.seed) for r in rows}
    assert fields == {("bilstm-crf", "ner", "span_f1", "test", 40, 3)}
    value = {(r.protocol, r.language): r.value for r in rows if r.selection == "last"}
    for protocol, language in value:
        learned = protocol != "zero-shot" or language == "qaa"
        assert value[protocol, language] > 0.9 if learned else value[protocol, language] < 0.5
    assert {row.step for row in rows if row.selection == "last"} == {120, 240}


@pytest.mark.slow
def test_models_of_the_same_training_sets_are_trained_once(folder, monkeypatch):
    started = []
    original = Training.__init__

    def begin(self, known, encoded, **settings):
        started.append(len(encoded.forms.lengths))
        original(self, known, encoded, **settings)

    monkeypatch.setattr(Training, "__init__", begin)
    baselines.run(load(folder, BRIEF), config=BRIEF, seed=1)
    assert sorted(started) == [120, 120, 240]


@pytest.mark.slow
def test_a_protocols_scores_do_not_depend_on_what_is_trained_beside(folder):
    together = baselines.run(load(folder, BRIEF), config=BRIEF, seed=1)
    for protocol in EVERY:
        alone = baselines.run(load(folder, BRIEF, protocols=(protocol,)), config=BRIEF, seed=1)
        assert sorted(map(str, alone)) == sorted(str(r) for r in together if r.protocol == protocol)


def test_a_run_that_is_cut_off_anywhere_ends_in_the_same_scores(folder, tmp_path, monkeypatch):
    data = load(folder, BRIEF, protocols=("each",))
    never = baselines.run(data, config=BRIEF, seed=1)
    original, left = Training.advance, []

    def advance(self):
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return original(self)

    monkeypatch.setattr(Training, "advance", advance)
    kept, starts = tmp_path / "kept", 0
    while True:
        starts += 1
        left[:] = [None] * 4
        try:
            rows = baselines.run(data, config=BRIEF, seed=1, folder=kept, save_seconds=0.0)
            break
        except KeyboardInterrupt:
            continue
    assert rows == never
    assert starts == 8  # 2 models of 15 steps, 4 at a time
    assert {path.name for path in kept.glob("*/*")} == {"looks.json"}
    left.clear()
    assert baselines.run(data, config=BRIEF, seed=1, folder=kept) == never
    with pytest.raises(KeyboardInterrupt):  # another seed is another run
        baselines.run(data, config=BRIEF, seed=2, folder=kept)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("is_saved", [True, False])
def test_each_run_is_saved_and_read_back_at_its_end(folder, monkeypatch, optimizer, is_saved):
    """Where nothing is saved, wiped weights give one tag to all words."""
    if not is_saved:
        monkeypatch.setattr(Training, "resume", lambda self, folder: [])
    config = dataclasses.replace(LEARNING, optimizer=optimizer, passes=2)
    told = []
    data = load(folder, protocols=("zero-shot",))
    baselines.run(data, config=config, seed=0, looked=lambda plan, looks, found: told.extend(found))
    levels = {one.verdict.level for one in told if one.verdict.name == "reloaded"}
    assert levels == (set() if is_saved else {"refuse"})


def test_other_data_is_another_run(folder, tmp_path):
    kept = tmp_path / "kept"
    only = {"protocols": ("each",), "languages": ("qaa",)}
    baselines.run(load(folder, BRIEF, **only), config=BRIEF, seed=1, folder=kept)
    for name in ("train-qaa.tsv", "test-qaa.tsv"):
        path = folder / name
        path.write_text(path.read_text() + "\nnew\tB-LOC\n")
        baselines.run(load(folder, BRIEF, **only), config=BRIEF, seed=1, folder=kept)
    assert len(list(kept.iterdir())) == 3


def test_a_run_ends_when_no_selection_looks_on(folder):
    config = dataclasses.replace(
        LEARNING, passes=40, selections=("train-dev",), selection_checks=40, patience=2
    )
    data = load(folder, config, protocols=("each",), languages=("qaa",))
    (row,) = baselines.run(data, config=config, seed=1)
    assert row.step < 400
    assert row.value > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("patience", [1, 3])
def test_a_run_ends_so_many_checks_after_its_best_as_patience_says(folder, patience):
    config = dataclasses.replace(
        LEARNING, passes=40, selections=("train-dev",), selection_checks=40, patience=patience
    )
    seen = []
    data = load(folder, config, protocols=("each",), languages=("qaa",))
    (row,) = baselines.run(
        data, config=config, seed=1, looked=lambda plan, looks, told: seen.extend(looks)
    )
    values = [next(iter(look.check.dev.values())) for look in seen]
    best = values.index(max(values))
    assert len(values) == best + patience + 1 < 40
    assert row.step == seen[best].check.step


@pytest.mark.slow
def test_test_labels_choose_nothing(folder):
    before = baselines.run(load(folder, protocols=("each",)), config=LEARNING, seed=1)
    for path in folder.glob("test*.tsv"):
        text = path.read_text().replace("LOC", "???").replace("PER", "LOC").replace("???", "PER")
        path.write_text(text)
    after = baselines.run(load(folder, protocols=("each",)), config=LEARNING, seed=1)
    without = [[dataclasses.replace(row, value=0.0) for row in rows] for rows in (before, after)]
    assert without[0] == without[1]
    assert [row.value for row in before] != [row.value for row in after]


def vectors(path, words, kinds, length=8):
    """Write vectors that tell the kind of each word."""
    lines = [f"{len(words)} {length}"]
    for word, kind in zip(words, kinds, strict=True):
        numbers = [3.0 if i == "O LOC PER".split().index(kind) else 0.0 for i in range(length)]
        lines.append(" ".join([word, *map(str, numbers)]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.slow
def test_pretrained_vectors_tell_of_words_that_were_never_seen(tmp_path):
    """Names differ from other words by their vectors alone."""
    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefgh", k=5)) for _ in range(400)]
    kinds = [rng.choice(["O", "LOC", "PER"]) for _ in words]
    folder = tmp_path / "ner"
    folder.mkdir()
    for split, own in (("train", range(300)), ("test", range(300, 400))):
        drawn = [rng.choices(own, k=4) for _ in range(150)]
        tagged = [
            ([words[i] for i in ids], [f"B-{kinds[i]}".replace("B-O", "O") for i in ids])
            for ids in drawn
        ]
        write(folder / f"{split}-qaa.tsv", tagged)
    config = dataclasses.replace(
        BRIEF, passes=10, selections=("last",), selection_checks=BilstmConfig().selection_checks
    )
    settings = {"protocols": ("each",), "languages": ("qaa",), "train_language": "qaa"}
    files = {"qaa": vectors(tmp_path / "vectors.txt", words, kinds)}
    found = [
        baselines.run(
            baselines.load(folder, config=config, vectors=given, **settings), config=config, seed=1
        )[0].value
        for given in ({}, files)
    ]
    assert found[0] < 0.6
    assert found[1] > 0.95


def test_a_model_takes_the_vectors_of_its_training_languages_alone(folder, tmp_path):
    shared = ["cdcdc", "only"]
    write(folder / "test-qab.tsv", [(shared, ["O", "B-PER"])])
    files = {
        "qaa": vectors(tmp_path / "a.txt", shared, ["LOC", "LOC"]),
        "qab": vectors(tmp_path / "b.txt", shared, ["PER", "PER"]),
    }
    data = load(folder, BRIEF, vectors=files)
    of = {}
    for plan in data.models:
        model = baselines._Model(data, plan, BRIEF, 1)
        of[tuple(part.language for part in plan.train)] = model.vectors["only"].argmax()
        assert "only" in model.known.words
    assert of == {("qaa",): 1, ("qab",): 2, ("qaa", "qab"): 1}


def test_vectors_of_another_length_are_refused(folder, tmp_path):
    files = {"qaa": vectors(tmp_path / "a.txt", ["a"], ["O"], length=5)}
    with pytest.raises(UserError, match=r"word_dim must be 5, the length .*a\.txt, got 8"):
        load(folder, vectors=files)


def test_training_sets_without_what_others_have_are_refused(folder):
    path = folder / "train-qab.tsv"
    text = path.read_text()
    path.write_text(text.replace("B-LOC", "O"))
    with pytest.raises(UserError, match=r"train-qab\.tsv has no entity of type LOC, which other"):
        load(folder)
    path.write_text(text.replace("B-LOC", "O").replace("B-PER", "O"))
    with pytest.raises(UserError, match=r"train-qab\.tsv has no entity: all its tags are O"):
        load(folder)


def test_a_scored_set_with_a_type_that_none_can_learn_is_refused(folder):
    path = folder / "test-qab.tsv"
    path.write_text(path.read_text() + "\nnew\tB-EVENT\n")
    with pytest.raises(UserError, match=r"test-qab\.tsv, line .*'EVENT' is not in the training"):
        load(folder)


@pytest.mark.real
@pytest.mark.skipif(not PANX.is_dir(), reason="needs the real data in ../shared/data")
def test_a_little_of_a_real_file_is_learned(tmp_path):
    read = task_files.read_ner(PANX / "train-de.tsv.xz", "de")
    pairs = list(zip(read.words, read.tags, strict=True))
    write(tmp_path / "train-de.tsv", pairs[:300])
    write(tmp_path / "test-de.tsv", pairs[300:500])
    config = BilstmConfig.of(dataclasses.replace(quick(), passes=6), FinetuneConfig())
    settings = {"train_language": "de", "languages": ("de",)}
    data = baselines.load(tmp_path, config=config, **settings)
    (row,) = baselines.run(data, config=config, seed=1)
    one = [["B-LOC", *["I-LOC"] * (len(tags) - 1)] for _, tags in pairs[300:500]]
    assert row.value > span_f1(one, [tags for _, tags in pairs[300:500]]).f1 + 0.1
