"""Cleaning against datatrove, on the same documents with the same fastText model, and the rate of
the whole pipeline.

datatrove reads JSON Lines, keeps what its LanguageFilter, Gopher's two filters and C4's keep, and
writes JSON Lines. The lab reads the same file, identifies languages with the same model, applies
its filters of the same names, and writes Parquet with every reject beside it; it also deduplicates,
which datatrove's pipeline here does not. `whole` is the lab's pipeline with all it has: two
identifiers, perplexity, near-duplicates, and the labelled text cleaned as well. Rounds alternate;
time is CPU time of a process with one thread; imports are left out, and so is what is learned once,
the models. Bars: ten times datatrove's rate, and 1.5 MB a CPU-second for `whole`. datatrove 0.10.1
needs an environment of its own, since its fastText package and the lab's have one name:

    python -m venv ENVIRONMENT
    ENVIRONMENT/bin/pip install datatrove==0.10.1 fasttext-numpy2-wheel fasteners spacy orjson regex
    python tests/benchmarks/clean_corpus.py --datatrove ENVIRONMENT/bin/python
    python tests/benchmarks/clean_corpus.py --folder ../shared/data/text --languages en,fr,de,sw
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("POLARS_MAX_THREADS", "1")  # before it is imported

import bars
import polars as pl
from bars import Bar

from xlmr_lab.babel import corpora
from xlmr_lab.babel.corpora import BabelConfig
from xlmr_lab.babel.pages import Page
from xlmr_lab.corpus import clean, identify, measure, models, portions, sources
from xlmr_lab.corpus.judge import CleanConfig
from xlmr_lab.corpus.models import MeasureConfig
from xlmr_lab.corpus.quality import QualityConfig
from xlmr_lab.corpus.sources import RawDocument, SourceFile

DATATROVE = """
import json, sys, time
from loguru import logger
logger.remove()
from datatrove.pipeline.filters import (
    C4QualityFilter, GopherQualityFilter, GopherRepetitionFilter, LanguageFilter
)
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
from fasttext.FastText import _FastText

folder, model = sys.argv[1:]
language = LanguageFilter(language_threshold=0.5, label_only=True)
language.model._model = _FastText(model)
predict = language.model.predict

def predict_or_nothing(document):
    try:
        return predict(document)
    except ValueError:  # it fails on a document in which the model knows nothing
        return ("", 0.0), {}

language.model.predict = predict_or_nothing
start = time.process_time()
rows = JsonlReader(folder + "/in", compression=None).run()
rows = language.run(rows)
rows = (row for row in rows if row.metadata["language_score"] >= 0.5)
rows = GopherRepetitionFilter().run(rows)
rows = GopherQualityFilter(min_stop_words=0).run(rows)
rows = C4QualityFilter(filter_no_terminal_punct=False).run(rows)
kept = []
with JsonlWriter(folder + "/out", compression=None) as writer:
    for row in rows:
        writer.write(row)
        kept.append(row.id)
