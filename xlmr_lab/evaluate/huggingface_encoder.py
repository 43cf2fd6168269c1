"""The module of an encoder from Hugging Face transformers, with the call that ours has.

What differs between architectures is here and nowhere else: how padding is told, segments, XLM's
languages, how many tokens the positions reach, which modules are the lowest layers. Padding stands
behind the tokens for all of them, also for XLNet, whose own tokenizer puts it in front: it has
relative positions, and the states of the tokens are the same.

Shapes: B sequences, T positions, P positions asked for, D model width.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from xlmr_lab.errors import UserError
from xlmr_lab.model.encoder import select

NO_LIMIT = 1 << 30
"""Longest sequence of an encoder that takes any (XLNet)."""

PERMUTED = "xlnet"
"""The one architecture of an encoder of which the library has no masked LM."""

PASSING = ("_name_or_path", "architectures", "dtype", "torch_dtype", "transformers_version")
"""Settings that say where a model comes from, not what it computes in fp32."""


class ForeignEncoder(nn.Module):
    """An encoder of transformers with the call of `model.encoder.Encoder`."""

    def __init__(self, model: Any) -> None:
        """Take a base model.

        Raises:
            UserError: it has embeddings of languages and does not say of which.
        """
        super().__init__()
        self.model = model
        self.languages = _languages(model)
        """Places of the languages that have an embedding, None where the encoder has none."""
        self.max_tokens: int = _max_tokens(model)
        """Longest sequence in tokens, specials included."""
        self.hidden_size: int = model.config.hidden_size
        self.vocab_size: int = model.get_input_embeddings().num_embeddings
        self.init_std: float = _init_std(model.config)
        """Standard deviation of initial weights, for a head as well."""

    @property
    def settings(self) -> str:
        """What its states depend on besides its weights and what it is called with, as JSON."""
        own = self.model.config.to_dict()
        kept = {name: value for name, value in own.items() if name not in PASSING}
        return json.dumps(kept, sort_keys=True, default=str)

    def forward(
        self,
        ids: Tensor,
        attention_mask: Tensor | None = None,
        positions: Tensor | None = None,
        languages: Tensor | None = None,
        segments: Tensor | None = None,
    ) -> Tensor:
        """Return the last layer's hidden states, [B, T, D] or at `positions` [B, P, D].

        `ids` [B, T]; `attention_mask` bool [B, T], true where there is a token, None where nothing
        is padded; `languages` int64 [B, 1] (or [B, T]) as from `language_ids`; `segments` [B, T]
        where the layout has any.
        """
        x: Tensor = self._call(ids, attention_mask, languages, segments).last_hidden_state
        return x if positions is None else select(x, positions)

    def hidden_states(
        self,
        ids: Tensor,
        attention_mask: Tensor | None = None,
        languages: Tensor | None = None,
        segments: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        """Return the embeddings and each layer's hidden states, all [B, T, D]."""
        states: tuple[Tensor, ...] = self._call(
            ids, attention_mask, languages, segments, output_hidden_states=True
        ).hidden_states
        return states

    def language_ids(self, keys: Sequence[str]) -> Tensor | None:
        """Return the places [B, 1] of languages, as `forward` takes them; None if the encoder has
        no embeddings of languages.

        Raises:
            UserError: a language without an embedding.
        """
        if self.languages is None:
            return None
        places = {key: _place(self.languages, key) for key in set(keys)}
        unknown = sorted(key for key, place in places.items() if place is None)
        if unknown:
            raise UserError(
                f"the encoder has no language embedding for {', '.join(unknown)}, only for "
                f"{', '.join(self.languages)}; leave {unknown[0]} out or give another encoder"
            )
        return torch.tensor([[places[key]] for key in keys], device=self.model.device)

    def lowest(self, num_layers: int) -> list[nn.Module]:
        """Return the modules of the lowest layers, the embeddings counting as the first.

        Raises:
            UserError: the encoder's layers share weights, or are not told apart.
        """
        if not num_layers:
            return []
        lists = _layer_lists(self.model)
        if not lists:
            raise UserError(
                f"the layers of {self.model.config.model_type!r} cannot be frozen one by one; "
                "use frozen_layers=0"
            )
        embeddings = [part for name, part in self.model.named_children() if "emb" in name]
        return [*embeddings, *(layer for row in lists for layer in row[: num_layers - 1])]

    def _call(
        self,
        ids: Tensor,
        attention_mask: Tensor | None,
        languages: Tensor | None,
        segments: Tensor | None,
        **more: Any,
    ) -> Any:
        if ids.shape[1] > self.max_tokens:
            raise UserError(
                f"a sequence of {ids.shape[1]} tokens is longer than the encoder's "
                f"max_tokens={self.max_tokens}"
            )
        if attention_mask is not None:
            more["attention_mask"] = attention_mask.long()
        if segments is not None:
            more["token_type_ids"] = segments.long()
        if self.languages is not None:
            if languages is None:
                raise UserError(
                    "the encoder has language embeddings and needs the language of its text; give "
                    "languages=encoder.language_ids(keys)"
                )
            more["langs"] = languages.expand_as(ids)
        if self.model.config.model_type == PERMUTED:
            more["use_mems"] = False
        return self.model(input_ids=ids.long(), **more)


def _max_tokens(model: Any) -> int:
    for name, part in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(part, nn.Embedding):
            first = 0 if part.padding_idx is None else part.padding_idx + 1
            return part.num_embeddings - first
    limit = getattr(model.config, "max_position_embeddings", None) or 0
    return limit if limit > 0 else NO_LIMIT


def _init_std(config: Any) -> float:
    """Return the deviation under its names in the library's configurations, or BERT's."""
    return float(getattr(config, "initializer_range", getattr(config, "init_std", 0.02)))


def _languages(model: Any) -> dict[str, int] | None:
    """Return the places of languages that have an embedding, None if none has."""
    if not hasattr(model, "lang_embeddings"):
        return None
    places = getattr(model.config, "lang2id", None)
    if not places:
        raise UserError("the encoder has language embeddings and its config.json no lang2id")
    return dict(places)


def _place(languages: Mapping[str, int], key: str) -> int | None:
    """Return the place of a language, of `zh` for `zh-Hans` where only that is there."""
    return languages.get(key, languages.get(key.partition("-")[0]))


def _layer_lists(model: Any) -> list[nn.ModuleList]:
    """Return the lists that have one module for each layer (XLM has one for each kind of them)."""
    found: dict[str, nn.ModuleList] = {}
    for name, part in model.named_modules():
        inside = any(name.startswith(f"{outer}.") for outer in found)
        if isinstance(part, nn.ModuleList) and not inside:
            if len(part) == model.config.num_hidden_layers:
                found[name] = part
    return list(found.values())
