"""Tokenizers of Hugging Face transformers as text encoders.

Ids are those of the library's own call, without its specials, but for one thing: text that spells
`<s>` or `[MASK]` is text, and what a tokenizer makes a special of there becomes an unknown piece.
Spans come from the tokenizer where it has them (those of the library's fast kind), brought to what
`vocabulary.spans` says: no space before a word, what is dropped belongs to the piece before. Where
it has none (XLM's) they are found by alignment.py. The layout is read off what the tokenizer itself
makes of a pair. XLM's tokenizer cuts words by the rules of the text's language, and needs it.
Left out: masking, decoding.
"""

import hashlib
import json
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.alignment import align
from xlmr_lab.evaluate.text import Layout, TextEncoder
from xlmr_lab.vocabulary import arguments, extra, surrogates
from xlmr_lab.vocabulary.spans import SPACE, with_dropped

Ids = npt.NDArray[np.int32]
Spans = npt.NDArray[np.int64]

END_OF_WORD, WITHIN_WORD = "</w>", "##"
"""Marks at the end of the last piece of a word (XLM), and at the start of all but the first
(BERT)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FastText:
    """A tokenizer of the fast kind, which has spans of its own."""

    backend: Any
    """`tokenizers.Tokenizer`."""
    layout: Layout
    size: int
    fingerprint: str
    specials: Ids
    """Ids that are no text."""

    def encode(self, texts: Sequence[str], language: str | None = None) -> list[Ids]:
        """Return the ids of each text, without specials; the language makes no difference."""
        arguments.check_texts(texts)
        surrogates.refuse(texts)
        found = self.backend.encode_batch(list(texts), add_special_tokens=False)
        return [_as_text(row.ids, self.specials, self.layout.unk_id) for row in found]

    def encode_words(self, words: Sequence[str], language: str | None = None) -> list[Ids]:
        """Return the ids of each word, as it is encoded behind a space."""
        arguments.check_texts(words)
        return self.encode([f" {word}" for word in words], language)

    def offsets(self, text: str, language: str | None = None) -> tuple[Ids, Spans]:
        """Return the ids of a text and their spans."""
        surrogates.refuse([text])
        found = self.backend.encode(text, add_special_tokens=False)
        spans = np.array(
            [
                _trimmed(text, start, start if _is_space(token) else end)
                for token, (start, end) in zip(found.tokens, found.offsets, strict=True)
            ],
            dtype=np.int64,
        ).reshape(-1, 2)
        ids = _as_text(found.ids, self.specials, self.layout.unk_id)
        plain = text.replace(SPACE, " ")
        return ids, with_dropped(plain, with_replaced(plain, spans))


@dataclass(frozen=True, kw_only=True, slots=True)
class SlowText:
    """A tokenizer written in Python, which says what its pieces are but not where they stand."""

    to_pieces: Callable[[str, str | None], list[str]]
    """Pieces of a text in a language."""
    to_ids: Callable[[list[str]], list[int]]
    layout: Layout
    size: int
    fingerprint: str
    specials: Ids
    """Ids that are no text."""

    def encode(self, texts: Sequence[str], language: str | None = None) -> list[Ids]:
        """Return the ids of each text, without specials.

        Raises:
            UserError: no language where one is needed, or a library for it is missing.
        """
        arguments.check_texts(texts)
        surrogates.refuse(texts)
        return [self._ids(self.to_pieces(text, language)) for text in texts]

    def encode_words(self, words: Sequence[str], language: str | None = None) -> list[Ids]:
        """Return the ids of each word: a text of its own, for it is cut at spaces before."""
        return self.encode(words, language)

    def offsets(self, text: str, language: str | None = None) -> tuple[Ids, Spans]:
        """Return the ids of a text and their spans; raises as `encode`."""
        surrogates.refuse([text])
        pieces = self.to_pieces(text, language)
        return self._ids(pieces), align(text, [unmarked(piece) for piece in pieces])

    def _ids(self, pieces: list[str]) -> Ids:
        return _as_text(self.to_ids(pieces), self.specials, self.layout.unk_id)


def of_tokenizer(tokenizer: Any, *, size: int, has_segments: bool) -> TextEncoder:
    """Return a tokenizer of transformers as a text encoder, of an encoder with `size` ids.

    Raises:
        UserError: the tokenizer has no vocabulary, more ids than the encoder, or no id for padding
            or for the unknown.
    """
    if len(tokenizer) <= len(tokenizer.all_special_ids) + 1:
        raise UserError("its tokenizer has no vocabulary; add the tokenizer's files to the folder")
    if len(tokenizer) > size:
        raise UserError(
            f"its tokenizer has {len(tokenizer):,} ids and the encoder {size:,}; add the files of "
            "the tokenizer that it was pretrained with"
        )
    for name in ("pad_token_id", "unk_token_id"):
        if getattr(tokenizer, name) is None:
            raise UserError(f"its tokenizer has no {name}, which tasks need; give another encoder")
    backend = _own_backend(tokenizer.backend_tokenizer) if tokenizer.is_fast else None
    layout = layout_of(tokenizer, has_segments=has_segments)
    specials = sorted({*tokenizer.all_special_ids, layout.pad_id} - {layout.unk_id})
    shared: dict[str, Any] = {
        "layout": layout,
        "size": size,
        "specials": np.array(specials, dtype=np.int32),
    }
    kind = type(tokenizer).__name__
    if backend is not None:
        rules = [json.loads(backend.to_str()), specials]
        return FastText(backend=backend, fingerprint=_fingerprint(kind, layout, rules), **shared)
    shared["fingerprint"] = _fingerprint(kind, layout, [*_rules(tokenizer), specials])
    to_pieces = _xlm_pieces(tokenizer) if kind == "XLMTokenizer" else _plain_pieces(tokenizer)
    return SlowText(to_pieces=to_pieces, to_ids=tokenizer.convert_tokens_to_ids, **shared)


def layout_of(tokenizer: Any, *, has_segments: bool) -> Layout:
    """Return the layout that a tokenizer of transformers gives a pair of texts.

    Raises:
        UserError: it has none that `Layout` could describe.
    """
    first, second = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in "ab")
    alone = tokenizer("a")["input_ids"]
    both = tokenizer("a", "b", return_token_type_ids=True)
    ids, kinds = both["input_ids"], both["token_type_ids"]
    begin = next(n for n in range(len(alone)) if alone[n : n + len(first)] == first)
    end = len(alone) - begin - len(first)
    start_second = len(ids) - end - len(second)
    layout = Layout(
        begin=tuple(ids[:begin]),
        between=tuple(ids[begin + len(first) : start_second]),
        end=tuple(ids[len(ids) - end :]),
        pad_id=tokenizer.pad_token_id,
        unk_id=tokenizer.unk_token_id,
        label_at="first" if begin else "last",
        segments=(kinds[begin], kinds[start_second], 0 if begin else kinds[-1])
        if has_segments
        else (0, 0, 0),
    )
    row = layout.pair(first, second)
    same = row.ids.tolist() == ids and layout.single(first).ids.tolist() == alone
    if not same or not (begin or end) or (has_segments and row.segments.tolist() != kinds):
        raise UserError(
            f"its tokenizer lays out a pair of texts as {tokenizer.convert_ids_to_tokens(ids)}, "
            "which no task can use; give another encoder"
        )
    return layout


def unmarked(piece: str) -> str:
    """Return the text of a piece, without the marks of a word's begin or end.

    >>> [unmarked(piece) for piece in ("ab</w>", "##ab", "\\u2581ab", "##", "</w>")]
    ['ab', 'ab', 'ab', '##', '']
    """
    text = piece.removesuffix(END_OF_WORD).replace(SPACE, "")
    return text.removeprefix(WITHIN_WORD) or text


def with_replaced(text: str, spans: Spans) -> Spans:
    """Lengthen spans [N, 2] over marks and signs right before them that no span covers: those that
    became one with what follows, as two backticks do a quotation mark in XLNet.

    >>> with_replaced("a ``b", np.array([[0, 1], [3, 3], [3, 4], [4, 5]])).tolist()
    [[0, 1], [2, 2], [2, 4], [4, 5]]
    """
    longer, end = spans.copy(), 0
    for number, (first, last) in enumerate(spans.tolist()):
        start = first
        while start > end and unicodedata.category(text[start - 1])[0] in "PS":
            start -= 1
        if start < first:
            longer[number] = start, last if first < last else start
        end = max(end, last if first < last else 0)
    return longer


def _as_text(ids: Sequence[int], specials: Ids, unk_id: int) -> Ids:
    found = np.array(ids, dtype=np.int32)
    found[np.isin(found, specials)] = unk_id
    return found


def _is_space(token: str) -> bool:
    return bool(token) and not token.strip(SPACE)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a span without the white space at its ends."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _plain_pieces(tokenizer: Any) -> Callable[[str, str | None], list[str]]:
    def to_pieces(text: str, language: str | None) -> list[str]:
        pieces: list[str] = tokenizer.tokenize(text, split_special_tokens=True)
        return pieces

    return to_pieces


def _xlm_pieces(tokenizer: Any) -> Callable[[str, str | None], list[str]]:
    """Return XLM's way to pieces; the library's public call leaves the language out on its way."""

    def to_pieces(text: str, language: str | None) -> list[str]:
        if language is None:
            raise UserError(
                "XLM's tokenizer needs the language of the text; give language=, such as 'en'"
            )
        key = language.partition("-")[0]
        try:
            pieces: list[str] = tokenizer._tokenize(text, lang=key)
        except ImportError as error:
            raise UserError(
                f"XLM's tokenizer needs {error.name or error} for text of {language!r}, which is "
                "not installed; install it, or leave the language out"
            ) from None
        return pieces

    return to_pieces


def _own_backend(backend: Any) -> Any:
    """Return a copy that neither cuts nor pads, and takes names of specials for text: the library's
    own calls change all three on theirs."""
    own = type(backend).from_str(backend.to_str())
    own.no_padding()
    own.no_truncation()
    own.encode_special_tokens = True
    return own


def _rules(tokenizer: Any) -> list[Any]:
    """Return what decides the ids of a tokenizer written in Python."""
    passing = ("name_or_path", "vocab_file", "merges_file")
    settings = {k: repr(v) for k, v in tokenizer.init_kwargs.items() if k not in passing}
    merges = [" ".join(pair) for pair in getattr(tokenizer, "bpe_ranks", ())]
    return [settings, tokenizer.get_vocab(), merges, extra.versions()]


def _fingerprint(kind: str, layout: Layout, rules: Any) -> str:
    """Return digits that name a vocabulary, its rules, and the libraries it cuts words with."""
    content = json.dumps([kind, repr(layout), rules], sort_keys=True)
    return hashlib.sha256(content.encode("utf-8")).hexdigest()[:16]
