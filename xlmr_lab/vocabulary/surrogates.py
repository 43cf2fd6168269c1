"""Lone surrogates: what makes a Python string no text, and no UTF-8.

JSON with half an emoji (`"\\ud83d"`) and bytes read with `errors="surrogateescape"` leave them.
"""

from collections.abc import Iterable

from xlmr_lab.errors import UserError


def refuse(texts: Iterable[str]) -> None:
    """Name the first lone surrogate, if there is one, or what is no text at all.

    Raises:
        UserError: a text has a lone surrogate, or is no string.
    """
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise UserError(f"text {number} is no string but {text!r:.40}; give a list of strings")
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise UserError(
                f"text {number} has the lone surrogate U+{ord(text[error.start]):04X} at character "
                f"{error.start} and is no valid Unicode; read it as UTF-8, or replace surrogates"
            ) from None
