"""Class ids and similarities to score, from a seed: the input of GLUE's golden values.

Labels from balanced to of one class only; similarities as STS-B has them, in fifths, with
predictions that are near, reversed, monotone, tied, constant or far from zero. Only
`random.Random.random` is drawn from. Imports nothing of the package.
"""

import random

NUM_CASES = 2000
SEED = 22


def label_cases(seed: int = SEED) -> list[tuple[list[int], list[int]]]:
    """Return (predicted, gold) class ids, 0 and 1."""
    rng = random.Random(f"labels {seed}")
    return [label_case(rng) for _ in range(NUM_CASES)]


def label_case(rng: random.Random) -> tuple[list[int], list[int]]:
    share, agreement = of(rng, (0.0, 0.02, 0.3, 0.5, 0.9, 1.0)), of(rng, (0.0, 0.3, 0.5, 0.8, 1.0))
    gold = [int(rng.random() < share) for _ in range(of(rng, (1, 2, 3, 5, 10, 50, 200)))]
    if rng.random() < 0.1:  # collapsed into one class
        return [int(rng.random() < 0.5)] * len(gold), gold
    return [label if rng.random() < agreement else 1 - label for label in gold], gold


def similarity_cases(seed: int = SEED) -> list[tuple[list[float], list[float]]]:
    """Return (predicted, gold) similarities."""
    rng = random.Random(f"similarities {seed}")
    return [similarity_case(rng) for _ in range(NUM_CASES)]


def similarity_case(rng: random.Random) -> tuple[list[float], list[float]]:
    gold = [below(rng, 26) / 5 for _ in range(of(rng, (2, 3, 4, 7, 20, 100)))]
    if rng.random() < 0.05:
        gold = gold[:1] * len(gold)
    noise = of(rng, (0.0, 0.01, 0.5, 2.0, 20.0))
    near = [value + noise * (rng.random() + rng.random() - 1) for value in gold]
    shapes = {
        "near": near,
        "reversed": [5 - value for value in near],
        "monotone": [value * abs(value) * value for value in near],
        "tied": [float(int(value)) for value in near],
        "constant": near[:1] * len(near),
        "far from zero": [value + 1000 for value in near],
        "huge": [value * 1e200 for value in near],
        "tiny": [value * 1e-200 for value in near],
    }
    return shapes[of(rng, tuple(shapes))], gold


def below(rng: random.Random, n: int) -> int:
    return int(rng.random() * n)


def of(rng: random.Random, items):
    return items[below(rng, len(items))]
