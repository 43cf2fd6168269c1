"""The command line: `xlmr-lab VERB [--preset NAME] [section.field=value ...]`."""

import argparse
import errno
import logging
import sys

from xlmr_lab import __version__, configs
from xlmr_lab.errors import UserError

LOG_FORMAT = "%(asctime)s %(message)s"


def main(arguments: list[str] | None = None) -> int:
    """Run a verb; return 0, or 2 after one line on what must be mended, or 130 if interrupted."""
    logging.basicConfig(
        level=logging.INFO, format=LOG_FORMAT, datefmt="%H:%M:%S", stream=sys.stderr
    )
    logging.getLogger("papermill").setLevel(logging.WARNING)
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except (UserError, OSError) as error:
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        told = "; free some space, the same command goes on" if full else ""
        print(f"xlmr-lab: {error}{told}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            "\nxlmr-lab: stopped; what is finished is kept, the same command goes on",
            file=sys.stderr,
        )
        return 130


def _run(arguments: list[str]) -> int:
    from xlmr_lab import commands
    from xlmr_lab.ablations import run, studies

    parser = argparse.ArgumentParser(
        prog="xlmr-lab",
        description=f"The research workbench for XLM-R, version {__version__}.",
        epilog="`xlmr-lab VERB --help` lists every setting.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, function in commands.VERBS.items():
        doc = (function.__doc__ or "").strip()
        verb = verbs.add_parser(name, help=doc, description=doc, add_help=False)
        verb.add_argument("-h", "--help", action="store_true", help="list every setting")
        verb.add_argument("--preset", default="tiny", help=f"one of {', '.join(studies.PRESETS)}")
        verb.add_argument("settings", nargs="*", metavar="section.field=value")
    chosen = parser.parse_args(arguments)
    named = dict(setting.partition("=")[::2] for setting in chosen.settings)
    own_text = named.get("corpus.path", "none").lower() not in ("none", "null")
    config = studies.preset(chosen.preset, own_text=own_text)
    if chosen.help:
        print(f"xlmr-lab {chosen.verb} [--preset NAME] [section.field=value ...]\n")
        print(commands.VERBS[chosen.verb].__doc__)
        print(f"\nPresets: {', '.join(studies.PRESETS)}. The settings of {chosen.preset}:\n")
        print(configs.help_text(config))
        return 0
    config = configs.override(config, studies.settled(chosen.settings, own_text=own_text))
    commands.VERBS[chosen.verb](run.Study(config, chosen.preset), print)
    return 0


if __name__ == "__main__":
    sys.exit(main())
