"""By how much one cell is better than another, language by language."""

import polars as pl
import pytest

from xlmr_lab.figures import cell_pairs
from xlmr_lab.student_t import student_t_quantile

LANGUAGES = {"qaa": ("high", 4000), "qab": ("low", 1000)}


def rows(arm, seed, **values):
    return [
        {"arm": arm, "seed": seed, "language": key, "name": key, "step": step}
        | {"tier": LANGUAGES[key][0], "size_bytes": LANGUAGES[key][1]}
        | {"bits_per_byte": value + (step == 1) * 5.0, "value": value}
        for key, value in values.items()
        for step in (1, 2)
    ]


@pytest.fixture
def frame():
    """Two arms, two seeds: `new` is lower by 0.1 and 0.3 in qaa, higher by 0.2 in qab."""
    return pl.DataFrame(
        rows("old", 0, qaa=1.0, qab=2.0)
        + rows("old", 1, qaa=1.5, qab=2.5)
        + rows("new", 0, qaa=0.9, qab=2.2)
        + rows("new", 1, qaa=1.2, qab=2.7)
    )


def drawn(figure):
    return {trace.name: trace for trace in figure.data}


def test_a_lower_loss_is_a_gain_of_the_last_step(frame):
    found = cell_pairs.differences(frame, "new", "old")
    gains = {(row["language"], row["seed"]): row["gain"] for row in found.iter_rows(named=True)}
    assert gains == pytest.approx(
        {("qaa", 0): 0.1, ("qaa", 1): 0.3, ("qab", 0): -0.2, ("qab", 1): -0.2}
    )


def test_a_higher_score_is_a_gain_in_points(frame):
    own = frame.filter(step=2)
    found = cell_pairs.differences(own, "new", "old", value="value")
    assert found.filter(language="qaa")["gain"].to_list() == pytest.approx([-10.0, -30.0])


def test_fine_tuning_seeds_are_averaged_first():
    scores = pl.DataFrame(
        [
            {"arm": arm, "seed": 0, "finetune_seed": i, "language": "qaa", "name": "qaa"}
            | {"tier": "high", "size_bytes": 1, "value": value}
            for arm, values in (("new", (0.7, 0.8)), ("old", (0.6, 0.7, 0.5)))
            for i, value in enumerate(values)
        ]
    )
    found = cell_pairs.differences(scores, "new", "old", value="value")
    assert found["gain"].to_list() == pytest.approx([15.0])


def test_means_and_intervals_are_over_seeds(frame):
    figure = cell_pairs.by_language(frame, "new", "old", title="t")
    traces = drawn(figure)
    assert list(traces) == ["high", "low", "mean"]
    assert list(traces["high"].y) == pytest.approx([0.2])
    half = student_t_quantile(0.975, 1) * 0.1  # seeds 0.1 and 0.3: standard error 0.1
    assert traces["high"].error_y.array[0] == pytest.approx(half, rel=1e-4)
    assert list(traces["mean"].y) == pytest.approx([0.0], abs=1e-9)  # seeds -0.05 and 0.05


def test_a_seed_or_language_that_one_of_them_lacks_is_left_out(frame):
    gone = (pl.col("arm") == "new") & (pl.col("language") == "qab")
    figure = cell_pairs.by_language(frame.filter(~gone), "new", "old", title="t")
    assert list(drawn(figure)) == ["high", "mean"]
    one = frame.filter(~((pl.col("arm") == "new") & (pl.col("seed") == 1)))
    figure = cell_pairs.by_language(one, "new", "old", title="t")
    assert drawn(figure)["high"].error_y.array[0] is None
    assert "1 pretraining seed" in figure.layout.title.text


def test_the_margin_is_a_line_below_0(frame):
    plain = cell_pairs.by_language(frame, "new", "old", title="t")
    figure = cell_pairs.by_language(frame, "new", "old", title="t", margin=0.01)
    assert [shape.y0 for shape in plain.layout.shapes] == [0]
    assert [shape.y0 for shape in figure.layout.shapes] == [0, -0.01]
    assert "as good, to 0.01" in [note.text for note in figure.layout.annotations]


def test_axes_say_their_units(frame):
    loss = cell_pairs.by_language(frame, "new", "old", title="t")
    score = cell_pairs.by_language(frame.filter(step=2), "new", "old", value="value", title="t")
    assert loss.layout.yaxis.title.text == "gain (bits per byte)"
    assert score.layout.yaxis.title.text == "gain (points)"


def test_nothing_to_compare_is_said(frame):
    for part in (frame.filter(arm="old"), frame.clear()):
        figure = cell_pairs.by_language(part, "new", "old", title="t")
        assert not figure.data
        assert "has not both of new and old" in figure.layout.annotations[0].text


def test_what_losses_are_of_is_said(frame):
    told = frame.filter(step=2).drop("step").with_columns(loss_of=pl.lit("whole words"))
    figure = cell_pairs.by_language(told, "new", "old", title="t")
    assert "New against old, losses of whole words" in figure.layout.title.text
    assert list(drawn(figure)["high"].y) == pytest.approx([0.2])


def test_a_gain_in_words_is_of_the_mean_over_languages(frame):
    high = frame.filter(language="qaa")
    assert cell_pairs.gain_told(high, "new", "old").startswith("+0.2\u00a0[")
    assert cell_pairs.gain_told(high, "old", "old") == ""
    assert cell_pairs.gain_told(high, "new", "none") == ""
