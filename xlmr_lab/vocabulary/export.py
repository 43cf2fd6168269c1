"""Tokenizer files for Hugging Face with the ids of a vocabulary, text for text.

Written are `tokenizer.json` (the fast form) with `tokenizer_config.json` and
`special_tokens_map.json`, and the vocabulary itself, of SentencePiece models as
`sentencepiece.bpe.model` (the slow form) like beside the released checkpoints.
`AutoTokenizer.from_pretrained` takes the fast form as it stands. `XLMRobertaTokenizer` does not in
transformers 5: it keeps the pieces and makes a normalizer of its own, as for the released
checkpoints, which gives other ids for about one line in 6,300 of natural text.

A text that spells `<s>` or `<mask>` is ordinary text in the lab, and a special here, as with the
released files: so `<mask>` in a text is the mask. Loaded or called with `split_special_tokens=True`
(in the library `tokenizers`: `encode_special_tokens = True`), names are text here too, and every
line has the lab's ids.

Unigram scores that do not add up exactly can part where two ways to cut a text are equally good;
see `exact_sums`. Left out: preprocessing before the subwords, which no such file can hold; pieces
that a user defined or that are switched off; models that keep spaces or put none before a text.
"""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xlmr_lab import storage
from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary import exact_sums, merges, model_proto, normalization, spelled_names
from xlmr_lab.vocabulary.load import load
from xlmr_lab.vocabulary.model_proto import Kind, ModelProto, Piece
from xlmr_lab.vocabulary.preprocessed import PreprocessedVocabulary
from xlmr_lab.vocabulary.special_tokens import (
    BOS_ID,
    BOS_TOKEN,
    EOS_ID,
    EOS_TOKEN,
    MASK_TOKEN,
    PAD_TOKEN,
    SPECIAL_TOKENS,
    UNK_ID,
    UNK_TOKEN,
    mask_id,
)
from xlmr_lab.vocabulary.tokenizer import MODEL_NAME, PUBLISHED_MODEL_NAME, Tokenizer
from xlmr_lab.vocabulary.wordpiece import WORDPIECE_NAME, WordPieceTokenizer

logger = logging.getLogger(__name__)

TOKENIZER_NAME = "tokenizer.json"
CONFIG_NAME = "tokenizer_config.json"
SPECIALS_NAME = "special_tokens_map.json"

SPACE = "\u2581"
"""What SentencePiece writes for a space."""

_ROLES = {
    "bos_token": BOS_TOKEN,
    "cls_token": BOS_TOKEN,
    "pad_token": PAD_TOKEN,
    "eos_token": EOS_TOKEN,
    "sep_token": EOS_TOKEN,
    "unk_token": UNK_TOKEN,
    "mask_token": MASK_TOKEN,
}

Json = dict[str, Any]


def write(vocabulary: Path, folder: Path, *, max_tokens: int) -> None:
    """Write the tokenizer files of a vocabulary, its folder or model file, into `folder`.

    `max_tokens` are those of a sequence that the model takes, `<s>` and `</s>` included.

    Raises:
        UserError: there is no vocabulary, or one that a Hugging Face tokenizer cannot be equal to.
    """
    loaded = load(vocabulary)
    if isinstance(loaded, Tokenizer):
        slow_name = PUBLISHED_MODEL_NAME
        slow = _file(vocabulary, MODEL_NAME, PUBLISHED_MODEL_NAME).read_bytes()
        content = _of_sentencepiece(model_proto.read(slow), loaded)
    elif isinstance(loaded, WordPieceTokenizer):
        slow_name = WORDPIECE_NAME
        slow = _file(vocabulary, WORDPIECE_NAME).read_bytes()
        content = _of_wordpiece(loaded)
    else:
        assert isinstance(loaded, PreprocessedVocabulary), "the last kind that there is"
        raise UserError(
            f"{vocabulary} has preprocessing={loaded.kind}, which a Hugging Face tokenizer cannot "
            "hold; xlmr_lab.vocabulary.load reads it, and vocabulary.preprocessing=none makes one "
            "that can be exported"
        )
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": _added_tokens(loaded.size),
        **content,
        "post_processor": _template(),
    }
    storage.write_bytes(folder / slow_name, slow)
    storage.write_text(folder / TOKENIZER_NAME, json.dumps(content, ensure_ascii=False))
    storage.write_json(folder / SPECIALS_NAME, _ROLES)
    storage.write_json(folder / CONFIG_NAME, _settings(max_tokens))


