"""C4's rules on lines: one line for each reason."""

import polars as pl
import pytest

from xlmr_lab.corpus.quality import QualityConfig
from xlmr_lab.corpus.quality_lines import line_reason


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("You must enable JavaScript to view this page.", "c4_line_javascript"),
        ("By going on you accept our Privacy Policy and terms.", "c4_line_policy"),
        ("This site uses cookies, as all of them do.", "c4_line_policy"),
        ("Read more about it", "c4_line_short"),
        ("A line of five words without an end", "c4_line_unfinished"),
        ("A line that goes on and on...", "c4_line_unfinished"),
        ("\u201cA line of five words,\u201d she said. (Twice.)", None),
        ("\u732b\u5728\u7761\u89c9\u3002", None),
    ],
)
def test_lines_that_c4_leaves_out(line: str, expected: str | None) -> None:
    frame = pl.DataFrame({"text": [line]})
    config = QualityConfig(sets=("c4",), finished_lines=True)
    assert frame.select(line_reason(pl.col("text"), config)).item() == expected
    lenient = None if expected == "c4_line_unfinished" else expected
    config = QualityConfig(sets=("c4",))
    assert frame.select(line_reason(pl.col("text"), config)).item() == lenient
    assert frame.select(line_reason(pl.col("text"), QualityConfig())).item() is None
