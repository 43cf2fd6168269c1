r"""The exponent of language sampling: $q_l \propto p_l^\alpha$, $p_l = n_l / \sum n$ (XLM Eq. 1).

XLM-R Sec. 3 sets alpha to 0.3, Sec. 5.1 varies it. What n_l counts is named, never assumed, because
the published sources disagree: the paper says sentences, the code released with it counts blocks of
tokens. White-space words are no basis: they put Chinese beside Telugu.
"""

from collections.abc import Mapping

from xlmr_lab.errors import UserError


def check_alpha(alpha: float, name: str = "alpha") -> None:
    """Refuse an exponent outside [0, 1]; `name` is the setting that holds it.

    Raises:
        UserError: alpha is out of range or not a number.
    """
    if not 0 <= alpha <= 1:
        raise UserError(
            f"{name} must be in [0, 1], got {alpha}; 0 samples every language alike, 1 by its size"
        )


def probabilities(sizes: Mapping[str, float], alpha: float) -> dict[str, float]:
    """Return the probability of each language; `alpha=1` gives the shares of the text.

    >>> {key: round(q, 3) for key, q in probabilities({"en": 900, "sw": 100}, 0.3).items()}
    {'en': 0.659, 'sw': 0.341}

    Raises:
        UserError: alpha out of range, no language, or a language with no text.
    """
    check_alpha(alpha)
    check_sizes(sizes)
    total = sum(sizes.values())
    weights = {key: (size / total) ** alpha for key, size in sizes.items()}
    scale = sum(weights.values())
    return {key: weight / scale for key, weight in weights.items()}


def check_sizes(sizes: Mapping[str, float]) -> None:
    """Refuse what nothing can be sampled from.

    Raises:
        UserError: no language, or a language with no text.
    """
    if not sizes:
        raise UserError("there is no language to sample from; name at least one")
    empty = sorted(key for key, size in sizes.items() if not size > 0)
    if empty:
        raise UserError(f"no text to sample from for {', '.join(empty)}; add text or leave it out")
