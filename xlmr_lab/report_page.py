"""Executed notebooks as one self-contained HTML page: pure functions from notebook nodes to text.

What is said above the contents is not said again below. Code folds away; cells that show nothing
stand in one fold with the next that does. plotly.js is embedded once and draws every figure; page
and figures are light or dark as the reader's system is, or by a button. Markdown is rendered by
mistune; headings move down one level below the report's title, links between notebooks become links
within the page. Standard error is dropped, errors are shown. Nothing in the page refers to another
host. Left out: MathJax (formulas are plain HTML) and widgets.
"""

import html
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import mistune
from plotly.offline import get_plotlyjs

from xlmr_lab.figures.looks import DARK
from xlmr_lab.report_style import SCRIPT, STYLE

PLOTLY = "application/vnd.plotly.v1+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
PROVENANCE = "## Provenance"
"""How the last part of a notebook begins, which the page folds."""
NOTE = (
    "In JupyterLab an interactive explorer stands here: run <code>./lab notebook</code> and open "
    "<code>{name}.ipynb</code>."
)
HEAD = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<style>{style}</style></head>"""
TICKS, CODE = re.compile(r"`([^`]+)`"), r"<code>\1</code>"
TAGS = re.compile(r"<[^>]*>")
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
SCRIPTS = re.compile(r"<(script|link|iframe)\b.*?(</\1>|/?>)", re.DOTALL | re.IGNORECASE)

Node = Mapping[str, Any]


class Markdown(mistune.HTMLRenderer):
    """Markdown to HTML for one notebook: anchors, links within the report, no foreign images."""

    def __init__(
        self, anchor: str, anchors: Sequence[str], said: str = "", *, label: str = ""
    ) -> None:
        super().__init__(escape=False)
        self.anchor = anchor
        self.anchors = anchors
        self.said = said
        """Markdown that the page shows already."""
        self.label = label
        """What is added to the title."""
        self.headings: list[tuple[int, str, str]] = []
        """Level, id and text of the headings met so far."""

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        """Render a heading one level down, with an id."""
        name = self.anchor if not self.headings else f"{self.anchor}-{len(self.headings)}"
        if self.label and not self.headings:
            text = f"{text} ({html.escape(self.label)})"
        self.headings.append((level, name, text))
        return f'<h{level + 1} id="{name}" dir="auto">{text}</h{level + 1}>\n'

    def paragraph(self, text: str) -> str:
        """Render a paragraph in the direction of its own text."""
        return f'<p dir="auto">{text}</p>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """Render a link; to a notebook of this report, it leads to its section."""
        stem = url.rsplit("/", 1)[-1].removesuffix(".ipynb")
        return super().link(text, f"#{stem}" if stem in self.anchors else url, title)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Render an image that is in the page, and another as a link."""
        return super().image(text, url, title) if url.startswith("data:") else self.link(text, url)

    def table(self, text: str) -> str:
        """Render a table, which scrolls by itself where it is wider than the page."""
        return f'<div class="output"><table>\n{text}</table></div>\n'


def page(
    notebooks: Sequence[tuple[str, Node]],
    *,
    title: str,
    summary: str,
    provenance: Mapping[str, Any],
    findings: Sequence[Node] = (),
    effects: str = "effect [95 %]",
    labels: Mapping[str, str] | None = None,
) -> str:
    """Return the page of notebooks given by name and node, in order.

    `findings` have claim, effect, verdict and details, as text, details with a line for each
    paragraph; `effects` is what their effects are called. `labels` stand behind the titles of
    notebooks, by name.
    """
    names = [name for name, _ in notebooks]
    contents, sections = [], []
    for name, node in notebooks:
        renderer = Markdown(name, names, summary, label=(labels or {}).get(name, ""))
        sections.append(_section(node, renderer))
        contents += renderer.headings
    heading = html.escape(title)
    return "\n".join(
        [
            HEAD.format(title=heading, style=STYLE),
            "<body>",
            '<button id="look" type="button">Dark page</button>',
            f'<header><h1 dir="auto">{heading}</h1>',
            _markdown(Markdown("summary", names), summary),
            _findings(findings, effects),
            "</header>",
            _contents(contents),
            "<main>",
            *sections,
            "</main>",
            _provenance(provenance),
            f"<script>{get_plotlyjs()}</script>",
            f'<script type="application/json" id="dark">{json.dumps(DARK)}</script>',
            f"<script>{SCRIPT}</script>",
            "</body></html>\n",
        ]
    )


def _section(node: Node, renderer: Markdown) -> str:
    parts, folded, waiting = ["<section>"], False, list[Node]()
    for cell in node["cells"]:
        shown = []
        if cell["source"].startswith(PROVENANCE):
            folded = True
            shown = ["<details class='provenance'><summary>Provenance</summary>"]
        elif cell["cell_type"] == "markdown":
            shown = [_markdown(renderer, cell["source"])]
        elif cell["cell_type"] == "code" and cell["source"].strip():
            waiting.append(cell)
            shown = [_output(output, renderer) for output in cell.get("outputs", [])]
        if any(shown):
            parts += [_code(waiting), *shown]
            waiting = []
    parts += [_code(waiting), "</details></section>" if folded else "</section>"]
    return "\n".join(filter(None, parts))


