"""Pictures of batches hold the tokens, languages and lengths that they are given."""

from pathlib import Path

import polars as pl
import pytest

from xlmr_lab import batch_results, results
from xlmr_lab.batch_results import StudyBatches
from xlmr_lab.figures import batches


@pytest.fixture(scope="module")
def made(study_folder: Path) -> StudyBatches:
    return batch_results.open_batches(results.open_study(study_folder))


def test_a_cell_of_the_batch_is_a_token_with_its_fate(made: StudyBatches) -> None:
    frame = made.batch(rows=6, columns=20)
    figure = batches.layout(frame)
    cells, *legend = figure.data
    fates = list(batches.CODES)
    assert [fates[code] for row in cells.z for code in row] == frame["fate"].to_list()
    assert cells.text[0][0] == "&lt;s&gt;"
    assert [trace.name for trace in legend][1] == "&lt;s&gt; and &lt;/s&gt;"
    order = frame["language"].unique(maintain_order=True).to_list()
    assert list(figure.layout.yaxis.ticktext) == order
    assert len(figure.layout.shapes) == len(order) - 1


def test_what_the_model_sees_instead_is_told_on_hovering(made: StudyBatches) -> None:
    frame = made.batch(rows=6, columns=50)
    texts = [text for row in batches.layout(frame).data[0].text for text in row]
    changed = frame.filter(pl.col("piece") != pl.col("seen"))
    assert sum(" as " in text for text in texts) == len(changed) > 0


def test_languages_of_batches_stand_beside_their_probability(made: StudyBatches) -> None:
    frame = made.drawn(20)
    single, mean, probability = batches.languages(frame).data
    assert len(single.y) == 20 * len(made.languages())
    assert sum(probability.y) == pytest.approx(1, abs=1e-3)
    first = frame.filter(language=mean.x[0])
    assert mean.y[0] == pytest.approx(first["share"].mean(), abs=1e-4)


def test_lengths_and_padding_of_documents(made: StudyBatches) -> None:
    frame = made.documents()
    (boxes,) = batches.documents(frame, 51).data
    assert list(boxes.median) == frame["median"].to_list()
    packed, to_block, to_longest = batches.padding(frame, 32).data
    assert set(packed.y) == {0}
    assert list(to_block.y) == pytest.approx(frame["to_block"].to_list(), abs=1e-4)
    assert list(to_longest.y) == pytest.approx(frame["to_longest"].to_list(), abs=1e-4)
