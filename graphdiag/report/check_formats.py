"""The formats of a check report, one module each: a function that takes the report and gives text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import Enum
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from graphdiag.report.check_report import CheckReport


class CheckFormat(str, Enum):
    """How a check report is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"
    SARIF = "sarif"
    JUNIT = "junit"
    GITHUB = "github"


_WRITERS: Mapping[CheckFormat, str] = {
    CheckFormat.TEXT: "check_text:to_text",
    CheckFormat.JSON: "check_formats:to_json",
    CheckFormat.MARKDOWN: "check_results:to_markdown",
    CheckFormat.HTML: "check_page:to_html",
    CheckFormat.SARIF: "check_results:to_sarif",
    CheckFormat.JUNIT: "check_results:to_junit",
    CheckFormat.GITHUB: "check_results:to_github",
}
"""Module and function that write each format."""


def render(report: CheckReport, format_: CheckFormat) -> str:
    """A check report in a format."""
    module, _, function = _WRITERS[format_].partition(":")
    writer = cast(Callable[["CheckReport"], str], getattr(import_module(f"graphdiag.report.{module}"), function))
    return writer(report)


def to_json(report: CheckReport) -> str:
    """The report as text: indented where people read it, one line for each model's own report."""
    document = report.to_dict()
    lines = [f"{json.dumps(key)}: {_value(key, value)}" for key, value in document.items()]
    return "{" + ",\n ".join(lines) + "}\n"


def _value(key: str, value: object) -> str:
    if key != "models" or not isinstance(value, list):
        return json.dumps(value, indent=1).replace("\n", "\n ")
    return "[" + ",\n  ".join(json.dumps(model, separators=(",", ":")) for model in value) + "]"
