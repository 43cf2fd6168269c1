"""Complaints about a vocabulary's size, the same for every trainer."""

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary.settings import LEAST_SIZE


def too_large(size: int, largest: int) -> UserError:
    """Return the complaint about a size (ids) that the text does not support."""
    if largest < LEAST_SIZE:
        return UserError(
            f"the text supports a vocabulary of {largest} ids, at least {LEAST_SIZE} are needed; "
            "add text"
        )
    return UserError(
        f"vocabulary size {size} is more than this text supports; "
        f"set vocabulary.size={largest} or less, or sample more text"
    )


def too_small(size: int, least: int) -> UserError:
    """Return the complaint about a size (ids) that leaves characters without a piece."""
    return UserError(
        f"vocabulary size {size} is too small for the characters of this text; "
        f"set vocabulary.size={least} or more, or lower vocabulary.coverage"
    )
