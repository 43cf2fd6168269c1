"""The rows of a claim's cells, with the settings that the claim goes through."""

import pytest

from xlmr_lab import campaign_results, claim_results
from xlmr_lab.errors import UserError


@pytest.fixture(scope="module")
def tested(tested_folder):
    return campaign_results.open_campaign(tested_folder)


def test_a_claim_has_its_cells_in_order(tested):
    assert claim_results.cells_of(tested, "F6") == ["base", "large batch", "long"]
    assert claim_results.cells_of(tested, "F15") == ["vocabulary=1900", "adaptive softmax"]
    with pytest.raises(UserError, match=r"did not test F99; it tested F1, F2"):
        claim_results.cells_of(tested, "F99")


def test_rows_have_the_settings_of_their_cell(tested):
    cells = claim_results.cells_of(tested, "F3")
    frame = claim_results.by_setting(tested, cells, "sampling.alpha", "sampling.schedule")
    found = frame.select("cell", "alpha", "schedule").unique(maintain_order=True).rows()
    assert found == [
        ("alpha=0.01", 0.01, "constant"),
        ("alpha=0.3", 0.3, "constant"),
        ("alpha=0.7", 0.7, "constant"),
        ("alpha=1", 1.0, "constant"),
        ("alpha annealed", 0.7, "annealed"),
    ]
    own = tested.heldout().filter(cell="alpha=1")
    assert frame.filter(cell="alpha=1").drop("alpha", "schedule").equals(own)


def test_scores_have_them_too(tested):
    cells = claim_results.cells_of(tested, "F5")
    frame = claim_results.with_settings(tested, tested.scores(), cells, ["corpus.sources"])
    found = {tuple(row["sources"]): row["cell"] for row in frame.iter_rows(named=True)}
    assert found[("encyclopaedia",)] == "encyclopaedia"
    assert len(found) == 2


def test_an_unknown_cell_is_refused(tested):
    with pytest.raises(UserError, match="has no cell 'no such'"):
        claim_results.by_setting(tested, ["no such"], "sampling.alpha")
