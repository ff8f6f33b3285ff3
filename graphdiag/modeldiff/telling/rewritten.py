"""Blocks in which so much changed that each change alone says little."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from graphdiag.modeldiff.changes import (
    Change,
    InputsChanged,
    InputsReordered,
    LayerRenamed,
    LayerRewired,
    LayersAdded,
    LayersRemoved,
    LayersReplaced,
)
from graphdiag.modeldiff.differ import Diff
from graphdiag.modeldiff.telling.told import REPEATED, Told
from graphdiag.phrases import counted

_LISTED = 8
"""As many changes of structure are told one by one."""
_IN_BLOCK = 4
"""Layers that a block has at least."""
_KINDS = (LayersAdded, LayersRemoved, LayersReplaced, LayerRenamed, LayerRewired, InputsChanged, InputsReordered)
_PREFIX = re.compile(r"[0-9]+[a-z]?(?=[_/.-])")


def tell_rewritten(diff: Diff, changes: Sequence[Change]) -> Iterator[Told]:
    """``16 blocks rewritten, conv2_block1 to conv5_block3: 37 layers added, 25 removed, 13 renamed, 9 re-wired``."""
    structural = [change for change in changes if isinstance(change, _KINDS)]
    if len(structural) <= _LISTED:
        return
    block_of = _blocks(diff)
    groups: dict[str, list[Change]] = defaultdict(list)
    for change in structural:
        block = next((block_of[id_] for id_ in reversed(change.about) if id_ in block_of), "")
        if block:
            groups[block].append(change)
    several = {block: group for block, group in groups.items() if len(group) > 1}
    if len(several) < REPEATED:
        return
    told = [change for group in several.values() for change in group]
    names = sorted(several, key=list(dict.fromkeys(block_of.values())).index)
    yield Told(f"{counted(len(names), 'block')} rewritten, {names[0]} to {names[-1]}: {_counts(told)}", told)


def _blocks(diff: Diff) -> Mapping[str, str]:
    """The block of each layer: the longest beginning of its name with a counter that enough layers share."""
    ids = [*diff.new.layers, *(id_ for id_ in diff.old.layers if id_ not in diff.new.layers)]
    beginnings = {id_: [id_[: match.end()] for match in _PREFIX.finditer(id_)] for id_ in ids}
    sizes = Counter(beginning for found in beginnings.values() for beginning in found)
    chosen = {
        id_: next((beginning for beginning in reversed(found) if sizes[beginning] >= _IN_BLOCK), "")
        for id_, found in beginnings.items()
    }
    return {id_: block for id_, block in chosen.items() if block}


def _counts(changes: Sequence[Change]) -> str:
    added = sum(len(change.layers) for change in changes if isinstance(change, LayersAdded))
    removed = sum(len(change.layers) for change in changes if isinstance(change, LayersRemoved))
    for change in changes:
        if isinstance(change, LayersReplaced):
            added += len(change.added.layers)
            removed += len(change.removed.layers)
    renamed = sum(isinstance(change, LayerRenamed) for change in changes)
    rewired = sum(isinstance(change, (LayerRewired, InputsChanged, InputsReordered)) for change in changes)
    counts = [(added, "added"), (removed, "removed"), (renamed, "renamed"), (rewired, "re-wired")]
    first, *rest = [(count, word) for count, word in counts if count]
    return ", ".join([f"{counted(first[0], 'layer')} {first[1]}", *(f"{count:,} {word}" for count, word in rest)])
