"""The evaluation doctor: checks that refuse or flag a number before it is believed.

Each check is a pure function that returns a `Verdict` with its evidence, or None where it finds
nothing. What is done about one is the caller's: nothing here raises for what it finds, or changes a
score.
"""
