"""The paper's claims by their ids (design, section 6)."""

from xlmr_lab.ablations import variants
from xlmr_lab.ablations.claims import (
    data,
    embeddings,
    languages,
    monolingual,
    sampling,
    text_size,
    training,
    transfer,
    vocabularies,
)
from xlmr_lab.ablations.grid import Claim, Grid, Scale
from xlmr_lab.errors import UserError

CLAIMS: dict[str, Grid] = {
    "F1": languages.curse,
    "F2": languages.capacity,
    "F3": sampling.alpha,
    "F4": vocabularies.size,
    "F5": data.source,
    "F6": training.batch_and_length,
    "F7": vocabularies.preprocessing,
    "F8": transfer.nli,
    "F9": transfer.ner,
    "F10": transfer.qa,
    "F11": monolingual.glue,
    "F12": monolingual.transfer,
    "F13": text_size.size,
    "F14": embeddings.language_embeddings,
    "F15": vocabularies.adaptive,
}
TIERED = ("F1", "F3", "F5", "F8", "F12", "F13")
"""Those that tell languages of much text from such of little."""


def claims(scale: Scale, ids: tuple[str, ...] = ()) -> tuple[Claim, ...]:
    """Return claims at a scale, all of them if none is named.

    Raises:
        UserError: there is no such claim, or the scale's base has too few languages.
    """
    for name in ids:
        if name not in CLAIMS:
            raise UserError(f"unknown claim {name!r}; there are {', '.join(CLAIMS)}")
    own, wanted = variants.languages_of(scale.base), ids or tuple(CLAIMS)
    tiered = [name for name in wanted if name in TIERED]
    if tiered and len(own) < variants.LEAST_LANGUAGES:
        raise UserError(
            f"{', '.join(tiered)} compare languages of much text with such of little, so they "
            f"need at least {variants.LEAST_LANGUAGES}, got {', '.join(own)}; name more"
        )
    return tuple(CLAIMS[name](scale) for name in wanted)
