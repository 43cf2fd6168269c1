"""Exact match and F1 of extracted answers, as the scripts of SQuAD v1.1 and of MLQA compute them.

Both turn an answer into tokens, and differ in how. `squad` deletes ASCII punctuation and English
articles in whatever language, and splits at white space: the convention of XQuAD and TyDiQA-GoldP
too (`CONVENTIONS`). `mlqa` deletes the punctuation of all scripts and the language's own articles,
and makes each Chinese character a token (XLM-R Sec. 4.2, MLQA's script). It knows seven languages;
in any other MLQA's script stops, and here punctuation is deleted and white space splits: an answer
of a language without spaces is then one token. `normalization_name` flags that as not official.
What looks odd is the official rule and is kept: two answers without a token match exactly and have
F1 0; the Arabic article is deleted inside words as well. Left out: SQuAD 2.0's unanswerable
questions.
"""

import functools
import logging
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, get_args

from xlmr_lab.errors import UserError

logger = logging.getLogger(__name__)

Normalization = Literal["squad", "mlqa"]
NormalizationName = Literal["squad", "mlqa", "white space (not official)"]

CONVENTIONS: Mapping[str, Normalization] = {
    "squad": "squad",
    "xquad": "squad",
    "tydiqa-goldp": "squad",
    "mlqa": "mlqa",
}
"""The normalisation that a benchmark's authors score it with."""

MLQA_LANGUAGES = ("en", "es", "de", "ar", "hi", "vi", "zh")
"""The languages that MLQA's script knows, in the order of XLM-R Table 3."""

_CHINESE = ("zh-Hans", "zh-Hant")
_SQUAD_ARTICLES = r"\b(?:a|an|the)\b"
# LATIN SMALL LETTER U WITH HOOK ABOVE (1ee7), A WITH GRAVE (e0), A WITH ACUTE (e1), E WITH
# CIRCUMFLEX AND ACUTE (1ebf), U WITH HORN AND TILDE (1eef); ARABIC LETTER ALEF (627), LAM (644).
_MLQA_ARTICLES = {
    "en": r"\b(?:a|an|the)\b",
    "es": r"\b(?:un|una|unos|unas|el|la|los|las)\b",
    "de": r"\b(?:ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b",
    "vi": "\\b(?:c\u1ee7a|l\u00e0|c\u00e1i|chi\u1ebfc|nh\u1eefng)\\b",
    "ar": "\u0627\u0644",
}
_CHINESE_CHARACTER = re.compile("([\u4e00-\u9fa5])")  # the range that MLQA's script splits
_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalization_name(language: str, normalization: Normalization) -> NormalizationName:
    """Return what a page should call the rule that answers in a language are scored by.

    >>> normalization_name("zh", "mlqa"), normalization_name("sw", "mlqa")
    ('mlqa', 'white space (not official)')
    """
    _check(normalization)
    if normalization == "mlqa" and _mlqa_language(language) not in MLQA_LANGUAGES:
        return "white space (not official)"
    return normalization


def answer_tokens(text: str, language: str, normalization: Normalization) -> list[str]:
    """Return the tokens of an answer that are compared.

    >>> answer_tokens("The Taj Mahal, (Agra)", "en", "squad")
    ['taj', 'mahal', 'agra']
    >>> len(answer_tokens("\\u56db\\u5ddd1", "zh", "mlqa"))  # two characters and a number
    3
    """
    _check(normalization)
    text = text.lower()
    if normalization == "squad":
        return re.sub(_SQUAD_ARTICLES, " ", text.translate(_ASCII_PUNCTUATION)).split()
    language = _mlqa_language(language)
    text = "".join(c for c in text if not _is_punctuation(c))
    if language in _MLQA_ARTICLES:
        text = re.sub(_MLQA_ARTICLES[language], " ", text)
    if language == "zh":
        text = _CHINESE_CHARACTER.sub(r" \1 ", text)
    return text.split()


def exact_match(
    prediction: str, golds: Sequence[str], language: str, normalization: Normalization
) -> float:
    """Return 1 if the prediction has the tokens of one of the gold answers, and else 0.

    >>> exact_match("the Nile.", ["Nile", "the White Nile"], "en", "squad")
    1.0
    """
    return _best(_same, prediction, golds, language, normalization)


