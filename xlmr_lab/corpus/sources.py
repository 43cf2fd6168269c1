"""Where raw text comes from: a folder of sources, one file, a list of paths, an address.

In a folder, `<path>/<source>/` names the source, and a file's name says what it is:
`<language>.{txt,jsonl,parquet}[.gz|.bz2|.xz|.zst]` holds text of a language: a key of the paper's
CC-100 table or any other made of letters, digits, "-" and "_" (`text_files`);
`*.{warc,wet,arc}[.gz|.zst]` are web archives, whose pages may be in any language (`web_archives`;
the link data of WAT files is no text and passed over); `*.xml[.gz|.bz2|.xz|.zst]` are dumps of
MediaWiki, which say their language (`wiki_dumps`); `*.paths[.gz]` list such files, as Common Crawl
publishes them. Each of these, by path or address (`remote`), also stands alone. What `{language}`
is written into stands for one file of each language: `hf://datasets/NAME/{language}.parquet`.
"""

import contextlib
import io
import logging
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from xlmr_lab.corpus import remote, text_files, web_archives, wiki_dumps
from xlmr_lab.corpus.file_names import (
    LAYOUT,
    OTHERS,
    file_name,
    form_of,
    is_language,
    known_form,
    language_of,
    packing_of,
    source_of,
)
from xlmr_lab.corpus.packing import sniff, unpacked
from xlmr_lab.corpus.unreadable import Count, PackingError
from xlmr_lab.errors import UserError

logger = logging.getLogger(__name__)


class SourceFile(NamedTuple):
    """A file of raw text, the source it belongs to, and the language it claims to be in."""

    place: str
    """A path, or an address: http(s)://, s3://, hf://."""
    source: str
    language: str | None
    """None where the file says nothing about its language, as web archives."""

    @property
    def is_local(self) -> bool:
        """Whether it lies on this machine."""
        return not remote.is_remote(self.place)

    @property
    def path(self) -> Path:
        """The path of a local file."""
        assert self.is_local, self.place
        return Path(self.place)

    def num_bytes(self) -> int:
        """Return the size of a local file; 0 where it lies far away and its size is not known."""
        return self.path.stat().st_size if self.is_local else 0


class RawDocument(NamedTuple):
    """A document as it was read; its paragraphs are divided by line ends."""

    doc_id: str
    text: str
    url: str | None
    source: str
    language: str | None


def find(
    path: Path | str, languages: Sequence[str] = (), *, base: str = remote.COMMON_CRAWL
) -> list[SourceFile]:
    """Return the files of the languages in the order asked, each by source, then those that say no
    language; no language stands for all found.

    What a list of paths names and does not lie beside the list is looked for under `base`.

    Raises:
        UserError: nothing there, no file of a language, two files for one source and language, a
            file that cannot be read, or a language that no file could have.
    """
    for key in languages:
        if not is_language(key):
            raise UserError(
                f'a language is made of letters, digits, "-" and "_", got {key!r}; write it as in '
                "the names of the files, such as sw or zh-Hans"
            )
    found = _found(str(path), languages, base)
    known = sorted({file.language for file in found if file.language})
    silent = [file for file in found if file.language is None]
    missing = [language for language in languages if language not in known and not silent]
    if missing or not found:
        wanted = ", ".join(missing) or "any language"
        there = ", ".join(known) or "nothing of that form"
        raise UserError(
            f"no text of {wanted} in {path}; expected files {LAYOUT}, {OTHERS}, "
            f"found languages: {there}"
        )
    if len(set(languages)) < len(languages):
        raise UserError(f"a language is named twice in {','.join(languages)}; name each once")
    return [f for key in languages or known for f in found if f.language == key] + silent


