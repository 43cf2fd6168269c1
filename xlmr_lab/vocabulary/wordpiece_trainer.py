"""Train a WordPiece vocabulary as mBERT has one, on a stream of paragraphs.

Text is divided by BERT's conventions (BERT Sec. 3): control characters go, each Chinese character
and each punctuation mark is a word of its own, case and accents stay, as in mBERT cased. Google's
own trainer was never published; here it is that of Hugging Face tokenizers: merges by frequency, of
which the equally frequent go by the ids of their parts. It numbers the letters inside words in an
order that changes from process to process, and so its merges; so they are given to it as specials,
in the order of their code points, which fixes everything.

Written is `wordpiece.json`: the pieces in the order of their ids (letters, letters inside words,
merges), and what encoding needs to know.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from xlmr_lab.environment_variables import held
from xlmr_lab.vocabulary import sizes
from xlmr_lab.vocabulary.settings import VocabularyConfig
from xlmr_lab.vocabulary.special_tokens import FIRST_PIECE_ID

CONTINUING_PREFIX = "##"
MAX_WORD_CHARACTERS = 100
"""A longer word is `<unk>` when text is encoded, as in BERT."""
NUM_SPECIALS = FIRST_PIECE_ID + 1
"""Ids that stand for no text, `<mask>` included."""
RESERVED = frozenset(" ")
"""What divides words; it needs no piece."""
ONE_THREAD = {"TOKENIZERS_PARALLELISM": "false"}
"""Keeps the library from threads, which it takes by itself and which make later forks unsafe."""


class Normalizer:
    """Text as the vocabulary will see it."""

    reserved: Collection[str] = RESERVED

    def __init__(self) -> None:
        self._normalizer = _bert_normalizer(lowercase=False)

    def __call__(self, lines: list[str]) -> list[str]:
        """Return the lines normalised, in one text."""
        return [self._normalizer.normalize_str("\n".join(lines))]


def inside(letters: Iterable[str]) -> set[str]:
    """Return the characters that can stand inside words: those that join two letters."""
    splitter = pre_tokenizers.BertPreTokenizer()
    normalizer = Normalizer()
    return {c for c in letters if len(splitter.pre_tokenize_str(normalizer([f"a{c}a"])[0])) == 1}


def options(config: VocabularyConfig, letters: Iterable[str]) -> dict[str, Any]:
    """Return what training is called with, besides the text."""
    given = sorted(letters)
    return {
        "vocab_size": config.size - NUM_SPECIALS,
        "letters": "".join(given),
        "continuing_letters": "".join(sorted(inside(given))),
        "min_frequency": 0,
        "lowercase": False,
    }


def least_size(chosen: Mapping[str, Any]) -> int:
    """Return the smallest vocabulary (ids) that has a piece for each letter wherever it stands."""
    return NUM_SPECIALS + len(chosen["letters"]) + len(chosen["continuing_letters"])


def train(lines: Iterable[str], chosen: Mapping[str, Any]) -> bytes:
    """Return `wordpiece.json` of a text, read once; words are counted, the text is not held.

    Raises:
        UserError: the text does not support so many pieces.
    """
    found = _merged(lines, chosen)
    first = [*chosen["letters"], *(CONTINUING_PREFIX + c for c in chosen["continuing_letters"])]
    given = set(first)
    pieces = [*first, *(piece for piece in found if piece not in given)]
    if len(pieces) < chosen["vocab_size"]:
        raise sizes.too_large(chosen["vocab_size"] + NUM_SPECIALS, len(pieces) + NUM_SPECIALS)
    content = {
        "pieces": pieces,
        "lowercase": chosen["lowercase"],
        "max_word_characters": MAX_WORD_CHARACTERS,
        "continuing_prefix": CONTINUING_PREFIX,
    }
    return (json.dumps(content, ensure_ascii=False, indent=0) + "\n").encode("utf-8")


def _merged(lines: Iterable[str], chosen: Mapping[str, Any]) -> list[str]:
    """Return the pieces in the order of the library."""
    letters = list(chosen["letters"])
    tokenizer = Tokenizer(models.WordPiece())
    tokenizer.normalizer = _bert_normalizer(lowercase=chosen["lowercase"])
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=chosen["vocab_size"],
        min_frequency=chosen["min_frequency"],
        show_progress=False,
        special_tokens=[CONTINUING_PREFIX + c for c in chosen["continuing_letters"]],
        initial_alphabet=letters,
        limit_alphabet=len(letters),
        continuing_subword_prefix=CONTINUING_PREFIX,
    )
    with held(ONE_THREAD):
        tokenizer.train_from_iterator(iter(lines), trainer)
    ids = tokenizer.get_vocab()
    return sorted(ids, key=lambda piece: ids[piece])


def _bert_normalizer(*, lowercase: bool) -> normalizers.BertNormalizer:
    return normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=lowercase
    )
