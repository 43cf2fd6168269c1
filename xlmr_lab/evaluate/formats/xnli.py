"""XNLI as it is published: pairs of a language from its files, tables or Parquet.

Read are XNLI 1.0 (`xnli.{dev,test}.{tsv,jsonl}`, fifteen languages in one file), its training set
MultiNLI (`multinli_1.0_train.{jsonl,txt}`), the machine-translated sets of XNLI-MT 1.0
(`multinli.train.<language>.tsv`; `xnli.{dev,test}.en.tsv`, all languages put into English), the
hub's Parquet, and our own `<split>-<language>.tsv`. Texts are the untokenised columns, but
XNLI-MT's only text is tokenised. Only English has a training set of its own: the others are
`translated`, so protocols cannot take one for the other. Pairs without a gold label (`-`: the
annotators did not agree) are left out, as MultiNLI's authors say, and counted; a set whose labels
are all the same is refused. Empty texts of published files are kept and counted.
"""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import task_files
from xlmr_lab.evaluate.formats import hub, tables
from xlmr_lab.evaluate.places import Place, Source
from xlmr_lab.evaluate.task_files import NLI_LABELS, SYNONYMS, Form, Pairs, Split

logger = logging.getLogger(__name__)

CODES = ("ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh")
"""XNLI's languages as it writes them."""
LANGUAGES = {task_files.IMPLIED_SCRIPTS.get(code, code): code for code in CODES}
"""XNLI's languages, by our keys."""
ENGLISH = {"en": "en"}
OTHERS = {key: code for key, code in LANGUAGES.items() if key != "en"}
NO_GOLD = "-"
COLUMNS = ("gold_label", "sentence1", "sentence2")
"""What MultiNLI and XNLI call what we read; XNLI has `language` besides."""
MT_COLUMNS = ("label", "premise", "hypo")
Labelled = tuple[str, str, str, str]
"""File and line, label, premise, hypothesis."""
HUB_SPLITS = {"train": "train", "dev": "validation", "test": "test"}


def places(split: Split, form: Form) -> list[Place]:
    """Return where the sets of a split and form may lie."""
    start = f"{split}.{form}-" if form else f"{split}-"
    found = [Place(start + "{language}.tsv", kind="ours", publisher="ours")]
    if split == "train":
        kept = {"": ENGLISH, "translated": OTHERS}.get(form)
        if not form:
            for kind in ("jsonl", "txt"):
                found.append(
                    _xnli(f"multinli_1.0_train.{kind}", kind, ENGLISH, ("", "multinli_1.0/"))
                )
        if kept:
            within = ("", "multinli/", "XNLI-MT-1.0/multinli/")
            found += [
                _xnli("multinli.train.{language}.tsv", "mt", kept, within),
                *_hub(split, kept),
            ]
    elif not form:
        for kind in ("tsv", "jsonl"):
            found.append(_xnli(f"xnli.{split}.{kind}", kind, LANGUAGES, ("", "XNLI-1.0/")))
        found += _hub(split, LANGUAGES)
    elif form == "translated-from":
        within = ("", "xnli/", "XNLI-MT-1.0/xnli/")
        found.append(_xnli(f"xnli.{split}.en.tsv", "tsv", OTHERS, within))
    return found


def _xnli(pattern: str, kind: str, kept: Mapping[str, str], within: Sequence[str]) -> Place:
    return Place(pattern, kind=kind, publisher="xnli", languages=kept, within=within)


def _hub(split: Split, kept: Mapping[str, str]) -> Iterator[Place]:
    for name in ("{language}", "all_languages"):
        yield Place(
            f"{name}/{HUB_SPLITS[split]}-*.parquet",
            kind="parquet",
            publisher="hub",
            languages=kept,
            within=("", "xnli/"),
            parts=True,
        )


def read(source: Source, label_order: Sequence[str] = ()) -> Pairs:
    """Read the pairs of a set; `label_order` are the classes of numbered labels (Parquet) by
    number, for files that do not tell them.

    Raises:
        UserError: a file is not well-formed, has no pair of the language, or labels that are none.
    """
    match source.kind:
        case "ours":
            pairs = task_files.read_nli(source.paths[0])
        case "parquet":
            pairs = hub.read(source, label_order)
        case "jsonl":
            pairs = _pairs(source, _records(source.paths[0], source.code))
        case "mt":
            rows = tables.rows(source.paths[0], MT_COLUMNS)
            pairs = _pairs(source, ((where, a, b, c) for where, (a, b, c) in rows))
        case _:
            pairs = _pairs(source, _table(source.paths[0], source.code))
    tables.check_placeholders(source, pairs.labels, NLI_LABELS)
    return pairs


def read_premises(source: Source) -> list[str]:
    """Return the premises of a set, whose labels may be missing where the file is of the lab's
    form.

    Raises:
        UserError: as `read`; a line without a premise and a hypothesis.
    """
    if source.kind != "ours":
        return read(source).premises
    path, found = source.paths[0], []
    for number, line in task_files.lines(path):
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) > 1 and all(cells[:2]):
            found.append(cells[0])
        elif line.strip():
            raise UserError(f"{path}, line {number}: expected premise TAB hypothesis, got {line!r}")
    return found


def _table(path: Path, code: str) -> Iterator[Labelled]:
    """Yield the rows of a language; MultiNLI's table has no column that names one."""
    with_language = "language" in tables.header(path)
    wanted = ("language", *COLUMNS) if with_language else COLUMNS
    for where, cells in tables.rows(path, wanted):
        label, premise, hypothesis = cells[-3:]
        if not with_language or cells[0] == code:
            yield where, label, premise, hypothesis


def _records(path: Path, code: str) -> Iterator[Labelled]:
    """Yield the objects of a language."""
    for number, line in task_files.lines(path):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise UserError(f"{where} is not JSON at column {error.colno} ({error.msg})") from None
        if not isinstance(record, dict) or not all(
            isinstance(record.get(name), str) for name in COLUMNS
        ):
            raise UserError(f"{where}: expected an object with texts {', '.join(COLUMNS)}")
        if record.get("language", code) == code:
            label, premise, hypothesis = (record[name].strip() for name in COLUMNS)
            yield where, label, premise, hypothesis


def _pairs(source: Source, found: Iterable[Labelled]) -> Pairs:
    """Collect pairs, without those that have no gold label."""
    pairs, num_without = Pairs([], [], []), 0
    for where, label, premise, hypothesis in found:
        if label == NO_GOLD:
            num_without += 1
            continue
        pairs.premises.append(premise)
        pairs.hypotheses.append(hypothesis)
        pairs.labels.append(tables.class_of(SYNONYMS.get(label, label), NLI_LABELS, where))
    if not pairs.labels:
        raise UserError(f"{source} has no pair of language {source.code!r} with a gold label")
    _tell(source, num_without, "without a gold label (-) are left out")
    empty = sum(not (a and b) for a, b in zip(pairs.premises, pairs.hypotheses, strict=True))
    _tell(source, empty, "have an empty sentence and are kept")
    return pairs


def _tell(source: Source, count: int, what: str) -> None:
    if count:
        logger.warning("%s: %s pairs %s", source, f"{count:,}", what)
