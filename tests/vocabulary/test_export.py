"""The exported tokenizer gives the ids of the vocabulary: every known difference by hand, then
random text of many blocks.

Run with: pytest tests/vocabulary/test_export.py
"""

import dataclasses
import io
import json
import logging
import random

import pytest
import sentencepiece
import tokenizers

from xlmr_lab import storage
from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary import exact_sums, export, model_proto
from xlmr_lab.vocabulary.load import load
from xlmr_lab.vocabulary.model_proto import Kind
from xlmr_lab.vocabulary.special_tokens import UNK_ID
from xlmr_lab.vocabulary.tokenizer import MODEL_NAME, Tokenizer
from xlmr_lab.vocabulary.wordpiece import WORDPIECE_NAME

HARD = {
    "a mark below and one above, in the order of their classes": "a\u0323\u0302 o\u0302\u0323",
    "a mark that composes across another in NFC alone": "a\u0316\u0301 q\u0307\u0323",
    "marks that NFC reorders": "\u0628\u0651\u064e \u0628\u064e\u0651 \u05e9\u05bc\u05c1",
    "a ligature and a mark, which do not compose": "\ufb01\u0301 \ufb01\u0301n",
    "a mark behind a full-width letter": "\uff21\u0301 \uff21\u0316b",
    "half-width kana and its voicing": "\uff76\uff9e\uff8a\uff9f\uff9e \u30ab\u3099",
    "conjoining and half-width jamo": "\u1112\u1161\u11ab \u1112\u1161 \uffbe\uffc2\uffa4 \ud558\u11ab",  # noqa: E501
    "a vowel sign in two parts": "\u0995\u09c7\u09be \u0995\u09cb \u0b95\u0bc6\u0bbe",
    "nukta, excluded from composition": "\u0915\u093c \u0958 \u0958\u0941",
    "letters without a composed form": "x\u0301\u0323 \u0435\u0301\u0300",
    "fractions, ellipsis, superscripts": "\u00bd\u2026\u00b2\u2122\ufe0f",
    "a sign that becomes a space and a mark": "a\u00b4b \u00a8\u0301 \u2017",
    "control characters inside of a letter": "e\x01\u0301 e\x02\u0301 a\x07b\x1f \x7f",
    "control characters at the ends": "\x01 ab \x03",
    "spaces of all kinds": " \u00a0a\u3000b \u2003\u200bc\u2028d\ufeff\t\r\n ",
    "joiners": "\u0645\u06cc\u200c\u062e \u0915\u094d\u200d\u0937 \U0001f468\u200d\U0001f469",
    "a joiner behind a replaced character": "\u00b2\u200d\u0301 \u00b2\u0e33",
    "the mark of a space itself": "a\u2581b \u2581 \u2581\u2581c",
    "a replacement character": "\ufffd\u0301 a\ufffdb",
    "a tilde that is left alone": "\uff5e \u223c",
    "specials": "<s> a </s> <pad><unk><mask> <<s>> </s",
    "bytes": "<0x41> <0x0A><0xFF> <0x",
    "equally good ways": "aaaaaaa bababa .... ..... =======",
    "characters without a piece": "\u16a0\u16a1 a\u16a0b \U00013000",
    "letters of Unicode 13 and later": "\U00011935\U00011930 \U000105d2\u0307",
    "NUL": "a\0b \0",
    "nothing": " \x01 ",
}
KNOWN = [
    "a b c d e q x \u1ead \u1ed9 \u00e1 \u00e9 \u01fa fi fin A \u00c1 \u30ac \u30d1 \ud55c \ud558 \u09cb",  # noqa: E501
    "\u0995 \u0bca \u0915 \u093c \u0941 \u0628 \u0651 \u064e \u0301 \u0323 \u0316 \u0300 \u0302 1 2 \u2044",  # noqa: E501
    "... .. . TM \u0645 \u06cc \u062e \u094d \u0937 \uff5e < > / s </ pad unk mask <a> </a> 0x41 0 4 1 F",  # noqa: E501
    "aa aaa ab ba bab == === = \U00011938 \u0308 \u0307 \u05e9 \u05bc \u05c1 \u0e4d \u0e32 \ufe0f",
]


