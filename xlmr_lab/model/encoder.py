"""The XLM-R encoder: a post-norm Transformer with learned positions and exact GELU (BERT Sec. 3,
RoBERTa Sec. 4).

Equal to Hugging Face's `XLMRobertaModel` number for number; the weights go both ways through
convert.py. The token-type embedding of that implementation has one row and none in the original, so
it is folded into the positions. Where a caller needs only some positions (the masked ones, or
`<s>`), the last layer computes only those: the same mathematics at a fraction of the work.

Two arms change the architecture, and are off by default: XLM's language embeddings (XLM Sec. 3.1),
which XLM-R leaves out to deal better with code-switching (XLM-R Sec. 3), with which a vector of the
text's language is added to each token; and adaptive softmax (see adaptive.py).

Shapes: B sequences, T positions, P positions asked for, D model width, H heads, K head width, V
vocabulary.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from xlmr_lab.errors import UserError
from xlmr_lab.model.bands import check_cutoffs
from xlmr_lab.model.dropout import add_dropped, dropout
from xlmr_lab.model.initial_weights import initialize, look_at_neighbours
from xlmr_lab.model.tied import Tie, lookup

PAD_ID = 1
"""The id of `<pad>` in the published layout; positions are counted from the one after it."""

FIRST_POSITION = PAD_ID + 1

AttentionStart = Literal["random", "neighbours"]


@dataclass(frozen=True, kw_only=True, slots=True)
class EncoderConfig:
    """The shape of the encoder, and of the masked LM's output; the vocabulary's size comes with the
    vocabulary."""

    num_layers: int
    """Transformer layers (XLM-R Table 7: 12 in Base, 24 in Large)."""

    hidden_size: int
    """Model width D (XLM-R Table 7: 768 in Base, 1024 in Large); a multiple of num_heads."""

    num_heads: int
    """Attention heads H (XLM-R Table 7: 12 in Base, 16 in Large)."""

    ffn_size: int
    """Width of the feed-forward layers (XLM-R Table 7: 3072 in Base, 4096 in Large)."""

    max_tokens: int = 512
    """Longest sequence in tokens, special tokens included (512 in the released models)."""

    dropout: float = 0.1
    """Probability of dropping an element of each sublayer's output (RoBERTa Table 9)."""

    attention_dropout: float = 0.1
    """Probability of dropping an attention weight (RoBERTa Table 9)."""

    layer_norm_eps: float = 1e-5
    """Added to the variance in layer norms (1e-5 in the released models)."""

    init_std: float = 0.02
    """Standard deviation of the normal distribution of initial weights (BERT's)."""

    attention_start: AttentionStart = "random"
    """Where heads look at first: random (as BERT's), or neighbours: each at the token a fixed
    distance away, from where small models of natural text learn far sooner. Not in the paper."""

    language_embeddings: bool = False
    """Add a learned vector of the text's language to each token, as XLM does (XLM Sec. 3.1); XLM-R
    has none (Sec. 3), so such a model cannot be exported."""

    adaptive_cutoffs: tuple[int, ...] = ()
    """Ids at which further bands of the output begin, like 20000,200000, for an adaptive softmax:
    what lies in them is predicted from narrower vectors (Grave et al. 2017). Such a
    model cannot be exported. Empty: the full softmax, as in XLM-R Sec. 3."""

    def __post_init__(self) -> None:
        for name in ("num_layers", "hidden_size", "num_heads", "ffn_size", "max_tokens"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.hidden_size % self.num_heads:
            raise UserError(
                f"hidden_size must be a multiple of num_heads, got {self.hidden_size} and "
                f"{self.num_heads}"
            )
        for name in ("dropout", "attention_dropout"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise UserError(f"{name} must be in [0, 1), got {getattr(self, name)}")
        for name in ("layer_norm_eps", "init_std"):
            if not getattr(self, name) > 0.0:
                raise UserError(f"{name} must be above 0, got {getattr(self, name)}")
        check_cutoffs(self.adaptive_cutoffs, self.hidden_size)


class Encoder(nn.Module):
    """Token ids to hidden states."""

    checkpointed = False
    """Whether training keeps only the input of each layer and computes what lies inside again in
    the backward pass, dropout included: less memory, a third more work, the same numbers."""

    def __init__(
        self,
        config: EncoderConfig,
        vocab_size: int,
        *,
        languages: Sequence[str] = (),
        generator: torch.Generator | None = None,
    ) -> None:
        """Build the encoder with initial weights drawn from `generator` (torch's default one if
        None). `languages` are the keys of those that get an embedding, if any do."""
        super().__init__()
        self.config = config
        self.vocab_size = vocab_size
        width = config.hidden_size
        self.token_embedding = nn.Embedding(vocab_size, width, padding_idx=PAD_ID)
        num_positions = config.max_tokens + FIRST_POSITION
        self.position_embedding = nn.Embedding(num_positions, width, padding_idx=PAD_ID)
        self.embedding_norm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.num_layers))
        self.languages: tuple[str, ...] = ()
        self.language_embedding: nn.Embedding | None = None
        if config.language_embeddings:
            assert languages, "language embeddings need languages"
            self.languages = tuple(languages)
            self.language_embedding = nn.Embedding(len(languages), width)
        initialize(self, std=config.init_std, generator=generator)
        if config.attention_start == "neighbours":
            look_at_neighbours(
                self.position_embedding,
                [(at.query, at.key_value) for at in self.layers if isinstance(at, Layer)],
                num_heads=config.num_heads,
                std=config.init_std,
            )

    def forward(
        self,
        ids: Tensor,
        attention_mask: Tensor | None = None,
        positions: Tensor | None = None,
        languages: Tensor | None = None,
        tie: Tie | None = None,
    ) -> Tensor:
        """Return the last layer's hidden states, [B, T, D] or [B, P, D].

        `ids` [B, T]; `attention_mask` bool [B, T], true where there is a token, None where nothing
        is padded; `positions` int64 [B, P]: compute the output at these positions only; `languages`
        int64 [B, 1] (or [B, T]): places in `self.languages`, looked at where those have embeddings;
        `tie` holds the gradient of the token embedding from an output that shares it.
        """
        table = self.token_embedding
        tokens = table(ids) if tie is None else lookup(table, ids, tie)
        x = self._embed(ids, tokens, languages, padded=attention_mask is not None)
        mask = None if attention_mask is None else attention_mask[:, None, None, :]  # B 1 1 T
        for layer in self.layers[:-1]:
            x = self._through(layer, x, x, mask)
        queries = x if positions is None else select(x, positions)
        return self._through(self.layers[-1], queries, x, mask)

    @property
    def hidden_size(self) -> int:
        """Model width D."""
        return self.config.hidden_size

    @property
    def max_tokens(self) -> int:
        """Longest sequence in tokens, specials included."""
        return self.config.max_tokens

    @property
    def init_std(self) -> float:
        """Standard deviation of initial weights, for a head as well."""
        return self.config.init_std

    def lowest(self, num_layers: int) -> list[nn.Module]:
        """Return the modules of the lowest layers, the embeddings counting as the first."""
        found: list[nn.Module] = [self.token_embedding, self.position_embedding]
        found += [self.embedding_norm, *filter(None, [self.language_embedding]), *self.layers]
        return found[: len(found) - len(self.layers) + num_layers - 1] if num_layers else []

    def _through(self, layer: nn.Module, *inputs: Tensor | None) -> Tensor:
        if self.checkpointed and torch.is_grad_enabled():
            kept: Tensor = checkpoint(layer, *inputs, use_reentrant=False)
            return kept
        output: Tensor = layer(*inputs)
        return output

    def language_ids(self, keys: Sequence[str]) -> Tensor | None:
        """Return the places [B, 1] of languages, as `forward` takes them; None if the encoder has
        no use for them.

        Raises:
            UserError: a language without an embedding.
        """
        if self.language_embedding is None:
            return None
        unknown = sorted(set(keys) - set(self.languages))
        if unknown:
            raise UserError(
                f"the model has no language embedding for {', '.join(unknown)}, only for "
                f"{', '.join(self.languages)}; leave {unknown[0]} out or pretrain with "
                "model.language_embeddings=false"
            )
        places = [[self.languages.index(key)] for key in keys]
        return torch.tensor(places, device=self.language_embedding.weight.device)

    def _embed(
        self, ids: Tensor, tokens: Tensor, languages: Tensor | None, *, padded: bool
    ) -> Tensor:
        if ids.shape[1] > self.config.max_tokens:
            raise UserError(
                f"a sequence of {ids.shape[1]} tokens is longer than the model's "
                f"max_tokens={self.config.max_tokens}"
            )
        if padded:
            present = ids.ne(PAD_ID).long()
            places = self.position_embedding(present.cumsum(1) * present + PAD_ID)  # B T D
        else:
            places = self.position_embedding.weight[
                FIRST_POSITION : FIRST_POSITION + ids.shape[1]
            ]  # T D
        total = tokens + places
        if self.language_embedding is not None:
            if languages is None:
                raise UserError(
                    "the model has language embeddings and needs the language of its text; give "
                    "languages=encoder.language_ids(keys)"
                )
            total = total + self.language_embedding(languages)  # B 1 D
        x: Tensor = self.embedding_norm(total)
        return dropout(x, self.config.dropout if self.training else 0.0)


