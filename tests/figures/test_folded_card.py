"""A card is shown folded and whole: tables as tables, nothing of it as markup of its own."""

import pytest

from xlmr_lab import data_cards
from xlmr_lab.errors import UserError
from xlmr_lab.figures import folded_card

CARD = """---
license: "mit"
---

# A <set>

Some *text*.

## Splits

| split | pairs |
|---|---:|
| dev | 2 |

<script>x</script>

```sh
# a comment
```
"""


def test_the_title_is_seen_and_the_rest_folded() -> None:
    html = folded_card.shown(CARD)._repr_html_()
    head, body = html.split("</summary>")
    assert head == "<details><summary><b>A &lt;set&gt;</b>: open the card"
    assert "<em>text</em>" in body
    assert "<h4>Splits</h4>" in body
    assert '<td style="text-align:right">2</td>' in body
    assert "license" not in html
    assert "<script>" not in html


@pytest.mark.parametrize("name", data_cards.names())
def test_every_card_of_the_repository_is_shown_with_its_tables(name: str) -> None:
    card = data_cards.read(name)
    html = folded_card.shown(card)._repr_html_()
    assert html.count("<h4>") >= 4
    assert html.count("<table>") == card.count("\n|---")


def test_a_card_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(UserError, match=r"no data card 'imdb'; there are babel, cc100, conll, gl"):
        data_cards.read("imdb")
