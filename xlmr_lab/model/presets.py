"""Models by name: the shape of an encoder and the size of its vocabulary.

The encoders of XLM-R Table 7, the models of the paper's ablations, and four sizes for machines from
a laptop to one GPU. All have this package's architecture, which is XLM-R's: BERT's segment
embeddings and next sentences, and RoBERTa's and WordPiece's own ids, are not part of a shape.
XLM-15 has language embeddings, which the released XLM-17 and XLM-100 do without. A vocabulary that
the paper prints as 95k has 95,000 ids here; the released XLM-R's are known and have 250,002.

Table 7's numbers of parameters follow from its shapes within 1 %, with two exceptions: XLM-R-Base
and XLM-R have 8 to 10 million more than the 270M and 550M in print, by its own columns and as
released.
"""

import dataclasses

from xlmr_lab.errors import UserError
from xlmr_lab.model import parameters
from xlmr_lab.model.encoder import EncoderConfig

RELEASED_IDS = 250_002
"""Ids of the released XLM-R, specials and `<mask>` included (250k in XLM-R Table 7)."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """A masked language model before its first step."""

    encoder: EncoderConfig
    """Shape of the encoder."""
    vocab_size: int
    """Ids of the vocabulary, specials and `<mask>` included."""
    num_languages: int = 0
    """Languages that have an embedding, where the encoder has any."""
    paper: str = ""
    """Where the paper gives the shape; empty where it is the lab's own."""

    def count(self) -> parameters.Parameters:
        """Return how many weights the model has, by what they are for."""
        return parameters.count(
            self.vocab_size,
            num_layers=self.encoder.num_layers,
            hidden_size=self.encoder.hidden_size,
            ffn_size=self.encoder.ffn_size,
            max_tokens=self.encoder.max_tokens,
            num_languages=self.num_languages,
            adaptive_cutoffs=self.encoder.adaptive_cutoffs,
        )


def preset(name: str) -> Preset:
    """Return the model of a name.

    Raises:
        UserError: there is none of that name.
    """
    if name not in PRESETS:
        raise UserError(f"no model preset {name!r}; there are {', '.join(PRESETS)}")
    return PRESETS[name]


def _shape(layers: int, width: int, heads: int, max_tokens: int = 512) -> EncoderConfig:
    """Return a shape with feed-forward layers four times as wide as the model, as in all of Table
    7, and the dropout of the released models.
    """
    return EncoderConfig(
        num_layers=layers,
        hidden_size=width,
        num_heads=heads,
        ffn_size=4 * width,
        max_tokens=max_tokens,
    )


def _table_7(layers: int, width: int, heads: int, vocab_size: int) -> Preset:
    return Preset(encoder=_shape(layers, width, heads), vocab_size=vocab_size, paper="Table 7")


def _ablation(width: int, place: str, vocab_size: int = parameters.PAPER_VOCABULARY) -> Preset:
    """Return BERT-Base at a width, with heads of 64; the paper does not give the wider ones' heads
    and feed-forward layers.
    """
    return Preset(encoder=_shape(12, width, width // 64), vocab_size=vocab_size, paper=place)


PRESETS: dict[str, Preset] = {
    # For a laptop's CPU: minutes, with two heads of half the paper's width.
    "tiny": Preset(encoder=_shape(2, 64, 2, max_tokens=128), vocab_size=1800),
    # For a CPU: an hour. A third of Base in depth and width (BERT-Mini of arXiv 1908.08962).
    "small": Preset(encoder=_shape(4, 256, 4, max_tokens=256), vocab_size=8000),
    # For one GPU: hours (BERT-Medium of the same).
    "medium": Preset(encoder=_shape(8, 512, 8), vocab_size=64_000),
    "base": _table_7(12, 768, 12, RELEASED_IDS),
    "large": _table_7(24, 1024, 16, RELEASED_IDS),
    "ablation": _ablation(768, "Sec. 3.1"),
    "ablation-960": _ablation(960, "Sec. 5.1, Figure 4"),
    "ablation-1152": _ablation(1152, "Sec. 5.1, Figure 4"),
    "xlm-7": _ablation(768, "Sec. 5.3, Table 5"),
    "monolingual": _ablation(768, "Sec. 5.3, Table 5", vocab_size=40_000),
    "xlm-15": dataclasses.replace(
        _table_7(12, 1024, 8, 95_000),
        encoder=dataclasses.replace(_shape(12, 1024, 8), language_embeddings=True),
        num_languages=15,
    ),
    "xlm-17": _table_7(16, 1280, 16, 200_000),
    "xlm-100": _table_7(16, 1280, 16, 200_000),
    "mbert": _table_7(12, 768, 12, 110_000),
    "bert-base": _table_7(12, 768, 12, 30_000),
    "bert-large": _table_7(24, 1024, 16, 30_000),
    "roberta-base": _table_7(12, 768, 12, 50_000),
    "roberta": _table_7(24, 1024, 16, 50_000),
}
"""All models; `roberta-base` has the 12 heads of the released model, not the 8 of Table 7."""
