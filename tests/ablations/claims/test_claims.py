"""Claims as grids: every scale has them, and their contrasts compare what the claims say."""

import dataclasses

import pytest

from xlmr_lab import configs
from xlmr_lab.ablations import campaign, paper_claims, scales
from xlmr_lab.ablations.claims import (
    data,
    embeddings,
    languages,
    printed,
    sampling,
    text_size,
    training,
    transfer,
    vocabularies,
)
from xlmr_lab.ablations.grid import (
    ACROSS_VOCABULARIES,
    BEST,
    OF_WORDS,
    Cell,
    Claim,
    Contrast,
    Outcome,
)
from xlmr_lab.errors import UserError
from xlmr_lab.paper import tables

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


@pytest.mark.parametrize(("grid", "count"), [(sampling.alpha, 6), (vocabularies.size, 3)])
def test_real_text_is_judged_by_losses_and_by_scores(grid, count):
    claim, losses = grid(scales.real()), grid(LAPTOP).contrasts
    assert all(own.evaluated for own in claim.cells)
    assert not any(own.evaluated for own in grid(LAPTOP).cells)
    assert len(claim.contrasts) == len(losses) + count
    found = claim.contrasts[:count], claim.contrasts[count : 2 * count]
    for loss, score in zip(*found, strict=True):
        assert (score.id, score.says) == (f"{loss.id}-ner", f"{loss.says}, by NER")
        assert {term.outcome.task for term in score.terms} == {"ner"}
        assert [(t.cell, t.language) for t in score.terms] == [
            (t.cell, t.language) for t in loss.terms
        ]


def test_a_task_without_one_measure_is_refused():
    scale = scales.real()
    base = configs.override(scale.base, ["evaluated=glue"])
    with pytest.raises(UserError, match=r"evaluated must be of nli, ner, qa for F3 and F4, got gl"):
        sampling.alpha(dataclasses.replace(scale, base=base))


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


def test_models_of_glue_are_chosen_on_the_same_dev_sets():
    """That of all languages has others beside, which a model of one cannot have."""
    (claim,) = paper_claims.claims(scales.laptop(), ("F11",))
    assert {t.outcome.selection for c in claim.contrasts for t in c.terms} == {"per-language-dev"}
    for cell in claim.cells:
        assert "per-language-dev" in cell.config.glue.finetune.selections


def test_parameters_follow_the_formula_of_the_paper():
    base = scales.paper().base
    assert (
        vocabularies.parameters_of(base, 768, 150_000)
        == 4 * 12 * 768**2 + 2 * 12 * (768 * 3072) + 150_000 * 768
    )


def test_a_larger_vocabulary_with_as_many_parameters_has_a_narrower_body():
    claim = vocabularies.size(LAPTOP)
    few, many = LAPTOP.vocabularies[0], LAPTOP.vocabularies[-1]
    wide, narrow = (
        cell(claim, f"vocabulary={ids} at constant parameters").config for ids in (few, many)
    )
    base = LAPTOP.base
    wanted = vocabularies.parameters_of(base, base.model.hidden_size, base.vocabulary.size)
    found = vocabularies.parameters_of(base, narrow.model.hidden_size, many)
    assert narrow.model.hidden_size < base.model.hidden_size < wide.model.hidden_size
    assert found == pytest.approx(wanted, rel=0.1)
    assert vocabularies.fixed(base, base.vocabulary.size) == base


def test_widths_at_constant_parameters_are_those_of_the_papers_formula():
    """Of 200.1 million weights: 12 layers of width 768 and 150,000 ids. Heads divide the width."""
    for row in tables.read("derived_fixed_capacity_widths"):
        exact = row["H_exact_for_P=BERT-base+150k(200.1M)_L=12_Hff=4H"]
        model = vocabularies.fixed(scales.paper().base, int(row["vocab"])).model
        assert model.hidden_size == pytest.approx(exact, abs=model.num_heads)
        assert model.hidden_size % model.num_heads == 0


def test_a_large_batch_and_a_long_run_see_as_many_tokens():
    claim = training.batch_and_length(LAPTOP)
    seen = {c.name: c.config.batches.batch_sequences * c.config.pretrain.steps for c in claim.cells}
    assert seen["large batch"] == seen["long"] == training.FACTOR * seen["base"]


