"""Text in, text out: from files of raw text to a clean corpus per language, with a reason for all
that was left out.
"""
