"""All cells of a campaign side by side: what is one cell, what varies, what a run takes, what came
out."""

from pathlib import Path

import polars as pl
import pytest
from made_cells import small

from xlmr_lab import campaign_results, cell_results
from xlmr_lab.cell_frames import Cells, within
from xlmr_lab.errors import UserError


@pytest.fixture(scope="module")
def cells(tested_folder: Path) -> Cells:
    return cell_results.cells(campaign_results.open_campaign(tested_folder))


def test_a_setting_that_another_determines_has_no_axis() -> None:
    assert small().axes() == ["languages", "model.hidden_size"]
    assert small().only(claims=["F1"]).axes() == ["languages"]


def test_a_table_has_means_over_languages_and_seeds_without_added_languages() -> None:
    table = small().table()
    assert table.columns[3:] == [
        "languages",
        "model.hidden_size",
        "pieces high",
        "pieces low",
        "nli accuracy zero-shot overall",
    ]
    assert table["pieces high"].to_list() == pytest.approx([1.05, 0.85, 1.25])
    assert table["nli accuracy zero-shot overall"].to_list()[2] is None
    added = small().only(where={"tier": ["added"]}).table()
    assert added["pieces added"].to_list() == [None, None, pytest.approx(9.05)]


def test_a_filter_keeps_cells_by_claim_and_outcomes_by_language_and_seed() -> None:
    chosen = small().only(claims=["F2"], seeds=[1], where={"tier": ["low"], "script": []})
    assert chosen.settings["cell"].to_list() == ["base", "wide"]
    assert chosen.settings["claims"].to_list() == [["F2"], ["F2"]]
    assert set(chosen.outcomes["language"]) == {"b"}
    assert chosen.table()["pieces low"].to_list() == pytest.approx([2.1, 2.0])


def test_a_brush_keeps_the_cells_within_every_range() -> None:
    left = small().brushed({"pieces low": (None, 2.1), "model.hidden_size": (64, 64)})
    assert left.settings["cell"].to_list() == ["base"]
    scored = small().brushed({"nli accuracy zero-shot overall": (0.0, None)})
    assert scored.settings["cell"].to_list() == ["base", "wide"]  # many has no score
    with pytest.raises(UserError, match=r"no setting or outcome 'depth' varies here; there are"):
        small().brushed({"depth": (1, 2)})


def test_words_are_wanted_one_by_one() -> None:
    table = pl.DataFrame({"schedule": ["constant", "annealed", None]})
    assert within(table, {"schedule": ["annealed"]}) == [False, True, False]


def test_differences_are_the_second_less_the_first_of_one_seed_and_language() -> None:
    found = small().differences("base", "many")
    assert found.sort("seed", "language")["difference"].to_list() == pytest.approx(
        [0.2, 0.4, 0.2, 0.4]
    )
    assert small().changed("base", "wide") == {
        "model.hidden_size": (64, 128),
        "model.num_heads": (2, 4),
    }
    with pytest.raises(UserError, match="the cell 'many' is not among those that are chosen"):
        small().only(claims=["F2"]).differences("base", "many")


def test_points_have_what_a_run_took() -> None:
    points = small().points()
    assert points.filter(cell="base")["seconds"].unique().to_list() == [5.0]
    assert points.filter(cell="wide")["seconds"].to_list() == [None] * 4
    with pytest.raises(UserError, match="no cell here has the outcome 'words'; there are: pieces"):
        small().points("words")


def test_cells_that_are_pretrained_alike_are_one(cells: Cells) -> None:
    base = cells.settings.filter(cell="base").row(0, named=True)
    assert {"languages=7", "alpha=0.3", "base"} <= set(base["names"])
    assert {"F1", "F3", "F6", "F8"} <= set(base["claims"])
    assert base["claims"] == sorted(base["claims"], key=lambda claim: int(claim[1:]))
    names = cells.settings["names"].explode().to_list()
    assert len(names) == len(set(names)) > len(cells.settings)


@pytest.mark.parametrize(
    ("claim", "axes"),
    [
        ("F1", ["languages"]),
        ("F2", ["languages", "model.hidden_size"]),
        ("F3", ["sampling.alpha", "sampling.schedule"]),
        ("F6", ["batches.batch_sequences", "pretrain.steps"]),
        ("F15", ["model.adaptive_cutoffs"]),
    ],
)
def test_what_varies_in_a_claim_is_found(cells: Cells, claim: str, axes: list[str]) -> None:
    assert cells.only(claims=[claim]).axes() == axes


def test_what_a_run_takes_is_of_its_own_settings(cells: Cells) -> None:
    took = {row["cell"]: row for row in cells.compute.filter(seed=0).to_dicts()}
    assert took["base"]["tokens"] == 1500 * 32 * 64
    assert took["long"]["tokens"] == took["large batch"]["tokens"] == 4 * took["base"]["tokens"]
    assert took["long"]["steps"] == 6000
    wide = took["languages=7 width=128"]
    assert wide["parameters"] > took["base"]["parameters"]
    assert wide["operations"] / took["base"]["operations"] == pytest.approx(3.2, abs=0.7)
    assert took["base"]["seconds"] == 27.5


def test_the_language_learned_in_is_an_outcome_of_its_own(cells: Cells) -> None:
    names = set(cells.outcomes["outcome"])
    learned = {name for name in names if name.endswith(" learned")}
    rows = cells.outcomes.filter(pl.col("outcome") == "nli accuracy zero-shot")
    assert "qaa" not in rows.filter(cell="base")["language"].to_list()
    assert not any(" all learned" in name or " each learned" in name for name in learned)


def test_a_cell_and_seed_has_one_value_of_an_outcome_in_a_language(cells: Cells) -> None:
    keys = cells.outcomes.select("cell", "seed", "language", "outcome")
    assert keys.is_unique().all()
