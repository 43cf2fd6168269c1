"""Names of ids that text never becomes, where text spells them: `<s>`, `<mask>`, the byte `<0x41>`.

Hugging Face's unigram model looks up any text among the names of all ids, so a text that spells one
would become it. Where a letter of a name has no piece, it stands for `<unk>` whatever it is, and a
character that is in no name takes its place. Otherwise the text is cut inside the name, at a place
that no piece reaches over, so that nothing else changes.
"""

import re
from collections.abc import Collection, Iterable, Sequence

from xlmr_lab.errors import UserError

_FIRST_STAND_IN = 0xE000
"""The first character for private use."""


def stand_ins(names: Iterable[str], alphabet: Collection[str]) -> dict[str, str]:
    """Return one letter without a piece of each name that has one, and a character to put for it.

    `alphabet` are all characters that pieces have.

    >>> stand_ins(["<s>", "</s>"], {"s", ">"})
    {'<': '\\ue000'}
    """
    unused = next(chr(i) for i in range(_FIRST_STAND_IN, 0xF900) if chr(i) not in alphabet)
    found: dict[str, str] = {}
    for name in names:
        lacking = [character for character in name if character not in alphabet]
        if lacking and found.keys().isdisjoint(lacking):
            found[lacking[0]] = unused
    return found


def cuts(names: Sequence[str], pieces: Collection[str], *, needs_one_known: bool) -> str:
    """Return a regular expression for the characters before which text is cut; "" for no names.

    `needs_one_known` asks for a piece of one of the two characters at a cut, as otherwise both
    would be one `<unk>`.

    Raises:
        UserError: pieces reach over every place in a name.
    """
    behind: dict[str, dict[str, str]] = {}  # the character at a cut, what is before it, but for the
    for name in names:  # last character, and all last characters
        place = _place(name, pieces, needs_one_known)
        before = behind.setdefault(name[place], {})
        before[name[: place - 1]] = before.get(name[: place - 1], "") + name[place - 1]
    return "|".join(
        f"(?<={'|'.join(_one_of(*pair) for pair in before.items())}){re.escape(character)}"
        for character, before in behind.items()
    )


def _one_of(opening: str, last: str) -> str:
    return re.escape(opening) + (re.escape(last) if len(last) == 1 else f"[{re.escape(last)}]")


def _place(name: str, pieces: Collection[str], needs_one_known: bool) -> int:
    for place in range(len(name) - 1, 0, -1):
        pair = name[place - 1 : place + 1]
        if needs_one_known and pair[0] not in pieces and pair[1] not in pieces:
            continue
        if not any(_reaches_over(piece, name, place) for piece in pieces if pair in piece):
            return place
    raise UserError(
        f"the vocabulary has pieces that overlap every part of {name!r}, and a Hugging Face "
        "tokenizer would read that text as the special; train it on text without such names"
    )


def _reaches_over(piece: str, name: str, place: int) -> bool:
    """Return whether a piece may stand over a place in a text that spells a name there."""
    before, behind = name[:place], name[place:]
    for at in range(1, len(piece)):
        left, right = piece[:at], piece[at:]
        if (left.endswith(before) or before.endswith(left)) and (
            right.startswith(behind) or behind.startswith(right)
        ):
            return True
    return False
