"""What a file seems to be that should hold a vocabulary and does not: for error messages only."""

HEAD_BYTES = 1 << 16
"""How much of a file is looked at."""

MODEL_OPENING = b"\n"
"""First byte of a SentencePiece model: the mark of its first piece."""

_OPENINGS = (
    (b"\xba\x16\x4f\x2f", "a fastText model"),
    (b"mmap lm http://kheafield.com/code", "a KenLM model"),
    (b"\\data\\", "a language model in ARPA form"),
    (b"version https://git-lfs", "the pointer that Git LFS leaves where a file is not fetched"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"PK\x03\x04", "a zip archive or a PyTorch checkpoint"),
    (b"\x80\x02", "a pickle"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (b"PAR1", "a Parquet file"),
)
"""First bytes in lower case where they are letters, and what they open."""

_HUGGING_FACE = (b'"added_tokens"', b'"normalizer"', b'"pre_tokenizer"')
"""Names in a tokenizer.json."""


def description(head: bytes) -> str:
    """Say what the first bytes of a file open, or "" where that is not known.

    >>> description(b"mmap lm http://kheafield.com/code format version 5")
    'a KenLM model'
    """
    if not head:
        return "an empty file"
    for opening, name in _OPENINGS:
        if head[: len(opening)].lower() == opening.lower():
            return name
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 32:
        return "a safetensors file"
    if head.lstrip()[:1] == b"{":
        return _json(head)
    if head[:1] == head[2:3] == MODEL_OPENING and not _is_text(head):
        return "a damaged one"
    return "a text file" if _is_text(head) else ""


def _json(head: bytes) -> str:
    if any(key in head for key in _HUGGING_FACE):
        return "a tokenizer.json of Hugging Face"
    return "a JSON file" if _is_text(head) else ""


def _is_text(head: bytes) -> bool:
    """Return whether bytes are UTF-8 without control characters, the last one perhaps cut."""
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(head) - error.start > 3:
            return False
        text = head[: error.start].decode("utf-8")
    return not any(ord(c) < 32 and not c.isspace() for c in text)
