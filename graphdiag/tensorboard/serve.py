r"""How names reach the page: as protobuf text, cut into pieces of a million bytes.

Follows ``graph_impl`` in ``tensorboard/plugins/graph/graphs_plugin.py`` (the graph is sent as ``str(graph)``; of
``tensorboard/backend/process_graph.py`` nothing is used, because the page asks for no limit on attributes), and
``parseValue`` and ``streamParse`` in ``tf_graph_common/parser.ts``. Three things follow for a name:

* The page takes the quotes off a string but leaves its escapes: ``it's`` is drawn as ``it\'s``, a line break as
  ``\n``. Whether letters outside ASCII are escaped depends on the installed protobuf, which is therefore asked.
* The page decodes each piece of a million bytes by itself. A letter that is cut in two becomes replacement characters.
* Plain names, and TensorFlow itself makes no others, pass unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from graphdiag.tensorboard.merge import RawFunction, RawGraph, merge_graphs

if TYPE_CHECKING:
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    from graphdiag.graphs.serialized_graph import Nodes

_CHUNK = 1_000_000
_ESCAPED = "\"'\\"
_LONG = 1 << 16
"""From so many characters on, the least and the largest byte are found faster than `str.isprintable` runs."""


def serve_graph(graph: RawGraph, graph_defs: Sequence[GraphDef]) -> RawGraph:
    """The graph as the page reads it.

    Args:
        graph: The merged graph.
        graph_defs: What it was merged from.

    Returns:
        The same graph, its names as the page has them.
    """
    bodies = (function.body.columns for function in graph.functions)
    if all(map(_are_plain, (graph.nodes.columns, *bodies))) and all(map(_is_plain, _other_texts(graph))):
        return graph
    return _renamed(_cut(graph, graph_defs), _escape())


def _are_plain(nodes: Nodes) -> bool:
    """Whether the page has all names as they are."""
    if nodes.in_bytes is None:
        return _is_plain(nodes.together)
    return nodes.in_bytes.are_printable and not any(map(nodes.in_bytes.holds, _ESCAPED))


def _is_plain(text: str) -> bool:
    return text.isascii() and _is_printable(text) and not any(letter in text for letter in _ESCAPED)


def _is_printable(text: str) -> bool:
    """Whether a text that is ASCII holds no control character."""
    if len(text) < _LONG:
        return text.isprintable()
    data = np.frombuffer(text.encode(), dtype=np.uint8)
    return bool(data.min() >= ord(" ") and data.max() <= ord("~"))


def _other_texts(graph: RawGraph) -> Iterable[str]:
    yield "".join(graph.nodes.columns.type_names)
    for function in graph.functions:
        types = function.body.columns.type_names
        yield "".join((function.name, *function.arguments, *function.results, *types))


def _cut(graph: RawGraph, graph_defs: Sequence[GraphDef]) -> RawGraph:
    from google.protobuf import text_format
    from tensorboard.compat.proto.graph_pb2 import GraphDef
    from tensorboard.plugins.graph.graph_util import merge_graph_defs

    data = str(merge_graph_defs(graph_defs)).encode()
    cuts = range(_CHUNK, len(data), _CHUNK)
    # A byte 10xxxxxx continues a letter that began before it.
    if not any(data[cut] & 0xC0 == 0x80 for cut in cuts):
        return graph
    pieces = (data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK))
    text = "".join(piece.decode(errors="replace") for piece in pieces)
    return merge_graphs([text_format.Parse(text, GraphDef())])


def _escape() -> Callable[[str], str]:
    from tensorboard.compat.proto.node_def_pb2 import NodeDef

    known: dict[str, str] = {}

    def escape(name: str) -> str:
        if _is_plain(name):
            return name
        if name not in known:
            text = str(NodeDef(name=name)).strip()
            known[name] = text[len('name: "') : -1]
        return known[name]

    return escape


def _renamed(graph: RawGraph, escape: Callable[[str], str]) -> RawGraph:
    functions = [
        RawFunction(
            escape(function.name),
            [escape(name) for name in function.arguments],
            [escape(name) for name in function.results],
            function.body.renamed(escape, escape, escape),
        )
        for function in graph.functions
    ]
    return RawGraph(graph.nodes.renamed(escape, escape, escape), functions)
