"""What decides a vocabulary: its model, its size, and the text that it is trained on."""

from dataclasses import dataclass
from typing import Literal

from xlmr_lab.errors import UserError
from xlmr_lab.sampling.exponent import check_alpha
from xlmr_lab.vocabulary.special_tokens import NUM_ADDED_IDS

LOWEST_COVERAGE = 0.98
"""The least that SentencePiece accepts as its own coverage, and what it is given."""
LEAST_SIZE = 2 * (NUM_ADDED_IDS + 3)

Model = Literal["unigram", "bpe", "wordpiece"]
Preprocessing = Literal["none", "tokenized", "tokenized_lowercased"]


@dataclass(frozen=True, kw_only=True, slots=True)
class VocabularyConfig:
    """How a vocabulary is trained."""

    model: Model = "unigram"
    """Kind of subwords: unigram (SentencePiece, XLM-R Sec. 3), bpe (XLM), or wordpiece (mBERT)."""

    size: int = 250_002
    """Number of ids, specials and `<mask>` included; 250,002 in the released models (250k in XLM-R
    Sec. 3)."""

    preprocessing: Preprocessing = "none"
    """What is done to the text before subwords: none (raw text, XLM-R), tokenized (Moses and the
    segmenters of each language, XLM-100), or tokenized_lowercased (also lower case without accents,
    XLM-15); compared in XLM-R Figure 7."""

    alpha: float = 0.3
    """Exponent of the sampling of the training text: each language's share of the sample's bytes is
    that power of its size, over the sum. Not stated in the paper, here that of its batches (XLM-R
    Sec. 3)."""

    basis: Literal["sentences", "bytes"] = "sentences"
    """What the size of a language counts: sentences (paragraphs) as in XLM-R Sec. 5.1, or bytes of
    text."""

    sample_bytes: int = 200_000_000
    """Bytes of text that the vocabulary is trained on, all languages together, repeated text
    included."""

    sample_sentences: int = 10_000_000
    """Most sentences (paragraphs) that the vocabulary is trained on, all languages together."""

    memory_bytes: int = 12 << 30
    """Memory that training may take (bytes); a plan that needs more is refused before it starts."""

    coverage: float = 0.99999
    """Share of each language's own characters that must have a piece, 0.98 to 1; at 0.99999 no
    letter above one in 100,000 of any one language is lost. The paper's value is not known."""

    byte_fallback: bool = False
    """Cut what has no piece into its UTF-8 bytes, for which 256 ids are kept; the released models
    make it `<unk>`."""

    def __post_init__(self) -> None:
        check_alpha(self.alpha)
        if self.size < LEAST_SIZE:
            raise UserError(
                f"size must be at least {LEAST_SIZE} (ids of a vocabulary), got {self.size}"
            )
        for name in ("sample_bytes", "sample_sentences", "memory_bytes"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} must be positive, got {getattr(self, name)}")
        if not LOWEST_COVERAGE <= self.coverage <= 1:
            raise UserError(f"coverage must be in [{LOWEST_COVERAGE}, 1], got {self.coverage}")
        if self.byte_fallback and self.model == "wordpiece":
            raise UserError("byte_fallback is for unigram and bpe; WordPiece has no byte pieces")
