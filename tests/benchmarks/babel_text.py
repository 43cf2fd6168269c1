"""How fast Babel is written: megabytes of web pages and encyclopaedia a CPU-second, one process.

Bar: half a megabyte a CPU-second.

    python tests/benchmarks/babel_text.py --megabytes 8
"""

import argparse
import tempfile
import time
from pathlib import Path

import bars

from xlmr_lab.babel import corpora
from xlmr_lab.babel.corpora import BabelConfig

LEAST_RATE = 0.5


def main() -> None:
    """Write a corpus of the default thirty languages, print its rate, and hold the bar."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--megabytes", type=float, default=8.0, help="size of the web pages")
    config = BabelConfig(corpus_bytes=int(parser.parse_args().megabytes * 1e6))
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        corpora.write(Path(folder), config)
        seconds = time.process_time() - began
        text = sum(path.stat().st_size for path in (Path(folder) / "corpus").rglob("*.*"))
    print(f"{text / 1e6:.1f} MB in {seconds:.1f} CPU-seconds: {text / 1e6 / seconds:.1f} MB/s")
    bars.finish([bars.at_least("MB a CPU-second", text / 1e6 / seconds, LEAST_RATE)])


if __name__ == "__main__":
    main()
