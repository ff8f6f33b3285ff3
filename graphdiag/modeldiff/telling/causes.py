"""Edited layers first, then what follows from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from graphdiag.modeldiff.changes import SIZES, Change, LayerChanged, LayerRewired, SharingChanged
from graphdiag.modeldiff.differ import Diff
from graphdiag.modeldiff.telling.told import REPEATED, Told, places
from graphdiag.phrases import counted, some


def tell_causes(diff: Diff, changes: Sequence[Change]) -> Iterator[Told]:
    """Layers that were edited, the same edit of several in one line; then the layers whose sizes follow."""
    changed = [change for change in changes if isinstance(change, LayerChanged)]
    following = _following(diff, changed)
    followers = [change for change in changed if change.id in following]
    edited = [change for change in changed if change.id not in following]
    yield from _edits(edited)
    if len(followers) > 2:
        ids = [change.id for change in followers]
        begin = "and " if edited else ""
        line = f"{begin}{counted(len(ids), 'layer')} that follow have other output shapes or parameters: {some(ids)}"
        yield Told(line, followers, follows=True)
    else:
        yield from (Told(diff.line(change), [change], follows=True) for change in followers)


def _edits(changes: Sequence[LayerChanged]) -> Iterator[Told]:
    """The same edit of several layers in one line, and one setting of many layers."""
    groups: dict[str, list[LayerChanged]] = defaultdict(list)
    for change in changes:
        groups[_edit(change)].append(change)
    several: dict[tuple[str, ...], list[LayerChanged]] = defaultdict(list)
    for edit, group in groups.items():
        if edit and _names(group[0]):
            several[_names(group[0])] += group
    of_one_kind = [group for group in several.values() if len({_edit(change) for change in group}) >= REPEATED]
    for group in of_one_kind:
        yield _many(group)
    told = {id(change) for group in of_one_kind for change in group}
    for edit, group in groups.items():
        if edit and len(group) > 1 and id(group[0]) not in told:
            yield Told(f"{counted(len(group), 'layer')}: {edit}: {places([change.id for change in group])}", group)


def _edit(change: LayerChanged) -> str:
    """What was edited, without the sizes that follow."""
    attributes = [attribute.text() for attribute in change.attributes if attribute.name not in SIZES]
    return ", ".join([*attributes, *(setting.text() for setting in change.details)])


def _names(change: LayerChanged) -> tuple[str, ...]:
    """The settings that were edited, where nothing else was."""
    alone = all(attribute.name in SIZES for attribute in change.attributes)
    return tuple(setting.name for setting in change.details) if alone else ()


def _many(group: Sequence[LayerChanged]) -> Told:
    """Settings that many layers have with other values: by which factor, where they are sizes."""
    names = _names(group[0])
    factors = sorted(
        setting.new / setting.old if _is_size(setting.old) and _is_size(setting.new) else 0.0
        for change in group
        for setting in change.details
    )
    how = ""
    if factors[0] and _COUNTED.issuperset(names):
        ends = dict.fromkeys(f"{factor:.2g}" for factor in (factors[0], factors[-1]))
        how = f", {' to '.join(ends)} times as many"
    said = [
        f"{change.id} {', '.join(setting.text().removeprefix(f'{setting.name} ') for setting in change.details)}"
        for change in group
    ]
    return Told(f"{' and '.join(names)} of {counted(len(group), 'layer')}{how}: {some(said)}", group)


_COUNTED = frozenset({"filters", "units", "num_heads", "input_dim", "output_dim"})


def _is_size(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0


def _following(diff: Diff, changes: Sequence[LayerChanged]) -> frozenset[str]:
    """Layers of which only sizes changed, and that take from one that was edited, is new, or takes other tensors."""
    layers = diff.new.layers
    resized = {change.id for change in changes if any(item.name == "shape" for item in change.attributes)}
    resized |= layers.keys() - set(diff.matching.layers.values())
    resized |= {change.id for change in diff.changes if isinstance(change, (LayerRewired, SharingChanged))}
    return frozenset(
        change.id
        for change in changes
        if not change.nested and not change.is_cause and resized.intersection(layers[change.id].sources)
    )
