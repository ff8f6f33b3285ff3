"""MkDocs' hook: adds the generated pages to the documentation and to its menu."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page as SitePage

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from docs.generate import architecture, commands, contracts, project, rules, schemas  # noqa: E402 - they are found from here on
from docs.generate.page import Page  # noqa: E402

_CONTRACT = re.compile(r"<!-- contract: ([\w-]+) -->")
_CONTRACTS = "<!-- contracts -->"


@cache
def _chapters() -> Mapping[str, Sequence[Page]]:
    """The generated pages, by what stands for them in the menu."""
    return {
        "rules/*": list(rules.pages()),
        "commands/*": list(commands.pages()),
        "schemas/*": list(schemas.pages()),
        "": [*project.pages(), *architecture.pages()],
    }


def on_config(config: MkDocsConfig) -> None:
    """Name the generated pages in the menu."""
    config.nav = _filled(config.nav)


def on_files(files: Files, /, *, config: MkDocsConfig) -> None:
    """Add the generated pages."""
    for chapter in _chapters().values():
        for page in chapter:
            files.append(File.generated(config, page.path, content=page.content))


def on_page_markdown(markdown: str, /, *, page: SitePage, config: MkDocsConfig, files: Files) -> str:
    """Put what the program says in the place of comments that name it."""
    return _CONTRACT.sub(lambda found: contracts.described(found[1]), markdown).replace(_CONTRACTS, _all_contracts())


def _all_contracts() -> str:
    rows = [f"| [`{type_}`]({type_}.md) | {summary} |" for type_, summary in contracts.summaries()]
    return "\n".join(["| type | what it demands |\n|---|---|", *rows])


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
