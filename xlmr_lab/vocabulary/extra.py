"""The libraries of the extra `preprocess`: asked for where they are needed, named with their
versions."""

import contextlib
import importlib.metadata
from collections.abc import Iterator

from xlmr_lab.errors import UserError

EXTRA = "preprocess"
LIBRARIES = ("pythainlp", "rjieba", "sacremoses", "sudachidict-small", "sudachipy")
"""Distributions whose version can change what comes out."""


@contextlib.contextmanager
def needed(language: str) -> Iterator[None]:
    """Turn the failure of an import in the block into one line for the user.

    Raises:
        UserError: a library for `language` is missing.
    """
    try:
        yield
    except ImportError as error:
        raise UserError(
            f"preprocessing text of {language!r} needs {error.name or error}, which is not "
            f"installed; pip install 'xlmr-lab[{EXTRA}]', or set vocabulary.preprocessing=none"
        ) from None


def versions() -> dict[str, str]:
    """Return the installed version of each library of the extra, `absent` where there is none."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "absent"
    return found
