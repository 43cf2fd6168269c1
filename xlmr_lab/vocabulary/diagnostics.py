"""How well a vocabulary serves each language: fertility, bytes per piece, unknown pieces.

Fertility (pieces per white-space word) is the usual figure and says nothing for scripts that do not
write spaces, where a "word" is a clause; bytes per piece is meaningful inside one script, the
unknown rate everywhere. Text that the vocabulary was
trained on flatters it a little.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary.special_tokens import UNK_ID
from xlmr_lab.vocabulary.tokenizer import Tokenizer


def fertility(tokenizer: Tokenizer, texts: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Return one row per language: counts, pieces per word, bytes per piece, share of unknown
    pieces.

    Raises:
        UserError: a language with no text.
    """
    return [_row(tokenizer, language, texts[language]) for language in texts]


def _row(tokenizer: Tokenizer, language: str, texts: Sequence[str]) -> dict[str, Any]:
    encoded = tokenizer.encode(texts)
    num_words = sum(len(text.split()) for text in texts)
    num_pieces = sum(len(ids) for ids in encoded)
    num_bytes = sum(len(text.encode("utf-8")) for text in texts)
    num_unknown = sum(int(np.count_nonzero(ids == UNK_ID)) for ids in encoded)
    if not num_words or not num_pieces:
        raise UserError(f"no text to measure the vocabulary on for {language}")
    return {
        "language": language,
        "num_words": num_words,
        "num_pieces": num_pieces,
        "num_bytes": num_bytes,
        "fertility": num_pieces / num_words,
        "bytes_per_piece": num_bytes / num_pieces,
        "unknown_rate": num_unknown / num_pieces,
    }
