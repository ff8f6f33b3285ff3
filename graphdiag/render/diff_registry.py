"""The formats of a diff, one function each: those of a report."""

from __future__ import annotations

from collections.abc import Mapping

from graphdiag.errors import UsageError
from graphdiag.lazy import late
from graphdiag.modeldiff.differ import Diff
from graphdiag.picture_style import PictureStyle
from graphdiag.render.registry import Format, Writer, pictures

_WRITERS: Mapping[Format, Writer] = {
    Format.TEXT: late("diff_text:to_text"),
    Format.JSON: late("diff_json:to_json"),
    Format.MARKDOWN: late("diff_markdown:to_markdown"),
    Format.HTML: late("diff_page:to_html"),
    Format.SARIF: late("diff_results:to_sarif"),
    Format.JUNIT: late("diff_results:to_junit"),
    Format.GITHUB: late("diff_results:to_github"),
    **pictures(late("diff_picture:describe")),
    Format.GRAPHML: late("diff_graph:graphml"),
    Format.NODE_LINK: late("diff_graph:node_link"),
}


def render(diff: Diff, format_: Format, look: PictureStyle) -> str | bytes:
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
    return _WRITERS[format_](diff, look)
