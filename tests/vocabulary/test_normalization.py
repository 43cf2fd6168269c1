"""SentencePiece's normalisation as Hugging Face's: by hand, then every entry of the table.

Run with: pytest tests/vocabulary/test_normalization.py
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
from xlmr_lab.vocabulary.normalization import normalizers


def processor(**options) -> sentencepiece.SentencePieceProcessor:
    writer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["the cat sat on the mat"] * 9),
        model_writer=writer,
        vocab_size=15,
        minloglevel=2,
        **options,
    )
    return sentencepiece.SentencePieceProcessor(model_proto=writer.getvalue())


def table_of(processor) -> bytes:
    return model_proto.read(processor.serialized_model_proto()).charsmap


def loaded(table: bytes, **options):
    """Return the function of the normalizers as the library reads them from a file."""
    found = normalizers(table, **{"alphabet": None, "stand_ins": {}, **options})
    shell = json.loads(tokenizers.Tokenizer(tokenizers.models.BPE()).to_str())
    shell["normalizer"] = {"type": "Sequence", "normalizers": found}
    return tokenizers.Tokenizer.from_str(json.dumps(shell)).normalizer.normalize_str


@pytest.fixture(scope="module")
def raw():
    return processor(normalization_rule_name="nmt_nfkc")


@pytest.fixture(scope="module")
def table(raw) -> bytes:
    return table_of(raw)


@pytest.fixture(scope="module")
def normalize(table):
    return loaded(table)


def check(raw, normalize, texts: list[str]) -> None:
    """Fail with the first text that is normalised in two ways."""
    for text, expected in zip(texts, raw.normalize(texts), strict=True):
        found = normalize(text).replace(" ", "\u2581")
        assert ascii(found) == ascii(expected), ascii(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        (" \x01 ", ""),
        ("  a\u00a0\u3000b\n", " a b"),
        ("e\u0301", " \u00e9"),
        ("e\x01\u0301", " e\u0301"),
        ("\ufb01\u0301", " fi\u0301"),
        ("\uff21\u0301", " \u00c1"),
        ("\uff21\u0316", " A\u0316"),
        ("a\u0316\u0301", " a\u0316\u0301"),
        ("\u0628\u0651\u064e", " \u0628\u0651\u064e"),
        ("\uff76\uff9e", " \u30ac"),
        ("\u00bd", " 1\u20442"),
        ("\x02\u00bd\x01", " 1\u20442"),
        ("\uff5e", " \uff5e"),
        ("a\u2581b", " a b"),
    ],
)
def test_by_hand(raw, normalize, text, expected):
    assert normalize(text) == expected
    check(raw, normalize, [text])


@pytest.mark.slow
def test_every_entry_of_the_table(raw, table, normalize):
    """Each of the 225,000 between two letters."""
    texts = [f"a{key}b" for key in charsmap.read(table)]
    assert len(texts) > 200_000
    check(raw, normalize, texts)


def test_random_strings_of_what_the_table_has_and_of_all_marks(raw, table, normalize):
    rng = random.Random(2)
    keys = sorted(charsmap.read(table))
    singles = [key for key in keys if len(key) == 1]
    later = sorted({character for key in keys for character in key[1:]})
    marks = [
        chr(c) for a, b in ((0x300, 0x370), (0x5B0, 0x660), (0x900, 0xE50)) for c in range(a, b)
    ]
    groups = (keys, singles, later, marks, list("ae <\x01\x02\u200d\u0e33\ufe0f\u3099"))
    texts = [
        "".join(rng.choice(rng.choice(groups)) for _ in range(rng.randrange(1, 9)))
        for _ in range(30_000)
    ]
    check(raw, normalize, texts)


def test_without_a_table_spaces_alone_are_normalised():
    raw = processor(normalization_rule_name="identity")
    assert table_of(raw) == b""
    normalize = loaded(b"")
    check(raw, normalize, [" a  b ", "", " ", "e\u0301 \ufb01", "a\u2581", "\u2581a\u2581b"])


def test_rare_entries_are_left_out_where_no_piece_has_their_letters(table):
    few = normalizers(table, alphabet={"a"}, stand_ins={})
    all_ = normalizers(table, alphabet=None, stand_ins={})
    assert len(few[0]["normalizers"]) == 5
    assert len(all_[0]["normalizers"]) > 5 + 15


def test_stand_ins_come_after_composition(table):
    normalize = loaded(table, stand_ins={"<": "\ue000"})
    assert normalize("<\u0338 <") == " \u226e \ue000"


def test_the_table_itself_is_the_first_outside_of_the_inner_sequence(table):
    """Where transformers looks for one to build a tokenizer of its own."""
    outer = [n for n in normalizers(table, alphabet=None, stand_ins={}) if n["type"] != "Sequence"]
    (found,) = [n["precompiled_charsmap"] for n in outer if n["type"] == "Precompiled"]
    assert base64.b64decode(found) == table


@pytest.mark.parametrize("rule", ["nfkc", "nfkc_cf", "nmt_nfkc_cf"])
def test_other_tables_are_refused(rule):
    table = table_of(processor(normalization_rule_name=rule))
    with pytest.raises(UserError, match="normalization_rule_name=nmt_nfkc"):
        normalizers(table, alphabet=None, stand_ins={})


def test_a_table_with_an_entry_for_some_spellings_only_is_refused(table):
    rules = charsmap.read(table)
    few = {key: rules[key] for key in ("\x01", "\x02", "\uff21", "A\u0301")}
    with pytest.raises(UserError, match="no form as a Hugging Face"):
        normalizers(charsmap.write(few), alphabet=None, stand_ins={})
    few["\uff21\u0301"] = few["A\u0301"]
    assert normalizers(charsmap.write(few), alphabet=None, stand_ins={})
