"""A generated page."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Page:
    """A page, or a file that a page shows.

    Attributes:
        path: Where it stands in the documentation, as ``rules/GD101.md``.
        content: Markdown, or what the file holds.
        title: What the menu calls it; empty for what is in no menu.
    """

    path: str
    content: str
    title: str = ""


def cell(text: str) -> str:
    """Text as the cell of a table in Markdown."""
    return " ".join(text.split()).replace("|", "&#124;")


def code_cell(text: str) -> str:
    """Code as the cell of a table; Markdown's own quotes would show an escaped bar as two characters."""
    return f"<code>{cell(escape(text, quote=False))}</code>"
