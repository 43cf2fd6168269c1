"""Keys that are pressed in an explorer's controls are the controls' own.

JupyterLab takes a plain key for one of its shortcuts unless it is pressed in a text box: an arrow
in a list goes to the next cell, a letter may insert or cut one. It leaves alone an element that
says so, which a control does here, but for keys with Ctrl, Alt or Cmd, so that saving still works.
Where there is no JupyterLab, as in the app, nothing is lost.
"""

import anywidget

MARK = "lab-own-keys"
"""Class of what keeps its keys."""
SCRIPT = """
function keep(event) {
  if (!event.target.closest?.(".MARK")) return;
  const isPlain = !event.ctrlKey && !event.altKey && !event.metaKey;
  event.target.toggleAttribute("data-lm-suppress-shortcuts", isPlain);
}
export default {
  render() {
    if (window.xlmrLabOwnKeys) return;
    window.xlmrLabOwnKeys = true;
    window.addEventListener("keydown", keep, true);
  },
};
"""


class OwnKeys(anywidget.AnyWidget):
    """Shows nothing; where it stands in a page, what has the class `MARK` keeps its keys."""

    _esm = SCRIPT.replace("MARK", MARK)
