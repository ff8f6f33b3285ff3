"""Ownership: which layer each op belongs to.

For a live model ownership was recorded while the model was traced. For files, names decide:

- Keras opens a name scope for each call of a layer: the layer's name, made unique with ``_1``, ``_2`` and so on. In
  Keras 2 these scopes lie at the root, or in the scope of the nested model that is called; Keras 3 and tf_keras put
  the model's own scope around them;
- a scope name may fit two layers: ``dense_1`` is a layer of that name, or a later call of ``dense``. Scopes that read
  one another's variables are calls of the same layer; every layer has at least one scope; what is still open goes to
  the layer whose name it is;
- ops of training, saving and initialising live in scopes of their own, and have a role instead of an owner.

Source of the scope names: ``Layer.__call__`` in Keras 1.2 to 2.15 (``keras/engine/base_layer.py``), ``name_scope`` in
Keras 3 (``keras/src/backend/common/name_scope.py``), and ``tf.Graph.unique_name``.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from graphdiag.graphs.layer_graph import LayerGraph
from graphdiag.graphs.op_graph import CONTROL, OpGraph

NOBODY = -1
"""Owner of an op that belongs to no layer."""

_NUMBERED = re.compile(r"(.+)_[0-9]+")
_FEEDS = frozenset({"Placeholder", "PlaceholderV2", "PlaceholderWithDefault", "_Arg"})
_VARIABLES = frozenset({"VariableV2", "Variable", "VarHandleOp"})
_RAW_OP = "TensorFlowOpLayer"
_DT_RESOURCE = 20

_ROLES = {
    "gradients": "gradients",
    "gradient_tape": "gradients",
    "training": "training",
    "train": "training",
    "optimizer": "training",
    "loss": "loss",
    "losses": "loss",
    "compile_loss": "loss",
    "metrics": "metrics",
    "metric": "metrics",
    "save": "saving",
    "checkpoint": "saving",
    "init": "initialisation",
    "IsVariableInitialized": "initialisation",
    "VarIsInitializedOp": "initialisation",
    "report_uninitialized_variables": "initialisation",
    "group_deps": "initialisation",
    "Adam": "training",
    "adam": "training",
    "Adamax": "training",
    "adamax": "training",
    "Adagrad": "training",
    "adagrad": "training",
    "Adadelta": "training",
    "adadelta": "training",
    "Nadam": "training",
    "nadam": "training",
    "SGD": "training",
    "sgd": "training",
    "RMSprop": "training",
    "RMSProp": "training",
    "rmsprop": "training",
    "Ftrl": "training",
    "ftrl": "training",
    "Momentum": "training",
    "GradientDescent": "training",
    "TFOptimizer": "training",
    "AdamW": "training",
    "adamw": "training",
    "Lion": "training",
    "lion": "training",
    "Lamb": "training",
    "lamb": "training",
}
_ROLE_TYPES = {
    "IsVariableInitialized": "initialisation",
    "VarIsInitializedOp": "initialisation",
    "Assign": "initialisation",
    "SaveV2": "saving",
    "RestoreV2": "saving",
    "MergeSummary": "summaries",
    "ScalarSummary": "summaries",
    "HistogramSummary": "summaries",
    "ImageSummary": "summaries",
}


@dataclass(frozen=True, eq=False)
class Ownership:
    """Who owns each op.

    Attributes:
        owners: Ids: layers, then nested models, then, where there is no layer graph, name scopes.
        of_op: Row in ``owners`` for each op, `NOBODY` for ops of no layer; int32.
        roles: Role of ops that have no owner but serve training, saving or initialising, by row.
        model_inputs: Rows of the feeds that are inputs of the model.
        inputs_found: Whether every input of the layer graph was found among the ops.
        by_scope: Whether owners are name scopes, for want of a layer graph.
        recorded: Whether ownership was recorded while the model was traced.
    """

    owners: Sequence[str]
    of_op: np.ndarray
    roles: Mapping[int, str]
    model_inputs: frozenset[int]
    inputs_found: bool
    by_scope: bool = False
    recorded: bool = False

    def owner(self, row: int) -> str | None:
        """Id of the op's owner, or ``None``."""
        found = int(self.of_op[row])
        return None if found == NOBODY else self.owners[found]


