"""``graphdiag draw``: what TensorBoard draws."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from graphdiag.cli import options
from graphdiag.cli.blas import import_numpy_without_threads
from graphdiag.cli.progress import opening
from graphdiag.cli.writing import pairs_of
from graphdiag.errors import UsageError
from graphdiag.render.registry import Format

_FORMATS = (Format.TEXT, Format.JSON, Format.DOT, Format.SVG)


@click.command(
    cls=options.CommandOnSource,
    epilog="""graphdiag draw logs --depth 2
graphdiag draw model.py -o drawn.dot""",
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
    type=options.one_of("text", "json", "dot", "svg"),
    help="How it is written: text, json, dot or svg. By the suffix of -o, else text, if not given.",
)
@options.output
@options.common
def draw(
    source: Path | str,
    depth: int,
    expand: tuple[str, ...],
    conceptual: bool,
    format_: str | None,
    output: Path | None,
    **how: Any,
) -> None:
    """Show what TensorBoard draws, what it pulls out and why."""
    import_numpy_without_threads(source)
    import json

    from graphdiag.comparison import drawn_graph
    from graphdiag.output import put, show

    [(form, _)] = pairs_of([Format(format_)] if format_ else [], [output] if output else [], _FORMATS)
    with opening(source):
        drawn = drawn_graph(source, conceptual=conceptual, **how)
    absent = [name for name in expand if name not in drawn]
    if absent:
        raise UsageError(f"--expand {absent[0]}: there is no such node; {_nearest(absent[0], drawn.index)}.")
    if form is Format.JSON:
        put(json.dumps(drawn.to_dict(), indent=1) + "\n", output)
    elif form is Format.DOT:
        from graphdiag.render.pictures.drawn import to_dot

        put(to_dot(drawn, depth), output)
    elif form is Format.SVG:
        from graphdiag.render.pictures.drawn import to_dot
        from graphdiag.render.pictures.graphviz import to_svg

        put(to_svg(to_dot(drawn, depth), str(source), {}), output)
    else:
        from graphdiag.render.text.drawn_tree import render

        show(render(drawn, depth, expand), output)


def _nearest(name: str, names: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, list(names), n=3, cutoff=0.5)
    return f"did you mean {', '.join(close)}" if close else "see the list without it"
