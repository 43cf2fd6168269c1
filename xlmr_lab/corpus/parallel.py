"""Parallel text: a folder of `<language>.txt`, plain or packed, aligned line by line.

Line i of each file says the same; a language that lacks a sentence leaves its line blank, so texts
of different pairs can stand in one folder, one after another. Lines are read as they are: nothing
is cleaned, and a side is not looked up in the corpus.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from xlmr_lab.corpus import file_names
from xlmr_lab.corpus.text_files import iterate_lines
from xlmr_lab.errors import UserError

LAYOUT = "<language>.txt[.gz|.bz2|.xz|.zst]"


def find(folder: Path, languages: Sequence[str] = ()) -> dict[str, Path]:
    """Return the files of a folder by language; with `languages` theirs only.

    Raises:
        UserError: no folder, fewer than two languages, a language without a file or with two.
    """
    if not folder.is_dir():
        raise UserError(f"tlm.path is no folder: {folder}; it must hold files {LAYOUT}")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        key = file_names.language_of(path.name)
        if key is None or file_names.known_form(path.name) != "txt":
            continue
        if languages and key not in languages:
            continue
        if key in found:
            raise UserError(f"{folder} holds {found[key].name} and {path.name}: keep one of them")
        found[key] = path
    if missing := [key for key in languages if key not in found]:
        raise UserError(f"no parallel text of {', '.join(missing)} in {folder}, named {LAYOUT}")
    if len(found) < 2:
        raise UserError(
            f"parallel text needs two languages, but {folder} has {', '.join(found) or 'none'}; "
            f"add a file {LAYOUT}"
        )
    return found


def require_aligned(files: Mapping[str, Path]) -> int:
    """Return how many lines the files have, and refuse those that differ.

    Raises:
        UserError: names two files and their lines.
    """
    lengths = {path: sum(1 for _ in iterate_lines(path)) for path in files.values()}
    (first, length), *others = lengths.items()
    for path, other in others:
        if other != length:
            raise UserError(
                f"{path} has {other} lines and {first} {length}; parallel text has the same "
                "sentence in the same line of each language, or a blank one"
            )
    return length


def pairs(first: Path, second: Path) -> Iterator[tuple[str, str]]:
    """Yield number and text of the lines that both sides have: their sentences, one a line."""
    for number, sides in enumerate(zip(iterate_lines(first), iterate_lines(second), strict=True)):
        one, other = map(str.strip, sides)
        if one and other:
            yield str(number), f"{one}\n{other}"
