"""`xlmr-lab report FOLDER`: the page of the claims that a campaign tested.

FOLDER is the campaign's run folder, or one of results that come with the lab. The page stands in it
and is made anew only if results, notebooks or code are others than it was made from.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from xlmr_lab import campaign_results, commands, report_exports, reports, storage
from xlmr_lab.campaign_results import CAMPAIGN_NAME
from xlmr_lab.errors import UserError

PLACING = ("name", "runs_dir")
"""Settings that name a run folder."""


def asked_for(arguments: Sequence[str]) -> Path | None:
    """Return the campaign's folder that the arguments of `report` name, as a word or by name=NAME;
    None where they name none, so that a study is meant.

    Raises:
        UserError: a word is no campaign's folder, or there are settings beside it.
    """
    words = [word for word in arguments if "=" not in word]
    settings = dict(word.partition("=")[::2] for word in arguments if "=" in word)
    named = Path(settings.get("runs_dir", "runs")) / settings.get("name", "")
    if not words and not (named / CAMPAIGN_NAME).is_file():
        return None
    extra = words[1:] + [name for name in settings if words or name not in PLACING]
    if extra:
        raise UserError(f"{extra[0]} has no effect on the page of tested claims; leave it out")
    if not words:
        return named
    if storage.found(words[0], "config.json") and not storage.found(words[0], CAMPAIGN_NAME):
        raise UserError(
            f"{words[0]} is a study; its report takes its settings: name=NAME, or --preset NAME"
        )
    campaign_results.open_campaign(words[0])
    return Path(words[0])


def report(folder: Path, say: Callable[[str], None], formats: Sequence[str] = ()) -> None:
    """Write the page of a campaign, and its figures and tables in each of `formats`, and tell where
    they are.

    Raises:
        UserError: a notebook stopped; the page is written without it.
    """
    tested = campaign_results.open_campaign(folder)

    def write() -> Path:
        return reports.report_campaign(tested, commands.notebooks())

    say(f"report: {commands.written(tested.folder, write)}")
    shown = reports.executed(tested.folder)
    report_exports.write(shown, tested.folder / "report", formats, say)
