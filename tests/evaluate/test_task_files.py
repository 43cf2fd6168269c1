"""Task files: `pytest tests/evaluate/test_task_files.py`."""

import gzip
import lzma
from pathlib import Path

import pytest
import zstandard

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.task_files import read_ner, read_nli

SHARED = Path(__file__).parents[2] / "../shared/data"
PACK = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}
NLI = "a b\tc\tentailment\nd\te\tcontradictory\n\nf\tg\tneutral"


def put(folder, name, text):
    path = folder / name
    path.write_bytes(PACK[path.suffix if path.suffix in PACK else ""](text.encode("utf-8")))
    return path


@pytest.mark.parametrize("suffix", PACK)
def test_pairs_by_hand_in_every_compression(tmp_path, suffix):
    pairs = read_nli(put(tmp_path, f"dev-qaa.tsv{suffix}", NLI))
    assert pairs == (["a b", "d", "f"], ["c", "e", "g"], [0, 2, 1])


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("a\tb", "the label is missing"),
        ("a\tb\t", "the label is missing"),
        ("a\tb\tmaybe", "unknown label 'maybe': expected entailment"),
        ("neutral\ta\tb", "the label is in column 1, expected in column 3"),
        ("a\tb\tneutral\tc", "got 4 columns"),
        ("a", "got 1 columns"),
        ("\tb\tneutral", "premise or the hypothesis is empty"),
    ],
)
def test_a_bad_pair_is_named_by_file_and_line(tmp_path, line, problem):
    path = put(tmp_path, "dev-qaa.tsv", f"a\tb\tneutral\n{line}\n")
    with pytest.raises(UserError, match=rf"dev-qaa.tsv, line 2: .*{problem}"):
        read_nli(path)


@pytest.mark.parametrize("read", [read_nli, lambda path: read_ner(path, "qaa")])
def test_an_empty_file_is_an_error(tmp_path, read):
    with pytest.raises(UserError, match=r"dev-qaa\.tsv is empty"):
        read(put(tmp_path, "dev-qaa.tsv", "\n \n"))


def test_tagged_words_by_hand(tmp_path):
    path = put(tmp_path, "dev-qaa.tsv", "Ann\tB-PER\r\nLee\tI-PER\r\n\r\n\nx\tO\nOslo\tB-LOC")
    sentences = read_ner(path, "qaa")
    assert sentences.words == [["Ann", "Lee"], ["x", "Oslo"]]
    assert sentences.tags == [["B-PER", "I-PER"], ["O", "B-LOC"]]


@pytest.mark.parametrize(
    ("language", "lines", "words"),
    [
        ("en", ["en:Ann", "en:x:y", "en::"], ["Ann", "x:y", ":"]),
        ("zh-Hans", ["zh:A", "zh:B"], ["A", "B"]),
        ("zh-Hans", ["zh-Hans:A", "zh-Hans:B"], ["A", "B"]),
        ("en", ["de:A", "de:B"], ["de:A", "de:B"]),  # another language's code is part of the token
        (
            "en",
            ["en:A", "B"],
            ["en:A", "B"],
        ),  # a file without prefixes may hold a token that looks like one
        ("en", ["12:30", ":"], ["12:30", ":"]),
        ("en", ["en:", "en:a"], ["", "a"]),
    ],
)
def test_the_language_prefix_is_taken_off_only_where_all_tokens_have_it(
    tmp_path, language, lines, words
):
    path = put(tmp_path, "dev-x.tsv", "".join(f"{line}\tO\n" for line in lines))
    assert read_ner(path, language).words == [words]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("Lee\tI-LOC", "'I-LOC' follows 'B-PER': in IOB2 an entity begins with B-"),
        ("Lee\tPER", "tag 'PER' must be O, B-TYPE or I-TYPE"),
        ("Lee\tB-", "must be O, B-TYPE or I-TYPE"),
        ("Lee\tE-PER", "must be O, B-TYPE or I-TYPE"),
        ("B-PER\tLee", "are the columns swapped"),
        ("Lee", "the tag is missing"),
        ("Lee\t", "the tag is missing"),
        ("Lee\tNNP\tB-PER", "got 3 columns"),
        ("\tO", "the token is empty"),
    ],
)
def test_a_bad_word_is_named_by_file_and_line(tmp_path, line, problem):
    path = put(tmp_path, "dev-qaa.tsv", f"Ann\tB-PER\n{line}\n")
    with pytest.raises(UserError, match=rf"dev-qaa.tsv, line 2: .*{problem}"):
        read_ner(path, "qaa")


