"""Tag sequences to score, consistent and not, from a seed: the input of conlleval's golden values.

Gold tags follow IOB1, IOB2 or IOBES, or are drawn tag by tag; predictions are the gold tags in
another scheme, with tags, types and boundaries changed, or drawn tag by tag. Only
`random.Random.random` is drawn from. Imports nothing of the package.
"""

import random

NUM_CASES = 2000
SEED = 21
SCHEMES = ("IOB1", "IOB2", "IOBES", "any IOB", "any IOBES")
TYPES = ("PER", "LOC", "ORG", "MISC", "A-B", "per", "-X", "1")

Sentences = list[list[str]]


def cases(seed: int = SEED) -> list[tuple[Sentences, Sentences]]:
    """Return (predicted, gold) tags of a few sentences each."""
    rng = random.Random(f"tags {seed}")
    return [case(rng) for _ in range(NUM_CASES)]


def case(rng: random.Random) -> tuple[Sentences, Sentences]:
    types = TYPES[: 1 + below(rng, len(TYPES))]
    scheme, other = of(rng, SCHEMES), of(rng, SCHEMES)
    noise = of(rng, (0.0, 0.1, 0.3, 0.7, 1.0))
    predicted, gold = [], []
    for _ in range(1 + below(rng, 5)):
        length = of(rng, (1, 1, 2, 3, 5, 8, 13))
        spans = random_spans(rng, length, types)
        gold.append(tags(rng, spans, length, scheme, types))
        kept = [near(rng, span, types) if rng.random() < noise else span for span in spans]
        found = tags(rng, kept, length, other if rng.random() < 0.3 else scheme, types)
        predicted.append([of(rng, found) if rng.random() < noise / 5 else tag for tag in found])
    return predicted, gold


def random_spans(rng: random.Random, length: int, types: tuple[str, ...]) -> list:
    """Return (start, end, type) spans that do not overlap, many of them side by side."""
    spans, start = [], 0
    while start < length:
        end = min(length, start + 1 + below(rng, 3))
        if rng.random() < 0.6:
            spans.append((start, end, of(rng, types)))
        start = end
    return spans


def near(rng: random.Random, span: tuple, types: tuple[str, ...]) -> tuple:
    """Return a span that starts or ends elsewhere, has another type, or is not there."""
    start, end, kind = span
    return of(rng, ((start + 1, end, kind), (start, end - 1, kind), (start, end, of(rng, types))))


def tags(
    rng: random.Random, spans: list, length: int, scheme: str, types: tuple[str, ...]
) -> list[str]:
    """Write spans in a scheme, or draw the tags of an inconsistent one."""
    if scheme.startswith("any"):
        prefixes = scheme.removeprefix("any ").replace("O", "")
        drawn = [f"{of(rng, prefixes)}-{of(rng, types)}" for _ in range(length)]
        return [tag if rng.random() < 0.75 else "O" for tag in drawn]
    found = ["O"] * length
    last_end, last_kind = -1, ""
    for start, end, kind in spans:
        for place in range(start, end):
            found[place] = f"{prefix(scheme, place, start, end)}-{kind}"
        if scheme == "IOB1" and start < end and (start, kind) == (last_end, last_kind):
            found[start] = f"B-{kind}"
        last_end, last_kind = end, kind
    return found


def prefix(scheme: str, place: int, start: int, end: int) -> str:
    if scheme == "IOB1":
        return "I"
    if scheme == "IOBES" and place == end - 1:
        return "S" if place == start else "E"
    return "B" if place == start else "I"


def below(rng: random.Random, n: int) -> int:
    return int(rng.random() * n)


def of(rng: random.Random, items):
    return items[below(rng, len(items))]
