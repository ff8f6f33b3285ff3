"""The formats of a diff, one function each: those of a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import cast

from graphdiag.diff.differ import Diff
from graphdiag.errors import UsageError
from graphdiag.report.formats import Format
from graphdiag.report.look import Look

_WRITERS: Mapping[Format, str] = {
    Format.TEXT: "diff_text:to_text",
    Format.JSON: "diff_json:to_json",
    Format.MARKDOWN: "diff_markdown:to_markdown",
    Format.HTML: "diff_page:to_html",
    Format.SARIF: "diff_results:to_sarif",
    Format.JUNIT: "diff_results:to_junit",
    Format.GITHUB: "diff_results:to_github",
    Format.SVG: "diff_picture:to_svg",
    Format.PNG: "diff_picture:to_png",
    Format.PDF: "diff_picture:to_pdf",
    Format.DOT: "diff_picture:to_dot",
    Format.GRAPHML: "diff_graph:graphml",
    Format.NODE_LINK: "diff_graph:node_link",
}


def render(diff: Diff, format_: Format, look: Look) -> str | bytes:
    """A diff in a format.

    Args:
        diff: The changes.
        format_: Which format.
        look: How pictures look; other formats take no notice.

    Returns:
        Text, or bytes for formats that are no text.

    Raises:
        UsageError: A diff has no such format, or a program that it needs is not installed.
    """
    if format_ not in _WRITERS:
        known = ", ".join(known.value for known in _WRITERS)
        raise UsageError(f"--format {format_.value}: holds one graph of ops and no diff; take one of {known}.")
    module, _, function = _WRITERS[format_].partition(":")
    writer = cast(Callable[[Diff, Look], "str | bytes"], getattr(import_module(f"graphdiag.report.{module}"), function))
    return writer(diff, look)
