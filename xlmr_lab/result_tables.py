"""The columns of the tables in a study's run folder, as the JSONL files there hold them."""

from typing import Any

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
        "unseen": pl.Boolean,
        "num_letters": pl.Int64,
        "letters_lost": pl.Int64,
        "letters_unseen": pl.Int64,
        "letters_in_bytes": pl.Int64,
        "share_lost": pl.Float64,
        "largest_lost": pl.Float64,
        "pieces_used": pl.Int64,
        "pieces_own": pl.Int64,
        "own_use": pl.Float64,
        "used_bytes": pl.Int64,
    }
)
"""How the vocabulary serves each language (see vocabulary.diagnostics); `unseen` tells whether
words, pieces and bytes are those of text that it was not trained on, `used_bytes` on how much text
the pieces used were counted, `own_use` the share of the language's tokens that are its own pieces.
"""
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
BLOCKS = pl.Schema(
    {
        "language": pl.String,
        "num_blocks": pl.Int64,
        "num_pieces": pl.Int64,
        "num_bytes": pl.Int64,
        "num_sentences": pl.Int64,
    }
)
"""How much of each language there is to train on, in every basis of sampling."""
_CONCLUSIONS: dict[str, Any] = {
    "claim": pl.String,
    "contrast": pl.String,
    "title": pl.String,
    "says": pl.String,
    "section": pl.String,
    "effect": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "languages_low": pl.Float64,
    "languages_high": pl.Float64,
    "verdict": pl.String,
    "lean": pl.String,
    "by_language": pl.List(pl.Struct({"name": pl.String, "effect": pl.Float64})),
    "detectable": pl.Float64,
    "seeds_needed": pl.Int64,
    "pretraining_std": pl.Float64,
    "finetuning_std": pl.Float64,
    "languages_std": pl.Float64,
    "num_seeds": pl.Int64,
    "num_languages": pl.Int64,
    "unit": pl.String,
    "paper": pl.String,
    "scale": pl.String,
    "stand_in": pl.String,
    "note": pl.String,
    "aside": pl.Boolean,
    "claim_verdict": pl.String,
}
CONCLUSIONS = pl.Schema(_CONCLUSIONS)
"""One row for each contrast of each claim (see ablations.conclusions, which says what they are)."""
_COSTS: dict[str, Any] = {
    "kind": pl.String,
    "name": pl.String,
    "cells": pl.List(pl.String),
    "seed": pl.Int64,
    "steps": pl.Int64,
    "predicted_seconds": pl.Float64,
    "seconds": pl.Float64,
}
COSTS = pl.Schema(_COSTS)
"""What each run of a campaign was predicted to take and took."""
_RUN: dict[str, Any] = {"cell": pl.String, "run": pl.String, "seed": pl.Int64}
CELL_LOSSES = pl.Schema(
    _RUN
    | {"step": pl.Int64, "language": pl.String, "loss": pl.Float64, "bits_per_byte": pl.Float64}
)
"""Held-out losses of a campaign's cells, in nats a piece and in bits per byte."""
CELL_SCORES = pl.Schema(
    _RUN
    | dict.fromkeys(("arm", "task", "split", "language", "protocol", "selection"), pl.String)
    | {"metric": pl.String, "finetune_seed": pl.Int64, "value": pl.Float64}
)
"""Columns that scores of a campaign's cells have at least."""
WORDS = pl.Schema(
    {
        "cell": pl.String,
        "reading": pl.String,
        "seed": pl.Int64,
        "language": pl.String,
        "bits_per_byte": pl.Float64,
        "num_bytes": pl.Int64,
        "num_tokens": pl.Int64,
        "num_unknown": pl.Int64,
    }
)
"""Losses of whole words of held-out text."""
