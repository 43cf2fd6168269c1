"""Variants: the seven keep their text where languages are added, and widths keep their shape."""

import itertools

import pytest

from xlmr_lab import configs, languages
from xlmr_lab.ablations import scales, variants
from xlmr_lab.babel import corpora, tongues
from xlmr_lab.errors import UserError


def test_added_languages_leave_the_text_of_the_seven_alone():
    base = scales.laptop().base
    before = corpora.sizes(base.babel)
    after = corpora.sizes(variants.more_languages(base, 30).babel)
    assert len(after) == 30
    for code, size in before.items():
        assert after[code] == pytest.approx(size, rel=1e-5)


def test_a_larger_set_holds_the_smaller_ones_and_kin_from_the_first_on():
    base = scales.laptop().base
    sets = [variants.more_languages(base, n).babel.languages for n in (7, 8, 15, 30, 60, 100)]
    for fewer, more in itertools.pairwise(sets):
        assert more[: len(fewer)] == fewer
    assert len(set(sets[-1])) == 100
    family = tongues.script_and_family(scales.SEVEN[0])
    related = [tongues.script_and_family(code) == family for code in sets[2]]
    assert related[7:11] == [True, False, False, True]
    assert sum(related) == 9, "all that there are of it"


def test_languages_that_join_are_spread_over_the_sizes():
    """However many join, each third of Babel's languages by size has its share of them."""
    base, everything = scales.laptop().base, tongues.codes()
    for count in (15, 30, 60):
        added = variants.more_languages(base, count).babel.languages[7:]
        thirds = [everything.index(code) * 3 // 100 for code in added]
        wanted = pytest.approx(len(added) / 3, abs=2)
        assert [thirds.count(third) for third in range(3)] == [wanted] * 3


def test_tiers_are_the_papers_or_else_by_size_however_languages_are_named():
    assert variants.tiers_of(scales.real().base) == (("en", "fr"), ("sw", "ur"))
    laptop = scales.laptop().base
    wanted = ("qaa", "qam"), ("qcu", "qds")
    assert variants.tiers_of(laptop) == wanted
    turned = configs.override(laptop, ["babel.languages=qds,qcu,qay,qam,qaa"])
    high, low = variants.tiers_of(turned)
    assert (high, set(low)) == (wanted[0], set(wanted[1]))
    own = configs.override(scales.real().base, ["corpus.languages=sw,de,pl,ru,hi"])
    assert variants.tiers_of(own) == (("ru", "de"), ("hi", "sw"))


def test_more_languages_than_babel_has_are_refused():
    with pytest.raises(UserError, match=r"languages must be 7 to 100 on Babel, got 101"):
        variants.more_languages(scales.laptop().base, 101)


def test_fifteen_of_the_paper_are_those_of_xnli():
    config = variants.more_languages(scales.paper().base, 15)
    assert set(config.corpus.languages) == set(languages.FIFTEEN)
    assert len(variants.more_languages(config, 100).corpus.languages) == 100


def test_a_wider_model_has_heads_and_layers_in_proportion():
    base = scales.laptop().base
    assert variants.wider(base, 64) == base, "the same runs"
    model = variants.wider(base, 96).model
    assert (model.hidden_size, model.num_heads, model.ffn_size) == (96, 3, 384)


def test_a_shortened_language_is_short_alone_and_among_the_others():
    base = scales.laptop().base
    among = variants.shortened(base, "qam", 5000).part
    own = variants.shortened(variants.alone(base, "qam"), "qam", 5000).part
    assert (among.languages, among.shortened, among.most_bytes) == ((), ("qam",), 5000)
    assert own.languages == ("qam",)
    assert own.is_short("qam")
    assert not among.is_short("qaa")


def test_a_language_alone_has_its_text_and_its_share_of_ids():
    base = scales.laptop().base
    low = scales.SEVEN[-1]
    config = variants.alone(base, low)
    assert config.babel == base.babel, "the same text, of which the others are left out"
    assert config.part.languages == (low,)
    assert config.vocabulary.size == round(1400 * 40 / 150)
    assert config.nli.train_language == low


def test_initial_weights_and_learning_rate_follow_the_width():
    """Twice the width: half the learning rate, and a root of two less in the weights."""
    base = scales.laptop().base
    wide = variants.of_width(base, 128, num_heads=2)
    assert (wide.model.num_heads, wide.model.ffn_size) == (2, 512)
    assert wide.model.init_std == pytest.approx(0.12 / 2**0.5)
    assert wide.pretrain.peak_learning_rate == pytest.approx(base.pretrain.peak_learning_rate / 2)
