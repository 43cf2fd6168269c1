"""F4, F7 and F15: vocabulary size, preprocessing, adaptive softmax (XLM-R Sec. 5.1, Figures 6 and
7; Sec. 5.1 on what is left to do).
"""

import dataclasses
from collections.abc import Sequence

from xlmr_lab.ablations.claims import printed
from xlmr_lab.ablations.claims.pairs import by_pieces, of_scores, pairs, scored
from xlmr_lab.ablations.grid import OF_WORDS, WORDS, Cell, Claim, Contrast, Scale
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.ablations.variants import is_babel, languages_of, of_width

MARGIN = 0.01
"""Bits per byte that "loses nothing" may lose."""


def size(scale: Scale) -> Claim:
    """Return F4: more ids help at a constant body, and at constant parameters."""
    languages = languages_of(scale.base)
    small, large = scale.vocabularies[0], scale.vocabularies[-1]
    made = [(_name(ids), _of_size(scale.base, ids)) for ids in scale.vocabularies]
    cells = [scored(scale, Cell(name=name, config=config)) for name, config in made]
    made = [(_solved(ids), fixed(scale.base, ids)) for ids in (small, large)]
    solved = [scored(scale, Cell(name=name, config=config)) for name, config in made]
    wide, narrow = (cell.config.model.hidden_size for cell in solved)
    return Claim(
        id="F4",
        title="More vocabulary helps, at constant parameters and more so at a constant body",
        section="5.1, Figure 6",
        cells=(*cells, *solved),
        contrasts=(
            *of_scores(scale, _of_sizes(small, large, languages)),
            *map(by_pieces, _of_sizes(small, large, languages)),
        ),
        stand_in=f"{small} to {large} ids; with as many parameters as the base, which has "
        f"{scale.base.vocabulary.size} ids, they have widths {wide} and {narrow} for "
        f"{scale.base.model.hidden_size}; as many tokens, so that more ids read more text; "
        f"{OF_WORDS}",
    )


def _of_sizes(small: int, large: int, languages: Sequence[str]) -> tuple[Contrast, ...]:
    """Return the contrasts of F4 by losses of whole words."""
    body = pairs(_name(large), _name(small), languages, WORDS)
    solved = pairs(_solved(large), _solved(small), languages, WORDS)
    return (
        Contrast(
            id=f"F4-body-{small}-{large}",
            says=f"{large} ids are better than {small} with the same body",
            pairs=body,
            paper=printed.figure(6, ("V=128k", "increased"), ("V=512k", "increased")),
        ),
        Contrast(
            id=f"F4-parameters-{small}-{large}",
            says=f"{large} ids are better than {small} with as many parameters",
            pairs=solved,
            paper=printed.figure(6, ("V=32k", "fixed"), ("V=256k", "fixed")),
        ),
        Contrast(
            id=f"F4-more-{small}-{large}",
            says="that is more with the same body than with as many parameters",
            pairs=body,
            less=solved,
            paper="; ".join(
                f"{size} {printed.figure(6, ('V=128k', size), ('V=512k', size))}"
                for size in ("increased", "fixed")
            ),
        ),
    )


def preprocessing(scale: Scale) -> Claim:
    """Return F7: SentencePiece on raw text loses nothing against preprocessing and BPE."""
    languages = languages_of(scale.base)
    vocabulary = dataclasses.replace(scale.base.vocabulary, model="bpe", preprocessing="tokenized")
    other = dataclasses.replace(scale.base, vocabulary=vocabulary)
    contrast = Contrast(
        id="F7",
        says=f"unigram on raw text is as good as tokenized BPE, to {MARGIN:g} bits a byte",
        pairs=pairs("base", "tokenized BPE", languages, WORDS),
        margin=MARGIN,
        paper=printed.figure(7, ("BPE", "all"), ("SPM", "all")),
    )
    return Claim(
        id="F7",
        title="SentencePiece on raw text loses nothing against language-specific preprocessing "
        "with BPE",
        section="5.1, Figure 7",
        cells=(Cell(name="base", config=scale.base), Cell(name="tokenized BPE", config=other)),
        contrasts=(contrast, by_pieces(contrast)),
        stand_in=(
            "rules of Moses know Babel's languages no more than any other language without rules "
            "of its own; "
            if is_babel(scale.base)
            else "the same two; "
        )
        + OF_WORDS,
    )


def adaptive(scale: Scale) -> Claim:
    """Return F15: an adaptive softmax, for vocabularies of millions, costs little."""
    languages = languages_of(scale.base)
    ids = scale.vocabularies[-1]
    full = _of_size(scale.base, ids)
    cutoffs = (ids // 5, ids // 2)
    other = dataclasses.replace(
        full, model=dataclasses.replace(full.model, adaptive_cutoffs=cutoffs)
    )
    return Claim(
        id="F15",
        title="Larger vocabularies with an adaptive softmax lose little against the full one",
        section="5.1, left to do",
        cells=(Cell(name=_name(ids), config=full), Cell(name="adaptive softmax", config=other)),
        contrasts=(
            Contrast(
                id="F15",
                says=f"adaptive softmax is as good as the full one, to {MARGIN:g} bits per byte",
                pairs=pairs("adaptive softmax", _name(ids), languages),
                margin=MARGIN,
            ),
        ),
        stand_in=f"{ids} ids with bands from {cutoffs[0]} and {cutoffs[1]} on, for 2 million",
    )


def _name(ids: int) -> str:
    return f"vocabulary={ids}"


def _of_size(base: StudyConfig, ids: int) -> StudyConfig:
    return dataclasses.replace(base, vocabulary=dataclasses.replace(base.vocabulary, size=ids))


def _solved(ids: int) -> str:
    return f"{_name(ids)} at constant parameters"


def fixed(base: StudyConfig, ids: int) -> StudyConfig:
    """Return the study with a vocabulary of that size and the width that comes nearest to as many
    parameters as the base has (see `parameters_of`); its heads divide it.
    """
    wanted = parameters_of(base, base.model.hidden_size, base.vocabulary.size)
    step = 2 * base.model.num_heads  # heads of equal, even width
    widths = range(step, 4 * base.model.hidden_size, step)
    width = min(widths, key=lambda w: abs(parameters_of(base, w, ids) - wanted))
    return of_width(_of_size(base, ids), width, num_heads=base.model.num_heads)


def parameters_of(base: StudyConfig, width: int, ids: int) -> int:
    """Return the parameters of weights by the paper's formula: 4 L H^2 + 2 L H H_ff + V H."""
    layers = base.model.num_layers
    ffn = width * base.model.ffn_size // base.model.hidden_size
    return 4 * layers * width**2 + 2 * layers * width * ffn + ids * width
