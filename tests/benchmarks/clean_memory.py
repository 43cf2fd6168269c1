"""Peak memory of cleaning a small and a ten times larger crawl, at one budget for duplicates.

Babel's pages are written as WET files of some 20 MB of text, each of its own seed and in any of
four languages, beside an encyclopaedia of each. A cleaning with two identifiers and near-duplicates
runs in a process of its own with two workers; what is told is the highest sum of the proportional
set sizes of all its processes, sampled, and its rate. Bar: ten times the text takes 1.25 times the
memory at most.

    python tests/benchmarks/clean_memory.py --megabytes 200
"""

import argparse
import concurrent.futures
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import bars

from xlmr_lab.babel import archives, corpora
from xlmr_lab.babel.corpora import BabelConfig
from xlmr_lab.corpus import clean, sources
from xlmr_lab.corpus.judge import CleanConfig
from xlmr_lab.corpus.models import MeasureConfig

FILE_BYTES = 20_000_000
LANGUAGES = ("qaa", "qab", "qam", "qbk")
SAMPLE_SECONDS = 0.25
MOST_GROWTH = 1.25


def main() -> None:
    """Measure both sizes, print the ratio, and hold the bar."""
    options = parse()
    if options.clean:
        return run(Path(options.clean[0]), Path(options.clean[1]), options.budget)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        peaks = []
        for times in (1, 10):
            num_files = times * options.megabytes * 1_000_000 // FILE_BYTES
            corpus = write(folder / f"crawl-{times}", num_files)
            start = time.perf_counter()
            peak = watch(corpus, folder / f"clean-{times}", options.budget)
            seconds = time.perf_counter() - start
            peaks.append(peak)
            size = num_files * FILE_BYTES / 1e6
            rate = size / seconds
            print(f"{size:,.0f} MB: peak {peak:,.0f} MB, {rate:.2f} MB a second", flush=True)
    growth = peaks[1] / peaks[0]
    bars.finish([bars.at_most("ten times the text: memory, times", growth, MOST_GROWTH)])


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--megabytes", type=int, default=200, help="of the smaller crawl")
    parser.add_argument("--budget", type=int, default=64_000_000, help="memory_bytes")
    parser.add_argument("--folder", help="where to work; about 15 times the smaller crawl")
    parser.add_argument("--clean", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


def write(folder: Path, num_files: int) -> Path:
    """Write a crawl and the encyclopaedias of its languages."""
    (folder / "encyclopaedia").mkdir(parents=True)
    (folder / "crawl").mkdir()
    config = BabelConfig(languages=LANGUAGES, encyclopaedia_bytes=100_000)
    world, grown = corpora.build(config)
    for tongue in grown:
        text = "\n".join(corpora.encyclopaedia(world, tongue, config))
        (folder / "encyclopaedia" / f"{tongue.code}.txt").write_text(text, encoding="utf-8")
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(write_file, [folder / "crawl"] * num_files, range(num_files)))
    return folder


def write_file(folder: Path, seed: int) -> None:
    """Write one WET file of pages in all languages."""
    config = BabelConfig(seed=seed, languages=LANGUAGES)
    world, grown = corpora.build(config)
    pages = [
        page
        for tongue in grown
        for page in corpora.web_pages(world, grown, tongue, FILE_BYTES // len(grown), config)
    ]
    (folder / f"{seed:05d}.warc.wet.gz").write_bytes(archives.wet(pages))


def watch(corpus: Path, target: Path, budget: int) -> float:
    """Clean a crawl in a process and return the peak of its memory and its workers' (MB)."""
    command = [sys.executable, __file__, "--clean", str(corpus), str(target)]
    process = subprocess.Popen([*command, "--budget", str(budget)], start_new_session=True)
    peak, start = 0.0, time.perf_counter()
    while process.poll() is None:
        now = sum(map(memory, members(process.pid)))
        if now > 1.05 * peak:
            peak = now
            seconds = time.perf_counter() - start
            print(f"  {peak / 1e3:,.0f} MB after {seconds:,.0f} s", flush=True)
        time.sleep(SAMPLE_SECONDS)
    if process.returncode:
        sys.exit("the cleaning failed")
    return peak / 1e3


def members(session: int) -> list[str]:
    """Return the processes of a session."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            found.append(entry.name)
    return found


def memory(process: str) -> float:
    """Return the proportional set size of a process (kB), 0 where it is gone."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return float(next(line.split()[1] for line in lines if line.startswith("Pss:")))


def run(corpus: Path, target: Path, budget: int) -> None:
    """Clean a crawl with two workers."""
    target.mkdir()
    clean.clean(
        sources.find(corpus),
        target,
        config=CleanConfig(near_duplicates=True),
        measuring=MeasureConfig(labelled_sources=("encyclopaedia",)),
        seed=0,
        place=clean.Workplace(jobs=2, memory_bytes=budget),
    )


if __name__ == "__main__":
    main()
