"""Entities as they are published: words with tags in columns, a blank line between sentences.

Read are CoNLL-2003 (en, de), CoNLL-2002 (es, nl), WikiANN, Universal NER, MasakhaNER, Wikigold,
WNUT-17, our own `<split>-<language>.tsv`, and `<split>-<language>.conll` for any columns of which
the first is the word and the last the tag. CoNLL-2003 and Wikigold are IOB1 (an entity begins with
B- only behind one of its type), and some of Universal NER begins entities with I-: such tags are
read as conlleval reads them and written as IOB2, the same spans, and counted; where IOB2 is
promised and kept, anything else is an error. CoNLL's own files are Latin-1: where they are not
UTF-8 they are read so, and that is told. Documents are kept where a file marks them (`-DOCSTART-`,
`# newdoc`). Left out: IOBES and nested entities.
"""

import logging
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import task_files
from xlmr_lab.evaluate.metrics import chunks
from xlmr_lab.evaluate.places import Place, Source
from xlmr_lab.evaluate.task_files import Form, Split, TaggedSentences

logger = logging.getLogger(__name__)

DOCUMENT = "-DOCSTART-"
"""Stands in place of a word where a document begins (CoNLL)."""
NEW_DOCUMENT = "# newdoc"
"""How a comment begins that stands where a document begins (Universal NER)."""


class Columns(NamedTuple):
    """How the lines of a format are read."""

    nums: tuple[int, ...] = ()
    """How many columns a line may have; empty: as many as the first, two or more."""
    word: int = 0
    tag: int = -1
    """Places of the word and its tag."""
    is_iob2: bool = True
    """Whether every entity begins with B-; else IOB1 is read as well."""
    comments: bool = False
    """Whether lines without a tab that begin with # are no words."""
    may_be_latin_1: bool = False
    """Whether a file that is not UTF-8 is Latin-1."""


KINDS = {
    "conll": Columns(is_iob2=False),
    "conll2003": Columns((4, 5), is_iob2=False, may_be_latin_1=True),
    "conll2002": Columns((2, 3), may_be_latin_1=True),
    "uner": Columns((5,), word=1, tag=2, is_iob2=False, comments=True),
    "masakhaner": Columns((2,)),
    "wikigold": Columns((2,), is_iob2=False),
    "wnut17": Columns((2,)),
}
CONLL_2003, CONLL_2002 = {"en": "eng", "de": "deu"}, {"es": "esp", "nl": "ned"}
CONLL_SPLITS = {"train": "train", "dev": "testa", "test": "testb"}
MASAKHANER = {
    **{"am": "amh", "bm": "bam", "ee": "ewe", "ha": "hau", "ig": "ibo", "lg": "lug", "ny": "nya"},
    **{"rw": "kin", "sn": "sna", "sw": "swa", "tn": "tsn", "tw": "twi", "wo": "wol", "xh": "xho"},
    **{"yo": "yor", "zu": "zul", **{key: key for key in ("bbj", "fon", "luo", "mos", "pcm")}},
}
UNER = {key: key for key in ("ceb da de en hr pt ru sk sr sv tl").split()}
UNER_CHINESE = {"zh-Hans": "zh_gsdsimp", "zh-Hant": "zh_gsd"}
WNUT_SPLITS = {"train": "wnut17train.conll", "dev": "emerging.dev.conll"}
WNUT_TEST = "emerging.test.annotated"
ENGLISH = {"en": "en"}


def places(split: Split, form: Form) -> list[Place]:
    """Return where the sets of a split and form may lie."""
    start = f"{split}.{form}-" if form else f"{split}-"
    found = [
        Place(start + "{language}.tsv", kind="ours", publisher="ours"),
        Place(start + "{language}.conll", kind="conll", publisher="ours in columns"),
    ]
    if form:
        return found
    conll, wnut = "{language}." + CONLL_SPLITS[split], WNUT_SPLITS.get(split, WNUT_TEST)
    uner = "{language}-ud-" + f"{split}.iob2"
    found += [
        Place(conll, "conll2003", "conll", CONLL_2003),
        Place(conll, "conll2002", "conll", CONLL_2002),
        Place("{language}" + f"/{split}", "wikiann", "wikiann"),
        Place(uner, "uner", "uner", UNER_CHINESE, within=("", "*/")),
        Place(uner.replace("}", "}_*", 1), "uner", "uner", UNER, within=("", "*/")),
        Place("{language}" + f"/{split}.txt", "masakhaner", "masakhaner", MASAKHANER),
        Place("{language}" + f".{split}.txt", "masakhaner", "masakhaner", MASAKHANER),
        Place(wnut, "wnut17", "wnut17", ENGLISH),
    ]
    if split == "test":
        found.append(Place("wikigold.conll.txt", "wikigold", "wikigold", ENGLISH))
    return found


