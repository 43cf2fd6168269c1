"""The columns of the tables in a study's run folder, as the JSONL files there hold them."""

import polars as pl

SIZES = pl.Schema(
    {
        "language": pl.String,
        "name": pl.String,
        "script": pl.String,
        "family": pl.String,
        "size_bytes": pl.Int64,
        "num_documents": pl.Int64,
        "num_paragraphs": pl.Int64,
        "num_words": pl.Int64,
        "paper_gib": pl.Float64,
    }
)
HELDOUT = pl.Schema(
    {
        "arm": pl.String,
        "seed": pl.Int64,
        "alpha": pl.Float64,
        "step": pl.Int64,
        "language": pl.String,
        "loss": pl.Float64,
    }
)
FERTILITY = pl.Schema(
    {
        "language": pl.String,
        "num_words": pl.Int64,
        "num_pieces": pl.Int64,
        "num_bytes": pl.Int64,
        "fertility": pl.Float64,
        "bytes_per_piece": pl.Float64,
        "unknown_rate": pl.Float64,
    }
)
FINDINGS = pl.Schema(
    {
        "id": pl.String,
        "claim": pl.String,
        "section": pl.String,
        "contrast": pl.String,
        "outcome": pl.String,
        "effect": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "verdict": pl.String,
        "lean": pl.String,
        "num_pairs": pl.Int64,
        "scale": pl.String,
        "note": pl.String,
    }
)
"""One row for each claim; `lean` is where an inconclusive one leans."""
BLOCKS = pl.Schema({"language": pl.String, "num_blocks": pl.Int64})
"""How many blocks of each language there are to train on."""
