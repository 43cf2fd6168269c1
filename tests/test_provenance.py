"""Provenance: complete, JSON-able, no absolute path, and nothing heavy imported for it."""

import datetime
import json
import subprocess
import sys
from pathlib import Path

import pytest

from xlmr_lab import provenance


def test_it_says_what_made_a_result() -> None:
    found = json.loads(json.dumps(provenance.collect(seed=7)))
    assert found["package_version"]
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["libraries"]["numpy"]
    assert found["device"].endswith(f"{provenance.num_cores()} cores")
    assert found["seed"] == 7
    when = datetime.datetime.fromisoformat(found["time_utc"])
    assert when.utcoffset() == datetime.timedelta(0)


def test_the_caller_knows_the_device_better() -> None:
    assert provenance.collect(device="cuda")["device"] == "cuda"


def test_library_versions_are_read_without_importing_them() -> None:
    code = (
        "import sys; from xlmr_lab import provenance; provenance.collect(); "
        "print([n for n in ('torch', 'polars', 'plotly', 'papermill') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ""),
        (["/opt/env/bin/xlmr-lab", "study"], "xlmr-lab study"),
        (["/src/xlmr_lab/__main__.py", "study"], "xlmr_lab study"),
        (["lab", "corpus.path=/home/me/lab/text"], "lab corpus.path=text"),
        (["lab", "corpus.path=/elsewhere/text"], "lab corpus.path=text"),
        (["lab", "paths=/home/me/lab/a,/b/c,d"], "lab paths=a,c,d"),
        (["lab", "corpus.path=../text", "alpha=0.30"], "lab corpus.path=../text alpha=0.30"),
        (["lab", "name=two words"], "lab 'name=two words'"),
        (["lab", "hf://a/b", ""], "lab hf://a/b ''"),
    ],
)
def test_commands_lose_their_absolute_paths(arguments: list[str], expected: str) -> None:
    assert provenance.command_line(arguments, Path("/home/me/lab")) == expected


def git(folder: Path, *arguments: str) -> str:
    names = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    command = ["git", "-C", str(folder), *names, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_commit_and_changes_to_tracked_files_are_seen(tmp_path: Path) -> None:
    assert provenance._git_state(tmp_path) == (None, None)
    git(tmp_path, "init", "--quiet")
    assert provenance._git_state(tmp_path) == (None, None)  # no commit yet
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "--quiet", "--message", "one")
    commit = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "new").write_text("untracked files do not count")
    assert provenance._git_state(tmp_path) == (commit, False)
    (tmp_path / "file").write_text("two")
    assert provenance._git_state(tmp_path) == (commit, True)


def test_a_machine_without_git_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    monkeypatch.setenv("PATH", "")
    assert provenance._git_state(tmp_path) == (None, None)
