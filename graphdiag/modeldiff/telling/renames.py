"""Names that changed in the same way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from graphdiag.modeldiff.changes import Change, LayerRenamed
from graphdiag.modeldiff.differ import Diff
from graphdiag.modeldiff.telling.told import REPEATED, Told
from graphdiag.phrases import counted, some


def tell_renames(diff: Diff, changes: Sequence[Change]) -> Iterator[Told]:
    """``all 177 names: prefix student_ added``."""
    groups: dict[str, list[LayerRenamed]] = defaultdict(list)
    renamed = [change for change in changes if isinstance(change, LayerRenamed)]
    for change in renamed:
        names = diff.old.layers[change.old].name, diff.new.layers[change.new].name
        groups[_rule(*names)].append(change)
    for rule, group in groups.items():
        if not rule or len(group) < REPEATED:
            continue
        inputs = sum(layer.class_name == "InputLayer" for layer in diff.new.layers.values())
        everything = len(group) >= len(diff.matching.layers) - inputs
        who = f"all {len(group):,} names" if everything else counted(len(group), "name")
        first = group[0]
        yield Told(f"{who}: {rule}, as {diff.pairing.names.old(first.old)} renamed {first.new}", group)


def tell_many_renames(diff: Diff, changes: Sequence[Change]) -> Iterator[Told]:
    """Many renames without a rule in one line."""
    renamed = [change for change in changes if isinstance(change, LayerRenamed)]
    if len(renamed) > _LISTED:
        said = [f"{diff.pairing.names.old(change.old)} renamed {change.new}" for change in renamed]
        yield Told(f"{counted(len(renamed), 'layer')} renamed: {some(said)}", renamed)


_LISTED = 6
"""Renames without a rule that are told one by one; of more, the first few."""


def _rule(old: str, new: str) -> str:
    """How one name became another: by a prefix, a suffix, or one part in the place of another; empty if otherwise."""
    if new.endswith(old):
        return f"prefix {new[: -len(old)]} added"
    if old.endswith(new):
        return f"prefix {old[: -len(new)]} removed"
    if new.startswith(old):
        return f"suffix {new[len(old) :]} added"
    if old.startswith(new):
        return f"suffix {old[len(new) :]} removed"
    start = _alike(old, new)
    end = _alike(old[start:][::-1], new[start:][::-1])
    before, after = old[start : len(old) - end], new[start : len(new) - end]
    words = before and after and not any(character.isdecimal() for character in before + after)
    return f"{before} became {after}" if words and (start or end) else ""


def _alike(one: str, other: str) -> int:
    """How many characters two texts have in common at their start."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, pair in pairs if pair[0] != pair[1]), min(len(one), len(other)))
