"""Model selection: `pytest tests/evaluate/test_selection.py`."""

import itertools
import math
import random

from xlmr_lab.evaluate.protocols import TaskSet, plan
from xlmr_lab.evaluate.selection import Check, best, choose, dev_sets, is_over, rules

EN, DE = TaskSet("dev", "en"), TaskSet("dev", "de")
SELECTIONS = ("last", "train-dev", "joint-dev", "per-language-dev")


def checks_of(values, rate=1e-5):
    """Return checks of (en, de) values."""
    return [
        Check(learning_rate=rate, step=10 * number, dev={"dev-en": en, "dev-de": de})
        for number, (en, de) in enumerate(values, 1)
    ]


def test_the_four_selections_by_hand():
    (model,) = plan(["zero-shot"], "en", [("en", "test"), ("de", "test")])
    checks = checks_of([(0.5, 0.2), (0.9, 0.1), (0.8, 0.3), (0.1, 0.4), (0.2, 0.3)])
    taken = {
        (rule.cell.scored.language, rule.selection): choose(checks, rule.looked_at, patience=0)
        for rule in rules(model, SELECTIONS)
    }
    assert taken == {
        ("en", "last"): 4,
        ("de", "last"): 4,
        ("en", "train-dev"): 1,
        ("de", "train-dev"): 1,
        ("en", "joint-dev"): 2,
        ("de", "joint-dev"): 2,
        ("en", "per-language-dev"): 1,
        ("de", "per-language-dev"): 3,
    }


def test_joint_dev_is_joint_over_the_languages_of_one_protocol():
    languages = [("en", "test"), ("de", "test")]
    model, german = plan(["zero-shot", "translate-train", "translate-test"], "en", languages)
    joint = {
        (cell.protocol, str(cell.scored)): [str(p) for p in dev_sets("joint-dev", model, cell)]
        for cell in model.cells
    }
    assert joint == {
        ("zero-shot", "test-en"): ["dev-en", "dev-de"],
        ("zero-shot", "test-de"): ["dev-en", "dev-de"],
        ("translate-train", "test-en"): ["dev-en"],
        ("translate-test", "test-en"): ["dev-en", "dev.translated-from-de"],
        ("translate-test", "test.translated-from-de"): ["dev-en", "dev.translated-from-de"],
    }
    assert dev_sets("joint-dev", german, german.cells[0]) == (DE,)
    assert dev_sets("train-dev", german, german.cells[0]) == (DE,)


def test_patience_by_hand():
    values = [0.1, 0.5, 0.4, 0.5, 0.6]
    assert best(values, 1) == (1, True)
    assert best(values, 2) == (1, True)
    assert best(values, 3) == (4, False)
    assert best(values, 0) == (4, False)
    assert best([], 1) == (0, False)


def test_checks_after_patience_ran_out_change_nothing():
    """A run that others keep going is taken as if it had ended by itself."""
    rng = random.Random(1)
    for _ in range(300):
        values = [rng.randrange(5) / 10 for _ in range(rng.randrange(1, 12))]
        patience = rng.randrange(1, 4)
        ends = [n for n in range(1, len(values) + 1) if best(values[:n], patience)[1]]
        if ends:
            assert best(values[: ends[0]], patience) == best(values, patience)


def test_a_run_is_over_when_every_rule_has_stopped_looking():
    (model,) = plan(["zero-shot"], "en", [("en", "test"), ("de", "test")])
    own = rules(model, ["per-language-dev"])
    values = [(0.5, 0.1), (0.4, 0.2), (0.3, 0.3), (0.2, 0.2), (0.1, 0.1)]
    over = [is_over(checks_of(values[:n]), own, patience=2) for n in range(6)]
    assert over == [False, False, False, False, False, True]
    assert [is_over(checks_of(values[:n]), own[:1], patience=2) for n in (2, 3)] == [False, True]
    assert not is_over(checks_of(values), own, patience=0)
    last = rules(model, ["last"])
    assert not is_over(checks_of(values), last, patience=1)


def test_the_learning_rate_is_chosen_on_the_dev_sets_of_the_selection():
    checks = checks_of([(0.5, 0.2), (0.6, 0.3)], 1e-5) + checks_of([(0.6, 0.4), (0.1, 0.1)], 3e-5)
    assert choose(checks, [EN], patience=0) == 1  # the earlier of equals
    assert choose(checks, [DE], patience=0) == 2
    assert choose(checks, [EN, DE], patience=0) == 2


def test_patience_counts_in_each_run_anew():
    checks = checks_of([(0.5, 0), (0.4, 0)], 1e-5) + checks_of([(0.3, 0), (0.9, 0)], 3e-5)
    assert choose(checks, [EN], patience=1) == 3


def test_what_is_chosen_in_the_end_was_chosen_when_it_was_made():
    """So it is enough to score what a rule would take at the moment."""
    rng = random.Random(2)
    for _ in range(300):
        patience = rng.randrange(4)
        checks = [
            check
            for rate in (1e-5, 3e-5, 1e-4)
            for check in checks_of([(rng.randrange(4), 0) for _ in range(5)], rate)
        ]
        taken = choose(checks, [EN], patience=patience)
        assert choose(checks[: taken + 1], [EN], patience=patience) == taken


def test_a_measure_that_is_no_number_is_never_the_best():
    values = [math.nan, 0.2, math.nan, 0.1]
    assert best(values, 0) == (1, False)
    assert choose(checks_of([(value, 0) for value in values]), [EN], patience=0) == 1
    assert best([math.nan, math.nan], 0) == (0, False)


def test_no_rule_is_given_test_sets():
    languages = [("en", "test"), ("de", "test")]
    every = ["zero-shot", "translate-test", "translate-train", "translate-train-all", "each", "all"]
    for model in plan(every, "en", languages):
        for rule in rules(model, SELECTIONS):
            assert all(part.split == "dev" for part in rule.looked_at)
    assert {f.name for f in Check.__dataclass_fields__.values()} == {"learning_rate", "step", "dev"}


def test_rules_fill_every_cell_once_under_each_selection():
    models = plan(["zero-shot", "translate-test"], "en", [("en", "test"), ("de", "test")])
    filled = [(rule.cell, rule.selection) for rule in rules(models[0], SELECTIONS)]
    assert filled == list(itertools.product(models[0].cells, SELECTIONS))
