"""The changes between two snapshots: match, compare, and fold edges into what they belong to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

from graphdiag.errors import UsageError
from graphdiag.keras_facts import is_automatic, is_automatic_model
from graphdiag.lazy import lazy
from graphdiag.modeldiff.changes import (
    Attribute,
    Change,
    Edge,
    EndsChanged,
    FindingAdded,
    FindingRemoved,
    InputsReordered,
    LayerChanged,
    LayerRenamed,
    LayerRewired,
    LayersAdded,
    LayersRemoved,
    LayersReplaced,
    ModelRenamed,
    NestedAdded,
    NestedRemoved,
    NestedRenamed,
    NewEdge,
    OpsChanged,
)
from graphdiag.modeldiff.layer_matching import Matching, kept_name, match
from graphdiag.modeldiff.snapshot import FindingRecord, LayerRecord, NestedRecord, Ops, Snapshot
from graphdiag.results.renderable import Renderable

SCHEMA = "graphdiag.diff/2"


@dataclass(frozen=True, repr=False)
class Diff(Renderable):
    """What changed.

    Attributes:
        old: The graph before.
        new: The graph after.
        matching: Which layer became which.
        changes: All changes; made to the old graph, they give the new one.
        automatic: Number of layers and nested models whose name changed from one that Keras made up to another such.
        notes: What could not be compared, and why.
        titles: What the user calls the two: their sources.
    """

    result_type: ClassVar[str] = "diff"

    old: Snapshot
    new: Snapshot
    matching: Matching
    changes: Sequence[Change]
    automatic: int = 0
    notes: Sequence[str] = ()
    titles: tuple[str, str] = ("OLD", "NEW")

    def __repr__(self) -> str:
        old, new = self.titles
        sizes = len(self.old.layers), len(self.new.layers)
        return f"Diff({old!r}, {new!r}, layers={sizes}, changes={len(self.changes)})"

    @property
    def equal(self) -> bool:
        """Whether nothing changed but names that Keras made up."""
        return not self.changes

    def _repr_html_(self) -> str:
        """What a notebook shows for the diff: the answer and the changes."""
        fragment: str = lazy("graphdiag.render.html.diff_page:to_fragment")(self)
        return fragment

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data in the schema ``graphdiag.diff/2`` (see the README)."""
        matched = {**self.matching.layers, **self.matching.nested}
        return {
            "schema": SCHEMA,
            "equal": self.equal,
            "old": _side(self.titles[0], self.old),
            "new": _side(self.titles[1], self.new),
            "changes": [{**change.to_dict(), "line": change.line()} for change in self.changes],
            "names": {old: new for old, new in matched.items() if old != new},
            "automatic_renames": self.automatic,
            "notes": list(self.notes),
        }


def _side(title: str, snapshot: Snapshot) -> dict[str, Any]:
    return {
        "source": title,
        "model": snapshot.model_name,
        "graphdiag": snapshot.version,
        "layers": len(snapshot.layers),
        "edges": sum(1 for _ in snapshot.edges),
        "ops": None if snapshot.ops is None else snapshot.total_ops,
        "snapshot": snapshot.to_dict(),
    }


def diff(old: Snapshot, new: Snapshot) -> Diff:
    """Compare two snapshots.

    What only one of them records (parameters, shapes, the op graph) is not compared, and a note says so.

    Args:
        old: The graph before.
        new: The graph after.

    Returns:
        The changes, in a fixed order: the model, layers, edges, ops, findings.

    Raises:
        UsageError: One has layers, and the other only name scopes.
    """
    if old.by_scope != new.by_scope:
        scopes, layers = ("OLD", "NEW") if old.by_scope else ("NEW", "OLD")
        raise UsageError(
            f"{scopes} has no layer graph and {layers} has one, so there is nothing to match; give the model of "
            f"{scopes} with --{scopes.lower()}-model FILE, or as --model FILE to graphdiag snapshot."
        )
    return _Comparison(old, new, match(old, new)).run()


