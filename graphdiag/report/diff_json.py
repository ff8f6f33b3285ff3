"""What changed, as JSON in the schema ``graphdiag.diff/1``: one change a line."""

from __future__ import annotations

from graphdiag.diff.differ import Diff
from graphdiag.diff.json_text import one_item_a_line
from graphdiag.report.look import Look


def to_json(diff: Diff, _: Look | None = None) -> str:
    """The changes as text; the same diff gives the same text."""
    return one_item_a_line(diff.to_dict(), ["changes"])
