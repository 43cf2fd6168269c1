"""Asks the models of a study whether its languages are aligned: sentences that look for their
translations layer by layer, where languages stand among each other, and how well each is foreseen.

Models are those of one arm, a pretraining seed each, at the newest checkpoint that their run kept;
beside each stands the network that its run began with. Sentences are the premises of the study's
own NLI test, or those of a folder: Tatoeba, aligned texts, or an NLI task. All is computed when it
is asked for, and nothing is kept.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from xlmr_lab import aligned_folder, prediction_results
from xlmr_lab.evaluate import language_map, pseudo_perplexity, retrieval
from xlmr_lab.evaluate.encoders import load_encoder
from xlmr_lab.evaluate.sentence_vectors import embed
from xlmr_lab.evaluate.text import of_vocabulary
from xlmr_lab.prediction_results import MAX_TOKENS, TrainedModels
from xlmr_lab.results import Study
from xlmr_lab.vocabulary.special_tokens import EOS_ID

Vectors = npt.NDArray[np.float32]
Network = tuple[str, int]
"""Which encoder, one of `ENCODERS`, and of which pretraining seed."""

ENCODERS = ("pretrained", "untrained")
KNOWN = ("language", "name", "script", "family", "tier", "size_bytes")

RETRIEVED = pl.Schema(
    {
        "encoder": pl.String,
        "seed": pl.Int64,
        "layer": pl.Int64,
        "centred": pl.Boolean,
        "language": pl.String,
        "other": pl.String,
        "accuracy": pl.Float64,
        "num_sentences": pl.Int64,
    }
)
"""How often a sentence of `language` finds its translation among those of `other`; layer 0 is the
embeddings."""
CLOSENESS = pl.Schema(
    {
        "measure": pl.String,
        "encoder": pl.String,
        "seed": pl.Int64,
        "layer": pl.Int64,
        "language": pl.String,
        "other": pl.String,
        "cosine": pl.Float64,
    }
)
"""How near two languages are, each pair once; `measure` is what they are compared by, `means` or
`translations` (see `evaluate.language_map`)."""
FORESEEN = pl.Schema(
    {
        "language": pl.String,
        "seed": pl.Int64,
        "perplexity": pl.Float64,
        "bits_per_byte": pl.Float64,
        "unigram_perplexity": pl.Float64,
        "unigram_bits_per_byte": pl.Float64,
        "num_sentences": pl.Int64,
        "num_tokens": pl.Int64,
        "num_bytes": pl.Int64,
        "num_unknown": pl.Int64,
    }
)
"""Pseudo-perplexity for each token, and bits for each byte, beside what the frequencies of pieces
in the language's training text give."""


def open_alignment(
    study: Study, arm: str = "", *, sentences: str = "", most: int = 400
) -> "StudyAlignment":
    """Embed aligned sentences with the models of an arm, by default the study's main one, and with
    the networks that they began as.

    `sentences` is a folder; empty: the study's own NLI test. Of it the study's languages are taken,
    `most` sentences of each.

    Raises:
        UserError: no model is trained or left, there are no such sentences, or of fewer than two
            of the study's languages.
    """
    made = prediction_results.open_models(study, arm)
    folder = aligned_folder.find(study, sentences)
    groups = aligned_folder.read(folder, made.batches.languages(), most)
    vectors = {}
    text = of_vocabulary(made.batches.vocabulary)
    for seed, model in made.models.items():
        begun = load_encoder(
            None,
            config=model.encoder.config,
            vocab_size=made.batches.vocabulary.size,
            seed=seed,
            languages=model.encoder.languages,
        )
        for name, module in zip(ENCODERS, (model.encoder, begun), strict=True):
            vectors[name, seed] = [
                {key: embed(module, text, own, key).vectors for key, own in group.items()}
                for group in groups
            ]
    source = f"`{sentences}`" if sentences else "the study's NLI test"
    return StudyAlignment(made=made, source=source, groups=groups, vectors=vectors)


