"""Cut out of a graph what some tensors need, ready to be run by TensorFlow.

Ops are renamed after their rows, so that no name in a log can mean anything to TensorFlow. Devices and attributes that
only place or describe an op are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.dataflow.flow import Carries
from graphdiag.diagnosis.dataflow.op_specs import UNKNOWN, VARIABLES, Kind, op_specs
from graphdiag.diagnosis.model_inputs import FEEDS
from graphdiag.execution.permitted import functions_called, refused_rows
from graphdiag.execution.tensors import ALL_OUTPUTS, Crossing
from graphdiag.execution.variables import Shape, behind_handle, shapes_of
from graphdiag.graphs.node_attributes import dtype_of
from graphdiag.graphs.op_graph import CONTROL, OpGraph, merge

if TYPE_CHECKING:
    from tensorboard.compat.proto.graph_pb2 import GraphDef

_DT_VARIANT = 21


@dataclass(frozen=True)
class Fed:
    """Something that is given a value from outside: a model input, a flag, or what a variable holds.

    Attributes:
        name: Name of the op in the graph of the job.
        dtype: As TensorFlow numbers the types.
        shape: Its shape.
        called: Its name in the user's graph.
        optional: Whether the graph has a default for it.
    """

    name: str
    dtype: int
    shape: Shape
    called: str
    optional: bool = False


@dataclass(frozen=True)
class Fetched:
    """A tensor, or several that are looked at together.

    Attributes:
        tensors: Names of tensors (``row_7:0``), and of ops all outputs of which are meant (``row_7``).
        writers: Names of ops that run before.
    """

    tensors: tuple[str, ...]
    writers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Job:
    """A graph to run, and what to look at.

    Attributes:
        graph: The serialized ``GraphDef``.
        fetched: What is looked at.
        inputs: The model's inputs.
        needed: Names of those that what is looked at depends on.
        flags: Other feeds.
        variables: The variables.
        changed: What differs from run to run: ``inputs`` or ``variables``.
        to_differ: Whether a difference is looked for, or its absence.
    """

    graph: bytes
    fetched: tuple[Fetched, ...]
    inputs: tuple[Fed, ...]
    needed: tuple[str, ...]
    flags: tuple[Fed, ...]
    variables: tuple[Fed, ...]
    changed: str
    to_differ: bool


class NotRunnable(Exception):  # noqa: N818
    """The graph cannot be run; the message says why."""


def name_of(row: int) -> str:
    """Name of a row in the graph of a job."""
    return f"row_{row}"


class Part:
    """One of the graphs of a source, and what may be run of it.

    Args:
        context: The context, whose op graph holds this graph's ops from row ``first`` on.
        graph_def: The graph.
        first: Row of its first op.
    """

    def __init__(self, context: DiagnosisContext, graph_def: GraphDef, first: int) -> None:
        self.rows = range(first, first + len(graph_def.node))
        self._library = graph_def.library
        self._producer = graph_def.versions.producer
        self._first = first
        self.ops: OpGraph = context.ops if len(graph_def.node) == len(context.ops) else merge([graph_def])
        self._sort_feeds(context)
        self._refused = refused_rows(self.ops, self._replaced)

    def _sort_feeds(self, context: DiagnosisContext) -> None:
        """Model inputs, flags and captured variables; and iterators, whose elements are fed like model inputs."""
        self._inputs: set[int] = set()
        self._flags: set[int] = set()
        self._handles: set[int] = set()
        self._iterators: set[int] = set()
        for row, op_type in enumerate(self.ops.types):
            if op_type in FEEDS:
                carries = context.flow.values[row + self._first]
                if carries & Carries.HANDLE:
                    self._handles.add(row)
                elif carries & Carries.FLAG:
                    self._flags.add(row)
                else:
                    self._inputs.add(row)
            elif (
                op_specs().get(op_type, UNKNOWN).kind is Kind.OUTSIDE and "output_types" in self.ops.node_defs[row].attr
            ):
                self._iterators.add(row)
        self._optional = {row for row in self._flags if self.ops.types[row] == "PlaceholderWithDefault"}
        self._replaced = self._inputs | self._handles | self._iterators | self._flags - self._optional

    def reason_against(self, crossing: Crossing) -> str:
        """Why a crossing's tensor must not be computed, in words that follow ``the graph would``; empty if it may."""
        rows = [*(row for row, _ in crossing.outputs), *crossing.writers]
        return next((self._refused[row - self._first] for row in rows if row - self._first in self._refused), "")

    def job(self, crossings: Sequence[Crossing], changed: str, to_differ: bool) -> Job:
        """The graph that some tensors need.

        Args:
            crossings: Their crossings, all of this graph.
            changed: What is to differ from run to run: ``inputs`` or ``variables``.
            to_differ: Whether a difference is looked for, or its absence.

        Returns:
            The job.

        Raises:
            NotRunnable: A variable's shape or type is not recorded.
        """
        from tensorboard.compat.proto.graph_pb2 import GraphDef

        wanted = [row for crossing in crossings for row in (*(row for row, _ in crossing.outputs), *crossing.writers)]
        needed = self._needed(row - self._first for row in wanted)
        # The model's inputs are fed even where nothing depends on them: that is what is to be shown.
        kept = sorted(needed | {row for row in self._inputs if dtype_of(self.ops.node_defs[row]) != _DT_VARIANT})
        graph = GraphDef()
        graph.versions.producer = self._producer
        for row in kept:
            self._add(graph, row)
        self._add_functions(graph, kept)
        inputs = {row: self._fed(row) for row in kept if row in self._inputs | self._iterators}
        return Job(
            graph=graph.SerializeToString(),
            fetched=tuple(self._fetched(crossing) for crossing in crossings),
            inputs=tuple(fed for feds in inputs.values() for fed in feds),
            needed=tuple(fed.name for row, feds in inputs.items() if row in needed for fed in feds),
            flags=tuple(fed for row in kept if row in self._flags for fed in self._fed(row)),
            variables=tuple(
                self._variable(row) for row in kept if row in self._handles or self.ops.types[row] in VARIABLES
            ),
            changed=changed,
            to_differ=to_differ,
        )

    def _needed(self, rows: Iterable[int]) -> set[int]:
        found = set(rows)
        waiting = list(found)
        while waiting:
            row = waiting.pop()
            if row in self._replaced:
                continue
            edges = slice(int(self.ops.in_edges[row]), int(self.ops.in_edges[row + 1]))
            for origin in self.ops.source[edges].tolist():
                if origin not in found:
                    found.add(origin)
                    waiting.append(origin)
        return found

    def _fetched(self, crossing: Crossing) -> Fetched:
        names = tuple(
            name_of(row - self._first) if slot == ALL_OUTPUTS else self._tensor(row - self._first, slot)
            for row, slot in crossing.outputs
        )
        return Fetched(names, tuple(name_of(row - self._first) for row in crossing.writers))

    def _tensor(self, row: int, slot: int) -> str:
        return f"{name_of(row)}_{slot}:0" if row in self._iterators else f"{name_of(row)}:{slot}"

    # --- the graph ---------------------------------------------------------------------------------------------------

    def _add(self, graph: GraphDef, row: int) -> None:
        """An op as it is, or what stands for it: a placeholder for what is fed, a variable for a captured one."""
        if row in self._iterators or (row in self._replaced and row not in self._handles):
            for fed in self._fed(row):
                graph.node.add(name=fed.name, op="Placeholder").attr["dtype"].type = fed.dtype
            return
        if row in self._handles:
            held = self._variable(row)
            node = graph.node.add(name=held.name, op="VarHandleOp")
            node.attr["dtype"].type = held.dtype
            node.attr["shape"].shape.SetInParent()
            for size in held.shape or ():
                node.attr["shape"].shape.dim.add(size=size)
            node.attr["shared_name"].s = f"captured_{row}".encode()
            return
        node = graph.node.add()
        node.CopyFrom(self.ops.node_defs[row])
        node.name = name_of(row)
        node.ClearField("device")
        del node.input[:]
        controls = []
        for edge in range(int(self.ops.in_edges[row]), int(self.ops.in_edges[row + 1])):
            origin, slot = int(self.ops.source[edge]), int(self.ops.output[edge])
            if slot == CONTROL:
                # What is fed is there from the beginning.
                controls += [] if origin in self._iterators else [f"^{name_of(origin)}"]
            else:
                node.input.append(self._tensor(origin, slot))
        node.input.extend(controls)

    def _add_functions(self, graph: GraphDef, rows: Iterable[int]) -> None:
        """The library functions that some ops call, directly or by way of others."""
        waiting = [
            name
            for row in rows
            if row not in self._replaced
            for name in functions_called(self.ops.node_defs[row], self.ops.types[row], self.ops)
        ]
        found: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in found or name not in self.ops.functions:
                continue
            found.add(name)
            body = self.ops.functions[name].graph
            for node, op_type in zip(body.node_defs, body.types, strict=True):
                waiting += functions_called(node, op_type, self.ops)
        for function in self._library.function:
            if function.signature.name in found:
                graph.library.function.add().CopyFrom(function)

    # --- what is given values ----------------------------------------------------------------------------------------

    def _fed(self, row: int) -> Sequence[Fed]:
        """The feeds that stand for a row: one, or for an iterator one for each element."""
        node, called = self.ops.node_defs[row], self.ops.names[row]
        if row not in self._iterators:
            shapes = shapes_of(node)
            shape = shapes[0] if shapes else None
            return [Fed(name_of(row), dtype_of(self.ops.node_defs[row]), shape, called, row in self._optional)]
        types = node.attr["output_types"].list.type
        shapes = shapes_of(node) or [None] * len(types)
        return [
            Fed(f"{name_of(row)}_{slot}", dtype, shape, called)
            for slot, (dtype, shape) in enumerate(zip(types, shapes, strict=False))
        ]

    def _variable(self, row: int) -> Fed:
        node, called = self.ops.node_defs[row], self.ops.names[row]
        if row in self._handles:
            dtype, shape = behind_handle(self.ops, row)
        else:
            shapes = shapes_of(node)
            dtype, shape = node.attr["dtype"].type, shapes[0] if shapes else None
        if not dtype:
            raise NotRunnable(f"nothing in the graph says what is behind {called}")
        if shape is None or -1 in shape:
            raise NotRunnable(f"nothing in the graph says what shape the variable {called} has")
        return Fed(name_of(row), dtype, shape, called)
