"""The drawn graph as a tree at a terminal: what is in the main graph, what was pulled out of it and why.

Names come from users, so they are put in as `rich.text.Text`, never as markup.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches

from rich.console import RenderableType
from rich.text import Text
from rich.tree import Tree

from graphdiag.errors import UsageError
from graphdiag.graphs.drawn_graph import META, OP, ROOT, DrawnGraph, Metaedge

_ARROWS_SHOWN = 4


def render(drawn: DrawnGraph, depth: int = 1, expand: Sequence[str] = ()) -> RenderableType:
    """The drawn graph as something rich can print.

    Args:
        drawn: The drawn graph.
        depth: How many levels to show: 1 is what TensorBoard shows before anything is expanded.
        expand: Names of nodes to expand besides, with all that is around them.

    Returns:
        A tree with three branches: the main graph, the auxiliary nodes with the reason for each, the library functions.
        Every node has its kind and its number of ops, and its arrows with their numbers of base edges.

    Raises:
        UsageError: ``expand`` names a node that is not there.
    """
    tree = Tree(Text.assemble(("graph", "bold"), f"  {_ops(drawn.node(ROOT).cardinality)}"))
    levels = _Levels(drawn, depth, expanded(drawn, expand))
    root = drawn.root
    shown = set(root.core_edges)
    arrows = _arrows(edge for edge in drawn.edges() if (edge.source, edge.target) in shown)
    main = tree.add(Text(f"main graph: {_many(len(root.core), 'node')}, {_many(len(root.core_edges), 'arrow')}"))
    for name in root.core:
        levels.add(main, name, 1, arrows)
    aside = [*root.out_extract, *root.in_extract]
    if aside:
        branch = tree.add(Text(f"auxiliary nodes: {len(aside)}"))
        for name in aside:
            levels.add(branch, name, 1, {}, f": {root.extractions[name].why}")
    if root.library:
        branch = tree.add(Text(f"functions: {len(root.library)}"))
        for name in root.library:
            levels.add(branch, name, 1, {})
    return tree


def expanded(drawn: DrawnGraph, names: Iterable[str]) -> set[str]:
    """The nodes to expand so that the inside of each named one is seen.

    Args:
        drawn: The drawn graph.
        names: Names of nodes.

    Returns:
        These names and those of all nodes around them.

    Raises:
        UsageError: There is no node of one of the names.
    """
    found = set()
    for name in names:
        if name not in drawn:
            close = get_close_matches(name, drawn.index, n=1)
            raise UsageError(
                f"There is no node {name!r} in the drawn graph"
                + (f"; did you mean {close[0]!r}?" if close else "; names are as TensorBoard shows them.")
            )
        found |= {name, *drawn.ancestors(name)}
    return found


class _Levels:
    """Adds nodes to the tree, and what is in them as far as it is to be seen."""

    def __init__(self, drawn: DrawnGraph, depth: int, opened: Collection[str]) -> None:
        self.drawn = drawn
        self.depth = depth
        self.opened = opened

    def add(
        self, branch: Tree, name: str, level: int, arrows: Mapping[str, Sequence[Metaedge]], note: str = ""
    ) -> None:
        """Add a node and, where it is expanded, its inside."""
        drawn = self.drawn
        node = drawn.node(name)
        label = Text(_own_name(name, node.parent), style="bold" if node.type == META else "")
        what = node.op or "layer" if node.type == OP else f"{node.type}, {_ops(node.cardinality)}"
        label.append(f"  {what}{note}", style="dim")
        leaving = arrows.get(name, ())
        for place, edge in enumerate(leaving[:_ARROWS_SHOWN]):
            label.append(
                f"{',' if place else '  →'} {_own_name(edge.target, node.parent)} ({_counts(edge)})", style="cyan"
            )
        if len(leaving) > _ARROWS_SHOWN:
            label.append(f" and {len(leaving) - _ARROWS_SHOWN} more", style="cyan")
        below = branch.add(label)
        if level < self.depth or name in self.opened:
            inside = _arrows(drawn.edges(name))
            for child in drawn.children(name):
                self.add(below, child, level + 1, inside)


def _own_name(name: str, parent: str | None) -> str:
    """The name without the scope that the tree shows already."""
    return name[len(parent) + 1 :] if parent and name.startswith(f"{parent}/") else name


def _arrows(edges: Iterable[Metaedge]) -> dict[str, list[Metaedge]]:
    leaving: dict[str, list[Metaedge]] = {}
    for edge in edges:
        leaving.setdefault(edge.source, []).append(edge)
    return leaving


def _counts(edge: Metaedge) -> str:
    kinds = [str(edge.regular)] if edge.regular else []
    if edge.control:
        kinds.append(f"{edge.control} control")
    if edge.reference:
        kinds.append(f"{edge.reference} reference")
    return ", ".join(kinds)


def _ops(number: int) -> str:
    return _many(number, "op")


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
