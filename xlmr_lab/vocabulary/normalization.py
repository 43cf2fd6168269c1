r"""SentencePiece's normalisation as Hugging Face normalizers that give the same text.

SentencePiece replaces the longest entry of its table from left to right. Hugging Face's
`Precompiled` looks up whole grapheme clusters below six bytes, takes the shortest entry and
drops the rest of the cluster. So the table is taken apart:

1. Entries of one character go into a table of their own; before it, BREAK (U+0001) keeps such
   characters from standing in one cluster with a mark.
2. Entries of several characters compose a letter and its marks, and are what NFC does, but NFC
   also reorders marks, and composes across others. BLOCK (U+0002), which NFC does not cross,
   is put before every mark that no entry takes in. A replacement by several characters ends with a
   BLOCK too, for SentencePiece does not look at it again.
3. BLOCK is removed, by the table as it was, which finds nothing else to do; so it is there, outside
   of the inner sequence, for programs that take the first table of the file and know the rest.
4. Runs of spaces are collapsed, the space before each text is added.

Both characters are ones that the table removes, so a text that holds them is normalised the same.
Left out: tables that keep control characters, texts without the space in front.
"""

import base64
import itertools
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from functools import lru_cache
from typing import Any

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary import charsmap

Normalizer = dict[str, Any]

BREAK, BLOCK = "\x01", "\x02"

_NEWER = frozenset(
    "\U000105c9\U000105e4\U00011383\U00011385\U0001138e\U00011391\U000113c5\U000113c7\U000113c8"
    "\U00011938\U00016121\U00016122\U00016123\U00016124\U00016125\U00016126\U00016127\U00016128"
    "\U00016d68\U00016d69\U00016d6a"
)
"""Letters of Unicode 13 and later that are composed; the NFC of `tokenizers` does not know them."""

_EXTENDERS = r"\p{M}\x{897}\x{e33}\x{eb3}\x{1acf}-\x{1aeb}\x{200c}\x{200d}\x{ff9e}\x{ff9f}"
"""Characters that may stand in a grapheme cluster behind another, as a character class."""
_BYTES_OF_CLUSTERS_LOOKED_UP = 5

_Trie = dict[str, Any]
_ENDS_HERE = ""


def normalizers(
    table: bytes, *, alphabet: Set[str] | None, stand_ins: Mapping[str, str]
) -> list[Normalizer]:
    """Return the normalizers for a table, up to one space between words and before the first.

    `alphabet` are the characters that pieces have, or None for all; a rare entry without any is
    left out. `stand_ins` are characters to be put for others in the end.

    Raises:
        UserError: a table that cannot be had there.
    """
    first = {"type": "Prepend", "prepend": " "}
    ends = [
        *(_replace({"String": key}, text) for key, text in stand_ins.items()),
        _replace({"Regex": " {2,}"}, " "),
        _replace({"Regex": r"[ \x{2581}]+\z"}, ""),
    ]
    if not table:
        return [first, *ends]
    single, composed = _taken_apart(table)
    newer = {
        key: text
        for key, text in composed.items()
        if (text in _NEWER or unicodedata.normalize("NFC", key) != text)
        and (alphabet is None or not alphabet.isdisjoint(key + text))
    }
    taken_apart = [
        _replace({"String": BREAK}, BLOCK),
        _replace({"Regex": _breaks(single)}, BREAK),
        {"type": "Precompiled", "precompiled_charsmap": _encoded(charsmap.write(_blocked(single)))},
        _replace({"Regex": _blocks(composed)}, BLOCK),
        {"type": "NFC"},
        *(_replace({"String": key}, newer[key]) for key in sorted(newer, key=_longest_first)),
    ]
    return [
        {"type": "Sequence", "normalizers": taken_apart},
        first,  # `Precompiled` miscounts positions where it removes the first character
        {"type": "Precompiled", "precompiled_charsmap": _encoded(table)},
        *ends,
    ]