def own(graph: OpGraph, layers: LayerGraph | None, recorded: Mapping[str, str] | None = None) -> Ownership:
    """Find the owner of every op.

    Args:
        graph: The op graph.
        layers: The layer graph; without one, the outer name scopes are the owners.
        recorded: Layer id by op name, where a live model was traced. What it does not name goes by names.

    Returns:
        The ownership of all ops.
    """
    if layers is None:
        return _by_scope(graph, recorded or {})
    owners = [*layers.layers, *layers.nested]
    rows = {owner: row for row, owner in enumerate(owners)}
    bookkeeping = _bookkeeping(graph)
    if recorded:
        of_op = np.full(len(graph), NOBODY, dtype=np.int32)
        for name, owner in recorded.items():
            if name in graph.index and owner in rows:
                of_op[graph.index[name]] = rows[owner]
        of_op[list(bookkeeping)] = NOBODY
        roles = _roles(graph, of_op, {}) | bookkeeping
    else:
        named = _Names(graph, layers)
        of_op = np.array([rows.get(owner, NOBODY) for owner in named.owner_of_op], dtype=np.int32)
        of_op[list(bookkeeping)] = NOBODY
        roles = _roles(graph, of_op, named.role_of_scope) | bookkeeping
        _own_masks(graph, layers, of_op, rows, roles)
    inputs = _find_inputs(graph, layers, of_op, rows, roles)
    return Ownership(
        owners=owners,
        of_op=of_op,
        roles=roles,
        model_inputs=frozenset(row for row in inputs.values() if row != NOBODY),
        inputs_found=NOBODY not in inputs.values(),
        recorded=bool(recorded),
    )


# --- by names --------------------------------------------------------------------------------------------------------


