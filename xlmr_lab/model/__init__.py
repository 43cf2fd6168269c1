"""The XLM-R encoder, its heads and losses in plain torch; nothing here knows of text."""
