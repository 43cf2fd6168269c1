"""The stages from text to token shards: each makes a folder named by the fingerprint of all it
depends on.

A folder that exists is finished, so a second run finds its work done, and a changed setting gives
another name to exactly the stages that depend on it. `*_VERSION` belongs to the fingerprint: it is
raised when a stage's code starts to give other results.
"""

import contextlib
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from xlmr_lab import configs, provenance, storage
from xlmr_lab.ablations import text_part
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.ablations.vocabulary_text import training_paragraphs
from xlmr_lab.babel import corpora, tasks, tongues
from xlmr_lab.batches import shards
from xlmr_lab.corpus import clean, contamination, documents, measure, sources, statistics
from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary import preprocessed, train
from xlmr_lab.vocabulary.load import load

logger = logging.getLogger(__name__)

BABEL_VERSION = MEASURE_VERSION = PART_VERSION = SHARDS_VERSION = 1
CLEAN_VERSION = VOCABULARY_VERSION = 2
TASK_VERSIONS = {"nli": 3, "ner": 4, "qa": 3, "glue": 3}
"""Of each of Babel's tasks; 4: no sentence of NER is in two splits."""

STAGE_NAME = "stage.json"
"""File of a finished stage that says what made it."""


def stage(
    data: Path,
    name: str,
    parts: list[Any],
    make: Callable[[Path], None],
    *,
    resumable: bool = False,
) -> Path:
    """Return the folder `<name>-<fingerprint of parts>`, made whole by `make(partial folder)` if it
    is not there; a resumable one goes on where a killed process left it.
    """
    folder = place(data, name, parts)
    if folder.is_dir():
        return folder
    logger.info("%s: making %s", name, folder)
    new_folder = storage.resumable_folder if resumable else storage.atomic_folder
    with contextlib.suppress(storage.AlreadyThereError), new_folder(folder) as partial_folder:
        make(partial_folder)
        storage.write_json(partial_folder / STAGE_NAME, {"name": name, **provenance.collect()})
    return folder


def place(data: Path, name: str, parts: list[Any]) -> Path:
    """Return where a stage's folder is or will be."""
    return data / f"{name}-{configs.fingerprint(name, *parts)}"


def babel(config: StudyConfig) -> Path:
    """Return the folder of the embedded corpus: `corpus/` and `truth/`."""
    parts = [BABEL_VERSION, config.babel]
    return stage(
        Path(config.data_dir), "babel", parts, lambda folder: corpora.write(folder, config.babel)
    )


def babel_task(config: StudyConfig, task: str) -> Path:
    """Return the folder of one of Babel's tasks, which is made when it is first asked for."""
    pivot = train_language(config, task) if task in tasks.TRANSLATED else ""

    def make(folder: Path) -> None:
        world, grown = corpora.build(config.babel)
        seed = config.babel.seed
        tasks.write(folder, world, grown, config.tasks, seed, names=(task,), pivot=pivot)

    parts = _task_parts(config.babel, config.tasks, task, pivot)
    return stage(Path(config.data_dir), f"task-{task}", parts, make) / task


def task_place(
    data: Path, babel: corpora.BabelConfig, sets: tasks.TaskConfig, task: str, train_language: str
) -> Path:
    """Return where one of Babel's tasks is or will be under a folder of stages; none is made."""
    pivot = train_language if task in tasks.TRANSLATED else ""
    return place(data, f"task-{task}", _task_parts(babel, sets, task, pivot)) / task


def _task_parts(
    babel: corpora.BabelConfig, sets: tasks.TaskConfig, task: str, pivot: str
) -> list[Any]:
    """Return what one of Babel's tasks depends on."""
    spoken = [babel.seed, babel.codes(), babel.tongue, pivot]
    return [TASK_VERSIONS[task], spoken, task, sets.of(task)]


def text_files(config: StudyConfig) -> list[sources.SourceFile]:
    """Return the files of the study's text.

    Raises:
        UserError: the folder is missing, or a language or source has no file.
    """
    wanted, base = list(config.corpus.languages), config.corpus.base_url
    if config.corpus.path is None:
        found = sources.find(babel(config) / "corpus", wanted)
    else:
        found = sources.find(config.corpus.path, wanted, base=base)
    return _of_sources(found, config.corpus.sources)


def _of_sources(files: list[sources.SourceFile], names: Sequence[str]) -> list[sources.SourceFile]:
    known = sorted({file.source for file in files})
    for name in names:
        if name not in known:
            raise UserError(
                f"corpus.sources names {name!r}, which the text has not; it has {', '.join(known)}"
            )
    return [file for file in files if not names or file.source in names]


def measured(config: StudyConfig) -> Path:
    """Return the folder of the measured text: `measured/` and the `models/` that measured it."""
    files = text_files(config)
    data = Path(config.data_dir)
    names = [[file.source, file.language, *signature(file.place, data)] for file in files]

    def make(folder: Path) -> None:
        measure.measure(
            files,
            folder,
            config=config.measure,
            seed=config.seed,
            jobs=config.jobs,
            executor=config.executor,
        )

    given = config.measure.identifier_path
    model = [signature(given, data)] if given and Path(given).is_file() else []
    parts = [MEASURE_VERSION, names, config.measure, config.seed, *model]
    return stage(data, "measured", parts, make, resumable=True)


