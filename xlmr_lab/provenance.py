"""Where a result comes from: code, libraries, machine, time and command, as one JSON-able dict.

Library versions are read from the installed metadata, so nothing heavy is imported. Paths are
given relative to the working folder, or by their last part, so that a run folder can be shown
to others. Left out: environment variables, host and user names.
"""

import datetime
import importlib.metadata
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xlmr_lab

LIBRARIES = (
    "fasttext-numpy2",
    "huggingface-hub",
    "ipywidgets",
    "jupyterlab",
    "numpy",
    "papermill",
    "plotly",
    "polars",
    "safetensors",
    "sentencepiece",
    "tokenizers",
    "torch",
    "transformers",
)


def collect(**extra: Any) -> dict[str, Any]:
    """Return the provenance of work done now by this process; `extra` is added, or replaces.

    `git_modified` says whether tracked files differ from the commit. Both are None where the
    package does not run from a checkout. `device` is the processor unless the caller says.
    """
    commit, modified = _git_state(Path(__file__).parents[1])
    return {
        "package_version": xlmr_lab.__version__,
        "git_commit": commit,
        "git_modified": modified,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "libraries": _versions(LIBRARIES),
        "device": f"{_processor()}, {num_cores()} cores",
        "time_utc": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": command_line(sys.argv, Path.cwd()),
        **extra,
    }


def num_cores() -> int:
    """Return the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def command_line(arguments: Sequence[str], folder: Path) -> str:
    """Return a command as it could be typed in `folder`, without absolute paths.

    >>> command_line(["/usr/bin/xlmr-lab", "study", "corpus.path=/home/me/text"], Path("/home/me"))
    'xlmr-lab study corpus.path=text'
    """
    if not arguments:
        return ""
    program = Path(arguments[0])
    name = program.parent.name if program.name == "__main__.py" else program.name
    return shlex.join([name, *(_without_absolute_paths(a, folder) for a in arguments[1:])])


def _without_absolute_paths(argument: str, folder: Path) -> str:
    key, equals, value = argument.rpartition("=")
    items = (shortened(item, folder) for item in value.split(","))
    return key + equals + ",".join(items)


def shortened(item: str, folder: Path) -> str:
    """Return a path as it can be shown to others: seen from `folder`, or its last part; what is no
    absolute path stays as it is.
    """
    path = Path(item)
    if not path.is_absolute():
        return item
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else path.name


def _versions(names: Sequence[str]) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8", "replace").splitlines() if info.is_file() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, "") or platform.processor() or platform.machine()


def _git_state(root: Path) -> tuple[str | None, bool | None]:
    """Return the commit of a checkout, and whether its tracked files differ from it."""
    if not (root / ".git").exists():
        return None, None
    commit = _git(root, "rev-parse", "--verify", "--quiet", "HEAD")
    changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    return (commit, bool(changes)) if commit else (None, None)


def _git(root: Path, *arguments: str) -> str | None:
    """Return what git prints, or None where there is no git or it refuses."""
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
