"""The command line: `xlmr-lab VERB [--preset NAME] [section.field=value ...]`."""

import argparse
import errno
import inspect
import logging
import os
import signal
import sys
from types import FrameType
from typing import Any

from xlmr_lab import __version__, configs, progress
from xlmr_lab.errors import ConsequenceError, Terminated, UserError

DEFAULT_PRESET = "tiny"
OPTIONS = ("preset", "help", "version")


def main(arguments: list[str] | None = None) -> int:
    """Run a verb; return 0, or 2 after one line on what must be mended, or what a shell gives after
    a signal: 130 if interrupted (Ctrl-C), 143 if terminated.
    """
    progress.start_log(logging.INFO)
    for library in ("choreographer", "kaleido", "papermill"):
        logging.getLogger(library).setLevel(logging.WARNING)
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except (UserError, OSError) as error:
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        more = "; free some space, the same command goes on" if full else ""
        _complain(f"xlmr-lab: {error}{more}", is_cause=not isinstance(error, ConsequenceError))
        return 2
    except KeyboardInterrupt as interruption:
        where = f" {interruption}" if str(interruption) else ""
        told = f"stopped{where}; what is finished is kept, the same command goes on"
        _complain(f"\nxlmr-lab: {told}")
        return 128 + (signal.SIGTERM if isinstance(interruption, Terminated) else signal.SIGINT)
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def _run(arguments: list[str]) -> int:
    from xlmr_lab import commands, report_exports, reports, verb_help
    from xlmr_lab.ablations import opened, run, studies

    chosen = _parser(commands.VERBS).parse_args(_options_last(_checked(arguments)))
    if chosen.verb != "pretrain" and _processes() > 1:
        raise UserError(f"torchrun is for pretrain; run {chosen.verb} without it")
    chosen.export = ()
    if chosen.verb == "report":
        chosen.export, chosen.settings = report_exports.asked_for(chosen.settings)
    if _is_of_no_study(chosen):
        return 0
    preset = chosen.preset or DEFAULT_PRESET
    named = dict(setting.partition("=")[::2] for setting in chosen.settings)
    own_text = named.get("corpus.path", "none").lower() not in ("none", "null")
    config = studies.preset(preset, own_text=own_text)
    if chosen.help:
        _say(verb_help.text(chosen.verb, commands.VERBS[chosen.verb], preset, config))
        return 0
    verb_help.require_effect(chosen.verb, named, commands.VERBS)
    given = studies.settled(chosen.settings, own_text=own_text)
    if chosen.verb not in verb_help.OF_A_RUN:
        studies.require_text(preset, own_text=own_text)
    else:
        config = opened.settings(config, given, preset=preset, asked=chosen.preset)
    config = configs.override(config, given)
    work = run.Study(config, preset)
    commands.VERBS[chosen.verb](work, _say)
    report_exports.write(reports.executed(work.folder), work.folder / "report", chosen.export, _say)
    return 0


def _is_of_no_study(chosen: argparse.Namespace) -> bool:
    """Do what a verb is asked for that is about no study; return whether it is."""
    from xlmr_lab import campaign_report, campaigns, encoder_evaluation, notebook_runs

    if chosen.verb in OF_THE_MACHINE:
        OF_THE_MACHINE[chosen.verb](chosen)
        return True
    if chosen.verb == "evaluate":
        source, settings = encoder_evaluation.source_of(chosen.settings)
        if source is not None and chosen.help:
            _say(encoder_evaluation.help_text(chosen.preset))
        elif source is not None:
            encoder_evaluation.run(source, settings, preset=chosen.preset, say=_say)
        return source is not None
    if chosen.verb == "ablate" and campaigns.is_asked_for(chosen.settings):
        _say(campaigns.help_text()) if chosen.help else campaigns.run(chosen.settings, say=_say)
        return True
    if chosen.verb == "report":
        if notebook := notebook_runs.asked_for(chosen.settings):
            if chosen.help:
                _say(notebook_runs.help_text(notebook))
            else:
                notebook_runs.run(notebook, chosen.settings[1:], chosen.export, _say)
            return True
        folder = None if chosen.help else campaign_report.asked_for(chosen.settings)
        if folder is not None:
            campaign_report.report(folder, _say, chosen.export)
        return folder is not None
    return False


def _bench(chosen: argparse.Namespace) -> None:
    from xlmr_lab import bench

    name = chosen.preset or bench.DEFAULT_PRESET
    if chosen.help:
        _say(bench.help_text(name))
    else:
        bench.pretrain(chosen.settings, preset=name, say=_say)


def _app(chosen: argparse.Namespace) -> None:
    from xlmr_lab import app

    _say(app.HELP) if chosen.help else app.serve(chosen.settings, say=_say)


OF_THE_MACHINE = {"app": _app, "bench": _bench}
"""Verbs that take no settings of a study."""


def _parser(verbs: dict[str, Any]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="xlmr-lab",
        description=f"The research workbench for XLM-R, version {__version__}.",
        epilog="`xlmr-lab VERB --help` lists the settings of a verb.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, function in verbs.items():
        _add_settings(subparsers, name, inspect.cleandoc(function.__doc__ or ""))
    _add_settings(
        subparsers, "app", "Serve explorers of claims and transfer as a page without code."
    )
    compared = "Measure this trainer beside Hugging Face's, on this machine."
    benches = subparsers.add_parser("bench", help=compared, description=compared)
    measured = benches.add_subparsers(metavar="pretrain", required=True)
    _add_settings(measured, "pretrain", compared)
    return parser


def _add_settings(subparsers: Any, name: str, doc: str) -> None:
    verb = subparsers.add_parser(name, help=doc, description=doc, add_help=False)
    verb.add_argument("-h", "--help", action="store_true", help="list the settings")
    verb.add_argument("--preset")
    verb.add_argument("settings", nargs="*", metavar="section.field=value")


def _checked(arguments: list[str]) -> list[str]:
    """Return the arguments, unless a setting is written as an option or the preset as a setting.

    Raises:
        UserError: so it is; the message says how it is written.
    """
    for word in arguments:
        name, equals, value = word.removeprefix("--").partition("=")
        if word.startswith("--") and name and name not in OPTIONS:
            written = f"{name}={value if equals else 'VALUE'}"
            raise UserError(f"settings are written without dashes: {written}, got {word!r}")
        if word.startswith("preset="):
            raise UserError(f"the preset is an option: --preset {value}, got {word!r}")
    return arguments


def _options_last(arguments: list[str]) -> list[str]:
    """Return the arguments with the preset behind the settings, between which argparse takes none.

    >>> _options_last(["evaluate", "hf:bert", "--preset", "narrow", "nli.path=xnli"])
    ['evaluate', 'hf:bert', 'nli.path=xnli', '--preset', 'narrow']
    """
    words, options = list(arguments), list[str]()
    while "--preset" in words:
        place = words.index("--preset")
        options += words[place : place + 2]
        del words[place : place + 2]
    return words + options


def _complain(text: str, *, is_cause: bool = True) -> None:
    """Write why the command ended to standard error; of several processes one does."""

    def write(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    if _processes() == 1:
        write(text)
        return
    from xlmr_lab.pretrain import telling

    telling.tell_once(text, write, is_cause=is_cause)


def _processes() -> int:
    """Return how many processes torchrun has started, 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def _say(text: str) -> None:
    """Print a line; to a reader that is gone (as `| head`), say nothing and let the work go on."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
