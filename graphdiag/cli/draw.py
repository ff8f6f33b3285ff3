"""``graphdiag draw``: what TensorBoard draws."""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from graphdiag.cli.options import Debug, Run, Tag
from graphdiag.cli.progress import opening
from graphdiag.errors import UsageError
from graphdiag.output import put, show


class DrawnFormat(str, Enum):
    """How the drawn graph is written."""

    TEXT = "text"
    JSON = "json"
    DOT = "dot"


def draw(
    source: Annotated[Path, typer.Argument(help="Any source that compare takes and that has an op graph.")],
    run: Run = None,
    tag: Tag = None,
    depth: Annotated[int, typer.Option(min=1, help="How many levels of boxes to open.")] = 1,
    expand: Annotated[list[str] | None, typer.Option(metavar="NODE", help="A box to open; may be repeated.")] = None,
    conceptual: Annotated[
        bool, typer.Option(help="TensorBoard's conceptual graph of the Keras model instead.")
    ] = False,
    format_: Annotated[DrawnFormat, typer.Option("--format", help="How it is written.")] = DrawnFormat.TEXT,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write to this file.")] = None,
    debug: Debug = False,
) -> None:
    """Show what TensorBoard draws: boxes, arrows, and what was pulled out and why."""
    from graphdiag.comparison import drawn_graph

    with opening(source):
        drawn = drawn_graph(source, run=run, tag=tag, conceptual=conceptual)
    absent = [name for name in expand or [] if name not in drawn]
    if absent:
        raise UsageError(f"--expand {absent[0]}: there is no such node; {_nearest(absent[0], drawn.index)}.")
    if format_ is DrawnFormat.JSON:
        put(json.dumps(drawn.to_dict(), indent=1) + "\n", output)
    elif format_ is DrawnFormat.DOT:
        from graphdiag.render.pictures.drawn import to_dot

        put(to_dot(drawn, depth), output)
    else:
        from graphdiag.render.text.drawn_tree import render

        show(render(drawn, depth, expand or ()), output)


def _nearest(name: str, names: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, list(names), n=3, cutoff=0.5)
    return f"did you mean {', '.join(close)}" if close else "see the list without it"
