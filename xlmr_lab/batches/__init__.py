"""Tokens in, batches out: token shards, blocks, the resumable stream, masking; NumPy only."""