def read(
    file: SourceFile,
    *,
    unreadable: Count | None = None,
    main_content: bool = False,
) -> Iterator[RawDocument]:
    """Yield the documents of a file.

    `unreadable` is told the reason of each record of an archive or dump that gives no document.
    `main_content` takes menus and the like from the HTML of archives.

    Raises:
        UserError: a file that cannot be opened; text, JSON or Parquet that is broken.
    """
    with contextlib.ExitStack() as stack:
        raw = stack.enter_context(_opened(file))
        rows = _rows(file, raw, unreadable or _uncounted, main_content)
        for number, row in enumerate(rows):
            doc_id = row.get("doc_id")
            yield RawDocument(
                doc_id=f"{file.source}/{file.language}/{number}" if doc_id is None else str(doc_id),
                text=row["text"],
                url=row.get("url"),
                source=file.source,
                language=file.language,
            )


def _uncounted(reason: str) -> None:
    """Forget why a record cannot be read."""


def _opened(file: SourceFile) -> BinaryIO:
    """Open a file or connect to it; what cannot be opened is an error that says why."""
    if not file.is_local:
        if form_of(file.place) == "parquet":
            return io.BytesIO()  # Polars connects itself
        return remote.open_url(file.place)
    try:
        if form_of(file.place) not in ("txt", "jsonl") and file.path.stat().st_size == 0:
            raise UserError(f"{file.place} is empty (0 bytes); fetch it again, or leave it out")
        return file.path.open("rb")
    except OSError as error:
        raise UserError(f"cannot read {file.place}: {(error.strerror or str(error))}") from None


def _rows(
    file: SourceFile, raw: BinaryIO, count: Count, main_content: bool
) -> Iterable[dict[str, Any]]:
    form = form_of(file.place)
    if form in ("txt", "jsonl"):
        rows = text_files.text_rows if form == "txt" else text_files.json_rows
        return rows(file.place, raw, packing_of(file.place))
    if form == "parquet":
        packing = packing_of(file.place)
        if packing:
            return text_files.packed_parquet_rows(file.place, raw, packing)
        return text_files.parquet_rows(file.place, file.path if file.is_local else file.place)
    if form == "list":
        raise UserError(f"{file.place} is a list of files; find() reads it")
    stream = unpacked(raw, sniff(cast(io.BufferedReader, raw).peek(8)))
    pages: Iterable[web_archives.Page | wiki_dumps.Article]
    if form == "archive":
        name = file_name(file.place)
        pages = web_archives.pages(stream, count, name=name, main_content=main_content)
    else:
        pages = wiki_dumps.articles(stream, count)
    return (
        {"doc_id": f"{file.source}/{page.page_id}", "text": page.text, "url": page.url}
        for page in pages
    )


def _found(place: str, languages: Sequence[str], base: str) -> list[SourceFile]:
    if "{language}" in place:
        if not languages:
            raise UserError(f"name the languages that {{language}} stands for in {place}")
        source = source_of(place.partition("{language}")[0] + "x")
        return [SourceFile(place.replace("{language}", key), source, key) for key in languages]
    if remote.is_remote(place):
        own = languages[0] if len(languages) == 1 else None
        return _files(place, source_of(place), base, own)
    path = Path(place)
    try:
        if path.is_dir():
            return _in_folder(path, languages, base)
        if path.is_file():
            return _files(place, path.resolve().parent.name, base)
    except OSError as error:
        raise UserError(f"cannot read {error.filename or place}: {error.strerror}") from None
    raise UserError(f"no corpus at {place}; give a folder that holds files {LAYOUT}, or {OTHERS}")


