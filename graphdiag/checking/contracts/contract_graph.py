"""The graph on which a contract holds, and the shortest paths in it.

There are three:

- ``layer``: the calls of the layers, and the tensors that Keras gives to each;
- ``op``: the ops, each with the layer that owns it, and the op edges that carry activations. A call that hands on its
  input, as that of a ``Dropout`` for inference, and an edge that only Keras has, are added from the layer graph;
- ``drawn``: what TensorBoard shows at the top level, with all its arrows.

On the first two a path is one that a tensor can really take: where two towers share a layer, what one tower gives it
does not come out in the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from weakref import WeakKeyDictionary

from graphdiag.checking.contracts.options import MissingGraphError, choice
from graphdiag.checking.contracts.patterns import Node
from graphdiag.diagnosis.calls import Tensor
from graphdiag.diagnosis.context import DiagnosisContext, Pair
from graphdiag.diagnosis.dataflow.classes import ACTIVATION
from graphdiag.diagnosis.dataflow.flow import Carries
from graphdiag.errors import ConfigError
from graphdiag.graphs.drawn_graph import ROOT
from graphdiag.graphs.layer_graph import LayerGraph
from graphdiag.results.check_report import Link
from graphdiag.results.report import Report

LAYER, OP, DRAWN = "layer", "op", "drawn"
read_graph = choice(LAYER, OP, DRAWN)
"""Reads the option ``graph``."""

Chain = tuple[Link, ...]


@dataclass(frozen=True, eq=False)
class ContractGraph:
    """Rows, the nodes that own them, and the edges between rows.

    In the layer graph and the drawn graph each node has one row; in the op graph rows are ops.

    Attributes:
        nodes: What the sets of a contract may name, by id.
        owners: The node of each row; ``None`` for ops of no layer.
        edges: ``(source row, target row)``.
        direct: Pairs of nodes with an edge from one to the other, each once.
        link: The step from a node to the next, by the rows of a path.
        step: The step along an edge of ``direct``.
        later: Pairs of nodes between which activations flow from one call of the model to the next one only, through a
            variable, say, that is read before it is written.
    """

    nodes: Mapping[str, Node]
    owners: Sequence[str | None]
    edges: Sequence[tuple[int, int]]
    direct: Sequence[Pair]
    link: Callable[[Sequence[int]], Link]
    step: Callable[[str, str], Link]
    later: Sequence[Pair] = ()

    def paths(self, sources: Collection[str], targets: Collection[str], avoid: Collection[str] = ()) -> Iterator[Chain]:
        """The shortest paths from some nodes to others.

        Args:
            sources: Where they start.
            targets: Where they end.
            avoid: Nodes through which they do not lead.

        Yields:
            One path for each source from which a path leads to a target without meeting another source: in the order
            of the nodes.
        """
        found, step = self._towards(frozenset(sources), frozenset(targets), frozenset(avoid))
        for node in self.nodes:
            if node in found:
                yield self._path(found[node], step)

    def reaching(self, targets: Collection[str]) -> frozenset[str]:
        """The nodes from which a path leads to any of some nodes; those included."""
        _, step = self._towards(frozenset(), frozenset(targets), frozenset())
        return frozenset(owner for row in step if (owner := self.owners[row]) is not None)

    def _towards(
        self, sources: frozenset[str], targets: frozenset[str], avoid: frozenset[str]
    ) -> tuple[dict[str, int], dict[int, int]]:
        """Search back from the targets, those rows first that are fewest nodes away, then fewest rows.

        Returns:
            For each source the row from which a path leads on; and for each row that was met the next one.
        """
        found: dict[str, int] = {}
        step: dict[int, int] = {}
        level = [(row, row) for row, owner in enumerate(self.owners) if owner in targets]
        while level:
            one_node_more: list[tuple[int, int]] = []
            for row, onward in level:  # it grows while it is walked
                if row in step:
                    continue
                owner = self.owners[row]
                step[row] = onward
                if owner in sources:
                    found.setdefault(owner or "", row)
                    continue
                for before in self._before.get(row, ()):
                    origin = self.owners[before]
                    if before in step or origin in avoid or origin in targets:
                        continue
                    same = origin is None or origin == owner
                    (level if same else one_node_more).append((before, row))
            level = one_node_more
        return found, step

    @cached_property
    def _before(self) -> Mapping[int, Sequence[int]]:
        before: dict[int, list[int]] = defaultdict(list)
        for source, target in self.edges:
            before[target].append(source)
        return before

    def _path(self, row: int, step: Mapping[int, int]) -> Chain:
        links = []
        rows = [row]
        while step[rows[-1]] != rows[-1]:
            following = step[rows[-1]]
            owner = self.owners[following]
            rows.append(following)
            if owner is None:
                continue
            if owner != self.owners[rows[0]]:
                links.append(self.link(rows))
            rows = [following]
        return tuple(links)


def contract_graph(report: Report, graph: str = "", *, sure: bool = False) -> ContractGraph:
    """The graph on which a contract holds.

    Args:
        report: The report on the model.
        graph: ``layer``, ``op`` or ``drawn``; when it is empty, the op graph where there is one that has ops, the
            layer graph otherwise.
        sure: Whether edges between ops are wanted that really are there. By default an edge of the layer graph that
            the op graph does not show between two layers with ops is taken to be there, so that no contract about
            what may not be is kept only because it cannot be seen.

    Raises:
        ConfigError: The source has no such graph.
    """
    graph = graph or (OP if report.op_graph is not None and len(report.op_graph) else LAYER)
    made = _made.setdefault(report, {})
    if (graph, sure) not in made:
        made[graph, sure] = _make(report, graph, sure)
    return made[graph, sure]


_made: WeakKeyDictionary[Report, dict[tuple[str, bool], ContractGraph]] = WeakKeyDictionary()
"""What contracts have asked for: several ask for the same graph."""


def _make(report: Report, graph: str, sure: bool) -> ContractGraph:
    if graph == LAYER:
        if report.layer_graph is None:
            raise MissingGraphError("the source has no layer graph; give the model one with the key 'model'.")
        return _of_layers(report.layer_graph)
    if graph == DRAWN:
        if report.drawn_graph is None:
            raise MissingGraphError("the source has no op graph that TensorBoard draws, so there is no drawn graph.")
        return _of_drawn(report)
    if report.op_graph is None:
        raise MissingGraphError("the source has no op graph.")
    if report.context is None:
        raise ConfigError("a saved report does not say what flows from op to op; compare the source again.")
    return _of_ops(report.context, sure)


def nodes_of(layers: LayerGraph) -> dict[str, Node]:
    """The layers of a layer graph, as a set may name them."""
    return {
        id_: Node(id_, layer.class_name, tuple("/".join(layer.path[:depth]) for depth in range(1, len(layer.path) + 1)))
        for id_, layer in layers.layers.items()
    }


def ids_of(report: Report, id_: str) -> Sequence[str]:
    """The ids of a layer: those of one layer that several nested models have, in Keras's order; else its own."""
    same = report.context.same_layer if report.context else {}
    first = same.get(id_)
    if first is None or report.layer_graph is None:
        return [id_]
    return [other for other in report.layer_graph.layers if same.get(other) == first]