def trained(lines, **options) -> bytes:
    """Return a small SentencePiece model as the lab trains it."""
    writer = io.BytesIO()
    settings = {
        "model_type": "unigram",
        "vocab_size": 400,
        "character_coverage": 1.0,
        "normalization_rule_name": "nmt_nfkc",
        "hard_vocab_limit": False,
        "minloglevel": 2,
    }
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=writer, **settings | options
    )
    return exact_sums.with_exact_scores(writer.getvalue())


def exported(folder, content: bytes, name: str = MODEL_NAME):
    """Return a vocabulary and its exported tokenizer, which reads names of specials as text."""
    (folder / name).write_bytes(content)
    export.write(folder, folder / "out", max_tokens=64)
    fast = tokenizers.Tokenizer.from_file(str(folder / "out" / "tokenizer.json"))
    fast.encode_special_tokens = True
    return load(folder), fast


@pytest.fixture(scope="module")
def lines(documents):
    words = [line for texts in documents.values() for text in texts for line in text.split("\n")]
    return words + KNOWN * 20


KINDS = {
    "unigram": {},
    "unigram-bytes": {"byte_fallback": True, "vocab_size": 600},
    "bpe": {"model_type": "bpe"},
    "bpe-bytes": {"model_type": "bpe", "byte_fallback": True, "vocab_size": 700},
    "as-it-stands": {"normalization_rule_name": "identity"},
    "over-spaces": {"split_by_whitespace": False},
}


@pytest.fixture(scope="module", params=KINDS)
def pair(request, lines, tmp_path_factory):
    content = trained(lines, **KINDS[request.param])
    return exported(tmp_path_factory.mktemp("vocabulary"), content)


