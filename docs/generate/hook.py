"""MkDocs' hook: adds the generated pages to the documentation and to its menu."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from docs.generate import commands, project, rules, schemas  # noqa: E402 - they are found from here on
from docs.generate.page import Page  # noqa: E402


@cache
def _chapters() -> Mapping[str, Sequence[Page]]:
    """The generated pages, by what stands for them in the menu."""
    return {
        "rules/*": list(rules.pages()),
        "commands/*": list(commands.pages()),
        "schemas/*": list(schemas.pages()),
        "": list(project.pages()),
    }


def on_config(config: MkDocsConfig) -> None:
    """Name the generated pages in the menu."""
    config.nav = _filled(config.nav)


def on_files(files: Files, /, *, config: MkDocsConfig) -> None:
    """Add the generated pages."""
    for chapter in _chapters().values():
        for page in chapter:
            files.append(File.generated(config, page.path, content=page.content))


def _filled(nav: Any) -> Any:
    if isinstance(nav, list):
        return [_filled(item) for item in nav]
    if isinstance(nav, dict):
        return {title: _filled(item) for title, item in nav.items()}
    if nav not in _chapters():
        return nav
    # A page without a title is the chapter's own: see the theme's navigation.indexes.
    named = [page for page in _chapters()[nav] if page.title]
    return [page.path if page.path.endswith("/index.md") else {page.title: page.path} for page in named]
