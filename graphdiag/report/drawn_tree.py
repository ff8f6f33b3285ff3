"""The drawn graph as a tree at a terminal: boxes, what is in them, their arrows, and what was pulled out and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from graphdiag.graphs.drawn_graph import OP, ROOT, SERIES, DrawnGraph, Metaedge

_ARROWS_SHOWN = 6


def render(drawn: DrawnGraph, depth: int = 1, expand: Sequence[str] = ()) -> RenderableType:
    """The drawn graph as something rich can print.

    Args:
        drawn: The drawn graph.
        depth: How many levels of boxes to show: 1 is what TensorBoard shows before anything is clicked.
        expand: Names of boxes whose inside is shown as well, whatever the depth.

    Returns:
        The main graph, the auxiliary nodes with the reason for each, and the function library.

    Raises:
        KeyError: There is no node of a name in ``expand``.
    """
    opened = set(expand)
    for name in expand:
        opened.update(drawn.ancestors(name))
    root = drawn.root
    parts: list[RenderableType] = [_group(drawn, "main graph", root.core, depth, opened)]
    if root.in_extract or root.out_extract:
        tree = Tree(Text("auxiliary nodes"))
        for name in (*root.in_extract, *root.out_extract):
            branch = tree.add(_label(drawn, name).append(f"   {root.extractions[name].why}", style="yellow"))
            _inside(drawn, name, branch, depth - 1, opened)
        parts += [Text(), tree]
    if root.library:
        parts += [Text(), _group(drawn, "function library", root.library, depth, opened)]
    return Group(*parts)


def _group(drawn: DrawnGraph, title: str, names: Sequence[str], depth: int, opened: set[str]) -> Tree:
    tree = Tree(Text(f"{title}: {len(names):,} node{'' if len(names) == 1 else 's'}"))
    arrows = _by_source(drawn.edges(ROOT))
    for name in names:
        branch = tree.add(_label(drawn, name, arrows.get(name, ())))
        _inside(drawn, name, branch, depth - 1, opened)
    return tree


def _inside(drawn: DrawnGraph, name: str, branch: Tree, depth: int, opened: set[str]) -> None:
    if depth <= 0 and name not in opened:
        return
    children = drawn.children(name)
    arrows = _by_source(drawn.edges(name)) if drawn.node(name).type != OP else {}
    for child in children:
        _inside(drawn, child, branch.add(_label(drawn, child, arrows.get(child, ()))), depth - 1, opened)


def _by_source(edges: Iterable[Metaedge]) -> dict[str, list[Metaedge]]:
    found: dict[str, list[Metaedge]] = {}
    for edge in edges:
        found.setdefault(edge.source, []).append(edge)
    return found


def _label(drawn: DrawnGraph, name: str, arrows: Sequence[Metaedge] = ()) -> Text:
    node = drawn.node(name)
    label = Text(name.rpartition("/")[2] if node.parent not in (None, ROOT) else name, style="bold")
    if node.type == OP:
        label.append(f"  {node.op}" if node.op else "", style="dim not bold")
    else:
        what = "series of " if node.type == SERIES else ""
        label.append(f"  {what}{node.cardinality:,} ops", style="dim not bold")
    if arrows:
        listed = ", ".join(_arrow(edge) for edge in arrows[:_ARROWS_SHOWN])
        more = len(arrows) - _ARROWS_SHOWN
        label.append(f"  -> {listed}" + (f" and {more:,} more" if more > 0 else ""), style="not bold")
    return label


def _arrow(edge: Metaedge) -> str:
    """An arrow's end and its counts: nothing for a single tensor, ``3 tensors``, ``2 control``."""
    counts = []
    if edge.regular > 1:
        counts.append(f"{edge.regular:,} tensors")
    if edge.control:
        counts.append(f"{edge.control:,} control")
    return f"{edge.target} ({', '.join(counts)})" if counts else edge.target