def uses_of(report: Report, id_: str) -> int:
    """How often a layer is called: by all models that have it, and in each of their own calls."""
    assert report.layer_graph is not None
    return sum(report.layer_graph.uses(other) for other in ids_of(report, id_))


def _of_layers(layers: LayerGraph) -> ContractGraph:
    """Each call of a layer is a row: what one call of a shared layer is given does not come out of another."""
    if not layers.tensors:
        return _plain(nodes_of(layers), layers.edges)
    calls: dict[tuple[str, int], int] = {}
    edges: dict[tuple[int, int], None] = {}
    for edge in layers.tensors:
        source = calls.setdefault((edge.source.layer, edge.source.call), len(calls))
        edges[source, calls.setdefault((edge.target, edge.call), len(calls))] = None
    called = {layer for layer, _ in calls}
    owners = [*(layer for layer, _ in calls), *(id_ for id_ in layers.layers if id_ not in called)]
    return ContractGraph(
        nodes_of(layers),
        owners,
        list(edges),
        layers.edges,
        lambda chain: Link(owners[chain[0]], owners[chain[-1]]),
        Link,
    )


def _of_drawn(report: Report) -> ContractGraph:
    drawn = report.drawn_graph
    assert drawn is not None
    layers = report.layer_graph.layers if report.layer_graph else {}
    nodes = {}
    for name in drawn.children(ROOT):
        class_name = layers[name].class_name if name in layers else drawn.node(name).op or ""
        nodes[name] = Node(name, class_name)
    arrows = [(edge.source, edge.target) for edge in drawn.edges(ROOT)]
    return _plain(nodes, [arrow for arrow in arrows if arrow[0] in nodes and arrow[1] in nodes])


