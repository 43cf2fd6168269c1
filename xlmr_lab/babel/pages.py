"""Dirty web pages: documents as crawls hold them, and the truth about each of their paragraphs.

A page is a document's paragraphs with what crawls wrap them in: menus, a notice that every page of
the site repeats, copies of other pages' paragraphs, paragraphs in another language, gibberish,
broken encodings. Some sentences are followed by their translation into the hub language, in
brackets, as on real pages about the wider world; such a paragraph is clean. Left out: the WET and
HTML forms.
"""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from xlmr_lab.babel import world as worlds
from xlmr_lab.babel.tongues import Tongue
from xlmr_lab.babel.world import Event, World

CLEAN = "clean"
DIRT = ("menu", "boilerplate", "copy", "other_language", "gibberish", "broken_encoding")
"""What can be wrong with a paragraph of a page."""

PAGES_PER_SITE = 40
DOCUMENTS_AT_ONCE = 200
SENTENCES_PER_PARAGRAPH = 3
NUM_STRAYS = 50
STRESSED = 0.4
"""Share of sentences in which a word bears the focus particle (probability)."""
ALPHANUMERIC = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """A web page: its text, one paragraph a line, and what each paragraph is."""

    doc_id: str
    url: str
    text: str
    labels: list[str]


class PageMaker:
    """Makes the pages of one language; `stray` is the language of stray paragraphs, `hub` that of
    glosses (None for no glosses).
    """

    def __init__(
        self,
        world: World,
        tongue: Tongue,
        *,
        stray: Tongue | None,
        hub: Tongue | None,
        dirt: float,
        glossed: float,
        rng: np.random.Generator,
    ) -> None:
        self.world = world
        self.tongue = tongue
        self.hub = hub
        self.dirt = dirt
        self.glossed = glossed
        self.rng = rng
        written = worlds.documents(world, rng, NUM_STRAYS)
        self.strays = (
            [p for document in written for p in paragraphs(stray, document, rng)] if stray else []
        )
        self.earlier: list[str] = []
        self.menu: list[str] = []
        self.notice = ""

    def pages(self) -> Iterator[Page]:
        """Yield pages without end."""
        number = 0
        while True:
            for document in worlds.documents(self.world, self.rng, DOCUMENTS_AT_ONCE):
                if number % PAGES_PER_SITE == 0:
                    self._open_site()
                yield self._page(document, number)
                number += 1

    def _open_site(self) -> None:
        """Draw what every page of the next site repeats."""
        things = self.world.concepts("thing")
        chances = self.rng.random(6).tolist()
        self.menu = [self.tongue.forms[things[int(c * len(things))]] for c in chances]
        notice = worlds.documents(self.world, self.rng, 1, num_events=(2, 3))[0]
        self.notice = self.tongue.join([self.tongue.sentence(event) for event in notice])

    def _page(self, document: Sequence[Event], number: int) -> Page:
        """Wrap a document's paragraphs in dirt and remember some of them for later copies."""
        written: list[tuple[str, str]] = []
        for text in paragraphs(self.tongue, document, self.rng, self._glosses(document)):
            while self.rng.random() < self.dirt:
                kind = DIRT[int(self.rng.random() * len(DIRT))]
                written += [(dirty, kind) for dirty in self._dirty(kind, text)]
            written.append((text, CLEAN))
            if self.rng.random() < 0.05:
                self.earlier.append(text)
        code, site = self.tongue.code, number // PAGES_PER_SITE
        return Page(
            doc_id=f"{code}-{number:06d}",
            url=f"https://site{site}.{code}.example/{number}",
            text="\n".join(text for text, _ in written),
            labels=[label for _, label in written],
        )

    def _glosses(self, document: Sequence[Event]) -> list[str]:
        """Return the translation of each event into the hub language, empty for most."""
        if self.hub is None:
            return [""] * len(document)
        chances = self.rng.random(len(document)).tolist()
        return [
            self.hub.sentence(event).rstrip() if chance < self.glossed else ""
            for event, chance in zip(document, chances, strict=True)
        ]

    def _dirty(self, kind: str, text: str) -> list[str]:
        """Return the paragraphs of one piece of dirt, none where there is nothing to take."""
        match kind:
            case "menu":
                return self.menu
            case "boilerplate":
                return [self.notice]
            case "copy":
                return [self._one_of(self.earlier)] if self.earlier else []
            case "other_language":
                return [self._one_of(self.strays)] if self.strays else []
            case "gibberish":
                chances = self.rng.random(40).tolist()
                return ["".join(ALPHANUMERIC[int(c * len(ALPHANUMERIC))] for c in chances)]
            case _:
                return [break_encoding(text, self.rng)]

    def _one_of(self, texts: Sequence[str]) -> str:
        return texts[int(self.rng.random() * len(texts))]


def paragraphs(
    tongue: Tongue,
    document: Sequence[Event],
    rng: np.random.Generator,
    glosses: Sequence[str] = (),
) -> list[str]:
    """Write a document as paragraphs of a few sentences, each followed by its gloss if it has one;
    some sentences stress a word.
    """
    stressed = (rng.random(len(document)) / STRESSED).tolist()
    sentences = [tongue.sentence(e, where) for e, where in zip(document, stressed, strict=True)]
    for i, gloss in enumerate(glosses):
        if gloss:
            sentences[i] = f"{sentences[i].rstrip()} ({gloss})"
    size = SENTENCES_PER_PARAGRAPH
    return [tongue.join(sentences[i : i + size]) for i in range(0, len(sentences), size)]


def break_encoding(text: str, rng: np.random.Generator) -> str:
    """Read UTF-8 as Latin-1; where that changes nothing, lose letters to U+FFFD (the replacement
    character).
    """
    garbled = text.encode("utf-8").decode("latin-1")
    if garbled != text:
        return " ".join("".join(c if c.isprintable() else "\ufffd" for c in garbled).split())
    lost = rng.random(len(text)) < 0.15
    return "".join("\ufffd" if gone else c for c, gone in zip(text, lost, strict=True))
