"""F6: larger batches and longer training (XLM-R Sec. 5.1, Figure 7)."""

import dataclasses

from xlmr_lab.ablations.claims import printed
from xlmr_lab.ablations.claims.pairs import pairs
from xlmr_lab.ablations.grid import Cell, Claim, Contrast, Scale
from xlmr_lab.ablations.variants import languages_of

FACTOR = 4
"""How much longer, or larger."""


def batch_and_length(scale: Scale) -> Claim:
    """Return F6: more blocks in a step help at as many steps, and so do more steps."""
    base = scale.base
    languages = languages_of(base)
    batch, steps = base.batches.batch_sequences, base.pretrain.steps
    short = Cell(name="base", config=base)
    large = dataclasses.replace(
        base, batches=dataclasses.replace(base.batches, batch_sequences=FACTOR * batch)
    )
    long = dataclasses.replace(
        base, pretrain=dataclasses.replace(base.pretrain, steps=FACTOR * steps)
    )
    return Claim(
        id="F6",
        title="Larger batches and longer training help",
        section="5.1, Figure 7",
        cells=(short, Cell(name="large batch", config=large), Cell(name="long", config=long)),
        contrasts=(
            Contrast(
                id="F6-batch",
                says=f"batches of {FACTOR * batch} blocks are better than {batch}, as many steps",
                pairs=pairs("large batch", "base", languages),
                paper=printed.figure(7, ("batch=2048", "all"), ("batch=8192", "all")),
            ),
            Contrast(
                id="F6-length",
                says=f"{FACTOR * steps} steps are better than {steps}",
                pairs=pairs("long", "base", languages),
            ),
            Contrast(
                id="F6-equal",
                says=f"with equal tokens, {FACTOR} times the batch is as good as {FACTOR} times "
                "the steps, to 0.01 bits per byte (not the paper's claim)",
                pairs=pairs("large batch", "long", languages),
                margin=0.01,
                aside=True,
            ),
        ),
        stand_in=f"batches of {batch} and {FACTOR * batch} blocks for 2,048 and 8,192; that "
        "downstream scores go on rising when perplexity has stopped is not tested at this length",
    )
