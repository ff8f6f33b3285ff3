"""Calls found by names: what Keras gives to each call, worked out from scopes, from the layer graph and from the ops.

A log has the names of ops, and Keras's JSON has the layer, the call and the output of each tensor that a call takes.
Every call of a layer opens a name scope of its own. What has to be found out is which tensor of the op graph each
tensor of Keras is. Going through Keras's calls in order:

- a scope belongs to the call whose arguments enter it, or whose number a repaired graph has in the scope's name;
- a tensor of Keras that a layer's own op gives, and that enters the layers which Keras gives it to, is the layer's
  result. Where several do, it is the one that enters all of them, and that is not another result of the same call;
- where no tensor of the layer's own enters them, and one that the layer takes does, the layer hands that on. A layer
  that has weights, as ``Dense``, hands nothing on.

Two tensors of one kind where Keras has one mean that one of the two came another way. The result is the one that layers
further on take as well, and that can come to these only if the layers between hand it on. If that does not tell, the
one that was made last is taken for the result, and the doubt is noted. A scope that fits no call, as those of the
template that Keras 2 makes of a nested model, is left open.

A train step of the user's own may call a model more often than the layer graph does, and on what it likes. What such a
call gets from outside of the model counts as given to it, with a note.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graphdiag.diagnosis.calls import NO_CALL, Call, Calls, Tensor, original
from graphdiag.diagnosis.crossings import Crossings, OpEdge
from graphdiag.diagnosis.dataflow.classes import Carries
from graphdiag.diagnosis.dataflow.flow import Flow
from graphdiag.diagnosis.ownership import UNOWNED, Ownership
from graphdiag.diagnosis.scoped_calls import call_in_name
from graphdiag.graphs.layer_graph import LayerGraph, LayerTensor, TensorEdge
from graphdiag.graphs.node_attributes import DT_BOOL, type_of
from graphdiag.graphs.op_graph import CONTROL, OpGraph
from graphdiag.keras_facts import always_computes, is_computing_operation

_REAL = int(Carries.ACTIVATION | Carries.PARAMETER | Carries.HANDLE)
_BOOL_OPS = frozenset({"NotEqual", "Equal", "Any", "All", "LogicalAnd", "LogicalOr", "LogicalNot", "Greater", "Less"})
_INTEGERS = frozenset({3, 4, 5, 6, 9, 17, 22, 23})
_MOST_PASSED = 64
"""Layers without ops that are passed to see who takes what a call makes."""

Node = tuple[str, int]
"""A call in the layer graph: the layer's id and the number of the call."""


def inferred_calls(
    graph: OpGraph, layers: LayerGraph, ownership: Ownership, flow: Flow, crossings: Crossings, scopes: np.ndarray
) -> Calls:
    """Work out the calls.

    Args:
        graph: The op graph.
        layers: The layer graph.
        ownership: Who owns each op.
        flow: What each tensor carries.
        crossings: The op edges between owners, and between the scopes of one.
        scopes: The scope of each op: see `graphdiag.diagnosis.scoped_calls`.

    Returns:
        The calls of the layer graph. Ops in scopes that are not call's have none.
    """
    return _Inference(graph, layers, ownership, flow, crossings, scopes).run()


@dataclass
class _Scope:
    """What enters and leaves the scope of a call.

    Attributes:
        number: Its number.
        makes_ops: Whether it holds any op but copies of what the layer hands on.
        entering: Tensors of other layers, or of another call, over which something real flows.
        taken: All tensors that its ops take from outside.
        leaving: Its own tensors that other layers, or other calls, take.
        takers: The layers that take them.
    """

    number: int
    makes_ops: bool = False
    entering: set[Tensor] = field(default_factory=set)
    taken: set[Tensor] = field(default_factory=set)
    leaving: set[Tensor] = field(default_factory=set)
    takers: set[str] = field(default_factory=set)


