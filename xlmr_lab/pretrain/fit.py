"""Whether model and token shards fit each other, looked at before anything is written.

Of each language a few blocks from all over its training text are read: their ids must be of the
vocabulary (the stream looks at those of all others as it draws them), and some of them must be
ordinary pieces, which alone are masked. Text that a vocabulary does not know is all `<unk>`, and
nothing would be learned from it. Token files that are younger than their sidecar, which is written
last, are compared with their checksums, as are those that differ from what a run has noted (see
token_files.py). Left out: reading everything each time, which would take as long as a pass (see
`TokenShards.verify`).
"""

import numpy as np
import torch

from xlmr_lab.batches import masking, packing
from xlmr_lab.batches.shards import TokenShards
from xlmr_lab.errors import UserError
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.pretrain import token_files
from xlmr_lab.pretrain.settings import PretrainRun

LOOKED_AT = 64
"""Blocks of each language that are read, at most."""


def check_fit(run: PretrainRun, shards: TokenShards) -> None:
    """Refuse a model that the vocabulary does not allow, and token shards that teach nothing.

    Raises:
        UserError: names the setting, or the language and its ids.
    """
    with torch.device("meta"):
        MaskedLM(run.model, shards.vocab_size, languages=run.languages)
    for language in (*run.languages, *shards.pairs):
        token_files.compare_younger(shards, language)
        _look_at(shards, language, run.batches.block_tokens)


def _look_at(shards: TokenShards, language: str, block_tokens: int) -> None:
    tokens = shards.tokens(language)
    number = packing.num_blocks(len(tokens), block_tokens)
    places = np.unique(np.linspace(0, max(0, number - 1), LOOKED_AT, dtype=np.int64))
    # A language of less than a block is the stream's to refuse.
    blocks = [packing.block(tokens, int(k), block_tokens) for k in places if number]
    if not blocks:
        return
    ids = np.stack(blocks)
    shards.require_ids(ids, [language] * len(ids))
    if not masking.is_maskable(ids, shards.vocab_size).any():
        raise UserError(
            f"nothing can be masked in {language}: {len(blocks)} blocks of its token shards hold "
            "only special ids and <unk>; give a vocabulary that knows its script, or leave the "
            "language out"
        )
