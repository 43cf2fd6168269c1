"""A data card as a notebook shows it: folded, to be opened by whoever wants to read it."""

import dataclasses
import html
import re

import mistune


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class FoldedCard:
    """A card that shows itself as HTML: its title, and all else below when it is opened."""

    card: str
    """Metadata in YAML between two lines `---`, then Markdown."""

    @property
    def title(self) -> str:
        """The card's first heading."""
        found = re.search(r"^# (.+)$", self.card, re.MULTILINE)
        return found[1] if found else "card"

    def _repr_html_(self) -> str:
        _, _, text = self.card.split("---\n", 2)
        body = re.sub(r"^# .+\n", "", text.lstrip(), count=1)
        lower = re.sub(r"^(#{1,4}) ", r"##\1 ", body, flags=re.MULTILINE)
        shown = str(mistune.create_markdown(escape=True, plugins=["table"])(lower))
        return (
            f"<details><summary><b>{html.escape(self.title)}</b>: open the card</summary>"
            f"<div dir='auto' style='overflow-x:auto'>{shown}</div></details>"
        )


def shown(card: str) -> FoldedCard:
    """Show a card, such as `data_cards.read` returns, folded."""
    return FoldedCard(card=card)
