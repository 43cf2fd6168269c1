"""Axes, cosines, kinship and trees agree with cases worked by hand, and with plain recomputation
where there are more languages than a hand can do.
"""

import itertools
import math

import numpy as np
import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import language_map
from xlmr_lab.evaluate.language_map import kinship


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_axes_of_a_rectangle_are_its_sides() -> None:
    """Corners of a 6 by 2 rectangle, turned by 45 degrees and moved: variances 9 and 1."""
    corners = np.array([[3.0, 1.0], [3.0, -1.0], [-3.0, 1.0], [-3.0, -1.0]])
    turn = np.array([[1.0, 1.0], [-1.0, 1.0]]) / math.sqrt(2)
    found = language_map.principal(corners @ turn + [10, 20])
    assert np.abs(found.places) == pytest.approx(np.abs(corners))
    assert found.shares == pytest.approx([0.9, 0.1])


def test_axes_keep_distances_where_two_are_enough(rng: np.random.Generator) -> None:
    plane = rng.normal(size=(20, 2)) @ np.linalg.qr(rng.normal(size=(7, 2)))[0].T
    found = language_map.principal(plane)
    assert found.shares.sum() == pytest.approx(1)
    for a, b in itertools.combinations(range(20), 2):
        apart = np.linalg.norm(found.places[a] - found.places[b])
        assert apart == pytest.approx(np.linalg.norm(plane[a] - plane[b]))
    assert language_map.principal(plane + 5).places == pytest.approx(found.places)


def test_points_on_a_line_have_one_axis_and_alike_points_none() -> None:
    line = language_map.principal(np.array([[0.0], [1.0]]))
    assert line.places.tolist() == [[-0.5, 0], [0.5, 0]]
    assert line.shares.tolist() == [1, 0]
    assert language_map.principal(np.ones((3, 4))).shares.tolist() == [0, 0]


@pytest.mark.parametrize("points", [np.ones((1, 3)), np.array([[0.0], [np.nan]])])
def test_what_makes_no_map_is_refused(points: np.ndarray) -> None:
    with pytest.raises(UserError, match="at least 2 points, all finite"):
        language_map.principal(points)


def test_cosines_of_means_do_not_see_what_all_languages_share() -> None:
    """Off their middle the four stand at right angles or on opposite sides."""
    means = np.array([[1.0, 0.0], [-2.0, 0.0], [0.0, 3.0], [1.0, -3.0]])
    found = language_map.mean_cosines(means + 100)
    expected = [[1, -1, 0, 0.3], [-1, 1, 0, -0.3], [0, 0, 1, -0.9], [0.3, -0.3, -0.9, 1]]
    rounded = np.sign(found) * (np.abs(found) > 1e-9)
    assert rounded.tolist() == np.sign(expected).tolist()
    assert found[2, 3] == pytest.approx(-3 / math.sqrt(10))


def test_translations_that_are_turned_alike_have_cosine_one(rng: np.random.Generator) -> None:
    ours = rng.normal(size=(50, 8))
    assert language_map.translation_cosine(ours, 3 * ours + rng.normal(size=8)) == pytest.approx(1)
    assert language_map.translation_cosine(ours, -ours) == pytest.approx(-1)
    strangers = language_map.translation_cosine(ours, rng.normal(size=(50, 8)))
    assert abs(strangers) < 0.2


def test_kinship_by_hand() -> None:
    """Relatives 0.9 and 0.5; strangers 0.1, 0.2, 0.3, 0.0. Of the three ways to pair four languages
    off, the truth is the best."""
    near = np.eye(4)
    for (a, b), value in {
        **{(0, 1): 0.9, (2, 3): 0.5},
        **{(0, 2): 0.1, (0, 3): 0.2, (1, 2): 0.3, (1, 3): 0.0},
    }.items():
        near[a, b] = near[b, a] = value
    found = kinship(near, ["a", "a", "b", "b"], np.random.default_rng(0))
    assert found.within == pytest.approx(0.7)
    assert found.between == pytest.approx(0.15)
    assert found.difference == pytest.approx(0.55)
    assert (found.num_within, found.num_between) == (2, 4)
    assert found.by_chance == pytest.approx(1 / 3)
    crossed = kinship(near, ["a", "b", "a", "b"], np.random.default_rng(0))
    assert crossed.by_chance == pytest.approx(1)


def test_pairs_and_families_that_are_not_known_count_for_nothing() -> None:
    near = np.full((4, 4), np.nan)
    near[0, 1] = near[1, 0] = 0.6
    near[0, 2] = near[2, 0] = 0.2
    near[0, 3] = near[3, 0] = 9.0
    found = kinship(near, ["a", "a", "b", None], np.random.default_rng(0))
    assert found[:4] == pytest.approx((0.6, 0.2, 1, 1))


@pytest.mark.parametrize("families", [["a", "a", "a"], ["a", "b", "c"]])
def test_without_relatives_or_strangers_nothing_is_told(families: list[str]) -> None:
    found = kinship(np.ones((3, 3)), families, np.random.default_rng(0))
    assert math.isnan(found.difference)
    assert math.isnan(found.by_chance)
    assert found.num_within + found.num_between == 3


def test_chance_is_even_where_families_mean_nothing(rng: np.random.Generator) -> None:
    """Over random matrices the share is spread evenly: at most one in ten is below a tenth, give or
    take what 200 draws do."""
    shares = []
    for _ in range(200):
        noise = rng.normal(size=(12, 12))
        shares.append(kinship(noise + noise.T, list("aaaabbbbcccc"), rng).by_chance)
    assert 0.05 < np.mean(np.array(shares) <= 0.1) < 0.16
    assert 0.43 < np.mean(shares) < 0.57


def test_a_tree_by_hand() -> None:
    """Three at 2, 4 and 4, and one at 10, 10 and 7: it joins last, at their mean."""
    far = np.array([[0, 2, 4, 10], [2, 0, 4, 10], [4, 4, 0, 7], [10, 10, 7, 0.0]])
    assert [tuple(join) for join in language_map.joined(far)] == [
        (0, 1, 2.0),
        (2, 4, 4.0),
        (3, 5, 9.0),
    ]


def test_a_tree_joins_at_the_mean_distance_of_its_leaves(rng: np.random.Generator) -> None:
    points = rng.normal(size=(15, 3))
    far = np.linalg.norm(points[:, None] - points, axis=-1)
    leaves = {place: [place] for place in range(15)}
    for number, join in enumerate(language_map.joined(far)):
        one, other = leaves.pop(join.first), leaves.pop(join.second)
        assert join.distance == pytest.approx(far[np.ix_(one, other)].mean())
        rest = [far[np.ix_(a, b)].mean() for a, b in itertools.combinations(leaves.values(), 2)]
        assert all(join.distance <= apart + 1e-12 for apart in rest)
        leaves[15 + number] = one + other
    assert sorted(*leaves.values()) == list(range(15))


def test_a_tree_needs_every_distance() -> None:
    with pytest.raises(UserError, match="a distance between every two languages"):
        language_map.joined(np.array([[0.0, np.nan], [np.nan, 0.0]]))