class _Names:
    """The layers' scopes, found from the root down."""

    def __init__(self, graph: OpGraph, layers: LayerGraph) -> None:
        self.graph = graph
        self.layers = layers
        self.children: dict[str, dict[str, None]] = defaultdict(dict)
        self.role_of_scope: dict[str, str] = {}
        self.owner_of_scope: dict[str, str] = {}
        self.scopes_of: Counter[str] = Counter()
        for name in graph.names:
            parent, _, leaf = name.rpartition("/")
            while leaf not in self.children[parent]:
                self.children[parent][leaf] = None
                if not parent:
                    break
                parent, _, leaf = parent.rpartition("/")
        # What may be found directly inside a nested model, or at the top level (outermost names first).
        self.calls: dict[str, int] = {}
        self.path_of: dict[str, tuple[str, ...]] = {}
        self.inside: dict[tuple[str, ...], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for kind in (layers.layers, layers.nested):
            for id_, layer in kind.items():
                self.inside[layer.path][layer.name].append(id_)
                if layer.class_name == _RAW_OP:
                    # TensorFlow 2.2 calls the layer of the raw op "AddV2" "tf_op_layer_AddV2".
                    self.inside[layer.path][layer.name.removeprefix("tf_op_layer_")].append(id_)
                self.calls[id_] = layer.calls
                self.path_of[id_] = layer.path
        self.size_of = Counter(self.path_of.values())
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
        self.reads = _variables_read(graph)
        self.users: dict[int, set[str]] = defaultdict(set)
        self._descend([""], self.anywhere, ())
        self.owner_of_op = [self._owner(name) for name in graph.names]

    def _owner(self, name: str) -> str:
        scope = name
        while scope:
            if scope in self.owner_of_scope:
                return self.owner_of_scope[scope]
            scope = scope.rpartition("/")[0]
        return ""

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
                # A stranger's scope may hold layers' scopes, but not of layers that were all found further out.
                found = {place: self._still_open(owners) for place, owners in found.items()}
                others += [place for place, owners in found.items() if not owners]
                found = {place: owners for place, owners in found.items() if owners}
            self._settle(found)
            for child in others:
                role = _role(child.rpartition("/")[2])
                if role and not path:
                    self.role_of_scope[child] = role
                elif child in self.children:
                    waiting.append(child)

    def _settle(self, found: Mapping[str, Sequence[str]]) -> None:
        """Give scopes that lie side by side to layers, on all evidence there is.

        Nested models come first: the layers inside them are known by name, and so tell whose variables are read.
        """
        models = {
            scope: owner
            for scope, owner in _assign(found, self._same_layer(found), self.calls).items()
            if owner in self.layers.nested
        }
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
        for scope, owner in _assign(*self._on_evidence(options), self.calls).items():
            self._give(scope, owner)

    def _give(self, scope: str, owner: str) -> None:
        if scope not in self.owner_of_scope:
            self.scopes_of[owner] += 1
        self.owner_of_scope[scope] = owner
        if owner in self.layers.layers:
            for variable in self.reads.get(scope, ()):
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
            users = set().union(*(self.users.get(variable, ()) for variable in self.reads.get(scope, ())))
            narrowed[scope] = [owner for owner in owners if owner in users] or owners
        same = self._same_layer(narrowed)
        # Where two layers share a variable, variables mislead: a layer would be left without any scope.
        left_out = set().union(*options.values()) - set(_assign(narrowed, same, self.calls).values())
        misled = {scope for scope, owners in options.items() if left_out.intersection(owners)}
        narrowed.update({scope: options[scope] for scope in misled})
        same = [pair for pair in same if not misled.intersection(pair)]
        scores: dict[str, int] = {}
        for scope, owners in narrowed.items():
            if len(owners) > 1:
                before, after = self._neighbours(scope)
                fits = {owner: self._fit(owner, before, after) for owner in owners}
                narrowed[scope] = sorted(owners, key=lambda owner: -fits[owner])
                scores[scope] = max(fits.values())
                # The next scope's neighbours are judged by this; the final choice follows.
                self.owner_of_scope[scope] = narrowed[scope][0]
        for scope in scores:
            del self.owner_of_scope[scope]
        return dict(sorted(narrowed.items(), key=lambda item: -scores.get(item[0], 0))), same

    def _fit(self, owner: str, before: set[str], after: set[str]) -> int:
        """How many of the neighbours are neighbours in the layer graph."""
        links = self._links
        expected_before, expected_after = links[0].get(owner, ()), links[1].get(owner, ())
        own = owner in before or owner in after if self.layers.layers[owner].inner else False
        return len(before.intersection(expected_before)) + len(after.intersection(expected_after)) + own

    @cached_property
    def _links(self) -> tuple[Mapping[str, set[str]], Mapping[str, set[str]]]:
        """Layers before and after each layer, past those that no scope can belong to."""
        present = {leaf for leaves in self.children.values() for leaf in leaves}
        present |= {numbered[1] for numbered in map(_NUMBERED.fullmatch, present) if numbered}
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

    def _neighbours(self, scope: str) -> tuple[set[str], set[str]]:
        """Owners, as far as known, of the ops that a scope's ops take tensors from, and give tensors to."""
        graph = self.graph
        order, offsets = graph.by_source
        before, after = set(), set()
        places = [scope]
        while places:
            place = places.pop()
            places += [f"{place}/{child}" for child in self.children.get(place, ())]
            row = graph.index.get(place)
            if row is None:
                continue
            for edge in range(int(graph.in_edges[row]), int(graph.in_edges[row + 1])):
                if graph.output[edge] != CONTROL:
                    before.add(self._owner(graph.names[int(graph.source[edge])]))
            for edge in order[offsets[row] : offsets[row + 1]].tolist():
                if graph.output[edge] != CONTROL:
                    after.add(self._owner(graph.names[int(graph.target[edge])]))
        return before, after

    def _is_model_scope(self, scope: str) -> bool:
        """Whether a scope is the root, or the model's own."""
        last = scope.rpartition("/")[2]
        numbered = _NUMBERED.fullmatch(last)
        return not scope or self.layers.model_name in (last, numbered[1] if numbered else last)

    def _homes(self, found: Mapping[str, Sequence[str]], others: Sequence[str]) -> list[str]:
        """The model's own scopes, where most layers lie in such and not at the root.

        What then has a layer's name at the root may well be bookkeeping.
        """
        if () in self._models_in(found):
            return []
        return [
            place
            for place in others
            if not _role(place) and () in self._models_in(self._candidates(place, self.anywhere)[0])
        ]

    def _models_in(self, found: Mapping[str, Sequence[str]]) -> set[tuple[str, ...]]:
        """Paths of the models most of whose layers may lie in these scopes.

        That is a call of a model, under whatever name: Keras 2.1 does not write down the names of Sequential models.
        """
        fitting = {owner for owners in found.values() for owner in owners}
        counts = Counter(self.path_of[owner] for owner in fitting)
        return {path for path, count in counts.items() if count > 1 and 2 * count >= self.size_of[path]}

    def _still_open(self, owners: Sequence[str]) -> list[str]:
        return [owner for owner in owners if self.scopes_of[owner] < self.calls[owner]]

    def _candidates(self, scope: str, names: Mapping[str, Sequence[str]]) -> tuple[dict[str, list[str]], list[str]]:
        """Scopes below this one, with the layers each may belong to; and those that fit no layer."""
        found: dict[str, list[str]] = {}
        others: list[str] = []
        for child in self.children.get(scope, {}):
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
            for child in self.children.get(place, {}):
                self._look(f"{place}/{child}", f"{relative}/{child}", names, deeper_found, deeper_others)
        fitting = self._fitting(place, relative, names)
        if place not in self.children and self.graph.types[self.graph.index[place]] not in _FEEDS:
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
        numbered = _NUMBERED.fullmatch(relative)
        if numbered:
            further = [id_ for id_ in names.get(numbered[1], ()) if id_ not in fitting]
            if place == relative and _role(relative):
                # Beside a layer "loss" at the root, Keras puts what computes the loss into a scope "loss_1".
                further = [id_ for id_ in further if self.calls[id_] > 1]
            fitting += further
        for name in (relative, numbered[1] if numbered else ""):
            fitting += [id_ for id_ in self.wrappers_of.get(name, ()) if id_ not in fitting]
        return fitting

    def _is_argument(self, place: str) -> bool:
        return place not in self.children and self.graph.types[self.graph.index[place]] == "_Arg"

    def _class_of(self, id_: str) -> str:
        return (self.layers.layers.get(id_) or self.layers.nested[id_]).class_name

    def _is_around_layers(self, place: str, relative: str) -> bool:
        """Whether a scope that has a layer's name is the model's own: it has the model's name, and layers inside."""
        numbered = _NUMBERED.fullmatch(relative)
        if self.layers.model_name not in (relative, numbered[1] if numbered else relative):
            return False
        top = self.inside[()]
        return sum(bool(self._fitting(_join(place, child), child, top)) for child in self.children.get(place, {})) > 1

    def _same_layer(self, found: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
        """Pairs of scopes that read the same variable, and so are calls of the same layer."""
        first_reader: dict[int, str] = {}
        pairs = []
        for scope in found:
            for variable in self.reads.get(scope, ()):
                home = first_reader.setdefault(variable, scope)
                if home != scope:
                    pairs.append((home, scope))
        return pairs


def _variables_read(graph: OpGraph) -> Mapping[str, Sequence[int]]:
    """Rows of the variables that each scope holds or reads directly, for every scope at every level."""
    variables = {row for row, op_type in enumerate(graph.types) if op_type in _VARIABLES}
    variables |= {
        row for row, op_type in enumerate(graph.types) if op_type in _FEEDS and _dtype(graph, row) == _DT_RESOURCE
    }
    if not variables:
        return {}
    readers: dict[int, set[int]] = {row: {row} for row in variables}
    order, offsets = graph.by_source
    for row in variables:
        for edge in order[offsets[row] : offsets[row + 1]].tolist():
            if graph.output[edge] == CONTROL:
                continue
            reader = int(graph.target[edge])
            readers[row].add(reader)
            if graph.types[reader] in ("Identity", "ReadVariableOp"):
                for onward in order[offsets[reader] : offsets[reader + 1]].tolist():
                    readers[row].add(int(graph.target[onward]))
    found: dict[str, dict[int, None]] = defaultdict(dict)
    for row in sorted(variables):
        for reader in sorted(readers[row]):
            scope = graph.names[reader]
            while scope:
                if row in found[scope]:
                    break
                found[scope][row] = None
                scope = scope.rpartition("/")[0]
    return {scope: list(rows) for scope, rows in found.items()}


def _assign(
    found: Mapping[str, Sequence[str]], same: Sequence[tuple[str, str]], calls: Mapping[str, int]
) -> dict[str, str]:
    """Choose a layer for each scope.

    Args:
        found: Candidates of each scope, the layer with the scope's exact name first.
        same: Pairs of scopes that are calls of the same layer.
        calls: How often each layer is called.

    Returns:
        Layer by scope. Every layer gets a scope if that is possible at all.
    """
    group = {scope: scope for scope in found}

    def leader(scope: str) -> str:
        while group[scope] != scope:
            group[scope] = group[group[scope]]
            scope = group[scope]
        return scope

    for left, right in same:
        if set(found[left]) & set(found[right]):
            group[leader(right)] = leader(left)
    members: dict[str, list[str]] = defaultdict(list)
    for scope in found:
        members[leader(scope)].append(scope)
    candidates: dict[str, list[str]] = {}
    for head, scopes in members.items():
        shared = [owner for owner in found[head] if all(owner in found[scope] for scope in scopes)]
        if shared:
            candidates[head] = shared
        else:
            # The variables of two layers are mixed in these scopes, so they say nothing about the calls.
            candidates.update({scope: list(found[scope]) for scope in scopes})
            for scope in scopes:
                group[scope] = scope
    chosen = _match(candidates)
    count = Counter(chosen.values())
    for head, options in candidates.items():
        if head not in chosen:
            # A further call: of the layer that is called more often than it has scopes so far.
            open_options = [owner for owner in options if count[owner] < calls[owner]]
            chosen[head] = (open_options or options)[0]
            count[chosen[head]] += 1
    return {scope: chosen[leader(scope)] for scope in found}


def _match(candidates: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """One scope for as many layers as possible: a maximum matching by augmenting paths.

    Returns:
        Layer by scope, for the scopes that are matched.
    """
    layer_of: dict[str, str] = {}
    scope_of: dict[str, str] = {}
    # Scopes without a choice come first: they leave the least to be moved.
    for scope in sorted(candidates, key=lambda scope: len(candidates[scope])):
        wanted_by: dict[str, str] = {}
        waiting = [scope]
        free = None
        while waiting and free is None:
            current = waiting.pop()
            for owner in candidates[current]:
                if owner in wanted_by:
                    continue
                wanted_by[owner] = current
                if owner not in scope_of:
                    free = owner
                    break
                waiting.append(scope_of[owner])
        # Hand the free layer to the scope that asked for it, that scope's old layer to the one before, and so on.
        while free is not None:
            taker = wanted_by[free]
            given_up = layer_of.get(taker)
            layer_of[taker], scope_of[free] = free, taker
            free = given_up
    return layer_of


# --- roles, inputs, scopes -------------------------------------------------------------------------------------------


def _role(segment: str) -> str:
    """Role of a scope by its name, ``""`` for none."""
    numbered = _NUMBERED.fullmatch(segment)
    return _ROLES.get(segment) or (_ROLES.get(numbered[1], "") if numbered else "")


def _bookkeeping(graph: OpGraph) -> dict[int, str]:
    """Ops that never are a layer's, wherever they lie.

    Keras runs a session, which initialises variables, whenever a value is asked for; while a layer is being called,
    the ops for that end up in the layer's scope.
    """
    found = {}
    for row, op_type in enumerate(graph.types):
        leaf = graph.names[row].rpartition("/")[2]
        if op_type in _ROLE_TYPES and op_type != "Assign":
            found[row] = _ROLE_TYPES[op_type]
        elif op_type == "NoOp" and _role(leaf) == "initialisation":
            found[row] = "initialisation"
    return found


def _roles(graph: OpGraph, of_op: np.ndarray, role_of_scope: Mapping[str, str]) -> dict[int, str]:
    """Role of each op that has no owner."""
    roles = {}
    known: dict[str, str] = dict(role_of_scope)

    def of_scope(scope: str) -> str:
        if scope not in known:
            parent, _, segment = scope.rpartition("/")
            known[scope] = (of_scope(parent) if parent else "") or _role(segment)
        return known[scope]

    for row in np.flatnonzero(of_op == NOBODY).tolist():
        role = of_scope(graph.names[row]) or _ROLE_TYPES.get(graph.types[row], "")
        if role:
            roles[row] = role
    return roles


def _dtype(graph: OpGraph, row: int) -> int:
    attributes = graph.node_defs[row].attr
    return int((attributes["dtype"] if "dtype" in attributes else attributes["T"]).type)


def _find_inputs(
    graph: OpGraph, layers: LayerGraph, of_op: np.ndarray, rows: Mapping[str, int], roles: Mapping[int, str]
) -> dict[str, int]:
    """The feed of each model input; where names do not tell, the feed that goes where the input goes.

    ``of_op`` is completed in place.
    """
    inputs = list(layers.inputs) or [layer.id for layer in layers.layers.values() if layer.is_input]
    found = dict.fromkeys(inputs, NOBODY)
    feeds = [row for row, op_type in enumerate(graph.types) if op_type in _FEEDS]
    by_owner = {rows[input_]: input_ for input_ in inputs}
    for row in reversed(feeds):
        owned = by_owner.get(int(of_op[row]))
        if owned is not None:
            found[owned] = row
    open_inputs = [input_ for input_ in inputs if found[input_] == NOBODY]
    open_feeds = [
        row
        for row in feeds
        if of_op[row] == NOBODY
        and row not in roles
        and graph.types[row] != "PlaceholderWithDefault"
        and _dtype(graph, row) != _DT_RESOURCE
    ]
    if not open_inputs or not open_feeds:
        return found
    goes_to = {row: _reached_owners(graph, row, of_op) for row in open_feeds}
    expected = {input_: _next_with_ops(layers, input_, of_op, rows) for input_ in open_inputs}

    def match(fits: Callable[[str, int], bool]) -> None:
        for input_ in open_inputs:
            for row in open_feeds if found[input_] == NOBODY else ():
                if of_op[row] == NOBODY and fits(input_, row):
                    found[input_] = row
                    of_op[row] = rows[input_]
                    break

    def same_name(input_: str, row: int) -> bool:
        return graph.names[row] == layers.layers[input_].name

    # The surest first. Names come second: an argument "x" need not be the input "x".
    match(lambda input_, row: goes_to[row] == expected[input_] and same_name(input_, row))
    match(lambda input_, row: bool(goes_to[row]) and goes_to[row] == expected[input_])
    match(lambda input_, row: bool(goes_to[row] & expected[input_]) and same_name(input_, row))
    match(lambda input_, row: bool(goes_to[row]) and goes_to[row] <= expected[input_])
    match(lambda input_, row: bool(goes_to[row] & expected[input_]))
    return found


def _reached_owners(graph: OpGraph, row: int, of_op: np.ndarray) -> set[int]:
    """Owners that a feed reaches, directly or through ops of nobody."""
    order, offsets = graph.by_source
    reached: set[int] = set()
    seen = {row}
    waiting = [row]
    while waiting:
        current = waiting.pop()
        for edge in order[offsets[current] : offsets[current + 1]].tolist():
            if graph.output[edge] == CONTROL:
                continue
            target = int(graph.target[edge])
            if of_op[target] != NOBODY:
                reached.add(int(of_op[target]))
            elif target not in seen:
                seen.add(target)
                waiting.append(target)
    return reached


def _next_with_ops(layers: LayerGraph, input_: str, of_op: np.ndarray, rows: Mapping[str, int]) -> set[int]:
    """Rows of the layers that an input goes to, through layers that have made no op."""
    present = set(of_op.tolist())
    successors: dict[str, list[str]] = defaultdict(list)
    for source, target in layers.edges:
        successors[source].append(target)
    wanted: set[int] = set()
    seen = {input_}
    waiting = [input_]
    while waiting:
        for target in successors[waiting.pop()]:
            if target in seen:
                continue
            seen.add(target)
            if rows[target] in present:
                wanted.add(rows[target])
            else:
                waiting.append(target)
    return wanted


def _own_masks(
    graph: OpGraph, layers: LayerGraph, of_op: np.ndarray, rows: Mapping[str, int], roles: Mapping[int, str]
) -> None:
    """Give an ``Embedding`` the mask that Keras 3 computes for it outside of its scope. ``of_op`` is completed in place.

    ``compute_mask`` runs in the model's scope; its op compares the tokens, which the layer takes, with a constant.
    """
    embeddings = {rows[id_] for id_, layer in layers.layers.items() if layer.class_name == "Embedding"}
    order, offsets = graph.by_source
    for row in np.flatnonzero(np.isin(of_op, list(embeddings))).tolist():
        for edge in range(int(graph.in_edges[row]), int(graph.in_edges[row + 1])):
            tokens = int(graph.source[edge])
            if of_op[tokens] == of_op[row] or graph.output[edge] == CONTROL:
                continue
            for onward in order[offsets[tokens] : offsets[tokens + 1]].tolist():
                mask = int(graph.target[onward])
                if graph.types[mask] == "NotEqual" and of_op[mask] == NOBODY and mask not in roles:
                    of_op[mask] = of_op[row]


def _join(scope: str, child: str) -> str:
    return f"{scope}/{child}" if scope else child


def _by_scope(graph: OpGraph, recorded: Mapping[str, str]) -> Ownership:
    """Owners by the outer name scopes: the boxes that TensorBoard draws.

    A scope that holds nearly everything (the model's own, as Keras 3 and tf_keras make one) is looked into.
    """
    boxes: dict[str, int] = {}
    of_op = np.full(len(graph), NOBODY, dtype=np.int32)
    around = _scope_around(graph)
    for row, name in enumerate(graph.names):
        if name in recorded:
            box = recorded[name]
        elif name.startswith(around):
            inner, slash, _ = name[len(around) :].partition("/")
            box = around + inner if slash else ""
        else:
            first, slash, _ = name.partition("/")
            box = first if slash else ""
        if box and not _role(box.rpartition("/")[2]):
            of_op[row] = boxes.setdefault(box, len(boxes))
    # An op named as a box is part of it: "a" beside "a/b" is drawn inside "a".
    for row, name in enumerate(graph.names):
        if of_op[row] == NOBODY and name in boxes:
            of_op[row] = boxes[name]
    bookkeeping = _bookkeeping(graph) | _initial_values(graph)
    of_op[list(bookkeeping)] = NOBODY
    roles = _roles(graph, of_op, {}) | bookkeeping
    return Ownership(list(boxes), of_op, roles, frozenset(), True, by_scope=not recorded)


def _initial_values(graph: OpGraph) -> dict[int, str]:
    """Ops that only compute a variable's initial value, and the assignments of it."""
    from_outside = set()
    for row, op_type in enumerate(graph.types):
        edges = range(int(graph.in_edges[row]), int(graph.in_edges[row + 1]))
        if op_type in _FEEDS or any(int(graph.source[edge]) in from_outside for edge in edges):
            from_outside.add(row)
    order, offsets = graph.by_source
    found: dict[int, str] = {}
    for row in range(len(graph) - 1, -1, -1):
        if row in from_outside or graph.types[row] in _VARIABLES:
            continue
        targets = [int(graph.target[edge]) for edge in order[offsets[row] : offsets[row + 1]].tolist()]
        if graph.types[row] in ("Assign", "AssignVariableOp") or (
            targets and all(target in found for target in targets)
        ):
            found[row] = "initialisation"
    return found


def _scope_around(graph: OpGraph) -> str:
    """The prefix of names under which nearly all scoped ops lie, ``""`` when there is no such scope."""
    prefix = ""
    while True:
        counts: dict[str, int] = defaultdict(int)
        scoped = 0
        for name in graph.names:
            if name.startswith(prefix):
                first, slash, rest = name[len(prefix) :].partition("/")
                if slash and not _role(first):
                    scoped += 1
                    counts[first] += "/" in rest
        if not counts:
            return prefix
        largest = max(counts, key=lambda scope: counts[scope])
        if counts[largest] * 10 < scoped * 9:
            return prefix
        prefix += largest + "/"
