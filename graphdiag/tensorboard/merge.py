"""Merging the function graphs of one tag into the single graph that TensorBoard serves.

Follows ``tensorboard/plugins/graph/graph_util.py`` (``merge_graph_defs``). The first graph's ops get the prefix
``graph_1/``, its functions ``graph_1_``, and so on; a graph that stands alone keeps its names. The prefix is put before
the whole input text, so a control input ``^a`` becomes ``graph_1/^a``, names no op any more, and its arrow is lost:
TensorBoard draws no control edges in a merged graph. Op types are not renamed, so an op whose type is the name of a
function no longer calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from graphdiag.errors import SourceError
from graphdiag.graphs.serialized_graph import Nodes, around_nodes, nodes_of, producer_of, unparsed

if TYPE_CHECKING:
    from tensorboard.compat.proto.function_pb2 import FunctionDef
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    from graphdiag.graphs.serialized_graph import SerializedGraph


class UndrawableGraphError(SourceError):
    """A graph on which TensorBoard itself fails, so that there is no drawn graph."""


class ProducersDifferError(UndrawableGraphError):
    """Several graphs under one tag, made by different versions of TensorFlow: TensorBoard refuses to merge them."""


@dataclass(frozen=True, eq=False)
class RawNodes:
    """Ops as the file has them.

    Attributes:
        columns: Names, types and inputs.
    """

    columns: Nodes

    @property
    def names(self) -> Sequence[str]:
        """Op names."""
        return self.columns.names

    @property
    def ops(self) -> Sequence[str]:
        """Op types."""
        return self.columns.types

    @cached_property
    def inputs(self) -> Sequence[Sequence[str]]:
        """Input texts of each op, as ``a``, ``a:1`` or ``^a``."""
        texts = self.columns.inputs
        return [texts[start:stop] for start, stop in pairwise(self.columns.first_input.tolist())]

    def renamed(self, name: Callable[[str], str], op: Callable[[str], str], text: Callable[[str], str]) -> RawNodes:
        """The same ops with other names, types and input texts."""
        columns = self.columns
        types = {op_type: op(op_type) for op_type in columns.type_names}
        return RawNodes(
            Nodes.of_texts(
                names=[name(old) for old in columns.names],
                types=[types[old] for old in columns.types],
                inputs=partial(list, [text(old) for old in columns.inputs]),
                first_input=columns.first_input,
            )
        )


@dataclass(frozen=True, eq=False)
class RawFunction:
    """A library function: its name, the names of its arguments and results, and the ops of its body."""

    name: str
    arguments: Sequence[str]
    results: Sequence[str]
    body: RawNodes


@dataclass(frozen=True, eq=False)
class RawGraph:
    """The merged graph: ops and library functions."""

    nodes: RawNodes
    functions: Sequence[RawFunction]


def merge_graphs(graph_defs: Sequence[GraphDef]) -> RawGraph:
    """Merge the graphs of one tag.

    Args:
        graph_defs: In the order of the trace; none at all gives an empty graph.

    Returns:
        One graph. Its ops stand in the order of ``graph_defs``, as `graphdiag.graphs.op_graph.merge` has them.

    Raises:
        ProducersDifferError: The graphs have different ``versions.producer``.
    """
    graphs = unparsed(graph_defs)
    if len(graphs) == 1:
        library = around_nodes(graphs[0]).library
        return RawGraph(RawNodes(nodes_of(graphs[0])), [_function(function) for function in library.function])
    _check_producers(graphs)
    parts: list[RawNodes] = []
    functions: list[RawFunction] = []
    for number, graph in enumerate(graphs, start=1):
        prefix = f"graph_{number}/".__add__
        parts.append(RawNodes(nodes_of(graph)).renamed(prefix, str, prefix))
        library = around_nodes(graph).library
        functions.extend(_function(function, f"graph_{number}_") for function in library.function)
    return RawGraph(_one_after_the_other(parts), functions)


def _one_after_the_other(parts: Sequence[RawNodes]) -> RawNodes:
    sizes = [np.diff(part.columns.first_input) for part in parts]
    return RawNodes(
        Nodes.of_texts(
            names=[name for part in parts for name in part.names],
            types=[op for part in parts for op in part.ops],
            inputs=partial(list, [text for part in parts for text in part.columns.inputs]),
            first_input=np.cumsum(np.concatenate([np.zeros(1, dtype=np.int64), *sizes])),
        )
    )


def _check_producers(graphs: Sequence[GraphDef | SerializedGraph]) -> None:
    producers = [producer_of(graph) for graph in graphs]
    if len(set(producers)) > 1:
        other = next(number for number, producer in enumerate(producers, start=1) if producer != producers[0])
        raise ProducersDifferError(
            f"TensorBoard does not merge the {len(producers)} graphs of this tag: graph 1 has producer {producers[0]}, "
            f'graph {other} has producer {producers[other - 1]} ("Cannot combine GraphDefs of different versions"); '
            "trace each function under a tag of its own"
        )


def _function(function: FunctionDef, prefix: str = "") -> RawFunction:
    signature = function.signature
    return RawFunction(
        name=prefix + signature.name,
        arguments=[argument.name for argument in signature.input_arg],
        results=[result.name for result in signature.output_arg],
        body=RawNodes(Nodes.of_messages(function.node_def)),
    )
