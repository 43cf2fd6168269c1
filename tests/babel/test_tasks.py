"""The tasks' files: the same bytes every time, the same items in every language, in all forms."""

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from xlmr_lab.babel import tasks, tongues
from xlmr_lab.babel import world as worlds
from xlmr_lab.babel.tasks import TaskConfig
from xlmr_lab.babel.translation import TranslationConfig
from xlmr_lab.errors import UserError

WORLD = worlds.build(0)
CODES = ("qaa", "qad", "qae", "qag", "qai")
PINNED = "e98411f570955ce5ee601fd1dfb2962a40d00626bc4c5bbdf46fdfbc248f6840"
SMALL = TaskConfig(nli_train=300, nli_dev=30, nli_test=60, ner_train=40, ner_dev=20, ner_test=30)


def write(folder: Path, codes=CODES, config: TaskConfig = SMALL, **others) -> None:
    tasks.write(folder, WORLD, [tongues.grow(WORLD, c, 0) for c in codes], config, 0, **others)


def lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def test_nli_and_ner_are_the_same_bytes_as_ever(tmp_path) -> None:
    """Results that were published rest on these files."""
    write(tmp_path)
    whole = hashlib.sha256()
    for task in ("nli", "ner"):
        for split in tasks.SPLITS:
            for code in CODES:
                whole.update((tmp_path / task / f"{split}-{code}.tsv").read_bytes())
    assert whole.hexdigest() == PINNED


def test_no_test_item_was_trained_on(tmp_path) -> None:
    config = TaskConfig(
        nli_train=3000, nli_dev=300, nli_test=300, ner_train=1, ner_dev=1, ner_test=1
    )
    write(tmp_path, ("qaa",), config)
    train, dev, test = (lines(tmp_path / "nli" / f"{split}-qaa.tsv") for split in tasks.SPLITS)
    assert (len(train), len(dev), len(test)) == (3000, 300, 300)
    assert not set(test) & set(train)
    assert not set(dev) & set(train)


def test_no_sentence_of_ner_is_in_two_splits_in_any_language(tmp_path) -> None:
    """A world this small says the same thing again: of 500 test sentences 6 were trained on."""
    write(tmp_path, config=TaskConfig(), names=("ner",))
    for code in CODES:
        said = [
            (tmp_path / "ner" / f"{split}-{code}.tsv").read_text("utf-8").split("\n\n")[:-1]
            for split in tasks.SPLITS
        ]
        assert [len(split) for split in said] == [2000, 300, 500]
        sentences = [
            {"".join(line.split("\t")[0] + " " for line in s.splitlines()) for s in split}
            for split in said
        ]
        train, dev, test = sentences
        assert not train & dev
        assert not train & test
        assert not dev & test


def test_every_language_has_the_same_items_in_the_same_order(tmp_path) -> None:
    write(tmp_path)
    labels, tags = [], []
    for code in CODES:
        nli = lines(tmp_path / "nli" / f"test-{code}.tsv")
        labels.append([line.split("\t")[2] for line in nli])
        ner = (tmp_path / "ner" / f"test-{code}.tsv").read_text("utf-8").split("\n\n")
        tags.append([Counter(line[-5:] for line in s.splitlines() if "-" in line) for s in ner])
    assert len(labels[0]) == 60
    assert all(others == labels[0] for others in labels)
    assert all(others == tags[0] for others in tags)


def test_nli_comes_translated_switched_and_crossed(tmp_path) -> None:
    write(tmp_path, ("qaa", "qad", "qae"), names=("nli",), pivot="qad")
    exact = {f"{split}-{code}" for split in tasks.SPLITS for code in ("qaa", "qad", "qae")}
    made = {"train.translated-qaa", "train.translated-qae"}
    made |= {f"{split}.translated-from-{c}" for split in ("dev", "test") for c in ("qaa", "qae")}
    pairs = ("qaa-qad", "qad-qaa", "qae-qad", "qad-qae")
    made |= {f"test.{how}-{pair}" for how in ("switched", "crossed") for pair in pairs}
    assert {path.stem for path in (tmp_path / "nli").iterdir()} == exact | made
    labels = [line.split("\t")[2] for line in lines(tmp_path / "nli" / "test-qaa.tsv")]
    for name in made:
        if name.startswith("test"):
            found = lines(tmp_path / "nli" / f"{name}.tsv")
            assert [line.split("\t")[2] for line in found] == labels


def test_crossed_pairs_have_a_premise_in_one_language_and_a_hypothesis_in_the_other(
    tmp_path,
) -> None:
    write(tmp_path, ("qaa", "qad"), names=("nli",))
    mine, yours, crossed = (
        [line.split("\t") for line in lines(tmp_path / "nli" / f"test{name}.tsv")]
        for name in ("-qaa", "-qad", ".crossed-qad-qaa")
    )
    for a, b, both in zip(mine, yours, crossed, strict=True):
        assert both == [b[0], a[1], a[2]]


def test_without_errors_a_translation_is_the_exact_one(tmp_path) -> None:
    exact = TranslationConfig(errors=0.0, source_order=0.0)
    config = TaskConfig(nli_train=30, nli_dev=3, nli_test=6, translation=exact)
    write(tmp_path, ("qaa", "qab"), config, names=("nli", "qa"))
    for translated, original in (
        ("nli/train.translated-qab.tsv", "nli/train-qab.tsv"),
        ("nli/test.translated-from-qab.tsv", "nli/test-qaa.tsv"),
        ("qa/train.translated-qab.json", "qa/train-context-qab-question-qab.json"),
        ("qa/dev.translated-from-qab.json", "qa/dev-context-qaa-question-qaa.json"),
        ("qa/test.translated-from-qab.json", "qa/test-context-qaa-question-qaa.json"),
    ):
        assert (tmp_path / translated).read_bytes() == (tmp_path / original).read_bytes()


def test_a_task_depends_on_its_own_settings_alone() -> None:
    other = TaskConfig(nli_test=7, translation=TranslationConfig(errors=0.3))
    plain = TaskConfig()
    assert other.of("nli") != plain.of("nli")
    assert other.of("qa") != plain.of("qa")
    assert other.of("ner") == plain.of("ner")
    assert other.of("glue") == plain.of("glue")
    assert set(plain.of("ner")) == {"ner_train", "ner_dev", "ner_test"}


def test_bad_settings_are_refused(tmp_path) -> None:
    with pytest.raises(UserError, match="nli_test"):
        TaskConfig(nli_test=0)
    with pytest.raises(UserError, match="nli_hard"):
        TaskConfig(nli_hard=2.0)
    with pytest.raises(UserError, match="nli_switched"):
        TaskConfig(nli_switched=-1.0)
    with pytest.raises(UserError, match=r"one of Babel's languages qaa, qad.*'sw'"):
        write(tmp_path, ("qaa", "qad"), pivot="sw")
    with pytest.raises(UserError, match="nli, ner, qa, glue"):
        write(tmp_path, ("qaa",), names=("xnli",))
