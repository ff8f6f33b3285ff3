"""What a source is by the way it is written, before anything is read."""

from __future__ import annotations

import re
from pathlib import Path

PYTHON_SUFFIXES = (".py", ".ipynb")
"""Suffixes of files whose code is run."""

REFERENCE = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?::([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*))?")
"""``package.module:attribute``; the attribute may be left out."""


def is_python(source: object) -> bool:
    """Whether a source is Python code: a file, a notebook, or ``package.module:attribute``."""
    if not isinstance(source, (str, Path)) or not str(source):
        return False
    text = str(source)
    return Path(text).suffix in PYTHON_SUFFIXES or (":" in text and REFERENCE.fullmatch(text) is not None)
