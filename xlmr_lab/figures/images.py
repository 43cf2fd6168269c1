"""Figures as SVG and PNG, drawn by kaleido in a Chromium of this machine, without a network.

Both are an extra: `pip install 'xlmr-lab[export]'` and any Chrome or Chromium. All images of a call
come from one browser. It runs in a thread of its own, as a notebook's thread has a loop already.
"""

import asyncio
import struct
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal
from xml.sax.saxutils import escape

import plotly.graph_objects as go

from xlmr_lab.errors import UserError

Kind = Literal["svg", "png"]
WIDTH = 1000
"""Pixels of an image; its height is the figure's own."""
SCALE = {"svg": 1, "png": 2}
"""Pixels of a file for one of the figure's."""
NEEDS = (
    "svg and png need kaleido (pip install 'xlmr-lab[export]') and a Chrome or Chromium on this "
    "machine; html and csv need neither"
)
HEADER_BYTES = 33
"""Signature and first chunk of a PNG."""


def images(jobs: Sequence[tuple[go.Figure, Kind]]) -> list[bytes]:
    """Return each figure as an image of its kind.

    Raises:
        UserError: kaleido or a browser is missing, or the browser does not start.
    """
    if not jobs:
        return []
    try:
        import kaleido
    except ImportError:
        raise UserError(f"kaleido is not installed: {NEEDS}") from None
    try:
        with ThreadPoolExecutor(1) as thread:
            return list(thread.submit(asyncio.run, _drawn(kaleido, jobs)).result())
    except RuntimeError as error:  # no browser, or one that does not start
        said = str(error).strip().partition("\n")[0] or type(error).__name__
        raise UserError(f"no browser to draw with ({said}): {NEEDS}") from None


def tagged_svg(image: bytes, about: Mapping[str, str]) -> bytes:
    """Return an SVG with what is said of it as its metadata.

    >>> tagged_svg(b"<svg width='1'><g/></svg>", {"call": "f(a < b)"})
    b"<svg width='1'><metadata>call: f(a &lt; b)</metadata><g/></svg>"
    """
    told = escape("\n".join(f"{name}: {value}" for name, value in about.items()))
    end = image.index(b">", image.index(b"<svg")) + 1
    return image[:end] + f"<metadata>{told}</metadata>".encode() + image[end:]


def tagged_png(image: bytes, about: Mapping[str, str]) -> bytes:
    """Return a PNG with what is said of it in chunks of text (iTXt), one for each name."""
    chunks = b"".join(_chunk(name, value) for name, value in about.items())
    return image[:HEADER_BYTES] + chunks + image[HEADER_BYTES:]


async def _drawn(kaleido: Any, jobs: Sequence[tuple[go.Figure, Kind]]) -> list[bytes]:
    async with kaleido.Kaleido(mathjax=False) as browser:
        return [
            await browser.calc_fig(figure, opts=_options(figure, kind)) for figure, kind in jobs
        ]


def _options(figure: go.Figure, kind: Kind) -> dict[str, Any]:
    size = {"width": WIDTH, "height": int(figure.layout.height or 400)}
    return {"format": kind, "scale": SCALE[kind], **size}


def _chunk(name: str, value: str) -> bytes:
    """Return a PNG chunk of uncompressed international text: keyword, flags, no language, text."""
    content = b"iTXt" + name.encode("latin-1") + bytes(5) + value.encode("utf-8")
    return struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
