"""`xlmr-lab ablate SCALE [CLAIM ...]`: the paper's claims as one study, told in 80 columns.

A scale is a word among the arguments that is no setting (tiny, laptop, ...), a claim one such as
F3; without a claim those of the scale are tested. Settings hold for every cell.
"""

import dataclasses
import difflib
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

from xlmr_lab import campaign_report, conclusions_told, configs, durations, storage
from xlmr_lab.ablations import (
    campaign,
    campaign_costs,
    campaign_known,
    campaign_run,
    campaign_work,
    claim_seeds,
    conclusions,
    outcomes,
    paper_claims,
    scales,
)
from xlmr_lab.ablations.campaign import Campaign
from xlmr_lab.ablations.campaign_run import Ready
from xlmr_lab.ablations.conclusions import Conclusion
from xlmr_lab.commands import WIDTH, table
from xlmr_lab.errors import UserError

CONCLUSIONS_NAME = "conclusions.jsonl"
PLAN, PREDICT = "plan", "predict"
"""The words that have the cells told and nothing run, and that have the time told as well."""
BUDGET, FROM = "budget=", "from="
"""How a time that may be taken is given, and a folder of results that are taken over."""
VALUES = {BUDGET: "TIME", FROM: "FOLDER"}
HELP = """xlmr-lab ablate SCALE [CLAIM ...] [plan|predict] [budget=TIME]
               [from=FOLDER ...] [section.field=value ...]

Test the paper's claims, each a grid of pretraining runs. What cells share is
made once, a killed study goes on, a cell that fails stops no other. Without
CLAIM those are tested that stand with the scale. With `plan` cells and runs are
told and nothing is run; with `predict` their text is made, a few steps of each
kind of run are measured, and the time is told that the study will take. With
budget=2h (90m, 1h30m) as many seeds are run as that pays for; if it does not
pay for two, the last claims are left out. seeds=5 is for all claims, seeds.F5=8
for one that wants more (the page says how many).

A finished study ends in a page, report/index.html in its run folder, which
`xlmr-lab report FOLDER` makes again, and leaves its small tables in results/.
With from=FOLDER what such tables know is taken over and not run again: from
another machine, or from notebooks/results/laptop. Weights are not in them, so
models that are to be fine-tuned further are trained again. Text of one's own is
known by its files' place, size and time, which another machine must share.

Scales:

{scales}

Claims:

{claims}

Examples:

  xlmr-lab ablate laptop
  xlmr-lab ablate laptop F1 F3 seeds=3
  xlmr-lab ablate laptop budget=2h
  xlmr-lab ablate tiny F3 plan
"""