def _code(cells: Sequence[Node]) -> str:
    """Return the source of consecutive cells in one fold."""
    if not cells:
        return ""
    tags = {tag for cell in cells for tag in cell.get("metadata", {}).get("tags", [])}
    label = "Parameters and code" if tags & {"parameters", "injected-parameters"} else "Code"
    source = html.escape("\n\n".join(cell["source"] for cell in cells))
    return f"<details><summary>{label}</summary><pre><code>{source}</code></pre></details>"


def _findings(rows: Sequence[Node], effects: str) -> str:
    """Return findings as a table of claim, effect and verdict, the details folded below the
    claim.
    """
    if not rows:
        return ""
    lines = []
    for row in rows:
        text = {name: html.escape(str(value)) for name, value in row.items()}
        kind = text["verdict"].partition(",")[0]
        details = TICKS.sub(CODE, text["details"]).split("\n")
        told = "".join(f"<p dir='auto'>{line}</p>" for line in details)
        lines.append(
            f"<tr><td dir='auto'>{text['claim']}<details><summary>Details</summary>"
            f"{told}</details></td>"
            f"<td class='effect'>{text['effect']}</td>"
            f"<td><span class='verdict {kind}'>{text['verdict']}</span></td></tr>"
        )
    head = "".join(f"<th scope='col'>{x}</th>" for x in ("claim", effects, "verdict"))
    body = "\n".join(lines)
    return (
        f"<div class='output'><table class='findings'><thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def _output(output: Node, renderer: Markdown) -> str:
    kind = output["output_type"]
    if kind == "stream":
        return "" if output["name"] == "stderr" else _plain(output["text"])
    if kind == "error":
        trace = "\n".join(output["traceback"]) or f"{output['ename']}: {output['evalue']}"
        return f'<pre class="error" role="alert">{html.escape(ANSI.sub("", trace))}</pre>'
    return _data(output["data"], renderer)


def _data(data: Node, renderer: Markdown) -> str:
    """Return the richest form of an output that a page without a kernel can show."""
    if PLOTLY in data:
        return _figure(data[PLOTLY])
    if WIDGET in data:
        return f'<p class="note">{NOTE.format(name=html.escape(renderer.anchor))}</p>'
    if "text/html" in data:
        return f'<div class="output">{SCRIPTS.sub("", data["text/html"])}</div>'
    if "text/markdown" in data:
        parts = data["text/markdown"].split("\n\n")
        return _markdown(renderer, "\n\n".join(x for x in parts if x not in renderer.said))
    if "image/png" in data:
        source = data["image/png"].replace("\n", "")
        return f'<img alt="" src="data:image/png;base64,{source}">'
    return _plain(data.get("text/plain", ""))


def _figure(figure: Node) -> str:
    layout = figure.get("layout", {})
    text = TAGS.sub(" ", layout.get("title", {}).get("text", "figure"))
    height = int(layout.get("height", 400))
    drawn = json.dumps({"data": figure["data"], "layout": layout}, ensure_ascii=False)
    drawn = drawn.replace("</", r"<\/")
    label = html.escape(text)
    return (
        f'<div class="figure" role="img" aria-label="{label}" style="height:{height}px">'
        f'<script type="application/json">{drawn}</script></div>'
    )


def _contents(headings: Sequence[tuple[int, str, str]]) -> str:
    items: list[list[str]] = []
    for level, name, text in headings:
        link = f'<a href="#{name}">{text}</a>'
        if level == 1 or not items:
            items.append([link])
        elif level == 2:
            items[-1].append(f"<li>{link}</li>")
    groups = [f"<li>{first}<ul>{''.join(rest)}</ul></li>" for first, *rest in items]
    return f'<nav aria-label="Contents"><h2>Contents</h2><ul>{"".join(groups)}</ul></nav>'


def _provenance(values: Mapping[str, Any]) -> str:
    if not values:
        return ""
    rows = "\n".join(
        f'<tr><th scope="row">{html.escape(name)}</th>'
        f'<td dir="auto">{html.escape(str(value))}</td></tr>'
        for name, value in _flat(values, "")
    )
    return f'<footer><h2 id="provenance">Provenance</h2><table>{rows}</table></footer>'


def _flat(values: Mapping[str, Any], prefix: str) -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for name, value in values.items():
        inner = _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else None
        flat += inner if inner is not None else [(prefix + name, value)]
    return flat


def _markdown(renderer: Markdown, text: str) -> str:
    return str(mistune.create_markdown(renderer=renderer, plugins=["table"])(text))


def _plain(text: str) -> str:
    return f'<pre dir="auto">{html.escape(ANSI.sub("", text))}</pre>' if text.strip() else ""
