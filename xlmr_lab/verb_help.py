"""What `xlmr-lab VERB --help` says: the verb, the presets, two examples, and the settings that the
verb's work depends on.
"""

import inspect
import textwrap
from collections.abc import Callable, Iterable
from typing import Any

from xlmr_lab import configs
from xlmr_lab.ablations.folder import PLACES
from xlmr_lab.ablations.sections import OF_EXTEND, OF_TRIM, SurgeryConfig
from xlmr_lab.ablations.studies import OF_TEXT, PRESETS, for_text
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.errors import UserError

USAGE = "xlmr-lab {verb} [--preset NAME] [section.field=value ...]"
WIDTH = 80
OWN_TEXT = "with corpus.path"
"""What the settings for text of one's own are called."""
EXAMPLES = """Examples:

  ./lab {verb} --preset tiny babel.dirt=0.5 name=dirty
  ./lab {verb} corpus.path=../text corpus.languages=en,sw"""

SCHEDULES = """

As even as a cap on the passes over each language's text lets it be (UniMax),
and annealed, with languages that join on the way (mmBERT):

  ./lab pretrain sampling.schedule=capped sampling.max_passes=8 name=capped
  ./lab pretrain sampling.schedule=annealed sampling.alpha=0.7 \\
      sampling.later_alphas=0.5,0.3 sampling.changes=0.77,0.97 \\
      sampling.starts=qcu:0.77,qdc:0.97 name=annealed"""
"""Examples of the verb that trains with a schedule of sampling."""
PARALLEL = """

A quarter of the blocks from parallel text (TLM), Babel's or one's own, which
is a folder of <language>.txt, aligned line by line:

  ./lab pretrain tlm.share=0.25 name=tlm
  ./lab pretrain corpus.path=../text tlm.share=0.25 tlm.path=../parallel"""
"""Examples of the same verb with parallel text."""

_SURGERY = configs.leaves(SurgeryConfig)
OF_A_RUN: dict[str, tuple[str, ...]] = {
    "export": PLACES,
    "trim": (*PLACES, *(f"surgery.{name}" for name in _SURGERY if name not in OF_EXTEND)),
    "extend": (*PLACES, *(f"surgery.{name}" for name in _SURGERY if name not in OF_TRIM)),
}
"""Verbs that take a run as it is, with its own settings, and those that one gives them."""
OF_SURGERY = {
    "trim": " surgery.languages=qaa,qam",
    "extend": " surgery.language=yo surgery.text=../yo.txt",
}
RUN = """A run is named by its preset or by name=NAME; `./lab pretrain` makes one. Its settings are
those of its config.json and need not be given again."""
EXAMPLES_OF_A_RUN = """Examples:

  ./lab {verb} --preset small{settings}
  ./lab {verb} name=mine{settings}"""

_LEAVES = configs.leaves(StudyConfig)
OUTSIDE = tuple(name for name in _LEAVES if "." not in name)
"""Settings of no section."""
OF_A_STUDY = tuple(
    dict.fromkeys(name.partition(".")[0] for name in _LEAVES if not name.startswith("surgery."))
)
"""What a study is made of: its run folder keeps all of it, for the verbs that come after."""
TEXT = ("babel", "corpus", "measure", "clean", "part")
TRAINING = (*TEXT, "vocabulary", "sampling", "batches", "model", "pretrain", "tlm")
SECTIONS: dict[str, tuple[str, ...]] = {
    "corpus": TEXT,
    "vocab": (*TEXT, "vocabulary"),
    "pretrain": TRAINING,
    "evaluate": (*TRAINING, "tasks", "nli", "ner", "qa", "glue"),
}
"""The sections of settings that a verb's work depends on; the other verbs of a study depend on
all."""
WITHOUT_RUN = ("corpus",)
"""Verbs that write no run folder, so that a section which their work does not depend on is lost."""


def require_effect(verb: str, names: Iterable[str], verbs: Iterable[str]) -> None:
    """Refuse settings that a verb does nothing with; unknown names are not looked at.

    Raises:
        UserError: names the first and those of all `verbs` that it is for.
    """
    for name in names:
        if name in _LEAVES and not _takes(verb, name):
            takers = [other for other in verbs if _takes(other, name) and _is_own(other, name)]
            raise UserError(
                f"{name} has no effect on {verb}; it is for {', '.join(takers)}: leave it out"
            )


def _takes(verb: str, name: str) -> bool:
    """Tell whether a setting has an effect on a verb; those of its study are compared with a run
    where it has one already."""
    section = name.partition(".")[0]
    if verb in WITHOUT_RUN:
        return section in (*OUTSIDE, *SECTIONS[verb])
    return section in OF_A_STUDY or name in OF_A_RUN.get(verb, ())


def _is_own(verb: str, name: str) -> bool:
    return verb not in OF_A_RUN or name in OF_A_RUN[verb]


def text(verb: str, function: Callable[..., Any], preset: str, config: StudyConfig) -> str:
    """Return a verb's help; `function` is what it calls, `config` the preset's settings."""
    presets = [
        textwrap.fill(f"  {name:<7}{_beginning(make)}", WIDTH, subsequent_indent=" " * 9)
        for name, make in PRESETS.items()
    ]
    parts = [
        USAGE.format(verb=verb),
        _filled(inspect.cleandoc(function.__doc__ or "")),
        "Presets:\n\n" + "\n".join(presets),
        *(_of_a_run(verb, config) if verb in OF_A_RUN else _of_a_study(verb, preset, config)),
    ]
    return "\n\n".join(parts)


def _of_a_study(verb: str, preset: str, config: StudyConfig) -> list[str]:
    sections = SECTIONS.get(verb)
    of_verb = f" that {verb} depends on (`study --help` lists all)" if sections else ""
    kept = ". Others of a study are kept for the verbs after it" * (verb not in WITHOUT_RUN)
    others = {} if preset in OF_TEXT else {OWN_TEXT: for_text(config)}
    return [
        EXAMPLES.format(verb=verb) + (SCHEDULES + PARALLEL) * (verb == "pretrain"),
        _filled(f"The settings of {preset}{of_verb}{kept if sections else ''}:"),
        configs.help_text(config, sections=(*OUTSIDE, *(sections or OF_A_STUDY)), others=others),
    ]


def _of_a_run(verb: str, config: StudyConfig) -> list[str]:
    return [
        _filled(RUN),
        EXAMPLES_OF_A_RUN.format(verb=verb, settings=OF_SURGERY.get(verb, "")),
        f"The settings of {verb}:",
        configs.help_text(config, sections=OF_A_RUN[verb]),
    ]


def _filled(text: str) -> str:
    """Return paragraphs wrapped for the terminal."""
    return "\n\n".join(textwrap.fill(part, WIDTH) for part in text.split("\n\n"))


def _beginning(make: Callable[..., Any]) -> str:
    """Return what a preset's docstring says first, in one line."""
    paragraph = inspect.cleandoc(make.__doc__ or "").partition("\n\n")[0]
    return " ".join(paragraph.split()).removeprefix("Return ")
