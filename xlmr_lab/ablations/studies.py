"""A study's configuration, and the studies that come with the lab.

`tiny` is what `./lab` runs: minutes on two cores. `small` has an easier corpus and eight
times the tokens, so that transfer on Babel can be seen: half an hour on two cores. `web` cleans raw
web pages. All are scaled stand-ins for XLM-R Base (Table 7); what they change is stated beside it.
"""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from xlmr_lab.ablations.sections import (
    AblationConfig,
    CorpusConfig,
    SurgeryConfig,
    TransferConfig,
)
from xlmr_lab.babel.corpora import BabelConfig
from xlmr_lab.babel.tasks import TaskConfig
from xlmr_lab.batches.stream import BatchConfig
from xlmr_lab.corpus.clean import MEMORY_BYTES
from xlmr_lab.corpus.executors import Executor
from xlmr_lab.corpus.judge import CleanConfig
from xlmr_lab.corpus.models import MeasureConfig
from xlmr_lab.corpus.quality import QualityConfig
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.model import presets
from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.pretrain.settings import PretrainConfig
from xlmr_lab.sampling.meter import PASSES_WARNED
from xlmr_lab.sampling.settings import SamplingConfig
from xlmr_lab.vocabulary.settings import VocabularyConfig

TaskName = Literal["nli", "ner"]
TASKS: tuple[TaskName, ...] = ("nli", "ner")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class StudyConfig:
    """A study: a corpus, a vocabulary, pretraining runs over arms and seeds, tasks."""

    name: str = ""
    """Name of the folder under `runs_dir`; empty: the preset's name, with that of the text's folder
    if it is not Babel.
    """
    seed: int = 0
    """First seed; the runs of an arm take this one and those after it."""
    seeds: int = 3
    """Pretraining runs for each arm."""
    jobs: int = 2
    """Processes at work at once, each with one thread; results do not depend on it."""
    executor: Executor = "local"
    """Where text is cleaned: local (processes), or ray (a cluster; see RAY_ADDRESS)."""
    memory_bytes: int = MEMORY_BYTES
    """Memory for finding duplicates in the text (bytes); results do not depend on it."""
    passes_warned: float = PASSES_WARNED
    """Passes over a language's text beyond which pretraining warns; results do not depend on it.
    Further ones taught causal models hardly anything (Muennighoff et al. 2023)."""
    runs_dir: str = "runs"
    """Folder of the studies' results."""
    data_dir: str = "data"
    """Folder of processed data, which studies share."""
    babel: BabelConfig = BabelConfig()
    """The embedded corpus, used where `corpus.path` is none."""
    tasks: TaskConfig = TaskConfig()
    """Babel's task sets."""
    corpus: CorpusConfig = CorpusConfig()
    """The text."""
    measure: MeasureConfig = MeasureConfig()
    """What is read of the text, and what the models that measure it learn from."""
    clean: CleanConfig = CleanConfig()
    """Which measured paragraphs are kept; other thresholds need no new measuring."""
    vocabulary: VocabularyConfig = VocabularyConfig()
    """How the vocabulary is trained."""
    sampling: SamplingConfig = SamplingConfig()
    """How languages are sampled in the main arm."""
    batches: BatchConfig = BatchConfig()
    """The shape of a batch and what is masked of it."""
    model: EncoderConfig = presets.preset("tiny").encoder
    """The encoder."""
    pretrain: PretrainConfig = PretrainConfig()
    """How the encoder is pretrained."""
    nli: TransferConfig = TransferConfig()
    """Natural language inference (XLM-R Sec. 4.2)."""
    ner: TransferConfig = TransferConfig()
    """Named entity recognition (XLM-R Sec. 4.3)."""
    ablation: AblationConfig = AblationConfig()
    """What is compared."""
    surgery: SurgeryConfig = SurgeryConfig()
    """What `trim` and `extend` make of a trained model; no other result depends on it."""

    def __post_init__(self) -> None:
        for name in ("seeds", "jobs"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.batches.block_tokens > self.model.max_tokens:
            raise UserError(
                f"batches.block_tokens must be at most model.max_tokens, {self.model.max_tokens}, "
                f"got {self.batches.block_tokens}"
            )
        if not self.passes_warned > 0:
            raise UserError(f"passes_warned must be above 0, got {self.passes_warned}")
        if self.ablation.alphas and self.sampling.schedule != "constant":
            raise UserError(
                "ablation.alphas compares runs of one constant exponent each, which has no effect "
                f"with sampling.schedule={self.sampling.schedule}; set ablation.alphas= (empty)"
            )
        if not self.pretrain.heldout_blocks:
            raise UserError("pretrain.heldout_blocks must be at least 1 in a study, got 0")
        for task in TASKS:
            longest = getattr(self, task).finetune.max_tokens
            if longest > self.model.max_tokens:
                raise UserError(
                    f"{task}.finetune.max_tokens must be at most model.max_tokens, "
                    f"{self.model.max_tokens}, got {longest}"
                )

    def alphas(self) -> list[float]:
        """Return the sampling exponents of all arms, the main one's among them."""
        return sorted({self.sampling.alpha, *self.ablation.alphas})

    def run_name(self, preset: str) -> str:
        """Return the name of the study's folder."""
        if self.name:
            return self.name
        if self.corpus.path is None:
            return preset
        return f"{preset}-{Path(self.corpus.path).resolve().name or 'text'}"


def tiny() -> StudyConfig:
    """Return the study of `./lab`: six languages of Babel, three million tokens a run, minutes.

    Against the paper: 6 languages (100), 2 layers of width 64 (12 of 768), 1,800 pieces (250k),
    blocks of 64 tokens (512), batches of 32 blocks (8192), initial weights of deviation 0.12 (0.02,
    with which a model this narrow takes three times as long), no dropout, since so little training
    does not overfit; one sentence in ten stands beside its translation into the first language.
    """
    return StudyConfig(
        babel=BabelConfig(
            languages=("qaa", "qab", "qam", "qbk", "qcu", "qdc"),
            corpus_bytes=4_000_000,
            smallest_bytes=150_000,
            glossed=0.1,
        ),
        tasks=TaskConfig(nli_train=16_000, ner_train=2000),
        measure=MeasureConfig(labelled_sources=("encyclopaedia",), second_identifier=False),
        vocabulary=VocabularyConfig(size=1800, sample_bytes=3_000_000, coverage=0.9999),
        batches=BatchConfig(block_tokens=64, batch_sequences=32, heldout_fraction=0.05),
        model=dataclasses.replace(
            presets.preset("tiny").encoder, dropout=0.0, attention_dropout=0.0, init_std=0.12
        ),
        pretrain=PretrainConfig(
            steps=1500, peak_learning_rate=6e-3, warmup_steps=100, heldout_steps=300
        ),
        nli=TransferConfig(
            train_language="qaa",
            finetune=FinetuneConfig(steps=500, peak_learning_rate=1e-3),
        ),
        ner=TransferConfig(
            train_language="qaa",
            finetune=FinetuneConfig(steps=150, peak_learning_rate=1e-3),
        ),
    )


def small() -> StudyConfig:
    """Return the study of transfer on Babel, with an easier corpus: half an hour on two cores.

    Four languages of one family and of equal size, one sentence in five with its translation, 25
    million tokens a run; one arm, since it asks about transfer and not about alpha; four seeds,
    since transfer differs much between them.
    """
    base = tiny()
    return dataclasses.replace(
        base,
        seeds=4,
        babel=dataclasses.replace(
            base.babel,
            languages=("qaa", "qam", "qay", "qbk"),
            balanced=True,
            glossed=0.2,
            corpus_bytes=8_000_000,
        ),
        tasks=TaskConfig(nli_train=40_000, ner_train=2000),
        vocabulary=dataclasses.replace(base.vocabulary, size=1200),
        pretrain=dataclasses.replace(base.pretrain, steps=12_000, heldout_steps=1000),
        nli=dataclasses.replace(
            base.nli, finetune=dataclasses.replace(base.nli.finetune, steps=2500)
        ),
        ablation=AblationConfig(alphas=()),
    )


def web() -> StudyConfig:
    """Return the settings for raw web pages, as XLM-R's corpus was made (Sec. 3, CCNet): two
    identifiers, filters of documents, near duplicates; otherwise those of `tiny`.

    Give it labelled text of each language beside the pages (`measure.labelled_sources`) and, for
    perplexity, text of quality (`measure.encyclopaedia_sources`).
    """
    base = tiny()
    return dataclasses.replace(
        base,
        measure=MeasureConfig(labelled_sources=base.measure.labelled_sources),
        clean=CleanConfig(
            quality=QualityConfig(sets=("gopher_quality", "gopher_repetition")),
            near_duplicates=True,
        ),
    )


PRESETS: dict[str, Callable[[], StudyConfig]] = {"tiny": tiny, "small": small, "web": web}


def preset(name: str, *, own_text: bool = False) -> StudyConfig:
    """Return the study of a name, for Babel or for text of one's own.

    Raises:
        UserError: there is none of that name.
    """
    if name not in PRESETS:
        raise UserError(f"unknown preset {name!r}; there are {', '.join(PRESETS)}")
    config = PRESETS[name]()
    return for_text(config) if own_text else config


def settled(assignments: Sequence[str], *, own_text: bool) -> list[str]:
    """Return a user's settings such that each has its effect beside those of a preset.

    A number of Babel's languages takes the place of the preset's list of them, a schedule of
    sampling that of its arms of constant exponents, and a cap that of its exponent.

    Raises:
        UserError: a setting of Babel for text that is not Babel.
    """
    given = dict(assignment.partition("=")[::2] for assignment in assignments)
    for name in given:
        if own_text and name.startswith(("babel.", "tasks.")):
            raise UserError(f"{name} has no effect with corpus.path: it belongs to Babel")
    schedule = given.get("sampling.schedule", "constant")
    yielding = {
        "babel.languages=": "babel.num_languages" in given,
        "ablation.alphas=": schedule != "constant",
        "sampling.alpha=0": schedule == "capped",
    }
    names = {setting: setting.partition("=")[0] for setting in yielding}
    way = [
        setting for setting, yields in yielding.items() if yields and names[setting] not in given
    ]
    return [*way, *assignments]


def for_text(config: StudyConfig) -> StudyConfig:
    """Return a study with what suits Babel alone replaced by what natural text needs.

    The identifier learns from all sources, the vocabulary is larger (each language has thousands of
    words and Chinese thousands of characters), and tasks are learned in English or the largest
    language.
    """
    return dataclasses.replace(
        config,
        measure=dataclasses.replace(config.measure, labelled_sources=()),
        vocabulary=dataclasses.replace(
            config.vocabulary, size=8000, sample_bytes=10_000_000, coverage=0.99999
        ),
        nli=dataclasses.replace(config.nli, train_language=""),
        ner=dataclasses.replace(
            config.ner,
            train_language="",
            finetune=dataclasses.replace(config.ner.finetune, steps=1000),
        ),
        ablation=AblationConfig(),
    )