print(json.dumps({"seconds": time.process_time() - start, "kept": kept}))
"""

SETS = ("gopher_repetition", "gopher_quality", "c4")
LEAST_RATIO = 10.0
LEAST_RATE = 1.5
"""Of the whole pipeline (MB a CPU-second)."""


def main() -> None:
    """Measure, print the ratios, and hold the bars."""
    options = parse()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        documents = read(options)
        size = sum(len(document.text.encode()) for document in documents) / 1e6
        model = prepare(folder, documents)
        print(f"{len(documents):,} documents of {size:.1f} MB, Polars {pl.__version__}")
        rounds: dict[str, list[float]] = {"datatrove": [], "xlmr_lab": [], "whole": []}
        kept: dict[str, set[str]] = {}
        for number in range(options.rounds):
            for tool in rounds:
                if tool != "datatrove" or options.datatrove:
                    seconds, kept[tool] = run(tool, folder, model, options, number)
                    rounds[tool].append(size / seconds)
    bars.finish(tell(rounds, kept))


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--datatrove", help="Python of an environment with datatrove 0.10.1")
    parser.add_argument("--folder", type=Path, help="text to clean; none: Babel's web pages")
    parser.add_argument("--languages", default="en,fr,de,sw", help="of the folder")
    parser.add_argument("--megabytes", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def read(options: argparse.Namespace) -> list[RawDocument]:
    """Return documents of four languages."""
    wanted = options.megabytes * 1e6 / 4
    found = []
    if options.folder:
        groups = {
            key: (d for f in sources.find(options.folder, [key]) for d in sources.read(f))
            for key in options.languages.split(",")
        }
    else:
        config = BabelConfig(languages=("qaa", "qab", "qam", "qbk"), balanced=True)
        world, grown = corpora.build(config)
        groups = {
            tongue.code: map(
                document_of, corpora.web_pages(world, grown, tongue, int(wanted), config)
            )
            for tongue in grown
        }
    for group in groups.values():
        size = 0
        for document in group:
            found.append(document)
            size += len(document.text.encode())
            if size > wanted:
                break
    return found


def document_of(page: Page) -> RawDocument:
    """Return a page of Babel as a document."""
    return RawDocument(page.doc_id, page.text, page.url, "web", page.doc_id.partition("-")[0])


def prepare(folder: Path, documents: list[RawDocument]) -> Path:
    """Write the documents as JSON Lines and train the model that both use."""
    (folder / "in").mkdir()
    with (folder / "in" / "pages.jsonl").open("w", encoding="utf-8") as file:
        for document in documents:
            row = {"id": document.doc_id, "doc_id": document.doc_id, "text": document.text}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    texts: dict[str, list[str]] = {}
    for document in documents:
        lines = texts.setdefault(str(document.language), [])
        if sum(map(len, lines)) < 100_000:
            lines += document.text.split("\n")
    model = folder / "identifier.bin"
    identify.train(texts, model, seed=0)
    return model


def run(
    tool: str, folder: Path, model: Path, options: argparse.Namespace, number: int
) -> tuple[float, set[str]]:
    """Return the CPU seconds of a tool and the documents of which it kept something."""
    if tool == "datatrove":
        command = [options.datatrove, "-c", DATATROVE, str(folder), str(model)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(done.stderr)
        answer = json.loads(done.stdout.splitlines()[-1])
        return answer["seconds"], set(answer["kept"])
    target = folder / f"{tool}-{number}"
    (target / measure.MODELS_NAME).mkdir(parents=True)
    whole = tool == "whole"
    pages = SourceFile(str(folder / "in" / "pages.jsonl"), "web", None)
    files = [pages, *(labelled(folder, options) if whole else [])]
    measuring = MeasureConfig(
        identifier_path=None if whole else str(model),
        second_identifier=whole,
        labelled_sources=("labelled",) if whole else (),
        encyclopaedia_sources=("labelled",) if whole else (),
    )
    models.learn(
        portions.deal(files),
        target / measure.MODELS_NAME,
        config=measuring,
        seed=0,
        jobs=1,
        executor="local",
    )
    start = time.process_time()
    clean.clean(
        files,
        target,
        config=CleanConfig(quality=QualityConfig(sets=SETS), near_duplicates=whole),
        measuring=measuring,
        seed=0,
    )
    seconds = time.process_time() - start
    documents = pl.scan_parquet(target / "documents" / "*.parquet").select("doc_id", "source")
    return seconds, set(documents.filter(pl.col("source") == "web").collect()["doc_id"])


def labelled(folder: Path, options: argparse.Namespace) -> list[SourceFile]:
    """Write the first 200 kB of each language as its labelled text, once."""
    source = folder / "labelled"
    if not source.is_dir():
        source.mkdir()
        sizes: dict[str, int] = {}
        for document in read(options):
            key = str(document.language)
            if sizes.setdefault(key, 0) < 200_000:
                with (source / f"{key}.txt").open("a", encoding="utf-8") as file:
                    file.write(document.text + "\n\n")
                sizes[key] += len(document.text.encode())
    return [SourceFile(str(p), "labelled", p.stem) for p in sorted(source.glob("*.txt"))]


def tell(rounds: dict[str, list[float]], kept: dict[str, set[str]]) -> list[Bar]:
    """Print rates, ratios and how far the tools agree; return the verdicts."""
    for tool, rates in rounds.items():
        if rates:
            print(
                f"{tool:<10}{statistics.median(rates):>8.2f} MB a CPU-second "
                f"({min(rates):.2f} to {max(rates):.2f}); kept {len(kept[tool]):,} documents"
            )
    whole = statistics.median(rounds["whole"])
    verdicts = [bars.at_least("whole, MB a CPU-second", whole, LEAST_RATE)]
    if rounds["datatrove"]:
        pairs = zip(rounds["xlmr_lab"], rounds["datatrove"], strict=True)
        ratios = [lab / peer for lab, peer in pairs]
        both = kept["xlmr_lab"] & kept["datatrove"]
        either = kept["xlmr_lab"] | kept["datatrove"]
        print(
            f"xlmr_lab / datatrove: {statistics.median(ratios):.1f} "
            f"({min(ratios):.1f} to {max(ratios):.1f}); of documents kept by either, "
            f"{len(both) / max(1, len(either)):.1%} by both"
        )
        ratio = statistics.median(ratios)
        verdicts.append(bars.at_least("xlmr_lab / datatrove", ratio, LEAST_RATIO))
    return verdicts


if __name__ == "__main__":
    main()
