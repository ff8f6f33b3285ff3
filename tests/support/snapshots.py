"""Texts that are stored, and compared with what is written now.

After a change that was meant: ``REWRITE_SNAPSHOTS=1 pytest tests/render/test_snapshots.py``, and look at the
difference before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path


def check_snapshot(stored: Path, text: str) -> None:
    """Fails when a text is not the stored one; stores it instead when REWRITE_SNAPSHOTS is set."""
    if os.environ.get("REWRITE_SNAPSHOTS"):
        stored.parent.mkdir(parents=True, exist_ok=True)
        stored.write_text(text, encoding="utf-8", newline="\n")
    assert text == stored.read_bytes().decode("utf-8")