def best_layer(retrieved: pl.DataFrame) -> int:
    """Return the layer above the embeddings in which pretrained models find most translations, each
    language's mean taken out; what the embeddings find is due to pieces in common."""
    own = retrieved.filter(pl.col("layer") > 0, "centred", encoder="pretrained")
    means = own.group_by("layer").agg(pl.col("accuracy").mean())
    return int(means.sort("accuracy", "layer", descending=[True, False])["layer"][0])


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class StudyAlignment:
    """Aligned sentences as the models of a study see them."""

    made: TrainedModels
    """The models."""
    source: str
    """What the sentences are of, in words."""
    groups: Sequence[Mapping[str, Sequence[str]]]
    """Sentences by language, place i of each the same; Tatoeba has a group for each language."""
    vectors: Mapping[Network, Sequence[Mapping[str, Vectors]]]
    """The sentences' vectors [L, N, D] by language, for each group; L layers, the embeddings first.
    """

    def about(self) -> str:
        """Say in Markdown which models are asked, and about what."""
        sizes = [len(next(iter(group.values()))) for group in self.groups]
        number = f"{min(sizes):,}" + (f" to {max(sizes):,}" if min(sizes) < max(sizes) else "")
        names = ", ".join(self.languages())
        return (
            f"{self.made.about()} Beside them: the same networks as they began, without "
            f"pretraining. Sentences: {number} of each of {names}, of {self.source}, "
            "line by line the same."
        )

    def languages(self) -> list[str]:
        """Return the languages that there are sentences of, largest first."""
        there = {key for group in self.groups for key in group}
        return [key for key in self.made.batches.languages() if key in there]

    def retrieval(self) -> pl.DataFrame:
        """Return how often sentences find their translation as the nearest by cosine, in the form
        of `RETRIEVED`, for each layer, with each language's mean taken out and not."""
        rows = []
        for (encoder, seed), groups in self.vectors.items():
            for group, centred in itertools.product(groups, (False, True)):
                seen = {
                    key: own - own.mean(axis=1, keepdims=True) if centred else own
                    for key, own in group.items()
                }
                for (one, ours), (other, theirs) in itertools.permutations(seen.items(), 2):
                    for layer, (left, right) in enumerate(zip(ours, theirs, strict=True)):
                        found = retrieval.accuracy(left, right).value
                        rows.append((encoder, seed, layer, centred, one, other, found, len(left)))
        return self.named(pl.DataFrame(rows, schema=RETRIEVED, orient="row"))

    def closeness(self) -> pl.DataFrame:
        """Return how near every two languages are, in the form of `CLOSENESS`."""
        rows = []
        for (encoder, seed), groups in self.vectors.items():
            pooled = self.pooled((encoder, seed))
            means = {key: own.mean(axis=1, dtype=np.float64) for key, own in pooled.items()}
            for layer in range(self.num_layers()):
                about = (encoder, seed, layer)
                near = language_map.mean_cosines(np.stack([own[layer] for own in means.values()]))
                rows += [
                    ("means", *about, one, other, float(near[i, j]))
                    for (i, one), (j, other) in itertools.combinations(enumerate(means), 2)
                ]
                rows += [
                    ("translations", *about, one, other, cosine)
                    for group in groups
                    for one, other in itertools.combinations(group, 2)
                    for cosine in [
                        language_map.translation_cosine(group[one][layer], group[other][layer])
                    ]
                ]
        return pl.DataFrame(rows, schema=CLOSENESS, orient="row")

    def foreseen(self, *, most: int = 12) -> pl.DataFrame:
        """Return how well the pretrained models foresee each token of the first sentences of each
        language from all the others (pseudo-perplexity), in the form of `FORESEEN`."""
        rows = []
        batches = self.made.batches
        models = {
            seed: pseudo_perplexity.of_masked_lm(model, batches.vocabulary)
            for seed, model in self.made.models.items()
        }
        for key in self.languages():
            sentences = self.sentences(key)[:most]
            plain = self._unigram_nats(key, sentences)
            for seed, model in models.items():
                found = pseudo_perplexity.log_likelihoods(model, sentences, key)
                by_counts = found._replace(nats=np.array([-plain]))
                numbers = [
                    value
                    for one in (found, by_counts)
                    for value in (one.perplexity, one.bits_per_byte)
                ]
                sizes = (int(part.sum()) for part in (found.num_tokens, found.num_bytes))
                rows.append((key, seed, *numbers, len(sentences), *sizes, found.num_unknown))
        return self.named(pl.DataFrame(rows, schema=FORESEEN, orient="row"))

    def pooled(self, network: Network) -> dict[str, Vectors]:
        """Return all vectors [L, N, D] of each language by a network, those of several groups
        behind each other."""
        groups = self.vectors[network]
        return {
            key: np.concatenate([group[key] for group in groups if key in group], axis=1)
            for key in self.languages()
        }

    def sentences(self, language: str) -> list[str]:
        """Return the sentences of a language, in the order of `pooled`."""
        return [text for group in self.groups for text in group.get(language, ())]

    def known(self) -> pl.DataFrame:
        """Return what is known of the languages that there are sentences of, largest first."""
        sizes = self.made.study.sizes().select(KNOWN)
        return sizes.filter(pl.col("language").is_in(self.languages()))

    def num_layers(self) -> int:
        """Return how many layers there are, the embeddings included."""
        return len(next(iter(next(iter(self.vectors.values()))[0].values())))

    def named(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return a frame with what is known of its languages."""
        known = self.made.study.sizes().select(KNOWN)
        return frame.join(known, on="language", how="left", maintain_order="left")

    def _unigram_nats(self, language: str, sentences: Sequence[str]) -> float:
        """Return the surprise at all tokens of some sentences, in nats, by how often each piece
        stands in the language's training text, every piece counted once more than it does."""
        batches = self.made.batches
        tokens = batches.shards.tokens(language, "train")[:MAX_TOKENS].astype(np.int64)
        counts = np.bincount(tokens, minlength=batches.vocabulary.size) + 1.0
        counts[EOS_ID] = 1.0
        ids = np.concatenate(batches.vocabulary.encode(sentences, language))
        return float(-np.log(counts[ids] / counts.sum()).sum())
