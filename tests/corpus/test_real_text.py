"""Cleaning real text in seven languages: nearly all of it is kept, and the identifier is right."""

import resource
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from xlmr_lab.corpus import clean, documents, sources
from xlmr_lab.corpus.judge import CleanConfig
from xlmr_lab.corpus.models import MeasureConfig

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "text"
SEVEN = ("en", "fr", "de", "ru", "zh-Hans", "sw", "ur")

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the real corpora in ../shared/data"),
]


def cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


@pytest.mark.slow
def test_seven_languages_are_kept_and_identified(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    before = cpu_seconds()
    files = sources.find(FOLDER, SEVEN)
    report = clean.clean(files, tmp_path, config=CleanConfig(), measuring=MeasureConfig(), seed=1)
    megabytes = sum(counts.read_bytes for counts in report.languages.values()) / 1e6
    seconds = cpu_seconds() - before
    record_property("megabytes_per_cpu_second", megabytes / seconds)
    assert seconds < 100
    assert megabytes > 30
    assert report.identifier.accuracy is not None
    assert report.identifier.accuracy > 0.995
    for language, counts in report.languages.items():
        lost = sum(counts.rejected.values()) - counts.rejected.get("duplicate", 0)
        assert lost / counts.read_paragraphs < 0.02, (language, counts.rejected)
        assert counts.rejected.get("wrong_language", 0) / counts.read_paragraphs < 0.003


def test_a_capped_run_is_quick_and_takes_every_source(tmp_path: Path) -> None:
    files = sources.find(FOLDER, SEVEN)
    measuring = MeasureConfig(max_bytes_per_language=200_000)
    report = clean.clean(files, tmp_path, config=CleanConfig(), measuring=measuring, seed=1)
    for language, counts in report.languages.items():
        assert 200_000 <= counts.read_bytes < 300_000 + 100_000 * (language == "sw")
        read = documents.scan(tmp_path / "documents", language).collect()["source"]
        assert set(read) == {file.source for file in files if file.language == language}


@pytest.mark.slow
def test_wikipedias_become_documents_free_of_markup(tmp_path: Path) -> None:
    """Four dumps that are cut off, and a plain text with markup that was escaped."""
    corpus, raw = tmp_path / "corpus", FOLDER.parent / "raw"
    (corpus / "wiki").mkdir(parents=True)
    for path in (raw / "wikipedia").glob("*.xml.xz"):
        (corpus / "wiki" / path.name).symlink_to(path)
    (corpus / "wiki" / "so.txt.xz").symlink_to(raw / "wikipedia_so" / "so.txt.xz")
    (corpus / "news").symlink_to(FOLDER / "ntrex")
    report = clean.clean(
        sources.find(corpus, ["bn", "el", "so", "uk", "vi"]),
        tmp_path,
        config=CleanConfig(),
        measuring=MeasureConfig(labelled_sources=("news",), max_bytes_per_language=4_000_000),
        seed=1,
    )
    table = documents.scan(tmp_path / "documents").filter(pl.col("source") == "wiki").collect()
    lines = table["text"].str.split("\n").explode()
    marked = lines.str.contains(r"\[\[|\]\]|\{\{|\}\}|<ref|^\|-|^==|&lt;[a-z/]|'''")
    assert len(lines) > 20_000
    assert marked.mean() < 0.001
    for language, counts in report.languages.items():
        assert counts.kept_bytes > 1_000_000, (language, counts.rejected)
