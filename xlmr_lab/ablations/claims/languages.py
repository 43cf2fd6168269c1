"""F1 and F2: the curse of multilinguality, and what capacity does to it (XLM-R Sec. 5.1, Figures 2
and 4).
"""

from xlmr_lab.ablations.claims.pairs import pairs
from xlmr_lab.ablations.grid import Cell, Claim, Contrast, Scale
from xlmr_lab.ablations.scales import languages_of, more_languages, tiers_of, wider
from xlmr_lab.paper import tables


def curse(scale: Scale) -> Claim:
    """Return F1: with a few more languages the low-resource ones gain, with many all lose."""
    high, low = tiers_of(scale.base)
    counts = scale.counts
    few, more, many = counts[0], counts[1], counts[-1]
    return Claim(
        id="F1",
        title="The curse of multilinguality: from 7 to 15 languages low-resource ones gain, then "
        "all lose, up to 100",
        section="5.1, Figure 2",
        cells=tuple(_cell(scale, count) for count in counts),
        contrasts=(
            Contrast(
                id=f"F1-low-gain-{few}-{more}",
                says=f"low-resource languages gain from {few} to {more} languages",
                pairs=pairs(name(more), name(few), low),
                paper=_told("low", 7, 15),
            ),
            Contrast(
                id=f"F1-high-lose-{few}-{many}",
                says=f"high-resource languages lose from {few} to {many} languages",
                pairs=pairs(name(few), name(many), high),
                paper=_told("high", 7, 100),
            ),
            *(
                [
                    Contrast(
                        id=f"F1-low-lose-{more}-{many}",
                        says=f"low-resource languages lose from {more} to {many} languages",
                        pairs=pairs(name(more), name(many), low),
                        paper=_told("low", 15, 100),
                    )
                ]
                if many > more
                else []
            ),
        ),
        stand_in=f"{few} to {many} languages of one fixed model and number of tokens; the added "
        "ones have text of their own, the first seven keep theirs",
    )


def capacity(scale: Scale) -> Claim:
    """Return F2: a wider model loses less of what it knows to further languages."""
    languages = languages_of(scale.base)
    count, narrow, wide = scale.counts[-1], scale.widths[0], scale.widths[-1]
    cells = [_cell(scale, few, width) for width in scale.widths for few in (scale.counts[0], count)]
    return Claim(
        id="F2",
        title="Capacity lifts the curse: with wider models many languages are as good as few",
        section="5.1, Figure 4",
        cells=tuple(cells),
        contrasts=(
            Contrast(
                id=f"F2-gain-{narrow}-{wide}",
                says=f"with {count} languages, width {wide} is better than {narrow}",
                pairs=pairs(name(count, wide), name(count, narrow), languages),
            ),
            Contrast(
                id=f"F2-lifts-{wide}",
                says=f"{count} languages at width {wide} reach {scale.counts[0]} at {narrow}",
                pairs=pairs(name(count, wide), name(scale.counts[0], narrow), languages),
            ),
        ),
        stand_in=f"widths {', '.join(map(str, scale.widths))} for 768, 960 and 1152",
    )


def name(count: int, width: int = 0) -> str:
    """Return the name of a cell."""
    return f"languages={count}" + (f" width={width}" if width else "")


def _cell(scale: Scale, count: int, width: int = 0) -> Cell:
    config = more_languages(scale.base, count)
    return Cell(name=name(count, width), config=wider(config, width) if width else config)


def _told(tier: str, few: int, many: int) -> str:
    """Return the paper's averages of XNLI for two numbers of languages, in words."""
    rows = {
        str(row["x"]): row["xnli_acc"]
        for row in tables.read("figures2_7")
        if row["figure"] == "fig2" and row["series"] == tier
    }
    before, after = (float(str(rows[f"n_langs={count}"])) for count in (few, many))
    return f"XNLI {before:g} to {after:g}, read off Figure 2"
