"""The published id layout of XLM-R, in one place.

| id | token |
|---|---|
| 0, 1, 2, 3 | `<s>`, `<pad>`, `</s>`, `<unk>` |
| i + 1 | piece i of SentencePiece, from i = 3: its 0 `<unk>`, 1 `<s>`, 2 `</s>` stand above |
| last | `<mask>` |

So a SentencePiece model of 250,000 pieces has 250,002 ids and `<mask>` at 250,001, and released
checkpoints and tokenizer files load unchanged.
"""

BOS_ID = 0
PAD_ID = 1
EOS_ID = 2
UNK_ID = 3

BOS_TOKEN = "<s>"
PAD_TOKEN = "<pad>"
EOS_TOKEN = "</s>"
UNK_TOKEN = "<unk>"
MASK_TOKEN = "<mask>"

SPECIAL_TOKENS = {BOS_ID: BOS_TOKEN, PAD_ID: PAD_TOKEN, EOS_ID: EOS_TOKEN, UNK_ID: UNK_TOKEN}
"""Names of the specials in front; `<mask>` depends on the size, see `mask_id`."""

FIRST_PIECE_OFFSET = 1
"""Piece i of SentencePiece has id i + this."""

FIRST_PIECE_ID = 4
"""The first id of an ordinary piece; ordinary pieces go up to, and without, `mask_id`."""

NUM_ADDED_IDS = 2
"""Ids that SentencePiece does not know: `<pad>` and `<mask>`."""

SENTENCEPIECE_UNK, SENTENCEPIECE_BOS, SENTENCEPIECE_EOS = 0, 1, 2
"""Where SentencePiece itself keeps its specials."""


def mask_id(vocab_size: int) -> int:
    """Return the id of `<mask>`, the last one.

    >>> mask_id(250_002)
    250001
    """
    return vocab_size - 1
