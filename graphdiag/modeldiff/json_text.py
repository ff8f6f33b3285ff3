"""JSON whose long lists have one item a line, so that a line of ``git diff`` is a layer or a change."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any


def one_item_a_line(data: Mapping[str, Any], lists: Collection[str]) -> str:
    """Write an object in ASCII, one key a line, and the items of some of its lists each on a line of its own.

    Args:
        data: The object, JSON-ready.
        lists: Keys of the lists.
    """
    parts = []
    for key, value in data.items():
        text = json.dumps(value)
        if key in lists and value:
            text = "[\n" + ",\n".join(f"  {json.dumps(item)}" for item in value) + "\n ]"
        parts.append(f" {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"
