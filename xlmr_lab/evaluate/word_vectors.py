"""Pretrained word vectors in word2vec's text form: `NUMBER LENGTH`, then a word and its numbers on
each line, with spaces between.

So are skip-n-grams (Ling et al. 2015) written, which Lample et al. (2016, Sec. 4.2) begin with, and
word2vec's and fastText's own. All lines are checked, and only what is asked for is kept. Left out:
the binary form, and files without the first line (GloVe's), which could be cut short unseen.
"""

from collections.abc import Collection
from pathlib import Path

import numpy as np

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import task_files

Vectors = dict[str, np.ndarray]
"""float32 [length] by word."""


def read(path: Path, words: Collection[str]) -> tuple[Vectors, int]:
    """Return the vectors of those of some words that a file has, and the length of all; the first
    counts where a file has a word twice.

    Raises:
        UserError: the file is missing, or is not in word2vec's text form to its end.
    """
    if not path.is_file():
        raise UserError(f"no word vectors at {path}; give a file in word2vec's text form")
    lines = task_files.lines(path)
    number, length = _sizes(path, next(lines, (1, ""))[1])
    found: Vectors = {}
    read_lines = 0
    for place, line in lines:
        if not line:
            continue
        read_lines += 1
        word, vector = _word_and_vector(line, length, f"{path}, line {place}")
        if word in words and word not in found:
            found[word] = vector
    if read_lines != number:
        raise UserError(
            f"{path} holds {read_lines:,} vectors, and its first line says {number:,}; "
            "fetch it again, or correct that line"
        )
    return found, length


def _sizes(path: Path, line: str) -> tuple[int, int]:
    cells = line.split()
    if len(cells) != 2 or not all(cell.isascii() and cell.isdecimal() for cell in cells):
        raise UserError(
            f"{path}, line 1 must be the number of words and the length of their vectors, as in "
            f"word2vec's text form, got {line[:40]!r}; put that line before the others"
        )
    number, length = map(int, cells)
    if not number or not length:
        raise UserError(f"{path}, line 1 says {number} words of {length} numbers; fetch it again")
    return number, length


def _word_and_vector(line: str, length: int, where: str) -> tuple[str, np.ndarray]:
    word, *cells = line.rstrip(" ").split(" ")
    if len(cells) != length:
        raise UserError(
            f"{where}: expected a word and {length} numbers, got {len(cells)} after {word[:40]!r}"
        )
    try:
        values = [float(_plain(cell)) for cell in cells]
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None
    with np.errstate(over="ignore"):
        vector = np.array(values, dtype=np.float32)
    if not word or not np.isfinite(vector).all():
        raise UserError(f"{where}: {'a number is not finite' if word else 'the word is empty'}")
    return word, vector


def _plain(cell: str) -> str:
    """Return a number as it is written; `float` also takes 1_0 and digits of other scripts."""
    if "_" in cell or not cell.isascii():
        raise ValueError(f"could not convert string to float: {cell!r}")
    return cell
