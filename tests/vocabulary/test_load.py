"""Vocabularies of every kind are loaded from their folder.

Run with: pytest tests/vocabulary/test_load.py
"""

import io
import json
import shutil

import pytest
import sentencepiece

from xlmr_lab import configs, storage
from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary.load import RECORD_NAME, load
from xlmr_lab.vocabulary.preprocessed import PreprocessedVocabulary
from xlmr_lab.vocabulary.settings import VocabularyConfig
from xlmr_lab.vocabulary.tokenizer import MODEL_NAME, PUBLISHED_MODEL_NAME, Tokenizer
from xlmr_lab.vocabulary.wordpiece import WORDPIECE_NAME, WordPieceTokenizer

WORDPIECES = json.dumps({"pieces": ["the", "cat", "##s"], "lowercase": False}).encode()


@pytest.fixture(scope="module")
def model() -> bytes:
    writer = io.BytesIO()
    lines = ["the cat sat on the mat", "the dog sat on the log"] * 20
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=writer, vocab_size=19, minloglevel=2
    )
    return writer.getvalue()


def record(folder, fingerprint, **settings) -> None:
    config = configs.to_dict(VocabularyConfig(size=21, **settings))
    storage.write_json(folder / RECORD_NAME, {"fingerprint": fingerprint, "config": config})


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_a_sentencepiece_folder(model, kind, tmp_path):
    (tmp_path / MODEL_NAME).write_bytes(model)
    record(tmp_path, Tokenizer(model).fingerprint, model=kind)
    found = load(tmp_path)
    assert isinstance(found, Tokenizer)
    assert found.size == 21


@pytest.mark.parametrize("kind", [str, lambda path: PlainPath(str(path))])
def test_a_path_may_be_text_or_anything_that_names_one(model, kind, tmp_path):
    (tmp_path / MODEL_NAME).write_bytes(model)
    (tmp_path / WORDPIECE_NAME).write_bytes(WORDPIECES)
    assert isinstance(load(kind(tmp_path)), Tokenizer)
    for name, expected in ((MODEL_NAME, Tokenizer), (WORDPIECE_NAME, WordPieceTokenizer)):
        assert isinstance(load(kind(tmp_path / name)), expected)
        assert isinstance(expected.load(kind(tmp_path)), expected)


class PlainPath:
    """A path that is no `pathlib.Path`."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return self._path


def test_a_wordpiece_folder(tmp_path):
    (tmp_path / WORDPIECE_NAME).write_bytes(WORDPIECES)
    record(tmp_path, WordPieceTokenizer(WORDPIECES).fingerprint, model="wordpiece")
    assert load(tmp_path).pieces("the cats") == ["the", "cat", "##s"]


def test_the_record_says_which_of_two_files_is_meant(model, tmp_path):
    (tmp_path / MODEL_NAME).write_bytes(model)
    (tmp_path / WORDPIECE_NAME).write_bytes(WORDPIECES)
    for kind, expected in (("unigram", Tokenizer), ("wordpiece", WordPieceTokenizer)):
        fingerprint = expected(model if kind == "unigram" else WORDPIECES).fingerprint
        record(tmp_path, fingerprint, model=kind)
        assert isinstance(load(tmp_path), expected)


def test_preprocessed_text_is_preprocessed_before_it_is_cut(model, tmp_path):
    (tmp_path / MODEL_NAME).write_bytes(model)
    record(
        tmp_path, Tokenizer(model).fingerprint, model="bpe", preprocessing="tokenized_lowercased"
    )
    found = load(tmp_path)
    assert isinstance(found, PreprocessedVocabulary)
    assert found.fingerprint != Tokenizer(model).fingerprint


@pytest.mark.parametrize("name", [MODEL_NAME, PUBLISHED_MODEL_NAME])
def test_a_folder_without_a_record_and_a_single_file_are_of_raw_text(model, name, tmp_path):
    (tmp_path / name).write_bytes(model)
    for path in (tmp_path, tmp_path / name, shutil.copy(tmp_path / name, tmp_path / "a.model")):
        assert isinstance(load(path), Tokenizer)


def test_a_wordpiece_file_or_its_folder_needs_no_record(tmp_path):
    (tmp_path / WORDPIECE_NAME).write_bytes(WORDPIECES)
    for path in (tmp_path, tmp_path / WORDPIECE_NAME):
        assert isinstance(load(path), WordPieceTokenizer)


def test_a_record_of_another_model_is_refused(model, tmp_path):
    (tmp_path / MODEL_NAME).write_bytes(model)
    record(tmp_path, "0123456789abcdef")
    with pytest.raises(
        UserError, match="describes vocabulary 0123456789abcdef, the file beside it"
    ):
        load(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not valid JSON"),
        ("[]", 'has no settings under "config"'),
        ('{"config": {"model": "char"}}', "vocabulary.json: model must be"),
    ],
)
def test_a_record_that_says_nothing_usable_is_named(model, content, message, tmp_path):
    (tmp_path / MODEL_NAME).write_bytes(model)
    (tmp_path / RECORD_NAME).write_text(content)
    with pytest.raises(UserError, match=message):
        load(tmp_path)


def test_a_record_whose_model_is_missing_names_the_file(tmp_path):
    record(tmp_path, "", model="wordpiece")
    with pytest.raises(UserError, match=f"no vocabulary at .*looked for .*{WORDPIECE_NAME}"):
        load(tmp_path)


def test_an_empty_folder_and_a_missing_path_are_named(tmp_path):
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(UserError, match=f"no vocabulary at {path}; looked for") as caught:
            load(path)
        assert (WORDPIECE_NAME in str(caught.value)) == path.is_dir()
