"""Files that are whole or absent: atomic writes, checksums, JSON and JSON Lines.

What is written appears under its final name only when complete: it is written beside, flushed to
the disk, and renamed. So a folder or file that exists is finished, and a killed process leaves only
`*.partial-*` names that the next run sweeps away.
"""

import contextlib
import errno
import fcntl
import gzip
import hashlib
import json
import logging
import os
import re
import shutil
import socket
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from xlmr_lab.errors import ResumableError, UserError

logger = logging.getLogger(__name__)

PARTIAL = ".partial-"
UNFINISHED = ".unfinished"
CHUNK_BYTES = 1 << 16
WITH_LAB = Path(__file__).parents[1]
"""Folder that the package stands in, of a checkout."""
WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""What locking says on a disk that cannot do it."""


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically: after a crash the old content stands or the new, never a part."""
    with atomic_path(path) as partial:
        partial.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file atomically."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file atomically, indented, keys in the given order."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file; a broken one is an error that names it."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid JSON ({error}); delete it and run again") from None


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; it takes that name when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path)
    partial = path.with_name(f"{path.name}{PARTIAL}{os.getpid()}")
    try:
        yield partial
        _sync(partial)
        os.replace(partial, path)
        _sync(path.parent)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Yield a fresh folder to fill; it takes the final name when the block ends without an error.

    An existing folder of that name is replaced only at that moment.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    sweep(folder)
    partial = folder.with_name(f"{folder.name}{PARTIAL}{os.getpid()}")
    partial.mkdir()
    try:
        yield partial
        for path in sorted(partial.rglob("*"), reverse=True):
            _sync(path)
        _sync(partial)
        if folder.exists():
            old = folder.with_name(f"{folder.name}{PARTIAL}old-{os.getpid()}")
            os.rename(folder, old)
            os.rename(partial, folder)
            shutil.rmtree(old)
        else:
            os.rename(partial, folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


class AlreadyThereError(Exception):
    """What was to be made is there."""


@contextlib.contextmanager
def resumable_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder beside `folder` to fill, as an earlier try left it; it takes the final name
    when the block ends without an error. A folder that was new goes with a `UserError` that another
    try would meet again; what an earlier try left never goes.

    Raises:
        AlreadyThereError: another process has just made `folder`.
        UserError: another process is filling it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f"{folder.name}{UNFINISHED}")
    lock = folder.with_name(f"{folder.name}{UNFINISHED}.lock")
    with locked(lock, f"making {folder}"):
        if folder.exists():
            raise AlreadyThereError(folder)
        is_new = not unfinished.exists()
        unfinished.mkdir(exist_ok=True)
        try:
            yield unfinished
        except ResumableError:
            raise
        except UserError:
            if is_new:
                shutil.rmtree(unfinished)
            raise
        for path in sorted(unfinished.rglob("*"), reverse=True):
            _sync(path)
        _sync(unfinished)
        os.rename(unfinished, folder)
        _sync(folder.parent)


@contextlib.contextmanager
def locked(lock: Path, doing: str) -> Iterator[None]:
    """Hold a lock file, which is there while it is held and names the process; the lock ends with
    the process, however that ends. On a disk that has no locks, as Lustre may be mounted, this is
    told and nothing is held.

    Raises:
        UserError: another process is `doing` this.
    """
    while True:
        with lock.open("a+") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                held.seek(0)
                raise UserError(
                    f"another process ({held.read() or 'just starting'}) is {doing}; wait until it "
                    "has ended, or end it"
                ) from None
            except OSError as error:
                if error.errno not in WITHOUT_LOCKS:
                    raise
                logger.warning("the disk of %s has no locks: see that one process uses it", lock)
            if not lock.exists() or lock.stat().st_ino != os.fstat(held.fileno()).st_ino:
                continue  # its last holder has just removed it
            held.truncate(0)
            held.write(f"{os.getpid()} on {socket.gethostname()}")
            held.flush()
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)
            return


def sweep(path: Path) -> None:
    """Remove what killed writers of `path` left behind; a writer that still runs is let be."""
    for left in path.parent.iterdir():
        if left.name.startswith(path.name + PARTIAL) and not _is_another_running(left):
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


def append_jsonl(path: Path, records: Iterable[dict[str, Any]]) -> None:
    """Append records to a JSON Lines file, after removing a last line that a kill cut short."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    with path.open("ab+") as file:
        _mend_last_line(file)
        file.write(text.encode("utf-8"))


def write_jsonl(path: Path, records: Iterable[dict[str, Any]]) -> None:
    """Write a JSON Lines file atomically."""
    write_text(path, "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records))


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """Read a JSON Lines file, also a packed one (.gz), but for a last line cut short by a kill.

    Raises:
        UserError: any other line is no JSON object, or the file is not packed as its name says.
    """
    written = path.read_bytes()
    try:
        lines = (gzip.decompress(written) if path.suffix == ".gz" else written).split(b"\n")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{path} is not packed by gzip, or cut short: {error}") from None
    records = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            records.append(json.loads(line))
        except (json.JSONDecodeError, UnicodeDecodeError):
            if number == len(lines):
                break
            raise UserError(f"{path}, line {number} is not valid JSON: {line[:60]!r}") from None
    return records


def plain_or_packed(path: Path) -> Path:
    """Return a file's path, or where it is absent that of its packed form (.gz)."""
    packed = path.with_name(f"{path.name}.gz")
    return packed if not path.is_file() and packed.is_file() else path


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require_space(folder: Path, needed_bytes: int, purpose: str) -> None:
    """Refuse to start work that the disk cannot hold.

    Raises:
        UserError: fewer than `needed_bytes` are free where `folder` is or will be.
    """
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < needed_bytes:
        raise UserError(
            f"{purpose} needs about {needed_bytes / 1e6:,.0f} MB under {place}, "
            f"{free / 1e6:,.0f} MB are free; free some space or choose another folder"
        )


def found(folder: str | Path, file: str) -> Path | None:
    """Return the folder of this name that has such a file, from the working directory or any folder
    above it; None where there is none. What comes with the lab (notebooks/...) is found from
    anywhere.
    """
    path, here = Path(folder).expanduser(), Path.cwd()
    beside = [WITH_LAB] if path.parts[:1] == ("notebooks",) else []
    places = [place / path for place in (here, *here.parents, *beside)]
    return next((place for place in places if (place / file).is_file()), None)


def _is_another_running(partial: Path) -> bool:
    """Return whether a process other than this one still lives that may be writing a partial."""
    owner = int(re.split("[-.]", partial.name)[-1]) if partial.name[-1].isdigit() else 0
    if owner in (0, os.getpid()):
        return False
    try:
        os.kill(owner, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _mend_last_line(file: IO[bytes]) -> None:
    """End the last line if it is whole, else cut it off; leave the position at the end."""
    end = start = file.seek(0, os.SEEK_END)
    tail = b""
    while start and b"\n" not in tail:
        start = max(0, start - CHUNK_BYTES)
        file.seek(start)
        tail = file.read(end - start)
    last = tail.rpartition(b"\n")[2]
    try:
        json.loads(last or b"null")
    except ValueError:
        file.truncate(end - len(last))
    else:
        file.write(b"\n" if last else b"")
    file.seek(0, os.SEEK_END)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
