"""The formats of a check report, one module each: a function that takes the report and gives text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING

from graphdiag.lazy import late

if TYPE_CHECKING:
    from graphdiag.results.check_report import CheckReport


class CheckFormat(str, Enum):
    """How a check report is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"
    SARIF = "sarif"
    JUNIT = "junit"
    GITHUB = "github"


_WRITERS: Mapping[CheckFormat, Callable[[CheckReport], str]] = {
    CheckFormat.TEXT: late("check_text:to_text"),
    CheckFormat.JSON: late("check_formats:to_json"),
    CheckFormat.MARKDOWN: late("check_results:to_markdown"),
    CheckFormat.HTML: late("check_page:to_html"),
    CheckFormat.SARIF: late("check_results:to_sarif"),
    CheckFormat.JUNIT: late("check_results:to_junit"),
    CheckFormat.GITHUB: late("check_results:to_github"),
}
"""What writes each format."""


def render(report: CheckReport, format_: CheckFormat) -> str:
    """A check report in a format."""
    return _WRITERS[format_](report)


def to_json(report: CheckReport) -> str:
    """The report as text: indented where people read it, one line for each model's own report."""
    document = report.to_dict()
    lines = [f"{json.dumps(key)}: {_value(key, value)}" for key, value in document.items()]
    return "{" + ",\n ".join(lines) + "}\n"


def _value(key: str, value: object) -> str:
    if key != "models" or not isinstance(value, list):
        return json.dumps(value, indent=1).replace("\n", "\n ")
    return "[" + ",\n  ".join(json.dumps(model, separators=(",", ":")) for model in value) + "]"