def test_an_entity_does_not_go_on_after_a_blank_line(tmp_path):
    with pytest.raises(UserError, match="line 3: tag 'I-PER' follows 'O'"):
        read_ner(put(tmp_path, "dev-qaa.tsv", "Ann\tB-PER\n\nLee\tI-PER\n"), "qaa")


def test_an_entity_type_that_is_not_allowed_is_named(tmp_path):
    path = put(tmp_path, "dev-qaa.tsv", "x\tO\nAnn\tB-MISC\n")
    with pytest.raises(UserError, match=r"line 2: entity type 'MISC' .* LOC, PER"):
        read_ner(path, "qaa", {"PER", "LOC"})


def test_only_line_feeds_end_a_line(tmp_path):
    word = "a\u2028b\u0085c\u000bd"  # LINE SEPARATOR, NEXT LINE, vertical tab
    assert read_ner(put(tmp_path, "dev-qaa.tsv", f"{word}\tO\n"), "qaa").words == [[word]]


def test_a_byte_order_mark_is_no_part_of_the_first_token(tmp_path):
    assert read_ner(put(tmp_path, "dev-qaa.tsv", "\ufeffAnn\tO\n"), "qaa").words == [["Ann"]]


def test_text_that_is_not_utf_8_is_named_by_line(tmp_path):
    path = tmp_path / "dev-qaa.tsv"
    path.write_bytes(b"Ann\tO\n\xff\xfe\tO\n")
    with pytest.raises(UserError, match="line 2 is not UTF-8"):
        read_ner(path, "qaa")


@pytest.mark.parametrize("suffix", [s for s in PACK if s])
@pytest.mark.parametrize("keep", [0.6, 0.0])
def test_a_compressed_file_cut_short_is_an_error(tmp_path, suffix, keep):
    path = put(tmp_path, f"dev-qaa.tsv{suffix}", NLI * 100)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)] or b"x")
    with pytest.raises(UserError, match=rf"dev-qaa.tsv{suffix} is no whole {suffix} file"):
        read_nli(path)


@pytest.mark.parametrize("suffix", [s for s in PACK if s])
def test_several_compressed_frames_are_read_on(tmp_path, suffix):
    path = tmp_path / f"dev-qaa.tsv{suffix}"
    path.write_bytes(PACK[suffix](b"a\tb\tneutral\n") + PACK[suffix](b"c\td\tentailment\n"))
    assert read_nli(path).labels == [1, 0]


@pytest.mark.real
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the real data in ../shared/data")
@pytest.mark.parametrize("language", ["en", "de", "fr", "ru", "sw", "ur"])
@pytest.mark.parametrize("split", ["train", "dev"])
def test_real_wikiann_files_load_whole(split, language):
    path = SHARED / f"ner/panx/{split}-{language}.tsv.xz"
    lines = lzma.open(path).read().decode("utf-8").split("\n")
    sentences = read_ner(path, language, {"PER", "ORG", "LOC"})
    words = [word for sentence in sentences.words for word in sentence]
    assert len(words) == sum(bool(line) for line in lines)
    assert len(words) == sum(map(len, sentences.tags))
    assert len(sentences.words) == 1 + sum(not line for line in lines[1:-1])
    # Every entity that the file begins is one chunk.
    entities = sum(line.endswith(("\tB-PER", "\tB-ORG", "\tB-LOC")) for line in lines)
    assert sum(tag.startswith("B-") for tags in sentences.tags for tag in tags) == entities
    assert not any(all(w.startswith(f"{language}:") for w in s) for s in sentences.words)


@pytest.mark.real
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the real data in ../shared/data")
def test_real_xnli_dev_files_load_whole_and_a_test_file_without_labels_is_refused():
    folder = SHARED / "nli/xnli"
    found = sorted(folder.glob("dev-*.tsv.xz"))
    assert len(found) == 15
    gold = read_nli(folder / "dev-en.tsv.xz").labels
    assert [gold.count(i) for i in range(3)] == [830, 830, 830]
    for path in found:
        assert read_nli(path).labels == gold
    with pytest.raises(UserError, match="line 1: the label is missing"):
        read_nli(folder / "test-en.tsv.xz")
