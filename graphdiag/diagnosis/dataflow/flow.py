"""Flow: what every tensor of an op graph carries, computed once, linear in ops and edges.

For every op two sets are kept: what the *values* of its output depend on, and what the *shape* of its output depends
on. Both are sets of classes (`Carries`), stored as bits of an integer. How an op's sets come from those of its inputs
is the business of `graphdiag.diagnosis.dataflow.op_specs`. What is followed, and where:

- control flow of TF 1 (``Switch``, ``Merge``, ``Enter`` ...): a fixed point over the cycles. What decides which input
  of a ``Merge`` is alive counts among its inputs, so a branch of constants still carries its predicate;
- functional control flow of TF 2: one summary for each library function, which says for every result on which
  arguments it depends; recursion is a fixed point over the summaries;
- state: what is assigned to a variable, pushed on a stack or put into a queue comes out where it is read, unless the
  read provably comes before the write;
- an op type that is not in the table passes everything on.

So a class may be reported that does not really flow, never the other way round. What a TF 1 variable holds is taken
to be read where its reference is taken: TensorFlow leaves open whether a later write shows through.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from graphdiag.diagnosis.dataflow.classes import CLASS_BITS, DATA, FLAG, HANDLE, Carries, Dependencies, named
from graphdiag.diagnosis.dataflow.fixpoint import FixpointSolver, solve_body
from graphdiag.diagnosis.dataflow.functions import FunctionSummaries
from graphdiag.diagnosis.dataflow.graph_view import rows_of_kind
from graphdiag.diagnosis.dataflow.op_specs import UNKNOWN, Kind, Outside, op_specs
from graphdiag.diagnosis.dataflow.states import Touches
from graphdiag.graphs.node_attributes import DT_BOOL, DT_RESOURCE, dtype_of
from graphdiag.graphs.op_graph import CONTROL, OpGraph

if TYPE_CHECKING:
    from tensorboard.compat.proto.node_def_pb2 import NodeDef

__all__ = ["CLASS_BITS", "LEARNING_PHASE", "Carries", "Flow", "is_scalar", "trace"]

_LAST_WITHOUT_RANKS = 21
LEARNING_PHASE = re.compile(r"(?:.*/)?keras_learning_phase(?:_[0-9]+)?")
"""Name of the flag by which Keras 2 tells training from inference."""


@dataclass(frozen=True)
class Flow:
    """What each op's outputs carry.

    Attributes:
        values: For each row, what the values of the op's output depend on: bits of `Carries`.
        shapes: For each row, what the shape of the output depends on.
        slots: For rows with results of their own for each output slot (calls, branches, loops): one ``(values,
            shapes)`` a slot.
        pivots: Rows that are alive or dead by a predicate (inside a TF 1 conditional or loop), with what the
            predicate carries.
        stores: ``(writer, reader)`` rows, where the writer stores activations, in a variable, say, and the reader may
            find them there.
        stores_for_next_call: The same, where the reader comes before the writer and so finds what was stored in the
            call before.
        stored_in: For each pair of these the row that makes the state, or stands for its handle; ``None`` for what lies
            outside of the graph, and where it is not clear which it is.
        runs_code: Rows of ops that may run code outside of the graph, in a function's body or themselves.
        touches: For each row that makes or stands for the handle of a variable, or is a reference to one, the rows
            that read the variable and those that write to it.
        python: The tokens of the Python functions that a row calls, itself or in a function's body, where the code of
            some is known.
    """

    values: Sequence[int]
    shapes: Sequence[int]
    slots: Mapping[int, Sequence[Dependencies]]
    pivots: Mapping[int, int]
    stores: Sequence[tuple[int, int]] = ()
    stores_for_next_call: Sequence[tuple[int, int]] = ()
    stored_in: Mapping[tuple[int, int], int | None] = field(default_factory=dict)
    runs_code: frozenset[int] = frozenset()
    touches: Mapping[int, Touches] = field(default_factory=dict)
    python: Mapping[int, Collection[str]] = field(default_factory=dict)

    @cached_property
    def classes(self) -> np.ndarray:
        """As `values`, to be asked about all rows at once; int64."""
        return np.frombuffer(bytes(self.values), dtype=np.uint8).astype(np.int64)

    def over(self, row: int, slot: int, target_type: str, target: int | None = None) -> Carries:
        """What flows out of ``row`` at ``slot`` into an op of type ``target_type``.

        For a control dependency: what decides whether it fires, and between two ops that may run code outside of the
        graph all that the first one has. An op that only reads dimensions takes the shape of its input and nothing
        else. Whether the tensor comes at all is part of what flows. The shape of what itself varies is not named.

        Args:
            row: Row of the op that gives the tensor.
            slot: Its output, `CONTROL` for a control dependency.
            target_type: Type of the op that takes it.
            target: Row of that op, where there is one: whether it may run code can depend on the functions it calls.
        """
        decided = self.pivots.get(row, 0)
        spec = op_specs().get(target_type, UNKNOWN)
        if slot == CONTROL:
            # What Python code was given, other such code may find, if it waits for it.
            runs_code = spec.outside is Outside.BOTH or target in self.runs_code
            return named(decided | (self.values[row] if runs_code and row in self.runs_code else 0))
        values, shapes = self.of_output(row, slot)
        if spec.kind in (Kind.SHAPE_OF, Kind.SHAPED_CONSTANT) and not spec.handles:
            values = shapes
        return named(values | decided)

    def of_output(self, row: int, slot: int) -> Dependencies:
        """What the values and the shape of one output depend on."""
        slots = self.slots.get(row)
        return slots[slot] if slots is not None and 0 <= slot < len(slots) else (self.values[row], self.shapes[row])


def trace(
    graph: OpGraph,
    model_inputs: Collection[int],
    scalars_are_flags: bool = True,
    python_code: Mapping[str, tuple[bool, bool, Sequence[str]]] | None = None,
) -> Flow:
    """Compute what every tensor of the graph carries.

    Args:
        graph: The op graph.
        model_inputs: Rows of the feeds that are inputs of the model. Their values are activations, their shapes are
            shape.
        scalars_are_flags: Whether a scalar feed that is not a model input is a flag. False when the model has inputs
            that were not found among the feeds: then any feed but a bool may be one of them.
        python_code: Of each Python function that the graph calls, by its token, whether it may find anything outside of
            its arguments, whether it may keep anything there, and the names of the variables that it may use. One that
            is not known may do both.

    Returns:
        The flow of the whole graph.
    """
    feeds = {row: _feed(graph, row, row in model_inputs, scalars_are_flags) for row in rows_of_kind(graph, Kind.FEED)}
    solver = FixpointSolver(graph, feeds, FunctionSummaries(graph, python_code or {}, solve_body))
    solver.run()
    stores, later = solver.states.activations_stored()
    return Flow(
        values=bytes(solver.values[:-1]),
        shapes=bytes(solver.shapes[:-1]),
        slots=solver.slots,
        pivots=solver.pivots(),
        stores=tuple(stores),
        stores_for_next_call=tuple(later),
        stored_in={**later, **stores},
        runs_code=solver.runs_code(),
        touches=solver.states.touches(),
        python={row: solver.tokens(row) for row in solver.rows_with_python()} if python_code else {},
    )


def _feed(graph: OpGraph, row: int, is_model_input: bool, scalars_are_flags: bool) -> Dependencies:
    if is_model_input:
        return DATA
    node = graph.node_defs[row]
    dtype = dtype_of(node)
    if dtype == DT_RESOURCE:
        return HANDLE, 0
    if _is_scalar(graph, row, node) and (scalars_are_flags or dtype == DT_BOOL):
        return FLAG, 0
    return DATA


def is_scalar(graph: OpGraph, row: int) -> bool:
    """Whether the graph records that the feed in this row has rank 0. An unknown rank is not rank 0.

    Up to producer 21 (TensorFlow 1.0) a ``Placeholder`` without dimensions has any shape (the shape function of
    ``Placeholder`` in TensorFlow's ``core/ops/array_ops.cc``). Of those only Keras's own flag is known to be a scalar.
    A graph that does not record its producer, as many frozen ones do not, may be as old.
    """
    return _is_scalar(graph, row, graph.node_defs[row])


def _is_scalar(graph: OpGraph, row: int, node: NodeDef) -> bool:
    attributes = node.attr
    if "shape" in attributes:
        unrecorded = not attributes["shape"].shape.dim and graph.types[row] == "Placeholder"
        if unrecorded and graph.producer <= _LAST_WITHOUT_RANKS:
            return dtype_of(node) == DT_BOOL and LEARNING_PHASE.fullmatch(graph.names[row]) is not None
        shape = attributes["shape"].shape
        return not shape.unknown_rank and not shape.dim
    if "_output_shapes" in attributes:
        shapes = attributes["_output_shapes"].list.shape
        return len(shapes) == 1 and not shapes[0].unknown_rank and not shapes[0].dim
    return False
