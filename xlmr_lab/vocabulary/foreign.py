"""What a file seems to be that should hold a vocabulary and does not: for error messages only."""

import re

from xlmr_lab.errors import UserError

HEAD_BYTES = 1 << 16
"""How much of a file is looked at."""

MODEL_OPENING = b"\n"
"""First byte of a SentencePiece model: the mark of its first piece."""

SENTENCEPIECE = "a SentencePiece model"
WORDPIECE = "a WordPiece vocabulary"
"""What can be wanted of a file."""

_POINTER = "the pointer that Git LFS leaves where a file is not fetched"
_WEB_PAGE = "a web page"
_EMPTY = "an empty file"
_OPENINGS = (
    (b"\xba\x16\x4f\x2f", "a fastText model"),
    (b"mmap lm http://kheafield.com/code", "a KenLM model"),
    (b"\\data\\", "a language model in ARPA form"),
    (b"version https://git-lfs", _POINTER),
    (b"#version: ", "the merges of a BPE model"),
    (b"<!doctype html", _WEB_PAGE),
    (b"<html", _WEB_PAGE),
    (b"PK\x03\x04", "a zip archive or a PyTorch checkpoint"),
    *((bytes([0x80, protocol]), "a pickle") for protocol in range(2, 6)),
    (b"\x1f\x8b", "a gzip file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (b"PAR1", "a Parquet file"),
    (b"GGUF", "a GGUF file"),
)
"""First bytes in lower case where they are letters, and what they open."""

_LINES = (
    (r"\S+ \S+ \d+", "the merges of fastBPE"),
    (r"\S+ \d+", "a list of words and their counts"),
    (r"[^\t]*\t-?[\d.e-]+", "the list of pieces that SentencePiece writes beside a model"),
)
"""What each line of a text file looks like, and what the file is then."""

_BERT = ("[PAD]", "[UNK]")
"""Lines of a vocab.txt."""

_HUGGING_FACE = (b'"added_tokens"', b'"normalizer"', b'"pre_tokenizer"')
"""Names in a tokenizer.json."""

_SPOILED = ("", _EMPTY, _POINTER, _WEB_PAGE)
"""What may have been the right file before it was copied."""


def refusal(wanted: str, content: bytes) -> UserError:
    """Return the complaint about a file that should be `wanted`, `SENTENCEPIECE` or `WORDPIECE`."""
    seems = description(content[:HEAD_BYTES])
    spoiled = seems in _SPOILED or seems == wanted
    what = "a damaged one" if seems == wanted else seems
    advice = (
        "train one or copy it again"
        if spoiled
        else "give a SentencePiece model, such as sentencepiece.bpe.model, or a wordpiece.json"
    )
    return UserError(f"not {wanted}{' but ' if what else ''}{what}; {advice}")


def description(head: bytes) -> str:
    """Say what the first bytes of a file open, or "" where that is not known.

    >>> description(b"mmap lm http://kheafield.com/code format version 5")
    'a KenLM model'
    """
    if not head:
        return _EMPTY
    for opening, name in _OPENINGS:
        if head[: len(opening)].lower() == opening.lower():
            return name
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 32:
        return "a safetensors file"
    text = _text(head)
    if head.lstrip()[:1] == b"{":
        return _json(head)
    if head[:1] == head[2:3] == MODEL_OPENING and text is None:
        return SENTENCEPIECE
    return "" if text is None else _text_file(text)


def _json(head: bytes) -> str:
    if any(key in head for key in _HUGGING_FACE):
        return "a tokenizer.json of Hugging Face"
    return "" if _text(head) is None else "a JSON file"


def _text_file(text: str) -> str:
    """Say what a text file is by its lines, of which the last may be cut."""
    lines = text.split("\n")[: -1 if "\n" in text else None]
    if any(line in lines for line in _BERT):
        return "a vocab.txt of BERT"
    for pattern, name in _LINES:
        if all(re.fullmatch(pattern, line) for line in lines):
            return name
    return "a text file"


def _text(head: bytes) -> str | None:
    """Return bytes as text if they are UTF-8 without control characters, the last one perhaps
    cut.
    """
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(head) - error.start > 3:
            return None
        text = head[: error.start].decode("utf-8")
    return None if any(ord(c) < 32 and not c.isspace() for c in text) else text
