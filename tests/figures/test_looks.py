"""Every figure can be read on a light page and on a dark one."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import plotly.graph_objects as go
import plotly.io as pio
import pytest
from plotly.colors import sample_colorscale

from xlmr_lab.errors import UserError
from xlmr_lab.figures import campaign, hidden_text, looks, masking, segmentation, theme

SEEN = 3.0
"""Least contrast of lines and marks to their ground (WCAG 2, 1.4.11); the lightest of the palette
have less on white, and are told by symbol, dash and label as well."""
DARK_PAGE = looks.DARK[theme.PAGE]
MIME = "application/vnd.plotly.v1+json"


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(looks.VARIABLE, raising=False)
    before = pio.renderers.default
    yield
    pio.renderers.default = before


def test_contrast_is_that_of_wcag() -> None:
    assert looks.contrast("#ffffff", "#000000") == looks.contrast("#000000", "#ffffff") == 21
    assert looks.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("color", [theme.INK, *theme.PALETTE, theme.FAINT])
def test_text_of_any_colour_of_the_theme_can_be_read_in_both_looks(color: str) -> None:
    written = theme.WRITTEN.get(color, color)
    assert looks.contrast(written, theme.PAGE) >= looks.CONTRAST
    assert looks.contrast(looks.DARK[written.lower()], DARK_PAGE) >= looks.CONTRAST


@pytest.mark.parametrize("color", theme.PALETTE)
def test_a_line_can_be_seen_in_the_dark_and_colours_stay_apart(color: str) -> None:
    dark = [looks.DARK[other.lower()] for other in theme.PALETTE]
    assert len(set(dark)) == len(theme.PALETTE)
    assert looks.contrast(looks.DARK[color.lower()], DARK_PAGE) >= SEEN


@pytest.mark.parametrize("ground", [theme.PAGE, DARK_PAGE])
def test_a_line_of_any_outcome_can_be_seen_in_both_looks(ground: str) -> None:
    """Shades between the stops of a scale have no counterpart, so they serve every look."""
    stops = json.dumps(campaign.SCALE)
    assert looks.darkened(stops) == stops
    places = [place / 200 for place in range(201)]
    shades = sample_colorscale(campaign.SCALE, places, colortype="tuple")
    colors = ["#" + "".join(f"{round(255 * part):02x}" for part in shade) for shade in shades]
    assert min(looks.contrast(color, ground) for color in colors) >= SEEN
    lightness = [looks.contrast(color, "#000000") for color in colors[::20]]
    assert lightness == sorted(set(lightness))
    blue = [shade[2] for shade in shades]  # what the colour-blind of red and green tell apart
    assert blue == sorted(blue, reverse=True)


def test_text_on_a_tint_can_be_read_on_any_page() -> None:
    tints = {*segmentation.COLORS, segmentation.UNKNOWN_COLOR, *masking.TINTS.values()}
    tints |= {hidden_text.RIGHT, hidden_text.WRONG, hidden_text.OPEN}
    for tint in tints:
        assert f"color:{segmentation.INK}" in segmentation.tinted(tint)
        for ink in (segmentation.INK, segmentation.SOFT):
            assert looks.contrast(ink, tint) >= looks.CONTRAST


def test_a_figure_in_the_dark_has_the_same_numbers_and_no_light_colour() -> None:
    drawn = go.Figure(go.Scatter(y=[1, 2], line={"color": theme.BLUE}, fillcolor=theme.FAINT))
    text = theme.finish(drawn, title="T").to_json()
    dark = json.loads(looks.darkened(text))
    assert dark["data"][0]["y"] == [1, 2]
    assert dark["data"][0]["line"]["color"] == looks.DARK[theme.BLUE.lower()]
    assert dark["data"][0]["fillcolor"] == "rgba(163, 168, 177, 0.40)"
    own = dark["layout"]["template"]["layout"]
    assert [own["paper_bgcolor"], own["plot_bgcolor"]] == [DARK_PAGE] * 2
    assert looks.contrast(own["font"]["color"], DARK_PAGE) > 12
    assert looks.darkened('"#0072B21"') == '"#0072B21"'  # no colour, but longer


def test_a_notebook_shows_figures_in_the_look_that_is_chosen() -> None:
    figure = theme.empty("nothing", title="T")
    grounds = {}
    for look in ("dark", "light"):
        theme.use(look)
        shown = pio.renderers[pio.renderers.default].to_mimebundle(figure.to_dict())
        grounds[look] = shown[MIME]["layout"]["template"]["layout"]["paper_bgcolor"]
        told = json.loads(looks.shown(figure.to_json()))["layout"]["template"]["layout"]
        assert told["paper_bgcolor"] == grounds[look]
    assert grounds == {"dark": DARK_PAGE, "light": theme.PAGE}
    assert figure.layout.template.layout.paper_bgcolor == theme.PAGE


def test_the_environment_goes_before_jupyterlabs_theme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERLAB_SETTINGS_DIR", str(tmp_path))
    assert looks.chosen(None) == "light"
    settings = tmp_path / "@jupyterlab/apputils-extension/themes.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text('{\n  // "theme": "JupyterLab Light",\n  "theme": "JupyterLab Dark"\n}')
    assert looks.chosen(None) == "dark"
    monkeypatch.setenv(looks.VARIABLE, "light")
    assert looks.chosen(None) == "light"
    assert looks.chosen("dark") == "dark"


def test_a_theme_that_follows_the_system_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JUPYTERLAB_SETTINGS_DIR", raising=False)
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    settings = tmp_path / "lab/user-settings/@jupyterlab/apputils-extension"
    settings.mkdir(parents=True)
    path = settings / "themes.jupyterlab-settings"
    path.write_text('{"theme": "JupyterLab Dark High Contrast"}')
    assert looks.chosen(None) == "dark"
    path.write_text('{"theme": "JupyterLab Dark", "adaptive-theme": true}')
    assert looks.chosen(None) == "light"


def test_another_look_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="look must be light or dark, got 'dim'"):
        theme.use("dim")
    monkeypatch.setitem(os.environ, looks.VARIABLE, "black")
    with pytest.raises(UserError, match="XLMR_LAB_LOOK must be light or dark, got 'black'"):
        theme.use()