@pytest.fixture(scope="module")
def unigram(lines, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unigram")
    exported(folder, trained(lines))
    return folder


def same(vocabulary, fast, texts: list[str]) -> None:
    """Fail with the first text whose ids differ."""
    encoded = fast.encode_batch(texts, add_special_tokens=False)
    for text, expected, found in zip(texts, vocabulary.encode(texts), encoded, strict=True):
        assert found.ids == expected.tolist(), ascii(text)


@pytest.mark.parametrize("why", HARD)
def test_ids_are_equal_on_text_that_is_hard_because_of(pair, why):
    same(*pair, [HARD[why], f"ba{HARD[why]}ka"])


def test_hard_text_is_not_just_unknown(unigram):
    """Or the ids would be equal whatever the normalisation did."""
    vocabulary = load(unigram)
    known = "a mark below and one above, in the order of their classes"
    assert vocabulary.pieces(HARD[known])[:2] == ["\u2581", "\u1ead"]
    num_known = sum(UNK_ID not in ids for ids in vocabulary.encode(list(HARD.values())))
    assert num_known > len(HARD) // 2


def test_ids_are_equal_on_random_text_of_many_blocks(pair):
    rng = random.Random(4)
    vocabulary, fast = pair
    pieces = [name.replace("\u2581", " ") for name in vocabulary.names(range(4, vocabulary.size))]
    blocks = (0x0, 0x80, 0x300, 0x600, 0x900, 0xE00, 0x1100, 0x1E00, 0x2000, 0x3000, 0xFF00)

    def part() -> str:
        if rng.random() < 0.4:
            return rng.choice(pieces)
        if rng.random() < 0.3:
            return rng.choice(list(HARD.values()))[rng.randrange(3) :][: rng.randrange(1, 4)]
        if rng.random() < 0.1:
            return rng.choice("ab.=") * rng.randrange(1, 30)
        return chr(rng.choice(blocks) + rng.randrange(0xF0))

    same(
        vocabulary, fast, ["".join(part() for _ in range(rng.randrange(1, 9))) for _ in range(3000)]
    )


def test_a_special_is_not_made_of_letters_without_a_piece(tmp_path):
    """Georgian alone: `<s>` is one unknown stretch, and `<unk>` all the same."""
    lines = ["\u10d0\u10d1\u10d2 \u10d1\u10d0 \u10d2\u10d0", "\u10d0\u10d0\u10d1"] * 40
    vocabulary, fast = exported(tmp_path, trained(lines, vocab_size=20))
    texts = ["<s>", "\u10d0<s>\u10d1", "</s><mask>", "<pad> \u10d0", "<unk>"]
    same(vocabulary, fast, texts)
    assert vocabulary.encode(["<s>"])[0].tolist()[-1] == UNK_ID


def test_sums_that_round_can_part_and_are_warned_of(lines, tmp_path, caplog):
    proto = model_proto.read(trained(lines))
    pieces = [dataclasses.replace(p, score=p.score * 1.1) for p in proto.pieces]
    model = model_proto.write(dataclasses.replace(proto, pieces=pieces))
    with caplog.at_level(logging.WARNING):
        exported(tmp_path, model)
    assert "exact sums" in caplog.text
    caplog.clear()
    exported(tmp_path, exact_sums.with_exact_scores(model))
    assert caplog.text == ""


@pytest.fixture(scope="module", params=[False, True], ids=["cased", "lowercased"])
def wordpiece(request, tmp_path_factory):
    pieces = ["the", "cat", "##s", "<", ">", "s", "/", "caf\u00e9", "cafe", "\u4e16", "mask", "<s"]
    content = {"pieces": pieces, "lowercase": request.param}
    folder = tmp_path_factory.mktemp("wordpiece")
    return exported(folder, json.dumps(content).encode(), WORDPIECE_NAME)


def test_wordpiece_has_the_same_ids(wordpiece):
    vocabulary, fast = wordpiece
    same(vocabulary, fast, [*HARD.values(), "The cats' caf\u00e9 \u4e16\u754c <s> </s> <mask>"])
    assert fast.decode(fast.encode("the cats").ids, skip_special_tokens=True) == "the cats"


@pytest.fixture
def auto(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return pytest.importorskip("transformers").AutoTokenizer


def as_text(theirs, text: str) -> list[int]:
    """Return the ids of a text in which names of specials are text."""
    return theirs(text, add_special_tokens=False, split_special_tokens=True).input_ids


def test_transformers_loads_it_with_the_published_layout(auto, unigram):
    theirs, ours = auto.from_pretrained(unigram / "out"), load(unigram)
    assert len(theirs) == ours.size
    specials = (theirs.bos_token_id, theirs.pad_token_id, theirs.eos_token_id, theirs.unk_token_id)
    assert specials == (0, 1, 2, 3)
    assert theirs.mask_token_id == ours.size - 1
    assert theirs.convert_ids_to_tokens(range(ours.size)) == ours.names(range(ours.size))
    assert theirs.model_max_length == 64
    for text in HARD.values():
        assert as_text(theirs, text) == ours.encode([text])[0].tolist()


def test_transformers_takes_it_whole_beside_a_model_of_xlm_r(auto, unigram, tmp_path):
    """Where the type of the model is known, the library would build a tokenizer of its own."""
    for file in (unigram / "out").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    storage.write_json(tmp_path / "config.json", {"model_type": "xlm-roberta"})
    theirs, ours = auto.from_pretrained(tmp_path), load(unigram)
    for text in HARD.values():
        assert as_text(theirs, text) == ours.encode([text])[0].tolist()


def test_saving_and_loading_again_changes_nothing(auto, unigram, tmp_path):
    theirs = auto.from_pretrained(unigram / "out")
    theirs.save_pretrained(tmp_path)
    texts = list(HARD.values())
    assert auto.from_pretrained(tmp_path)(texts).input_ids == theirs(texts).input_ids


def test_one_text_and_two_are_framed_as_published(auto, unigram):
    theirs = auto.from_pretrained(unigram / "out", split_special_tokens=True)
    a, b = (ids.tolist() for ids in load(unigram).encode(["ab", "ba <s>"]))
    assert theirs("ab").input_ids == [0, *a, 2]
    assert theirs("ab", "ba <s>").input_ids == [0, *a, 2, 2, *b, 2]
    padded = theirs(["ab", "ba <s> ab"], padding=True)
    assert padded.input_ids[0][len(a) + 2 :] == [1] * (len(padded.input_ids[1]) - len(a) - 2)
    assert set(padded) == {"input_ids", "attention_mask"}


def test_a_name_in_a_text_is_the_special_unless_text_is_asked_for(auto, unigram):
    theirs, ours = auto.from_pretrained(unigram / "out"), load(unigram)
    a = ours.encode(["ab"])[0].tolist()
    mask = theirs.mask_token_id
    assert theirs("ab <mask> ab").input_ids == [0, *a, mask, *a, 2]
    text = [0, *ours.encode(["ab <mask> ab"])[0].tolist(), 2]
    assert mask not in text
    assert theirs("ab <mask> ab", split_special_tokens=True).input_ids == text
    asked = auto.from_pretrained(unigram / "out", split_special_tokens=True)
    assert asked("ab <mask> ab").input_ids == text


def test_the_file_alone_reads_names_the_same_two_ways(unigram):
    fast = tokenizers.Tokenizer.from_file(str(unigram / "out" / "tokenizer.json"))
    ours = load(unigram)
    a = ours.encode(["ab"])[0].tolist()
    assert fast.encode("ab <mask> ab").ids == [0, *a, ours.size - 1, *a, 2]
    assert fast.encode("ab </s> ab").ids == [0, *a, 2, *a, 2]
    fast.encode_special_tokens = True
    for text in ("ab <mask> ab", "ab </s> ab"):
        assert fast.encode(text).ids == [0, *ours.encode([text])[0].tolist(), 2]


def test_the_slow_form_is_the_model_itself(unigram):
    ours = Tokenizer.load(unigram / "out")
    assert ours.fingerprint == load(unigram).fingerprint
    assert (unigram / "out" / "sentencepiece.bpe.model").is_file()


def test_text_comes_back(pair):
    vocabulary, fast = pair
    text = "ba kado <a> </a>"
    ids = fast.encode(text).ids
    assert fast.decode(ids, skip_special_tokens=True) == vocabulary.decode(ids) == text


def test_offsets_are_the_words_without_the_space_before_them(unigram):
    fast = tokenizers.Tokenizer.from_file(str(unigram / "out" / "tokenizer.json"))
    text = " \x03fin \u00bd\u2026  \uff21b"
    encoded = fast.encode(text, add_special_tokens=False)
    spans = [text[start:end] for start, end in encoded.offsets]
    words = {"".join(encoded.tokens).replace("\u2581", " "): "".join(dict.fromkeys(spans))}
    assert words == {" fin 1\u20442... Ab": "fin\u00bd\u2026\uff21b"}
    _, ours = load(unigram).offsets(text)
    for (start, end), mine in zip(encoded.offsets, ours.tolist(), strict=True):
        assert [start, end] == mine or mine[0] == mine[1]


def changed(lines, change) -> bytes:
    """Return a model with its last piece changed."""
    proto = model_proto.read(trained(lines))
    pieces = [*proto.pieces[:-1], dataclasses.replace(proto.pieces[-1], **change)]
    return model_proto.write(dataclasses.replace(proto, pieces=pieces))


@pytest.mark.parametrize(
    ("options", "change", "message"),
    [
        ({"model_type": "char"}, {}, "kind char has no form"),
        ({"add_dummy_prefix": False}, {}, "add_dummy_prefix"),
        ({"remove_extra_whitespaces": False}, {}, "remove_extra_whitespaces"),
        ({"treat_whitespace_as_suffix": True}, {}, "add_dummy_prefix"),
        ({"normalization_rule_name": "nfkc"}, {}, "normalization_rule_name=nmt_nfkc"),
        ({"normalization_rule_name": "nmt_nfkc_cf"}, {}, "normalization_rule_name=nmt_nfkc"),
        ({}, {"kind": Kind.USER_DEFINED}, "user-defined piece"),
        ({}, {"kind": Kind.UNUSED}, "unused piece"),
        ({}, {"text": "<mask>"}, "called '<mask>' like a special"),
    ],
)
def test_models_without_such_a_form_are_refused(lines, tmp_path, options, change, message):
    model = trained(lines, **options) if options else changed(lines, change)
    (tmp_path / MODEL_NAME).write_bytes(model)
    with pytest.raises(UserError, match=message):
        export.write(tmp_path, tmp_path / "out", max_tokens=64)
    assert not (tmp_path / "out").exists()


def test_preprocessing_is_refused_by_its_name(lines, tmp_path):
    (tmp_path / MODEL_NAME).write_bytes(trained(lines))
    storage.write_json(tmp_path / "vocabulary.json", {"config": {"preprocessing": "tokenized"}})
    with pytest.raises(UserError, match="preprocessing=tokenized, which a Hugging Face tokenizer"):
        export.write(tmp_path, tmp_path / "out", max_tokens=64)
