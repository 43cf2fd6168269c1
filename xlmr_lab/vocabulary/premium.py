"""What a language pays for the vocabulary: the pieces of a text against those of its original.

The premium of Petrov et al. 2023 (arXiv 2305.15425): over the same sentences, pieces in the
language by pieces in the original (English, or the largest language); 2 means that the same content
takes twice the pieces, so half of it fits into a model's window. It is a ratio of totals, so a long
sentence counts more than a short one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary.load import Vocabulary


def premiums(
    vocabulary: Vocabulary, parallel: Mapping[str, Sequence[str]], original: str
) -> list[dict[str, Any]]:
    """Return one row per language of parallel text, in which line i is the same sentence in each
    language; lines that a language leaves blank are left out for it.

    Raises:
        UserError: the original is not there, or texts of different lengths, or nothing in common.
    """
    if original not in parallel:
        raise UserError(
            f"no parallel text in {original!r}, the original; there is {', '.join(parallel)}"
        )
    lengths = {language: len(lines) for language, lines in parallel.items()}
    for language, length in lengths.items():
        if length != lengths[original]:
            raise UserError(
                f"{language} has {length:,} lines and {original} {lengths[original]:,}; parallel "
                "text has the same sentence in the same line of each language"
            )
    own = vocabulary.encode(parallel[original], original)
    rows = []
    for language, lines in parallel.items():
        encoded = own if language == original else vocabulary.encode(lines, language)
        both = [(len(a), len(b)) for a, b in zip(encoded, own, strict=True) if len(a) and len(b)]
        if not both:
            raise UserError(f"{language} and {original} have no sentence in common")
        num_pieces, num_original = (sum(column) for column in zip(*both, strict=True))
        rows.append(
            {
                "language": language,
                "original": original,
                "num_sentences": len(both),
                "num_pieces": num_pieces,
                "num_original_pieces": num_original,
                "premium": num_pieces / num_original,
            }
        )
    return rows
