"""The formats of a report, one module each.

A format's writer is a function ``(report, look) -> str | bytes``; its module is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from importlib import import_module
from typing import TYPE_CHECKING, cast

from graphdiag.errors import UsageError

if TYPE_CHECKING:
    from graphdiag.report.look import Look
    from graphdiag.report.report import Report

_Writer = Callable[["Report", "Look"], "str | bytes"]


class Format(str, Enum):
    """How a report is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"
    SARIF = "sarif"
    JUNIT = "junit"
    GITHUB = "github"
    SVG = "svg"
    PNG = "png"
    PDF = "pdf"
    DOT = "dot"
    GRAPHML = "graphml"
    GRAPHML_OPS = "graphml-ops"
    GRAPHML_DRAWN = "graphml-drawn"
    NODE_LINK = "node-link"
    NODE_LINK_OPS = "node-link-ops"
    NODE_LINK_DRAWN = "node-link-drawn"


_WRITERS: Mapping[Format, str] = {
    Format.TEXT: "terminal:to_text",
    Format.JSON: "document:to_json",
    Format.MARKDOWN: "markdown:to_markdown",
    Format.HTML: "page:to_html",
    Format.SARIF: "sarif:to_sarif",
    Format.JUNIT: "junit:to_junit",
    Format.GITHUB: "github:to_github",
    Format.SVG: "layer_picture:to_svg",
    Format.PNG: "layer_picture:to_png",
    Format.PDF: "layer_picture:to_pdf",
    Format.DOT: "layer_picture:to_dot",
    Format.GRAPHML: "graph_files:graphml_of_layers",
    Format.GRAPHML_OPS: "graph_files:graphml_of_ops",
    Format.GRAPHML_DRAWN: "graph_files:graphml_of_drawn",
    Format.NODE_LINK: "graph_files:node_link_of_layers",
    Format.NODE_LINK_OPS: "graph_files:node_link_of_ops",
    Format.NODE_LINK_DRAWN: "graph_files:node_link_of_drawn",
}
"""Module and function that write each format."""


def named(name: str) -> Format:
    """The format of a name.

    Raises:
        UsageError: There is none.
    """
    try:
        return Format(name)
    except ValueError:
        known = ", ".join(format_.value for format_ in Format)
        raise UsageError(f"format {name}: there is none of this name; there are {known}.") from None


def render(report: Report, format_: Format, look: Look) -> str | bytes:
    """A report in a format.

    Args:
        report: The report.
        format_: Which format.
        look: How pictures look; other formats take no notice.

    Returns:
        Text, or bytes for formats that are no text.

    Raises:
        UsageError: A program that the format needs is not installed, or the report lacks the graph.
        ProgramError: It failed.
    """
    module, _, function = _WRITERS[format_].partition(":")
    writer = cast(_Writer, getattr(import_module(f"graphdiag.report.{module}"), function))
    return writer(report, look)
