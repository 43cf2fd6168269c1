"""The look of the report page and its drawing: one style sheet, one script, no fonts to fetch."""

STYLE = """
:root { --ink: #1f2933; --soft: #5b6672; --page: #ffffff; --panel: #f5f6f8; --line: #d9dde2;
  --link: #00588a; --bad: #a33c00; --good: #00684c; color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e6ea; --soft: #a2abb5; --page: #15181c;
  --panel: #1f2429; --line: #38404a; --link: #79bdf0; --bad: #ff9a62;
  --good: #5fd3ac; } }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body { font: 16px/1.6 "Noto Sans", system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans CJK SC",
  sans-serif; color: var(--ink); background: var(--page); max-width: 1000px; margin: 0 auto;
  padding: 2rem 1.5rem 4rem; overflow-wrap: anywhere; }
h1, h2, h3, h4 { line-height: 1.25; }
h1 { font-size: 2rem; margin: 0 0 .75rem; }
h2 { font-size: 1.55rem; margin: 0 0 .75rem; }
h3 { font-size: 1.2rem; margin: 2.2rem 0 .5rem; }
p, li { max-width: 46rem; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
header { border-bottom: 1px solid var(--line); padding-bottom: 1rem; }
nav { background: var(--panel); border-radius: 8px; padding: 1rem 1.4rem; margin: 1.5rem 0 0; }
nav h2 { font-size: 1.1rem; margin: 0 0 .4rem; }
nav ul { list-style: none; padding: 0; margin: 0; columns: 2; column-gap: 2.5rem; }
nav li { line-height: 1.45; font-weight: 600; break-inside: avoid; padding-bottom: .5rem; }
nav li li { font-weight: 400; font-size: .93rem; padding: 0 0 0 1rem; }
nav li ul { columns: 1; }
nav a:not(:hover) { text-decoration: none; }
section { border-top: 1px solid var(--line); margin-top: 3.5rem; padding-top: 2rem; }
code, pre { font-family: "Noto Sans Mono", ui-monospace, Menlo, Consolas, monospace;
  font-size: .87em; }
pre { background: var(--panel); border-radius: 6px; padding: .7rem 1rem; overflow-x: auto; }
details { margin: .9rem 0 .4rem; color: var(--soft); }
details + details { margin-top: -.2rem; }
.provenance { margin-top: 2rem; }
summary { cursor: pointer; font-size: .82rem; width: max-content; }
details pre { color: var(--ink); margin: .4rem 0; }
.error { border-left: 4px solid var(--bad); color: var(--bad); white-space: pre-wrap; }
.note { border-left: 4px solid var(--line); padding-left: .8rem; color: var(--soft);
  font-size: .9rem; }
.figure { width: 100%; margin: .3rem 0 1rem; }
.output, .lab-table { overflow-x: auto; }
img { max-width: 100%; }
table { border-collapse: collapse; font-size: .85rem; line-height: 1.4; margin: .6rem 0 1rem;
  font-variant-numeric: tabular-nums; }
caption { text-align: start; color: var(--soft); padding-bottom: .4rem; }
th, td { padding: .32rem .7rem; border-bottom: 1px solid var(--line); vertical-align: top; }
.output th, .output td { overflow-wrap: break-word; }
.output td code, .verdict { white-space: nowrap; }
.findings { width: 100%; }
.findings details { margin: .15rem 0 0; }
.findings details p { margin: .3rem 0; }
.verdict { border: 1px solid; border-radius: 1em; padding: .1rem .6rem; color: var(--soft); }
.supported { color: var(--good); }
.contradicted { color: var(--bad); }
th { font-weight: 600; text-align: start; }
thead th { border-bottom: 2px solid var(--line); vertical-align: bottom; }
footer { border-top: 1px solid var(--line); margin-top: 3.5rem; padding-top: 1.5rem; }
footer table { font-size: .78rem; }
footer th { white-space: nowrap; color: var(--soft); font-weight: 400; }
@media (max-width: 640px) { nav ul { columns: 1; } body { padding: 1rem; }
  .verdict { white-space: normal; border: none; padding: 0; } th, td { padding: .32rem .4rem; } }
@media print { nav, summary { display: none; } section { break-before: page; } }
"""

SCRIPT = """
const dark = window.matchMedia("(prefers-color-scheme: dark)");
function coloured(layout) {
  const style = getComputedStyle(document.documentElement), ink = style.getPropertyValue("--ink");
  const soft = style.getPropertyValue("--soft");
  const bar = { bgcolor: "rgba(0,0,0,0)", color: soft, activecolor: ink };
  const base = { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)" };
  const font = Object.assign({}, (layout.template?.layout || {}).font, layout.font, { color: ink });
  const hover = { bgcolor: style.getPropertyValue("--panel"), font: { color: ink } };
  return Object.assign({}, layout, base, { font: font, hoverlabel: hover, modebar: bar,
    width: undefined });
}
function draw(box) {
  const figure = JSON.parse(box.querySelector("script").textContent);
  const settings = { responsive: true, displaylogo: false,
    toImageButtonOptions: { format: "svg" }, modeBarButtonsToRemove: ["select2d", "lasso2d"] };
  const plot = document.createElement("div");
  plot.style.height = "100%";
  box.appendChild(plot);
  Plotly.newPlot(plot, figure.data, coloured(figure.layout), settings);
  dark.addEventListener("change", () => Plotly.react(plot, figure.data, coloured(figure.layout)));
}
document.querySelectorAll(".figure").forEach(draw);
document.documentElement.dataset.drawn = "all";
"""
