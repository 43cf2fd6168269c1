"""Whose pieces they are, by script: each piece goes to the script of its letters."""

import itertools
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from xlmr_lab.corpus.scripts import SHARED_SCRIPTS, letter_scripts
from xlmr_lab.vocabulary.letters import BYTE_PIECE
from xlmr_lab.vocabulary.load import Vocabulary
from xlmr_lab.vocabulary.overlap import Counts
from xlmr_lab.vocabulary.special_tokens import FIRST_PIECE_ID, mask_id

NO_LETTERS, MIXED, BYTES = "none", "mixed", "bytes"
"""Pieces of digits and signs, of letters of several scripts, and of single bytes."""

MIXTURES = {"Jpan": {"Hira", "Kana", "Hani"}, "Kore": {"Hang", "Hani"}}
"""Mixtures of scripts that are ways to write a language, and have codes of their own."""


def pieces_by_script(vocabulary: Vocabulary, counts: Counts) -> list[dict[str, Any]]:
    """Return the number of ordinary pieces of each script, their share, and how many of them some
    language uses; most pieces first.
    """
    names = vocabulary.names(range(FIRST_PIECE_ID, mask_id(vocabulary.size)))
    scripts = piece_scripts(names)
    uses = np.any([used > 0 for used in counts.values()], axis=0)[FIRST_PIECE_ID:-1]
    number, used = Counter(scripts), Counter(itertools.compress(scripts, uses.tolist()))
    return [
        {
            "script": script,
            "num_pieces": number[script],
            "num_used": used[script],
            "share": number[script] / len(names),
        }
        for script in sorted(number, key=lambda script: (-number[script], script))
    ]


def piece_scripts(names: Iterable[str]) -> list[str]:
    """Return the script of each piece, an ISO 15924 code or one of `NO_LETTERS`, `MIXED`, `BYTES`.

    >>> piece_scripts(["the", "7.", "<0x41>", "a\N{CYRILLIC SMALL LETTER DE}"])
    ['Latn', 'none', 'bytes', 'mixed']
    """
    names = list(names)
    known = letter_scripts("".join(names))
    own = {letter: script for letter, script in known.items() if script not in SHARED_SCRIPTS}
    return [
        BYTES if BYTE_PIECE.fullmatch(name) else _script({own[c] for c in name if c in own})
        for name in names
    ]


def _script(scripts: set[str]) -> str:
    if len(scripts) <= 1:
        return next(iter(scripts), NO_LETTERS)
    return next((name for name, parts in MIXTURES.items() if scripts <= parts), MIXED)
