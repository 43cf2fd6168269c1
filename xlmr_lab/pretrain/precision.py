"""In how many bits a model computes.

"fp32" is 32 bits throughout. "bf16" rounds what goes into matrix products to bfloat16 (torch's
autocast) and keeps weights, their gradients, moments, norms and the loss in 32 bits. GPUs with
bfloat16 do that many times as fast, CPUs with AMX twice (tests/benchmarks/RESULTS.md), CPUs without
it slower. "auto" takes it on such GPUs only, so that runs on CPUs give the same numbers on all.
torch.compile is left out: on CPUs it gains nothing, and on GPUs it could not be measured.
"""

from typing import Literal

import torch

from xlmr_lab.errors import UserError

Computed = Literal["fp32", "bf16"]
Precision = Literal["auto", "fp32", "bf16"]


def resolve(precision: Precision, device: torch.device) -> Computed:
    """Return what a setting means on a device.

    Raises:
        UserError: bf16 on a GPU that only emulates it.

    >>> resolve("auto", torch.device("cpu"))
    'fp32'
    """
    fast = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    if precision == "auto":
        return "bf16" if fast else "fp32"
    if precision == "bf16" and device.type == "cuda" and not fast:
        raise UserError(
            f"pretrain.precision is bf16, but {torch.cuda.get_device_name(device)} has no bfloat16 "
            "of its own; set it to fp32"
        )
    return precision
