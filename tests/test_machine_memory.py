"""Memory of the machine: read from the kernel and its control groups, told in round units."""

from pathlib import Path

import pytest

from xlmr_lab.machine_memory import available_bytes, told


def test_sizes_of_memory_are_told_in_the_unit_that_says_something():
    assert told(41_500_000) == "41 MB"
    assert told(41_500_000, up=True) == "42 MB"
    assert told(1_440_000_000) == "1.4 GB"


@pytest.fixture
def kernel(tmp_path) -> Path:
    """A machine with 8 GB to give, and a control group `a` around a group `a/b`."""
    (tmp_path / "meminfo").write_text("MemTotal:  9000000 kB\nMemAvailable:  8000000 kB\n")
    (tmp_path / "membership").write_text("1:cpu:/x\n0::/a/b\n")
    for name in ("groups/a", "groups/a/b"):
        (tmp_path / name).mkdir(parents=True)
    group(tmp_path / "groups" / "a" / "b", "max")
    return tmp_path


def group(folder: Path, limit: str) -> None:
    (folder / "memory.max").write_text(limit + "\n")
    (folder / "memory.current").write_text("3000\n")
    (folder / "memory.stat").write_text("anon 2000\ninactive_file 1000\n")


def asked(place: Path) -> int:
    return available_bytes(place / "meminfo", place / "membership", place / "groups")


def test_the_kernel_says_what_it_can_give(kernel):
    assert asked(kernel) == 8_000_000 << 10


def test_the_tightest_control_group_counts(kernel):
    group(kernel / "groups" / "a", "1000000")
    assert asked(kernel) == 1_000_000 - 3000 + 1000
    group(kernel / "groups" / "a" / "b", "2500")
    assert asked(kernel) == 500


def test_without_a_kernel_that_tells_it_is_all_memory(tmp_path):
    assert asked(tmp_path) > 1 << 28


def test_this_machine_has_some():
    assert 1 << 26 < available_bytes() < 1 << 50