class Layer(nn.Module):
    """Self-attention and feed-forward network, each added to its input and normalised after."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        width, eps = config.hidden_size, config.layer_norm_eps
        self.num_heads = config.num_heads
        self.dropout = config.dropout
        self.attention_dropout = config.attention_dropout
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.attention_output = nn.Linear(width, width)
        self.attention_norm = nn.LayerNorm(width, eps=eps)
        self.ffn_input = nn.Linear(width, config.ffn_size)
        self.ffn_output = nn.Linear(config.ffn_size, width)
        self.ffn_norm = nn.LayerNorm(width, eps=eps)

    def forward(self, x: Tensor, context: Tensor, mask: Tensor | None) -> Tensor:
        """Return [B, P, D] for the rows `x` [B, P, D] of the sequences `context` [B, T, D]; `mask`
        [B, 1, 1, T]."""
        drop = self.dropout if self.training else 0.0
        attended = self.attention_output(self._attend(x, context, mask))
        x = self.attention_norm(add_dropped(x, attended, drop))
        expanded = self.ffn_output(F.gelu(self.ffn_input(x)))
        output: Tensor = self.ffn_norm(add_dropped(x, expanded, drop))
        return output

    def _attend(self, x: Tensor, context: Tensor, mask: Tensor | None) -> Tensor:
        heads = self.num_heads
        query = self.query(x).unflatten(-1, (heads, -1)).transpose(1, 2)  # B H P K
        pair = self.key_value(context).unflatten(-1, (2, heads, -1))  # B T 2 H K
        key, value = pair.permute(2, 0, 3, 1, 4)  # B H T K
        drop = self.attention_dropout if self.training else 0.0
        return attention(query, key, value, mask, drop).transpose(1, 2).flatten(2)  # B P D


def attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, drop: float
) -> Tensor:
    """Return softmax(query key^T / sqrt(K)) value [B, H, P, K], with a share `drop` of the weights
    dropped.

    With dropout on a CPU torch's fused kernel falls back to separate operations and slow masks, so
    they are written out here.
    """
    if drop == 0.0 or query.device.type != "cpu":
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=drop)
    scores = (query / math.sqrt(query.shape[-1])) @ key.transpose(-1, -2)  # B H P T
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return dropout(scores.softmax(-1), drop) @ value


def select(x: Tensor, positions: Tensor) -> Tensor:
    """Return the rows [B, P, D] of `x` [B, T, D] at `positions` int64 [B, P]."""
    offsets = torch.arange(x.shape[0], device=x.device)[:, None] * x.shape[1]
    rows = x.flatten(0, 1).index_select(0, (positions + offsets).flatten())
    return rows.unflatten(0, positions.shape)