def read(source: Source, language: str, kinds: Collection[str] | None = None) -> TaggedSentences:
    """Read the tagged sentences of a set, in IOB2; `kinds`, if given, are the only entity types
    allowed.

    Raises:
        UserError: a line with another number of columns, an empty word, what is no tag or may not
            follow the one before it, an entity type that is not in `kinds`, or no word.
    """
    path = source.paths[0]
    if source.kind in ("ours", "wikiann"):
        return task_files.read_ner(path, language, kinds)
    columns = KINDS[source.kind]
    reader = _Reader(path, columns, kinds)
    for where, line in _lines(path, may_be_latin_1=columns.may_be_latin_1):
        reader.take(where, line)
    return reader.ended()


class _Reader:
    """What was read of a file, line by line."""

    def __init__(self, path: Path, columns: Columns, kinds: Collection[str] | None) -> None:
        self.path, self.columns, self.kinds = path, columns, kinds
        self.nums = columns.nums
        self.sentences: list[list[str]] = []
        self.tags: list[list[str]] = []
        self.documents: list[int] = []
        self.document = 0
        self.is_marked = False
        self.begin_sentence()

    def begin_sentence(self) -> None:
        self.words: list[str] = []
        self.own_tags: list[str] = []

    def take(self, where: str, line: str) -> None:
        """Take the next line."""
        is_comment = self.columns.comments and line.startswith("#") and "\t" not in line
        starts = line.startswith(NEW_DOCUMENT) if is_comment else self.starts_document(line)
        if not line.strip() or starts:
            self.end_sentence()
        if starts:
            self.document += 1
            self.is_marked = True
        elif line.strip() and not is_comment:
            self.take_word(where, line)

    def starts_document(self, line: str) -> bool:
        return line.split("\t")[0].split(" ")[0] == DOCUMENT

    def take_word(self, where: str, line: str) -> None:
        cells = line.split("\t") if "\t" in line else line.rstrip(" ").split(" ")
        if not self.nums:
            self.nums = (max(2, len(cells)),)
        if len(cells) not in self.nums:
            wanted = " or ".join(map(str, self.nums))
            problem = "the tag is missing" if len(cells) == 1 else f"got {len(cells)} columns"
            raise UserError(f"{where}: {problem}, expected {wanted} columns, got {line[:40]!r}")
        word, tag = cells[self.columns.word], cells[self.columns.tag].strip()
        if not word:
            raise UserError(f"{where}: the word is empty, got {line[:40]!r}")
        previous = self.own_tags[-1] if self.own_tags else "O"
        task_files.check_tag(tag, previous if self.columns.is_iob2 else None, self.kinds, where)
        self.words.append(word)
        self.own_tags.append(tag)

    def end_sentence(self) -> None:
        if self.words:
            self.sentences.append(self.words)
            self.tags.append(self.own_tags)
            self.documents.append(self.document)
            self.begin_sentence()

    def ended(self) -> TaggedSentences:
        """Return the sentences, in IOB2."""
        self.end_sentence()
        if not self.sentences:
            raise UserError(f"{self.path} is empty: expected a word and its tag on each line")
        tags = self.tags
        if not self.columns.is_iob2:
            tags = [iob2(own) for own in self.tags]
            _tell_changed(self.path, self.tags, tags)
        return TaggedSentences(self.sentences, tags, self.documents if self.is_marked else ())


def iob2(tags: Sequence[str]) -> list[str]:
    """Return the tags of a sentence in IOB2, with the spans that conlleval reads in them.

    >>> iob2(["I-PER", "I-PER", "B-PER", "I-LOC", "O"])
    ['B-PER', 'I-PER', 'B-PER', 'B-LOC', 'O']
    """
    made = ["O"] * len(tags)
    for start, end, kind in chunks(tags):
        made[start:end] = [f"B-{kind}", *[f"I-{kind}"] * (end - start - 1)]
    return made


def _tell_changed(path: Path, read: list[list[str]], made: list[list[str]]) -> None:
    changed = sum(
        a != b for x, y in zip(read, made, strict=True) for a, b in zip(x, y, strict=True)
    )
    if changed:
        logger.warning(
            "%s: %s of %s entities begin with I-; they are read as conlleval does, the same spans",
            path,
            f"{changed:,}",
            f"{sum(tag[0] == 'B' for tags in made for tag in tags):,}",
        )


def _lines(path: Path, *, may_be_latin_1: bool) -> Iterator[tuple[str, str]]:
    """Yield lines with the place of each."""
    encoding = "utf-8"
    if may_be_latin_1 and not _is_utf_8(task_files.content(path)):
        logger.warning("%s is not UTF-8; read as Latin-1, as CoNLL publishes it", path)
        encoding = "latin-1"
    for number, line in task_files.lines(path, encoding):
        yield f"{path}, line {number}", line


def _is_utf_8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
