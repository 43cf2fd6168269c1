"""Durations as they are typed and told."""

import pytest

from xlmr_lab import durations
from xlmr_lab.errors import UserError


def test_what_is_typed_is_read():
    typed = {"2h": 7200, "90m": 5400, "90min": 5400, "1h30m": 5400, "1d": 86_400, "0.5h": 1800}
    assert {text: durations.parsed(text) for text in typed} == typed


@pytest.mark.parametrize("text", ["", "2", "h", "2 hours", "-1h", "0h", "30m1h", "1h1h", "2hx"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(UserError, match=r"typed like 2h, 90m or 1h30m, got"):
        durations.parsed(text)
