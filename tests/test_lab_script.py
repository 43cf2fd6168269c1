"""The `lab` script under a plain POSIX shell, with a Python that only notes what it is asked."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = [ROOT / "lab", ROOT / ".ci/run"]
SHELL = shutil.which("dash") or shutil.which("sh") or "sh"

# Stands in for every Python: each call becomes a line of the log; `-m venv` and pip pretend.
FAKE_PYTHON = """#!/bin/sh
[ "$1" = -P ] && { [ -n "${FAKE_INSTALLED:-}" ]; exit; }
[ "$1" = -c ] && exit "${FAKE_TOO_OLD:-0}"
[ "$2 ${3:-}" = "pip --version" ] && exit "${FAKE_NO_PIP:-0}"
printf '%s' "${0##*/}" >>"$LOG"
printf ' [%s]' "$@" >>"$LOG"
printf '\\n' >>"$LOG"
case $2 in
venv) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
pip) [ -z "${FAKE_KILL:-}" ] || kill -9 "$PPID"; exit "${FAKE_PIP:-0}" ;;
esac
"""


class Lab:
    """A copy of the script in a folder of its own, with nothing but the fake Python beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "a checkout"
        self.tools = folder / "tools"
        self.log = folder / "log"
        self.folder.mkdir()
        self.tools.mkdir()
        shutil.copy(ROOT / "lab", self.folder / "lab")
        (self.folder / "pyproject.toml").write_text("[project]\n")
        (self.folder / "constraints.txt").write_text("numpy==2.0\ntorch==2.13.0\n")
        for tool in ("cat", "cksum", "cp", "date", "dirname", "grep", "id", "mkdir", "rm", "sed"):
            found = shutil.which(tool)
            assert found, tool
            (self.tools / tool).symlink_to(found)
        self.python = self.add_python(self.tools / "python3")

    def add_python(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(FAKE_PYTHON)
        path.chmod(0o755)
        return path

    def run(
        self, *arguments: str, cwd: Path | None = None, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        self.log.write_text("")
        return subprocess.run(
            [SHELL, str(self.folder / "lab"), *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=cwd or self.folder,
            env={"PATH": str(self.tools), "LOG": str(self.log), **environment},
        )

    @property
    def calls(self) -> list[str]:
        return self.log.read_text().splitlines()


PIP = (
    "python [-m] [pip] [install] [-q] [--disable-pip-version-check] [-c] [constraints.txt] "
    "[torch==2.13.0] [-e] [.[dev]]"
)
VENV = "python3 [-m] [venv] [.venv]"
STUDY = "python [-m] [xlmr_lab] [study] [--preset] [tiny]"
QUICK = (
    "python [-m] [pytest] [-n] [2] [--dist] [loadfile] [-m] "
    "[not slow and not ui and not real and not gpu]"
)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_executable_and_parse(script: Path) -> None:
    assert os.access(script, os.X_OK)
    shell = SHELL if script.name == "lab" else "bash"
    assert subprocess.run([shell, "-n", str(script)], check=False).returncode == 0


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_finds_nothing(script: Path) -> None:
    done = subprocess.run(["shellcheck", str(script)], capture_output=True, text=True, check=False)
    assert done.stdout == ""


@pytest.mark.parametrize("word", ["--help", "-h", "help"])
def test_help_needs_no_installation(lab: Lab, word: str) -> None:
    done = lab.run(word)
    assert done.returncode == 0
    assert "./lab test" in done.stdout
    assert lab.calls == []
    assert not (lab.folder / ".venv").exists()


def test_the_first_use_installs_and_runs_the_tiny_study(lab: Lab) -> None:
    done = lab.run()
    assert done.returncode == 0, done.stderr
    assert lab.calls == [VENV, PIP, STUDY]
    assert "a few minutes" in done.stderr
    assert done.stdout == ""


def test_the_second_use_installs_nothing(lab: Lab) -> None:
    lab.run()
    done = lab.run()
    assert lab.calls == [STUDY]
    assert done.stderr == ""


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_changed_dependencies_are_installed_into_the_same_environment(lab: Lab, name: str) -> None:
    lab.run()
    with (lab.folder / name).open("a") as file:
        file.write("# changed\n")
    lab.run()
    assert lab.calls == [PIP, STUDY]
    lab.run()
    assert lab.calls == [STUDY]


@pytest.mark.parametrize(
    ("arguments", "call"),
    [
        (["test"], QUICK),
        (["test", "-k", "a or b"], "python [-m] [pytest] [-k] [a or b]"),
        (["corpus", "x=a b"], "python [-m] [xlmr_lab] [corpus] [x=a b]"),
        (["study", "--help"], "python [-m] [xlmr_lab] [study] [--help]"),
    ],
)
def test_words_become_commands_with_their_arguments(
    lab: Lab, arguments: list[str], call: str
) -> None:
    lab.run(*arguments)
    assert lab.calls[-1] == call


def test_the_exit_status_is_that_of_the_command(lab: Lab) -> None:
    lab.run()
    (lab.folder / ".venv/bin/python").write_text("#!/bin/sh\nexit 7\n")
    assert lab.run("test").returncode == 7


def test_notebooks_are_served_to_this_machine_only(lab: Lab) -> None:
    lab.run("notebook", "--no-browser")
    call = lab.calls[-1]
    assert call.startswith("python [-m] [jupyterlab] [--ServerApp.ip=127.0.0.1]")
    assert f"[--ServerApp.root_dir={lab.folder}]" in call
    assert "[--LabApp.default_url=/lab/tree/notebooks]" in call
    assert call.endswith("[--no-browser]")


def test_it_runs_from_any_folder(lab: Lab, tmp_path: Path) -> None:
    assert lab.run(cwd=tmp_path).returncode == 0
    assert lab.calls == [VENV, PIP, STUDY]
    assert (lab.folder / ".venv").is_dir()


def test_a_failed_installation_says_so_and_is_tried_again(lab: Lab) -> None:
    done = lab.run(FAKE_PIP="1")
    assert done.returncode == 2
    assert "the installation failed" in done.stderr
    assert lab.calls == [VENV, PIP]
    assert lab.run().returncode == 0
    assert lab.calls == [PIP, STUDY]


def test_a_killed_installation_is_started_afresh(lab: Lab) -> None:
    lab.run(FAKE_KILL="1")
    (lab.folder / ".venv/half").write_text("installed")
    done = lab.run()
    assert "interrupted" in done.stderr
    assert lab.calls == [VENV, PIP, STUDY]
    assert not (lab.folder / ".venv/half").exists()


def test_two_installations_do_not_meet(lab: Lab) -> None:
    (lab.folder / ".venv").mkdir()
    (lab.folder / ".venv/.lab-installing").write_text(f"{os.getpid()}\n")
    done = lab.run()
    assert done.returncode == 2
    assert f"process {os.getpid()} is installing" in done.stderr
    assert lab.calls == []
    assert (lab.folder / ".venv").is_dir()


def test_a_moved_folder_is_installed_afresh(lab: Lab, tmp_path: Path) -> None:
    lab.run()
    lab.folder = lab.folder.rename(tmp_path / "moved")
    done = lab.run()
    assert "moved" in done.stderr
    assert lab.calls == [VENV, PIP, STUDY]


def test_an_environment_whose_python_is_gone_is_made_afresh(lab: Lab) -> None:
    lab.run()
    (lab.folder / ".venv/bin/python").unlink()
    done = lab.run()
    assert "no longer works" in done.stderr
    assert lab.calls == [VENV, PIP, STUDY]


def test_a_broken_environment_of_the_users_own_is_left_alone(lab: Lab) -> None:
    (lab.folder / ".venv/lib").mkdir(parents=True)
    done = lab.run()
    assert done.returncode == 2
    assert "remove it and run ./lab again" in done.stderr
    assert (lab.folder / ".venv/lib").is_dir()


def test_without_a_fitting_python_it_says_what_is_needed(lab: Lab) -> None:
    done = lab.run(FAKE_TOO_OLD="1")
    assert done.returncode == 2
    assert "Python >= 3.11 with venv is needed" in done.stderr
    assert "python3-venv" in done.stderr
    assert not (lab.folder / ".venv").exists()


def test_the_tested_python_comes_first_and_the_user_may_choose(lab: Lab, tmp_path: Path) -> None:
    lab.add_python(lab.tools / "python3.13")
    lab.add_python(lab.tools / "python3.11")
    lab.run()
    assert lab.calls[0] == "python3.11 [-m] [venv] [.venv]"
    shutil.rmtree(lab.folder / ".venv")
    lab.run(PYTHON=str(lab.add_python(tmp_path / "my own/python9")))
    assert lab.calls[0] == "python9 [-m] [venv] [.venv]"
    shutil.rmtree(lab.folder / ".venv")
    done = lab.run(PYTHON="nowhere/python")
    assert done.returncode == 2
    assert "PYTHON=nowhere/python does not fit" in done.stderr


@pytest.mark.parametrize("kind", ["VIRTUAL_ENV", "CONDA_PREFIX"])
def test_an_active_environment_that_has_the_package_is_used(
    lab: Lab, tmp_path: Path, kind: str
) -> None:
    active = lab.add_python(tmp_path / "active env/bin/python").parents[1]
    done = lab.run(**{kind: str(active)}, FAKE_INSTALLED="1")
    assert lab.calls == [STUDY]
    assert done.stderr == ""
    assert not (lab.folder / ".venv").exists()


def test_an_active_environment_without_the_package_is_not(lab: Lab, tmp_path: Path) -> None:
    active = lab.add_python(tmp_path / "active/bin/python").parents[1]
    lab.run(CONDA_PREFIX=str(active), VIRTUAL_ENV=str(tmp_path / "gone"))
    assert lab.calls == [VENV, PIP, STUDY]


def test_its_own_environment_is_kept_up_to_date_also_when_active(lab: Lab) -> None:
    lab.run()
    (lab.folder / "constraints.txt").write_text("torch==2.13.0\n")
    lab.run(VIRTUAL_ENV=str(lab.folder / ".venv"), FAKE_INSTALLED="1")
    assert lab.calls == [PIP, STUDY]


@pytest.mark.parametrize("other", [False, True], ids=["this", "another"])
def test_only_the_package_of_this_folder_counts_as_installed(
    lab: Lab, tmp_path: Path, other: bool
) -> None:
    """The real Python answers the question that the fake one pretends to."""
    checkout = tmp_path / "another checkout" if other else lab.folder
    package = checkout / "xlmr_lab"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (lab.folder / "xlmr_lab").mkdir(exist_ok=True)
    python = tmp_path / "env/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(
        f'#!/bin/sh\n[ "$1" = -P ] && exec env PYTHONPATH="{checkout}" {sys.executable} "$@"\n'
        'printf "active\\n" >>"$LOG"\n'
    )
    python.chmod(0o755)
    (lab.tools / "env").symlink_to(str(shutil.which("env")))
    lab.run(VIRTUAL_ENV=str(tmp_path / "env"))
    assert (lab.calls == ["active"]) == (not other)


def test_a_ready_environment_costs_no_time(lab: Lab) -> None:
    lab.run()
    began = time.perf_counter()
    lab.run()
    assert time.perf_counter() - began < 5
