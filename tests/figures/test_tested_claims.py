"""The picture of all contrasts shows each where and as its row says."""

import itertools
import json

import plotly.graph_objects as go
import pytest
from made_conclusions import rows

from xlmr_lab import campaign_results
from xlmr_lab.figures import tested_claims, theme


def marks(figure: go.Figure) -> list[go.Scatter]:
    """Return the traces of effects."""
    return [trace for trace in figure.data if trace.name in theme.VERDICT_COLORS]


@pytest.fixture(scope="module")
def conclusions(tested_folder):
    return campaign_results.open_campaign(tested_folder).conclusions()


def test_every_contrast_has_its_effect_in_the_panel_of_its_unit(conclusions):
    figure = tested_claims.overview(conclusions)
    labels = dict(zip(figure.layout.yaxis.tickvals, figure.layout.yaxis.ticktext, strict=True))
    found = {}
    for trace in marks(figure):
        unit = "points" if trace.xaxis == "x2" else "bits per byte"
        for x, y, told in zip(trace.x, trace.y, trace.customdata, strict=True):
            found[told[0]] = (unit, x, trace.name)
            says = conclusions.filter(contrast=told[0])["says"][0]
            shown = labels[y].replace("<br>", " ").replace("<i>", "").replace("</i>", "")
            assert shown.removeprefix("beside it: ") == theme.lettered(says)
    expected = conclusions.select("contrast", "unit", "effect", "verdict").rows()
    assert found == {c: (unit, pytest.approx(x, rel=1e-4), v) for c, unit, x, v in expected}


@pytest.mark.slow
def test_rows_stand_below_their_claim_and_none_on_another(conclusions):
    figure = tested_claims.overview(conclusions)
    tops = [(a.text[3:].split(",")[0], a.y) for a in figure.layout.annotations]
    tops = [(claim, y) for claim, y in tops if claim.startswith("F")]
    assert [claim for claim, _ in tops] == conclusions["claim"].unique(
        maintain_order=True
    ).to_list()
    ends = [*(y for _, y in tops[1:]), figure.layout.yaxis.range[0]]
    places = list(figure.layout.yaxis.tickvals)
    for (claim, top), end in zip(tops, ends, strict=True):
        own = [y for y in places if top < y < end]
        assert len(own) == len(conclusions.filter(claim=claim))
    assert places == sorted(places)
    assert min(b - a for a, b in itertools.pairwise(places)) >= tested_claims.LINE


def test_an_interval_is_drawn_to_its_ends():
    figure = tested_claims.overview(rows({}))
    (trace,) = (trace for trace in marks(figure) if len(trace.x))
    assert list(trace.error_x.array) == [0.05]
    assert list(trace.error_x.arrayminus) == [0.05]
    assert figure.layout.xaxis.range[1] > 0.15


def test_an_interval_that_is_much_wider_than_effects_is_cut_off_with_an_arrow():
    wide = {"low": -9.0, "high": 0.2, "verdict": "inconclusive"}
    figure = tested_claims.overview(rows({}, wide | {"contrast": "F3-high"}))
    edge = figure.layout.xaxis.range[1]
    assert 0.2 < edge < 1
    arrows = [
        (x, symbol)
        for trace in figure.data
        if isinstance(trace.marker.symbol, tuple)
        for x, symbol in zip(trace.x, trace.marker.symbol, strict=True)
    ]
    assert arrows == [(-edge, "triangle-left")]
    (cut,) = (trace for trace in marks(figure) if trace.name == "inconclusive" and len(trace.x))
    assert cut.error_x.arrayminus[0] == pytest.approx(0.1 + edge, rel=1e-4)


def test_a_unit_that_no_row_has_takes_no_room():
    scores = tested_claims.overview(rows({"unit": "points", "effect": 3.0}))
    assert scores.layout.xaxis.title.text == "points"
    assert scores.layout.xaxis.domain == (0, 1)
    assert {trace.xaxis for trace in marks(scores)} == {"x"}


def test_what_is_no_part_of_a_claim_is_said_to_stand_beside_it():
    figure = tested_claims.overview(rows({}, {"contrast": "F3-annealed", "aside": True}))
    assert [text.count("beside it") for text in figure.layout.yaxis.ticktext] == [0, 1]


def test_what_is_not_known_is_said_and_one_seed_has_no_interval():
    nothing = {"effect": None, "low": None, "high": None, "verdict": "inconclusive"}
    one = nothing | {"effect": 0.1, "num_seeds": 1, "contrast": "F3-one"}
    figure = tested_claims.overview(rows(nothing | {"note": "nothing is known of 'base'"}, one))
    (said,) = (trace for trace in figure.data if trace.mode == "text" and len(trace.x))
    assert said.text == ("not known",)
    assert said.customdata[0][1] == "nothing is known of 'base'"
    (dot,) = (trace for trace in marks(figure) if len(trace.x))
    assert dot.x == (0.1,)
    assert "nan" not in json.dumps(figure.to_plotly_json(), default=list).lower()
    assert "seeds (1 to 3)" in figure.layout.title.text


def test_verdicts_are_counted_and_alpha_is_a_letter():
    figure = tested_claims.overview(rows({}, {"contrast": "F3-high", "verdict": "contradicted"}))
    title = figure.layout.title.text
    assert "1 supported" in title
    assert "1 contradicted" in title
    assert "0 inconclusive" in title
    (heading,) = (a.text for a in figure.layout.annotations if a.text.startswith("<b>"))
    assert heading == "<b>F3, supported.</b> \u03b1 trades"


def test_no_claims_are_said_to_be_none():
    figure = tested_claims.overview(rows())
    assert figure.layout.annotations[0].text == tested_claims.NOTHING
