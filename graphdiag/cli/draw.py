"""``graphdiag draw``: what TensorBoard draws."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphdiag.cli import options
from graphdiag.cli.progress import opening
from graphdiag.cli.reading import only_read
from graphdiag.cli.writing import pairs_of
from graphdiag.errors import UsageError
from graphdiag.render.registry import Format

if TYPE_CHECKING:
    from graphdiag.graphs.drawn_graph import DrawnGraph

_FORMATS = (Format.TEXT, Format.JSON, Format.DOT, Format.SVG, Format.HTML)


@click.command(
    cls=options.CommandOnSource,
    epilog="""graphdiag draw logs --depth 2
graphdiag draw model.py -o drawn.html""",
)
@click.argument("source", type=options.SOURCE, help="Any source that compare takes and that has an op graph.")
@options.source
@click.option(
    "--depth",
    type=int,
    default=1,
    show_default=True,
    metavar="N",
    callback=options.at_least_one,
    help="How many levels of boxes to open.",
)
@click.option("--expand", multiple=True, metavar="NODE", help="A box to open; may be repeated.")
@click.option("--conceptual", is_flag=True, help="TensorBoard's conceptual graph of the Keras model instead.")
@click.option(
    "--format",
    "format_",
    type=options.ValueOf(_FORMATS),
    help="How it is written: text, json, dot, svg or html. By the suffix of -o, else text, if not given.",
)
@options.output
@options.common
def draw(
    source: Path | str,
    depth: int,
    expand: tuple[str, ...],
    conceptual: bool,
    format_: Format | None,
    output: Path | None,
    **how: Any,
) -> None:
    """Show what TensorBoard draws, what it pulls out and why."""
    only_read(source)
    from graphdiag.comparison import drawn_graph
    from graphdiag.output import put, show

    [(form, _)] = pairs_of([format_] if format_ else [], [output] if output else [], _FORMATS)
    with opening(source):
        drawn = drawn_graph(source, conceptual=conceptual, **how)
    absent = [name for name in expand if name not in drawn]
    if absent:
        raise UsageError(f"--expand {absent[0]}: there is no such node; {_nearest(absent[0], drawn.index)}.")
    if form is Format.TEXT:
        from graphdiag.render.text.drawn_tree import render

        show(render(drawn, depth, expand), output)
    else:
        put(_written(drawn, form, str(source), depth, expand), output)


def _written(drawn: DrawnGraph, form: Format, source: str, depth: int, expand: Sequence[str]) -> str:
    """The drawn graph in a format, as a text."""
    if form is Format.JSON:
        import json

        return json.dumps(drawn.to_dict(), indent=1) + "\n"
    if form is Format.HTML:
        from graphdiag.render.html.drawn_page import to_html

        return to_html(drawn, source, depth, expand)
    from graphdiag.render.pictures.drawn import to_dot

    dot = to_dot(drawn, depth, expand)
    if form is Format.DOT:
        return dot
    from graphdiag.render.pictures.graphviz import to_svg

    return to_svg(dot, source, {})


def _nearest(name: str, names: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, list(names), n=3, cutoff=0.5)
    return f"did you mean {', '.join(close)}" if close else "see the list without it"
