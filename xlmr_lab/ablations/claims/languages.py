"""F1 and F2: the curse of multilinguality, and what capacity does to it (XLM-R Sec. 5.1, Figures 2
and 4).
"""

from xlmr_lab.ablations.claims import printed
from xlmr_lab.ablations.claims.pairs import by_pieces, pairs
from xlmr_lab.ablations.grid import OF_WORDS, WORDS, Cell, Claim, Contrast, Scale
from xlmr_lab.ablations.variants import languages_of, more_languages, tiers_of, wider

MARGIN = 0.01
"""Bits per byte that "on par" may lose."""


def curse(scale: Scale) -> Claim:
    """Return F1: with a few more languages the low-resource ones gain, with many all lose."""
    counts = scale.counts
    few, more, many = counts[0], counts[1], counts[-1]
    contrasts = _of_counts(scale, few, more, many)
    return Claim(
        id="F1",
        title="The curse of multilinguality: from 7 to 15 languages low-resource ones gain, then "
        "all lose, up to 100",
        section="5.1, Figure 2",
        cells=tuple(_cell(scale, count) for count in counts),
        contrasts=(*contrasts, *map(by_pieces, contrasts)),
        stand_in=f"{few} to {many} languages of one fixed model and number of tokens; larger "
        f"sets hold the smaller ones, the first {few} keep their text; each set has a vocabulary "
        f"of its own of as many ids; {OF_WORDS}",
    )


def _of_counts(scale: Scale, few: int, more: int, many: int) -> tuple[Contrast, ...]:
    """Return the contrasts of F1 for three numbers of languages."""
    high, low = tiers_of(scale.base)
    return (
        Contrast(
            id=f"F1-low-gain-{few}-{more}",
            says=f"low-resource languages gain from {few} to {more} languages",
            pairs=pairs(name(more), name(few), low, WORDS),
            paper=_told("low", 7, 15),
        ),
        Contrast(
            id=f"F1-high-lose-{few}-{many}",
            says=f"high-resource languages lose from {few} to {many} languages",
            pairs=pairs(name(few), name(many), high, WORDS),
            paper=_told("high", 7, 100),
        ),
        *(
            [
                Contrast(
                    id=f"F1-low-lose-{more}-{many}",
                    says=f"low-resource languages lose from {more} to {many} languages",
                    pairs=pairs(name(more), name(many), low, WORDS),
                    paper=_told("low", 15, 100),
                )
            ]
            if many > more
            else []
        ),
    )


def capacity(scale: Scale) -> Claim:
    """Return F2: a wider model loses less to further languages, and one of medium width has with
    some of them what a narrow one has with few."""
    few, some, many = scale.counts[0], scale.counts[len(scale.counts) // 2], scale.counts[-1]
    narrow, medium, wide = scale.widths[0], scale.widths[1], scale.widths[-1]
    settings = dict.fromkeys(
        [
            *((count, narrow) for count in (few, some, many)),
            (some, medium),
            *((count, wide) for count in (few, many)),
        ]
    )
    contrasts = _of_widths(scale, few, some, many)
    return Claim(
        id="F2",
        title="Capacity lifts the curse: with wider models many languages are as good as few",
        section="5.1, Figure 4",
        cells=tuple(_cell(scale, count, width) for count, width in settings),
        contrasts=(*contrasts, *map(by_pieces, contrasts)),
        stand_in=f"widths {', '.join(map(str, scale.widths))} for 768, 960 and 1152; as many "
        "steps, initial weights and learning rate of the width; " + OF_WORDS,
    )


def _of_widths(scale: Scale, few: int, some: int, many: int) -> tuple[Contrast, ...]:
    """Return the contrasts of F2 for three numbers of languages."""
    languages = languages_of(scale.base)
    narrow, medium, wide = scale.widths[0], scale.widths[1], scale.widths[-1]
    return (
        Contrast(
            id=f"F2-gain-{narrow}-{wide}",
            says=f"with {many} languages, width {wide} is better than {narrow}",
            pairs=pairs(name(many, wide), name(many, narrow), languages, WORDS),
            paper=_capacity_told(100, 1152),
        ),
        Contrast(
            id=f"F2-lifts-{medium}",
            says=f"{some} languages at width {medium} reach {few} at {narrow}, to {MARGIN:g} "
            "bits per byte",
            pairs=pairs(name(some, medium), name(few, narrow), languages, WORDS),
            margin=MARGIN,
            paper="7 languages at width 768 and 30 at 960 are on par; " + _capacity_told(30, 960),
        ),
        Contrast(
            id=f"F2-curse-{narrow}-{wide}",
            says=f"what {many} languages lose against {few} is less at width {wide} than at "
            f"{narrow}",
            pairs=pairs(name(few, narrow), name(many, narrow), languages, WORDS),
            less=pairs(name(few, wide), name(many, wide), languages, WORDS),
        ),
    )


def name(count: int, width: int = 0) -> str:
    """Return the name of a cell."""
    return f"languages={count}" + (f" width={width}" if width else "")


def _cell(scale: Scale, count: int, width: int = 0) -> Cell:
    config = more_languages(scale.base, count)
    return Cell(name=name(count, width), config=wider(config, width) if width else config)


def _capacity_told(count: int, width: int) -> str:
    """Return the paper's accuracy with so many languages, at its first width and at another."""
    ends = "fixed(H=768)", f"increased(H={width})"
    first, second = ((f"n_langs={count}", end) for end in ends)
    return printed.figure(4, first, second)


def _told(tier: str, few: int, many: int) -> str:
    """Return the paper's averages of XNLI for two numbers of languages, in words."""
    return printed.figure(2, (f"n_langs={few}", tier), (f"n_langs={many}", tier))