class _Comparison:
    """Two snapshots and what became of what. Changes are worked out on new names where there is one."""

    def __init__(self, old: Snapshot, new: Snapshot, matching: Matching) -> None:
        self.old, self.new, self.matching = old, new, matching
        self.before = {right: left for left, right in matching.layers.items()}
        self.removed = [layer for id_, layer in old.layers.items() if id_ not in matching.layers]
        self.added = [layer for id_, layer in new.layers.items() if id_ not in self.before]
        self.notes: list[str] = []

    def run(self) -> Diff:
        shapes = self._recorded("output shapes", lambda layer: layer.output_shape != "")
        sizes = self._recorded("parameters", lambda layer: layer.parameters is not None)
        changes = [
            *self._of_model(),
            *self._of_nested(),
            *self._renamed(),
            *self._of_structure(),
            *self._ends(),
            *self._of_layers(shapes, sizes),
            *self._of_ops(),
        ]
        changes += self._of_findings()
        if self.old.version != self.new.version and any(
            isinstance(change, (OpsChanged, FindingAdded, FindingRemoved)) for change in changes
        ):
            self.notes.append(
                f"OLD was taken by graphdiag {self.old.version} and NEW by {self.new.version}; findings may differ for "
                "that reason."
            )
        return Diff(self.old, self.new, self.matching, tuple(changes), self._automatic(), tuple(self.notes))

    def _pairs(self) -> Iterator[tuple[LayerRecord, LayerRecord]]:
        return ((self.old.layers[left], self.new.layers[right]) for left, right in self.matching.layers.items())

    def _nested_pairs(self) -> Iterator[tuple[NestedRecord, NestedRecord]]:
        return ((self.old.nested[left], self.new.nested[right]) for left, right in self.matching.nested.items())

    def _recorded(self, what: str, has: Callable[[LayerRecord], bool]) -> bool:
        """Whether both sides record something; a note where only one does."""
        sides = [any(has(layer) for layer in side.layers.values()) for side in (self.old, self.new)]
        if sides[0] != sides[1]:
            self.notes.append(f"{'NEW' if sides[0] else 'OLD'} records no {what}, so they were not compared.")
        return all(sides)

    # --- names -------------------------------------------------------------------------------------------------------

    def _of_model(self) -> Iterator[Change]:
        old, new = self.old.model_name, self.new.model_name
        if old != new and not (is_automatic_model(old) and is_automatic_model(new)):
            yield ModelRenamed(old, new)

    def _of_nested(self) -> Iterator[Change]:
        removed = [model for id_, model in self.old.nested.items() if id_ not in self.matching.nested]
        yield from (NestedRemoved(model, _members(self.old, model)) for model in removed)
        kept = set(self.matching.nested.values())
        added = [model for id_, model in self.new.nested.items() if id_ not in kept]
        yield from (NestedAdded(model, _members(self.new, model)) for model in added)
        for old, new in self._nested_pairs():
            if not _same_model_name(old, new):
                yield NestedRenamed(old.id, new.id, _members(self.new, new))
            attributes = [
                *_attribute("class", old.class_name, new.class_name),
                *_attribute("calls", old.calls, new.calls),
                *self._path(old.path, new.path),
            ]
            if attributes:
                yield LayerChanged(new.id, attributes, nested=True)

    def _renamed(self) -> Iterator[Change]:
        for old, new in self._pairs():
            if not kept_name(old, new):
                yield LayerRenamed(old.id, new.id, new.class_name)

    def _automatic(self) -> int:
        layers = sum(old.name != new.name and kept_name(old, new) for old, new in self._pairs())
        nested = sum(old.name != new.name and _same_model_name(old, new) for old, new in self._nested_pairs())
        return layers + nested

    # --- layers ------------------------------------------------------------------------------------------------------

    def _of_layers(self, shapes: bool, sizes: bool) -> Iterator[Change]:
        for old, new in self._pairs():
            attributes = [
                *_attribute("class", old.class_name, new.class_name),
                *(_attribute("shape", old.output_shape, new.output_shape) if shapes else ()),
                *(_attribute("parameters", old.parameters, new.parameters) if sizes else ()),
                *_attribute("calls", old.calls, new.calls),
                *self._path(old.path, new.path),
            ]
            if attributes:
                yield LayerChanged(new.id, attributes)

    def _path(self, old: tuple[str, ...], new: tuple[str, ...]) -> Sequence[Attribute]:
        """Where a layer lies, if that is another nested model and not only another name of it."""
        moved = self._paths.get(old, old)
        return [] if moved == new else [Attribute("path", "/".join(old), "/".join(new))]

    @cached_property
    def _paths(self) -> Mapping[tuple[str, ...], tuple[str, ...]]:
        return {(*old.path, old.name): (*new.path, new.name) for old, new in self._nested_pairs()}

    # --- edges -------------------------------------------------------------------------------------------------------

    def _of_structure(self) -> Iterator[Change]:
        removed_edges, added_edges, reordered = self._edges()
        added, removed = self._fold(removed_edges, added_edges)
        yield from _replaced(added, removed, self.matching.layers)
        into: dict[str, tuple[list[Edge], list[NewEdge]]] = defaultdict(lambda: ([], []))
        for edge in removed_edges:
            into[self.matching.layers[edge[1]]][0].append(edge)
        for new_edge in added_edges.values():
            into[new_edge.target][1].append(new_edge)
        order = {id_: position for position, id_ in enumerate(self.new.layers)}
        yield from (LayerRewired(id_, *into[id_]) for id_ in sorted(into, key=order.__getitem__))
        yield from reordered

    def _edges(self) -> tuple[dict[Edge, None], dict[Edge, NewEdge], Sequence[Change]]:
        """Edges into layers that were there and are: removed ones, added ones; and other orders of inputs.

        Removed edges are in old names. Edges out of removed or added layers are among them.
        """
        removed_edges: dict[Edge, None] = {}
        added_edges: dict[Edge, NewEdge] = {}
        reordered: list[Change] = []
        for old, new in self._pairs():
            mapped = {self.matching.layers.get(source): source for source in old.sources}
            there = set(new.sources)
            for source in old.sources:
                if self.matching.layers.get(source) not in there:
                    removed_edges[source, old.id] = None
            for position, source in enumerate(new.sources):
                if source not in mapped:
                    added_edges[source, new.id] = NewEdge(source, new.id, position)
            kept = [after for source in old.sources if (after := self.matching.layers.get(source)) in there]
            if kept != [source for source in new.sources if source in mapped]:
                reordered.append(InputsReordered(new.id, new.sources))
        return removed_edges, added_edges, reordered

    def _fold(
        self, removed_edges: dict[Edge, None], added_edges: dict[Edge, NewEdge]
    ) -> tuple[Sequence[LayersAdded], Sequence[LayersRemoved]]:
        """Layers that were added or removed, with the edges that go with them; those are taken out of the arguments."""
        feeds, fed = (
            _by_source(added_edges.values(), lambda edge: edge.source),
            _by_source(removed_edges, lambda edge: edge[0]),
        )
        added = []
        for layers in _components(self.added):
            out = [edge for layer in layers for edge in feeds.get(layer.id, ())]
            for edge in out:
                del added_edges[edge.source, edge.target]
            added.append(LayersAdded(layers, out))
        removed = []
        for layers in _components(self.removed):
            out_of = [edge for layer in layers for edge in fed.get(layer.id, ())]
            for edge in out_of:
                del removed_edges[edge]
            removed.append(LayersRemoved(layers, out_of))
        return (
            [replace(change, instead_of=self._bridged(change, removed_edges)) for change in added],
            [replace(change, closed=self._closed(change, added_edges)) for change in removed],
        )

    def _bridged(self, change: LayersAdded, removed_edges: dict[Edge, None]) -> Sequence[Edge]:
        """Edges that run through new layers now: each such edge belongs to the first layers that replace it."""
        above = {self.before[source] for source in change.takes_from}
        below = dict.fromkeys(self.before[edge.target] for edge in change.feeds)
        found = [
            (source, target)
            for target in below
            for source in self.old.layers[target].sources
            if source in above and (source, target) in removed_edges
        ]
        for edge in found:
            del removed_edges[edge]
        return found

    def _closed(self, change: LayersRemoved, added_edges: dict[Edge, NewEdge]) -> Sequence[NewEdge]:
        """Edges that run where layers went."""
        layers = self.matching.layers
        above = {layers[source] for source in change.took_from}
        below = dict.fromkeys(layers[target] for _, target in change.fed)
        return [
            added_edges.pop((source, target))
            for target in below
            for source in self.new.layers[target].sources
            if source in above and (source, target) in added_edges
        ]

    def _ends(self) -> Iterator[Change]:
        """Inputs and outputs of the model."""
        for which in ("inputs", "outputs"):
            old, new = getattr(self.old, which), getattr(self.new, which)
            if tuple(self.matching.layers.get(id_) for id_ in old) != new:
                yield EndsChanged(which, old, new)

    # --- ops and findings --------------------------------------------------------------------------------------------

    def _of_ops(self) -> Iterator[Change]:
        if self.old.ops is None or self.new.ops is None:
            if self.old.ops is not self.new.ops:
                self.notes.append(
                    f"{'OLD' if self.old.ops is None else 'NEW'} has no op graph, so ops and findings were not "
                    "compared."
                )
            return
        owners = [(new.id, old.ops, new.ops) for old, new in self._pairs()]
        owners += [(model.id, old_model.ops, model.ops) for old_model, model in self._nested_pairs()]
        for id_, before, after in owners:
            counts = _changed_counts(before, after)
            if counts:
                yield OpsChanged(id_, counts)
        for role in sorted({*self.old.ops, *self.new.ops}):
            counts = _changed_counts(self.old.ops.get(role, {}), self.new.ops.get(role, {}))
            if counts:
                yield OpsChanged(None, counts, role)

    def _of_findings(self) -> Iterator[Change]:
        if (self.old.ops is None) != (self.new.ops is None):
            return
        renamed = {self._translated(finding): finding for finding in self.old.findings}
        now = set(self.new.findings)
        yield from (FindingRemoved(finding) for key, finding in renamed.items() if key not in now)
        yield from (FindingAdded(finding) for finding in self.new.findings if finding not in renamed)

    def _translated(self, finding: FindingRecord) -> FindingRecord:
        """A finding of the old graph in new names."""
        names = {self.old.model_name: self.new.model_name, **self.matching.nested, **self.matching.layers}
        return replace(
            finding,
            edges=tuple(
                sorted((names.get(source, source), names.get(target, target)) for source, target in finding.edges)
            ),
            culprits=tuple(sorted(_translated_op(culprit, names) for culprit in finding.culprits)),
        )


