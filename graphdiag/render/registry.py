"""The formats of every kind of result, and the function that writes each.

A writer is a function ``(result, style) -> str | bytes``; its module is imported when it is called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

from graphdiag.errors import UsageError
from graphdiag.lazy import lazy

if TYPE_CHECKING:
    from rich.console import RenderableType

    from graphdiag.picture_style import PictureStyle
    from graphdiag.render.pictures.picture import Picture
    from graphdiag.results.renderable import Renderable

Writer = Callable[[Any, "PictureStyle"], "str | bytes"]
"""Takes the result, and how pictures look."""


class Format(str, Enum):
    """How a result is written."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
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


def _pictures(describe: Callable[..., Picture]) -> Mapping[Format, Writer]:
    """The writers of pictures.

    Args:
        describe: Says what is in the picture of a result.
    """

    def writer(draw: Callable[..., str | bytes]) -> Writer:
        return lambda result, style: draw(describe(result, style), style)

    return {
        Format.SVG: writer(lazy("graphdiag.render.pictures.dot:to_svg")),
        Format.PNG: writer(lazy("graphdiag.render.pictures.dot:to_png")),
        Format.PDF: writer(lazy("graphdiag.render.pictures.dot:to_pdf")),
        Format.DOT: writer(lazy("graphdiag.render.pictures.dot:to_dot")),
    }


WRITERS: Mapping[str, Mapping[Format, Writer]] = {
    "report": {
        Format.TEXT: lazy("graphdiag.render.text.report:to_text"),
        Format.JSON: lazy("graphdiag.results.document:to_json"),
        Format.MARKDOWN: lazy("graphdiag.render.ci.markdown:to_markdown"),
        Format.HTML: lazy("graphdiag.render.html.page:to_html"),
        Format.SARIF: lazy("graphdiag.render.ci.sarif:to_sarif"),
        Format.JUNIT: lazy("graphdiag.render.ci.junit:to_junit"),
        Format.GITHUB: lazy("graphdiag.render.ci.github:to_github"),
        **_pictures(lazy("graphdiag.render.pictures.layers:describe")),
        Format.GRAPHML: lazy("graphdiag.render.data.graph_files:graphml_of_layers"),
        Format.GRAPHML_OPS: lazy("graphdiag.render.data.graph_files:graphml_of_ops"),
        Format.GRAPHML_DRAWN: lazy("graphdiag.render.data.graph_files:graphml_of_drawn"),
        Format.NODE_LINK: lazy("graphdiag.render.data.graph_files:node_link_of_layers"),
        Format.NODE_LINK_OPS: lazy("graphdiag.render.data.graph_files:node_link_of_ops"),
        Format.NODE_LINK_DRAWN: lazy("graphdiag.render.data.graph_files:node_link_of_drawn"),
    },
    "diff": {
        Format.TEXT: lazy("graphdiag.render.text.diff:to_text"),
        Format.JSON: lazy("graphdiag.render.data.diff_json:to_json"),
        Format.MARKDOWN: lazy("graphdiag.render.ci.diff_markdown:to_markdown"),
        Format.HTML: lazy("graphdiag.render.html.diff_page:to_html"),
        Format.SARIF: lazy("graphdiag.render.ci.diff:to_sarif"),
        Format.JUNIT: lazy("graphdiag.render.ci.diff:to_junit"),
        Format.GITHUB: lazy("graphdiag.render.ci.diff:to_github"),
        **_pictures(lazy("graphdiag.render.pictures.diff:describe")),
        Format.GRAPHML: lazy("graphdiag.render.data.diff_graph:graphml"),
        Format.NODE_LINK: lazy("graphdiag.render.data.diff_graph:node_link"),
    },
    "check": {
        Format.TEXT: lazy("graphdiag.render.text.check:to_text"),
        Format.JSON: lazy("graphdiag.render.data.check_json:to_json"),
        Format.MARKDOWN: lazy("graphdiag.render.ci.check:to_markdown"),
        Format.HTML: lazy("graphdiag.render.html.check_page:to_html"),
        Format.SARIF: lazy("graphdiag.render.ci.check:to_sarif"),
        Format.JUNIT: lazy("graphdiag.render.ci.check:to_junit"),
        Format.GITHUB: lazy("graphdiag.render.ci.check:to_github"),
    },
    "snapshot": {
        Format.TEXT: lazy("graphdiag.render.text.snapshot:to_text"),
        Format.JSON: lazy("graphdiag.render.data.snapshot_graph:to_json"),
        **_pictures(lazy("graphdiag.render.pictures.snapshot:describe")),
        Format.GRAPHML: lazy("graphdiag.render.data.snapshot_graph:graphml"),
        Format.NODE_LINK: lazy("graphdiag.render.data.snapshot_graph:node_link"),
    },
    "scan": {
        Format.TEXT: lazy("graphdiag.render.text.scan:to_text"),
        Format.JSONL: lazy("graphdiag.render.data.scan_rows:to_jsonl"),
        Format.CSV: lazy("graphdiag.render.data.scan_rows:to_csv"),
        Format.PARQUET: lazy("graphdiag.render.data.scan_rows:to_parquet"),
        Format.HTML: lazy("graphdiag.render.html.scan_page:to_html"),
        Format.MARKDOWN: lazy("graphdiag.render.ci.scan:to_markdown"),
        Format.SARIF: lazy("graphdiag.render.ci.scan:to_sarif"),
    },
}
"""The formats of each kind of result, by `Renderable.result_type`."""


_CONSOLE: Mapping[str, Callable[..., Any]] = {
    result_type: lazy(f"graphdiag.render.text.{result_type}:render") for result_type in WRITERS
}
"""What makes the text of each kind of result."""


def formats_of(result_type: str) -> Sequence[Format]:
    """The formats of a kind of result, as ``check``."""
    return tuple(WRITERS[result_type])


def render(result: Renderable, format_: Format, style: PictureStyle) -> str | bytes:
    """A result in a format.

    Args:
        result: A report, a check report, a diff or a snapshot.
        format_: Which format.
        style: How pictures look; formats without pictures ignore it.

    Returns:
        Text, or bytes for formats that are not text.

    Raises:
        UsageError: The result has no such format, lacks the graph that the format shows, or a program that the format
            needs is not installed.
        ProgramError: That program failed.
    """
    writers = WRITERS[result.result_type]
    if format_ not in writers:
        raise UsageError(_unknown(format_.value, result.result_type))
    return writers[format_](result, style)


def to_console(result: Renderable) -> RenderableType:
    """A result as text for a terminal, which rich colors and fits to its width."""
    text: RenderableType = _CONSOLE[result.result_type](result)
    return text


def render_as(result: Renderable, name: str, style: PictureStyle) -> str | bytes:
    """As `render`, with the format given by its name.

    Raises:
        UsageError: As for `render`; or no format has this name.
    """
    if name not in [format_.value for format_ in Format]:
        raise UsageError(_unknown(name, result.result_type))
    return render(result, Format(name), style)


def _unknown(name: str, result_type: str) -> str:
    known = ", ".join(format_.value for format_ in formats_of(result_type))
    return f"--format {name}: not a format of a {_NAMES[result_type]}; choose from {known}."


_NAMES = {"report": "report", "diff": "diff", "check": "check report", "snapshot": "snapshot", "scan": "scan"}
"""How messages name each kind of result."""
