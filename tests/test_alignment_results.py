"""Sentences of a study look for their translations with the weights that it trained and with those
it began with; what there is not is said with the command or the setting that helps.
"""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from xlmr_lab import aligned_folder, alignment_results, language_map_results, results
from xlmr_lab.alignment_results import StudyAlignment
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import language_map, retrieval


@pytest.fixture(scope="module")
def made(study_folder: Path) -> StudyAlignment:
    return alignment_results.open_alignment(results.open_study(study_folder), most=30)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """Return a folder in which two languages are the same text, and a third is another."""
    same = [f"ba {number} ke lo{number % 7}" for number in range(12)]
    other = [f"xo {number} ne mu" for number in range(12)]
    for name, own in (("qaa", same), ("qab", same), ("qac", other), ("zz", other)):
        (tmp_path / f"{name}.txt").write_text("\n".join(own) + "\n", "utf-8")
    return tmp_path


def test_both_networks_of_every_seed_have_seen_the_same_sentences(made: StudyAlignment) -> None:
    assert list(made.vectors) == [
        (encoder, seed) for seed in (1, 2, 3) for encoder in ("pretrained", "untrained")
    ]
    shapes = {
        (key, own.shape) for groups in made.vectors.values() for key, own in groups[0].items()
    }
    assert shapes == {(key, (2, 30, 16)) for key in ("qaa", "qab", "qac", "qad")}
    assert "seeds 1, 2, 3" in made.about()
    assert "30 of each of qaa, qab, qac, qad, of the study's NLI test" in made.about()


def test_the_untrained_network_is_the_one_that_the_run_began_with(made: StudyAlignment) -> None:
    """Two steps at 0.0006 move no weight far, so the two are near, and not the same; those of
    another seed are far."""
    for seed in (1, 2, 3):
        before = made.vectors["untrained", seed][0]["qaa"]
        after = made.vectors["pretrained", seed][0]["qaa"]
        other = made.vectors["untrained", seed % 3 + 1][0]["qaa"]
        moved = np.linalg.norm(after - before)
        assert 0 < moved < 0.3 * np.linalg.norm(after - other)


def test_retrieval_is_that_of_the_vectors(made: StudyAlignment) -> None:
    frame = made.retrieval()
    assert len(frame) == 2 * 3 * 2 * 2 * 12
    own = made.vectors["pretrained", 2][0]
    ours, theirs = own["qab"][1], own["qad"][1]
    where = {"encoder": "pretrained", "seed": 2, "layer": 1, "language": "qab", "other": "qad"}
    plain = frame.filter(~pl.col("centred"), **where)["accuracy"].to_list()
    assert plain == [retrieval.accuracy(ours, theirs).value]
    centred = frame.filter(pl.col("centred"), **where)["accuracy"].to_list()
    assert centred == [retrieval.accuracy(ours - ours.mean(0), theirs - theirs.mean(0)).value]
    assert frame["num_sentences"].unique().to_list() == [30]
    assert frame["name"].null_count() == 0


def test_a_text_finds_itself_and_its_copy_is_no_farther(study_folder: Path, texts: Path) -> None:
    study = results.open_study(study_folder)
    made = alignment_results.open_alignment(study, sentences=str(texts))
    assert made.languages() == ["qaa", "qab", "qac"]
    frame = made.retrieval()
    same = frame.filter(language="qaa", other="qab")
    assert same["accuracy"].min() == 1
    assert frame.filter(language="qaa", other="qac")["accuracy"].to_numpy().mean() < 1
    near = made.closeness().filter(measure="translations", language="qaa", other="qab")
    assert near["cosine"].to_list() == pytest.approx([1] * len(near), abs=1e-5)


def test_closeness_is_of_each_pair_once(made: StudyAlignment) -> None:
    frame = made.closeness()
    assert len(frame) == 2 * 2 * 3 * 2 * 6
    own = made.vectors["untrained", 1][0]
    one = frame.filter(encoder="untrained", seed=1, layer=0, language="qaa", other="qac")
    means = np.stack([own[key][0].mean(axis=0) for key in made.languages()])
    assert one.filter(measure="means")["cosine"][0] == pytest.approx(
        language_map.mean_cosines(means)[0, 2], abs=1e-5
    )
    assert one.filter(measure="translations")["cosine"][0] == pytest.approx(
        language_map.translation_cosine(own["qaa"][0], own["qac"][0])
    )


def test_the_best_layer_is_above_the_embeddings() -> None:
    columns = {"encoder": "pretrained", "seed": 0, "centred": True}
    values = {0: 0.9, 1: 0.2, 2: 0.4, 3: 0.4}
    frame = pl.DataFrame([{"layer": n, "accuracy": x} | columns for n, x in values.items()])
    assert alignment_results.best_layer(frame) == 2


