"""Which edges came and went, each folded into the change that it belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from graphdiag.modeldiff.changes import (
    Change,
    Edge,
    LayerRewired,
    LayersAdded,
    LayersRemoved,
    LayersReplaced,
    NewEdge,
    SharingChanged,
)
from graphdiag.modeldiff.pairing import Pairing
from graphdiag.modeldiff.snapshot import LayerRecord


@dataclass(frozen=True)
class EdgeChanges:
    """Edges into layers that stayed.

    Attributes:
        removed: Those that went, in old names.
        added: Those that came, by source and target.
    """

    removed: Mapping[Edge, None]
    added: Mapping[Edge, NewEdge]


def edge_changes(pairing: Pairing) -> EdgeChanges:
    """Compare from which layers each layer that stayed takes; edges out of removed or added layers are among them."""
    removed: dict[Edge, None] = {}
    added: dict[Edge, NewEdge] = {}
    for old, new in pairing.pairs():
        mapped = {pairing.layers.get(source) for source in old.sources}
        there = set(new.sources)
        for source in old.sources:
            if pairing.layers.get(source) not in there:
                removed[source, old.id] = None
        for position, source in enumerate(new.sources):
            if source not in mapped:
                added[source, new.id] = NewEdge(source, new.id, position)
    return EdgeChanges(removed, added)


def structure_changes(pairing: Pairing, edges: EdgeChanges) -> Iterator[Change]:
    """Layers that came, went or were replaced, with their edges; then layers that take from others than before."""
    removed_edges, added_edges = dict(edges.removed), dict(edges.added)
    added, removed = _fold(pairing, removed_edges, added_edges)
    yield from _replaced(added, removed, pairing.layers)
    into: dict[str, tuple[list[Edge], list[NewEdge]]] = defaultdict(lambda: ([], []))
    for edge in removed_edges:
        into[pairing.layers[edge[1]]][0].append(edge)
    for new_edge in added_edges.values():
        into[new_edge.target][1].append(new_edge)
    for new in pairing.new.layers.values():
        old_id = pairing.before.get(new.id)
        if old_id is None:
            continue
        old = pairing.old.layers[old_id]
        gone, came = into.get(new.id, ((), ()))
        if old.calls != new.calls:
            yield SharingChanged(new.id, old.calls, new.calls, new.sources, gone, came)
        elif gone or came:
            fresh = {edge.source for edge in came}
            left = [source for source in new.sources if source not in fresh]
            yield LayerRewired(new.id, gone, came, left, new.class_name)


def _fold(
    pairing: Pairing, removed_edges: dict[Edge, None], added_edges: dict[Edge, NewEdge]
) -> tuple[Sequence[LayersAdded], Sequence[LayersRemoved]]:
    """Layers that were added or removed, with the edges that go with them; those are taken out of the arguments."""
    feeds, fed = (
        _by_source(added_edges.values(), lambda edge: edge.source),
        _by_source(removed_edges, lambda edge: edge[0]),
    )
    added = []
    for layers in _components(pairing.added):
        out = [edge for layer in layers for edge in feeds.get(layer.id, ())]
        for edge in out:
            del added_edges[edge.source, edge.target]
        added.append(LayersAdded(layers, out))
    removed = []
    for layers in _components(pairing.removed):
        out_of = [edge for layer in layers for edge in fed.get(layer.id, ())]
        for edge in out_of:
            del removed_edges[edge]
        removed.append(LayersRemoved(layers, out_of))
    return (
        [replace(change, instead_of=_bridged(pairing, change, removed_edges)) for change in added],
        [replace(change, closed=_closed(pairing, change, added_edges)) for change in removed],
    )


def _bridged(pairing: Pairing, change: LayersAdded, removed_edges: dict[Edge, None]) -> Sequence[Edge]:
    """Edges that run through new layers now: each such edge belongs to the first layers that replace it."""
    above = {pairing.before[source] for source in change.takes_from}
    below = dict.fromkeys(pairing.before[edge.target] for edge in change.feeds)
    found = [
        (source, target)
        for target in below
        for source in pairing.old.layers[target].sources
        if source in above and (source, target) in removed_edges
    ]
    for edge in found:
        del removed_edges[edge]
    return found


def _closed(pairing: Pairing, change: LayersRemoved, added_edges: dict[Edge, NewEdge]) -> Sequence[NewEdge]:
    """Edges that run where layers went."""
    layers = pairing.layers
    above = {layers[source] for source in change.took_from}
    below = dict.fromkeys(layers[target] for _, target in change.fed)
    return [
        added_edges.pop((source, target))
        for target in below
        for source in pairing.new.layers[target].sources
        if source in above and (source, target) in added_edges
    ]


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
