"""The formats of a report, one module each.

A format's writer is a function ``(report, look) -> str | bytes``; its module is imported when it is called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any

from graphdiag.errors import UsageError
from graphdiag.lazy import late

if TYPE_CHECKING:
    from graphdiag.picture_style import PictureStyle
    from graphdiag.render.pictures.picture import Picture
    from graphdiag.results.report import Report

Writer = Callable[[Any, "PictureStyle"], "str | bytes"]
"""Takes what it writes, and how pictures look."""


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


def pictures(describe: Callable[[Any, PictureStyle], Picture]) -> Mapping[Format, Writer]:
    """The writers of pictures.

    Args:
        describe: Says what is in the picture of what is written.
    """

    def writer(draw: Callable[[Picture, PictureStyle], str | bytes]) -> Writer:
        return lambda shown, look: draw(describe(shown, look), look)

    return {
        Format.SVG: writer(late("picture_dot:to_svg")),
        Format.PNG: writer(late("picture_dot:to_png")),
        Format.PDF: writer(late("picture_dot:to_pdf")),
        Format.DOT: writer(late("picture_dot:to_dot")),
    }


_WRITERS: Mapping[Format, Writer] = {
    Format.TEXT: late("terminal:to_text"),
    Format.JSON: late("document:to_json"),
    Format.MARKDOWN: late("markdown:to_markdown"),
    Format.HTML: late("page:to_html"),
    Format.SARIF: late("sarif:to_sarif"),
    Format.JUNIT: late("junit:to_junit"),
    Format.GITHUB: late("github:to_github"),
    **pictures(late("layer_picture:describe")),
    Format.GRAPHML: late("graph_files:graphml_of_layers"),
    Format.GRAPHML_OPS: late("graph_files:graphml_of_ops"),
    Format.GRAPHML_DRAWN: late("graph_files:graphml_of_drawn"),
    Format.NODE_LINK: late("graph_files:node_link_of_layers"),
    Format.NODE_LINK_OPS: late("graph_files:node_link_of_ops"),
    Format.NODE_LINK_DRAWN: late("graph_files:node_link_of_drawn"),
}
"""What writes each format."""


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


def render(report: Report, format_: Format, look: PictureStyle) -> str | bytes:
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
    return _WRITERS[format_](report, look)
