"""Storage: files and folders are whole or absent, also after a kill, and broken ones say so."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from xlmr_lab import storage
from xlmr_lab.errors import UserError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_files_come_back_as_written(tmp_path: Path) -> None:
    storage.write_text(tmp_path / "a/b.txt", "naïve\r\n\u0627")
    assert (tmp_path / "a/b.txt").read_bytes() == "naïve\r\n\u0627".encode()
    storage.write_json(tmp_path / "c.json", {"b": [1, None], "a": "ä"})
    assert storage.read_json(tmp_path / "c.json") == {"b": [1, None], "a": "ä"}
    assert (tmp_path / "c.json").read_text("utf-8").startswith('{\n  "b"')
    assert names(tmp_path / "a") == ["b.txt"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    storage.write_text(path, "old")

    def fail() -> None:
        with storage.atomic_path(path) as partial:
            partial.write_text("ne")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        fail()
    with pytest.raises(TypeError):
        storage.write_json(path, {"not": {"json"}})
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_a_folder_appears_whole_and_replaces_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    with storage.atomic_folder(folder) as partial:
        (partial / "sub").mkdir()
        (partial / "sub/one").write_text("1")
        assert not folder.exists()
    with storage.atomic_folder(folder) as partial:
        (partial / "two").write_text("2")
        assert names(folder) == ["sub"]
    assert names(folder) == ["two"]
    assert names(tmp_path) == ["made"]


def test_a_failed_folder_leaves_nothing_or_the_old_one(tmp_path: Path) -> None:
    def fail() -> None:
        with storage.atomic_folder(tmp_path / "made") as partial:
            (partial / "new").write_text("new")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        fail()
    assert names(tmp_path) == []
    with storage.atomic_folder(tmp_path / "made") as partial:
        (partial / "old").write_text("old")
    with pytest.raises(RuntimeError):
        fail()
    assert names(tmp_path / "made") == ["old"]
    assert names(tmp_path) == ["made"]


@pytest.mark.parametrize("kind", ["atomic_path", "atomic_folder"])
def test_after_a_kill_the_name_is_absent_and_the_next_writer_sweeps(
    tmp_path: Path, kind: str
) -> None:
    code = (
        "import os, sys; from pathlib import Path; from xlmr_lab import storage\n"
        f"with storage.{kind}(Path(sys.argv[1])) as partial:\n"
        "    (partial / 'x' if partial.is_dir() else partial).write_text('half')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    target = tmp_path / "target"
    done = subprocess.run([sys.executable, "-c", code, str(target)], check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = names(tmp_path)
    assert left.startswith("target.partial-")
    with getattr(storage, kind)(target) as partial:
        (partial / "x" if partial.is_dir() else partial).write_text("whole")
    assert names(tmp_path) == ["target"]


def test_sweeping_removes_a_link_and_not_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "link.partial-99999999").symlink_to("kept")
    storage.sweep(tmp_path / "link")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_sweeping_spares_running_writers_and_other_names(tmp_path: Path) -> None:
    dead = dead_process()
    for name in (
        f"target.partial-{os.getppid()}",
        f"target.partial-{dead}",
        f"target.partial-old-{dead}",
        f"target.json.partial-{dead}",
        "target",
    ):
        (tmp_path / name).mkdir()
    storage.sweep(tmp_path / "target")
    spared = ["target", f"target.json.partial-{dead}", f"target.partial-{os.getppid()}"]
    assert names(tmp_path) == sorted(spared)


def test_names_with_brackets_are_names(tmp_path: Path) -> None:
    (tmp_path / f"a[1].partial-{dead_process()}").write_text("left")
    storage.write_text(tmp_path / "a[1]", "whole")
    assert names(tmp_path) == ["a[1]"]


def test_records_are_appended_and_read_in_order(tmp_path: Path) -> None:
    path = tmp_path / "deep/records.jsonl"
    storage.append_jsonl(path, [{"step": 1}])
    storage.append_jsonl(path, iter([{"step": 2, "text": "ä\u2028"}, {"step": 3}]))
    storage.append_jsonl(path, [])
    expected = [{"step": 1}, {"step": 2, "text": "ä\u2028"}, {"step": 3}]
    assert storage.read_jsonl(path) == expected
    storage.write_jsonl(path, expected[:1])
    assert storage.read_jsonl(path) == expected[:1]


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_last_line_cut_short_is_left_out_and_mended(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "records.jsonl"
    first, second = b'{"step": 1}\n', '{"text": "äää"}\n'.encode()
    path.write_bytes(first + second[:-cut])
    whole = cut == 1  # only the line's end is missing
    kept = [{"step": 1}] + [{"text": "äää"}] * whole
    assert storage.read_jsonl(path) == kept
    storage.append_jsonl(path, [{"step": 2}])
    assert storage.read_jsonl(path) == [*kept, {"step": 2}]


def test_mending_reaches_back_over_long_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "CHUNK_BYTES", 3)
    path = tmp_path / "records.jsonl"
    path.write_bytes(b'{"step": 1}\n{"step": 2, "loss"')
    storage.append_jsonl(path, [{"step": 3}])
    assert path.read_bytes() == b'{"step": 1}\n{"step": 3}\n'
    path.write_bytes(b'{"step": 1')
    storage.append_jsonl(path, [{"step": 3}])
    assert path.read_bytes() == b'{"step": 3}\n'


def test_a_record_that_is_not_json_appends_nothing(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    storage.append_jsonl(path, [{"step": 1}])
    with pytest.raises(TypeError):
        storage.append_jsonl(path, [{"step": 2}, {"step": {3}}])
    assert storage.read_jsonl(path) == [{"step": 1}]


def test_a_broken_line_or_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text('{"step": 1}\n{"step"\n{"step": 3}\n')
    with pytest.raises(UserError, match=r"records.jsonl, line 2 is not valid JSON"):
        storage.read_jsonl(path)
    path.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(UserError, match=r"records.jsonl is not valid JSON .*delete it"):
        storage.read_json(path)


def test_checksums_are_sha256(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    assert storage.checksum(tmp_path / "file") == hashlib.sha256(b"abc").hexdigest()


def test_work_that_the_disk_cannot_hold_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage(NamedTuple):
        free: int

    def usage(place: Any) -> Usage:
        assert Path(place).exists()
        return Usage(free=5_000_000)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    storage.require_space(tmp_path / "not/yet/there", 5_000_000, "The corpus")
    with pytest.raises(UserError, match=r"The corpus needs about 6 MB .* 5 MB are free"):
        storage.require_space(tmp_path / "not/yet/there", 6_000_000, "The corpus")


def test_a_resumable_folder_keeps_what_a_failure_left_and_then_appears_whole(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "made"

    def fail() -> None:
        with storage.resumable_folder(folder) as unfinished:
            (unfinished / "a").write_text("1")
            raise OSError("disk full")

    with pytest.raises(OSError, match="full"):
        fail()
    assert not folder.exists()
    with storage.resumable_folder(folder) as unfinished:
        assert (unfinished / "a").read_text() == "1"
        (unfinished / "b").write_text("2")
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b"]
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_resumable_folder_goes_with_an_error_that_would_come_again(tmp_path: Path) -> None:
    def fail() -> None:
        with storage.resumable_folder(tmp_path / "made") as unfinished:
            (unfinished / "a").write_text("1")
            raise UserError("not UTF-8")

    with pytest.raises(UserError, match="not UTF-8"):
        fail()
    assert not list(tmp_path.iterdir())


def test_a_resumable_folder_is_filled_by_one_process_at_a_time(tmp_path: Path) -> None:
    with (
        storage.resumable_folder(tmp_path / "made"),
        pytest.raises(UserError, match=r"another process \(.*\) is making"),
        storage.resumable_folder(tmp_path / "made"),
    ):
        pass


def test_what_an_earlier_try_left_stays_whatever_the_next_one_meets(tmp_path: Path) -> None:
    def fail(error: Exception) -> None:
        with storage.resumable_folder(tmp_path / "made") as unfinished:
            (unfinished / "a").write_text("1")
            raise error

    for error in (OSError("disk full"), UserError("needs more space")):
        with pytest.raises(type(error)):
            fail(error)
    with storage.resumable_folder(tmp_path / "made") as unfinished:
        assert (unfinished / "a").read_text() == "1"


def test_what_another_process_has_made_meanwhile_is_not_made_again(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    with (
        pytest.raises(storage.AlreadyThereError),
        storage.resumable_folder(tmp_path / "made"),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_folder_is_found_from_below_it_and_what_comes_with_the_lab_from_anywhere(
    tmp_path, monkeypatch
):
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    (tmp_path / "runs" / "mine" / "config.json").write_text("{}")
    below, elsewhere = tmp_path / "deep" / "below", tmp_path / "runs"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert storage.found("runs/mine", "config.json") == tmp_path / "runs" / "mine"
    assert storage.found(tmp_path / "runs" / "mine", "config.json") == tmp_path / "runs" / "mine"
    assert storage.found("runs/mine", "other.json") is None
    lab = tmp_path / "lab"
    (lab / "notebooks" / "results").mkdir(parents=True)
    (lab / "notebooks" / "results" / "config.json").write_text("{}")
    (lab / "runs").mkdir()
    (lab / "runs" / "config.json").write_text("{}")
    monkeypatch.setattr(storage, "WITH_LAB", lab)
    monkeypatch.chdir(elsewhere)
    found = storage.found("notebooks/results", "config.json")
    assert found == lab / "notebooks" / "results"
    assert storage.found("./runs", "config.json") is None
