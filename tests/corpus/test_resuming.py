"""Killed at any moment and started again, in processes or on Ray: the same files, byte for byte."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from xlmr_lab.babel import archives, corpora
from xlmr_lab.babel.corpora import BabelConfig
from xlmr_lab.corpus import executors
from xlmr_lab.errors import UserError

BABEL = BabelConfig(
    languages=("qaa", "qab"),
    corpus_bytes=200_000,
    smallest_bytes=60_000,
    encyclopaedia_bytes=20_000,
)

PROGRAM = """
import sys
from pathlib import Path
from xlmr_lab import storage
from xlmr_lab.corpus import clean, measure, sources
from xlmr_lab.corpus.judge import CleanConfig
from xlmr_lab.corpus.models import MeasureConfig
from xlmr_lab.corpus.perplexity import PerplexityConfig

def main(corpus, target, executor, jobs):
    measure.CHUNK_BYTES, measure.SMALL_BYTES = 20_000, 0
    learned = PerplexityConfig(vocabulary_size=500, training_bytes=20_000)
    with storage.resumable_folder(Path(target)) as folder:
        clean.clean(
            sources.find(Path(corpus), []),
            folder,
            config=CleanConfig(near_duplicates=True),
            measuring=MeasureConfig(
                labelled_sources=("encyclopaedia",),
                encyclopaedia_sources=("encyclopaedia",),
                perplexity=learned,
            ),
            seed=1,
            place=clean.Workplace(jobs=int(jobs), executor=executor),
        )

if __name__ == "__main__":
    main(*sys.argv[1:])
"""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an encyclopaedia of two languages and three archives of both."""
    folder = tmp_path_factory.mktemp("corpus")
    world, grown = corpora.build(BABEL)
    for name in ("crawl", "encyclopaedia"):
        (folder / name).mkdir()
    pages = []
    for tongue in grown:
        text = "\n".join(corpora.encyclopaedia(world, tongue, BABEL))
        (folder / "encyclopaedia" / f"{tongue.code}.txt").write_text(text, encoding="utf-8")
        pages += list(corpora.web_pages(world, grown, tongue, 60_000, BABEL))
    for number in range(3):
        path = folder / "crawl" / f"part-{number}.warc.wet.gz"
        path.write_bytes(archives.wet(pages[number::3]))
    (folder / "program.py").write_text(PROGRAM, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def undisturbed(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the checksums of what one process makes."""
    target = tmp_path_factory.mktemp("undisturbed") / "clean"
    assert start(corpus, target).wait() == 0
    marks = checksums(target)
    report = json.loads((target / "report.json").read_text())
    assert report["languages"]["qaa"]["kept_paragraphs"] > 100
    return marks


def start(
    corpus: Path, target: Path, executor: str = "local", jobs: int = 1
) -> "subprocess.Popen[bytes]":
    command = [sys.executable, str(corpus / "program.py"), str(corpus), str(target), executor]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([*command, str(jobs)], env=environment, start_new_session=True)


def checksums(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


@pytest.mark.slow
def test_two_processes_make_the_same_files_as_one(
    corpus: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    assert start(corpus, tmp_path / "clean", jobs=2).wait() == 0
    assert checksums(tmp_path / "clean") == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_killed_cleaning_goes_on_to_the_same_files(
    corpus: Path, undisturbed: dict[str, str], tmp_path: Path, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    target = tmp_path / "clean"
    kills, longest = 0, 4.0
    while not kills or not target.is_dir():
        if target.is_dir():
            # Finished before its first kill, on a quick machine: anew, and killed earlier.
            shutil.rmtree(target)
            longest *= 0.7
        process = start(corpus, target, jobs=1 + seed % 2)
        deadline = time.monotonic() + (rng.uniform(0.1, 1.0) * longest if kills < 8 else 120)
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            # One that had not begun yet proves nothing, and on a slow machine more time is needed.
            if any(tmp_path.iterdir()):
                kills += 1
            else:
                longest *= 1.2
        process.wait()
    assert checksums(target) == undisturbed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clean"]


@pytest.mark.slow
def test_a_ray_cluster_makes_the_same_files_as_one_process(
    corpus: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    try:
        executors.join_cluster()
    except UserError as error:
        pytest.skip(str(error))
    finally:
        __import__("ray").shutdown()
    assert start(corpus, tmp_path / "clean", executor="ray").wait() == 0
    assert checksums(tmp_path / "clean") == undisturbed
