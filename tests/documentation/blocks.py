"""The fenced blocks of a page in Markdown.

A page is a session in a directory of its own, from top to bottom:

- a block of any language with ``title="name"`` is a file, written before what comes after it;
- ``console`` is run line by line in bash; what stands below a ``$`` line is what it must print, ``...`` for any text;
- ``pycon`` is a doctest, and ``python`` is executed; the names of a page are shared;
- a comment ``<!-- run: COMMAND -->`` is run without being shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

NOT_RUN = {
    "text": "what cannot be run, such as a pattern of JSON",
    "shell": "what would install, serve, or take a whole test run",
    "toml": "a piece of a configuration; it is parsed",
    "yaml": "what a CI service reads; it is parsed",
    "json": "a piece of a document; it is parsed",
}
"""Languages of blocks that are not run, and why not; with a title they are files like any other."""

RUN = ("console", "pycon", "python")

_TITLE = re.compile(r'title="([^"]+)"')
_HIDDEN = re.compile(r"<!-- run: (.*?) -->")
_PARSER = MarkdownIt("commonmark")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        language: The first word after the fence.
        title: The name of the file that it is; empty if it is none.
        text: What stands in it.
        line: Of the page, on which it begins; from 1.
    """

    language: str
    title: str
    text: str
    line: int


def blocks_of(page: Path) -> Iterator[Block]:
    """The blocks of a page, in order; a hidden command is one of the language ``hidden``."""
    for token in _PARSER.parse(page.read_text(encoding="utf-8")):
        assert token.map is not None or token.type not in ("fence", "html_block")
        if token.type == "fence":
            language, _, rest = token.info.strip().partition(" ")
            title = _TITLE.search(rest)
            yield Block(language, title[1] if title else "", token.content, token.map[0] + 1)
        elif token.type == "html_block":
            for found in _HIDDEN.finditer(token.content):
                yield Block("hidden", "", found[1], token.map[0] + 1)


@dataclass(frozen=True)
class Command:
    """A command of a console block, and what it must print."""

    line: str
    output: str


def commands_of(text: str) -> list[Command]:
    """The commands of a console block; a line that ends in a backslash goes on in the next."""
    commands: list[Command] = []
    typed: list[str] = []
    output: list[str] = []
    goes_on = False
    for line in text.splitlines():
        if line.startswith("$ ") and not goes_on:
            if typed:
                commands.append(Command("\n".join(typed), "\n".join(output)))
            typed, output = [line.removeprefix("$ ")], []
            goes_on = line.endswith("\\")
        elif goes_on:
            typed.append(line)
            goes_on = line.endswith("\\")
        else:
            assert typed, f"output before any command: {line}"
            output.append(line)
    return [*commands, Command("\n".join(typed), "\n".join(output))]
