"""The hundred languages of the paper: name, script, family, size in CC-100, language sets.

Keys are those of the paper's table, with a suffix where it has two rows for one code: `zh-Hans` and
`zh-Hant`, `my_zaw` for Burmese in the Zawgyi encoding, `hi_rom` and the like for languages written
in Latin letters (XLM-R Table 6). Sizes carry the errata of `paper.tables`. Scripts are ISO 15924
codes: `Hans`, `Hant`, `Jpan` and `Kore` for the mixtures that Chinese, Japanese and Korean are
written in; families are top-level ones. Left out: the table's token column, which counts words
between white space and is no basis for anything.
"""

import dataclasses
import difflib
import re

from xlmr_lab.errors import UserError
from xlmr_lab.paper import tables

RIGHT_TO_LEFT_SCRIPTS = frozenset(
    ("Adlm", "Arab", "Aran", "Hebr", "Mand", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa", "Yezi")
)
"""The right-to-left scripts in living use."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Language:
    """One row of XLM-R Table 6."""

    key: str
    """Name in settings and file names."""
    name: str
    """English name as the paper prints it."""
    script: str
    """ISO 15924 code of the script of its text in CC-100."""
    family: str
    """Top-level language family."""
    size_gib: float
    """Size of its CC-100 text in GiB, errata applied."""
    in_seven: bool
    """Whether the ablations (Sec. 3) use it; the paper's `zh` marks both Chinese rows."""
    in_fifteen: bool
    """Whether XNLI has it (Table 1); the paper's `zh` marks both Chinese rows."""
    in_wikipedia_88: bool
    """Whether Figure 1 counts its code among the 88 shared with the Wikipedia corpus of XLM-100."""


def get(key: str) -> Language:
    """Return the language of a key.

    Raises:
        UserError: the paper has no such language; the message names near ones.
    """
    if key in LANGUAGES:
        return LANGUAGES[key]
    near = _near(key)
    hint = f"did you mean {' or '.join(near)}?" if near else "the keys are those of XLM-R Table 6"
    raise UserError(f"unknown language {key!r}; {hint}")


def is_right_to_left(script: str) -> bool:
    """Return whether a script, by its ISO 15924 code, is written from right to left."""
    return script in RIGHT_TO_LEFT_SCRIPTS


def _near(key: str) -> list[str]:
    """Return what a wrong key may have meant: the same code or name, else similar names."""
    asked = key.lower()
    code = re.split("[-_]", asked)[0]
    same = [
        k
        for k, row in LANGUAGES.items()
        if code == re.split("[-_]", k)[0] or (len(asked) > 3 and row.name.lower().startswith(asked))
    ]
    by_name = {row.name.lower(): k for k, row in LANGUAGES.items()}
    return same or [by_name[name] for name in difflib.get_close_matches(asked, by_name, 3, 0.7)]


def _load() -> dict[str, Language]:
    sizes = {row["key"]: row for row in tables.read("cc100_languages")}
    languages = {}
    for extra in tables.read("languages_script_family"):
        row = sizes[extra["key"]]
        languages[str(row["key"])] = Language(
            key=str(row["key"]),
            name=str(row["language"]),
            script=str(extra["script"]),
            family=str(extra["family"]),
            size_gib=float(row["size_GiB_corrected"] or 0),
            in_seven=row["in_ablation_7"] == 1,
            in_fifteen=row["in_xnli_15"] == 1,
            in_wikipedia_88=row["in_wiki100_shared88"] == 1,
        )
    return languages


LANGUAGES: dict[str, Language] = _load()
"""All hundred, by key, in the order of Table 6."""

SEVEN = ("en", "fr", "de", "ru", "zh-Hans", "sw", "ur")
"""The languages of the paper's ablations (XLM-R Sec. 3), in its order."""

FIFTEEN = (
    "en", "fr", "es", "de", "el", "bg", "ru", "tr", "ar", "vi", "th", "zh-Hans", "hi", "sw", "ur",
)  # fmt: skip
"""The languages of XNLI, in the order of XLM-R Table 1."""
