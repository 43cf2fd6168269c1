"""Subwords: the published id layout, SentencePiece training, encoding and its diagnostics."""
