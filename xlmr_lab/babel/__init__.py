"""Babel, the embedded corpus: a hundred invented languages that speak of one world (a model
organism).
"""