def words_of(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words among arguments that are no settings, and the settings.

    >>> words_of(["laptop", "F3", "seeds=2"])
    (['laptop', 'F3'], ['seeds=2'])
    """
    words = [word for word in arguments if "=" not in word]
    return words, [word for word in arguments if "=" in word]


def help_text() -> str:
    """Return what the studies are, their scales and claims."""
    made = {name: make() for name, make in scales.SCALES.items()}
    about = [
        f"  {name:<8}{scale.about}; {', '.join(scale.claims) or 'all claims'}"
        for name, scale in made.items()
    ]
    claims = [f"  {c.id:<8}{c.title}" for c in paper_claims.claims(scales.laptop())]
    lines = [textwrap.fill(line, WIDTH, subsequent_indent=" " * 10) for line in about]
    told = [textwrap.fill(line, WIDTH, subsequent_indent=" " * 10) for line in claims]
    return HELP.format(scales="\n".join(lines), claims="\n".join(told))


def planned(words: Sequence[str], settings: Sequence[str]) -> Campaign:
    """Return the campaign that words and settings ask for.

    Raises:
        UserError: an unknown scale, claim or setting.
    """
    scale = scales.scale(words[0])
    ids = tuple(dict.fromkeys(_claim(w) for w in words[1:] if w not in (PLAN, PREDICT)))
    own = [setting for setting in settings if not setting.startswith(claim_seeds.PREFIX)]
    base = configs.override(scale.base, own)
    scale = dataclasses.replace(scale, base=base)
    return Campaign(
        scale=scale,
        claims=claim_seeds.given(
            paper_claims.claims(scale, ids or scale.claims), claim_seeds.parsed(settings)
        ),
        folder=Path(base.runs_dir) / (base.name or f"studies-{scale.name}"),
        jobs=base.jobs,
        executor=base.executor,
    )


def _claim(word: str) -> str:
    """Return the id of the claim that a word names, in capitals or not.

    Raises:
        UserError: it is nearer to a word that is no claim.
    """
    near = difflib.get_close_matches(word, (PLAN, PREDICT), 1)
    if near:
        raise UserError(f"unknown claim {word!r}; did you mean {near[0]}?")
    return word.upper()


def run(arguments: Sequence[str], *, say: Callable[[str], None]) -> None:
    """Run the claims at a scale and tell what they come to.

    Raises:
        UserError: something cannot be run, which is told before anything starts.
    """
    words, settings = words_of(arguments)
    times, others = (_given(words, settings, name) for name in (BUDGET, FROM))
    budget = durations.parsed(times[-1]) if times else None
    own = [setting for setting in settings if not setting.startswith((BUDGET, FROM))]
    for name in (setting.partition("=")[0] for setting in own):
        if near := difflib.get_close_matches(f"{name}=", VALUES, 1):
            raise UserError(f"unknown setting {name!r}; did you mean {near[0]}{VALUES[near[0]]}?")
    work = planned(words, own)
    _refuse_idle(work, words, times)
    if PLAN not in words:
        campaign.require(work)
        for folder in others:
            campaign_known.take_over(work.folder, Path(folder))
    say(table(("cell", "claims", "scored", "seeds"), _cells(work)))
    runs = sum(cell.config.seeds for cell in work.cells())
    say(textwrap.fill(f"{work.scale.about}; {runs} pretraining runs at most", WIDTH))
    if PLAN in words:
        _tell_obstacle(work, say)
        return
    if budget is None:
        made = campaign_run.ready(work, measured=True if PREDICT in words else None)
    else:
        made = campaign_run.within(work, budget)
        say(textwrap.fill(_within_told(work, made.campaign), WIDTH))
    if others:
        say(_taken_over_told(made))
    if (seconds := made.seconds) is not None:
        say(textwrap.fill(_predicted_told(made, seconds), WIDTH))
    if PREDICT not in words:
        _finish(made, say)


def _refuse_idle(work: Campaign, words: Sequence[str], times: Sequence[str]) -> None:
    """Refuse words that would have no effect, or a wrong one."""
    if {PLAN, PREDICT} <= {*words}:
        raise UserError("plan runs nothing and predict measures; write one of them")
    if work.executor == "ray" and (times or PREDICT in words):
        told = f"{BUDGET}{times[-1]}" if times else PREDICT
        raise UserError(f"{told} is by this machine's speed; leave it or executor=ray out")


def _tell_obstacle(work: Campaign, say: Callable[[str], None]) -> None:
    """Say why a campaign cannot run here, if so: a plan may be for another machine."""
    try:
        campaign.require(work)
    except UserError as error:
        say(textwrap.fill(f"it cannot run here: {error}", WIDTH))


def _finish(made: Ready, say: Callable[[str], None]) -> None:
    predicted, work = made.seconds, made.campaign
    taken = durations.told(campaign_run.finish(made))
    found = conclude(work)
    for line in (line for conclusion in found for line in conclusions_told.lines(conclusion)):
        say(line)
    for line in conclusions_told.verdicts(found):
        say(line)
    before = f"predicted {durations.told(predicted)}, " if predicted else ""
    say(f"{before}took {taken}; each run's costs: {work.folder / campaign_costs.COSTS_NAME}")
    say(f"conclusions: {work.folder / CONCLUSIONS_NAME}")
    say(f"tables to hand on: {campaign_known.hand_on(work.folder)}")
    try:
        campaign_report.report(work.folder, say)
    except UserError as error:
        say(textwrap.fill(f"report: {error}", WIDTH, break_on_hyphens=False))


def _given(words: Sequence[str], settings: Sequence[str], name: str) -> list[str]:
    """Return the values that are given as `name` (budget=, from=).

    Raises:
        UserError: a plan takes none.
    """
    given = [setting.removeprefix(name) for setting in settings if setting.startswith(name)]
    if given and PLAN in words:
        raise UserError(f"{name}{given[-1]} has no effect with plan; write predict in its place")
    return given


def _taken_over_told(made: Ready) -> str:
    """Say how many runs are known from elsewhere: none, where text or settings are others."""
    known = campaign_known.read(made.campaign.folder)
    number = sum(known.has(one.name) for one in made.work)
    return f"{number} of {len(made.work)} runs are known from elsewhere"


def _within_told(asked: Campaign, given: Campaign) -> str:
    """Say what a budget pays for."""
    kept = [claim.id for claim in given.claims]
    left_out = [claim.id for claim in asked.claims if claim.id not in kept]
    seeds = f"{_seeds_told(given).removesuffix(' seeds')} of {_seeds_told(asked)}"
    more = f", without {', '.join(left_out)}" if left_out else ""
    return f"the budget pays for {seeds} of {', '.join(kept)}{more}"


def _predicted_told(made: Ready, seconds: float) -> str:
    waiting = [one for one in made.work if not one.is_done]
    kinds = [
        f"{sum(one.kind == kind for one in waiting)} runs of {kind}" for kind in campaign_work.KINDS
    ]
    unknown = sum(one.name not in made.predicted for one in waiting)
    more = f" ({unknown} of them are not measured)" if unknown else ""
    told = durations.told(seconds) if waiting else "no time"
    return f"predicted: {told} for {' and '.join(kinds)}{more}, {made.campaign.jobs} at a time"


def conclude(work: Campaign) -> list[Conclusion]:
    """Turn what was collected into conclusions, and write them down."""
    names = campaign_known.HELDOUT_NAME, campaign_known.SCORES_NAME, campaign_known.WORDS_NAME
    found = conclusions.conclude(
        outcomes.measured(*(storage.read_jsonl(work.folder / name) for name in names)),
        work.claims,
        f"{work.scale.about}, {_seeds_told(work)}",
    )
    rows = [conclusions.written(conclusion) for conclusion in found]
    storage.write_jsonl(work.folder / CONCLUSIONS_NAME, rows)
    return found


def _seeds_told(work: Campaign) -> str:
    """Return how many seeds the claims have: 5 seeds (F5: 8)."""
    seeds = work.scale.base.seeds
    more = claim_seeds.differing(work.claims, seeds)
    told = ", ".join(f"{claim}: {number}" for claim, number in more.items())
    return f"{seeds} seeds ({told})" if more else f"{seeds} seeds"


def _cells(work: Campaign) -> list[tuple[str, ...]]:
    return [
        (
            cell.name,
            " ".join(work.claims_of(cell.name)),
            "yes" if cell.evaluated else "no",
            str(cell.config.seeds),
        )
        for cell in work.cells()
    ]


def is_asked_for(arguments: Sequence[str]) -> bool:
    """Tell whether the arguments of `ablate` name a scale.

    Raises:
        UserError: they have a word that is no scale.
    """
    words, _ = words_of(arguments)
    if not words:
        return False
    if words[0] not in scales.SCALES:
        near = difflib.get_close_matches(words[0].lower(), scales.SCALES, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UserError(
            f"unknown scale {words[0]!r}; {hint}there are {', '.join(scales.SCALES)}, or give "
            "settings as section.field=value"
        )
    return True