def _translated_op(name: str, names: Mapping[str, str]) -> str:
    """A layer's name, or an op's with its layer in front, with the layer's new name."""
    end = len(name)
    while end > 0:
        if name[:end] in names:
            return names[name[:end]] + name[end:]
        end = name.rfind("/", 0, end)
    return name


def _same_model_name(old: NestedRecord, new: NestedRecord) -> bool:
    both_automatic = is_automatic(old.name, old.class_name) and is_automatic(new.name, new.class_name)
    return old.name == new.name or (both_automatic and old.class_name == new.class_name)


def _members(snapshot: Snapshot, model: NestedRecord) -> int:
    path = (*model.path, model.name)
    return sum(layer.path[: len(path)] == path for layer in snapshot.layers.values())


def _attribute(name: str, old: str | int | None, new: str | int | None) -> Sequence[Attribute]:
    """What changed; what only one side records did not."""
    return [] if old == new or old in ("", None) or new in ("", None) else [Attribute(name, old, new)]


def _changed_counts(old: Ops, new: Ops) -> Mapping[str, tuple[int, int]]:
    counts = {op_type: (old.get(op_type, 0), new.get(op_type, 0)) for op_type in sorted({*old, *new})}
    return {op_type: pair for op_type, pair in counts.items() if pair[0] != pair[1]}


