"""Variables of the environment, held for a while."""

import contextlib
import os
from collections.abc import Iterator, Mapping


@contextlib.contextmanager
def held(values: Mapping[str, str]) -> Iterator[None]:
    """Have this process, and those that it starts in this block, find `values` in the environment;
    what was there before is there again behind it.

    >>> with held({"XLMR_LAB_LOOK": "dark"}):
    ...     print(os.environ["XLMR_LAB_LOOK"])
    dark
    """
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