def _settings(max_tokens: int) -> Json:
    """Return what transformers is told beside the tokenizer itself."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **_ROLES,
        "model_max_length": max_tokens,
        "model_input_names": ["input_ids", "attention_mask"],
        "split_special_tokens": False,
        "clean_up_tokenization_spaces": False,
    }


def _file(vocabulary: Path, *names: str) -> Path:
    """Return the file of a vocabulary: itself, or the first of these in its folder."""
    if not vocabulary.is_dir():
        return vocabulary
    return next(path for name in names if (path := vocabulary / name).is_file())


def _of_sentencepiece(proto: ModelProto, tokenizer: Tokenizer) -> Json:
    """Return what a SentencePiece model decides: normalizer, pre-tokenizer, model, decoder."""
    names = tokenizer.names(range(tokenizer.size))
    _check(proto, tokenizer, names)
    if not exact_sums.are_exact(proto):
        logger.warning(
            "the scores of this SentencePiece model have no exact sums in 32 bits, so of ways to "
            "cut a text that are equally good, such as '...' and '.', the tokenizer may take the "
            "other one (about one line in 15,000); vocabularies of the lab have exact scores"
        )
    normal = {piece.text: piece.score for piece in proto.pieces if piece.kind == Kind.NORMAL}
    alphabet = set("".join(normal))
    of_unigram = proto.model_kind == "unigram"
    others = [name for name in names if name not in normal] if of_unigram else []
    put = {} if proto.byte_fallback else spelled_names.stand_ins(others, alphabet)
    spelled = [name for name in others if put.keys().isdisjoint(name)]
    cuts = spelled_names.cuts(spelled, normal.keys(), needs_one_known=not proto.byte_fallback)
    return {
        "normalizer": {
            "type": "Sequence",
            "normalizers": normalization.normalizers(
                proto.charsmap, alphabet=None if proto.byte_fallback else alphabet, stand_ins=put
            ),
        },
        "pre_tokenizer": _pre_tokenizer(cuts, splits_words=_keeps_to_words(normal, tokenizer)),
        "model": _unigram(proto, names) if of_unigram else _bpe(proto, names, normal),
        "decoder": _decoder(proto.byte_fallback),
    }


def _check(proto: ModelProto, tokenizer: Tokenizer, names: list[str]) -> None:
    """Refuse a model whose ids a Hugging Face tokenizer cannot give."""
    if proto.model_kind not in ("unigram", "bpe"):
        raise UserError(
            f"a SentencePiece model of kind {proto.model_kind} has no form as a Hugging Face "
            "tokenizer; unigram and bpe have"
        )
    for piece in proto.pieces:
        if piece.kind in (Kind.USER_DEFINED, Kind.UNUSED):
            raise UserError(
                f"the SentencePiece model has the {_told(piece)} piece {piece.text!r}, which has "
                "no form in a Hugging Face tokenizer; train it without"
            )
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(
            f"the SentencePiece model has a piece that is called {twice!r} like a special, and a "
            "Hugging Face tokenizer has each name once; train it on text without such names"
        )
    if tokenizer.pieces(" a  a ") != tokenizer.pieces("a a") or not _has_space_in_front(tokenizer):
        raise UserError(
            "the SentencePiece model keeps spaces as they are, or puts none before a text; a "
            "tokenizer for XLM-R does not: train it with add_dummy_prefix and "
            "remove_extra_whitespaces"
        )


def _has_space_in_front(tokenizer: Tokenizer) -> bool:
    joined = "".join(tokenizer.pieces("a"))
    return joined.startswith(SPACE) and not joined.endswith(SPACE)


def _told(piece: Piece) -> str:
    return piece.kind.name.lower().replace("_", "-")


def _keeps_to_words(normal: Mapping[str, float], tokenizer: Tokenizer) -> bool:
    """Return whether a space stands only at the beginning of a piece, and only for a space."""
    if tokenizer.pieces(SPACE + "a") != tokenizer.pieces("a"):
        return False
    return not any(SPACE in text[1:] for text in normal)


def _unigram(proto: ModelProto, names: list[str]) -> Json:
    scores = {piece.text: piece.score for piece in proto.pieces if piece.kind == Kind.NORMAL}
    return {
        "type": "Unigram",
        "unk_id": UNK_ID,
        "vocab": [[name, scores.get(name, 0.0)] for name in names],
        "byte_fallback": proto.byte_fallback,
    }


def _bpe(proto: ModelProto, names: list[str], normal: Mapping[str, float]) -> Json:
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": UNK_TOKEN,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": True,
        "byte_fallback": proto.byte_fallback,
        "ignore_merges": False,
        "vocab": {name: i for i, name in enumerate(names)},
        "merges": merges.ranked(normal),
    }


def _pre_tokenizer(cuts: str, *, splits_words: bool) -> Json:
    """Return what parts the text: at spaces where no piece goes over one, and inside of names."""
    metaspace = {"type": "Metaspace", "replacement": SPACE, "split": False}
    parts: list[Json] = [{**metaspace, "prepend_scheme": "never"}]
    if splits_words:  # the space goes first, so that it is not in the offsets of the word
        parts = [_split({"String": " "}, "Removed"), {**metaspace, "prepend_scheme": "always"}]
    if cuts:
        parts.append(_split({"Regex": cuts}, "MergedWithNext"))
    return {"type": "Sequence", "pretokenizers": parts}


def _split(pattern: Json, behavior: str) -> Json:
    return {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": False}


def _decoder(byte_fallback: bool) -> Json:
    spaces = {
        "type": "Metaspace",
        "replacement": SPACE,
        "prepend_scheme": "always",
        "split": True,
    }
    if not byte_fallback:
        return spaces
    return {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, spaces, {"type": "Fuse"}]}


def _of_wordpiece(tokenizer: WordPieceTokenizer) -> Json:
    """Return what a WordPiece vocabulary decides. Text never becomes a special there: BERT's
    pre-tokenizer parts the brackets of its name from the rest."""
    content = json.loads(tokenizer.to_json())
    names = tokenizer.names(range(tokenizer.size))
    return {
        "normalizer": content["normalizer"],
        "pre_tokenizer": content["pre_tokenizer"],
        "model": {**content["model"], "vocab": {name: i for i, name in enumerate(names)}},
        "decoder": {
            "type": "WordPiece",
            "prefix": content["model"]["continuing_subword_prefix"],
            "cleanup": False,
        },
    }


def _added_tokens(size: int) -> list[Json]:
    """Return the specials; `<mask>` takes the space before it along, as in the released files."""
    specials = {**SPECIAL_TOKENS, mask_id(size): MASK_TOKEN}
    return [
        {
            "id": i,
            "content": name,
            "single_word": False,
            "lstrip": name == MASK_TOKEN,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for i, name in specials.items()
    ]


def _template() -> Json:
    """Return `<s> A </s>` and `<s> A </s></s> B </s>`."""
    bos, eos = ({"SpecialToken": {"id": name, "type_id": 0}} for name in (BOS_TOKEN, EOS_TOKEN))
    first, second = ({"Sequence": {"id": name, "type_id": 0}} for name in ("A", "B"))
    return {
        "type": "TemplateProcessing",
        "single": [bos, first, eos],
        "pair": [bos, first, eos, eos, second, eos],
        "special_tokens": {
            name: {"id": name, "ids": [i], "tokens": [name]}
            for i, name in ((BOS_ID, BOS_TOKEN), (EOS_ID, EOS_TOKEN))
        },
    }
