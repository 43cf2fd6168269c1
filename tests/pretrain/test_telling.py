"""What went wrong in a run of several processes is told once, by the first where it knows."""

import datetime
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch.distributed as dist

from xlmr_lab.errors import ConsequenceError
from xlmr_lab.pretrain import distributed, telling

ROOT = Path(__file__).parents[2]
SHORT = datetime.timedelta(seconds=0.2)


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[dist.Store]:
    """The store of torchrun's agent, and what it tells its processes of it."""
    store = dist.TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
    monkeypatch.setattr(telling, "PATIENCE", SHORT)
    monkeypatch.setenv("MASTER_ADDR", "localhost")
    monkeypatch.setenv("MASTER_PORT", str(store.port))
    monkeypatch.setenv("TORCHELASTIC_USE_AGENT_STORE", "True")
    yield store
    del store


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Return a function: what a process of a rank tells of an error."""

    def tell(rank: int, text: str, *, is_cause: bool = True) -> list[str]:
        monkeypatch.setenv("RANK", str(rank))
        lines: list[str] = []
        telling.tell_once(text, lines.append, is_cause=is_cause)
        return lines

    return tell


def test_what_all_find_the_first_tells(agent, told) -> None:
    assert told(0, "wrong") == ["wrong"]
    assert told(1, "wrong") == told(2, "wrong, with other numbers") == []


def test_what_another_finds_alone_it_tells_and_the_first_not_what_follows(agent, told) -> None:
    assert told(1, "memory ran out") == ["memory ran out"]
    assert told(0, "another process has ended", is_cause=False) == []
    assert told(2, "another process has ended", is_cause=False) == []


def test_where_nobody_can_tell_why_it_is_told_that_a_process_is_gone(agent, told) -> None:
    gone = "another process has ended"
    assert told(2, gone, is_cause=False) == [gone]
    assert told(0, gone, is_cause=False) == []


def test_another_start_of_the_run_tells_anew(agent, told, monkeypatch) -> None:
    assert told(0, "wrong") == ["wrong"]
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    assert told(0, "wrong") == ["wrong"]


def test_without_a_place_to_meet_each_tells_its_own(told, monkeypatch) -> None:
    monkeypatch.delenv("TORCHELASTIC_USE_AGENT_STORE", raising=False)
    assert told(1, "wrong") == ["wrong"]


@pytest.mark.filterwarnings("ignore")
def test_an_error_is_told_though_the_agent_is_gone(told, monkeypatch) -> None:
    store = dist.TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
    monkeypatch.setattr(telling, "PATIENCE", SHORT)
    monkeypatch.setenv("MASTER_ADDR", "localhost")
    monkeypatch.setenv("MASTER_PORT", str(store.port))
    monkeypatch.setenv("TORCHELASTIC_USE_AGENT_STORE", "True")
    del store
    assert told(1, "wrong") == ["wrong"]


def test_work_that_fails_because_a_process_is_gone_is_no_cause() -> None:
    with (
        pytest.raises(ConsequenceError, match=r"has ended .*closed by peer"),
        distributed.together(),
    ):
        raise RuntimeError("[gloo/transport/tcp/pair.cc:553] Connection closed by peer")
    with pytest.raises(RuntimeError, match="shapes"), distributed.together():
        raise RuntimeError("shapes")


FAILING = """
import sys
from xlmr_lab import __main__, commands
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain import distributed

def fail(work, say):
    with distributed.joined(distributed.chosen_device("cpu")) as processes:
        if processes.rank in {ranks}:
            raise UserError(f"process {{processes.rank}} found it")
        processes.wait()

fail.__doc__ = "Fail."
commands.VERBS["pretrain"] = fail
sys.exit(__main__.main(["pretrain"]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("ranks", "teller"), [((0, 1), 0), ((0,), 0), ((1,), 1)])
def test_torchrun_shows_one_line_and_the_exit_code(tmp_path: Path, ranks, teller) -> None:
    script = tmp_path / "failing.py"
    script.write_text(FAILING.format(ranks=ranks), "utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    lines = [line for line in done.stderr.splitlines() if line.startswith("xlmr-lab: ")]
    assert lines == [f"xlmr-lab: process {teller} found it"], done.stderr
    assert re.search(r"exitcode +: 2 ", done.stderr)
    assert "RuntimeError" not in done.stderr
