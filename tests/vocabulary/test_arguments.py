"""What a vocabulary of any kind cannot use, it refuses in one line that says what to write.

Run with: pytest tests/vocabulary/test_arguments.py
"""

import io
import json

import numpy as np
import pytest
import sentencepiece

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary.load import Vocabulary
from xlmr_lab.vocabulary.preprocessed import PreprocessedVocabulary
from xlmr_lab.vocabulary.tokenizer import Tokenizer
from xlmr_lab.vocabulary.wordpiece import WordPieceTokenizer


def sentencepieces() -> Tokenizer:
    writer = io.BytesIO()
    lines = ["the cat sat on the mat", "the dog sat on the log"] * 20
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=writer, vocab_size=19, minloglevel=2
    )
    return Tokenizer(writer.getvalue())


@pytest.fixture(scope="module", params=["sentencepiece", "wordpiece", "preprocessed"])
def vocabulary(request) -> Vocabulary:
    if request.param == "sentencepiece":
        return sentencepieces()
    if request.param == "preprocessed":
        return PreprocessedVocabulary(sentencepieces(), "tokenized")
    return WordPieceTokenizer(json.dumps({"pieces": ["the", "cat"], "lowercase": False}).encode())


@pytest.mark.parametrize(
    ("text", "written"),
    [("the cat", r"encode\(\['the cat'\]\)"), ("c" * 50, rf"encode\(\['{'c' * 20}\.\.\.'\]\)")],
)
def test_one_text_is_no_list_of_its_letters(vocabulary, text, written):
    with pytest.raises(UserError, match=f"takes a list of texts, got one text; write {written}"):
        vocabulary.encode(text, "en")


@pytest.mark.parametrize("method", ["decode", "names"])
def test_an_id_that_there_is_not_is_named_with_those_that_there_are(vocabulary, method):
    last = vocabulary.size - 1
    for wrong in (-100, -1, last + 1):
        with pytest.raises(UserError, match=f"^id {wrong} is not in .* ids are 0 to {last};"):
            getattr(vocabulary, method)([0, wrong, 4])


def test_every_id_that_there_is_has_a_name_and_a_text(vocabulary):
    ids = np.arange(vocabulary.size)
    assert len(set(vocabulary.names(ids))) == vocabulary.size
    assert vocabulary.decode(ids) == vocabulary.decode(iter(ids.tolist())) != ""
