"""Reads a page as strictly as Python can."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

VOID = {"meta", "input", "link", "br", "img"}


class Reader(HTMLParser):
    """Reads a page strictly: tags must nest. Keeps the text by the innermost tag, and each tag with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def models_of(page: str) -> list[dict[str, Any]]:
    """The data of a page's models, as its script reads it."""
    [text] = [text for text in read(page).texts["script"] if text.startswith('{"statuses"')]
    models: list[dict[str, Any]] = json.loads(text)["models"]
    return models
