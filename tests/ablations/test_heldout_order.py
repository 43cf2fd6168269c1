"""How well a language is learned follows its share of the text, and alpha takes that back (XLM-R
Sec. 3.1, 5.1).

Tongues are not equally hard, so one run's order says little. Here five of one family, with one
script, have from 1 to 30 times as much text; each Babel has other words, and its runs at two alphas
share vocabulary, held-out blocks and masks. Losses at full length, with tongues of equal sizes
beside them, are in notebooks/LOG.md.

Run with: pytest tests/ablations/test_heldout_order.py
"""

from pathlib import Path

import numpy as np
import pytest

from xlmr_lab import configs, storage
from xlmr_lab.ablations import studies
from xlmr_lab.ablations.run import Study
from xlmr_lab.intervals import mean_interval

BABELS = (0, 1, 2)
STEPS = 250
SETTINGS = (
    "babel.languages=qaa,qam,qay,qbk,qbw",
    "babel.corpus_bytes=1200000",
    "babel.smallest_bytes=20000",
    "babel.encyclopaedia_bytes=8000",
    "tasks.nli_train=60",
    "tasks.nli_test=30",
    "tasks.ner_train=40",
    "vocabulary.size=800",
    "vocabulary.sample_bytes=600000",
    "batches.heldout_fraction=0.1",
    "pretrain.warmup_steps=40",
    f"pretrain.steps={STEPS}",
    f"pretrain.heldout_steps={STEPS}",
    "seeds=1",
)

Losses = dict[float, tuple[np.ndarray, np.ndarray]]
"""By alpha the logarithm of each language's blocks, and its loss on held-out documents."""


def pretrained(folder: Path, babel: int) -> Losses:
    places = (f"data_dir={folder / 'data'}", f"runs_dir={folder / 'runs'}", f"name=babel-{babel}")
    changes = [*SETTINGS, *places, f"babel.seed={babel}"]
    study = Study(configs.override(studies.tiny(), changes), "tiny")
    study.prepare()
    study.pretrain([0.3, 1.0])
    blocks = {r["language"]: r["num_blocks"] for r in study_rows(study, "blocks")}
    found: dict[float, dict[str, float]] = {0.3: {}, 1.0: {}}
    for row in study_rows(study, "heldout"):
        if row["step"] == STEPS:
            found[row["alpha"]][row["language"]] = row["loss"]
    return {
        alpha: (np.log([blocks[key] for key in losses]), np.array(list(losses.values())))
        for alpha, losses in found.items()
    }


def study_rows(study: Study, name: str) -> list[dict]:
    return storage.read_jsonl(study.folder / f"{name}.jsonl")


def slope(sizes: np.ndarray, losses: np.ndarray) -> float:
    """Return by how many nats the loss rises where there is e times as much text."""
    return float(np.polyfit(sizes, losses, 1)[0])


def rank_correlation(sizes: np.ndarray, losses: np.ndarray) -> float:
    return float(np.corrcoef(*(np.argsort(np.argsort(x)) for x in (sizes, losses)))[0, 1])


@pytest.mark.slow
def test_heldout_loss_falls_with_a_languages_text_at_alpha_1_and_less_at_less(
    tmp_path: Path,
) -> None:
    """Intervals are Student's t over three Babels, seen: slopes of -0.30 and -0.09."""
    found = [pretrained(tmp_path, babel) for babel in BABELS]
    proportional = mean_interval([slope(*losses[1.0]) for losses in found])
    flatter = mean_interval([slope(*losses[0.3]) - slope(*losses[1.0]) for losses in found])
    assert proportional.high < 0 < flatter.low, (proportional, flatter)
    assert np.mean([rank_correlation(*losses[1.0]) for losses in found]) < -0.6
    kept = [slope(*losses[0.3]) / slope(*losses[1.0]) for losses in found]
    assert np.mean(kept) < 0.6, "most of the slope is gone"
    for losses in found:
        (sizes, evened), (_, proportionally) = losses[0.3], losses[1.0]
        rise = proportionally - evened
        assert rise[sizes.argmin()] > 0.2 > rise[sizes.argmax()], "the small pay, the large do not"
