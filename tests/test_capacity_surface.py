"""The surface of languages and capacity: known coefficients are found again, readings by hand."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from xlmr_lab import capacity_surface
from xlmr_lab.capacity_surface import Cell, Surface
from xlmr_lab.errors import UserError
from xlmr_lab.intervals import mean_interval

GRID = [(7, 100), (14, 100), (28, 100), (56, 100), (28, 200), (7, 400), (56, 400)]
ONE = (2.0, 0.1, -0.2, -0.05)
TWO = (2.1, 0.2, -0.2, -0.10)


def made(*seeds: tuple[float, ...], off: float = 0.0) -> list[Cell]:
    """Return cells of a surface for each seed; the last cell is so much off it in all of them."""
    return [
        Cell(
            num_languages=n,
            capacity=p,
            losses=tuple(
                a
                + b * math.log2(n / 7)
                + c * math.log2(p / 100)
                + d * math.log2(n / 7) * math.log2(p / 100)
                + off * ((n, p) == GRID[-1])
                for a, b, c, d in seeds
            ),
        )
        for n, p in GRID
    ]


@pytest.fixture
def surface() -> Surface:
    return capacity_surface.fit(made(ONE, TWO))


def test_known_coefficients_are_found_again(surface: Surface) -> None:
    assert (surface.num_languages, surface.capacity, surface.num_cells) == (7, 100, 7)
    np.testing.assert_allclose(surface.seeds, [ONE, TWO], atol=1e-12)
    assert surface.residual_std == pytest.approx(0, abs=1e-12)
    assert surface.noise_std == pytest.approx(0, abs=1e-12)


def test_intervals_are_over_the_coefficients_of_seeds(surface: Surface) -> None:
    for place, name in enumerate(capacity_surface.COEFFICIENTS):
        expected = mean_interval([ONE[place], TWO[place]])
        assert surface.coefficient(name) == pytest.approx(expected, abs=1e-9)


def test_the_curse_at_a_capacity_by_hand(surface: Surface) -> None:
    """At four times the parameters: 0.1 - 2 * 0.05 = 0 and 0.2 - 2 * 0.1 = 0."""
    assert surface.slope(100).mean == pytest.approx(0.15)
    assert surface.slope(200).mean == pytest.approx((0.05 + 0.1) / 2)
    assert surface.slope(400).mean == pytest.approx(0.0)


def test_the_fitted_loss_by_hand(surface: Surface) -> None:
    """One seed's: 2 + 0.1 - 2 * 0.2 - 2 * 0.05 = 1.6; the other's 2.1 + 0.2 - 0.4 - 0.2 = 1.7."""
    assert surface.predicted(14, 400).mean == pytest.approx(1.65)


def test_the_capacity_that_holds_the_loss_by_hand() -> None:
    """Twice the languages cost 0.1, and twice the parameters bring 0.25 there: 0.4 doublings."""
    surface = capacity_surface.fit(made(ONE))
    (found,) = surface.needed_by_seed(14)
    assert found == pytest.approx(2**0.4)
    assert surface.predicted(14, 100 * found).mean == pytest.approx(2.0)
    assert surface.needed(14).mean == pytest.approx(2**0.4)
    assert math.isnan(surface.needed(14).low)
    assert surface.needed(7).mean == pytest.approx(1)


def test_the_interval_of_a_capacity_is_of_its_logarithm(surface: Surface) -> None:
    """The other seed: 0.2 / (0.2 + 0.1) doublings."""
    expected = mean_interval([0.4, 2 / 3])
    found = surface.needed(14)
    assert found[:3] == pytest.approx([2**value for value in expected[:3]])
    assert found.n == 2


def test_the_exponent_is_the_ratio_of_the_slopes_and_that_of_small_steps() -> None:
    surface = capacity_surface.fit(made(ONE))
    assert surface.exponent(7, 100).mean == pytest.approx(0.1 / 0.2)
    assert surface.exponent(14, 200).mean == pytest.approx((0.1 - 0.05) / (0.2 + 0.05))
    step = 1e-4
    (needed,) = surface.needed_by_seed(7 * 2**step)
    assert math.log2(needed) / step == pytest.approx(0.5, rel=1e-3)


def test_where_parameters_do_not_help_no_capacity_is_told() -> None:
    surface = capacity_surface.fit(made(ONE, (2.0, 0.1, 0.02, 0.0)))
    assert math.isnan(surface.needed(14).mean)
    assert math.isnan(surface.exponent(7, 100).mean)
    first, second = surface.needed_by_seed(14)
    assert first == pytest.approx(2**0.4)
    assert math.isnan(second)


def test_a_gain_next_to_nothing_is_none() -> None:
    surface = capacity_surface.fit(made((2.0, 0.1, -0.1, 0.0), (2.0, 0.1, -1e-9, 0.0)))
    first, second = surface.needed_by_seed(14)
    assert (first, math.isnan(second)) == (pytest.approx(2), True)
    assert math.isnan(surface.needed(14).mean)


def test_what_bends_is_off_by_more_than_seeds_explain() -> None:
    surface = capacity_surface.fit(made(ONE, TWO, off=0.3))
    assert surface.residual_std > 0.05
    assert surface.noise_std == pytest.approx(0, abs=1e-12)


def test_noise_alone_leaves_as_much_as_it_is_said_to() -> None:
    """Means of four seeds with noise of 0.02 are off by 0.01."""
    rng = np.random.default_rng(5)
    found = []
    for _ in range(300):
        cells = [
            Cell(
                num_languages=cell.num_languages,
                capacity=cell.capacity,
                losses=tuple(cell.losses[0] + rng.normal(0, 0.02, 4)),
            )
            for cell in made(ONE)
        ]
        surface = capacity_surface.fit(cells)
        found.append((surface.residual_std**2, surface.noise_std**2))
    np.testing.assert_allclose(np.sqrt(np.mean(found, axis=0)), [0.01, 0.01], rtol=0.06)


def test_four_cells_are_met_exactly_and_nobody_knows_how_well() -> None:
    cells = [cell for cell in made(ONE, TWO) if cell.num_languages in (7, 56)]
    assert len(cells) == 4
    surface = capacity_surface.fit(cells)
    np.testing.assert_allclose(surface.seeds, [ONE, TWO], atol=1e-12)
    assert math.isnan(surface.residual_std)
    assert math.isnan(surface.noise_std)


@pytest.mark.parametrize(
    ("kept", "why"),
    [
        (lambda cell: False, "nothing was measured yet"),
        (lambda cell: cell.capacity == 100, "4 cells .4 numbers of languages, 1 capac.* fix 2"),
        (lambda cell: cell.num_languages == 7, "2 cells .1 numbers of languages, 2 capac.* fix 2"),
        (lambda cell: cell.num_languages == 7 or cell.capacity == 200, "3 cells .* fix 3"),
    ],
)
def test_too_few_cells_are_refused_and_said_so(kept: Callable[[Cell], bool], why: str) -> None:
    with pytest.raises(UserError, match=why):
        capacity_surface.fit([cell for cell in made(ONE, TWO) if kept(cell)])


def test_seeds_that_some_cell_lacks_are_asked_for() -> None:
    cells = [Cell(num_languages=7, capacity=100, losses=())]
    assert capacity_surface.lacking(cells) == "no seed has all cells"
