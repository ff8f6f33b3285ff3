"""Names as texts of the DOT language: whatever a name holds, it is shown as it is and does nothing."""

from __future__ import annotations

WIDTH_OF_NAMES = 40


def quoted(text: str) -> str:
    """A text as a DOT string that shows exactly this text.

    Backslashes begin escapes in DOT, and ``&`` begins an HTML entity in every label and tooltip.
    """
    escaped = text.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\r", "\\r").replace("\n", "\\n") + '"'


def shortened(text: str, width: int = WIDTH_OF_NAMES) -> str:
    """A text cut to ``width`` characters, with an ellipsis in the middle: names differ at their ends."""
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"
