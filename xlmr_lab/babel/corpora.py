"""Babel's corpora: an encyclopaedia and dirty web pages for each language, with their truth.

A language gets its share of the corpus by the size of the real language it stands for (XLM-R Table
6), with a floor, since a thousandth of a small corpus would be no text at all. The same documents
in every run of a seed, byte for byte, on any machine.
"""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from xlmr_lab import seeds, storage
from xlmr_lab.babel import tongues
from xlmr_lab.babel import world as worlds
from xlmr_lab.babel.pages import Page, PageMaker, paragraphs
from xlmr_lab.babel.tongues import Tongue, TongueConfig
from xlmr_lab.babel.world import World
from xlmr_lab.errors import UserError

ENTRIES_AT_ONCE = 50


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class BabelConfig:
    """The embedded corpus: which languages, how much of each, how dirty."""

    seed: int = 0
    """Names the world, its languages and their text; another seed is another Babel."""
    num_languages: int = 30
    """Languages to make, spread from the largest to the smallest of the paper's sizes (1 to 100).
    """
    languages: tuple[str, ...] = ()
    """Codes of the languages to make (qaa,qab,...); empty: `num_languages` decides."""
    corpus_bytes: int = 8_000_000
    """Size of the web pages of all languages together (bytes of UTF-8)."""
    smallest_bytes: int = 20_000
    """Least size of one language's pages (bytes of UTF-8)."""
    balanced: bool = False
    """Give every language the same size instead of its share of the real one's."""
    encyclopaedia_bytes: int = 40_000
    """Size of each language's encyclopaedia, the labelled text of the language identifier (bytes of
    UTF-8).
    """
    dirt: float = 0.25
    """Share of a page's paragraphs that a clean corpus should not keep (probability)."""
    glossed: float = 0.05
    """Share of sentences followed, in brackets, by their translation into the largest language:
    the stray bilingual passages of real crawls (probability)."""
    tongue: TongueConfig = TongueConfig()
    """How the languages differ."""

    def __post_init__(self) -> None:
        tongues.spread(self.num_languages)
        for code in self.languages:
            tongues.stands_for(code)
        if len(set(self.languages)) < len(self.languages):
            raise UserError(f"babel.languages must differ, got {', '.join(self.languages)}")
        if not 0 <= self.dirt < 1:
            raise UserError(f"babel.dirt must be at least 0 and less than 1, got {self.dirt}")
        if not 0 <= self.glossed <= 1:
            raise UserError(f"babel.glossed must be in [0, 1], got {self.glossed}")
        for name in ("corpus_bytes", "smallest_bytes", "encyclopaedia_bytes"):
            if getattr(self, name) < 1000:
                raise UserError(f"babel.{name} must be at least 1000, got {getattr(self, name)}")

    def codes(self) -> list[str]:
        """Return the codes of the languages to make."""
        return list(self.languages) or tongues.spread(self.num_languages)


def build(config: BabelConfig) -> tuple[World, list[Tongue]]:
    """Make the world and the tongues of a configuration."""
    world = worlds.build(config.seed)
    return world, [tongues.grow(world, c, config.seed, config.tongue) for c in config.codes()]


def sizes(config: BabelConfig) -> dict[str, int]:
    """Return the bytes of web pages each language gets."""
    codes = config.codes()
    real = {code: 1.0 if config.balanced else tongues.stands_for(code).size_gib for code in codes}
    whole = sum(real.values())
    return {
        code: max(config.smallest_bytes, int(config.corpus_bytes * real[code] / whole))
        for code in codes
    }


def write(folder: Path, config: BabelConfig) -> None:
    """Write `corpus/{web,encyclopaedia}/<code>.*` and `truth/<code>.jsonl` into `folder`."""
    world, grown = build(config)
    wanted = sizes(config)
    storage.require_space(folder, 3 * sum(wanted.values()), "Babel")
    for tongue in grown:
        pages, truth = [], []
        for page in web_pages(world, grown, tongue, wanted[tongue.code], config):
            pages.append(_line({"doc_id": page.doc_id, "url": page.url, "text": page.text}))
            truth.append(_line({"doc_id": page.doc_id, "labels": page.labels}))
        storage.write_text(folder / "corpus" / "web" / f"{tongue.code}.jsonl", "".join(pages))
        storage.write_text(folder / "truth" / f"{tongue.code}.jsonl", "".join(truth))
        entries = "\n".join(encyclopaedia(world, tongue, config))
        storage.write_text(folder / "corpus" / "encyclopaedia" / f"{tongue.code}.txt", entries)


def web_pages(
    world: World, grown: Sequence[Tongue], tongue: Tongue, num_bytes: int, config: BabelConfig
) -> Iterator[Page]:
    """Yield the pages of a tongue until their text has `num_bytes`.

    Stray paragraphs are in the next of the `grown` tongues, glosses in the first.
    """
    hub = grown[0]
    maker = PageMaker(
        world,
        tongue,
        stray=grown[(grown.index(tongue) + 1) % len(grown)] if len(grown) > 1 else None,
        hub=None if tongue is hub else hub,
        dirt=config.dirt,
        glossed=config.glossed,
        rng=seeds.generator(config.seed, "babel", "web", tongue.code),
    )
    written = 0
    for page in maker.pages():
        yield page
        written += len(page.text.encode("utf-8")) + 1
        if written >= num_bytes:
            return


def encyclopaedia(world: World, tongue: Tongue, config: BabelConfig) -> Iterator[str]:
    """Yield entries, one paragraph a line: each about one actor, what it is and does."""
    rng = seeds.generator(config.seed, "babel", "encyclopaedia", tongue.code)
    written = 0
    while True:
        for entry in worlds.documents(world, rng, ENTRIES_AT_ONCE, num_agents=1, statements=0.3):
            text = "".join(paragraph + "\n" for paragraph in paragraphs(tongue, entry, rng))
            yield text
            written += len(text.encode("utf-8"))
            if written >= config.encyclopaedia_bytes:
                return


def _line(record: dict[str, object]) -> str:
    return json.dumps(record, ensure_ascii=False) + "\n"