def test_contrasts_name_cells_that_are_there():
    claim = sampling.alpha(LAPTOP)
    with pytest.raises(UserError, match=r"contrasts name cells that are not there.*alpha=1"):
        dataclasses.replace(claim, cells=claim.cells[:1])


def test_a_claim_of_asides_alone_is_refused():
    claim = sampling.alpha(LAPTOP)
    with pytest.raises(UserError, match="F3: all its contrasts are asides, so nothing decides it"):
        dataclasses.replace(claim, contrasts=(contrast(claim, "F3-annealed"),))


def test_what_the_paper_does_not_say_is_an_aside():
    every = [c for claim in paper_claims.claims(LAPTOP) for c in claim.contrasts]
    asides = {c.id for c in every if c.aside}
    pieces = {c.id for c in every if c.id.endswith("-pieces")}
    assert asides == {"F3-annealed", "F6-equal", "F8-pretraining", "F8-low", "F12-each", *pieces}
    assert {name.removesuffix("-pieces") for name in pieces} == {
        *("F1-low-gain-7-15", "F1-high-lose-7-60", "F1-low-lose-15-60"),
        *("F2-gain-64-128", "F2-lifts-96", "F2-curse-64-128"),
        *("F4-body-500-1900", "F4-parameters-500-1900", "F4-more-500-1900", "F7"),
    }
    assert all(c.aside for c in every if "not the paper's" in c.says)


def test_numbers_of_the_paper_are_those_of_its_tables():
    """As printed in v2: Table 1 has 83.6 and 80.9, Table 5 has 77.5, 76.2 and 80.0, Figure 5 reads
    58 and 49."""
    told = {c.id: c.paper for claim in paper_claims.claims(LAPTOP) for c in claim.contrasts}
    assert told["F8-all-zero"].startswith("83.6 (XLM-R, translate-train-all) and 80.9 (XLM-R, zero")
    assert told["F12-monolingual"].startswith("77.5 (BERT of each) and 76.2 (XLM-7, zero-shot)")
    assert told["F12-all"].startswith("77.5 (BERT of each) and 80 (XLM-7, translate-train-all)")
    assert told["F3-low"].startswith("XNLI 58 to 49 from alpha=0.01 to alpha=1.0")
    assert told["F11"].startswith("92.4 (XLM-R) and 93.6 (RoBERTa) over the same tasks, 91.8")
    with pytest.raises(UserError, match="2 rows of xnli are of 'XLM-R'"):
        printed.average("xnli", "XLM-R")
    with pytest.raises(UserError, match="Figure 2 has no point 'n_langs=8' of 'low'"):
        printed.figure(2, ("n_langs=8", "low"), ("n_langs=7", "low"))


def test_some_languages_at_medium_width_are_compared_with_few_at_the_base():
    """As 30 at width 960 with 7 at 768 in Figure 4; and the loss to many is compared by width."""
    claim = languages.capacity(scales.gpu())
    lifts = contrast(claim, "F2-lifts-320").pairs[0]
    assert [term.cell for term in lifts] == ["languages=30 width=320", "languages=7 width=256"]
    curse = contrast(claim, "F2-curse-256-384")
    assert [[t.cell for t in part[0]] for part in (curse.pairs, curse.less)] == [
        ["languages=7 width=256", "languages=100 width=256"],
        ["languages=7 width=384", "languages=100 width=384"],
    ]


def test_low_resource_languages_gain_most_where_encyclopaedias_are_of_uneven_size():
    """On Babel they are equal, so that a large language loses most whatever the text is worth."""
    assert [c.id for c in data.source(LAPTOP).contrasts] == ["F5-all", "F5-low"]
    most = contrast(data.source(scales.paper()), "F5-most")
    assert [better.language for better, _ in most.pairs] == ["sw", "ur"]
    assert [better.language for better, _ in most.less] == ["en", "fr"]
    assert "low XNLI 61.55 to 69.05" in most.paper


