"""The check report as JSON in the schema ``graphdiag.check/2``."""

from __future__ import annotations

import json

from graphdiag.picture_style import PictureStyle
from graphdiag.results.check_report import CheckReport


def to_json(report: CheckReport, _: PictureStyle | None = None) -> str:
    """The report as text: indented where people read it, one line for each model's own report."""
    document = report.to_dict()
    lines = [f"{json.dumps(key)}: {_value(key, value)}" for key, value in document.items()]
    return "{" + ",\n ".join(lines) + "}\n"


def _value(key: str, value: object) -> str:
    if key != "models" or not isinstance(value, list):
        return json.dumps(value, indent=1).replace("\n", "\n ")
    return "[" + ",\n  ".join(json.dumps(model, separators=(",", ":")) for model in value) + "]"