def cleaned(config: StudyConfig) -> Path:
    """Return the folder of the cleaned corpus, or of the part that is used of it: `documents/`,
    `rejected/`, `report.json`, `sizes.json`.
    """
    source = measured(config)
    wanted = list(config.corpus.languages)
    evaluation = [
        signature(path, Path(config.data_dir))
        for path in contamination.evaluation_files(config.clean.contamination)
    ]

    def make(folder: Path) -> None:
        clean.clean_measured(
            source,
            folder,
            config=config.clean,
            measuring=config.measure,
            seed=config.seed,
            languages=wanted,
            place=clean.Workplace(
                jobs=config.jobs, executor=config.executor, memory_bytes=config.memory_bytes
            ),
        )
        _write_sizes(folder)

    parts = [CLEAN_VERSION, source.name, config.clean, wanted, evaluation]
    whole = stage(Path(config.data_dir), "clean", parts, make, resumable=True)
    return whole if config.part.is_whole else _part(config, whole)


def _part(config: StudyConfig, whole: Path) -> Path:
    fraction = config.batches.heldout_fraction

    def make(folder: Path) -> None:
        text_part.write(whole, folder, config.part, fraction)
        _write_sizes(folder)

    parts = [PART_VERSION, whole.name, config.part, fraction]
    return stage(Path(config.data_dir), "part", parts, make)


def _write_sizes(folder: Path) -> None:
    sizes = statistics.sizes(folder / "documents")
    storage.write_json(folder / "sizes.json", sizes.to_dicts())


def sizes(config: StudyConfig) -> list[dict[str, Any]]:
    """Return size, name, script and family of each cleaned language, largest first."""
    rows = storage.read_json(cleaned(config) / "sizes.json")
    return sorted(
        (row | tongues.described(row["language"]) for row in rows), key=lambda r: -r["size_bytes"]
    )


def vocabulary(config: StudyConfig) -> Path:
    """Return the folder of the vocabulary: `sentencepiece.model` or `wordpiece.json`, and
    `vocabulary.json`.

    It never sees the documents that are held out by their hash.
    """
    corpus, fraction = cleaned(config), config.batches.heldout_fraction
    settings = train.effective(config.vocabulary)
    parts = [VOCABULARY_VERSION, corpus.name, settings, config.seed, fraction]
    if config.vocabulary.preprocessing != "none":
        parts.append(preprocessed.versions())

    def make(folder: Path) -> None:
        measure = "size_bytes" if config.vocabulary.basis == "bytes" else "num_paragraphs"
        counted = {row["language"]: float(row[measure]) for row in sizes(config)}
        texts = {
            key: partial(training_paragraphs, corpus / "documents", key, fraction)
            for key in counted
        }
        train.train(texts, counted, folder, config=config.vocabulary, seed=config.seed)

    return stage(Path(config.data_dir), "vocabulary", parts, make)


def token_shards(config: StudyConfig) -> Path:
    """Return the folder of the token shards."""
    corpus, model = cleaned(config), vocabulary(config)

    def make(folder: Path) -> None:
        rows = sizes(config)
        texts = {
            row["language"]: partial(documents.iterate, corpus / "documents", row["language"])
            for row in rows
        }
        shards.encode(
            texts,
            load(model),
            folder,
            heldout_fraction=config.batches.heldout_fraction,
            jobs=config.jobs,
            total_bytes=sum(row["size_bytes"] for row in rows),
        )

    return stage(Path(config.data_dir), "shards", _shards_parts(config), make)


def shards_place(config: StudyConfig) -> Path:
    """Return where the folder of the token shards is or will be."""
    return place(Path(config.data_dir), "shards", _shards_parts(config))


def _shards_parts(config: StudyConfig) -> list[Any]:
    """Return all that the token shards depend on."""
    fraction = config.batches.heldout_fraction
    return [SHARDS_VERSION, cleaned(config).name, vocabulary(config).name, fraction]


def task_folder(config: StudyConfig, task: str) -> Path | None:
    """Return the folder of a task's files, or None where the study has none."""
    given = getattr(config, task).path
    if given is not None:
        if not Path(given).is_dir():
            raise UserError(
                f"{task}.path is no folder: {given}; give the folder of the task's files"
            )
        return Path(given)
    return babel_task(config, task) if config.corpus.path is None else None


def train_language(config: StudyConfig, task: str) -> str:
    """Return the language that a task is learned in."""
    keys = [row["language"] for row in sizes(config)]
    chosen = getattr(config, task).train_language
    if not chosen:
        return "en" if "en" in keys else keys[0]
    if chosen not in keys:
        raise UserError(f"{task}.train_language must be one of {', '.join(keys)}, got {chosen!r}")
    return str(chosen)


def signature(file: str | Path, data: Path) -> list[Any]:
    """Describe a file so that a changed one gets another fingerprint.

    Files that the lab made, in a stage's folder under `data`, are described by the fingerprint in
    the folder's name, files of the network by their address; all others by place, size and time.
    """
    if "://" in str(file):
        return [str(file)]
    place, made = Path(file).resolve(), data.resolve()
    if made in place.parents and (made / place.relative_to(made).parts[0] / STAGE_NAME).is_file():
        return [place.relative_to(made).as_posix()]
    status = place.stat()
    return [str(place), status.st_size, status.st_mtime_ns]