def test_code_switched_text_is_of_the_language_learned_and_each_other_both_ways():
    claim = embeddings.language_embeddings(LAPTOP)
    switched = contrast(claim, "F14-code-switched")
    pairs = switched.pairs
    named = [better.language for better, _ in pairs]
    assert named[:4] == ["qaa-qam", "qam-qaa", "qaa-qay", "qay-qaa"]
    assert len(named) == 12
    told = [better.language for better, _ in switched.less]
    assert told == [name.partition("-")[0] for name in named], "of the grammar, as models are told"
    better, worse = (cell(claim, term.cell).config.model for term in pairs[0])
    assert (better.language_embeddings, worse.language_embeddings) == (False, True)


def test_a_language_of_little_text_is_compared_alone_and_among_the_others():
    claim = text_size.size(LAPTOP)
    (least,) = contrast(claim, "F13-least").pairs
    assert [term.cell for term in least] == ["30 kB of qam", "alone 30 kB of qam"]
    among, own = (cell(claim, term.cell).config.part for term in least)
    assert (among.languages, own.languages) == ((), ("qam",))
    assert among.most_bytes == own.most_bytes == 30_000
    (lowers,) = contrast(claim, "F13-lowers").pairs
    assert [term.cell for term in lowers] == ["30 kB of qam", "alone 120 kB of qam"]
    outcomes = {term.outcome for c in claim.contrasts for term in c.terms}
    assert outcomes == {BEST}


def test_losses_across_vocabularies_say_what_they_are_worth():
    """Wherever held-out losses of one contrast are of vocabularies of different sizes or models."""
    claims = [c for make in (scales.laptop, scales.real) for c in paper_claims.claims(make())]
    for claim in claims:
        named = {c.name: c.config for c in claim.cells}
        cells = {n: (c.vocabulary, c.babel, c.corpus, c.part) for n, c in named.items()}
        crossed = {
            b.outcome.kind
            for c in claim.contrasts
            for b, w in c.pairs
            if cells[b.cell] != cells[w.cell] and not c.aside
        }
        assert ("heldout" in crossed) == (ACROSS_VOCABULARIES in claim.stand_in), claim.id
        assert ("words" in crossed) == (OF_WORDS in claim.stand_in), claim.id


def test_no_claim_speaks_of_babel_where_text_is_ones_own():
    told = [claim.stand_in for claim in paper_claims.claims(scales.paper())]
    assert all(told)
    assert not [line for line in told if "Babel" in line]


def test_differences_are_taken_off_as_many():
    claim = languages.capacity(LAPTOP)
    curse = claim.contrasts[-1]
    with pytest.raises(UserError, match=r"takes 1 differences off 7; give as many, or none"):
        dataclasses.replace(curse, less=curse.less[:1])


def test_a_base_of_too_few_languages_is_refused():
    scale = LAPTOP
    base = configs.override(scale.base, ["babel.languages=qaa,qam,qay,qbk"])
    with pytest.raises(UserError, match=r"at least 5, got qaa, qam, qay, qbk"):
        paper_claims.claims(dataclasses.replace(scale, base=base), ("F3",))
    (found,) = paper_claims.claims(dataclasses.replace(scale, base=base), ("F7",))
    assert found.id == "F7", "it has no tiers"


def test_an_unknown_claim_is_refused_with_those_there_are():
    with pytest.raises(UserError, match=r"unknown claim 'F99'; there are F1, F2"):
        paper_claims.claims(LAPTOP, ("F99",))


@pytest.mark.parametrize("name", scales.SCALES)
def test_every_score_that_a_contrast_needs_is_made(name):
    """By the cell's tasks, protocols, selections and baselines; held-out loss always is."""
    for claim in paper_claims.claims(scales.scale(name)):
        cells = {cell.name: cell for cell in claim.cells}
        for term in (term for c in claim.contrasts for term in c.terms):
            outcome, own = term.outcome, cells[term.cell]
            if outcome.kind != "score":
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


@pytest.mark.parametrize("name", scales.SCALES)
def test_no_contrast_compares_a_cell_with_itself(name):
    for claim in paper_claims.claims(scales.scale(name)):
        cells = {own.name: own for own in claim.cells}
        for own in claim.contrasts:
            campaign.require_two(own, cells)
