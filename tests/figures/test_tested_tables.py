"""Tables and words on tested claims: what is counted and corrected, by hand."""

import pytest
from made_conclusions import rows

from xlmr_lab import campaign_results
from xlmr_lab.figures import tested_tables
from xlmr_lab.intervals import mean_interval, p_value

SPACE = "\u00a0"


def plain(text: str) -> str:
    return text.replace(SPACE, " ")


def contrast(values: list[float], **changes: object) -> dict[str, object]:
    """Return what a row says of an effect with these values of seeds."""
    mean, low, high, n = mean_interval(values)
    verdict = "supported" if low > 0 else "contradicted" if high < 0 else "inconclusive"
    return {"effect": mean, "low": low, "high": high, "num_seeds": n, "verdict": verdict} | changes


STRONG = contrast([0.10, 0.101, 0.102])
WEAK = contrast([0.05, 0.08, 0.11])
OPEN = contrast([0.05, -0.02, 0.04], lean="leans for", seeds_needed=47)
NONE = {"effect": None, "low": None, "high": None, "verdict": "inconclusive", "num_seeds": 0}


def test_each_part_of_a_claim_is_corrected_for_all_and_what_stands_beside_for_none():
    frame = tested_tables.judged(rows(STRONG, WEAK, OPEN, STRONG | {"aside": True}, NONE))
    alone = [p_value(*mean_interval(v)) for v in ([0.1, 0.101, 0.102], [0.05, 0.08, 0.11])]
    strong, weak, undecided, beside, unknown = frame["together"]
    assert (strong, weak) == pytest.approx((3 * alone[0], 2 * alone[1]), rel=1e-9)
    assert alone[1] < 0.05 < weak < undecided
    assert (beside, unknown) == (None, None)


def test_words_count_claims_contrasts_and_what_chance_decides():
    other = {"claim": "F4", "claim_verdict": "mixed"}
    beside = STRONG | {"aside": True}
    told = plain(
        tested_tables.words(rows(STRONG, beside, WEAK | other, OPEN | other, NONE | other))
    )
    assert "**1 of 2 tested claims are decided**: 1 supported and 1 mixed (parts" in told
    assert "rest on 4 contrasts, 3 of them with an interval, 2 decided" in told
    assert "0.15 of them on average would be decided" in told
    assert "1 of the 2 would remain" in told


def test_no_claims_are_said_to_be_none():
    none = rows()
    assert tested_tables.words(none) == tested_tables.NOTHING
    for table in (tested_tables.verdicts(none), tested_tables.details(none)):
        assert table.frame.rows() == [(tested_tables.NOTHING,)]


def test_a_claim_is_told_once_with_its_contrasts_counted_and_those_beside_left_out():
    frame = rows(STRONG, OPEN, OPEN, WEAK | {"aside": True}, WEAK | {"claim": "F4"})
    first, second = tested_tables.verdicts(frame).frame.iter_rows()
    assert [plain(cell) for cell in first] == [
        "F3: \u03b1 trades",
        "supported",
        "1 supported, 2 inconclusive",
        "1 of 3",
        "5.1, Figure 5",
        "the same exponents",
    ]
    assert plain(second[2]) == "1 supported"


def test_a_contrast_is_told_with_all_that_is_known_of_it():
    named = {"contrast": "F3-best", "paper": "65 to 66 from alpha=0.01 to alpha=0.3"}
    (row,) = tested_tables.details(rows(OPEN | named)).frame.to_dicts()
    assert {plain(name): plain(value) for name, value in row.items()} == {
        "contrast": "F3-best: low-resource languages lose",
        "effect [95 %]": "+0.023 [\u22120.071, +0.117] bits per byte",
        "verdict": "inconclusive, leans for",
        "in the paper": "65 to 66 from \u03b1 = 0.01 to \u03b1 = 0.3",
        "languages too": "[\u22120.10, +0.30]",
        "p, together": "0.4",
        "seeds": "3",
        "takes": "47",
        "least": "0.012",
        "languages": "2",
        "s. d.": "0.01 / 0 / 0.02",
    }


def test_what_is_missing_has_a_column_where_something_is():
    frame = tested_tables.details(rows(STRONG, NONE | {"note": "nothing is known of 'a'"})).frame
    assert frame["missing"].to_list() == [None, f"nothing{SPACE}is{SPACE}known{SPACE}of{SPACE}'a'"]
    assert frame["verdict"].to_list() == ["supported", "not known"]
    assert frame.row(1, named=True)[f"effect [95{SPACE}%]"] is None


def test_seeds_are_told_where_more_would_decide():
    one = {"num_seeds": 1, "low": None, "high": None, "verdict": "inconclusive"}
    never = OPEN | {"seeds_needed": None}
    takes = tested_tables.details(rows(STRONG, one, OPEN, never, NONE)).frame["takes"]
    assert takes.to_list() == [None, "2 or more", "47", f"over{SPACE}1,000", None]


def test_missing_values_stand_together_by_cell_and_none_is_said():
    seeds = [{"cell": "a", "stage": "pretraining", "why": f"seed {n}"} for n in (1, 2)]
    text = {"cell": "b", "stage": "text", "why": "no such folder"}
    assert tested_tables.missing([*seeds, text]).frame.rows() == [
        ("a", "pretraining", "seed 1; seed 2"),
        ("b", "text", "no such folder"),
    ]
    assert "nothing is missing" in tested_tables.missing([]).frame.item()


def test_a_whole_campaign_is_told(tested_folder):
    frame = campaign_results.open_campaign(tested_folder).conclusions()
    assert len(tested_tables.verdicts(frame).frame) == 15
    assert len(tested_tables.details(frame).frame) == len(frame)
    assert "of 15 tested claims" in tested_tables.words(frame)


def test_some_claims_are_shown_with_the_corrections_for_all():
    frame = rows(STRONG, WEAK | {"claim": "F4"}, OPEN | {"claim": "F5"})
    everything, some = (tested_tables.details(frame, claims=c).frame for c in ((), ("F4", "F5")))
    assert some.equals(everything[1:])
    assert tested_tables.details(frame, claims=["F9"]).frame.item() == tested_tables.NOTHING
