"""Babel says the same sentences in every language.

Run with: pytest tests/babel/test_parallel.py
"""

from pathlib import Path

from xlmr_lab.babel import corpora, parallel
from xlmr_lab.babel.corpora import BabelConfig

CONFIG = BabelConfig(languages=("qaa", "qab"))


def test_line_by_line_the_same_event_in_every_language(tmp_path: Path) -> None:
    world, grown = corpora.build(CONFIG)
    parallel.write(tmp_path, world, grown, 1500, seed=3)
    said = parallel.sentences(world, 1500, 3)
    for tongue in grown:
        lines = (tmp_path / f"{tongue.code}.txt").read_text().split("\n")
        assert lines == [*(tongue.sentence(event).rstrip() for event in said), ""]


def test_more_sentences_begin_with_the_fewer(tmp_path: Path) -> None:
    world, _ = corpora.build(CONFIG)
    few, many = (parallel.sentences(world, count, 3) for count in (10, 1500))
    assert many[:10] == few
    assert parallel.sentences(world, 10, 4) != few
