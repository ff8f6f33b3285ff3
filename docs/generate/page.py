"""A generated page."""

from __future__ import annotations

from dataclasses import dataclass


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
    return " ".join(text.split()).replace("|", "\\|")