def f1(prediction: str, golds: Sequence[str], language: str, normalization: Normalization) -> float:
    """Return the F1 of the prediction's tokens with those of the gold answer that fits best.

    >>> f1("White Nile", ["Nile", "the Blue Nile"], "en", "squad")  # precision 1/2, recall 1
    0.6666666666666666
    """
    return _best(_overlap, prediction, golds, language, normalization)


def score(
    predictions: Mapping[str, str],
    references: Mapping[str, Sequence[str]],
    *,
    language: str,
    normalization: Normalization,
) -> dict[str, float]:
    """Return the mean `f1` and `exact_match` of a set of questions, in [0, 1].

    Both mappings are by question id. The language is that of the answers, so of the contexts, also
    where questions are in another one. As in the official scripts, a question without a prediction
    counts as wrong; how many there were is logged.

    Raises:
        UserError: there is no question, a prediction has none, or a question has no gold answer.

    >>> golds = {"1": ["the Nile"], "2": ["1902"]}
    >>> score({"1": "Nile", "2": ""}, golds, language="en", normalization="mlqa")
    {'f1': 0.5, 'exact_match': 0.5}
    """
    _check_ids(predictions, references)
    total_f1 = total_match = 0.0
    for name, golds in references.items():  # added in this order, as the scripts do
        if name in predictions:
            total_f1 += f1(predictions[name], golds, language, normalization)
            total_match += exact_match(predictions[name], golds, language, normalization)
    num_missing = len(references) - len(predictions)
    if num_missing:
        logger.warning(
            "%s of %s questions have no prediction and count as wrong",
            f"{num_missing:,}",
            f"{len(references):,}",
        )
    return {"f1": total_f1 / len(references), "exact_match": total_match / len(references)}


def _check_ids(predictions: Mapping[str, str], references: Mapping[str, Sequence[str]]) -> None:
    """Refuse an empty set, a prediction for no question, a question without a gold answer."""
    if not references:
        raise UserError("no questions to score: the set of gold answers is empty")
    unknown = [name for name in predictions if name not in references]
    if unknown:
        raise UserError(
            f"{len(unknown):,} of {len(predictions):,} predictions have an id without gold answer, "
            f"the first is {unknown[0]!r}; predictions and gold answers must be of the same file"
        )
    for name, golds in references.items():
        if not golds:
            raise UserError(f"question {name!r} has no gold answer; SQuAD v1.1 asks for at least 1")


def _best(
    measure: Callable[[list[str], list[str]], float],
    prediction: str,
    golds: Sequence[str],
    language: str,
    normalization: Normalization,
) -> float:
    """Return the measure for the gold answer where it is highest."""
    if isinstance(golds, str) or not golds:
        raise UserError(f"gold answers must be a list of at least one text, got {golds!r}")
    ours = answer_tokens(prediction, language, normalization)
    return max(measure(ours, answer_tokens(gold, language, normalization)) for gold in golds)


def _same(ours: list[str], gold: list[str]) -> float:
    return float(ours == gold)


def _overlap(ours: list[str], gold: list[str]) -> float:
    """Return F1 over tokens with their counts, in the scripts' order of operations."""
    num_same = (Counter(ours) & Counter(gold)).total()
    if not num_same:
        return 0.0
    precision, recall = num_same / len(ours), num_same / len(gold)
    return (2 * precision * recall) / (precision + recall)


def _check(normalization: str) -> None:
    allowed = get_args(Normalization)
    if normalization not in allowed:
        raise UserError(f"normalization must be {' or '.join(allowed)}, got {normalization!r}")


def _mlqa_language(language: str) -> str:
    """Return MLQA's code of a language: its Chinese is in both scripts."""
    return "zh" if language in _CHINESE else language


@functools.lru_cache(maxsize=1 << 14)
def _is_punctuation(character: str) -> bool:
    """Tell whether MLQA's script deletes a character: category P, or ASCII punctuation."""
    return unicodedata.category(character)[0] == "P" or character in string.punctuation
