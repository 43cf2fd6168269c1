"""A small encoder in double precision, the same with random weights everywhere, and its double from
transformers."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.model.masked_lm import MaskedLM

VOCAB_SIZE = 50


class Largest(TorchDispatchMode):
    """Notes the most elements that any operation inside makes a tensor of."""

    def __init__(self) -> None:
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        sizes = [x.numel() for x in tree_leaves(made) if isinstance(x, torch.Tensor)]
        self.elements = max([self.elements, *sizes])
        return made


class Alive(TorchDispatchMode):
    """Notes how many tensors of a size there are at once."""

    def __init__(self, elements: int) -> None:
        super().__init__()
        self.most, self._elements = 0, elements
        self._seen: dict[int, StorageWeakRef] = {}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        for x in tree_leaves(made):
            if isinstance(x, torch.Tensor) and x.numel() == self._elements:
                storage = StorageWeakRef(x.untyped_storage())
                self._seen[storage.cdata] = storage
        self.most = max(self.most, sum(not ref.expired() for ref in self._seen.values()))
        return made


@pytest.fixture
def alive() -> Callable[[int], Alive]:
    """Return a function: `with alive(elements) as seen: ...` leaves `seen.most`."""
    return Alive


@pytest.fixture
def largest() -> Callable[[], Largest]:
    """Return a function: `with largest() as seen: ...` leaves `seen.elements`."""
    return Largest


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small tensors need no threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def config() -> EncoderConfig:
    """Two layers of width 32."""
    return EncoderConfig(num_layers=2, hidden_size=32, num_heads=4, ffn_size=48, max_tokens=20)


@pytest.fixture
def model(config: EncoderConfig) -> MaskedLM:
    """A masked LM in double precision whose weights, biases and norms are all random and large."""
    generator = torch.Generator().manual_seed(1)
    model = MaskedLM(config, VOCAB_SIZE, generator=generator).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.0, 0.3, generator=generator)
    return model


@pytest.fixture
def ids() -> torch.Tensor:
    """Three sequences of 20 ordinary tokens."""
    return torch.randint(4, VOCAB_SIZE - 1, (3, 20), generator=torch.Generator().manual_seed(2))


@pytest.fixture
def padded_ids(ids: torch.Tensor) -> torch.Tensor:
    """The same, the last two cut to 12 and 5 tokens."""
    padded = ids.clone()
    padded[1, 12:] = 1
    padded[2, 5:] = 1
    return padded
