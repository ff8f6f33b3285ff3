"""What changed, as JSON in the schema ``graphdiag.diff/1``: one change a line."""

from __future__ import annotations

from graphdiag.modeldiff.differ import Diff
from graphdiag.modeldiff.json_text import one_item_a_line
from graphdiag.picture_style import PictureStyle


def to_json(diff: Diff, _: PictureStyle | None = None) -> str:
    """The changes as text; the same diff gives the same text."""
    return one_item_a_line(diff.to_dict(), ["changes"])
