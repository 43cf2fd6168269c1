"""Letter models: smoothed counts by hand, exact sums, and trust that fits."""

import numpy as np

from xlmr_lab.corpus import letter_models
from xlmr_lab.corpus.letter_models import LetterModels, Measured


def test_penalties_are_those_of_smoothed_counts(monkeypatch) -> None:
    monkeypatch.setattr(letter_models, "ORDER", 2)
    monkeypatch.setattr(letter_models, "MIN_COUNT", 1)
    monkeypatch.setattr(letter_models, "STRENGTHS", (3.0, 2.0))
    # Letters 2 and 3, 0 is the space: "_aab_" and "_bb_" in an alphabet of 4.
    sequences = [np.array([0, 2, 2, 3, 0]), np.array([0, 3, 3, 0])]
    keys, penalties = letter_models.learn(sequences, 4)
    assert len(penalties) == 4 + len(keys)
    # Order 1, smoothed by 3 letters shared among 4: a 2.75 / 8 against 0.75 / 7.
    lost = np.log(2.75 / 8) - np.log(0.75 / 7)
    assert penalties[2].tolist() == [0, round(lost * letter_models.STEPS_PER_NAT)]
    # "bb": never in the first (b once), once in the second (b twice); "b" counts for half.
    single = [1.75 / 8, 2.75 / 7]
    double = [(0 + 2 * single[0]) / (1 + 2), (1 + 2 * single[1]) / (2 + 2)]
    row = 4 + keys.tolist().index(0b1_11_11)
    lost = (np.log(double[1] / double[0]) + np.log(single[1] / single[0])) / 2
    assert penalties[row].tolist() == [round(lost * letter_models.STEPS_PER_NAT), 0]
    # "_bb" sums the rows of "_b" and "bb"; the first space counts for nothing.
    sums, sizes = LetterModels(keys, penalties).penalties(np.array([0, 3, 3]), np.array([3]))
    start = 4 + keys.tolist().index(0b1_00_11)
    assert sums[0].tolist() == (penalties[start].astype(int) + penalties[row]).tolist()
    assert sizes.tolist() == [2]


def test_an_unseen_combination_is_judged_by_its_last_letters(monkeypatch) -> None:
    monkeypatch.setattr(letter_models, "MIN_COUNT", 1)
    rng = np.random.default_rng(1)
    sequences = [np.concatenate([[0], rng.integers(2, 6, size=300)]) for _ in range(2)]
    keys, penalties = letter_models.learn(sequences, 7)
    models = LetterModels(keys, penalties)
    text = np.array([0, 6, *rng.integers(2, 6, size=20)])  # 6 is never seen
    sums, _ = models.penalties(text, np.array([len(text)]))
    places = {key: 7 + i for i, key in enumerate(keys.tolist())}
    bits, order = 3, letter_models.ORDER
    expected = np.zeros(2, int)
    for end in range(1, len(text)):
        row = int(text[end])
        for length in range(2, min(order, end + 1) + 1):
            key = 1
            for letter in text[end - length + 1 : end + 1]:
                key = key << bits | int(letter)
            row = places.get(key, row)
        expected += penalties[row]
    assert sums[0].tolist() == expected.tolist()


def test_only_the_most_frequent_combinations_are_kept(monkeypatch) -> None:
    monkeypatch.setattr(letter_models, "MAX_ROWS", 50)
    rng = np.random.default_rng(1)
    sequences = [np.concatenate([[0], rng.integers(2, 9, size=3000)]) for _ in range(3)]
    keys, penalties = letter_models.learn(sequences, 9)
    assert 0 < len(keys) <= 50
    assert len(penalties) == 9 + len(keys)
    assert penalties.min(axis=1).max() == 0


def test_single_spaces_are_left_of_several() -> None:
    ids, lengths = letter_models.collapsed(
        np.array([0, 0, 5, 0, 0, 6, 0, 0, 7, 0]), np.array([7, 3])
    )
    assert ids.tolist() == [0, 5, 0, 6, 0, 0, 7, 0]
    assert lengths.tolist() == [5, 3]


def test_trust_is_what_held_out_text_deserves() -> None:
    rng = np.random.default_rng(1)
    sizes = np.full(20_000, 50)
    sums = np.zeros((20_000, 2), np.int64)
    sums[:, 1] = rng.integers(0, 40, size=20_000)
    scale = 0.5 / letter_models.STEPS_PER_NAT
    likely = 1 / (1 + np.exp(-sums[:, 1] * scale))
    gold = (rng.random(20_000) > likely).astype(int)
    found = letter_models.trust([Measured(sums, sizes, gold)])
    factor = found[0] * 50.0 ** -found[1]
    assert 0.4 < factor < 0.6
    logs = letter_models.log_probabilities(sums[:2], sizes[:2], np.array([0.5, 0.0]), gold[:2] * 0)
    np.testing.assert_allclose(np.exp(logs), likely[:2])
    assert letter_models.trust([]).tolist() == [1, 0]
