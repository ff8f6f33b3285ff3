"""What a source is by the way it is written, before anything is read."""

from __future__ import annotations

import os
import re
from pathlib import Path

PYTHON_SUFFIXES = (".py", ".ipynb")
"""Suffixes of files whose code is run."""

_ADDRESS = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]+::)*([A-Za-z][A-Za-z0-9+.-]+)://")
"""``scheme://`` at the beginning, after the names that fsspec puts before it. One letter is a drive of Windows."""

REFERENCE = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?::([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*))?")
"""``package.module:attribute``; the attribute may be left out."""


def is_python(source: object) -> bool:
    """Whether a source is Python code: a file, a notebook, or ``package.module:attribute``."""
    if not isinstance(source, (str, Path)) or not str(source):
        return False
    text = str(source)
    if scheme_of(text):
        return False
    return Path(text).suffix in PYTHON_SUFFIXES or (":" in text and REFERENCE.fullmatch(text) is not None)


def may_be_python(source: object) -> bool:
    """Whether a source is Python code, or is written as a module, ``package.module``, and no file has that name."""
    return is_python(source) or (
        REFERENCE.fullmatch(text := str(source)) is not None and "." in text and not os.path.exists(text)
    )


def scheme_of(source: object) -> str:
    """The scheme of an address, ``http`` for ``http://localhost:6006/``; empty for a path and for all else.

    A `Path` is never an address: it has ``/`` where the text had ``//``.
    """
    found = _ADDRESS.match(source) if isinstance(source, str) else None
    return found[1].lower() if found else ""


def path_or_address(source: str | Path) -> Path | str:
    """A source as it is opened: an address stays a text, and everything else is a path."""
    return str(source) if scheme_of(source) else Path(source)
