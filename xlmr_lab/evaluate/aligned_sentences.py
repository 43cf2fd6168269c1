"""Sentences that translate each other line by line: for retrieval, and whatever compares languages.

Any number of text files with a sentence a line, line i of each the same sentence (`read`); a folder
of Tatoeba as LASER publishes it and XTREME uses it, up to 1,000 sentences of each language with
their English ones (`read_tatoeba`); the premises of an NLI task that has the same items in every
language, as XNLI and Babel's have (`premises`). Lines that are blank in all files only part
documents, and count for nothing. Tatoeba names languages by ISO 639-3; they become the keys of
XLM-R Table 6 where it has them. Left out: finding which sentences translate each other in text that
is not aligned.
"""

import codecs
from collections.abc import Mapping, Sequence
from pathlib import Path

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import places, task_files
from xlmr_lab.evaluate.formats import xnli
from xlmr_lab.evaluate.protocols import TaskSet

PIVOT = "eng"
"""Tatoeba's name of the language that every file pair has."""

KEYS: dict[str, str] = {
    **{"afr": "af", "amh": "am", "ara": "ar", "aze": "az", "bel": "be", "ben": "bn", "bos": "bs"},
    **{"bre": "br", "bul": "bg", "cat": "ca", "ces": "cs", "cmn": "zh-Hans", "cym": "cy"},
    **{"dan": "da", "deu": "de", "ell": "el", "eng": "en", "epo": "eo", "est": "et", "eus": "eu"},
    **{"fin": "fi", "fra": "fr", "fry": "fy", "gla": "gd", "gle": "ga", "glg": "gl", "heb": "he"},
    **{"hin": "hi", "hrv": "hr", "hun": "hu", "hye": "hy", "ind": "id", "isl": "is", "ita": "it"},
    **{"jav": "jv", "jpn": "ja", "kat": "ka", "kaz": "kk", "khm": "km", "kor": "ko", "kur": "ku"},
    **{"lat": "la", "lit": "lt", "lvs": "lv", "mal": "ml", "mar": "mr", "mkd": "mk", "mon": "mn"},
    **{"nld": "nl", "nob": "no", "pes": "fa", "pol": "pl", "por": "pt", "ron": "ro", "rus": "ru"},
    **{"slk": "sk", "slv": "sl", "spa": "es", "sqi": "sq", "srp": "sr", "swe": "sv", "swh": "sw"},
    **{"tam": "ta", "tel": "te", "tha": "th", "tgl": "tl", "tur": "tr", "uig": "ug", "ukr": "uk"},
    **{"urd": "ur", "uzb": "uz", "vie": "vi", "xho": "xh", "yid": "yi", "zsm": "ms"},
}
"""Tatoeba's languages that XLM-R Table 6 has; others keep their name."""


def read(paths: Mapping[str, Path]) -> dict[str, list[str]]:
    """Return the sentences of aligned files by language.

    Raises:
        UserError: a file is missing or not UTF-8, has more lines than another, has a blank line
            where another has a sentence, or there is no sentence.
    """
    texts = {key: _lines(path) for key, path in paths.items()}
    (first, ours), *rest = texts.items()
    for key, lines in rest:
        if len(lines) != len(ours):
            raise UserError(
                f"{paths[first]} has {len(ours):,} lines and {paths[key]} {len(lines):,}; line i "
                "of each must be the same sentence"
            )
    kept = []
    for number, row in enumerate(zip(*texts.values(), strict=True), 1):
        blank = [key for key, line in zip(texts, row, strict=True) if not line]
        if blank and len(blank) < len(texts):
            raise UserError(
                f"{paths[blank[0]]}, line {number} is blank, and has a sentence in "
                f"{next(paths[key] for key in texts if key not in blank)}; take the line out of all"
            )
        if not blank:
            kept.append(row)
    if not kept:
        raise UserError(f"{paths[first]} is empty: expected a sentence a line")
    return dict(zip(texts, map(list, zip(*kept, strict=True)), strict=True))


def texts(folder: Path) -> dict[str, Path]:
    """Return the texts of a folder by language, <language>.txt, plain or packed."""
    ends = [f".txt{suffix}" for suffix in task_files.SUFFIXES]
    return {
        path.name.removesuffix(end): path
        for end in ends
        for path in sorted(folder.glob(f"*{end}"))
        if path.name.endswith(end)
    }


def tatoeba_languages(folder: Path) -> list[str]:
    """Return the languages of a Tatoeba folder by their names there, sorted.

    Raises:
        UserError: there is no folder, or none in it.
    """
    if not folder.is_dir():
        raise UserError(f"no folder {folder}; it should hold files such as tatoeba.fra-eng.fra")
    names = (path.name.split(".") for path in folder.glob(f"tatoeba.*-{PIVOT}.*"))
    found = sorted({name[2] for name in names if len(name) > 2 and name[2] != PIVOT})
    if not found:
        raise UserError(f"{folder} holds no file such as tatoeba.fra-eng.fra")
    return found


def read_tatoeba(folder: Path, language: str) -> dict[str, list[str]]:
    """Return the sentences of one of Tatoeba's languages and their English ones, by key.

    Raises:
        UserError: no such language there, or as `read`.
    """
    paths = {}
    for name in (language, PIVOT):
        stem = f"tatoeba.{language}-{PIVOT}.{name}"
        places = [folder / f"{stem}{suffix}" for suffix in task_files.SUFFIXES]
        present = [path for path in places if path.is_file()]
        if not present:
            there = ", ".join(tatoeba_languages(folder))
            raise UserError(f"no {stem} in {folder}; languages there: {there}")
        paths[KEYS.get(name, name)] = present[0]
    return read(paths)


def premises(
    folder: Path, languages: Sequence[str], split: task_files.Split = "test"
) -> dict[str, list[str]]:
    """Return the premises of an NLI task by language, each line of all languages once.

    Raises:
        UserError: a file is missing or not well-formed, or has fewer pairs than another.
    """
    paths = {key: places.require(xnli.places, folder, TaskSet(split, key)) for key in languages}
    found = {key: xnli.read_premises(source) for key, source in paths.items()}
    sizes = {len(sentences) for sentences in found.values()}
    if len(sizes) > 1:
        told = ", ".join(f"{path} {len(found[key]):,}" for key, path in paths.items())
        raise UserError(f"the files have different numbers of pairs ({told}); they are not aligned")
    rows = list(dict.fromkeys(zip(*found.values(), strict=True)))
    return dict(zip(found, map(list, zip(*rows, strict=True)), strict=True))


def _lines(path: Path) -> list[str]:
    """Return the lines of a file without white space around them, without an end of file's."""
    if not path.is_file():
        raise UserError(f"no file {path}; give a text with a sentence a line")
    raw = task_files.content(path).removeprefix(codecs.BOM_UTF8).split(b"\n")
    found = []
    for number, line in enumerate(raw if raw[-1] else raw[:-1], 1):
        try:
            found.append(line.decode("utf-8").strip())
        except UnicodeDecodeError:
            raise UserError(f"{path}, line {number} is not UTF-8 text") from None
    return found
