"""Why a record of a web archive or a page of a dump gives no document: a closed list of reasons.

One broken record is no reason to give up an archive of a hundred thousand, nor to pass over it in
silence: readers raise `UnreadableError` at the record, count its reason, and go on behind it. Files
of plain text are another matter: what is broken there is the user's to mend, and a `UserError`.
"""

from collections.abc import Callable
from typing import Literal, get_args

Reason = Literal[
    "truncated",
    "broken_compression",
    "broken_record",
    "too_large",
    "bad_status",
    "redirect",
    "not_html_or_text",
    "not_an_article",
    "no_text",
]
"""The end is missing; packed bytes that cannot be unpacked; a header or XML that makes no sense; a
record of more than `packing.MAX_RECORD_BYTES`; an HTTP status other than 200; a page that points to
another; an image, a script, a feed; a talk page or template of a wiki; nothing to read in it.
"""

REASONS: tuple[Reason, ...] = get_args(Reason)

Count = Callable[[Reason], object]
"""What is told the reason of each record that cannot be read."""


class UnreadableError(Exception):
    """A record that cannot be read, with its reason and what the machine said."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class PackingError(UnreadableError):
    """A stretch of packed bytes that cannot be unpacked; what comes after it may be whole."""
