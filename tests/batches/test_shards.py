"""Token files: exact content, counts, types, and what is refused.

Run with: pytest tests/batches/test_shards.py
"""

import shutil

import numpy as np
import pytest

from xlmr_lab import storage
from xlmr_lab.batches import encoding
from xlmr_lab.batches.shards import TokenShards, encode, token_dtype
from xlmr_lab.batches.splits import LEAST_HELDOUT_TOKENS, SPLITS, rank
from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary.special_tokens import EOS_ID


def texts_of(tokens: np.ndarray) -> list[str]:
    """Return the documents of a token file, by the byte tokenizer's ids."""
    ends = np.flatnonzero(tokens == EOS_ID)
    assert ends[-1] == len(tokens) - 1
    return [bytes((part[part != EOS_ID] - 4).astype(np.uint8)).decode()
            for part in np.split(tokens, ends[:-1] + 1)]  # fmt: skip


@pytest.fixture
def copied(folder, tmp_path):
    """A copy that a test may damage."""
    return shutil.copytree(folder, tmp_path / "copied")


def test_every_document_is_in_one_split_followed_by_its_end(shards, documents):
    for language in shards.languages:
        written = {name: texts_of(shards.tokens(language, name)) for name in SPLITS}
        everything = [text for _, text in documents[language]()]
        assert sorted(written["train"] + written["heldout"]) == sorted(everything)


def test_documents_are_held_out_by_the_hash_of_their_id(shards, documents):
    wanted = [text for doc_id, text in documents["en"]() if rank(doc_id) < 0.1]
    assert texts_of(shards.tokens("en", "heldout")) == wanted


def test_documents_that_share_an_id_fall_on_the_same_side(shards):
    numbers = {
        key: {text.split()[1] for text in texts_of(shards.tokens(key, "heldout"))}
        for key in ("en", "sw")
    }
    assert {n for n in numbers["en"] if int(n) < 150} <= numbers["sw"]


def test_a_small_language_still_has_enough_held_out(shards):
    for language in shards.languages:
        assert shards.counts(language, "heldout")["tokens"] >= LEAST_HELDOUT_TOKENS
        assert shards.counts(language, "train")["tokens"] > 0


def test_counts_are_those_of_the_files(shards):
    for language in shards.languages:
        for name in SPLITS:
            texts = texts_of(shards.tokens(language, name))
            counts = shards.counts(language, name)
            assert counts["documents"] == len(texts)
            assert counts["sentences"] == 2 * len(texts)
            assert counts["bytes"] == counts["pieces"] == sum(map(len, texts))
            assert counts["tokens"] == counts["pieces"] + len(texts)


def test_sizes_name_their_basis(shards):
    counts = shards.counts("en", "train")
    for basis in ("sentences", "bytes", "pieces"):
        assert shards.sizes(basis, 64)["en"] == counts[basis]
    assert shards.sizes("blocks", 64)["en"] == counts["tokens"] // 63


def test_ids_take_two_bytes_while_the_vocabulary_allows(
    documents, tokenizer, large_tokenizer, tmp_path
):
    small, large = tmp_path / "small", tmp_path / "large"
    for made, used in ((small, tokenizer), (large, large_tokenizer)):
        made.mkdir()
        encode({"ur": documents["ur"]}, used, made, heldout_fraction=0.1)
    found = [TokenShards.open(made).tokens("ur", "train") for made in (small, large)]
    assert [tokens.dtype.itemsize for tokens in found] == [2, 4]
    np.testing.assert_array_equal(found[0], found[1])
    assert (token_dtype(65_536), token_dtype(65_537)) == (np.dtype("<u2"), np.dtype("<u4"))


def test_tokens_are_read_only(shards):
    with pytest.raises(ValueError, match="read-only"):
        shards.tokens("en", "train")[0] = 1


def test_encoding_again_gives_the_same_bytes_however_it_is_chunked(
    folder, documents, tokenizer, tmp_path, monkeypatch
):
    monkeypatch.setattr(encoding, "CHUNK_CHARACTERS", 50)
    encode(documents, tokenizer, tmp_path, heldout_fraction=0.1)
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(path.name for path in tmp_path.iterdir())
    for name in names:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_blank_documents_are_left_out(documents, tokenizer, tmp_path):
    with_blank = [("blank", ""), *documents["ur"]()]
    encode({"ur": lambda: iter(with_blank)}, tokenizer, tmp_path, heldout_fraction=0.1)
    counts = [TokenShards.open(tmp_path).counts("ur", name)["documents"] for name in SPLITS]
    assert sum(counts) == len(with_blank) - 1


def test_the_vocabulary_must_be_the_one_of_the_shards(shards, tokenizer, large_tokenizer):
    shards.require_vocabulary(tokenizer.fingerprint)
    with pytest.raises(UserError, match=r"with vocabulary bytes-300, not bytes-65537; delete"):
        shards.require_vocabulary(large_tokenizer.fingerprint)


def test_a_truncated_file_is_refused_when_opened(copied):
    path = copied / "sw.train.bin"
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(UserError, match=r"sw\.train\.bin has [\d,]+ bytes instead of [\d,]+"):
        TokenShards.open(copied)


def test_a_missing_file_is_refused_when_opened(copied):
    (copied / "ur.heldout.bin").unlink()
    with pytest.raises(UserError, match=r"ur\.heldout\.bin has 0 bytes"):
        TokenShards.open(copied)


def test_a_changed_byte_is_found_by_its_checksum(copied):
    path = copied / "en.train.bin"
    TokenShards.open(copied).verify()
    content = bytearray(path.read_bytes())
    content[10] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"en\.train\.bin is damaged"):
        TokenShards.open(copied).verify()


def test_a_folder_without_shards_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"no token shards at .*; encode the documents first"):
        TokenShards.open(tmp_path)


def test_an_unknown_language_names_those_there_are(shards):
    with pytest.raises(UserError, match=r"no token shards for 'de' at .*; there are en, sw, ur"):
        shards.tokens("de", "train")


@pytest.mark.parametrize("text", ["", "hello\n", "x" * 400])
def test_a_language_with_too_little_text_is_named(documents, tokenizer, text, tmp_path):
    little = {"en": documents["en"], "qaa": lambda: iter([("a", text)])}
    with pytest.raises(UserError, match="too little text for qaa"):
        encode(little, tokenizer, tmp_path, heldout_fraction=0.1)
    assert not (tmp_path / "shards.json").exists()


@pytest.mark.parametrize("fraction", [0.0, 1.0, float("nan")])
def test_a_held_out_fraction_out_of_range_is_refused(documents, tokenizer, fraction, tmp_path):
    with pytest.raises(UserError, match=f"heldout_fraction .* got {fraction}"):
        encode(documents, tokenizer, tmp_path, heldout_fraction=fraction)


def test_no_language_is_refused(tokenizer, tmp_path):
    with pytest.raises(UserError, match="no language"):
        encode({}, tokenizer, tmp_path, heldout_fraction=0.1)


def test_the_sidecar_is_plain_json(folder):
    sidecar = storage.read_json(folder / "shards.json")
    assert sidecar["vocab_size"] == 300
    assert sidecar["vocabulary_fingerprint"] == "bytes-300"
    assert sidecar["heldout_fraction"] == 0.1
    checksum = sidecar["languages"]["en"]["train"]["checksum"]
    assert checksum == storage.checksum(folder / "en.train.bin")
