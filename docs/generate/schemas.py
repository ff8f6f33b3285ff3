"""The JSON Schemas of what graphdiag writes."""

from __future__ import annotations

import json
from collections.abc import Iterator

from docs.generate.page import Page, cell
from graphdiag.results.schemas import names, schema


def pages() -> Iterator[Page]:
    """A page that lists them, and the schemas themselves as files."""
    rows = []
    for name in names():
        written = json.loads(schema(name))
        rows.append(f"| [`{name}`]({name}.schema.json) | {cell(written.get('title', ''))} |")
        yield Page(f"schemas/{name}.schema.json", schema(name))
    head = "# JSON Schemas\n\n`graphdiag schema NAME` prints these.\n\n| schema | document |\n|---|---|\n"
    yield Page("schemas/index.md", head + "\n".join(rows) + "\n", "JSON Schemas")