@lru_cache(maxsize=1)
def _taken_apart(table: bytes) -> tuple[dict[str, str], dict[str, str]]:
    """Return the entries of one character, and those of several over what these give.

    Raises:
        UserError: an entry of several characters stands only for some of the characters that give
            the same, what an entry gives is an entry itself, or control characters are kept.
    """
    rules = charsmap.read(table)
    single = {key: text for key, text in rules.items() if len(key) == 1}
    composed: dict[str, str] = {}
    givers: dict[str, int] = defaultdict(int)
    for character in {*single, *itertools.chain.from_iterable(rules)}:
        givers[single.get(character, character)] += 1
    counts: dict[str, int] = defaultdict(int)
    fits = single.get(BREAK) == single.get(BLOCK) == ""
    for key, text in rules.items():
        if len(key) > 1:
            given = [single.get(character, character) for character in key]
            fits = fits and all(len(part) == 1 for part in given)
            fits = fits and composed.setdefault("".join(given), text) == text
            counts["".join(given)] += 1
    settled = set("".join(rules.values())).isdisjoint(single)
    fits = fits and settled
    for key, count in counts.items():
        fits = fits and count == _product(givers[character] for character in key)
    if not fits:
        raise UserError(
            "the SentencePiece model normalises text in a way that has no form as a Hugging Face "
            "tokenizer; train it with normalization_rule_name=nmt_nfkc"
        )
    return single, composed


def _breaks(single: Mapping[str, str]) -> str:
    """Return the regular expression for places behind a replaced character where a cluster goes
    on."""
    short = [c for c in single if len(c.encode("utf-8")) <= _BYTES_OF_CLUSTERS_LOOKED_UP - 2]
    return rf"{_class(short)}\K(?=[{_EXTENDERS}])"


def _blocked(single: Mapping[str, str]) -> dict[str, str]:
    """Return the entries of one character with BLOCK around what is not looked at again."""
    found = {}
    for key, text in single.items():
        if not text:
            found[key] = BLOCK
        elif len(text) > 1:
            found[key] = BLOCK + text + BLOCK
        else:
            found[key] = text
    del found[BLOCK]
    return {**found, BREAK: ""}


def _blocks(composed: Mapping[str, str]) -> str:
    r"""Return the regular expression for places where BLOCK goes.

    A match begins with a character that no entry takes in, or (`\G`) where the last one ended. It
    passes over the longest entry, or one character and a mark that only moves, if another mark
    follows.
    """
    later = {character for key in composed for character in key[1:]}
    moving = {chr(i) for i in range(0x110000) if unicodedata.combining(chr(i))} - later
    marks = _class(later | moving)
    others = "[^" + marks[1:]
    trie: _Trie = {}
    for key in composed:
        node = trie
        for character in key:
            node = node.setdefault(character, {})
        node[_ENDS_HERE] = {}
    return (
        rf"(?:(?={others}{marks})|\G(?={marks}))"
        rf"(?>{_pattern(trie)}|{others}{_class(moving)}?|{marks})\K(?={marks})"
    )


def _pattern(trie: _Trie) -> str:
    """Return a regular expression that matches the longest entry of a trie."""
    groups: dict[str, list[str]] = defaultdict(list)
    for character, below in trie.items():
        if character:
            groups[_pattern(below)].append(character)
    if not groups:
        return ""
    choices = "|".join(_class(characters) + rest for rest, characters in sorted(groups.items()))
    return f"(?:{choices})?" if _ENDS_HERE in trie else f"(?:{choices})"


def _class(characters: Iterable[str]) -> str:
    """Return a character class for a regular expression.

    >>> _class("cab-")
    '[\\\\x{2d}\\\\x{61}-\\\\x{63}]'
    """
    codes = sorted(map(ord, characters))
    ranges: list[list[int]] = []
    for code in codes:
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    parts = (rf"\x{{{a:x}}}" + (rf"-\x{{{b:x}}}" if b > a else "") for a, b in ranges)
    return f"[{''.join(parts)}]"


def _replace(pattern: dict[str, str], content: str) -> Normalizer:
    return {"type": "Replace", "pattern": pattern, "content": content}


def _encoded(table: bytes) -> str:
    return base64.b64encode(table).decode("ascii")


def _longest_first(key: str) -> tuple[int, str]:
    return -len(key), key


def _product(counts: Iterable[int]) -> int:
    product = 1
    for count in counts:
        product *= count
    return product
