"""The stage that measures a study's vocabulary, and what the run folder keeps of both.

It is a stage of its own, so that another way to measure does not train the vocabulary anew.
Parallel text is that of the study's NLI: XNLI and Babel have the same pairs, translated, in the
same line of each language. Files whose labels differ from the original's are no translations.
"""

import logging
from pathlib import Path

from xlmr_lab import storage
from xlmr_lab.ablations import stages
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.ablations.vocabulary_text import language_text
from xlmr_lab.evaluate import places
from xlmr_lab.evaluate.formats import xnli
from xlmr_lab.evaluate.places import Source
from xlmr_lab.evaluate.protocols import TaskSet
from xlmr_lab.evaluate.task_files import ScoredSplit
from xlmr_lab.model import parameters
from xlmr_lab.vocabulary import diagnostics, premium
from xlmr_lab.vocabulary.load import RECORD_NAME, Vocabulary, load

logger = logging.getLogger(__name__)

DIAGNOSIS_VERSION = 1
TABLES = (*diagnostics.Diagnosis._fields, "premium")
"""The tables of the stage, each a JSON Lines file."""
FOLDER_NAME = "vocabulary"
"""Where a run folder keeps the tables and the record."""


def diagnosis(config: StudyConfig) -> Path:
    """Return the folder of the measured vocabulary: one file for each of `TABLES`."""
    corpus, place = cleaned_documents(config), stages.vocabulary(config)
    fraction = config.batches.heldout_fraction
    parallel = parallel_files(config)
    marks = [
        [language, *stages.signature(path, Path(config.data_dir))]
        for language, source in parallel.items()
        for path in source.paths
    ]

    def make(folder: Path) -> None:
        vocabulary = load(place)
        texts = {
            row["language"]: language_text(corpus, row["language"], fraction)
            for row in stages.sizes(config)
        }
        found = diagnostics.diagnose(vocabulary, texts)
        for name, rows in found._asdict().items():
            storage.write_jsonl(folder / f"{name}.jsonl", rows)
        storage.write_jsonl(folder / "premium.jsonl", _premiums(vocabulary, parallel))

    parts = [DIAGNOSIS_VERSION, corpus.parent.name, place.name, fraction, marks]
    return stages.stage(Path(config.data_dir), "diagnosis", parts, make)


def keep(config: StudyConfig, folder: Path) -> None:
    """Write what was measured, and how the vocabulary was made, into a run folder."""
    source, target = diagnosis(config), folder / FOLDER_NAME
    target.mkdir(exist_ok=True)
    for name in TABLES:
        rows = storage.read_jsonl(source / f"{name}.jsonl")
        storage.write_jsonl(target / f"{name}.jsonl", rows)
    record = storage.read_json(stages.vocabulary(config) / RECORD_NAME)
    storage.write_json(target / RECORD_NAME, record)


def cost(config: StudyConfig) -> str:
    """Say how much of the study's model its vocabulary takes."""
    size = storage.read_json(stages.vocabulary(config) / RECORD_NAME)["size"]
    model = config.model
    found = parameters.count(
        size,
        num_layers=model.num_layers,
        hidden_size=model.hidden_size,
        ffn_size=model.ffn_size,
        max_tokens=model.max_tokens,
        num_languages=len(stages.sizes(config)) * model.language_embeddings,
        adaptive_cutoffs=model.adaptive_cutoffs,
    )
    return (
        f"{size:,} ids of width {model.hidden_size} take {found.vocabulary:,} of the model's "
        f"{found.total:,} parameters ({found.vocabulary_share:.0%})"
    )


def cleaned_documents(config: StudyConfig) -> Path:
    """Return the folder of the study's cleaned documents."""
    return stages.cleaned(config) / "documents"


def parallel_files(config: StudyConfig) -> dict[str, Source]:
    """Return the files of parallel text by language, the original first: the test or dev files of
    NLI; none where the study has no NLI or only one language of it.
    """
    folder = stages.task_folder(config, "nli")
    if folder is None:
        return {}
    keys = [row["language"] for row in stages.sizes(config)]
    splits: tuple[ScoredSplit, ...] = ("test", "dev")
    for split in splits:
        sources = {key: places.find(xnli.places, folder, TaskSet(split, key)) for key in keys}
        found = {key: source for key, source in sources.items() if source}
        if len(found) > 1:
            original = "en" if "en" in found else next(iter(found))
            return {original: found[original]} | found
    return {}


def _premiums(vocabulary: Vocabulary, files: dict[str, Source]) -> list[dict[str, object]]:
    if not files:
        return []
    pairs = {language: xnli.read(source) for language, source in files.items()}
    original = next(iter(pairs))
    same = {key: own for key, own in pairs.items() if own.labels == pairs[original].labels}
    for language in pairs.keys() - same.keys():
        logger.warning(
            "%s: not line by line the same pairs as %s, so no premium of %s is measured",
            files[language],
            files[original],
            language,
        )
    texts = {key: own.premises + own.hypotheses for key, own in same.items()}
    return premium.premiums(vocabulary, texts, original)
