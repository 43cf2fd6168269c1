"""Language-specific preprocessing: MB of text a CPU-second, per language.

python tests/benchmarks/preprocess.py --folder ../shared/data/text/ntrex
"""

import argparse
import lzma
import statistics
import time
from pathlib import Path
from typing import get_args

from xlmr_lab.vocabulary.preprocess import preprocess
from xlmr_lab.vocabulary.settings import Preprocessing

LANGUAGES = "en,de,fr,ru,ar,hi,vi,sw,ur,ko,zh-Hans,zh-Hant,ja,th"


def main() -> None:
    """Measure and print the rates."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, required=True, help="holds <language>.txt.xz")
    parser.add_argument("--languages", default=LANGUAGES)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    kinds = [kind for kind in get_args(Preprocessing) if kind != "none"]
    print("language", *kinds)
    for language in options.languages.split(","):
        with lzma.open(options.folder / f"{language}.txt.xz", "rt", encoding="utf-8") as file:
            lines = file.read().split("\n")
        megabytes = sum(len(line.encode("utf-8")) for line in lines) / 1e6
        seconds = [median_seconds(lines, language, kind, options.rounds) for kind in kinds]
        print(language, *(f"{megabytes / value:.2f}" for value in seconds))


def median_seconds(lines: list[str], language: str, kind: Preprocessing, rounds: int) -> float:
    """Return the median CPU time of preprocessing the lines, dictionaries loaded before."""
    preprocess(lines[:1], language, kind)
    found = []
    for _ in range(rounds):
        began = time.process_time()
        preprocess(lines, language, kind)
        found.append(time.process_time() - began)
    return statistics.median(found)


if __name__ == "__main__":
    main()
