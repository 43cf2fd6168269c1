"""A benchmark that misses a bar exits with 1 and one line; one that holds all of them does not.

Run with: pytest tests/benchmarks/test_bars.py
"""

import functools
import importlib
import lzma
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from xlmr_lab.vocabulary.settings import VocabularyConfig
from xlmr_lab.vocabulary.train import train

FEW = ("--megabytes", "0.1", "--rounds", "1")
LINE = "ka lo mi nu te so ra "


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch):
    """Return a function that imports a script of this folder, as if it were run."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))

    def imported(name: str, *arguments: str) -> ModuleType:
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        return importlib.import_module(name)

    return imported


def missed(main) -> str | None:
    """Run a benchmark; return its line about missed bars."""
    try:
        main()
    except SystemExit as stop:  # a text as its code goes to stderr, and Python exits with 1
        return str(stop.code)
    return None


def test_a_missed_bar_is_named_in_one_line(load, capsys):
    bars = load("bars")
    found = [
        bars.at_least("ratio", 2.4, 2.5),
        bars.at_most("others", 0, 0),
        bars.at_most("x", 3, 1),
    ]
    assert missed(lambda: bars.finish(found)) == "missed: ratio 2.4, at least 2.5; x 3, at most 1"
    assert capsys.readouterr().out.splitlines() == [
        "ratio 2.4, at least 2.5: FAILED",
        "others 0, at most 0: passed",
        "x 3, at most 1: FAILED",
    ]
    assert missed(lambda: bars.finish(found[1:2])) is None


def test_what_is_no_number_meets_no_bar(load):
    bars = load("bars")
    assert not bars.at_least("x", math.nan, 0).is_met
    assert not bars.at_most("x", math.nan, 0).is_met


@pytest.mark.parametrize(
    ("name", "arguments", "bar"),
    [
        ("babel_text", FEW[:2], "LEAST_RATE"),
        ("deduplicate", (*FEW, "--keys", "1000"), "LEAST_RATIO"),
        ("encode", (*FEW, "--size", "400", "--repeats", "1", "--jobs", "1"), "LEAST_RATIO"),
        ("clean_corpus", FEW, "LEAST_RATE"),
    ],
)
@pytest.mark.slow
def test_a_benchmark_of_a_rate_holds_its_bar(load, monkeypatch, name, arguments, bar):
    script = load(name, *arguments)
    for value, is_missed in ((0.0, False), (1e9, True)):
        monkeypatch.setattr(script, bar, value)
        assert bool(missed(script.main)) == is_missed


def test_growing_memory_is_missed(load, monkeypatch, tmp_path):
    script = load("clean_memory", "--folder", str(tmp_path))
    monkeypatch.setattr(script, "write", lambda *_: tmp_path)
    for larger, is_missed in ((120.0, False), (200.0, True)):
        peaks = iter((100.0, larger))
        monkeypatch.setattr(script, "watch", functools.partial(next_of, peaks))
        assert bool(missed(script.main)) == is_missed


def next_of(values: Iterator[float], *_: object) -> float:
    return next(values)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """Return a folder with text, and a vocabulary beside it."""
    lines = [LINE * 3] * 20
    train(
        {"qaa": lambda: iter(lines)},
        {"qaa": 1.0},
        tmp_path / "vocabulary",
        config=VocabularyConfig(size=19, sample_bytes=2000),
        seed=1,
    )
    (tmp_path / "text" / "web").mkdir(parents=True)
    with lzma.open(tmp_path / "text" / "web" / "qaa.txt.xz", "wt", encoding="utf-8") as file:
        file.write("\n".join(lines))
    return tmp_path / "text"


def test_other_ids_are_missed(load, monkeypatch, text):
    script = load(
        "exported_ids", "--vocabulary", str(text.parent / "vocabulary"), "--text", str(text)
    )
    assert missed(script.main) is None
    monkeypatch.setattr(script, "differing", lambda *_: 1)
    assert missed(script.main) == "missed: lines of other ids, exported 1, at most 0"


@pytest.mark.parametrize("bar", ["MEMORY_BYTES", "MOST_UNKNOWN"])
def test_a_vocabulary_that_serves_badly_is_missed(load, monkeypatch, text, bar):
    script = load("vocabulary_real", "--text", str(text), "--least-bytes", "1", "--sizes", "19")

    def trained(folder: Path, _: int) -> tuple[int, str]:
        folder.parent.mkdir(exist_ok=True)
        (text.parent / "vocabulary").rename(folder)
        return 1 << 30, "trained"

    monkeypatch.setattr(script, "trained", trained)
    monkeypatch.setattr(script, bar, -1.0)
    told = missed(script.main)
    assert told
    assert told.startswith("missed: 19 ids: ")
