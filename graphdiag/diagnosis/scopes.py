"""Scopes: which layer each name scope belongs to.

- Keras opens a name scope for each call of a layer: the layer's name, made unique with ``_1``, ``_2`` and so on. In
  Keras 2 these scopes lie at the root, or in the scope of the nested model that is called; Keras 3 and tf_keras put
  the model's own scope around them;
- a scope name may fit several layers: ``dense_1`` is a layer of that name, or a later call of ``dense``, or a layer of
  a nested model. Scopes that read one another's variables are calls of the same layer; every layer has at least one
  scope; what is still open goes where the tensors come from and go to as in the layer graph, else by name;
- Keras 2 builds a nested model once before it is called, at the root: a template, whose scopes have the layers' names.

Source of the scope names: ``Layer.__call__`` in Keras 1.2 to 2.15 (``keras/engine/base_layer.py``), ``name_scope`` in
Keras 3 (``keras/src/backend/common/name_scope.py``), and ``tf.Graph.unique_name``.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np

from graphdiag.diagnosis.dataflow.op_specs import VARIABLES
from graphdiag.diagnosis.model_inputs import FEEDS
from graphdiag.diagnosis.roles import NUMBERED, UNOWNED, role_of_name
from graphdiag.diagnosis.scope_matching import assign
from graphdiag.graphs.arrays import distinct, grouped, numbers_of_pairs, offsets_of
from graphdiag.graphs.layer_graph import LayerGraph
from graphdiag.graphs.node_attributes import DT_RESOURCE, dtype_of
from graphdiag.graphs.op_graph import CONTROL, OpGraph
from graphdiag.graphs.reach import edges_of

_RAW_OP = "TensorFlowOpLayer"


class Scopes:
    """The layers' scopes, found from the root down."""

    def __init__(self, graph: OpGraph, layers: LayerGraph, rows: Mapping[str, int]) -> None:
        self.graph = graph
        self.layers = layers
        self.children = _Children(graph)
        self.role_of_scope: dict[str, str] = {}
        self.owner_of_scope: dict[str, str] = {}
        self.scopes_of: Counter[str] = Counter()
        # What may be found directly inside a nested model, or at the top level (outermost names first).
        self.calls: dict[str, int] = {}
        self.path_of: dict[str, tuple[str, ...]] = {}
        self.name_of: dict[str, str] = {}
        self.inside: dict[tuple[str, ...], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        operations = {id_ for id_, layer in layers.layers.items() if layer.is_operation}
        for kind in (layers.layers, layers.nested):
            for id_, layer in kind.items():
                # Operations open no scope; one that is called like theirs is TensorFlow's.
                if id_ not in operations:
                    self.inside[layer.path][layer.name].append(id_)
                if layer.class_name == _RAW_OP:
                    # TensorFlow 2.2 calls the layer of the raw op "AddV2" "tf_op_layer_AddV2".
                    self.inside[layer.path][layer.name.removeprefix("tf_op_layer_")].append(id_)
                self.calls[id_] = layer.calls
                self.path_of[id_] = layer.path
                self.name_of[id_] = layer.name
        # Inputs are feeds, which lie at the root wherever the model lies.
        self.inputs = {id_ for id_, layer in layers.layers.items() if layer.is_input}
        self.size_of = Counter(path for id_, path in self.path_of.items() if id_ not in self.inputs)
        self.anywhere: dict[str, list[str]] = defaultdict(list)
        for path in sorted(self.inside, key=len):
            for name, ids in self.inside[path].items():
                self.anywhere[name].extend(ids)
        # A model in TimeDistributed has scopes of its own beside the wrapper's.
        self.wrappers_of: dict[str, list[str]] = defaultdict(list)
        for id_, layer in layers.layers.items():
            for name in layer.inner:
                self.wrappers_of[name].append(id_)
        self.longest = max((name.count("/") + 1 for name in self.anywhere), default=1)
        self.reads = _Reads(graph)
        self.users: dict[int, set[str]] = defaultdict(set)
        self._descend([""], self.anywhere, ())
        self.scope_of_op, self.of_op = self._scopes_of_ops(rows)

    def _owner(self, name: str) -> str:
        return self.owner_of_scope.get(self._scope(name), "")

    def _scopes_of_ops(self, rows: Mapping[str, int]) -> tuple[Sequence[str], np.ndarray]:
        """As `_scope`, for all ops; and the rows of the owners of these scopes."""
        tree = self.graph.scopes
        owned = np.full(len(tree), -1, dtype=np.int32)
        owners = np.full(len(tree) + 1, UNOWNED, dtype=np.int32)
        # One more, for ops that lie in no layer's scope and have the number -1.
        names = np.array([*tree.names, ""], dtype=object)
        for scope, owner in self.owner_of_scope.items():
            number = tree.numbers.get(scope)
            if number is not None:
                owned[number], owners[number] = number, rows[owner]
        around = tree.inherited(owned, -1)[tree.of_op]
        found: list[str] = names[around].tolist()
        of_op = owners[around]
        for scope, owner in self.owner_of_scope.items():
            row = self.graph.index.get(scope)
            if row is not None:
                found[row], of_op[row] = scope, rows[owner]
        return found, of_op

    def _scope(self, name: str) -> str:
        """The innermost scope around an op, or at it, that belongs to a layer."""
        scope = name
        while scope and scope not in self.owner_of_scope:
            scope = scope.rpartition("/")[0]
        return scope

    def _descend(self, scopes: Iterable[str], names: Mapping[str, Sequence[str]], path: tuple[str, ...]) -> None:
        """Give the scopes below these to layers and nested models, and go into those that are neither."""
        waiting = deque(scopes)
        while waiting:
            scope = waiting.popleft()
            found, others = self._candidates(scope, names)
            homes = [] if scope else self._homes(found, others)
            if homes:
                self._descend(homes, names, path)
                others = [place for place in others if place not in homes]
            if homes or (not path and not self._is_model_scope(scope) and not self._models_in(found)):
                # An unowned scope may hold layers' scopes, but not of layers that were all found further out.
                found = {place: self._still_open(owners) for place, owners in found.items()}
                others += [place for place, owners in found.items() if not owners]
                found = {place: owners for place, owners in found.items() if owners}
            self._settle(found)
            for child in others:
                role = role_of_name(child.rpartition("/")[2])
                if role and not path:
                    self.role_of_scope[child] = role
                elif child in self.children:
                    waiting.append(child)

    def _settle(self, found: Mapping[str, Sequence[str]]) -> None:
        """Give scopes that lie side by side to layers, on all evidence there is.

        Nested models come first: the layers inside them are known by name, and so tell whose variables are read.
        """
        models = self._models_among(found)
        for scope, owner in models.items():
            self._give(scope, owner)
        for scope, owner in models.items():
            model = self.layers.nested[owner]
            path = (*model.path, model.name)
            self._descend([scope], self.inside[path], path)
        options = {
            scope: [owner for owner in owners if owner not in self.layers.nested]
            for scope, owners in found.items()
            if scope not in models
        }
        for scope, owners in options.items():
            if len(owners) == 1:
                self._give(scope, owners[0])
        if any(len(owners) != 1 for owners in options.values()):
            for scope, owner in assign(*self._on_evidence(options), self.calls).items():
                self._give(scope, owner)

    def _models_among(self, found: Mapping[str, Sequence[str]]) -> Mapping[str, str]:
        """Those of some scopes that are calls of nested models, with the models."""
        nested = self.layers.nested
        if not any(owner in nested for owners in found.values() for owner in owners):
            return {}
        chosen = assign(found, self._same_layer(found), self.calls)
        return {scope: owner for scope, owner in chosen.items() if owner in nested}

    def _give(self, scope: str, owner: str) -> None:
        if scope not in self.owner_of_scope:
            self.scopes_of[owner] += 1
        self.owner_of_scope[scope] = owner
        if owner in self.layers.layers:
            for variable in self.reads.of(scope):
                self.users[variable].add(owner)

    def _on_evidence(
        self, options: Mapping[str, Sequence[str]]
    ) -> tuple[dict[str, Sequence[str]], list[tuple[str, str]]]:
        """Narrow down whose scopes these may be, and put the likeliest layer first.

        Evidence is, in this order: the variables that are read, the layers that tensors come from and go to, the name.

        Returns:
            Options of each scope, the surest scope first; and the pairs of scopes that are calls of the same layer.
        """
        narrowed: dict[str, Sequence[str]] = {}
        for scope, owners in options.items():
            users = set().union(*(self.users.get(variable, ()) for variable in self.reads.of(scope)))
            narrowed[scope] = [owner for owner in owners if owner in users] or owners
        same = self._same_layer(narrowed)
        # Where two layers share a variable, variables mislead: a layer would be left without any scope.
        left_out = set().union(*options.values()) - set(assign(narrowed, same, self.calls).values())
        misled = {scope for scope, owners in options.items() if left_out.intersection(owners)}
        narrowed.update({scope: options[scope] for scope in misled})
        same = [pair for pair in same if not misled.intersection(pair)]
        # The neighbors of each are judged by what is likeliest so far; the final choice follows.
        undecided = [scope for scope in narrowed if scope not in self.owner_of_scope]
        self.owner_of_scope.update({scope: narrowed[scope][0] for scope in undecided if len(narrowed[scope]) == 1})
        scores: dict[str, int] = {}
        for scope, owners in narrowed.items():
            if len(owners) > 1:
                before, after = self._neighbors(scope)
                fits = {owner: self._fit(owner, before, after) for owner in owners}
                narrowed[scope] = sorted(owners, key=lambda owner: -fits[owner])
                scores[scope] = max(fits.values())
                self.owner_of_scope[scope] = narrowed[scope][0]
        for scope in undecided:
            del self.owner_of_scope[scope]
        return dict(sorted(narrowed.items(), key=lambda item: -scores.get(item[0], 0))), same

    def _fit(self, owner: str, before: set[str], after: set[str]) -> int:
        """How many of the neighbors are neighbors in the layer graph."""
        links = self._links
        expected_before, expected_after = links[0].get(owner, ()), links[1].get(owner, ())
        own = owner in before or owner in after if self.layers.layers[owner].inner else False
        return len(before.intersection(expected_before)) + len(after.intersection(expected_after)) + own

    @cached_property
    def _links(self) -> tuple[Mapping[str, set[str]], Mapping[str, set[str]]]:
        """Layers before and after each layer, past those that no scope can belong to."""
        present = {*self.graph.scopes.kinds[0], *(name.rpartition("/")[2] for name in self.graph.names)}
        present |= {numbered[1] for numbered in map(NUMBERED.fullmatch, present) if numbered}
        absent = {id_ for id_, layer in self.layers.layers.items() if layer.name.rpartition("/")[2] not in present}
        onward: dict[str, list[str]] = defaultdict(list)
        for source, target in self.layers.edges:
            onward[source].append(target)
        before: dict[str, set[str]] = defaultdict(set)
        after: dict[str, set[str]] = defaultdict(set)
        for source in self.layers.layers:
            waiting = [source]
            while waiting:
                for target in onward[waiting.pop()]:
                    if target not in after[source]:
                        after[source].add(target)
                        before[target].add(source)
                        if target in absent:
                            waiting.append(target)
        return before, after

    def _neighbors(self, scope: str) -> tuple[set[str], set[str]]:
        """Owners, as far as known, of the ops that a scope's ops take tensors from, and give tensors to."""
        graph = self.graph
        order, offsets = graph.by_source
        before, after = set(), set()
        places = [scope]
        while places:
            place = places.pop()
            places += [f"{place}/{child}" for child in self.children.of(place)]
            row = graph.index.get(place)
            if row is None:
                continue
            for edge in range(int(graph.in_edges[row]), int(graph.in_edges[row + 1])):
                # The learning phase goes to layers far and wide.
                if graph.output[edge] != CONTROL and graph.types[int(graph.source[edge])] != "PlaceholderWithDefault":
                    before.add(self._owner(graph.names[int(graph.source[edge])]))
            for edge in order[offsets[row] : offsets[row + 1]].tolist():
                if graph.output[edge] != CONTROL:
                    after.add(self._owner(graph.names[int(graph.target[edge])]))
        return before, after

    def _is_model_scope(self, scope: str) -> bool:
        """Whether a scope is the root, or the model's own."""
        last = scope.rpartition("/")[2]
        numbered = NUMBERED.fullmatch(last)
        return not scope or self.layers.model_name in (last, numbered[1] if numbered else last)

    def _homes(self, found: Mapping[str, Sequence[str]], others: Sequence[str]) -> list[str]:
        """The model's own scopes, where more layers lie in such than at the root.

        What then has a layer's name at the root may well be bookkeeping.
        """
        at_root = self._models_in(found).get((), 0)
        return [
            place
            for place in others
            if not role_of_name(place)
            and self._models_in(self._candidates(place, self.anywhere)[0]).get((), 0) > at_root
        ]

    def _models_in(self, found: Mapping[str, Sequence[str]]) -> Mapping[tuple[str, ...], int]:
        """Paths of the models most of whose layers may lie in these scopes, with how many these are.

        That is a call of a model, under whatever name: Keras 2.1 does not write down the names of Sequential models.
        """
        fitting = {owner for owners in found.values() for owner in owners} - self.inputs
        counts = Counter(self.path_of[owner] for owner in fitting)
        return {path: count for path, count in counts.items() if count > 1 and 2 * count >= self.size_of[path]}

    def _still_open(self, owners: Sequence[str]) -> list[str]:
        return [owner for owner in owners if self.scopes_of[owner] < self.calls[owner]]

    def _candidates(self, scope: str, names: Mapping[str, Sequence[str]]) -> tuple[dict[str, list[str]], list[str]]:
        """Scopes below this one, with the layers each may belong to; and those that fit no layer."""
        found: dict[str, list[str]] = {}
        others: list[str] = []
        for child in self.children.of(scope):
            self._look(_join(scope, child), child, names, found, others)
        return found, others

    def _look(
        self,
        place: str,
        relative: str,
        names: Mapping[str, Sequence[str]],
        found: dict[str, list[str]],
        others: list[str],
    ) -> None:
        # Layer names may hold "/" themselves, so the longest fitting piece of the path counts.
        deeper_found: dict[str, list[str]] = {}
        deeper_others: list[str] = []
        if relative.count("/") + 1 < self.longest:
            for child in self.children.of(place):
                self._look(f"{place}/{child}", f"{relative}/{child}", names, deeper_found, deeper_others)
        fitting = self._fitting(place, relative, names)
        if place not in self.children and self.graph.types[self.graph.index[place]] not in FEEDS:
            # A layer opens a scope; only an input or a raw op is an op by itself: the op "add" is not the layer "add".
            fitting = [id_ for id_ in fitting if self._class_of(id_) == _RAW_OP]
        elif self._is_argument(place):
            # A traced function's arguments have the names of Python arguments: "x" need not be the input "x".
            fitting = []
        if fitting and self._is_around_layers(place, relative):
            fitting = []
        found.update(deeper_found)
        if fitting:
            found[place] = fitting
        elif deeper_found:
            others.extend(deeper_others)
        else:
            others.append(place)

    def _fitting(self, place: str, relative: str, names: Mapping[str, Sequence[str]]) -> list[str]:
        fitting = list(names.get(relative, ()))
        numbered = NUMBERED.fullmatch(relative) if relative[-1:].isdigit() else None
        if numbered:
            further = [id_ for id_ in names.get(numbered[1], ()) if id_ not in fitting]
            if place == relative and role_of_name(relative):
                # Beside a layer "loss" at the root, Keras puts what computes the loss into a scope "loss_1".
                further = [id_ for id_ in further if self.calls[id_] > 1]
            fitting += further
        for name in (relative, numbered[1] if numbered else "") if self.wrappers_of else ():
            fitting += [id_ for id_ in self.wrappers_of.get(name, ()) if id_ not in fitting]
        return fitting

    def _is_argument(self, place: str) -> bool:
        return place not in self.children and self.graph.types[self.graph.index[place]] == "_Arg"

    def _class_of(self, id_: str) -> str:
        return (self.layers.layers.get(id_) or self.layers.nested[id_]).class_name

    def _is_around_layers(self, place: str, relative: str) -> bool:
        """Whether a scope that has a layer's name is the model's own: it has the model's name, and layers inside."""
        numbered = NUMBERED.fullmatch(relative)
        if self.layers.model_name not in (relative, numbered[1] if numbered else relative):
            return False
        top = self.inside[()]
        return sum(bool(self._fitting(_join(place, child), child, top)) for child in self.children.of(place)) > 1

    def _same_layer(self, found: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
        """Pairs of scopes that read the same variable, and so are calls of the same layer."""
        first_reader: dict[int, str] = {}
        pairs: dict[tuple[str, str], None] = {}
        for scope in found:
            for variable in self.reads.of(scope):
                home = first_reader.setdefault(variable, scope)
                if home != scope:
                    pairs[home, scope] = None
        return [pair for pair in pairs if not self._is_called_by_itself(found, *pair)]

    def _is_called_by_itself(self, found: Mapping[str, Sequence[str]], left: str, right: str) -> bool:
        """Whether one of two scopes is a wrapper's, and the other a call of what it wraps, but not by the wrapper."""
        named_left, named_right = ({*filter(self._has_name_of(scope), found[scope])} for scope in (left, right))
        return bool(named_left and named_right) and named_left.isdisjoint(named_right)

    def _has_name_of(self, scope: str) -> Callable[[str], bool]:
        """Tells whether a scope is called like a layer, and not like what the layer wraps."""
        numbered = NUMBERED.fullmatch(scope)
        endings = [f"/{scope}", *([f"/{numbered[1]}"] if numbered else [])]
        return lambda owner: any(ending.endswith(f"/{self.name_of[owner]}") for ending in endings)


class _Children:
    """What lies right in each scope, scopes and ops, by its last name: as each, or what is in it, first appears."""

    def __init__(self, graph: OpGraph) -> None:
        self._graph = graph
        self._tree = tree = graph.scopes
        self._ops, ends_of_ops = grouped(tree.of_op, len(tree))
        self._scopes, ends_of_scopes = grouped(tree.parent, len(tree))
        self._ends_of_ops: list[int] = ends_of_ops.tolist()
        self._ends_of_scopes: list[int] = ends_of_scopes.tolist()
        self._first = tree.first_inside(tree.of_op)
        self._known: dict[int, Sequence[str]] = {}

    def __contains__(self, place: str) -> bool:
        return place in self._tree.numbers

    def of(self, place: str) -> Sequence[str]:
        """The last names of what lies in a scope; none for an op."""
        number = self._tree.numbers.get(place)
        if number is None:
            return ()
        if number not in self._known:
            self._known[number] = self._find(number)
        return self._known[number]

    def _find(self, number: int) -> Sequence[str]:
        ops = self._ops[self._ends_of_ops[number] : self._ends_of_ops[number + 1]].tolist()
        scopes = self._scopes[self._ends_of_scopes[number] : self._ends_of_scopes[number + 1]].tolist()
        names, segments = self._graph.names, self._tree.segments
        if not number:
            # TensorFlow gives no such names; a damaged file may, and they lie in no scope.
            ops = [row for row in ops if names[row] and not names[row].startswith("/")]
            scopes = [scope for scope in scopes if not self._tree.names[scope].startswith("/")]
        inside = [(row, names[row].rpartition("/")[2]) for row in ops]
        inside += [(int(self._first[scope]), segments[scope]) for scope in scopes]
        return list(dict.fromkeys(name for _, name in sorted(inside)))


class _Reads:
    """The variables that each scope holds or reads directly, at every level."""

    def __init__(self, graph: OpGraph) -> None:
        self._graph = graph
        variables, readers = _readers(graph)
        self._of_op = _Grouped(readers, variables, len(graph))
        self._of_scope = _Grouped(*_in_scopes_around(graph, variables, readers), len(graph.scopes))

    def of(self, place: str) -> Sequence[int]:
        """Rows of the variables that a scope, or an op by itself, holds or reads, in order."""
        number = self._graph.scopes.numbers.get(place)
        if number is not None:
            return self._of_scope.of(number)
        row = self._graph.index.get(place)
        return () if row is None else self._of_op.of(row)


class _Grouped:
    """Numbers by key.

    Args:
        keys: A key for each number, from 0 up to `count`.
        numbers: The numbers, in any order, no two of one key equal.
        count: How many keys there are.
    """

    def __init__(self, keys: np.ndarray, numbers: np.ndarray, count: int) -> None:
        order = np.lexsort((numbers, keys))
        self._numbers: list[int] = numbers[order].tolist()
        self._ends: list[int] = offsets_of(keys, count).tolist()

    def of(self, key: int) -> Sequence[int]:
        """The numbers of a key, ascending."""
        return self._numbers[self._ends[key] : self._ends[key + 1]]


def _readers(graph: OpGraph) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of a variable and an op that is it, or reads it directly, each pair once: two columns, int64."""
    feeds = [row for row in graph.rows_of_types(FEEDS.__contains__) if dtype_of(graph.node_defs[row]) == DT_RESOURCE]
    are_variables = graph.of_types(VARIABLES.__contains__)
    are_variables[feeds] = True
    variables = np.flatnonzero(are_variables)
    order, offsets = graph.by_source
    edges = order[edges_of(variables, offsets)]
    edges = edges[graph.output[edges] != CONTROL]
    taken, takers = graph.source[edges], graph.target[edges]
    hand_on = graph.of_types(("Identity", "ReadVariableOp").__contains__)[takers]
    further = edges_of(takers[hand_on], offsets)
    of_further = np.repeat(taken[hand_on], np.diff(offsets)[takers[hand_on]])
    return _distinct_pairs(
        np.concatenate([variables, taken, of_further]), np.concatenate([variables, takers, graph.onward[further]])
    )


def _in_scopes_around(graph: OpGraph, variables: np.ndarray, readers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The scopes in which ops that read a variable are drawn, at any depth, each with the variable.

    Args:
        graph: The op graph.
        variables: Rows of variables.
        readers: For each of these the row of an op that reads it.

    Returns:
        Scopes and variables as two columns, each pair once.
    """
    tree = graph.scopes
    scopes, depths = graph.drawn_in[readers], tree.depth[graph.drawn_in[readers]]
    deepest = int(depths.max(initial=0))
    by_depth, offsets = grouped(depths, deepest + 1)
    found = [(scopes[:0], variables[:0])]
    level = scopes[:0], variables[:0]
    for depth in range(deepest, 0, -1):
        # Pairs from deeper scopes come up one level and are made distinct, so that each goes up the tree once.
        here = by_depth[offsets[depth] : offsets[depth + 1]]
        level = _distinct_pairs(
            np.concatenate([tree.parent[level[0]], scopes[here]]), np.concatenate([level[1], variables[here]])
        )
        found.append(level)
    around, of_variables = zip(*found, strict=True)
    return np.concatenate(around), np.concatenate(of_variables)


def _distinct_pairs(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of numbers, each once: two columns."""
    base = int(second.max(initial=0)) + 1
    firsts, seconds = np.divmod(distinct(numbers_of_pairs(first, second, base)), base)
    return firsts, seconds


def _join(scope: str, child: str) -> str:
    return f"{scope}/{child}" if scope else child
