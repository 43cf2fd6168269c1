"""Calls run, wherever: the same files, errors as they are, and one failure stops the rest."""

import os
import signal
from pathlib import Path

import pytest

from xlmr_lab.corpus import executors
from xlmr_lab.corpus.executors import Call, Executor
from xlmr_lab.errors import UserError


def write_square(folder: Path, number: int) -> None:
    """Leave a result whose bytes depend on the arguments alone."""
    (folder / f"{number}.txt").write_text(str(number**2), encoding="utf-8")


def tell_threads(folder: Path, number: int) -> None:
    (folder / f"{number}.txt").write_text(os.environ.get("POLARS_MAX_THREADS", "-"))


def refuse(folder: Path, number: int) -> None:
    raise UserError(f"number {number} is not allowed")


def die(folder: Path, number: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def calls(function, folder: Path, count: int = 6) -> list[Call]:
    return [Call(function, {"folder": folder, "number": n}) for n in range(count)]


@pytest.fixture
def cluster() -> None:
    """Start a Ray cluster on this machine, or skip where it does not start in time."""
    try:
        executors.join_cluster()
    except UserError as error:
        pytest.skip(str(error))


def run(function, folder: Path, *, jobs: int, executor: Executor = "local", count: int = 6) -> None:
    folder.mkdir(exist_ok=True)
    executors.run(calls(function, folder, count), label="t", jobs=jobs, executor=executor)


@pytest.mark.parametrize(
    ("jobs", "executor"),
    [
        (1, "local"),
        pytest.param(2, "local", marks=pytest.mark.slow),
        pytest.param(1, "ray", marks=pytest.mark.slow),
    ],
)
def test_every_call_is_made(
    tmp_path: Path, jobs: int, executor: Executor, request: pytest.FixtureRequest
) -> None:
    if executor == "ray":
        request.getfixturevalue("cluster")
    run(write_square, tmp_path, jobs=jobs, executor=executor)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        f"{n}.txt": str(n**2) for n in range(6)
    }


@pytest.mark.parametrize(
    ("jobs", "executor"),
    [
        (1, "local"),
        pytest.param(2, "local", marks=pytest.mark.slow),
        pytest.param(1, "ray", marks=pytest.mark.slow),
    ],
)
def test_an_error_comes_through_as_it_was(
    tmp_path: Path, jobs: int, executor: Executor, request: pytest.FixtureRequest
) -> None:
    if executor == "ray":
        request.getfixturevalue("cluster")
    with pytest.raises(UserError, match=r"^number \d is not allowed$"):
        run(refuse, tmp_path, jobs=jobs, executor=executor)


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_a_cluster_on_this_machine_listens_on_the_loopback_address_only() -> None:
    import ray

    session = Path(ray._private.worker._global_node.get_session_dir_path()).name
    lines = [line.split() for name in ("tcp", "tcp6") for line in listening(name)]
    own = {line[9] for line in lines if line[3] == "0A" and not is_loopback(line[1])}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            mine = session.encode() in (entry / "cmdline").read_bytes()
            links = [os.readlink(link) for link in (entry / "fd").iterdir()] if mine else []
        except OSError:
            continue
        assert not own & {link[8:-1] for link in links if link.startswith("socket:[")}


def listening(name: str) -> list[str]:
    """Return the sockets of a protocol."""
    return Path(f"/proc/net/{name}").read_text().splitlines()[1:]


def is_loopback(address: str) -> bool:
    """Return whether an address of /proc/net is 127.0.0.0/8 or ::1."""
    host = address.partition(":")[0]
    return host.endswith("7F") or host == "00000000000000000000000001000000"


@pytest.mark.slow
def test_a_killed_worker_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a worker process was killed"):
        run(die, tmp_path, jobs=2)


@pytest.mark.slow
def test_processes_have_one_thread_each_and_leave_the_environment_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLARS_MAX_THREADS", "7")
    run(tell_threads, tmp_path, jobs=2, count=2)
    assert [path.read_text() for path in sorted(tmp_path.iterdir())] == ["1", "1"]
    assert os.environ["POLARS_MAX_THREADS"] == "7"


def test_nothing_to_do_is_no_error(tmp_path: Path) -> None:
    run(refuse, tmp_path, jobs=2, count=0)


@pytest.mark.parametrize(
    ("jobs", "executor"),
    [
        (1, "local"),
        pytest.param(2, "local", marks=pytest.mark.slow),
        pytest.param(1, "ray", marks=pytest.mark.slow),
    ],
)
def test_a_failure_that_is_told_stops_no_other(
    tmp_path: Path, jobs: int, executor: Executor, request: pytest.FixtureRequest
) -> None:
    if executor == "ray":
        request.getfixturevalue("cluster")
    told = []
    work = [*calls(refuse, tmp_path, 2), *calls(write_square, tmp_path, 3)]
    executors.run(
        work,
        label="t",
        jobs=jobs,
        executor=executor,
        failed=lambda call, error: told.append((call.arguments["number"], str(error))),
    )
    assert sorted(told) == [(n, f"number {n} is not allowed") for n in range(2)]
    assert len(list(tmp_path.iterdir())) == 3
