"""What pretraining adds under each protocol: pairs, places, and words told by intervals."""

import polars as pl

from xlmr_lab.figures import pretraining_gains

NER = {"task": "ner", "metric": "span_f1"}


def rows(value, gain, **more):
    """Return both arms' scores in two languages and two seeds; gains differ a little by seed."""
    return [
        {**NER, "language": key, "seed": seed, "arm": arm, "value": value + add, **more}
        for key in ("qaa", "qab")
        for seed in (0, 1)
        for arm, add in (("alpha=0.3", gain + 0.001 * seed), ("no-pretraining", 0.0))
    ]


def test_each_protocol_has_a_row_for_the_language_learned_in_and_one_for_the_others(
    made_scores,
) -> None:
    scores = made_scores(*rows(0.5, -0.1, protocol="all"), *rows(0.4, 0.2))
    frame = pretraining_gains.told(scores, task="ner").frame
    assert frame.select("protocol", "scored in", "with it, it is").rows() == [
        ("zero-shot", "Avelo", "higher"),
        ("zero-shot", "mean of the 1 others", "higher"),
        ("all", "Avelo", "lower"),
        ("all", "mean of the 1 others", "lower"),
    ]
    # Gains 0.2 and 0.201: mean 0.2005, half width 12.706 * 0.0005 = 0.006.
    assert frame["gain [95\u00a0% interval]"][0].startswith("+0.20")
    assert frame["with pretraining"][0].startswith("0.60")
    assert frame["without"][0].startswith("0.40")


def test_each_measure_has_its_rows_and_crossed_questions_are_left_out(made_scores) -> None:
    asked = {"task": "qa", "metric": "f1"}
    crossed = rows(0.0, 0.9, **asked, question_language="qac")
    exact = rows(0.3, 0.1, task="qa", metric="exact_match")
    frame = pretraining_gains.told(
        made_scores(*exact, *rows(0.5, 0.1, **asked), *crossed), task="qa"
    ).frame
    assert frame["measure"].to_list() == ["F1", "F1", "exact match", "exact match"]
    assert all(text.startswith("+0.10") for text in frame["gain [95\u00a0% interval]"])


def test_one_seed_tells_nothing(made_scores) -> None:
    one = made_scores(*rows(0.5, 0.1)).filter(seed=0)
    frame = pretraining_gains.told(one, task="ner").frame
    assert set(frame["with it, it is"]) == {"no interval: one seed"}


def test_without_scores_or_a_baseline_it_says_why(made_scores) -> None:
    scores = made_scores(*rows(0.5, 0.1))
    none = pretraining_gains.told(scores.filter(pl.lit(False)), task="ner").frame.item()
    assert "./lab evaluate name=NEW evaluated=ner" in none
    alone = pretraining_gains.told(scores.filter("pretrained"), task="ner").frame.item()
    assert "no scores of the arm no-pretraining" in alone
