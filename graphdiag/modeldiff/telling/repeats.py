"""The same edit at many places."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence

from graphdiag.keras_facts import MERGES
from graphdiag.modeldiff.changes import Change, LayerRewired, LayersAdded, LayersRemoved, LayersReplaced
from graphdiag.modeldiff.changes.settings import said
from graphdiag.modeldiff.differ import Diff
from graphdiag.modeldiff.snapshot import LayerRecord
from graphdiag.modeldiff.telling.told import REPEATED, Told, blocks, places
from graphdiag.phrases import some, verb

_SETTINGS = 2
"""Settings that are told of a layer that was inserted at many places."""


def tell_repeats(diff: Diff, changes: Sequence[Change]) -> Iterator[Told]:
    """``Dropout (rate 0.1) inserted in 8 blocks (block1 to block8)``; several layers that were wired to another one."""
    groups: dict[Hashable, list[Change]] = defaultdict(list)
    merges = [change for change in changes if _is_merges(change)]
    yield from (Told(_merges(diff, change), [change]) for change in merges)
    for change in changes:
        key = _key(change) if change not in merges else None
        if key is not None:
            groups[key].append(change)
    for group in groups.values():
        first = group[0]
        if isinstance(first, LayerRewired):
            if len(group) > 1:
                yield Told(_rewired(diff, [change for change in group if isinstance(change, LayerRewired)]), group)
        elif len(group) >= REPEATED:
            yield Told(_line(diff, group), group)


def _is_merges(change: Change) -> bool:
    """Whether it is several merges that feed each other, as along the skip connections of a residual network."""
    if not isinstance(change, (LayersAdded, LayersRemoved)) or len(change.layers) < REPEATED:
        return False
    return len({layer.class_name for layer in change.layers} - MERGES) == 0 and len(set(_classes(change.layers))) == 1


def _merges(diff: Diff, change: Change) -> str:
    assert isinstance(change, (LayersAdded, LayersRemoved))
    names = [diff.pairing.names.old(layer.id) for layer in change.layers]
    if isinstance(change, LayersAdded):
        names = [layer.id for layer in change.layers]
    what = change.participle if isinstance(change, LayersAdded) else "removed"
    where = blocks(names) or f"at {len(names):,} places: {places(names)}"
    kept = change.survivors[1] if isinstance(change, LayersRemoved) else ()
    rest = f"; {places(kept)} {verb('goes', kept)} on alone" if kept else ""
    return f"{change.layers[0].class_name} {what} {where}{rest}"


def _key(change: Change) -> Hashable | None:
    if isinstance(change, LayersAdded):
        return "added", change.participle, _classes(change.layers)
    if isinstance(change, LayersRemoved):
        return "removed", bool(change.closed), _classes(change.layers)
    if isinstance(change, LayersReplaced):
        return "replaced", _classes(change.removed.layers), _classes(change.added.layers)
    if isinstance(change, LayerRewired) and change.removed and change.added:
        return "rewired", tuple(edge.source for edge in change.added), tuple(source for source, _ in change.removed)
    return None


def _classes(layers: Sequence[LayerRecord]) -> tuple[str, ...]:
    return tuple(layer.class_name or "scope" for layer in layers)


def _line(diff: Diff, group: Sequence[Change]) -> str:
    added = [change for change in group if isinstance(change, LayersAdded)]
    removed = [change for change in group if isinstance(change, LayersRemoved)]
    replaced = [change for change in group if isinstance(change, LayersReplaced)]
    if added:
        below = [edge.target for change in added for edge in change.feeds[:1]]
        above = [id_ for change in added for id_ in change.takes_from[:1]]
        where, word = (below, "before") if len(below) == len(added) else (above, "after")
        return _said(added[0].participle, [change.layers for change in added], where, word)
    if removed:
        names = diff.pairing.names
        return _said(
            "removed", [change.layers for change in removed], [names.old(change.about[0]) for change in removed], ""
        )
    pairs = [f"{diff.pairing.names.old(change.removed.about[0])} by {change.added.about[0]}" for change in replaced]
    what = _what([change.removed.layers for change in replaced]), _what([change.added.layers for change in replaced])
    return f"{what[0]} replaced by {what[1]}, {len(replaced):,} times: {some(pairs)}"


def _said(participle: str, of_each: Sequence[Sequence[LayerRecord]], where: Sequence[str], word: str) -> str:
    what, count = _what(of_each), len(of_each)
    in_blocks = blocks(where) if len(where) == count else ""
    if in_blocks:
        return f"{what} {participle} {in_blocks}"
    named = f"{word} {places(where)}".strip()
    return f"{what} {participle} at {count:,} places{f': {named}' if where else ''}"


def _what(of_each: Sequence[Sequence[LayerRecord]]) -> str:
    """What is there at each of the places."""
    layers = of_each[0]
    if len(layers) > 1:
        counts = Counter(_classes(layers))
        return f"{len(layers)} layers ({', '.join(f'{count} {name}' for name, count in counts.items())})"
    settings = layers[0].settings or {}
    same = all(other[0].settings == layers[0].settings for other in of_each)
    told = [f"{name} {said(value)}" for name, value in settings.items()] if same else []
    more = f" ({', '.join(told)})" if 0 < len(told) <= _SETTINGS else ""
    return f"{layers[0].class_name or 'scope'}{more}"


def _rewired(diff: Diff, group: Sequence[LayerRewired]) -> str:
    first = group[0]
    removed = [diff.pairing.names.old(source) for source, _ in first.removed]
    who = some([change.id for change in group])
    return f"{who} take {some([edge.source for edge in first.added])} instead of {some(removed)}"
