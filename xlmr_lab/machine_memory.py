"""How much memory the machine can still give to this process, and how sizes are told."""

import math
import os
from pathlib import Path


def told(size_bytes: int, *, up: bool = False) -> str:
    """Say a size in GB or MB, rounded down, as what there is, or up, as what is needed.

    >>> told(41_200_000), told(41_200_000, up=True)
    ('41 MB', '42 MB')
    """
    unit, digits, name = (1e9, 1, "GB") if size_bytes >= 1e9 else (1e6, 0, "MB")
    scaled = size_bytes / unit * 10**digits
    whole = math.ceil(scaled) if up else math.floor(scaled)
    return f"{whole / 10**digits:.{digits}f} {name}"


def available_bytes(
    meminfo: Path = Path("/proc/meminfo"),
    membership: Path = Path("/proc/self/cgroup"),
    groups: Path = Path("/sys/fs/cgroup"),
) -> int:
    """Return the memory that this process can still take: what the machine can give without
    swapping, or what its control groups (version 2) still allow.

    Where the kernel tells neither, as on macOS, all memory that is built in.
    """
    known = [_group_bytes(place) for place in _groups(membership, groups)]
    if meminfo.is_file():
        fields = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
        known.append(int(fields["MemAvailable"].split()[0]) << 10)
    else:
        known.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(limit for limit in known if limit is not None)


def _groups(membership: Path, groups: Path) -> list[Path]:
    """Return the folders of this process's control group and of those around it."""
    lines = membership.read_text().splitlines() if membership.is_file() else []
    names = [line.removeprefix("0::/") for line in lines if line.startswith("0::/")]
    return [groups / place for name in names for place in (Path(name), *Path(name).parents)]


def _group_bytes(group: Path) -> int | None:
    """Return what a control group still allows, None if it has no limit; files that it holds in
    memory can be dropped.
    """
    try:
        limit = (group / "memory.max").read_text().strip()
        held = int((group / "memory.current").read_text())
        fields = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    except FileNotFoundError:
        return None
    return None if limit == "max" else max(0, int(limit) - held + int(fields["inactive_file"]))
