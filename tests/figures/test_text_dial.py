"""F13's figures: one language by the amount of its own text, alone and together."""

import polars as pl
import pytest

from xlmr_lab import campaign_results, claim_results
from xlmr_lab.figures import text_dial

TOGETHER = "together with others"


def row(language, arm, size, seed, bits):
    tier = {"qaa": "high", "qab": "low"}[language]
    return {"language": language, "name": language, "tier": tier, "size_bytes": 160_000} | {
        "arm": arm,
        "text_bytes": float(size),
        "seed": seed,
        "bits_per_byte": bits,
        "best_step": 9,
    }


@pytest.fixture
def frame():
    """qaa alone at 10, 40 and 160 kB: 4, 3 and 2 bits; 10 kB of it together: 2.5 bits. Seed 1 is a
    bit above everywhere.
    """
    found = []
    for seed in (0, 1):
        for size, bits in ((10_000, 4.0), (40_000, 3.0), (160_000, 2.0)):
            found.append(row("qaa", "alone", size, seed, bits + seed))
        found.append(row("qaa", TOGETHER, 10_000, seed, 2.5 + seed))
        found.append(row("qaa", TOGETHER, 160_000, seed, 2.2 + seed))
        found.append(row("qab", "alone", 20_000, seed, 3.0 + seed))
        found.append(row("qab", TOGETHER, 20_000, seed, 2.0 + seed))
    return pl.DataFrame(found)


def test_lines_are_of_the_language_that_goes_through_amounts(frame):
    alone, together = text_dial.swept(frame).data
    assert (alone.name, together.name) == ("alone", TOGETHER)
    assert list(alone.x) == [10_000, 40_000, 160_000]
    assert list(alone.y) == pytest.approx([4.5, 3.5, 2.5])
    assert list(together.x) == [10_000, 160_000]


def test_a_seed_that_some_cells_lack_is_in_no_mean(frame):
    more = pl.concat([frame, pl.DataFrame([row("qaa", TOGETHER, 10_000, 2, 99.0)])])
    figure = text_dial.swept(more)
    assert figure == text_dial.swept(frame)
    assert "2 pretraining seeds" in figure.layout.title.text


def test_little_text_together_is_worth_more_alone(frame):
    shown = text_dial.worth(frame).frame
    assert shown["text together"].to_list() == ["10 kB", "160 kB"]
    assert shown["worth alone [95\u00a0% interval]"][0] == "80 kB [80 kB, 80 kB]"
    assert shown["times as much"].to_list() == ["8", "0.76"]  # 80 / 10; 121 / 160


def test_an_arrow_leads_from_each_amount_to_what_it_is_worth(frame):
    notes = text_dial.swept(frame).layout.annotations
    arrows = [(round(10**note.ax), round(10**note.x)) for note in notes if note.arrowhead]
    assert arrows[0] == (10_000, 80_000)
    assert [note.text for note in notes if note.text] == ["80 kB", "120 kB"]


def test_beyond_the_curve_there_is_no_arrow_and_it_is_said(frame):
    better = (pl.col("arm") == TOGETHER) & (pl.col("text_bytes") == 10_000) & (pl.col("seed") == 0)
    changed = frame.with_columns(
        bits_per_byte=pl.when(better).then(1.0).otherwise(pl.col("bits_per_byte"))
    )
    shown = text_dial.worth(changed).frame
    assert shown["worth alone [95\u00a0% interval]"][0] == "more than 160 kB in 1 of 2 seeds"
    assert shown["times as much"][0] is None
    arrows = [note for note in text_dial.swept(changed).layout.annotations if note.arrowhead]
    assert len(arrows) == 1
    worse = frame.with_columns(
        bits_per_byte=pl.when(arm=TOGETHER).then(9.0).otherwise(pl.col("bits_per_byte"))
    )
    told = text_dial.worth(worse).frame["worth alone [95\u00a0% interval]"].to_list()
    assert told == ["less than 10 kB in 2 of 2 seeds"] * 2


def test_one_seed_has_no_interval(frame):
    shown = text_dial.worth(frame.filter(seed=0)).frame
    assert shown["worth alone [95\u00a0% interval]"][0] == "80 kB (no interval: one seed)"


def test_languages_are_compared_with_all_their_text(frame):
    figure = text_dial.alone_or_together(frame)
    gains = {trace.name: list(trace.y) for trace in figure.data}
    assert gains["high"] == pytest.approx([-0.2])  # 160 kB, not the 10 kB together
    assert gains["low"] == pytest.approx([1.0])


def test_no_amounts_are_said(frame):
    for part in (frame.clear(), frame.filter(language="qab"), frame.filter(arm=TOGETHER)):
        figure = text_dial.swept(part)
        assert not figure.data
        assert "F13" in figure.layout.annotations[0].text
        assert "F13" in text_dial.worth(part).frame.item()


def test_without_the_others_the_curve_stands_alone(frame):
    figure = text_dial.swept(frame.filter(arm="alone"))
    assert [trace.name for trace in figure.data] == ["alone"]
    assert text_dial.worth(frame.filter(arm="alone")).frame.is_empty()


def test_a_campaigns_dial_is_drawn(tested_folder):
    frame = claim_results.text_dial(campaign_results.open_campaign(tested_folder))
    assert len(text_dial.swept(frame).data[0].x) == 3
    assert "qam" in text_dial.swept(frame).layout.title.text


def test_broader_text_is_told_in_points_of_ner(tested_folder):
    figure = text_dial.broader(claim_results.corpora(campaign_results.open_campaign(tested_folder)))
    assert [trace.name for trace in figure.data] == ["high", "mid", "low", "mean"]
    assert 2.5 < figure.data[-1].y[0] < 3.5  # made 0.03 better
    assert figure.layout.yaxis.title.text == "gain (points)"
