"""The use of variables: which layers read and write those that lie outside of all layers, and which are not weights."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from graphdiag.diagnosis.context import DiagnosisContext, Pair
from graphdiag.diagnosis.crossings import DirectEdge, OpEdge
from graphdiag.diagnosis.dataflow.op_specs import CALLING, UNKNOWN, Kind, op_specs
from graphdiag.diagnosis.ownership import UNOWNED
from graphdiag.diagnosis.state_arrows import is_state
from graphdiag.diagnosis.unowned_scopes import reads_stray_variables
from graphdiag.graphs.node_attributes import dtype_of, functions_of
from graphdiag.graphs.op_graph import CONTROL, FunctionBody, OpGraph
from graphdiag.keras_facts import may_hold_others

NOTHING = "nobody"
"""What a variable belongs to that nothing tracks."""
_RANDOM_NAME = re.compile(r"(?:.*[/_])?(?:seed|seed_generator|seed_generator_state|StateVar)(?:_[0-9]+)?")
"""Names of the states of random generators, of Keras's and of TensorFlow's."""
_STATE_TYPES = frozenset({0, 3, 9, 22, 23})
"""Types of the states of random generators: int32, int64, uint32, uint64, or not recorded."""
REFERENCES = frozenset({"Variable", "VariableV2"})
"""Types of variables of TF 1: whoever takes their output reads them."""
_MOST_STEPS = 256
"""Ops that are passed to see whether all that is read of a variable are seeds."""


@dataclass(frozen=True)
class VariableUse:
    """Who uses a variable that lies outside of all layers.

    Attributes:
        variable: Row of the op that makes it, or stands for its handle.
        reads: For each layer that reads it, in the order of the graph, the op edges on which it does.
        writes: The same for each layer that writes to it.
    """

    variable: int
    reads: Mapping[str, Sequence[OpEdge]]
    writes: Mapping[str, Sequence[OpEdge]]


def uses_of_variables(context: DiagnosisContext) -> Sequence[VariableUse]:
    """Find out which layers use the variables that lie outside of all layers.

    Args:
        context: The diagnosis context.

    Returns:
        For each variable that any layer uses, who does, in the order of the graph.
    """
    stray = reads_stray_variables(context)
    if not stray:
        return []
    ops, owners, of_op = context.ops, context.ownership.owners, context.ownership.of_op
    reads: dict[int, dict[str, list[OpEdge]]] = defaultdict(lambda: defaultdict(list))
    writes: dict[int, dict[str, list[OpEdge]]] = defaultdict(lambda: defaultdict(list))
    order, offsets = ops.by_source
    edges = sorted(edge for row in stray for edge in order[offsets[row] : offsets[row + 1]].tolist())
    for edge in edges:
        source, target, output = int(ops.source[edge]), int(ops.target[edge]), int(ops.output[edge])
        if output == CONTROL or of_op[target] == UNOWNED:
            continue
        carries = context.flow.over(source, output, ops.types[target])
        if not is_state(carries):
            continue
        owner, found = owners[int(of_op[target])], DirectEdge(source, target, output, carries)
        for variable in stray[source]:
            touches = context.flow.touches.get(variable)
            if touches is None:  # the handle of something else, as of a table
                continue
            by_reference = ops.types[variable] in REFERENCES and target not in touches.writers
            if target in touches.writers:
                writes[variable][owner].append(found)
            if target in touches.readers or source != variable or by_reference:
                reads[variable][owner].append(found)
    return [VariableUse(row, reads[row], writes[row]) for row in sorted(reads.keys() | writes.keys())]


def are_tracked(context: DiagnosisContext) -> Mapping[int, bool]:
    """Whether each variable that is known from a live model is looked after, by a layer or by something else."""
    ownership = context.ownership
    return {row: bool(layers) for row, layers in ownership.trackers.items()} | {
        row: what != NOTHING for row, what in ownership.belongs_to.items()
    }


def is_weight(context: DiagnosisContext, variable: int) -> bool:
    """Whether a variable may be a weight: not the model's own, nor a metric's, an optimizer's or a generator's.

    In a live model that is known. Elsewhere a generator's state is known by its name, or by its use: integers of which
    nothing is made but seeds.

    Args:
        context: The diagnosis context.
        variable: Row of the op that makes the variable, or stands for its handle.
    """
    if context.ownership.belongs_to.get(variable, NOTHING) != NOTHING:
        return False
    return _RANDOM_NAME.fullmatch(context.ops.names[variable]) is None and not _Seeds(context.ops, variable).only


class _Seeds:
    """Whether all that is made of a variable are seeds, in functions as well.

    Attributes:
        only: Whether that is so.
    """

    def __init__(self, ops: OpGraph, variable: int) -> None:
        self._ops = ops
        self._waiting: list[tuple[OpGraph, int, bool]] = [(ops, variable, True)]
        self._seen: set[tuple[int, int]] = {(id(ops), variable)}
        self._values: set[tuple[int, int]] = set()
        self._calls: list[tuple[OpGraph, int, FunctionBody]] = []
        self._found = False
        self.only = self._follow() and self._found

    def _follow(self) -> bool:
        while self._waiting:
            graph, row, is_handle = self._waiting.pop()
            order, offsets = graph.by_source
            for edge in order[offsets[row] : offsets[row + 1]].tolist():
                if graph.output[edge] != CONTROL and not self._goes_on(graph, edge, is_handle):
                    return False
            if len(self._seen) > _MOST_STEPS:
                return False
            if not self._waiting:
                self._leave_functions()
        return True

    def _leave_functions(self) -> None:
        """What a function gives back goes on where it was called."""
        for graph, row, body in self._calls:
            if any((id(body.graph), result) in self._values for result, _ in body.results):
                self._note(graph, row, False)

    def _goes_on(self, graph: OpGraph, edge: int, is_handle: bool) -> bool:
        """Whether what goes over an edge is still nothing but a seed; what is to be followed is noted."""
        target = int(graph.target[edge])
        position = edge - int(graph.in_edges[target])
        rule = op_specs().get(graph.types[target], UNKNOWN)
        if rule.kind is Kind.RANDOM:
            self._found = True
            return position not in rule.dimensions
        if rule.kind is Kind.WRITES:
            return True
        if rule.kind in CALLING:
            return self._into_functions(graph, target, position - (rule.kind is Kind.BRANCHES), is_handle)
        if rule.kind is Kind.READS and not _is_state_type(graph, target):
            return False
        if rule.kind not in (Kind.READS, Kind.COMPUTES) or graph.types[target] == "_Retval":
            return False
        self._note(graph, target, is_handle and rule.kind is not Kind.READS)
        return True

    def _into_functions(self, graph: OpGraph, row: int, position: int, is_handle: bool) -> bool:
        names = list(functions_of(graph.node_defs[row]))
        if not names or position < 0 or any(name not in self._ops.functions for name in names):
            return False
        for name in names:
            body = self._ops.functions[name]
            if position >= len(body.arguments):
                return False
            self._calls.append((graph, row, body))
            self._note(body.graph, body.arguments[position], is_handle)
        return True

    def _note(self, graph: OpGraph, row: int, is_handle: bool) -> None:
        if (id(graph), row) not in self._seen:
            self._seen.add((id(graph), row))
            self._waiting.append((graph, row, is_handle))
            if not is_handle:
                self._values.add((id(graph), row))


def _is_state_type(graph: OpGraph, row: int) -> bool:
    return dtype_of(graph.node_defs[row]) in _STATE_TYPES


def pairs_in_file(context: DiagnosisContext, use: VariableUse) -> tuple[Sequence[Pair], Sequence[Pair]]:
    """The layers that share a variable, where nothing is on record of who tracks it.

    A ``Lambda`` tracks nothing, and Keras's own layers use their own variables only. A wrapper, or a layer of the
    user's own, may hold the layer whose variable it uses, and is right to use it then.

    Args:
        context: The case.
        use: Who uses the variable.

    Returns:
        Pairs of the layer whose variable it is taken to be and one that shares it without being able to hold it; and
        pairs of which one may hold the other.
    """
    assert context.layers is not None
    known = context.layers.layers
    readers = [layer for layer in apart(context, use.reads) if layer in known]
    if not readers:
        return [], []
    tracking = [layer for layer in readers if known[layer].class_name != "Lambda"] or readers
    # The variable is that of a layer which holds no other, if there is one.
    owner = next((layer for layer in tracking if not may_hold_others(known[layer].class_name)), tracking[0])
    hidden: list[Pair] = []
    unclear: list[Pair] = []
    for other in readers:
        classes = [known[owner].class_name, known[other].class_name]
        if other != owner:
            is_clear = "Lambda" in classes or not any(map(may_hold_others, classes))
            (hidden if is_clear else unclear).append((owner, other))
    return hidden, unclear


def apart(context: DiagnosisContext, layers: Iterable[str]) -> Sequence[str]:
    """Layers, of those that are one in several models only the first."""
    found: dict[str, str] = {}
    for layer in layers:
        found.setdefault(context.same_layer.get(layer, layer), layer)
    return list(found.values())


def sharing_in_file(context: DiagnosisContext) -> Sequence[tuple[str, Pair]]:
    """Variables of a file that two layers share of which one may hold the other: their names, with the layers."""
    if context.layers is None or context.explained is None or context.ownership.recorded:
        return []
    shared = [
        (use.variable, pair) for use in uses_of_variables(context) for pair in pairs_in_file(context, use)[1]
    ] + list(context.explained.perhaps_held)
    return [(context.ops.names[variable], pair) for variable, pair in shared if is_weight(context, variable)]
