"""GraphML, written line by line: a tree of elements would take ten times the memory of the graph that it tells.

Follows http://graphml.graphdrawing.org/specification.html: a ``key`` declares each attribute with its type, and a
``data`` gives its value. Ids, types and order are those of ``networkx.write_graphml_xml``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from graphdiag.unprintable import escape_unprintable

if TYPE_CHECKING:
    import networkx as nx

_HEAD = """<?xml version='1.0' encoding='utf-8'?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">
"""
_TYPES: Mapping[type, str] = {str: "string", int: "long", float: "double", bool: "boolean"}


def to_graphml(graph: nx.DiGraph) -> str:
    r"""A graph as GraphML.

    ``networkx.read_graphml`` needs ``force_multigraph=True`` for a multigraph, and sets ``node_default`` and
    ``edge_default`` among the graph's own attributes.

    Args:
        graph: Any directed graph whose nodes are strings, and whose attributes are strings, numbers, booleans or
            ``None``.

    Returns:
        The graph without the attributes that are ``None``. In all strings a backslash is doubled, and what
        `escape_unprintable` escapes is an escape, ``\x07``: names that differ stay different.
    """
    keys = _Keys()
    # The keys stand before what uses them, and are known when all is written.
    of_graph = list(keys.data("graph", graph.graph, "    "))
    inside = [*_nodes(graph, keys), *_edges(graph, keys), *of_graph]
    graph_element = ['  <graph edgedefault="directed">', *inside, "  </graph>"]
    if not inside:
        graph_element = ['  <graph edgedefault="directed" />']
    return _HEAD + "\n".join([*keys.declarations(), *graph_element, "</graphml>", "", ""])


class _Keys:
    """The attributes that were written, each with its id, by name, type and what it is an attribute of."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str, str], int] = {}
        self._lines: dict[tuple[str, str, Any, type], str] = {}

    def data(self, scope: str, attributes: Mapping[str, Any], indent: str) -> Iterator[str]:
        """The ``data`` elements of a graph, a node or an edge, which is what ``scope`` says."""
        for name, value in attributes.items():
            if value is None:
                continue
            # Most attributes have few values; 0, 0.0 and False are one key of a dictionary.
            known = scope, name, value, type(value)
            line = self._lines.get(known)
            if line is None:
                number = self._ids.setdefault((name, _TYPES[type(value)], scope), len(self._ids))
                text = escaped(str(value)) if isinstance(value, str) else str(value)
                line = f'{indent}<data key="d{number}">{text}</data>' if text else f'{indent}<data key="d{number}" />'
                self._lines[known] = line
            yield line

    def declarations(self) -> Iterator[str]:
        """The ``key`` elements, the last attribute first."""
        for (name, kind, scope), number in reversed(self._ids.items()):
            yield f'  <key id="d{number}" for="{scope}" attr.name="{escaped(name)}" attr.type="{kind}" />'


def _nodes(graph: nx.DiGraph, keys: _Keys) -> Iterator[str]:
    for node, attributes in graph.nodes(data=True):
        yield from _element(f'<node id="{_quoted(node)}"', "node", list(keys.data("node", attributes, "      ")))


def _edges(graph: nx.DiGraph, keys: _Keys) -> Iterator[str]:
    quoted = cache(_quoted)
    edges = graph.edges(keys=True, data=True) if graph.is_multigraph() else graph.edges(data=True)
    for source, target, *key, attributes in edges:
        start = f'<edge source="{quoted(source)}" target="{quoted(target)}"'
        if key:
            start += f' id="{key[0]}"'
        yield from _element(start, "edge", list(keys.data("edge", attributes, "      ")))


def _element(start: str, tag: str, inside: list[str]) -> Iterator[str]:
    if not inside:
        yield f"    {start} />"
        return
    yield f"    {start}>"
    yield from inside
    yield f"    </{tag}>"


def escaped(text: str) -> str:
    """A string as the text of an element: nothing that cannot be seen, and no markup."""
    seen = escape_unprintable(text.replace("\\", "\\\\"))
    return seen.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _quoted(text: str) -> str:
    return escaped(text).replace('"', "&quot;")
