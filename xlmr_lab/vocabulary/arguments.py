"""What the callers of a vocabulary give it: texts and ids that it can use, or one clear line."""

from collections.abc import Iterable, Sequence

from xlmr_lab.errors import UserError

_SHOWN = 20
"""So many characters of a text are shown."""


def check_texts(texts: Sequence[str]) -> None:
    """Refuse a single text, which would be taken for a list of its characters.

    Raises:
        UserError: so it is; the message says what to write.
    """
    if isinstance(texts, str):
        shown = texts if len(texts) <= _SHOWN else texts[:_SHOWN] + "..."
        raise UserError(f"encode takes a list of texts, got one text; write encode([{shown!r}])")


def checked_ids(ids: Iterable[int], size: int) -> list[int]:
    """Return the ids as a list, all of them those of a vocabulary of so many.

    >>> checked_ids(range(3), 3)
    [0, 1, 2]

    Raises:
        UserError: an id is none of the vocabulary.
    """
    found = [int(i) for i in ids]
    for i in found:
        if not 0 <= i < size:
            raise UserError(
                f"id {i} is not in this vocabulary, whose ids are 0 to {size - 1}; "
                "decode with the vocabulary that made it"
            )
    return found