def test_kinship_is_told_by_the_families_of_the_study(made: StudyAlignment) -> None:
    """The made-up languages are of four families, so there is nothing within; put into two, there
    is."""
    closeness = made.closeness()
    frame = language_map_results.kinship(made, closeness)
    assert frame["difference"].null_count() == len(frame) == 2 * 2 * 3 * 2
    assert frame["num_between"].unique().to_list() == [6]
    by_hand = closeness.filter(measure="means", encoder="pretrained", seed=1, layer=1)
    mean = frame.filter(measure="means", encoder="pretrained", seed=1, layer=1)["between"][0]
    assert mean == pytest.approx(by_hand["cosine"].mean())


def test_a_tree_of_the_languages_joins_all(made: StudyAlignment) -> None:
    closeness = made.closeness()
    frame = language_map_results.tree(made, closeness, layer=1)
    assert frame["part"].to_list() == ["#1", "#2", "#3"]
    joined = [*frame["first"], *frame["second"]]
    assert sorted(joined) == sorted([*made.languages(), "#1", "#2"])
    means = closeness.filter(measure="means", encoder="pretrained", layer=1)
    nearest = means.group_by("language", "other").agg(pl.col("cosine").mean())["cosine"].max()
    assert frame["distance"][0] == pytest.approx(1 - nearest)  # type: ignore[operator]


