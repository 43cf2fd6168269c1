"""Cleaning Babel's dirty pages against their ground truth: what is clean stays, what is dirt goes,
and languages are told, whether files say them or not.
"""

import json
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from xlmr_lab.babel import archives, corpora
from xlmr_lab.babel.corpora import BabelConfig
from xlmr_lab.babel.pages import CLEAN, Page
from xlmr_lab.corpus import clean, documents, sources
from xlmr_lab.corpus.judge import CleanConfig
from xlmr_lab.corpus.models import MeasureConfig

BABEL = BabelConfig(
    languages=("qaa", "qab", "qam", "qbk", "qcu", "qdc"),
    corpus_bytes=1_500_000,
    smallest_bytes=100_000,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Page]]:
    """Return a folder with the encyclopaedias of six languages, and pages in them."""
    folder = tmp_path_factory.mktemp("babel")
    (folder / "encyclopaedia").mkdir()
    world, grown = corpora.build(BABEL)
    sizes = corpora.sizes(BABEL)
    made: list[Page] = []
    for tongue in grown:
        text = "\n".join(corpora.encyclopaedia(world, tongue, BABEL))
        (folder / "encyclopaedia" / f"{tongue.code}.txt").write_text(text, encoding="utf-8")
        made += corpora.web_pages(world, grown, tongue, sizes[tongue.code], BABEL)
    return folder, made


@pytest.mark.parametrize("form", ["jsonl", "wet", "warc"])
@pytest.mark.parametrize("two", [True, False])
def test_clean_paragraphs_stay_and_dirt_goes(
    pages: tuple[Path, list[Page]], tmp_path: Path, form: str, two: bool
) -> None:
    folder, made = pages
    corpus = tmp_path / "corpus"
    (corpus / "web").mkdir(parents=True)
    (corpus / "encyclopaedia").symlink_to(folder / "encyclopaedia")
    names = write(corpus / "web", made, form)
    report = clean.clean(
        sources.find(corpus),
        tmp_path,
        config=CleanConfig(),
        measuring=MeasureConfig(labelled_sources=("encyclopaedia",), second_identifier=two),
        seed=0,
    )
    assert report.identifier.accuracy is not None
    assert report.identifier.accuracy >= 0.98
    kept = kept_places(tmp_path, names)
    counts = Counter(
        ((page.doc_id, place) in kept, label == CLEAN)
        for page in made
        for place, label in enumerate(page.labels)
    )
    assert counts[True, True] / (counts[True, True] + counts[True, False]) >= 0.97
    assert counts[True, True] / (counts[True, True] + counts[False, True]) >= 0.97
    table = documents.scan(tmp_path / "documents").filter(pl.col("source") == "web").collect()
    right = [names[d].startswith(lang) for d, lang in table.select("doc_id", "lang").rows()]
    assert sum(right) / len(right) >= 0.98


def write(folder: Path, made: list[Page], form: str) -> dict[str, str]:
    """Write pages and return their names by the names that reading gives them."""
    if form == "jsonl":
        for code in BABEL.languages:
            rows = [
                json.dumps({"doc_id": page.doc_id, "text": page.text}, ensure_ascii=False)
                for page in made
                if page.doc_id.startswith(code)
            ]
            (folder / f"{code}.jsonl").write_text("\n".join(rows), encoding="utf-8")
        return {page.doc_id: page.doc_id for page in made}
    name, pack = ("a.warc.wet.gz", archives.wet) if form == "wet" else ("a.warc.gz", archives.warc)
    (folder / name).write_bytes(pack(made))
    (file,) = sources.find(folder / name)
    read = list(sources.read(file._replace(source="web")))
    by_url = {page.url: page.doc_id for page in made}
    return {document.doc_id: by_url[str(document.url)] for document in read}


def kept_places(folder: Path, names: dict[str, str]) -> set[tuple[str, int]]:
    """Return the page and place of each paragraph that is not among the rejected."""
    table = documents.scan(folder / "rejected").filter(pl.col("source") == "web").collect()
    lost = {(names[d], place) for d, place in table.select("doc_id", "paragraph").rows()}
    read = pl.scan_parquet(folder / "measured" / "*.parquet").filter(pl.col("source") == "web")
    rows = read.select("doc_id", "paragraph").collect().rows()
    return {(names[d], place) for d, place in rows} - lost