def _plain(nodes: Mapping[str, Node], edges: Iterable[Pair]) -> ContractGraph:
    """Nodes that are rows."""
    ids = list(nodes)
    rows = {id_: row for row, id_ in enumerate(ids)}
    pairs = list(dict.fromkeys(edges))
    return ContractGraph(
        nodes,
        ids,
        [(rows[source], rows[target]) for source, target in pairs],
        pairs,
        lambda path: Link(ids[path[0]], ids[path[-1]]),
        Link,
    )


# --- the op graph ----------------------------------------------------------------------------------------------------


def _of_ops(context: DiagnosisContext, sure: bool) -> ContractGraph:
    owners: list[str | None] = [context.ownership.owner(row) for row in range(len(context.ops))]
    edges = list(_activations(context, sure))
    _add_identity_calls(context, owners, edges)
    if not sure:
        _add_undrawn_edges(context, owners, edges)
    steps = _Steps(context, owners)
    direct, later = _direct(context)
    return ContractGraph(_owning_nodes(context), owners, edges, direct, steps.along, steps.between, later)


def _owning_nodes(context: DiagnosisContext) -> dict[str, Node]:
    if context.layers is None:
        return {owner: Node(owner) for owner in context.ownership.owners}
    nodes = nodes_of(context.layers)
    for id_, model in context.layers.nested.items():
        # What a nested model computes itself, between its layers.
        around = tuple("/".join(model.path[:depth]) for depth in range(1, len(model.path) + 1))
        nodes[id_] = Node(id_, model.class_name, (*around, id_))
    return nodes


def _activations(context: DiagnosisContext, in_one_call: bool) -> Iterator[tuple[int, int]]:
    """The op edges over which activations flow. What training, saving and initializing do is not part of the model.

    What one call of the model stores for the next one counts, unless only what flows in one call is wanted.
    """
    ops, flow, roles = context.ops, context.flow, context.ownership.roles
    # An Assign without an owner counts as initialization; not so when it is activations that it stores.
    stores = (*flow.stores, *(() if in_one_call else flow.stores_for_next_call))
    storing = {writer for writer, _ in flow.stores if roles.get(writer) == "initialization"}
    outside = roles.keys() - storing
    types = ops.types
    for source, target, output in zip(ops.source.tolist(), ops.target.tolist(), ops.output.tolist(), strict=True):
        if source in outside or target in outside:
            continue
        if flow.over(source, output, types[target]) & Carries.ACTIVATION:
            yield source, target
    for writer, reader in stores:
        if writer not in outside and reader not in outside:
            yield writer, reader


def _add_identity_calls(context: DiagnosisContext, owners: list[str | None], edges: list[tuple[int, int]]) -> None:
    """Add the calls of layers that hand on what they are given, many of them without ops.

    Each gets two rows, one at which paths end and one at which they start: what comes out of the layer before it is
    in the op graph already, and need not go through it.
    """
    if context.layers is None:
        return
    rows_of = _rows_by_owner(owners)
    takers = _takers(context)
    ends: dict[tuple[str, int], int] = {}
    for call in context.calls.calls:
        if call.number is not None and (call.handed_on or not call.made_ops):
            ends[call.layer, call.number] = len(owners)
            owners += [call.layer, call.layer]
            activations = {row for row, slot in call.all_given if context.flow.of_output(row, slot)[0] & ACTIVATION}
            edges += [(row, len(owners) - 2) for row in sorted(activations)]
    for edge in context.layers.connections:
        source, target = (edge.source.layer, edge.source.call), (edge.target, edge.call)
        if source not in ends:
            continue
        start = ends[source] + 1
        if target in ends:
            edges += [(start, ends[target]), (start, ends[target] + 1), (ends[source], ends[target])]
        given = {
            tensor for call in context.calls.by_number.get(target, ()) for tensor in call.given.get(edge.argument, ())
        }
        rows = [row for tensor in given for row in takers.get((tensor, edge.target), ())]
        # A model's own ops may stand between: then the layer as a whole is taken for the one that takes it.
        edges += [(start, row) for row in sorted(rows) or ([] if target in ends else rows_of[edge.target])]


