"""F13: how much text a language needs of its own, and what others save of it (XLM-R Sec. 3, 5.4).

Held-out losses are those of the best step: as many steps on little text end in overfitting, of
which nobody would use the end. A language alone has the documents that it has among the others, and
the same ones held out.
"""

from xlmr_lab.ablations.claims import printed
from xlmr_lab.ablations.claims.pairs import pairs
from xlmr_lab.ablations.grid import ACROSS_VOCABULARIES, BEST, Cell, Claim, Contrast, Scale, Term
from xlmr_lab.ablations.variants import alone, shortened, tiers_of


def size(scale: Scale) -> Claim:
    """Return F13: multilingual pretraining helps languages of little text, not those of much, and
    one language with more and more text gains less and less by it."""
    base = scale.base
    high, low = tiers_of(base)
    swept = high[-1]
    least, more = scale.text_bytes
    return Claim(
        id="F13",
        title="A monolingual model needs a few hundred MiB; multilingual pretraining lowers that",
        section="3, 5.4",
        cells=(
            Cell(name="base", config=base),
            *(Cell(name=name(key), config=alone(base, key)) for key in (*high, *low)),
            Cell(name=name(swept, least, among=True), config=shortened(base, swept, least)),
            *(
                Cell(name=name(swept, size), config=shortened(alone(base, swept), swept, size))
                for size in (least, more)
            ),
        ),
        contrasts=(
            Contrast(
                id="F13-low",
                says="languages of little text are modelled better together with the others",
                pairs=tuple(_gain(key) for key in low),
            ),
            Contrast(
                id="F13-high",
                says="languages of much text are modelled better alone",
                pairs=tuple(_gain(key)[::-1] for key in high),
            ),
            *_of_sizes(swept, least, more),
        ),
        stand_in=f"languages of the least and the most text, and {told(least)} and {told(more)} "
        f"of {swept}, alone and among the others, as many steps; held-out loss of the best step; "
        f"{ACROSS_VOCABULARIES}, which are those of one language alone",
    )


def name(language: str, size: int = 0, *, among: bool = False) -> str:
    """Return the name of a cell: a language alone, or with little text among the others.

    >>> name("fr"), name("fr", 5000, among=True)
    ('alone fr', '5 kB of fr')
    """
    which = f"{told(size)} of {language}" if size else language
    return which if among else f"alone {which}"


def told(size: int) -> str:
    """Return a size in words.

    >>> told(30_000), told(100 << 20)
    ('30 kB', '100 MiB')
    """
    return f"{size >> 20} MiB" if size % (1 << 20) == 0 else f"{size / 1000:g} kB"


def _of_sizes(key: str, least: int, more: int) -> tuple[Contrast, ...]:
    """Return the contrasts of one language with little text, more, and all that it has."""
    little, alone_little = name(key, least, among=True), name(key, least)
    gain = pairs(little, alone_little, (key,), BEST)
    wiki, cc = (
        printed.average("mono_multi", "BERT", "monolingual", data=data, over=("sw", "ur"))
        for data in ("Wiki", "CC")
    )
    return (
        Contrast(
            id="F13-own",
            says=f"alone, {key} is modelled better with {told(more)} than with {told(least)}",
            pairs=pairs(name(key, more), alone_little, (key,), BEST),
            paper=f"XNLI {wiki:.2f} (Wiki) and {cc:.2f} (CC) in sw and ur, BERT of each, Table 5",
        ),
        Contrast(
            id="F13-least",
            says=f"with {told(least)} of text, {key} is modelled better together with the others",
            pairs=gain,
        ),
        Contrast(
            id="F13-lowers",
            says=f"together {told(least)} of {key} are worth more than {told(more)} alone",
            pairs=pairs(little, name(key, more), (key,), BEST),
        ),
        Contrast(
            id="F13-less-and-less",
            says=f"{key} gains more by the others with {told(least)} than with all its text",
            pairs=gain,
            less=(_gain(key),),
        ),
    )


def _gain(key: str) -> tuple[Term, Term]:
    """Return a language with all its text among the others, and alone."""
    (pair,) = pairs("base", name(key), (key,), BEST)
    return pair
