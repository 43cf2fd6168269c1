"""Claims as grids: every scale has them, and their contrasts compare what the claims say."""

import dataclasses

import pytest

from xlmr_lab.ablations import paper_claims, scales
from xlmr_lab.ablations.claims import languages, sampling, training, transfer, vocabularies
from xlmr_lab.ablations.grid import Cell, Claim, Contrast, Outcome
from xlmr_lab.errors import UserError

LAPTOP = scales.laptop()


def contrast(claim: Claim, name: str) -> Contrast:
    return next(c for c in claim.contrasts if c.id == name)


def cell(claim: Claim, name: str) -> Cell:
    return next(c for c in claim.cells if c.name == name)


@pytest.mark.parametrize("scale", scales.SCALES)
@pytest.mark.parametrize("name", paper_claims.CLAIMS)
def test_every_claim_stands_at_every_scale(scale, name):
    (claim,) = paper_claims.claims(scales.scale(scale), (name,))
    assert claim.id == name
    assert claim.contrasts


def test_alpha_trades_low_against_high():
    claim = sampling.alpha(LAPTOP)
    assert [c.config.sampling.alpha for c in claim.cells[:4]] == [0.01, 0.3, 0.7, 1.0]
    low, high = contrast(claim, "F3-low"), contrast(claim, "F3-high")
    assert [(b.cell, w.cell, b.language) for b, w in low.pairs] == [
        ("alpha=0.01", "alpha=1", "qcu"),
        ("alpha=0.01", "alpha=1", "qds"),
    ]
    assert [(b.cell, w.cell, b.language) for b, w in high.pairs] == [
        ("alpha=1", "alpha=0.01", "qaa"),
        ("alpha=1", "alpha=0.01", "qam"),
    ]


def test_the_curse_compares_the_same_languages_among_fewer_and_more():
    claim = languages.curse(LAPTOP)
    assert [len(c.config.babel.codes()) for c in claim.cells] == list(LAPTOP.counts)
    lose = contrast(claim, "F1-high-lose-7-60")
    assert {(b.cell, w.cell) for b, w in lose.pairs} == {("languages=7", "languages=60")}
    assert "80 to 74" in lose.paper


def test_all_languages_are_compared_with_transfer_in_the_others():
    claim = transfer.nli(LAPTOP)
    pairs = contrast(claim, "F8-all-zero").pairs
    assert [b.language for b, _ in pairs] == list(scales.SEVEN[1:])
    better, worse = pairs[0]
    assert better.outcome == Outcome(
        kind="score", task="nli", metric="accuracy", protocol="translate-train-all"
    )
    assert worse.outcome == dataclasses.replace(better.outcome, protocol="zero-shot")
    (own,) = claim.cells
    assert own.config.evaluated == ("nli",)
    assert own.config.nli.finetune.selections == ("joint-dev", "per-language-dev")


def test_parameters_follow_the_formula_of_the_paper():
    base = scales.paper().base
    assert (
        vocabularies.parameters_of(base, 768, 150_000)
        == 4 * 12 * 768**2 + 2 * 12 * (768 * 3072) + 150_000 * 768
    )


def test_a_larger_vocabulary_with_as_many_parameters_has_a_narrower_body():
    claim = vocabularies.size(LAPTOP)
    few, many = LAPTOP.vocabularies[0], LAPTOP.vocabularies[-1]
    narrow = cell(claim, f"vocabulary={many} narrow").config
    base = LAPTOP.base
    small = vocabularies.parameters_of(base, base.model.hidden_size, few)
    found = vocabularies.parameters_of(base, narrow.model.hidden_size, many)
    assert narrow.model.hidden_size < base.model.hidden_size
    assert found == pytest.approx(small, rel=0.1)


def test_a_large_batch_and_a_long_run_see_as_many_tokens():
    claim = training.batch_and_length(LAPTOP)
    seen = {c.name: c.config.batches.batch_sequences * c.config.pretrain.steps for c in claim.cells}
    assert seen["large batch"] == seen["long"] == training.FACTOR * seen["base"]


def test_contrasts_name_cells_that_are_there():
    claim = sampling.alpha(LAPTOP)
    with pytest.raises(UserError, match=r"contrasts name cells that are not there.*alpha=1"):
        dataclasses.replace(claim, cells=claim.cells[:1])


def test_an_unknown_claim_is_refused_with_those_there_are():
    with pytest.raises(UserError, match=r"unknown claim 'F99'; there are F1, F2"):
        paper_claims.claims(LAPTOP, ("F99",))


@pytest.mark.parametrize("name", scales.SCALES)
def test_every_score_that_a_contrast_needs_is_made(name):
    """By the cell's tasks, protocols, selections and baselines; held-out loss always is."""
    for claim in paper_claims.claims(scales.scale(name)):
        cells = {cell.name: cell for cell in claim.cells}
        for term in (term for c in claim.contrasts for pair in c.pairs for term in pair):
            outcome, own = term.outcome, cells[term.cell]
            if outcome.kind == "heldout":
                continue
            section, _, part = outcome.task.partition("-")
            settings = getattr(own.config, section)
            where = f"{claim.id}, {term}"
            assert own.evaluated, where
            assert section in own.config.evaluated, where
            assert not part or part in own.config.glue.tasks, where
            assert outcome.protocol in settings.protocols, where
            assert outcome.selection in settings.finetune.selections, where
            assert own.baselines or not outcome.arm, where
