"""Which tensors a finding is about: for each op edge of its evidence, the tensor that arrives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.dataflow.liveness import evaluation_order, loop_depths
from graphdiag.diagnosis.dataflow.op_specs import UNKNOWN, Kind, op_specs
from graphdiag.diagnosis.finding import Evidence
from graphdiag.diagnosis.model_inputs import FEEDS
from graphdiag.graphs.node_attributes import DT_RESOURCE, dtype_of
from graphdiag.graphs.op_graph import CONTROL, OpGraph, OutputSlot

ALL_OUTPUTS = OutputSlot(-1)
"""In the place of an output slot: every output of the op."""

NO_TENSOR = "a control dependency carries no tensor to compare"


@dataclass(frozen=True)
class Crossing:
    """One op edge between two layers, and the tensor to look at.

    Attributes:
        taker: Owner of the op that takes the tensor.
        name: What the tensor is called in a message.
        outputs: ``(row, slot)`` of what is compared; slot `ALL_OUTPUTS` for every output of the op.
        writers: Rows that run before it is looked at, because they store what it is read from.
        reason: Why it cannot be looked at; empty when it can.
        control: Whether the edge is a control dependency, which carries no tensor.
    """

    taker: str
    name: str
    outputs: tuple[tuple[int, int], ...] = ()
    writers: tuple[int, ...] = ()
    reason: str = ""
    control: bool = False


class Tensors:
    """Finds the tensors on the crossings of a diagnosis context.

    Args:
        context: The diagnosis context.
    """

    def __init__(self, context: DiagnosisContext) -> None:
        self._context = context
        self._depths: Mapping[int, int] | None = None

    def on(self, evidence: Evidence) -> Crossing:
        """The tensor that arrives over an op edge.

        An op that only reads dimensions, and one that reads a variable by its handle, is judged by what it gives: a
        shape may be all that it takes, and a handle is not a tensor.

        Args:
            evidence: The op edge.

        Returns:
            What to look at, or why it cannot be done.
        """
        ops = self._context.ops
        absent = [name for name in (evidence.source, *evidence.through, evidence.target) if name not in ops.index]
        if absent:
            return Crossing(evidence.target, evidence.source, reason=f"the graph has no op {absent[0]}")
        target = ops.index[evidence.target]
        taker = self._context.ownership.owner(target) or evidence.target
        way = [ops.index[evidence.source], *(ops.index[name] for name in evidence.through)]
        if evidence.control:
            return Crossing(taker, evidence.source, reason=NO_TENSOR, control=True)
        slots = _slots(ops, way[-1], target)
        writers = tuple(
            row for row, onward in zip(way, [*way[1:], target], strict=True) if not _slots(ops, row, onward)
        )
        rule = op_specs().get(evidence.target_type, UNKNOWN)
        measures = rule.kind in (Kind.SHAPE_OF, Kind.SHAPED_CONSTANT) and not rule.handles
        if not slots or measures or (self._is_handle(way[-1]) and rule.kind is Kind.READS):
            outputs: tuple[tuple[int, int], ...] = ((target, ALL_OUTPUTS),)
            name = evidence.target
        elif self._is_handle(way[-1]):
            reason = f"{ops.names[way[-1]]} is a handle, and {evidence.target} does more than read what is behind it"
            return Crossing(taker, ops.names[way[-1]], reason=reason)
        else:
            chosen = slots if len(way) > 1 else [evidence.output]
            outputs = tuple((way[-1], slot) for slot in chosen)
            name = ops.names[way[-1]]
        if any(self._in_loop(row) for row in (outputs[0][0], *writers)):
            return Crossing(taker, name, reason=f"{name} is inside a loop, from where TensorFlow gives out no tensor")
        return Crossing(taker, name, outputs, writers)

    def _is_handle(self, row: int) -> bool:
        ops = self._context.ops
        if ops.types[row] in FEEDS:
            return dtype_of(ops.node_defs[row]) == DT_RESOURCE
        return op_specs().get(ops.types[row], UNKNOWN).kind is Kind.HANDLE

    def _in_loop(self, row: int) -> bool:
        ops = self._context.ops
        if self._depths is None:
            of_row = [op_specs().get(op_type, UNKNOWN) for op_type in ops.types]
            self._depths = loop_depths(ops, of_row, evaluation_order(ops))
        return self._depths.get(row, 0) > (ops.types[row] in ("Exit", "RefExit"))


def _slots(ops: OpGraph, source: int, target: int) -> list[int]:
    """Output slots by which one op gives another its tensors."""
    edges = range(int(ops.in_edges[target]), int(ops.in_edges[target + 1]))
    return sorted({int(ops.output[edge]) for edge in edges if ops.source[edge] == source} - {CONTROL})