def _takers(context: DiagnosisContext) -> Mapping[tuple[Tensor, str], Sequence[int]]:
    """The ops of each layer that take a tensor that Keras gave to it."""
    found: dict[tuple[Tensor, str], list[int]] = defaultdict(list)
    ops = context.ops
    for source, target, output in zip(ops.source.tolist(), ops.target.tolist(), ops.output.tolist(), strict=True):
        call = context.calls.call_of(target)
        if call is not None and (source, output) in call.all_given:
            found[(source, output), call.layer].append(target)
    return found


def _add_undrawn_edges(context: DiagnosisContext, owners: list[str | None], edges: list[tuple[int, int]]) -> None:
    """Add the edges that only Keras has."""
    rows_of = _rows_by_owner(owners)
    for source, target in context.undrawn:
        between = len(owners)
        owners.append(None)
        edges += [(row, between) for row in rows_of[source]]
        edges += [(between, row) for row in rows_of[target]]


def _rows_by_owner(owners: Sequence[str | None]) -> Mapping[str, Sequence[int]]:
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, owner in enumerate(owners):
        if owner is not None:
            rows_of[owner].append(row)
    return rows_of


def _direct(context: DiagnosisContext) -> tuple[Sequence[Pair], Sequence[Pair]]:
    """Pairs of layers with activations from one to the other; nested models have no ops that matter here.

    Returns:
        The pairs between which they flow in one call of the model, and those between which they arrive in the next.
    """
    nested = context.layers.nested if context.layers else {}
    for_next_call = frozenset(context.flow.stores_for_next_call)
    pairs: dict[Pair, None] = {}
    later: dict[Pair, None] = {}
    between_calls = {(layer, layer): edges for layer, edges in context.crossings.between_calls.items()}
    for pair, edges in {**context.crossings.edges, **between_calls}.items():
        for edge in edges:
            if nested.keys() & set(pair) or not edge.carries & Carries.ACTIVATION:
                continue
            way = pairwise((edge.source, *edge.through, edge.target)) if for_next_call else ()
            (pairs if for_next_call.isdisjoint(way) else later).setdefault(pair)
    if context.layers:
        absent = context.identity_layers
        pairs |= {pair: None for pair in context.layers.edges if pair[0] in absent or pair[1] in absent}
    return list(pairs), [pair for pair in later if pair not in pairs]


class _Steps:
    """Steps from owner to owner, with the ops that show them."""

    def __init__(self, context: DiagnosisContext, owners: Sequence[str | None]) -> None:
        self._context = context
        self._owners = owners
        self._in_keras = frozenset(context.layers.edges if context.layers else ())

    def along(self, rows: Sequence[int]) -> Link:
        """The step along some rows."""
        pair = self._owners[rows[0]] or "", self._owners[rows[-1]] or ""
        seen = all(row < len(self._context.ops) for row in rows)
        return Link(*pair, known=self._known(pair), ops=self._ops(rows) if seen else ())

    def between(self, source: str, target: str) -> Link:
        """The step from one owner to another."""
        crossings = self._context.crossings
        own = crossings.between_calls.get(source, ()) if source == target else ()
        for edge in own or crossings.edges.get((source, target), ()):
            if edge.carries & Carries.ACTIVATION:
                ops = self._ops([edge.source, *edge.through, edge.target])
                return Link(source, target, self._known((source, target)), ops)
        return Link(source, target)

    def _known(self, pair: Pair) -> bool:
        context = self._context
        explained = pair in context.crossings.edges and pair not in context.unexplained
        return context.layers is None or pair in self._in_keras or explained

    def _ops(self, rows: Sequence[int]) -> tuple[tuple[str, str], ...]:
        return tuple((self._context.ops.names[row], self._context.ops.types[row]) for row in rows)
