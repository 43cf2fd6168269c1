"""Look at where a model puts languages: a map of languages, a map of sentences, or a tree, in any
layer, coloured by family, script or resource tier.

The pictures are those of `figures.language_map` and `figures.language_trees`; the explorer chooses
what they show and writes the call that draws the present one. Other arms of a study are opened by
whoever has the time to embed their sentences (`open_alignment`).
"""

from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go
import polars as pl

from xlmr_lab import language_map_results
from xlmr_lab.alignment_results import ENCODERS, StudyAlignment
from xlmr_lab.explorers.controls import LABEL, dropdown, written_call
from xlmr_lab.explorers.explorer import Explorer
from xlmr_lab.figures import language_map, language_trees, theme

HINT = (
    "Go through the layers and see relatives gather or part; colour by script or size to see what "
    "else languages gather by."
)
LANGUAGES, SENTENCES, TREE = "map of languages", "map of sentences", "tree of languages"
GIVEN = "as given"
"""The arm that the explorer was given first."""


class LanguageMapExplorer(Explorer):
    """Controls over a study's aligned sentences; `others` are those of other arms by name, and
    `layer` is where the explorer begins."""

    TITLE = "Where languages stand"

    def __init__(
        self,
        made: StudyAlignment,
        *,
        layer: int = 0,
        others: Mapping[str, StudyAlignment] | None = None,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        self.arms = {GIVEN: made, **(others or {})}
        self._closeness: dict[str, pl.DataFrame] = {}
        most = min(own.num_layers() for own in self.arms.values()) - 1
        self.shown = dropdown("show", [LANGUAGES, SENTENCES, TREE])
        self.layer = widgets.IntSlider(
            value=layer, min=0, max=most, description="layer (0: embeddings)", style=LABEL
        )
        groups = [(theme.GROUPS[name], name) for name in language_map.GROUPINGS]
        self.color = dropdown("colour by", groups)
        self.seed = dropdown("pretraining seed", list(made.made.models))
        self.encoder = dropdown("tree of the", [(f"{name} models", name) for name in ENCODERS])
        self.arm = dropdown("arm", list(self.arms))
        first = (self.shown, self.layer, self.color)
        super().__init__(
            HINT,
            [first, (self.seed, self.encoder, self.arm)],
            run=made.made.study.name,
            state=state,
        )

    @property
    def figure(self) -> go.Figure:
        """The present picture as a plain figure."""
        made, color = self.arms[self.arm.value], self.color.value
        about = {"layer": self.layer.value}
        if self.shown.value == TREE:
            encoder = self.encoder.value
            tree = language_map_results.tree(made, self._near(), **about, encoder=encoder)
            return language_trees.trees(tree, made.known(), color=color)
        about |= {"seed": self.seed.value}
        if self.shown.value == SENTENCES:
            return language_map.sentences(language_map_results.places(made, **about), color=color)
        return language_map.languages(language_map_results.standing(made, **about), color=color)

    @property
    def written(self) -> str:
        """The call that draws the present picture."""
        made = "made" if self.arm.value == GIVEN else f"others[{self.arm.value!r}]"
        about: dict[str, Any] = {"layer": self.layer.value}
        color = {"color": self.color.value}
        if self.shown.value == TREE:
            frames = f"{made}, {made}.closeness()"
            about |= {"encoder": self.encoder.value}
            tree = written_call("language_map_results.tree", frames, about)
            return written_call("language_trees.trees", f"{tree}, {made}.known()", color)
        about |= {"seed": self.seed.value}
        is_sentences = self.shown.value == SENTENCES
        frame = written_call(
            f"language_map_results.{'places' if is_sentences else 'standing'}", made, about
        )
        return written_call(
            f"language_map.{'sentences' if is_sentences else 'languages'}", frame, color
        )

    def _near(self) -> pl.DataFrame:
        """Return the closeness of the present arm's languages, worked out once."""
        arm = self.arm.value
        if arm not in self._closeness:
            self._closeness[arm] = self.arms[arm].closeness()
        return self._closeness[arm]

    def _adapt(self, change: Any) -> None:
        """Hide what has no effect."""
        is_tree = self.shown.value == TREE
        self.encoder.layout.display = None if is_tree else "none"
        self.seed.layout.display = "none" if is_tree or len(self.seed.options) < 2 else None
        self.arm.layout.display = None if len(self.arms) > 1 else "none"
