"""How other libraries name the tensors of an XLM-R masked LM, and their way into ours.

Ours differ in two ways besides names: keys and values are one matrix, and a token-type embedding of
one row, zero in the original, is folded into the positions.

Shapes: D model width.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from xlmr_lab.errors import UserError


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """The names that a library gives."""

    words: str
    """Token embedding, which is the output matrix too."""
    positions: str
    """Position embedding."""
    output_bias: str
    """Bias of the output matrix."""
    modules: Mapping[str, str]
    """Our name of each module outside the layers with a weight and a bias -> theirs."""
    layer: str
    """Beginning of the names in a layer, `{}` for its number."""
    layer_modules: Mapping[str, str]
    """Our name of each module of a layer but keys and values -> theirs."""
    key_value: tuple[str, str]
    """Keys and values of a layer."""
    tied: Mapping[str, str]
    """Copies that some versions of the library store -> what they are copies of."""
    ignored: tuple[str, ...]
    """Beginnings of names that a masked LM has no use for."""
    token_types: str = ""
    """Token-type embedding of one row; empty where there is none."""

    def pairs(self, num_layers: int) -> list[tuple[str, str]]:
        """Return our and their name of each module that both have."""
        names = list(self.modules.items())
        for number in range(num_layers):
            ours, theirs = f"encoder.layers.{number}", self.layer.format(number)
            names += [(f"{ours}.{a}", f"{theirs}.{b}") for a, b in self.layer_modules.items()]
        return names


def ours(
    stored: Mapping[str, Tensor], names: Names, *, num_layers: int, path: Path
) -> dict[str, Tensor]:
    """Return copies of stored tensors under our names.

    Raises:
        UserError: a tensor is missing, is not known, or differs from what it should be a copy of.
    """
    left = _without_copies(stored, names, path)

    def take(name: str) -> Tensor:
        if name not in left:
            raise UserError(f"{path} has no tensor {name!r}; it does not hold an XLM-R masked LM")
        return left.pop(name)

    found = {
        "encoder.token_embedding.weight": take(names.words),
        "encoder.position_embedding.weight": take(names.positions),
        "head.bias": take(names.output_bias),
    }
    if names.token_types:
        found["encoder.position_embedding.weight"] += take(names.token_types)
    for our_name, their_name in names.pairs(num_layers):
        for kind in ("weight", "bias"):
            found[f"{our_name}.{kind}"] = take(f"{their_name}.{kind}")
    for number in range(num_layers):
        for kind in ("weight", "bias"):
            halves = [take(f"{names.layer.format(number)}.{n}.{kind}") for n in names.key_value]
            found[f"encoder.layers.{number}.key_value.{kind}"] = torch.cat(halves)
    if left:
        raise UserError(
            f"{path} holds tensors that XLM-R does not have: {', '.join(sorted(left)[:5])}"
        )
    return found


def _without_copies(stored: Mapping[str, Tensor], names: Names, path: Path) -> dict[str, Tensor]:
    """Return what a masked LM has of the stored tensors, copied; of tied ones the original."""
    left = {name: x.clone() for name, x in stored.items() if not name.startswith(names.ignored)}
    for copy, original in names.tied.items():
        tensor = left.pop(copy, None)
        if tensor is not None and not torch.equal(tensor, left.setdefault(original, tensor)):
            raise UserError(f"{path}: {copy} differs from {original}; XLM-R ties them")
    return left
