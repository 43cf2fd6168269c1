"""SentencePiece's table of normalisation: read as SentencePiece made it, written so that others
read it.

Run with: pytest tests/vocabulary/test_charsmap.py
"""

import base64
import io
import json
import random

import pytest
import sentencepiece
import tokenizers

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary import charsmap, model_proto


@pytest.fixture(scope="module")
def table() -> bytes:
    """The table of nmt_nfkc, as a model carries it."""
    writer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["the cat sat on the mat"] * 9),
        model_writer=writer,
        vocab_size=15,
        normalization_rule_name="nmt_nfkc",
        minloglevel=2,
    )
    return model_proto.read(writer.getvalue()).charsmap


def test_entries_are_what_sentencepiece_does(table):
    rules = charsmap.read(table)
    assert rules["\ufb01"] == "fi"
    assert rules["e\u0301"] == "\u00e9"
    assert rules["\u1112\u1161\u11ab"] == "\ud55c"
    assert rules["\u3000"] == " "
    assert rules["\x01"] == ""
    assert "a" not in rules
    normalizer = sentencepiece.SentencePieceNormalizer(
        rule_name="nmt_nfkc",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        escape_whitespaces=False,
    )
    some = random.Random(1).sample(sorted(rules), 5000)
    assert normalizer.normalize(some) == [rules[key] for key in some]


def test_what_is_written_is_read_again(table):
    rules = {"a": "b", "ab": "", "abc": "xyz", "\u00e9": "e\u0301", "\U0001f468": "x", "\xff": "y"}
    assert charsmap.read(charsmap.write(rules)) == rules
    assert charsmap.write(rules) == charsmap.write(dict(reversed(rules.items())))
    single = {key: text for key, text in charsmap.read(table).items() if len(key) == 1}
    assert len(single) > 4000
    assert charsmap.read(charsmap.write(single)) == single


def test_hugging_face_reads_what_is_written(table):
    """Every character of the first planes alone: the entries, and all that have none."""
    single = {key: text for key, text in charsmap.read(table).items() if len(key) == 1}
    encoded = base64.b64encode(charsmap.write(single)).decode("ascii")
    shell = json.loads(tokenizers.Tokenizer(tokenizers.models.BPE()).to_str())
    shell["normalizer"] = {"type": "Precompiled", "precompiled_charsmap": encoded}
    normalizer = tokenizers.Tokenizer.from_str(json.dumps(shell)).normalizer
    for code in (*range(1, 0xD800), *range(0xE000, 0x30000)):
        assert normalizer.normalize_str(chr(code)) == single.get(chr(code), chr(code)), hex(code)


def test_no_table_is_no_entry():
    assert charsmap.read(b"") == {}
    assert charsmap.read(charsmap.write({})) == {}


def test_a_damaged_table_is_refused(table):
    for damaged in (b"\x01", table[:5], table[:-40_000], b"\xff\xff\xff\x7f" + table[4:]):
        with pytest.raises(UserError, match=r"normalisation table .* is damaged"):
            charsmap.read(damaged)
