"""Words of the languages that write no spaces and that XLM segments: Chinese, Japanese and Thai.

Each library is kept up, has wheels for Linux and macOS with its dictionary inside, and downloads
nothing; each is deterministic, and its words put together are the text.

| language | library (licence, size) | XLM has |
|---|---|---|
| zh | rjieba (MIT, 4 MB) | Stanford segmenter, which needs Java |
| ja | sudachipy, small dictionary, mode A (Apache 2, 44 MB) | KyTea, whose wheel has no model |
| th | pythainlp, newmm (Apache 2, 22 MB) | the same |

Mode A is UniDic's short units, the nearest to KyTea's words that a wheel gives.
jieba's dictionary is of simplified characters, so traditional ones are looked up in simplified
form. Text of Khmer, Lao and Burmese, which XLM did not segment either, keeps its lines whole.
"""

import functools
import os
from collections.abc import Callable

from xlmr_lab.environment_variables import held
from xlmr_lab.vocabulary.extra import needed

READ_ONLY = "PYTHAINLP_READ_ONLY"
OLD_READ_ONLY = "PYTHAINLP_READ_MODE"


@functools.cache
def chinese() -> Callable[[str], str]:
    """Return what puts spaces between Chinese words."""
    with needed("zh"):
        import rjieba
        from sacremoses.chinese import simplified_chinese, traditional_chinese

    table: dict[int, str] = {}
    for traditional, simplified in zip(traditional_chinese, simplified_chinese, strict=True):
        table.setdefault(ord(traditional), simplified)

    def split(line: str) -> str:
        words, start = [], 0
        for word in rjieba.cut(line.translate(table)):
            words.append(line[start : start + len(word)])
            start += len(word)
        return " ".join(words)

    return split


@functools.cache
def japanese() -> Callable[[str], str]:
    """Return what puts spaces between the short units of Japanese."""
    with needed("ja"):
        import sudachidict_small  # noqa: F401  # sudachipy finds it by its name
        import sudachipy

    tokenizer = sudachipy.Dictionary(dict="small").tokenizer(mode=sudachipy.SplitMode.A)
    return lambda line: " ".join(word.surface() for word in tokenizer.tokenize(line))


@functools.cache
def thai() -> Callable[[str], str]:
    """Return what puts spaces between Thai words."""
    given = {READ_ONLY, OLD_READ_ONLY} & os.environ.keys()
    values = {} if given else {READ_ONLY: "1"}  # else its import makes a folder in the user's home
    with held(values), needed("th"):
        from pythainlp.tokenize import newmm
    return lambda line: " ".join(newmm.segment(line))


SEGMENTERS = {"ja": japanese, "th": thai, "zh": chinese}
"""By code of the language."""
