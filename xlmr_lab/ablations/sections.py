"""Sections of a study's settings that belong to no other part: its text, its tasks, its arms."""

import dataclasses
from collections import Counter
from typing import Any, ClassVar, Literal

from xlmr_lab.corpus import remote
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.bilstm_training import BilstmSettings, quick
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.ner import Context
from xlmr_lab.evaluate.protocols import MIXED, Protocol, check_names
from xlmr_lab.evaluate.qa import AnswerConfig
from xlmr_lab.model.surgery import Start
from xlmr_lab.sampling.exponent import check_alpha
from xlmr_lab.sampling.pairs import PairSampling, check_share
from xlmr_lab.vocabulary.settings import LOWEST_COVERAGE

Baseline = Literal["bilstm-crf"]
"""What is trained without a pretrained encoder, as scores name its arm."""

OF_TRIM = ("languages", "min_count")
"""Settings of surgery that `trim` alone has."""
OF_EXTEND = ("text", "language", "pieces", "sample_bytes", "coverage", "start")
"""Those that `extend` alone has."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class CorpusConfig:
    """Which text."""

    path: str | None = None
    """Folder of text, <source>/<language>.txt (also .jsonl, .parquet; .gz, .bz2, .xz, .zst), of web
    archives (.warc, .wet, .arc) and MediaWiki dumps (.xml); or one such file, a list of them
    (.paths, .paths.gz), or an address (http://, s3://, hf://); none: Babel.
    """
    base_url: str = remote.COMMON_CRAWL
    """Where the files of a list of paths are that do not lie beside it."""
    languages: tuple[str, ...] = ()
    """Language keys to use (en,sw,...); empty: all that are found."""
    sources: tuple[str, ...] = ()
    """Sources to use (web,encyclopaedia,...); empty: all that are found."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TransferConfig:
    """A task that is learned in one language, or from translations, and scored in all (XLM-R
    Sec. 4).
    """

    path: str | None = None
    """Folder of {train,dev,test}-<language>.tsv, or of files as they were published; none: in a
    study on Babel Babel's task, else no task."""
    train_language: str = ""
    """Language of the training data; empty: en where there is one, else a study's largest language.
    """
    protocols: tuple[Protocol, ...] = ("zero-shot",)
    """What is learned from: zero-shot, the training language; translate-test, the same, scored on
    translated test sets; translate-train, training sets put into each language;
    translate-train-all, all of those together (the paper's four, XLM-R Sec. 4.2, Table 1); each and
    all, the languages' own training sets (Table 2). NLI has two that are not the paper's, scored on
    the model of zero-shot: code-switched, sentences that mix two languages
    (test.switched-<language>-<language>.tsv, the first the one whose grammar they have); crossed, a
    premise in one and a hypothesis in the other (test.crossed-<language>-<language>.tsv)."""
    seeds: int = 3
    """Fine-tuning runs for each pretrained model."""
    finetune: FinetuneConfig = FinetuneConfig()
    """How the encoder is fine-tuned."""
    mixes: ClassVar[bool] = False
    """Whether the task has sets of two languages."""

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise UserError(f"a task's seeds must be at least 1, got {self.seeds}")
        check_names("protocols", self.protocols)
        if not self.mixes and (mixed := [name for name in self.protocols if name in MIXED]):
            raise UserError(
                f"protocol {mixed[0]} is of nli alone, got {','.join(self.protocols)}; leave it out"
            )

    @property
    def reading(self) -> dict[str, Any]:
        """What the task's own settings say of reading its files, by argument."""
        return {}

    @property
    def decisive(self) -> dict[str, Any]:
        """What the scores of an encoder on one of its tasks depend on."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class NliConfig(TransferConfig):
    """Natural language inference."""

    mixes: ClassVar[bool] = True
    label_order: tuple[str, ...] = ()
    """Classes of the numbered labels of Parquet files that do not tell, in the order of numbers."""

    @property
    def reading(self) -> dict[str, Any]:
        """The classes of numbered labels."""
        return {"label_order": self.label_order}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class NerConfig(TransferConfig):
    """Named entity recognition."""

    context: Context = "sentence"
    """What the encoder sees: a sentence alone, or document: filled up with what stands around it in
    its document, where the files mark documents."""

    baselines: tuple[Baseline, ...] = ()
    """What is trained beside encoders, from nothing, on the same files under the same protocols,
    selections and seeds: bilstm-crf (Lample et al. 2016; XLM-R Sec. 5.2, Table 2). It sees each
    sentence alone."""
    bilstm: BilstmSettings = quick()
    """How BiLSTM-CRFs are trained; the paper's way is optimizer=sgd, learning_rate=0.01,
    batch_sentences=1, passes=100."""
    vectors: str | None = None
    """Folder of pretrained word vectors that BiLSTM-CRFs begin with, <language>.vec or .txt in
    word2vec's text form (also .gz, .xz, .zst); a language without a file begins at random."""

    def __post_init__(self) -> None:
        TransferConfig.__post_init__(self)
        if len(set(self.baselines)) < len(self.baselines):
            raise UserError(f"baselines names {self.baselines[0]} more than once; name it once")
        idle = [
            f"ner.bilstm.{field.name}"
            for field in dataclasses.fields(BilstmSettings)
            if getattr(self.bilstm, field.name) != getattr(quick(), field.name)
        ] + ["ner.vectors"] * (self.vectors is not None)
        if idle and not self.baselines:
            raise UserError(f"{idle[0]} has no effect without ner.baselines=bilstm-crf; add it")

    @property
    def reading(self) -> dict[str, Any]:
        """What the encoder sees."""
        return {"context": self.context}

    @property
    def decisive(self) -> dict[str, Any]:
        """What the scores of an encoder depend on: not on what is trained beside it."""
        beside = ("baselines", "bilstm", "vectors")
        return {k: v for k, v in dataclasses.asdict(self).items() if k not in beside}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class QaConfig(TransferConfig, AnswerConfig):
    """Extractive question answering."""

    path: str | None = None
    """Folder of <split>-context-<language>-question-<language>.json, as MLQA's, or of SQuAD's,
    XQuAD's or TyDiQA-GoldP's; none: in a study on Babel Babel's task, else no task."""

    def __post_init__(self) -> None:
        TransferConfig.__post_init__(self)
        AnswerConfig.__post_init__(self)

    @property
    def decisive(self) -> dict[str, Any]:
        """What the scores of an encoder depend on: on published files also their own rules."""
        own = {} if self.path is None else {"rules": "of benchmarks"}
        return dataclasses.asdict(self) | own

    @property
    def reading(self) -> dict[str, Any]:
        """How contexts are cut, and answers read and scored."""
        own = {field.name: getattr(self, field.name) for field in dataclasses.fields(AnswerConfig)}
        return {"answers": AnswerConfig(**own)}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TlmConfig:
    """Parallel text beside that of single languages (translation language modeling, XLM Sec. 3.4);
    XLM-R has none (Sec. 3).
    """

    share: float = 0.0
    """Share of the blocks that are of parallel text, in [0, 1); both sides of a pair are masked.
    XLM alternates both (0.5). 0: none."""
    path: str | None = None
    """Folder of <language>.txt (also .gz, .bz2, .xz, .zst) aligned line by line, blank where a
    language lacks a sentence; none: Babel's exact translations."""
    languages: tuple[str, ...] = ()
    """Languages of that folder to use (en,sw,...); empty: all that it holds."""
    pivot: str = ""
    """Language that each pair must have, en in XLM; empty: all pairs of languages."""
    alpha: float = 0.3
    """Exponent of the sampling of pairs, from 0 (every pair alike) to 1 (by size)."""
    sentences: int = 4000
    """Sentences of Babel's parallel text."""

    def __post_init__(self) -> None:
        check_share(self.share)
        check_alpha(self.alpha, "tlm.alpha")
        if self.sentences < 1:
            raise UserError(f"tlm.sentences must be at least 1, got {self.sentences}")
        if not self.share:
            names = ("path", "languages", "pivot", "alpha", "sentences")
            self._refuse(names, "tlm.share=0; set tlm.share above 0, such as 0.25, or leave it out")
        if self.path is not None:
            self._refuse(("sentences",), "tlm.path, which is not Babel's text; leave it out")

    def sampling(self) -> PairSampling:
        """Return how pairs are sampled."""
        return PairSampling(share=self.share, alpha=self.alpha) if self.share else PairSampling()

    def _refuse(self, names: tuple[str, ...], because: str) -> None:
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        for name in names:
            if getattr(self, name) != defaults[name]:
                raise UserError(f"tlm.{name} has no effect with {because}")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class GlueConfig(TransferConfig):
    """GLUE's tasks, and PAWS-X."""

    path: str | None = None
    """Folder with a folder for each task, as GLUE's downloads are (CoLA, SST-2, ...), or the folder
    of one task; none: in a study on Babel Babel's tasks, else no task."""
    tasks: tuple[str, ...] = ()
    """Tasks: cola, sst2, mrpc, qqp, stsb, mnli, qnli, rte, wnli, pawsx; empty: all that the folder
    has a folder of."""

    @property
    def decisive(self) -> dict[str, Any]:
        """What the scores of one of the tasks depend on: not on which others there are."""
        return {**dataclasses.asdict(self), "tasks": ()}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class AblationConfig:
    """The arms beside the main one (XLM-R Sec. 5.2, Figure 5)."""

    alphas: tuple[float, ...] = (0.01, 0.3, 1.0)
    """Sampling exponents to compare; the paper compares 0.01, 0.3, 0.7 and 1.0. Empty: none."""

    def __post_init__(self) -> None:
        for alpha in self.alphas:
            check_alpha(alpha)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class SurgeryConfig:
    """Another vocabulary for a trained model: fewer languages (`trim`), or one more (`extend`)."""

    source: str | None = None
    """Model to start from: a folder of Hugging Face in XLM-R's form, one of fairseq with its
    model.pt, or a checkpoint; none: the final checkpoint of the study's main arm."""
    vocabulary: str | None = None
    """Its vocabulary, a folder or model file; none: the one in the folder of Hugging Face or
    fairseq, or that of the study."""
    languages: tuple[str, ...] = ()
    """trim: languages of the study's text to keep (en,sw,...)."""
    min_count: int = 1
    """trim: uses in their text, all together, that a piece needs to be kept."""
    text: str | None = None
    """extend: text of the new language: a folder as in `corpus.path`, or a file <language>.txt
    (also .jsonl, .parquet; packed)."""
    language: str = ""
    """extend: key of the new language; only a unigram vocabulary of raw text is extended."""
    pieces: int = 500
    """extend: new pieces, the language's new characters included."""
    sample_bytes: int = 10_000_000
    """extend: text of the new language that its pieces are learned from, at most (bytes); each
    takes up to 40 bytes of memory."""
    coverage: float | None = None
    """extend: share of the new language's characters that its own pieces must have, 0.98 to 1;
    none: `vocabulary.coverage` of the study."""
    start: Start = "pieces"
    """extend: where their embeddings start: the mean of the pieces that stood for each (FVT, Gee et
    al. 2022), the mean of all with noise, or random."""

    def __post_init__(self) -> None:
        for name in ("min_count", "pieces", "sample_bytes"):
            if getattr(self, name) < 1:
                raise UserError(f"surgery.{name} must be at least 1, got {getattr(self, name)}")
        if self.coverage is not None and not LOWEST_COVERAGE <= self.coverage <= 1:
            raise UserError(
                f"surgery.coverage must be in [{LOWEST_COVERAGE}, 1], got {self.coverage}"
            )
        if twice := [key for key, n in Counter(self.languages).items() if n > 1]:
            raise UserError(
                f"surgery.languages names {', '.join(twice)} more than once; name each language "
                "once"
            )
