"""Layers that stand elsewhere: two that changed places, and one that moved."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence

from graphdiag.modeldiff.changes import Change, LayerRewired, LayersAdded, LayersRemoved
from graphdiag.modeldiff.differ import Diff
from graphdiag.modeldiff.snapshot import LayerRecord
from graphdiag.modeldiff.telling.told import REPEATED, Told
from graphdiag.phrases import some

_Swap = tuple[str, str, Sequence[Change]]
"""Two layers that changed places, first the one that came first, in new names; and the changes that say so."""


def tell_moves(diff: Diff, changes: Sequence[Change]) -> Iterator[Told]:
    """``bn1 and relu1 changed places``, ``drop (Dropout) moved from between a and b to between c and d``."""
    swaps = [*_rewired(diff, changes), *_readded(diff, changes)]
    groups: dict[tuple[str, str], list[_Swap]] = defaultdict(list)
    for swap in swaps:
        first, second = (diff.new.layers[id_].class_name for id_ in swap[:2])
        groups[first, second].append(swap)
    for (first, second), group in groups.items():
        if len(group) >= REPEATED:
            said = [f"{one} and {other}" for one, other, _ in group]
            line = f"{first} and {second} changed places, {len(group):,} times: {'; '.join(said[:2])} ..."
            yield Told(line, [change for _, _, told in group for change in told])
        else:
            for one, other, told in group:
                classes = diff.new.layers[one].class_name, diff.new.layers[other].class_name
                yield Told(f"{one} ({classes[0]}) and {other} ({classes[1]}) changed places", told)
    swapped = {id(change) for _, _, said in swaps for change in said}
    yield from _moved(diff, [change for change in changes if id(change) not in swapped])


def _rewired(diff: Diff, changes: Sequence[Change]) -> Iterator[_Swap]:
    """Layers that both stayed: the second takes what the first took, the first takes the second."""
    names = diff.matching.layers
    rewired = {
        change.id: change for change in changes if isinstance(change, LayerRewired) and change.removed and change.added
    }
    users: dict[str, list[LayerRewired]] = defaultdict(list)
    for change in rewired.values():
        for source, _ in change.removed:
            users[names.get(source, "")].append(change)
    used: set[str] = set()
    for second, change in rewired.items():
        before = diff.old.layers[diff.pairing.before[second]]
        first = names.get(before.sources[0], "") if len(before.sources) == 1 else ""
        other = rewired.get(first)
        if other is None or {first, second} & used:
            continue
        took = diff.old.layers[diff.pairing.before[first]].sources
        turned = diff.new.layers[first].sources == (second,)
        if not turned or tuple(names.get(source) for source in took) != diff.new.layers[second].sources:
            continue
        below = [
            user
            for user in users[second]
            if user.id != first and [edge.source for edge in user.added] == [first] and len(user.removed) == 1
        ]
        used |= {first, second}
        yield first, second, [other, change, *below]


def _readded(diff: Diff, changes: Sequence[Change]) -> Iterator[_Swap]:
    """A layer that went above another one and came below it, or the other way around."""
    names = diff.matching.layers
    added: dict[Hashable, list[LayersAdded]] = defaultdict(list)
    for change in changes:
        if isinstance(change, LayersAdded) and len(change.layers) == 1:
            added[_kind(change.layers[0])].append(change)
    for change in changes:
        if not isinstance(change, LayersRemoved) or len(change.layers) != 1:
            continue
        below = [names[target] for _, target in change.fed]
        above = [names[source] for source in change.took_from]
        for other in added.get(_kind(change.layers[0]), ()):
            new = other.layers[0].id
            if len(below) == 1 and list(other.takes_from) == below:
                yield new, below[0], [change, other]
            elif len(above) == 1 and [edge.target for edge in other.feeds] == above:
                yield above[0], new, [change, other]
            else:
                continue
            added[_kind(change.layers[0])].remove(other)
            break


def _moved(diff: Diff, changes: Sequence[Change]) -> Iterator[Told]:
    """A layer that went at one place and came at another, the same in everything that is recorded."""
    added: dict[Hashable, list[LayersAdded]] = defaultdict(list)
    for change in changes:
        if isinstance(change, LayersAdded) and len(change.layers) == 1:
            added[_kind(change.layers[0])].append(change)
    pairs: dict[str, list[tuple[LayersRemoved, LayersAdded]]] = defaultdict(list)
    for change in changes:
        if isinstance(change, LayersRemoved) and len(change.layers) == 1 and added.get(_kind(change.layers[0])):
            pairs[change.layers[0].class_name].append((change, added[_kind(change.layers[0])].pop(0)))
    for class_name, group in pairs.items():
        lines = []
        for removed, came in group:
            layer = removed.layers[0]
            name = (
                layer.id
                if layer.id == came.layers[0].id
                else f"{diff.pairing.names.old(layer.id)}, now {came.layers[0].id},"
            )
            where = removed.place(diff.pairing.names).strip() or "nowhere"
            lines.append((name, where, came.place.strip() or "nowhere"))
        if len(group) >= REPEATED:
            said = [f"{name.rstrip(',')} from {where} to {place}" for name, where, place in lines]
            line = f"{len(group):,} {class_name} moved: {some(said, 1)}"
            yield Told(line, [change for pair in group for change in pair])
            continue
        for pair, (name, where, place) in zip(group, lines, strict=True):
            yield Told(f"{name} ({class_name}) moved from {where} to {place}", pair)


def _kind(layer: LayerRecord) -> Hashable:
    return layer.class_name, layer.parameters, layer.calls, json.dumps(layer.settings, sort_keys=True)
