"""Aligned sentences of a folder: which split, which languages, plain or packed, labelled or not."""

import lzma

import pytest

from xlmr_lab.ablations.evaluation_config import SentencesConfig
from xlmr_lab.ablations.sentence_runs import groups
from xlmr_lab.errors import UserError


def test_packed_texts_are_seen_and_english_is_the_pivot(tmp_path) -> None:
    (tmp_path / "en.txt").write_text("one\ntwo\n")
    (tmp_path / "de.txt.xz").write_bytes(lzma.compress(b"eins\nzwei\n"))
    found = groups(SentencesConfig(), tmp_path, ())
    assert found.groups == [{"en": ["one", "two"], "de": ["eins", "zwei"]}]
    assert (found.pivot, found.split) == ("en", "test")


def test_premises_need_no_label_and_say_their_split(tmp_path) -> None:
    for key, word in (("qaa", "a"), ("qab", "b")):
        (tmp_path / f"dev-{key}.tsv").write_text(
            f"{word} one\tx\tneutral\n{word} two\tx\tneutral\n"
        )
    assert groups(SentencesConfig(), tmp_path, ()).split == "dev"
    for key, word in (("qaa", "a"), ("qab", "b")):
        (tmp_path / f"test-{key}.tsv").write_text(f"{word} three\tx\n{word} four\tx\n")
    found = groups(SentencesConfig(), tmp_path, ())
    assert found.split == "test"
    assert found.groups == [{"qaa": ["a three", "a four"], "qab": ["b three", "b four"]}]


def test_a_named_language_that_is_not_there_is_refused(tmp_path) -> None:
    for key in ("en", "de"):
        (tmp_path / f"{key}.txt").write_text("one\ntwo\n")
    with pytest.raises(UserError, match=r"has no sentences of sw; there are de, en$"):
        groups(SentencesConfig(), tmp_path, ("en", "de", "sw"))
