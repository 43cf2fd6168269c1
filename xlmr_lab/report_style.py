"""The look of the report page and its drawing: one style sheet, one script, no fonts to fetch."""

STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#1f2933, #e3e6ea);
  --soft: light-dark(#5b6672, #a2abb5); --page: light-dark(#ffffff, #111111);
  --panel: light-dark(#f5f6f8, #1f2429); --line: light-dark(#d9dde2, #38404a);
  --link: light-dark(#00588a, #79bdf0); --bad: light-dark(#a33c00, #ff9a62);
  --good: light-dark(#00684c, #5fd3ac); }
:root[data-look=light] { color-scheme: light; }
:root[data-look=dark] { color-scheme: dark; }
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
#look { float: right; font: inherit; font-size: .82rem; color: var(--ink); cursor: pointer;
  background: var(--panel); border: 1px solid var(--line); border-radius: 1em;
  padding: .2rem .8rem; margin: 0 0 .5rem 1rem; }
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
.figure { width: 100%; margin: .3rem 0 1rem; overflow: auto hidden; }
.figure > div { min-width: 600px; }
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
@media print { nav, summary, #look { display: none; } section { break-before: page; }
  :root { color-scheme: light !important; } }
"""

SCRIPT = """
const root = document.documentElement, look = document.getElementById("look");
const system = window.matchMedia("(prefers-color-scheme: dark)");
const dark = JSON.parse(document.getElementById("dark").textContent);
const touched = window.matchMedia("(pointer: coarse)"), plots = [];
let printing = false;
function isDark() {
  return !printing && (root.dataset.look ? root.dataset.look === "dark" : system.matches);
}
function darkened(text) {
  const byte = part => Number(part).toString(16).padStart(2, "0");
  const parts = hex => [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16)).join(", ");
  return text.replace(/#[0-9a-f]{6}\\b/gi, color => dark[color.toLowerCase()] || color)
    .replace(/(rgba\\()(\\d+, \\d+, \\d+)/g, (whole, start, rgb) => {
      const found = dark["#" + rgb.split(", ").map(byte).join("")];
      return found ? start + parts(found) : whole;
    });
}
function figure(text) {
  const drawn = JSON.parse(isDark() ? darkened(text) : text);
  drawn.layout.width = undefined;
  if (touched.matches) drawn.layout.dragmode = false;
  return drawn;
}
function draw(box) {
  const text = box.querySelector("script").textContent, shown = figure(text);
  const settings = { responsive: true, displaylogo: false,
    toImageButtonOptions: { format: "svg" }, modeBarButtonsToRemove: ["select2d", "lasso2d"] };
  const plot = document.createElement("div");
  plot.style.height = "100%";
  box.appendChild(plot);
  Plotly.newPlot(plot, shown.data, shown.layout, settings);
  plots.push(() => { const now = figure(text); Plotly.react(plot, now.data, now.layout); });
}
function named() {
  return isDark() ? "Light page" : "Dark page";
}
function dress() {
  look.textContent = named();
  plots.forEach(redraw => redraw());
}
function print(now) {
  printing = now;
  dress();
}
look.addEventListener("click", () => {
  root.dataset.look = isDark() ? "light" : "dark";
  dress();
});
system.addEventListener("change", dress);
window.addEventListener("beforeprint", () => print(true));
window.addEventListener("afterprint", () => print(false));
document.querySelectorAll(".figure").forEach(draw);
look.textContent = named();
root.dataset.drawn = "all";
"""
