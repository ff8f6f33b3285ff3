"""A repair at a terminal: what TensorBoard drew, what it will draw, and how the two graphs are the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from graphdiag.phrases import counted, some
from graphdiag.unprintable import escape_unprintable

if TYPE_CHECKING:
    from graphdiag.graphs.drawn_graph import DrawnGraph
    from graphdiag.repairing.picture import Picture
    from graphdiag.repairing.repair import Repair

_MOST_LISTED = 20


def summary(repair: Repair, output: Path | None) -> str:
    """The summary, a few lines.

    Args:
        repair: The repair.
        output: The log directory that was written; ``None`` for none.
    """
    return escape_unprintable("\n".join(_lines(repair, output)), keep="\n") + "\n"


def _lines(repair: Repair, output: Path | None) -> Iterator[str]:
    layers = repair.layers
    stack = f" ({repair.origin.stack})" if repair.origin.stack else ""
    model = f": {layers.model_name}, {counted(len(layers.layers), 'layer')}" if layers is not None else ""
    yield f"{repair.origin.path}{model}{stack}"
    yield from (f"note: {note}" for note in repair.notes)
    if repair.graph_def is None:
        yield from _conceptual_only(repair)
    else:
        yield from _op_graph(repair)
    if output is not None:
        yield f"Written to {output}; look at it with: tensorboard --logdir {output}"


def _conceptual_only(repair: Repair) -> Iterator[str]:
    layers = repair.layers
    yield "There is no op graph to repair."
    if repair.conceptual and layers is not None:
        yield (
            f"conceptual graph: {counted(len(layers.layers), 'box', 'boxes')} for the model's "
            f"{counted(len(layers.edges), 'edge')}"
        )
    if repair.origin.kind in ("keras_file", "keras_json"):
        yield "For an op graph, give a Python file that builds or loads the model."


def _op_graph(repair: Repair) -> Iterator[str]:
    if repair.before is not None:
        yield f"before: {_first_look(repair.before)}"
    if repair.picture is None:
        yield "after:  one box for each layer that was called; Keras records no edges to hold them against"
    else:
        yield from _held(repair.picture)
    what = [counted(len(repair.names), "op")]
    if repair.inlined:
        what.append(f"{counted(repair.inlined, 'function call')} replaced by the function's ops")
    if repair.inserted:
        what.append(f"{counted(len(repair.inserted), 'identity op')} inserted for layers that hand on their input")
    yield f"Proved to be the same graph under other names: {some(what)}."


def _held(picture: Picture) -> Iterator[str]:
    yield f"after:  {_picture(picture)}"
    for edge in picture.differences[:_MOST_LISTED]:
        yield f"  {edge.difference.value}: {edge.source} -> {edge.target}. {edge.reason}"
    if len(picture.differences) > _MOST_LISTED:
        yield f"  and {len(picture.differences) - _MOST_LISTED:,} more"
    for name, extraction in list(picture.extracted.items())[:_MOST_LISTED]:
        yield f"  beside the main graph: {name} ({extraction.why}). Names cannot change that."


def _first_look(drawn: DrawnGraph) -> str:
    root = drawn.root
    beside = len(root.in_extract) + len(root.out_extract)
    return f"{counted(len(root.core), 'node')} in the main graph, {beside:,} beside it"


def _picture(picture: Picture) -> str:
    differing = len(picture.differences)
    boxes, edges = counted(picture.boxes, "box", "boxes"), counted(picture.edges, "edge")
    if not differing:
        return f"{boxes}, with the model's {edges} and no others"
    return (
        f"{boxes}, with {edges} of the model; {counted(differing, 'edge')} {'differs' if differing == 1 else 'differ'}:"
    )
