"""What a kind of contract demands and its options, from its docstring."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

from docs.generate.page import cell
from graphdiag.checking.contracts.registry import KINDS

_KINDS = {kind.type: kind for kind in KINDS}
_HEADING = re.compile(r"^([A-Z][\w ]+):$")
_ENTRY = re.compile(r"^ {4}(\S+): +(.*)$")


def described(type_: str) -> str:
    """A kind's docstring in Markdown.

    Args:
        type_: The word for it in a configuration, as ``independence``.

    Raises:
        KeyError: There is no such kind.
    """
    lines = inspect.cleandoc(_KINDS[type_].__doc__ or "").splitlines()
    return "\n".join(_described(lines)).replace("``", "`")


def summaries() -> Iterator[tuple[str, str]]:
    """Each kind and the first sentence on it."""
    for type_, kind in _KINDS.items():
        yield type_, inspect.cleandoc(kind.__doc__ or "").splitlines()[0].replace("``", "`")


def _described(lines: list[str]) -> Iterator[str]:
    rows: dict[str, str] = {}
    key = ""
    for line in lines:
        heading, entry = _HEADING.match(line), _ENTRY.match(line)
        if heading:
            yield from _table(rows)
            rows = {}
            title = heading[1]
            yield f"## {title}\n\n| {'option' if title == 'Options' else 'word'} | meaning |\n|---|---|"
        elif entry:
            key = entry[1]
            rows[key] = entry[2]
        elif rows and line.startswith("     "):
            rows[key] += f" {line.strip()}"
        else:
            yield from _table(rows)
            rows = {}
            yield line
    yield from _table(rows)


def _table(rows: dict[str, str]) -> Iterator[str]:
    yield from (f"| `{key}` | {cell(text)} |" for key, text in rows.items())
