"""The training runs of a baseline on NER, beside the fine-tuning runs of encoders (XLM-R Sec. 5.2,
Table 2).

A baseline has no pretraining, so a seed is one run of each of its models: in a study as many as
there are pretraining runs, whose intervals its own then stand beside; beside one given encoder, as
many as that has fine-tuning seeds. What is finished is found again by the fingerprint of all it
depends on, and a killed run goes on. Its protocols, selections and files are those of the encoders.
Left out: translated sets have no meaning of their own here, and are learned from like any other.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from xlmr_lab import configs
from xlmr_lab.ablations import stages, task_runs, task_sets
from xlmr_lab.ablations.sections import NerConfig
from xlmr_lab.ablations.task_runs import TaskRuns
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import baselines
from xlmr_lab.evaluate.bilstm_training import BilstmConfig
from xlmr_lab.evaluate.looks import Looked
from xlmr_lab.evaluate.scores import Score
from xlmr_lab.evaluate.task_files import SUFFIXES

VECTORS = (".vec", ".txt")
"""How names of files of word vectors end, packed or not."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class BaselineRuns:
    """One baseline on NER: everything its process needs."""

    runs: TaskRuns
    """What is trained and scored."""
    config: BilstmConfig
    vectors: Mapping[str, Path]
    """Files of word vectors by the key of their language."""


def beside(
    settings: NerConfig,
    runs: TaskRuns,
    *,
    data: Path,
    of_seeds: Sequence[tuple[Mapping[str, Any], Sequence[int]]],
) -> list[BaselineRuns]:
    """Return the baselines that stand beside an encoder's runs on NER.

    For each there are `of_seeds`: what its scores say besides its name, and the seeds that are run
    together. `data` is the folder of stages.
    """
    vectors = vector_files(settings, [runs.train_language, *runs.languages])
    config = BilstmConfig.of(settings.bilstm, settings.finetune)
    parts = [
        baselines.BILSTM_VERSION,
        task_sets.signatures(runs.folder, data),
        [[key, *stages.signature(path, data)] for key, path in vectors.items()],
        [config, runs.protocols, runs.train_language, runs.languages],
    ]
    found = []
    for arm in settings.baselines:
        for names, seeds in of_seeds:
            mark = configs.fingerprint(*parts, arm, [*seeds])
            name = f"ner-{arm}-s{seeds[0]}-{mark}.jsonl"
            own = dataclasses.replace(
                runs,
                seeds=tuple(seeds),
                names={**runs.names, **names, "run": arm, "arm": arm},
                output=runs.output.with_name(name),
                looks=runs.looks and runs.looks.with_name(name),
            )
            found.append(BaselineRuns(runs=own, config=config, vectors=vectors))
    return found


def run(plan: BaselineRuns) -> None:
    """Train and score over the plan's seeds; finished ones are not done again."""
    runs = plan.runs
    data = baselines.load(
        runs.folder,
        train_language=runs.train_language,
        languages=runs.languages,
        config=plan.config,
        protocols=runs.protocols,
        vectors=plan.vectors,
    )

    def trained(seed: int, kept: Path, looked: Looked) -> list[Score]:
        return baselines.run(data, config=plan.config, seed=seed, folder=kept, looked=looked)

    task_runs.over_seeds(runs, trained)


def vector_files(settings: NerConfig, languages: Sequence[str]) -> dict[str, Path]:
    """Return the files of word vectors of those languages that have one; none where no folder is
    named.

    Raises:
        UserError: the folder is missing, has none of these languages, or has one twice.
    """
    if settings.vectors is None:
        return {}
    folder, wanted = Path(settings.vectors), sorted(set(languages))
    if not folder.is_dir():
        raise UserError(f"ner.vectors is no folder: {folder}; give one of <language>.vec files")
    found = {key: path for key in wanted for path in _at(folder, key)}
    if not found:
        raise UserError(
            f"{folder} has no word vectors of {', '.join(wanted)}; put {wanted[0]}.vec there, in "
            "word2vec's text form, or leave ner.vectors out"
        )
    return found


def _at(folder: Path, language: str) -> Iterator[Path]:
    names = [f"{language}{ending}{suffix}" for ending in VECTORS for suffix in SUFFIXES]
    present = [folder / name for name in names if (folder / name).is_file()]
    if len(present) > 1:
        told = " and ".join(path.name for path in present)
        raise UserError(f"{folder} holds {told}: keep one of them")
    yield from present