def _in_folder(path: Path, languages: Sequence[str], base: str) -> list[SourceFile]:
    """Return the files of a folder of sources; those beside the sources belong to none."""
    inside = sorted(path.iterdir())
    folders = [entry for entry in inside if entry.is_dir()]
    entries = [entry for folder in folders for entry in sorted(folder.iterdir())]
    known = [entry for entry in entries if known_form(entry.name)]
    broken = [entry for entry in inside if entry.is_symlink() and not entry.exists()]
    for entry in (*known, *broken):
        _check_file(entry)
    files = _distinct(f for e in known for f in _files(str(e), e.parent.name, base))
    stray = [entry.name for entry in inside if entry not in folders and known_form(entry.name)]
    if stray and not files:
        meant = next((name for name in stray if language_of(name) in languages), stray[0])
        raise UserError(
            f"found {meant} directly in {path}, which is no source; text lies in "
            f"<source>/<language> below it: move the files to {path / 'text'}, or give one of "
            f"them, {path / meant}"
        )
    if stray:
        logger.warning(
            "%s: not read, since they lie in no folder of a source: %s (files: %s)",
            path,
            stray[0] + (", ..." if len(stray) > 1 else ""),
            f"{len(stray):,}",
        )
    return files


def _check_file(entry: Path) -> None:
    """Raise an error for what is named like a file of a corpus and cannot be read as one."""
    try:
        mode = entry.stat().st_mode
        if not stat.S_ISREG(mode):
            kind = "a directory" if stat.S_ISDIR(mode) else "a pipe or device"
            raise UserError(f"{entry} is {kind} in place of a file; rename it, or take it away")
        entry.open("rb").close()
    except OSError as error:
        is_gone = isinstance(error, FileNotFoundError)
        what = "a link to nothing" if is_gone else error.strerror
        raise UserError(f"cannot read {entry}: {what}; mend it, or take it away") from None


def _files(place: str, source: str, base: str, language: str | None = None) -> list[SourceFile]:
    """Return the file of a place with its language, or those of a list."""
    form = form_of(place)
    if form == "list":
        return [f for entry in _listed(place, base) for f in _files(entry, source_of(entry), base)]
    if form == "archive":
        return [SourceFile(place, source, None)]
    if form == "dump":
        return [SourceFile(place, source, _dump_language(place))]
    return [SourceFile(place, source, language or language_of(place))]


def _distinct(files: Iterable[SourceFile]) -> list[SourceFile]:
    """Name each place once, and check that no text stands twice for one source and language."""
    kept = list({file.place: file for file in files}.values())
    seen: dict[tuple[str, str | None], SourceFile] = {}
    for file in kept:
        if form_of(file.place) in ("txt", "jsonl", "parquet"):
            other = seen.setdefault((file.source, file.language), file)
            if other is not file:
                raise UserError(
                    f"two files of language {file.language!r} in one source: {other.place} and "
                    f"{file.place}; keep one, or put them into two folders"
                )
    return kept


def _listed(place: str, base: str) -> Iterator[str]:
    """Yield the places that a list names, each once."""
    with _opened(SourceFile(place, "", None)) as raw:
        try:
            lines = unpacked(raw, sniff(cast(io.BufferedReader, raw).peek(8))).read().splitlines()
        except PackingError as error:
            raise UserError(f"{place} is damaged ({error.detail}); fetch it again") from None
    named = dict.fromkeys(line.decode("utf-8", "replace").strip() for line in lines)
    entries = [entry for entry in named if entry and known_form(entry)]
    if passed := len(named) - len(entries) - ("" in named):
        logger.warning("%s: passed over %s lines that name no file of text", place, f"{passed:,}")
    for entry in entries:
        if known_form(entry) == "list":
            raise UserError(f"{place} names another list: {entry}; name files in it")
        beside = Path(place).parent / entry
        is_here = not remote.is_remote(place) and not remote.is_remote(entry) and beside.is_file()
        yield str(beside) if is_here else entry if remote.is_remote(entry) else base + entry


def _dump_language(place: str) -> str | None:
    """Return the language that a dump says, or where it lies far away, its name."""
    if not remote.is_remote(place):
        with Path(place).open("rb") as raw:
            site = wiki_dumps.site(unpacked(raw, sniff(raw.peek(8))))
        if site is not None and site.language:
            return site.language if is_language(site.language) else None
    code = language_of(place)
    return wiki_dumps.language_key(code) if code else None