def _by_source(edges: Iterable[Any], source: Callable[[Any], str]) -> Mapping[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for edge in edges:
        found[source(edge)].append(edge)
    return found


def _components(layers: Sequence[LayerRecord]) -> Sequence[Sequence[LayerRecord]]:
    """Layers that hang together, each group in Keras's order, by its first layer."""
    around: dict[str, list[str]] = {layer.id: [] for layer in layers}
    for layer in layers:
        for source in layer.sources:
            if source in around:
                around[source].append(layer.id)
                around[layer.id].append(source)
    group: dict[str, int] = {}
    found: dict[int, list[LayerRecord]] = defaultdict(list)
    for number, layer in enumerate(layers):
        waiting = [] if layer.id in group else [layer.id]
        while waiting:
            id_ = waiting.pop()
            if id_ not in group:
                group[id_] = number
                waiting += around[id_]
        found[group[layer.id]].append(layer)
    return list(found.values())


def _replaced(
    added: Sequence[LayersAdded], removed: Sequence[LayersRemoved], names: Mapping[str, str]
) -> Iterator[Change]:
    """Removed layers, those in their place, and added layers."""
    places: dict[tuple[frozenset[str], frozenset[str]], list[LayersAdded]] = defaultdict(list)
    for change in added:
        place = frozenset(change.takes_from), frozenset(edge.target for edge in change.feeds)
        if any(place) and not change.instead_of:
            places[place].append(change)
    taken = set()
    for replaced in removed:
        place = (
            frozenset(names[id_] for id_ in replaced.took_from),
            frozenset(names[target] for _, target in replaced.fed),
        )
        there = places.get(place)
        if there and not replaced.closed:
            change = there.pop(0)
            taken.add(id(change))
            yield LayersReplaced(replaced, change)
        else:
            yield replaced
    yield from (change for change in added if id(change) not in taken)
