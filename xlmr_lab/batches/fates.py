"""What masking made of each token of a batch, told from the tokens before and after.

Shapes: B blocks, T tokens of a block, K chosen of a block.
"""

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from xlmr_lab.batches.masking import IGNORE_INDEX, Masked
from xlmr_lab.vocabulary.special_tokens import FIRST_PIECE_ID, UNK_ID, mask_id

Fate = Literal["special", "seen", "masked", "random", "kept"]
"""A special token; one that stays and counts for nothing; one to be predicted, hidden by `<mask>`,
replaced by a random piece, or kept as it is. A random piece that happens to be the same is kept.
"""
FATES: tuple[Fate, ...] = get_args(Fate)


def fates(tokens: npt.NDArray[np.int32], masked: Masked, vocab_size: int) -> npt.NDArray[np.int64]:
    """Return the fate of each token as its place in `FATES`: int64 [B, T]."""
    is_special = (tokens < FIRST_PIECE_ID) & (tokens != UNK_ID)
    found = np.where(is_special, FATES.index("special"), FATES.index("seen"))
    stood = np.take_along_axis(tokens, masked.positions, axis=1)  # B K
    now = np.take_along_axis(masked.inputs, masked.positions, axis=1)
    became = np.where(now == stood, FATES.index("kept"), FATES.index("random"))
    became = np.where(now == mask_id(vocab_size), FATES.index("masked"), became)
    before = np.take_along_axis(found, masked.positions, axis=1)
    np.put_along_axis(
        found, masked.positions, np.where(masked.targets == IGNORE_INDEX, before, became), axis=1
    )
    return found
