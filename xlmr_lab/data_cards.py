"""The data cards of a copy of the repository: what each corpus and task is, its splits, licence and
faults, in the form of the Hugging Face hub.
"""

from pathlib import Path

from xlmr_lab.errors import UserError

FOLDER = Path(__file__).parents[1] / "data_cards"


def names() -> list[str]:
    """Return the names of the cards."""
    return sorted(path.stem for path in FOLDER.glob("*.md"))


def read(name: str) -> str:
    """Return a card: metadata in YAML between two lines `---`, then Markdown.

    Raises:
        UserError: there is none of this name.
    """
    if name not in (known := names()):
        where = ", ".join(known) or "none: the package was installed without them"
        raise UserError(f"there is no data card {name!r}; there are {where}")
    return (FOLDER / f"{name}.md").read_text("utf-8")
