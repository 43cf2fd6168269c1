"""What a study of the paper's claims comes to, in lines of 80 columns."""

import math
import textwrap
from collections import Counter
from collections.abc import Sequence

from xlmr_lab.ablations.conclusions import Conclusion
from xlmr_lab.commands import WIDTH
from xlmr_lab.intervals import told


def lines(conclusion: Conclusion) -> list[str]:
    """Return a conclusion in lines of 80 columns."""
    effect = told(conclusion.effect, conclusion.low, conclusion.high)
    known = math.isfinite(conclusion.effect)
    number = f"{effect} {conclusion.unit}, {conclusion.verdict}" if known else "not known"
    number += ", beside the claim" if conclusion.aside else ""
    more = f" ({conclusion.note})" if conclusion.note else ""
    text = f"{conclusion.contrast}: {conclusion.says}: {number}{more}"
    return textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def verdicts(found: Sequence[Conclusion]) -> list[str]:
    """Return a line for each claim: its verdict, and on how many contrasts it rests."""
    told = []
    for claim in dict.fromkeys(conclusion.claim for conclusion in found):
        own = [c for c in found if c.claim == claim and not c.aside]
        parts = Counter(conclusion.verdict for conclusion in own)
        counted = ", ".join(f"{number} {verdict}" for verdict, number in parts.items())
        told.append(f"{claim} as a whole: {own[0].claim_verdict} ({counted})")
    return told