def test_maps_are_of_one_layer_and_seed(made: StudyAlignment) -> None:
    languages = language_map_results.standing(made, layer=1, seed=2)
    assert len(languages) == 2 * 4
    assert languages["seed"].unique().to_list() == [2]
    sums = languages.group_by("encoder").agg(pl.col("x", "y").sum())
    assert sums.select("x", "y").to_numpy() == pytest.approx(0, abs=1e-6)
    places = language_map_results.places(made, layer=1, most=5)
    assert len(places) == 2 * 4 * 5
    centred = places.filter("centred")
    assert centred.select("middle_x", "middle_y").to_numpy() == pytest.approx(0, abs=1e-5)
    first = places.filter(language="qac", sentence=3)["text"].unique().to_list()
    assert first == [made.sentences("qac")[3]]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"layer": 2}, "layer must be 0 to 1, got 2"),
        ({"layer": 0, "seed": 9}, "no model of seed 9"),
    ],
)
def test_a_map_that_is_not_there_is_refused(
    made: StudyAlignment, asked: dict[str, int], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        language_map_results.standing(made, **asked)


def test_each_language_is_foreseen_by_every_model(made: StudyAlignment) -> None:
    frame = made.foreseen(most=2)
    assert len(frame) == 4 * 3
    vocabulary = made.made.batches.vocabulary
    for row in frame.iter_rows(named=True):
        told = made.sentences(row["language"])[:2]
        ids = np.concatenate(vocabulary.encode(told, row["language"]))
        assert row["num_tokens"] == len(ids)
        assert row["num_bytes"] == sum(len(text.encode()) for text in told)
        bits = row["num_tokens"] * np.log2(row["perplexity"]) / row["num_bytes"]
        assert row["bits_per_byte"] == pytest.approx(bits)
        assert 0.5 * vocabulary.size < row["perplexity"] < 2 * vocabulary.size


def test_frequencies_foresee_by_the_training_text(made: StudyAlignment) -> None:
    batches = made.made.batches
    tokens = batches.shards.tokens("qaa", "train")
    told = made.sentences("qaa")[:2]
    ids = np.concatenate(batches.vocabulary.encode(told, "qaa"))
    total = (tokens != 2).sum() + batches.vocabulary.size
    nats = [-np.log(((tokens == i).sum() + 1) / total) for i in ids.tolist()]
    found = made.foreseen(most=2).filter(language="qaa")["unigram_perplexity"].unique().to_list()
    assert found == [pytest.approx(np.exp(np.mean(nats)), rel=2e-3)]


def test_nothing_is_written(made: StudyAlignment, study_folder: Path) -> None:
    work = study_folder.parents[1]
    before = {path: path.stat().st_mtime_ns for path in work.rglob("*")}
    again = alignment_results.open_alignment(made.made.study, most=5)
    again.foreseen(most=1)
    assert {path: path.stat().st_mtime_ns for path in work.rglob("*")} == before


def test_a_study_without_models_says_what_trains_them(tmp_path: Path, make_study: Any) -> None:
    folder = tmp_path / "runs" / "mine"
    make_study(folder, num_languages=4, with_text=False)
    (folder / "arms.json").unlink()
    with pytest.raises(UserError, match=r"mine has no trained model yet; `./lab pretrain` trains"):
        alignment_results.open_alignment(results.open_study(folder))


def test_missing_sentences_are_said_with_what_makes_them(study_folder: Path) -> None:
    changed = study_folder.with_name("of-another-seed")
    shutil.copytree(study_folder, changed)
    config = json.loads((changed / "config.json").read_text("utf-8"))
    config["babel"]["seed"] = 99
    (changed / "config.json").write_text(json.dumps(config), "utf-8")
    try:
        with pytest.raises(UserError, match=r"`./lab evaluate` makes its NLI task, or name a"):
            aligned_folder.find(results.open_study(changed))
        config["corpus"]["path"] = "texts"
        (changed / "config.json").write_text(json.dumps(config), "utf-8")
        with pytest.raises(UserError, match="has no NLI task to take sentences of; name a folder"):
            aligned_folder.find(results.open_study(changed))
        config["nli"]["path"] = "data"
        (changed / "config.json").write_text(json.dumps(config), "utf-8")
        assert aligned_folder.find(results.open_study(changed)) == study_folder.parents[1] / "data"
    finally:
        shutil.rmtree(changed)


def test_a_named_folder_is_looked_for_from_here_upwards(
    study_folder: Path, texts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = results.open_study(study_folder)
    (texts / "inner").mkdir()
    monkeypatch.chdir(texts / "inner")
    assert aligned_folder.find(study, texts.name) == texts
    with pytest.raises(UserError, match="no folder 'nowhere'"):
        aligned_folder.find(study, "nowhere")


def test_a_folder_without_two_of_the_languages_is_refused(texts: Path) -> None:
    with pytest.raises(UserError, match="has sentences of qaa, qab, qac, zz; of the study's"):
        aligned_folder.read(texts, ["qaa", "xx"], 9)
    with pytest.raises(UserError, match="at least 2 sentences are needed to look among, got 1"):
        aligned_folder.read(texts, ["qaa", "qab"], 1)


def test_tatoeba_pairs_each_language_with_english_only(tmp_path: Path) -> None:
    for name, size in (("fra", 3), ("deu", 4)):
        for side in (name, "eng"):
            lines = "".join(f"{side} {name} {i}\n" for i in range(size))
            (tmp_path / f"tatoeba.{name}-eng.{side}").write_text(lines, "utf-8")
    groups = aligned_folder.read(tmp_path, ["en", "fr", "de"], 9)
    assert [(list(group), len(group["en"])) for group in groups] == [
        (["en", "de"], 4),
        (["en", "fr"], 3),
    ]


def test_groups_of_pairs_are_looked_at_by_pairs_and_languages_as_wholes(
    made: StudyAlignment,
) -> None:
    """As Tatoeba has them: qaa stands in for English, and has other sentences beside each."""
    parts = [("qab", slice(0, 10)), ("qac", slice(10, 30))]
    pairs = dataclasses.replace(
        made,
        groups=[
            {key: made.groups[0][key][part] for key in ("qaa", other)} for other, part in parts
        ],
        vectors={
            network: [
                {key: groups[0][key][:, part] for key in ("qaa", other)} for other, part in parts
            ]
            for network, groups in made.vectors.items()
        },
    )
    frame = pairs.retrieval()
    directions = frame.select("language", "other", "num_sentences").unique().rows()
    assert sorted(directions) == [
        *[("qaa", "qab", 10), ("qaa", "qac", 20)],
        *[("qab", "qaa", 10), ("qac", "qaa", 20)],
    ]
    assert "10 to 20 of each of qaa, qab, qac" in pairs.about()
    assert pairs.pooled(("untrained", 1))["qaa"].shape == (2, 30, 16)
    assert pairs.sentences("qaa") == list(made.groups[0]["qaa"])
    closeness = pairs.closeness()
    assert len(language_map_results.tree(pairs, closeness, layer=1)) == 2
    with pytest.raises(UserError, match="a tree needs a distance between every two languages"):
        language_map_results.tree(pairs, closeness, layer=1, measure="translations")
    told = language_map_results.kinship(pairs, closeness)
    assert told.filter(measure="translations")["num_between"].unique().to_list() == [2]
    assert len(language_map_results.places(pairs, layer=1, most=4)) == 2 * 3 * 4


def test_a_network_is_left_as_it_was(made: StudyAlignment) -> None:
    model = made.made.models[1]
    state = {name: value.clone() for name, value in model.state_dict().items()}
    made.foreseen(most=1)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
