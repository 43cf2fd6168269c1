"""A study's configuration: the sections of all its parts, and the checks across them."""

import dataclasses
from pathlib import Path
from typing import Literal

from xlmr_lab.ablations.sections import (
    AblationConfig,
    CorpusConfig,
    GlueConfig,
    NerConfig,
    NliConfig,
    QaConfig,
    SurgeryConfig,
    TlmConfig,
)
from xlmr_lab.ablations.text_part import PartConfig
from xlmr_lab.babel.corpora import BabelConfig
from xlmr_lab.babel.tasks import TaskConfig
from xlmr_lab.batches.stream import BatchConfig
from xlmr_lab.corpus.clean import MEMORY_BYTES
from xlmr_lab.corpus.executors import Executor
from xlmr_lab.corpus.judge import CleanConfig
from xlmr_lab.corpus.models import MeasureConfig
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.protocols import check_names
from xlmr_lab.model import presets
from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.pretrain.settings import PretrainConfig
from xlmr_lab.sampling.meter import PASSES_WARNED
from xlmr_lab.sampling.settings import SamplingConfig
from xlmr_lab.vocabulary.settings import VocabularyConfig

TaskName = Literal["nli", "ner", "qa", "glue"]


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
    part: PartConfig = PartConfig()
    """Which part of the cleaned text is used."""
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
    tlm: TlmConfig = TlmConfig()
    """Parallel text that it is also pretrained on."""
    nli: NliConfig = NliConfig()
    """Natural language inference (XLM-R Sec. 4.2)."""
    ner: NerConfig = NerConfig()
    """Named entity recognition (XLM-R Sec. 4.3)."""
    qa: QaConfig = QaConfig()
    """Question answering (XLM-R Sec. 4.2, Table 3)."""
    glue: GlueConfig = GlueConfig()
    """GLUE's tasks (XLM-R Sec. 5.3, Table 4)."""
    evaluated: tuple[TaskName, ...] = ("nli", "ner")
    """Tasks that models are fine-tuned on and scored in: nli, ner, qa, glue."""
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
        if self.tlm.share and self.tlm.path is None and self.corpus.path is not None:
            raise UserError(
                f"tlm.share={self.tlm.share:g} needs parallel text: add tlm.path=FOLDER, which "
                "holds <language>.txt aligned line by line, or set tlm.share=0"
            )
        if not self.pretrain.heldout_blocks:
            raise UserError("pretrain.heldout_blocks must be at least 1 in a study, got 0")
        check_names("evaluated", self.evaluated)
        for task in self.evaluated:
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