class _Inference:
    def __init__(
        self,
        graph: OpGraph,
        layers: LayerGraph,
        ownership: Ownership,
        flow: Flow,
        crossings: Crossings,
        scopes: np.ndarray,
    ) -> None:
        self.graph = graph
        self.layers = layers
        self.ownership = ownership
        self.flow = flow
        self.scope_of_op = scopes
        self.scopes: dict[int, _Scope] = {}
        self.scopes_of: dict[str, list[_Scope]] = defaultdict(list)
        self.number_in_name: dict[int, int | None] = {}
        of_calls = np.flatnonzero(scopes != NO_CALL)
        making = set(scopes[of_calls[graph.of_types(lambda type_: type_ != "Identity")[of_calls]]].tolist())
        first = np.sort(np.unique(scopes[of_calls], return_index=True)[1])
        for row in of_calls[first].tolist():
            number = int(scopes[row])
            layer = ownership.owner(row) or ""
            self.scopes[number] = _Scope(number, number in making)
            self.scopes_of[layer].append(self.scopes[number])
            is_layer = ownership.scope_of_op[row] == layer
            self.number_in_name[number] = call_in_name(graph.names[row], layer) if is_layer else None
        self._look_at_edges(crossings)
        self.entering_of: dict[int, set[Tensor]] = defaultdict(set)
        for tensor in (tensor for scope in self.scopes.values() for tensor in scope.entering):
            self.entering_of[tensor[0]].add(tensor)
        self.times_taken = Counter(tensor for scope in self.scopes.values() for tensor in scope.entering)
        self.given: dict[Node, list[TensorEdge]] = defaultdict(list)
        self.takers: dict[Node, dict[int, list[Node]]] = defaultdict(lambda: defaultdict(list))
        for edge in layers.connections:
            self.given[edge.target, edge.call].append(edge)
            self.takers[edge.source.layer, edge.source.call][edge.source.output].append((edge.target, edge.call))
        self.numbers: dict[str, int] = defaultdict(int)
        for layer, number in (*self.given, *self.takers):
            self.numbers[layer] = max(self.numbers[layer], number + 1)
        self.tensors: dict[LayerTensor, frozenset[Tensor]] = {}
        self.scope_of: dict[Node, _Scope] = {}
        self.used: set[int] = set()
        self.taken_by: dict[str, frozenset[Tensor]] = {}
        self.after: dict[str, Set[str]] = {}
        self.past_silent: dict[str, str] = {}
        self.doubts: dict[str, None] = {}
        self.place: dict[Node, int] = {}
        self.named = {layer: named for layer in self.scopes_of if (named := self._named(layer))}

    def _look_at_edges(self, crossings: Crossings) -> None:
        graph, of_op = self.graph, self.scope_of_op
        outside = (of_op[graph.source] != of_op[graph.target]) & (of_op[graph.target] != NO_CALL)
        outside &= graph.output != CONTROL
        tensors = zip(graph.source[outside].tolist(), graph.output[outside].tolist(), strict=True)
        for number, tensor in zip(of_op[graph.target[outside]].tolist(), tensors, strict=True):
            self.scopes[number].taken.add(tensor)
        call_of: list[int] = of_op.tolist()
        into_models: dict[int, list[OpEdge]] = defaultdict(list)
        out_of_models: list[OpEdge] = []
        for edge in (edge for group in (crossings.edges, crossings.between_calls) for edge in _all(group)):
            if not int(edge.carries) & _REAL or edge.control or (edge.source, edge.target) in self.flow.stored_in:
                continue
            source, target = call_of[edge.source], call_of[edge.target]
            tensor = edge.source, edge.output
            if target != NO_CALL:
                self.scopes[target].entering |= {tensor, edge.entering}
                self.scopes[target].taken |= {tensor, edge.entering}
            else:
                into_models[edge.target].append(edge)
            if source != NO_CALL:
                self.scopes[source].leaving.add(tensor)
                if target != NO_CALL:
                    self.scopes[source].takers.add(self.ownership.owner(edge.target) or "")
            elif target != NO_CALL:
                out_of_models.append(edge)
        for edge in out_of_models:
            # What a nested model makes of a tensor, a cast, say, stands for it.
            scope = self.scopes[call_of[edge.target]]
            for tensor in self._origins(edge.source, into_models):
                scope.entering.add(tensor)
                scope.taken.add(tensor)

    def _origins(self, row: int, into_models: Mapping[int, Sequence[OpEdge]]) -> Set[Tensor]:
        """The layers' tensors from which a nested model's own op computes something."""
        found: set[Tensor] = set()
        seen = {row}
        waiting = [row]
        while waiting:
            current = waiting.pop()
            for edge in into_models.get(current, ()):
                if self.scope_of_op[edge.source] != NO_CALL:
                    found.add((edge.source, edge.output))
            for position in range(int(self.graph.in_edges[current]), int(self.graph.in_edges[current + 1])):
                origin = int(self.graph.source[position])
                own = self.graph.output[position] != CONTROL and self.scope_of_op[origin] == NO_CALL
                if own and origin not in seen:
                    seen.add(origin)
                    waiting.append(origin)
        return found

    def run(self) -> Calls:
        order = list(self._in_order())
        if "_Arg" in self.graph.type_names:
            self._note_places(order)
        for node in order:
            self._settle(node)
        calls: list[Call] = []
        by_scope: dict[int, list[Call]] = defaultdict(list)
        for node in (*self.given, *(node for node in self.takers if node not in self.given)):
            call = self._call(node)
            calls.append(call)
            if node in self.scope_of:
                by_scope[self.scope_of[node].number].append(call)
        position = {id(call): number for number, call in enumerate(calls)}
        numbers = np.full(int(self.scope_of_op.max(initial=-1)) + 2, NO_CALL, dtype=np.int32)
        for number, sharing in by_scope.items():
            if len(sharing) == 1:
                numbers[number] = position[id(sharing[0])]
            else:
                numbers[number] = len(calls)
                calls.append(_together(sharing))
        for layer, scope in self._of_further_calls():
            numbers[scope.number] = len(calls)
            calls.append(Call(layer, None, {"": self._from_outside(layer, scope)}, (), scope.makes_ops, scope.taken))
        return Calls(calls, numbers[self.scope_of_op], doubts=tuple(self.doubts))

    def _of_further_calls(self) -> Iterator[tuple[str, _Scope]]:
        """The scopes of calls of whole models that the layer graph does not have, by layer."""
        if "_Arg" not in self.graph.type_names:
            return
        taken = {scope.number for scope in self.scope_of.values()}
        further: dict[tuple[str, ...], list[tuple[str, list[_Scope]]]] = defaultdict(list)
        for layer, scopes in self.scopes_of.items():
            left = [scope for scope in scopes if scope.number not in taken]
            further[self.layers.layers[layer].path].append((layer, left))
        for path, layers in further.items():
            computing = [len(left) for layer, left in layers if self._computes(layer)]
            if computing and all(computing):
                name, times = "/".join(path) or self.layers.model_name or "model", max(computing)
                self.doubts[
                    f"{name} is called {times} time{'' if times == 1 else 's'} more than Keras has on record, as by a "
                    "train_step; what it is given there is not judged."
                ] = None
                yield from ((layer, scope) for layer, left in layers for scope in left)

    def _from_outside(self, layer: str, scope: _Scope) -> frozenset[Tensor]:
        """What the scope of a layer takes from outside of the model that it is in, and from the layers before it."""
        path = self.layers.layers[layer].path
        before = {
            edge.source.layer for call in range(self.numbers[layer]) for edge in self.given.get((layer, call), ())
        }
        return frozenset(
            tensor
            for tensor in scope.taken
            for owner in [self.ownership.owner(tensor[0]) or ""]
            if owner in before or owner not in self.layers.layers or self.layers.layers[owner].path != path
        )

    def _call(self, node: Node) -> Call:
        layer, number = node
        given: dict[str, frozenset[Tensor]] = {}
        for edge in self.given.get(node, ()):
            tensors = self.tensors.get(edge.source, frozenset())
            if self.layers.layers[layer].class_name == "Lambda":
                # It takes no mask unless its function asks for one.
                tensors = frozenset(tensor for tensor in tensors if self._kind(tensor) != "bool") or tensors
            given[edge.argument] = given.get(edge.argument, frozenset()) | tensors
        outputs = [self.tensors.get(LayerTensor(*node, output), frozenset()) for output in self.takers.get(node, ())]
        originals = {original(self.graph, tensor) for tensor in frozenset[Tensor]().union(*given.values())}
        results = frozenset[Tensor]().union(*outputs)
        passed = frozenset(tensor for tensor in results if original(self.graph, tensor) in originals)
        scope = self.scope_of.get(node)
        if scope is None:
            return Call(layer, number, given, outputs, handed_on=passed)
        if layer in self.layers.unrecorded:
            given = {"": frozenset(scope.entering)}
            self.doubts[f"Keras's JSON does not record what {layer} is given; what it takes is not judged."] = None
        return Call(layer, number, given, outputs, scope.makes_ops, scope.taken, passed)

    def _in_order(self) -> Iterator[Node]:
        """The calls, each after those whose results it takes."""
        before = {node: len(edges) for node, edges in self.given.items()}
        waiting = deque(node for node in self.takers if node not in before)
        seen = set(waiting)
        while waiting or len(seen) < len(before):
            if not waiting:
                # A layer graph of which only the edges are known may seem to have a loop.
                waiting.append(next(node for node in before if node not in seen))
                seen.add(waiting[0])
            node = waiting.popleft()
            yield node
            for takers in self.takers.get(node, {}).values():
                for taker in takers:
                    before[taker] -= 1
                    if before[taker] == 0 and taker not in seen:
                        seen.add(taker)
                        waiting.append(taker)

    def _note_places(self, order: Sequence[Node]) -> None:
        """As which of its layer's calls each call is run.

        When a model is run, not built, Keras goes through its calls by depth: those first from which the way to the
        outputs is longest (``_map_subgraph_network`` in tf_keras, ``map_graph`` in Keras 3).
        """
        depth: dict[Node, int] = {}
        for node in reversed(order):
            after = (taker for takers in self.takers.get(node, {}).values() for taker in takers)
            depth[node] = 1 + max((depth.get(taker, 0) for taker in after), default=0)
        for layer, calls in self.numbers.items():
            by_depth = sorted(range(calls), key=lambda call: (-depth.get((layer, call), 0), call))
            self.place.update({(layer, call): place for place, call in enumerate(by_depth)})

    def _settle(self, node: Node) -> None:
        """Find the scope of a call, and what its results are."""
        arguments = [self.tensors.get(edge.source, frozenset()) for edge in self.given.get(node, ())]
        allowed: dict[Tensor, None] = {tensor: None for tensors in arguments for tensor in sorted(tensors)}
        scope = self._choose(node, allowed)
        if scope is not None:
            self.scope_of[node] = scope
            self.used.add(scope.number)
            self.taken_by.pop(node[0], None)
            if self._has_scope_for_each(node[0]):
                self.times_taken.subtract(scope.entering)
        results: dict[int, list[Tensor]] = {}
        for output, takers in self.takers.get(node, {}).items():
            layers = [layer for layer, _ in takers]
            # Only a layer that does not take it itself is seen through.
            results[output] = self._candidates(node[0], scope, allowed, [self._taken_by(layer) for layer in layers])
            if not results[output]:
                possible = self._possible(node[0], scope, allowed)
                beyond = [self._taken_beyond(layer, possible) for layer in layers]
                results[output] = self._candidates(node[0], scope, allowed, beyond)
                results[output] = results[output] or self._left(node[0], scope, allowed)
            elif scope is not None and self._is_doubtful(LayerTensor(*node, output), scope, results[output]):
                # Perhaps the layers that take it hand on what this one makes.
                possible = self._possible(node[0], scope, allowed)
                beyond = [self._taken_beyond(layer, possible, itself=False) for layer in layers]
                further = self._candidates(node[0], scope, allowed, beyond)
                if further and scope.leaving.issuperset(further):
                    results[output] = further
            if scope is not None:
                results[output] = self._without_other_arguments(LayerTensor(*node, output), scope, results[output])
        # An input is fed in several parts if it is ragged or sparse.
        if self._are_told_apart(node[0]) and not self.layers.layers[node[0]].is_input:
            self._tell_apart(node, scope, results)
        for output, tensors in results.items():
            self.tensors[LayerTensor(*node, output)] = frozenset(tensors)

    def _is_doubtful(self, result: LayerTensor, scope: _Scope, tensors: Collection[Tensor]) -> bool:
        """Whether a call seems to hand on what it is given, only because the layers after it are given that anyway."""
        return scope.leaving.isdisjoint(tensors) and all(
            taken <= self._given_beside({result}, ((layer, call) for call in range(self.numbers[layer])))
            for layer, _ in self.takers[result.layer, result.call][result.output]
            for taken in [self._taken_by(layer).intersection(tensors)]
            if taken
        )

    def _given_beside(self, results: Set[LayerTensor], takers: Iterable[Node]) -> frozenset[Tensor]:
        """The tensors that are known to be given to some calls, some results of another call left out."""
        edges = (edge for taker in takers for edge in self.given.get(taker, ()) if edge.source not in results)
        return frozenset(tensor for edge in edges for tensor in self.tensors.get(edge.source, ()))

    def _without_other_arguments(self, result: LayerTensor, scope: _Scope, tensors: list[Tensor]) -> list[Tensor]:
        """The tensors of a result, less those that every layer that takes it is also given as another argument."""
        own = [tensor for tensor in tensors if tensor in scope.leaving]
        if not own or len(own) == len(tensors):
            return tensors
        takers = self.takers[result.layer, result.call][result.output]
        others = [self._given_beside({result}, [taker]) for taker in takers]
        return [tensor for tensor in tensors if tensor in own or not all(tensor in other for other in others)]

    def _named(self, layer: str) -> Mapping[int, _Scope]:
        """The scopes of a layer's calls, by the number of the call, where their names have it.

        That is trusted only of what `graphdiag repair` writes: all calls are in one scope that is called as the layer.
        """
        if layer not in self.layers.layers or self.layers.uses(layer) < 2:
            return {}
        found = [(self.number_in_name[scope.number], scope) for scope in self.scopes_of[layer]]
        named = {number: scope for number, scope in found if number is not None}
        is_unique = len(named) == sum(number is not None for number, _ in found)
        return named if is_unique and all(number < self.numbers[layer] for number in named) else {}

    def _choose(self, node: Node, allowed: Mapping[Tensor, None]) -> _Scope | None:
        """The scope that the arguments of a call enter, and that gives most to the layers after it."""
        layer = node[0]
        if layer in self.named:
            return self.named[layer].get(node[1])
        scopes = self.scopes_of.get(layer, [])
        if not self._has_scope_for_each(layer):
            return scopes[0] if scopes else None
        # Where a call has made no op, there is a scope less than there are calls.
        certain = len(scopes) >= self.numbers[layer]
        if certain and len(scopes) == 1:
            return scopes[0] if scopes[0].number not in self.used else None
        after = list(self._with_ops_after(node)) if len(scopes) > 1 else []
        wanted = [self._taken_by(layer) for layer in after]
        fitting = {
            scope.number: (
                len(allowed.keys() & scope.taken),
                -len(scope.entering - allowed.keys()),
                sum(not scope.leaving.isdisjoint(tensors) for tensors in wanted),
                -len(scope.leaving.difference(*wanted)),
                -len(scope.takers.difference(after)),
                -abs(place - self.place.get(node, 0)),
                -scope.number,
            )
            for place, scope in enumerate(scopes)
            if scope.number not in self.used
        }
        best = max(fitting, key=fitting.__getitem__, default=None)
        if best is None or not (certain or fitting[best][0]):
            return None
        return self.scopes[best]

    def _has_scope_for_each(self, layer: str) -> bool:
        """Whether each call of a layer that made ops has a scope of its own, and not all of them one."""
        return self._are_told_apart(layer) and not self.layers.layers[layer].inner

    def _taken_by(self, layer: str) -> frozenset[Tensor]:
        """What a layer takes in those calls that are still to come."""
        if layer not in self.taken_by:
            scopes = self.scopes_of.get(layer, [])
            if self._has_scope_for_each(layer):
                scopes = [scope for scope in scopes if scope.number not in self.used]
            self.taken_by[layer] = frozenset(tensor for scope in scopes for tensor in scope.entering)
        return self.taken_by[layer]

    def _taken_beyond(self, layer: str, possible: Set[Tensor], itself: bool = True) -> frozenset[Tensor]:
        """Of some tensors, those that a layer takes, or layers beyond it that get its input as it may be handed on.

        To gather all that is taken, for each layer anew, would be quadratic; few tensors are looked for, and they are
        soon found.
        """
        taken: set[Tensor] = set()
        seen = {layer}
        waiting = [layer]
        while waiting and len(taken) < len(possible):
            current = waiting.pop()
            own = self._taken_by(current)
            if itself or current != layer:
                taken |= own & possible
            if own and self._computes(current):
                continue
            after = {self._past_silent(layer) for layer in self._after_all_calls(current)} - seen
            seen |= after
            waiting += after
        return frozenset(taken)

    def _past_silent(self, layer: str) -> str:
        """The first layer, from one on, that has made ops, or that not exactly one layer takes something of."""
        way: dict[str, None] = {}
        while layer not in self.past_silent:
            after = self._after_all_calls(layer)
            if self.scopes_of.get(layer) or len(after) != 1 or layer in way:
                self.past_silent[layer] = layer
            else:
                way[layer] = None
                (layer,) = after
        self.past_silent.update(dict.fromkeys(way, self.past_silent[layer]))
        return self.past_silent[layer]

    def _after_all_calls(self, layer: str) -> Set[str]:
        """The layers that take something of any call of a layer."""
        if layer not in self.after:
            calls = range(self.numbers[layer])
            self.after[layer] = {after for number in calls for after in self._layers_after((layer, number))}
        return self.after[layer]

    def _are_told_apart(self, layer: str) -> bool:
        """Whether the layer graph tells what is given to which call of a layer."""
        return bool(self.layers.tensors) or self.layers.uses(layer) == 1

    def _computes(self, layer: str) -> bool:
        known = self.layers.layers[layer]
        return not known.custom and always_computes(known.class_name)

    def _hands_nothing_on(self, layer: str, scope: _Scope | None) -> bool:
        """Whether a call returns only what it has made itself."""
        if scope is None:
            return False
        known = self.layers.layers[layer]
        is_operation = not known.custom and is_computing_operation(known.class_name)
        return is_operation or (bool(scope.entering) and self._computes(layer))

    def _with_ops_after(self, node: Node) -> Iterator[str]:
        """The layers after a call, those without ops passed over."""
        seen = {node}
        waiting = [node]
        while waiting and len(seen) < _MOST_PASSED:
            for takers in self.takers.get(waiting.pop(), {}).values():
                for taker in takers:
                    if self.scopes_of.get(taker[0]):
                        yield taker[0]
                    elif taker not in seen:
                        seen.add(taker)
                        waiting.append(taker)

    def _layers_after(self, node: Node) -> Iterator[str]:
        for takers in self.takers.get(node, {}).values():
            yield from (layer for layer, _ in takers)

    def _candidates(
        self, layer: str, scope: _Scope | None, allowed: Mapping[Tensor, None], wanted: Sequence[Set[Tensor]]
    ) -> list[Tensor]:
        """What a result may be, of the tensors that are wanted: first the layer's own, then those that it hands on."""
        taken = set[Tensor]().union(*wanted)
        if scope is not None:
            found = sorted(scope.leaving & taken, reverse=True)
        else:
            outside = self._made_outside(layer, allowed)
            found = sorted((tensor for tensor in taken if tensor[0] in outside), reverse=True)
        if not self._hands_nothing_on(layer, scope):
            passing = [tensor for tensor in allowed if tensor in taken]
            found += [tensor for tensor in passing if scope is not None and tensor in scope.taken] or passing
        for tensors in wanted if self._are_told_apart(layer) else ():
            if all(tensor in tensors for tensor in found):
                continue
            # A ragged tensor has parts of several kinds, and a mask may come along.
            common = {self._kind(tensor) for tensor in found if tensor in tensors}
            found = [tensor for tensor in found if tensor in tensors or self._kind(tensor) not in common]
        return found

    def _made_outside(self, layer: str, given: Mapping[Tensor, None]) -> Set[int]:
        """Ops of no layer that compute from some tensors alone: Keras 3 gives the op of ``a + b`` no scope."""
        if self.scopes_of.get(layer):
            return frozenset()  # a layer, one of whose calls makes no op
        order, offsets = self.graph.by_source
        found: set[int] = set()
        waiting = [row for row, _ in given]
        while waiting:
            row = waiting.pop()
            for edge in order[offsets[row] : offsets[row + 1]].tolist():
                target = int(self.graph.target[edge])
                outside = self.ownership.of_op[target] == UNOWNED and target not in self.ownership.roles
                if outside and target not in found and self._computes_from(target, given, found):
                    found.add(target)
                    waiting.append(target)
        return found

    def _computes_from(self, row: int, given: Mapping[Tensor, None], made: Set[int]) -> bool:
        """Whether all that is real among an op's inputs is given, or made of what is."""
        real = []
        for edge in range(int(self.graph.in_edges[row]), int(self.graph.in_edges[row + 1])):
            tensor = int(self.graph.source[edge]), int(self.graph.output[edge])
            if tensor[1] != CONTROL and self.flow.of_output(*tensor)[0] & _REAL:
                real.append(tensor)
        return bool(real) and all(tensor in given or tensor[0] in made for tensor in real)

    def _possible(self, layer: str, scope: _Scope | None, allowed: Mapping[Tensor, None]) -> Set[Tensor]:
        """The tensors of which `_candidates` chooses, as far as calls that are still to come take them."""
        if scope is not None:
            own: Iterable[Tensor] = scope.leaving
        else:
            own = (tensor for row in self._made_outside(layer, allowed) for tensor in self.entering_of.get(row, ()))
        return {tensor for tensor in (*allowed, *own) if self.times_taken[tensor] > 0}

    def _left(self, layer: str, scope: _Scope | None, allowed: Mapping[Tensor, None]) -> list[Tensor]:
        """What a result may be that no other layer is seen to take."""
        own = sorted(scope.leaving, reverse=True) if scope is not None else []
        if self._hands_nothing_on(layer, scope):
            return own
        return own or list(allowed)

    def _tell_apart(self, node: Node, scope: _Scope | None, results: dict[int, list[Tensor]]) -> None:
        """Have each result be one tensor of a kind: a ragged one has values and row splits."""
        if len(results) == 1 and all(len(found) < 2 for found in results.values()):
            return
        layer = node[0]
        settled: set[Tensor] = set()
        changed = True
        while changed:
            changed = False
            single = {found[0] for found in results.values() if len(found) == 1} - settled
            settled |= single
            for output, found in results.items():
                left = [tensor for tensor in found if tensor not in single]
                if len(found) > 1 and left and len(left) < len(found):
                    results[output] = left
                    changed = True
        groups: dict[tuple[Tensor, ...], list[int]] = defaultdict(list)
        for output, found in results.items():
            groups[tuple(found)].append(output)
        for candidates, outputs in groups.items():
            if len(candidates) < 2 and len(outputs) == 1:
                continue
            kept: list[Tensor] = []
            for kind in dict.fromkeys(map(self._kind, candidates)):
                of_kind = [tensor for tensor in candidates if self._kind(tensor) == kind]
                if len(of_kind) <= len(outputs):
                    kept += of_kind
                    continue
                of_kind, are_told = self._by_what_they_explain(node, outputs, of_kind)
                kept += of_kind[: len(outputs)]
                if not are_told and (scope is None or self._from_several(of_kind)):
                    names = ", ".join(self.graph.names[row] for row, _ in of_kind)
                    self.doubts[f"By names alone it cannot be told which of {names} is what {layer} hands on."] = None
            for output in outputs:
                results[output] = kept
            if len(outputs) > 1 and self._takes_too_many(node, outputs, kept):
                # The tensors that are handed on come first, then the layer's own as they were made.
                made = scope.leaving if scope is not None else frozenset[Tensor]()
                likely = sorted(kept, key=lambda tensor: (tensor in made, tensor))
                results.update((output, [tensor]) for output, tensor in zip(sorted(outputs), likely, strict=False))
                names = ", ".join(self.graph.names[row] for row, _ in likely)
                self.doubts[f"By names alone it cannot be told which of {names} is which result of {layer}."] = None

    def _by_what_they_explain(
        self, node: Node, outputs: Sequence[int], tensors: Sequence[Tensor]
    ) -> tuple[list[Tensor], bool]:
        """Sort more tensors than a call has results, of which each may be one: first those that would explain most.

        Those come first that some call after this one is given in no other way; then those that most calls further on
        can get only if the calls between hand them on.

        Returns:
            The tensors in this order, and whether the calls further on tell which of them are the results.
        """
        results = {LayerTensor(*node, output) for output in outputs}
        takers = list(dict.fromkeys(taker for output in outputs for taker in self.takers[node][output]))
        given = [self._given_beside(results, [taker]) for taker in takers]
        explains = {
            tensor: (
                not all(tensor in beside for beside in given),
                self._calls_beyond(tensor, results, takers, rivals=set(tensors) - {tensor}),
            )
            for tensor in tensors
        }
        ordered = sorted(tensors, key=explains.__getitem__, reverse=True)
        last, first_left_out = ordered[len(outputs) - 1 : len(outputs) + 1]
        return ordered, explains[last][1] > explains[first_left_out][1]

    def _calls_beyond(
        self, tensor: Tensor, results: Set[LayerTensor], takers: Collection[Node], rivals: Set[Tensor]
    ) -> int:
        """How many calls further on take a tensor that can come to them only through calls that hand it on.

        Args:
            tensor: The tensor.
            results: The results that it may be.
            takers: The calls that Keras gives these results to.
            rivals: What the results may be instead. A call that takes one of these, or what a call on the way has made,
                is explained without the tensor.
        """
        found = 0
        seen = set(takers)
        passed: set[Node] = set()
        waiting = deque((taker, results, frozenset[Tensor]()) for taker in takers)
        while waiting and len(seen) < _MOST_PASSED:
            node, given, made = waiting.popleft()
            beside = [edge.source for edge in self.given[node] if edge.source not in given]
            if any(self._may_be(result, tensor) for result in beside if (result.layer, result.call) not in passed):
                continue
            if self.scopes_of.get(node[0]):
                taken = self._taken_by(node[0])
                if tensor not in taken:
                    continue
                if node not in takers and taken.isdisjoint(rivals | made):
                    found += 1
                if self._computes(node[0]):
                    continue
                made = made.union(*(scope.leaving for scope in self.scopes_of[node[0]]))
            passed.add(node)
            for output, after in self.takers.get(node, {}).items():
                new = [taker for taker in dict.fromkeys(after) if taker not in seen]
                seen.update(new)
                waiting.extend((taker, {LayerTensor(*node, output)}, made) for taker in new)
        return found

    def _may_be(self, result: LayerTensor, tensor: Tensor) -> bool:
        """Whether a result is a tensor of the op graph; of one that is not settled yet, whether it could be."""
        if result in self.tensors:
            return tensor in self.tensors[result]
        scopes = self.scopes_of.get(result.layer, ())
        return not scopes or any(tensor in scope.leaving or tensor in scope.taken for scope in scopes)

    def _takes_too_many(self, node: Node, outputs: Sequence[int], tensors: Sequence[Tensor]) -> bool:
        """Whether a call takes more of some tensors than Keras gives it of the results that they are."""
        takers = [taker for output in outputs for taker in dict.fromkeys(self.takers[node][output])]
        return any(
            sum(tensor in self._taken_by(taker[0]) for tensor in tensors) > takers.count(taker)
            for taker in dict.fromkeys(takers)
            if self.numbers[taker[0]] == 1
        )

    def _from_several(self, tensors: Iterable[Tensor]) -> bool:
        return len({int(self.scope_of_op[row]) for row, _ in tensors}) > 1

    def _kind(self, tensor: Tensor) -> str:
        row = tensor[0]
        if self.graph.types[row] in _BOOL_OPS:
            return "bool"
        type_ = type_of(self.graph.node_defs[row], "DstT", "dtype", "T")
        return "bool" if type_ == DT_BOOL else "integer" if type_ in _INTEGERS else "number"


def _all(groups: Mapping[Any, Sequence[OpEdge]]) -> Iterator[OpEdge]:
    for edges in groups.values():
        yield from edges


def _together(calls: Sequence[Call]) -> Call:
    """Several calls that share one scope: they are not told apart."""
    given = {f"{call.number}: {place}": tensors for call in calls for place, tensors in call.given.items()}
    handed_on = frozenset().union(*(call.handed_on for call in calls))
    return Call(calls[0].layer, None, given, handed_on=handed_on)
