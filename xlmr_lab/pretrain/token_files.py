"""Whether a run goes on with the token files that it began with.

A run's folder notes what the disk says of each of them: size, when it was written, and when its
entry changed, which no copy and no restored backup sets back. Files of which it says the same again
are taken as the same; others are compared with their checksums, which reads them, and noted anew.

What stays unnoticed: a change before a run's first start that leaves the file no younger than its
sidecar; bits that flip on the disk; a change while the run trains; and where machines have copies
of their own, all of this on any but the first process's.
"""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from xlmr_lab import storage
from xlmr_lab.batches.shards import SIDECAR_NAME, TokenShards
from xlmr_lab.batches.splits import SPLITS, Split
from xlmr_lab.errors import UserError

logger = logging.getLogger(__name__)

NOTED_NAME = "tokens.json"


def check(folder: Path, shards: TokenShards, keys: Iterable[str]) -> None:
    """Compare the token files of some languages and pairs with those that a run's folder has noted,
    and note them.

    Raises:
        UserError: one has changed.
    """
    noted = storage.read_json(folder / NOTED_NAME) if (folder / NOTED_NAME).exists() else {}
    files = {shards.path(key, name).name: (key, name) for key in keys for name in SPLITS}
    found = {file: _noticed(shards.path(*place)) for file, place in files.items()}
    others = [file for file in found if noted and noted.get(file) != found[file]]
    if others:
        logger.info("reading %d token files that are not as they were noted", len(others))
    for file in others:
        compare(shards, *files[file])
    if found != noted:
        storage.write_json(folder / NOTED_NAME, found)


def compare_younger(shards: TokenShards, key: str) -> None:
    """Refuse token files that have changed since their sidecar was written, if they are younger.

    Raises:
        UserError: one has.
    """
    for name in SPLITS:
        path = shards.path(key, name)
        if path.stat().st_mtime_ns > (path.parent / SIDECAR_NAME).stat().st_mtime_ns:
            compare(shards, key, name)


def compare(shards: TokenShards, key: str, name: Split) -> None:
    """Read a token file and refuse one that has changed.

    Raises:
        UserError: names it.
    """
    path = shards.path(key, name)
    if storage.checksum(path) != shards.counts(key, name)["checksum"]:
        raise UserError(
            f"{path} has changed since it was encoded; put it back, or delete {path.parent} "
            "and encode again, for a new run"
        )


def _noticed(path: Path) -> dict[str, Any]:
    """Return what the disk says of a file without reading it."""
    stat = path.stat()
    return {"bytes": stat.st_size, "written": stat.st_mtime_ns, "changed": stat.st_ctime_ns}
