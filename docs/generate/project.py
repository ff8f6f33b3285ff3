"""Pages about the project that are files of the repository's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from docs.generate.page import Page

_ROOT = Path(__file__).resolve().parents[2]
_FILES = {
    "changelog.md": "CHANGELOG.md",
    "contributing.md": ".github/CONTRIBUTING.md",
    "security.md": ".github/SECURITY.md",
}


def pages() -> Iterator[Page]:
    """Each of these files as a page."""
    for path, file in _FILES.items():
        yield Page(path, (_ROOT / file).read_text(encoding="utf-8"))
