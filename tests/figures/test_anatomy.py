"""The parts of a bar make up the whole, and both sides of a comparison share one scale."""

import pytest

from xlmr_lab import model_costs
from xlmr_lab.figures import anatomy, part_bars
from xlmr_lab.model_costs import Load, Model

SMALL = Model(name="mine", num_layers=2, hidden_size=64, ffn_size=256, vocab_size=1800)
MODELS = [SMALL, *model_costs.paper_models()]


def lengths(figure: anatomy.go.Figure, axis: str = "x") -> list[float]:
    """Return the length of every bar of a panel, from top to bottom."""
    parts = [trace.x for trace in figure.data if (trace.xaxis or "x") == axis]
    return [sum(bar) for bar in zip(*parts, strict=True)]


def test_parameters_by_part_make_up_each_model() -> None:
    figure = anatomy.parameters(MODELS)
    assert lengths(figure) == pytest.approx([1.0] * len(MODELS), rel=1e-3)
    assert list(figure.data[0].y) == [model.name for model in MODELS]
    assert "vocabulary takes" in figure.layout.title.text


@pytest.mark.parametrize("draw", [anatomy.operations, anatomy.memory])
def test_the_cheaper_way_is_a_part_of_the_whole(draw: object) -> None:
    ours, others = lengths(draw(MODELS))[::2], lengths(draw(MODELS))[1::2]  # type: ignore[operator]
    assert others == pytest.approx([1.0] * len(MODELS), rel=1e-3)
    assert max(ours) < 1


def test_the_whole_anatomy_adds_up_to_what_is_calculated() -> None:
    load = Load(block_tokens=128, step_tokens=4096)
    figure = anatomy.whole(SMALL, load)
    assert lengths(figure) == pytest.approx([SMALL.parameters.total], rel=1e-3)
    done = [model_costs.operations(SMALL, load, everywhere=where).total for where in (False, True)]
    assert lengths(figure, "x2") == pytest.approx(done, rel=1e-3)
    kept = [model_costs.memory(SMALL, load, everywhere=where).total for where in (False, True)]
    assert lengths(figure, "x3") == pytest.approx(kept, rel=1e-3)
    shown = [trace.name for trace in figure.data if trace.showlegend]
    assert len(shown) == len(set(shown)) == len(part_bars.PARTS)


def test_a_larger_vocabulary_takes_more_of_everything() -> None:
    figure = anatomy.by_vocabulary()
    assert len(figure.data) == len(anatomy.LINES)
    for trace in figure.data:
        assert list(trace.y) == sorted(trace.y)
        assert 0 < trace.y[0] < trace.y[-1] <= 1


def test_the_table_has_the_papers_numbers_beside_ours() -> None:
    shown = anatomy.table(MODELS)
    assert shown.frame["printed"].to_list() == ["", "172M", "250M", "570M", "270M", "550M"]
    assert shown.frame["parameters"].to_list()[0] == SMALL.parameters.total
