"""Languages as the names of task files write them, and the keys that the lab has for them.

zh alone means zh-Hans (CLDR, likely subtags), as zh-CN does, and zh-TW means zh-Hant: two files
that are named so are one set twice. A word in a name that is no ISO 639 code, with a script or
region at most, is no language: train-dev.tsv and test-results.tsv are sets of none.
"""

import re
from collections.abc import Iterable

from xlmr_lab.errors import UserError
from xlmr_lab.languages import LANGUAGES

WRITTEN = {
    "zh": "zh-Hans",
    **{"zh-CN": "zh-Hans", "zh_CN": "zh-Hans"},
    **{"zh-TW": "zh-Hant", "zh_TW": "zh-Hant"},
}
"""Keys of the languages that are written in other ways, by those."""
NONE_OF_THEM = ("all", "dev", "val")
"""Words for sets that have the form of a code."""
_CODE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")


def key_of(name: str) -> str:
    """Return the key of a language, however it is written.

    >>> key_of("zh"), key_of("zh-TW"), key_of("sw")
    ('zh-Hans', 'zh-Hant', 'sw')
    """
    return WRITTEN.get(name, name)


def keys_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return the keys of languages that a user names.

    Raises:
        UserError: two names are of one language.
    """
    found: dict[str, str] = {}
    for name in names:
        if (key := key_of(name)) in found:
            one = f"{found[key]} and {name}" * (found[key] != name) or f"{name} twice"
            raise UserError(f"languages has {one}, which is one language; name it once")
        found[key] = name
    return tuple(found)


def spellings(key: str) -> list[str]:
    """Return how a language may be written in the name of a file, its key first.

    >>> spellings("zh-Hans"), spellings("sw")
    (['zh-Hans', 'zh', 'zh-CN', 'zh_CN'], ['sw'])
    """
    return [key, *(name for name, own in WRITTEN.items() if own == key)]


def is_language(word: str) -> bool:
    """Tell whether a word in the name of a file can be a language.

    >>> [word for word in ("sw", "pcm", "zh-Hans", "hi_rom", "dev", "results") if is_language(word)]
    ['sw', 'pcm', 'zh-Hans', 'hi_rom']
    """
    if word in LANGUAGES or word in WRITTEN:
        return True
    return bool(_CODE.fullmatch(word)) and word not in NONE_OF_THEM
