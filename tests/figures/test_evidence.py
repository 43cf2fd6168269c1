"""Later papers beside this campaign: each has the reading that is nearest to it."""

import polars as pl
import pytest
from made_curse import made

from xlmr_lab import campaign_results, capacity_results
from xlmr_lab.figures import evidence
from xlmr_lab.paper import tables


@pytest.fixture(scope="module")
def tested(tested_folder):
    return campaign_results.open_campaign(tested_folder)


def rows(conclusions: pl.DataFrame, cells: pl.DataFrame, *claims: str) -> dict[str, str]:
    frame = evidence.beside(conclusions, cells, claims=list(claims)).frame
    return {row["measured"]: row["found here"] for row in frame.to_dicts()}


def test_a_reading_is_that_of_its_contrast(tested) -> None:
    found = rows(tested.conclusions(), made(), "F1")
    (low,) = [text for name, text in found.items() if "low-resource languages as text" in name]
    effect = tested.conclusions().filter(contrast="F1-low-gain-7-15")
    assert low.startswith("low-resource languages gain from 7 to 15 languages: ")
    assert f"{abs(effect['effect'][0]):.3f}" in low
    assert effect["verdict"][0] in low


def test_capacity_is_read_off_the_surface(tested) -> None:
    (text,) = [
        text for text in rows(tested.conclusions(), made(), "F2").values() if "14 lang" in text
    ]
    assert text.startswith("14 languages need ×1.4 [")
    assert text.endswith("with as many tokens")


def test_every_row_has_a_reading_in_a_campaign_of_all_claims(tested) -> None:
    claims = sorted({str(row["claim"]) for row in tables.read("later_evidence")})
    found = rows(tested.conclusions(), capacity_results.cells(tested), *claims)
    assert len(found) == len(tables.read("later_evidence"))
    assert evidence.UNKNOWN not in found.values()


def test_what_was_not_tested_is_said_so(tested) -> None:
    found = rows(tested.conclusions().clear(), made([]), "F1", "F2")
    assert set(found.values()) == {evidence.UNKNOWN}


def test_only_the_claims_asked_for_are_shown(tested) -> None:
    frame = evidence.beside(tested.conclusions(), made(), claims=["F3"]).frame
    assert frame["which is"].to_list() == ["beside F3"]
    assert "α falling" in frame["measured"][0]
