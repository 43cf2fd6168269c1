"""How much text there is to train on, before it is encoded: estimated from the size of the cleaned
text and the bytes that a piece of the vocabulary was measured to hold in each language.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl


def training_sizes(
    sizes: pl.DataFrame, fertility: pl.DataFrame, batches: Mapping[str, Any]
) -> pl.DataFrame:
    """Return `sizes` less what is held out, with estimated pieces and blocks; `fertility` has
    the vocabulary's `bytes_per_piece` of each language, `batches` is that section of the settings.
    """
    trained, room = 1 - batches["heldout_fraction"], batches["block_tokens"] - 1
    paid = fertility.select("language", "bytes_per_piece")
    counted = sizes.with_columns(
        *(
            (pl.col(name) * trained).round().cast(pl.Int64)
            for name in ("size_bytes", "num_paragraphs")
        )
    ).join(paid, on="language", how="left", maintain_order="left")
    pieces = (pl.col("size_bytes") / pl.col("bytes_per_piece")).round().cast(pl.Int64)
    tokens = pieces + (pl.col("num_documents") * trained).round().cast(pl.Int64)
    return counted.with_columns(
        num_pieces=pieces, num_blocks=pl.max_horizontal(1, tokens // room)
    ).drop("bytes_per_piece")
