"""The tongues: scripts that lose nothing, grammar that shows, members of a family that resemble."""

import pytest

from xlmr_lab.babel import tongues
from xlmr_lab.babel import world as worlds
from xlmr_lab.babel.scripts import NUM_SYLLABLES, SCRIPTS, spell
from xlmr_lab.babel.tongues import TongueConfig
from xlmr_lab.babel.world import NOTHING, Event
from xlmr_lab.errors import UserError

WORLD = worlds.build(0)


def event(**parts: int | bool) -> Event:
    """Return "an animal does a thing", with parts changed."""
    plain = Event(
        agent=WORLD.first["animal"],
        family=NOTHING,
        action=WORLD.first["action"],
        object=WORLD.first["thing"],
        quality=NOTHING,
        quantity=1,
        place=NOTHING,
        time=NOTHING,
        negated=False,
    )
    return plain._replace(**parts)


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=lambda s: s.code)
def test_every_script_writes_every_syllable_differently(script) -> None:
    assert len(script.syllables) == NUM_SYLLABLES
    assert len(set(script.syllables)) == NUM_SYLLABLES


def test_spelling_is_unambiguous_in_alphabets() -> None:
    """Two Latin syllables have four letters: 'pa' + 'ti'."""
    assert spell(SCRIPTS["Latn"], (0, 6)) == "pati"
    assert spell(SCRIPTS["Cyrl"], (0, 6)) == "пати"
    assert spell(SCRIPTS["Thai"], (3,)) == "\u0e40\u0e1b"


def test_a_hundred_tongues_in_twelve_families_and_scripts() -> None:
    codes = tongues.codes()
    assert len(codes) == len(set(codes)) == 100
    assert all("qaa" <= code <= "qtz" for code in codes)
    described = {tongues.script_and_family(code) for code in codes}
    assert len({script for script, _ in described}) >= 8
    assert len({family for _, family in described}) >= 8


def test_the_default_thirty_have_eight_families_and_scripts() -> None:
    described = {tongues.script_and_family(code) for code in tongues.spread(30)}
    assert len({script for script, _ in described}) >= 8
    assert len({family for _, family in described}) >= 8


def test_tongues_take_the_sizes_of_the_papers_languages_in_order() -> None:
    sizes = [tongues.stands_for(code).size_gib for code in tongues.codes()]
    assert sizes == sorted(sizes, reverse=True)
    assert tongues.stands_for("qaa").key == "en"


def test_word_order_is_the_grammars() -> None:
    for code in tongues.spread(24):
        tongue = tongues.grow(WORLD, code, 0)
        said = event()
        words = [word for word, _ in tongue.words(said)]
        forms = [tongue.forms[said.agent], tongue.forms[said.action], tongue.forms[said.object]]
        expected = {"SVO": (0, 1, 2), "SOV": (0, 2, 1), "VSO": (1, 0, 2)}[tongue.grammar.order]
        assert words == [forms[i] for i in expected]


def test_negation_quality_and_place_are_said() -> None:
    tongue = tongues.grow(WORLD, "qaa", 0, TongueConfig(one_grammar=True))
    quality, place = WORLD.first["quality"], WORLD.first["place"]
    words = [w for w, _ in tongue.words(event(negated=True, quality=quality, place=place))]
    assert words == [
        tongue.forms[WORLD.first["animal"]],
        tongue.functions["not"],
        tongue.forms[WORLD.first["action"]],
        tongue.forms[quality],
        tongue.forms[WORLD.first["thing"]],
        tongue.functions["at"],
        tongue.forms[place],
    ]


def test_names_are_tagged_and_persons_have_two_words() -> None:
    tongue = tongues.grow(WORLD, "qab", 0)
    given, family = WORLD.first["given_name"], WORLD.first["family_name"]
    tags = [
        t for _, t in tongue.words(event(agent=given, family=family, place=WORLD.first["place"]))
    ]
    assert sorted(t for t in tags if t != "O") == ["B-LOC", "B-PER", "I-PER"]
    assert tags[tags.index("B-PER") + 1] == "I-PER"


def test_unspaced_scripts_join_words_but_keep_latin_apart() -> None:
    tongue = tongues.grow(WORLD, "qae", 0)
    assert tongue.script.code == "Hans"
    assert " " not in tongue.write(["天地", "人日"])
    assert tongue.write(["天地", "Rome", "1926", "人"]) == "天地 Rome 1926 人\u3002"


def test_a_family_shares_more_words_than_strangers_do() -> None:
    """In two tongues of a family, words of one meaning begin alike far more often than others."""
    here, kin = (tongues.grow(WORLD, code, 0) for code in ("qaa", "qam"))
    nouns = list(WORLD.concepts("thing")) + list(WORLD.concepts("action"))
    shared = sum(_common_prefix(here.forms[c], kin.forms[c]) >= 2 for c in nouns) / len(nouns)
    mixed = nouns[1:] + nouns[:1]
    chance = sum(
        _common_prefix(here.forms[c], kin.forms[d]) >= 2 for c, d in zip(nouns, mixed, strict=True)
    ) / len(nouns)
    assert shared > chance + 0.1


def test_latin_names_dial_keeps_or_respells_names() -> None:
    kept = tongues.grow(WORLD, "qab", 0, TongueConfig(latin_names=1.0))
    spelled = tongues.grow(WORLD, "qab", 0, TongueConfig(latin_names=0.0))
    places = WORLD.concepts("place")
    assert all(kept.forms[p].isascii() for p in places)
    assert not any(spelled.forms[p].isascii() for p in places)


def test_years_are_digits_in_every_tongue() -> None:
    times = list(WORLD.concepts("time"))[::2]
    years = [[tongues.grow(WORLD, c, 0).forms[t] for t in times] for c in ("qaa", "qad", "qae")]
    assert years[0] == years[1] == years[2]
    assert all(year.isdigit() for year in years[0])


def test_an_unknown_code_is_refused() -> None:
    with pytest.raises(UserError, match="'sw'"):
        tongues.grow(WORLD, "sw", 0)
    with pytest.raises(UserError, match="101"):
        tongues.spread(101)
    with pytest.raises(UserError, match="latin_names"):
        TongueConfig(latin_names=1.5)


def _common_prefix(a: str, b: str) -> int:
    return next(
        (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )


def test_a_language_is_described_whether_real_invented_or_unknown():
    real, invented, unknown = map(tongues.described, ("sw", "qaa", "xx"))
    assert (real["name"], real["script"], real["paper_gib"]) == ("Swahili", "Latn", 1.6)
    assert invented["name"] == f"qaa, sized as {tongues.described('en')['name']}"
    assert invented["paper_gib"] == tongues.described("en")["paper_gib"]
    assert unknown == {"name": "xx", "script": "Zyyy", "family": "unknown", "paper_gib": 0.0}
