"""The pieces of a new language's text alone, of which an extended vocabulary takes what it lacks.

They are trained on text as the old vocabulary normalises it, so that what is learned is what that
will meet.
"""

import io
from collections.abc import Sequence

import sentencepiece

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary import model_proto, surrogates
from xlmr_lab.vocabulary.model_proto import ModelProto
from xlmr_lab.vocabulary.sentencepiece_trainer import NUM_SPECIALS, UNKNOWN
from xlmr_lab.vocabulary.spans import SPACE

SEEDS_PER_PIECE = 20
LONGEST_LINE = 1 << 24
"""SentencePiece silently drops lines above its limit (bytes); no paragraph has so many."""


def normalized(model: bytes, lines: Sequence[str]) -> list[str]:
    """Return the lines that are not empty as the model normalises them, with plain spaces.

    SentencePiece trains on no line that has its mark of an unknown piece, which is a space here.

    Raises:
        UserError: a line has a lone surrogate.
    """
    surrogates.refuse(lines)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    normal = processor.normalize(list(lines))
    plain = (line.replace(SPACE, " ").replace(UNKNOWN, " ").strip(" ") for line in normal)
    return [line for line in plain if line]


def learned(text: Sequence[str], language: str, *, size: int, coverage: float) -> ModelProto:
    """Return a unigram model of normalised text, of `size` pieces besides the characters, or as
    many as the text supports.

    Raises:
        UserError: SentencePiece can learn nothing from it.
    """
    writer = io.BytesIO()
    size += len(set("".join(text))) + NUM_SPECIALS
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(text),
            model_writer=writer,
            model_type="unigram",
            vocab_size=size,
            hard_vocab_limit=False,
            character_coverage=coverage,
            normalization_rule_name="identity",
            seed_sentencepiece_size=min(1_000_000, SEEDS_PER_PIECE * size),
            max_sentence_length=LONGEST_LINE,
            input_sentence_size=0,
            shuffle_input_sentence=False,
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise UserError(
            f"no pieces can be learned from the text of {language}: {str(error).strip()}; "
            f"give other text, in lines of at most {LONGEST_LINE} bytes"
        ) from None
    return model_proto.read(writer.getvalue())
