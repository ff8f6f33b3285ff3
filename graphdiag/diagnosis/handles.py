"""Captured handles: the variables that a traced function takes as arguments, at the root.

``tf.function`` captures a variable by its handle, which becomes an argument of the function. It is named after the op
that reads it, with ``_`` for ``/``: ``model_dense_matmul_readvariableop_resource``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphdiag.diagnosis.model_inputs import FEEDS
from graphdiag.diagnosis.roles import role_of_name
from graphdiag.graphs.node_attributes import DT_RESOURCE, dtype_of
from graphdiag.graphs.op_graph import CONTROL, FunctionBody, OpGraph

if TYPE_CHECKING:
    from graphdiag.diagnosis.context import DiagnosisContext


_OTHER = re.compile(
    r"\w*Iterator\w*|\w*Dataset\w*|\w*LookupTable\w*|\w*HashTable\w*|\w*Queue\w*|\w*Stack\w*|TensorArray\w*"
    r"|\w*Summary\w*|\w*Reader\w*|\w*TreeEnsemble\w*|DeleteSeedGenerator|AnonymousSeedGenerator"
)
"""Types of ops that take a handle of something else than a variable."""


@dataclass(frozen=True)
class CapturedHandles:
    """The handles of a traced function.

    Attributes:
        of_model: Names of the handles that the model's ops read.
        of_training: Names of the handles that the optimizer, a metric or the like reads first.
        readers: For each box of the root, how many of the handles it reads.
    """

    of_model: Sequence[str]
    of_training: Sequence[str]
    readers: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.of_model) + len(self.of_training)


def root_handles(ops: OpGraph) -> Iterator[int]:
    """The arguments of type resource that stand in no name scope.

    Args:
        ops: The op graph.

    Yields:
        Rows of ops.
    """
    for row in ops.rows_of_types(FEEDS.__contains__):
        if "/" not in ops.names[row] and dtype_of(ops.node_defs[row]) == DT_RESOURCE:
            yield row


def captured_handles(context: DiagnosisContext) -> CapturedHandles:
    """Find the handles that stand at the root of a traced function.

    Args:
        context: The diagnosis context.

    Returns:
        The handles, by who reads them.
    """
    ops, roles = context.ops, context.ownership.roles
    order, offsets = ops.by_source
    of_model: list[str] = []
    of_training: list[str] = []
    readers: dict[str, int] = defaultdict(int)
    for row in root_handles(ops):
        name = ops.names[row]
        targets = [
            int(ops.target[edge])
            for edge in order[offsets[row] : offsets[row + 1]].tolist()
            if ops.output[edge] != CONTROL
        ]
        if not targets or not _is_of_variable(context, row):
            continue
        for box in {ops.names[target].partition("/")[0] for target in targets}:
            readers[box] += 1
        # It is named after the op that reads it first; an optimizer reads the model's weights later, to change them.
        first = next((target for target in targets if name.startswith(_flat(ops.names[target]))), targets[0])
        serves = first in roles or _serves_training(ops.names[first])
        (of_training if serves else of_model).append(name)
    return CapturedHandles(of_model, of_training, readers)


def _is_of_variable(context: DiagnosisContext, row: int) -> bool:
    """Whether a handle is a variable's, and not that of an iterator, a table or a queue."""
    return not any(_OTHER.fullmatch(op_type) for op_type in _takers(context.ops, context.ops.functions, row, set()))


def _takers(
    graph: OpGraph, functions: Mapping[str, FunctionBody], row: int, seen: set[tuple[str, int]]
) -> Iterator[str]:
    """The types of the ops that take what an op gives, in functions that are called with it as well."""
    order, offsets = graph.by_source
    for edge in order[offsets[row] : offsets[row + 1]].tolist():
        target = int(graph.target[edge])
        if graph.output[edge] == CONTROL:
            continue
        yield graph.types[target]
        call = graph.node_defs[target].attr
        name = call["f"].func.name if "f" in call else ""
        place = edge - int(graph.in_edges[target])
        if name in functions and place < len(functions[name].arguments) and (name, place) not in seen:
            seen.add((name, place))
            body = functions[name]
            yield from _takers(body.graph, functions, body.arguments[place], seen)


def _flat(name: str) -> str:
    """An op's name as arguments of functions are called after it."""
    return re.sub(r"\W", "_", name).lower()


def _serves_training(name: str) -> bool:
    """Whether an op lies in a scope of an optimizer or the like, at any depth."""
    return any(role_of_name(piece) for piece in name.split("/")[:-1])
