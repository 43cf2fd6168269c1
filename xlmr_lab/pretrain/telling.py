"""Which process of a run tells what went wrong, so that it is told once.

What all find (a setting, a folder of another run) the first process tells, and the others, which
wait a moment for it, say nothing. What one of them finds alone (its memory ran out) it tells when
the first has not; a process that goes down with it has nothing to tell unless nobody else does, as
where one was killed. They meet at the store of torchrun's agent, which outlives them; where
something else started them, each tells its own.
"""

import contextlib
import datetime
import os
from collections.abc import Callable
from typing import Any

import torch.distributed as dist

from xlmr_lab.pretrain.distributed import is_first

PATIENCE = datetime.timedelta(seconds=5)
"""How long another process is waited for."""


def tell_once(text: str, say: Callable[[str], None], *, is_cause: bool) -> None:
    """Say what ended this process, unless another has told already what ended the run; `is_cause`:
    it is not the end of another that ended this one.
    """
    key = "/".join(("xlmr_lab", "told", os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")))
    store, is_told = None, False
    with contextlib.suppress(dist.DistError):  # the agent is gone, and with it whoever told
        store = _agents_store()
        is_told = store is not None and _is_told(store, key, at_once=is_first() and is_cause)
    if is_told:
        return
    say(text)
    with contextlib.suppress(dist.DistError):
        if store is not None:
            store.set(key, text)


def _agents_store() -> Any:
    """Connect to the store of torchrun's agent, None where it keeps none."""
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        return None
    place, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    return dist.TCPStore(  # type: ignore[attr-defined]  # which torch does not name as its own
        place, port, is_master=False, timeout=PATIENCE, wait_for_workers=False
    )


def _is_told(store: Any, key: str, *, at_once: bool) -> bool:
    """Look whether a process has told, or wait until one has."""
    if at_once:
        return bool(store.check([key]))
    try:
        store.wait([key], PATIENCE)
    except dist.DistStoreError:
        return bool(store.add(f"{key}/late", 1) > 1)  # who has waited in vain first tells
    return True
