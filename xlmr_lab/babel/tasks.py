"""Tasks with exact labels and exact translations: the same items said in every language.

NLI, NER, question answering and the GLUE-like sets, in the formats that the evaluation reads of
real data. `<split>-<language>` is exact; `<split>.translated-<language>` is machine-translated from
the pivot, `<split>.translated-from-<language>` into it (XLM-R Sec. 4, translate-train and
translate-test). `test.switched-<a>-<b>` has the grammar of a and words of both,
`test.crossed-<a>-<b>` a premise in a and a hypothesis in b. No item of NLI or NER is in two splits.
"""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from xlmr_lab import storage
from xlmr_lab.babel import glue, ner, nli, qa, speakers, translation
from xlmr_lab.babel.glue import GlueConfig
from xlmr_lab.babel.qa import QaConfig
from xlmr_lab.babel.speakers import Speakers
from xlmr_lab.babel.tongues import Tongue
from xlmr_lab.babel.translation import TranslationConfig
from xlmr_lab.babel.world import World
from xlmr_lab.errors import UserError

TASKS = ("nli", "ner", "qa", "glue")
TRANSLATED = ("nli", "qa")
"""The tasks that are also machine-translated."""
SPLITS = ("train", "dev", "test")
DrawnT = TypeVar("DrawnT")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TaskConfig:
    """How many examples each task has in each language, and how they are made."""

    nli_train: int = 8000
    """NLI training examples (pairs)."""
    nli_dev: int = 500
    """NLI development examples (pairs)."""
    nli_test: int = 1000
    """NLI test examples (pairs)."""
    nli_hard: float = 0.1
    """Share of the harder kinds: neutral by swapping a part instead of adding one, contradiction by
    an opposite quality instead of negation (probability)."""
    nli_switched: float = 0.5
    """Share of content words that code-switched NLI takes from its second language (probability).
    """
    ner_train: int = 2000
    """NER training sentences."""
    ner_dev: int = 300
    """NER development sentences."""
    ner_test: int = 500
    """NER test sentences."""
    qa: QaConfig = QaConfig()
    """Question answering."""
    glue: GlueConfig = GlueConfig()
    """The GLUE-like sets."""
    translation: TranslationConfig = TranslationConfig()
    """The machine translation of NLI and question answering."""

    def __post_init__(self) -> None:
        for name in ("nli_hard", "nli_switched"):
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f"{name} must be in [0, 1], got {getattr(self, name)}")
        for name in (f"{task}_{split}" for task in ("nli", "ner") for split in SPLITS):
            if getattr(self, name) < 1:
                raise UserError(f"{name} must be at least 1, got {getattr(self, name)}")

    def of(self, task: str) -> dict[str, object]:
        """Return the settings that a task's files depend on."""
        translated = {"translation": self.translation} if task in TRANSLATED else {}
        names = [field.name for field in dataclasses.fields(self)]
        own = [name for name in names if name == task or name.startswith(f"{task}_")]
        return {name: getattr(self, name) for name in own} | translated


def write(
    folder: Path,
    world: World,
    tongues: Sequence[Tongue],
    config: TaskConfig,
    seed: int,
    *,
    names: Sequence[str] = ("nli", "ner"),
    pivot: str = "",
) -> None:
    """Write a folder for each of the named `TASKS`, with the same items in every language; `pivot`
    is the language that is translated from and into, the first of the tongues if empty.
    """
    cast = speakers.speakers(world, tongues, seed, pivot)
    for task in names:
        place = folder / task
        match task:
            case "nli":
                _write_nli(place, cast, config)
            case "ner":
                _write_ner(place, cast, config)
            case "qa":
                qa.write(place, cast, config.qa, config.translation)
            case "glue":
                glue.write(place, cast, config.glue)
            case _:
                raise UserError(f"Babel's tasks are {', '.join(TASKS)}, got {task!r}")


def _write_nli(folder: Path, cast: Speakers, config: TaskConfig) -> None:
    pairs: dict[str, list[nli.Item]] = {}
    seen: set[nli.Item] = set()
    for split in SPLITS:
        count, rng = getattr(config, f"nli_{split}"), cast.stream("nli", split)
        draw = partial(nli.draw, cast.world, rng, count, hard=config.nli_hard)
        pairs[split] = _unseen(draw, count, seen)
        for tongue in cast.tongues:
            text = nli.text(pairs[split], translation.exact(tongue))
            storage.write_text(folder / f"{split}-{tongue.code}.tsv", text)
    for tongue in cast.others():
        code = tongue.code
        said = cast.into(tongue, config.translation).sayer(cast.stream("nli", "into", code))
        text = nli.text(pairs["train"], said)
        storage.write_text(folder / f"train.translated-{code}.tsv", text)
        said = cast.out_of(tongue, config.translation).sayer(cast.stream("nli", "out of", code))
        for split in ("dev", "test"):
            text = nli.text(pairs[split], said)
            storage.write_text(folder / f"{split}.translated-from-{code}.tsv", text)
        for a, b in ((cast.pivot, tongue), (tongue, cast.pivot)):
            name = f"{a.code}-{b.code}.tsv"
            rng = cast.stream("nli", "switched", a.code, b.code)
            said = translation.switcher(cast.world, a, b, config.nli_switched, rng)
            storage.write_text(folder / f"test.switched-{name}", nli.text(pairs["test"], said))
            text = nli.text(pairs["test"], translation.exact(a), translation.exact(b))
            storage.write_text(folder / f"test.crossed-{name}", text)


def _write_ner(folder: Path, cast: Speakers, config: TaskConfig) -> None:
    seen: set[ner.Sentence] = set()
    for split in SPLITS:
        count, rng = getattr(config, f"ner_{split}"), cast.stream("ner", split)
        sentences = _unseen(partial(ner.draw, cast.world, rng, count), count, seen)
        for tongue in cast.tongues:
            storage.write_text(folder / f"{split}-{tongue.code}.tsv", ner.text(tongue, sentences))


def _unseen(draw: Callable[[], list[DrawnT]], count: int, seen: set[DrawnT]) -> list[DrawnT]:
    """Draw the items of a split, none of which an earlier split has, and add them to `seen`."""
    found: list[DrawnT] = []
    while len(found) < count:
        found += [item for item in draw() if item not in seen]
    seen.update(found[:count])
    return found[:count]
