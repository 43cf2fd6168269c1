"""Keep freed memory in the process instead of returning it to the system after each operation.

glibc maps large allocations afresh and unmaps them when freed, so each large tensor of each step
pays for its pages again: a tenth to a third of a step of a small model, most on virtual machines.
Results do not change.
"""

import ctypes

M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
LARGEST = 2**31 - 1
MAPPED_FROM = 2**30
"""Size in bytes from which an allocation is still mapped on its own."""


def keep_freed_memory() -> None:
    """Tell glibc to reuse freed memory, for the rest of the process; does nothing with other C
    libraries."""
    if (library := _glibc()) is not None:
        library.mallopt(M_MMAP_THRESHOLD, MAPPED_FROM)
        library.mallopt(M_TRIM_THRESHOLD, LARGEST)


def give_back_freed_memory() -> None:
    """Tell glibc to return now what is free; does nothing with other C libraries."""
    if (library := _glibc()) is not None:
        library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None
