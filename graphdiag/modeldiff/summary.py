"""A diff for readers: the answer in a sentence, and the changes in sections, each as few lines as tell it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from graphdiag.modeldiff.changes import (
    Change,
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
    OpsChanged,
)
from graphdiag.modeldiff.differ import Diff
from graphdiag.phrases import counted, some

LINES_SHOWN = 12
_Kind = TypeVar("_Kind", bound=Change)
SORTS: Mapping[str, tuple[type[Change], ...]] = {
    "model": (ModelRenamed, NestedAdded, NestedRemoved, NestedRenamed, EndsChanged),
    "layers": (LayersAdded, LayersRemoved, LayersReplaced, LayerRenamed),
    "edges": (LayerRewired, InputsReordered),
    "attributes": (LayerChanged,),
    "ops": (OpsChanged,),
    "findings": (FindingAdded, FindingRemoved),
}
"""The sorts of change, in the order in which they are told."""


@dataclass(frozen=True)
class Section:
    """Changes of one sort.

    Attributes:
        title: As ``layers``.
        lines: Each change, or several alike, in a line.
        more: Number of lines left out.
    """

    title: str
    lines: Sequence[str]
    more: int = 0


def headline(diff: Diff) -> str:
    """What changed, in one sentence.

    Args:
        diff: The changes.

    Returns:
        ``No difference.``, or ``1 layer inserted; everything else is the same.``; or that no layer is in both.
    """
    if diff.equal:
        return "No difference."
    said = ", ".join(_counts(diff))
    apart = not diff.matching.layers and (diff.old.layers or diff.new.layers)
    rest = "the two have no layer in common" if apart else "everything else is the same"
    return f"{said[0].upper()}{said[1:]}; {rest}."


def sections(diff: Diff, most: int | None = LINES_SHOWN) -> Sequence[Section]:
    """The changes by sort.

    Args:
        diff: The changes.
        most: Lines of a section; ``None`` for all.

    Returns:
        The sections that are not empty.
    """
    found = []
    for title, kinds in SORTS.items():
        lines = list(_lines(diff, [change for change in diff.changes if isinstance(change, kinds)]))
        if lines:
            # One line more costs no more room than saying that there is one more.
            end = len(lines) if most is None or len(lines) <= most + 1 else most
            found.append(Section(title, lines[:end], len(lines) - end))
    return found


def notes(diff: Diff) -> Sequence[str]:
    """What could not be compared, and which differences are none."""
    if not diff.automatic:
        return diff.notes
    renamed = counted(diff.automatic, "name")
    return [f"{renamed} that Keras made up changed as well, which is not a difference.", *diff.notes]


def sort_of(change: Change) -> str:
    """Which of `SORTS` a change belongs to."""
    return next(sort for sort, kinds in SORTS.items() if isinstance(change, kinds))


# --- the answer ------------------------------------------------------------------------------------------------------


def _counts(diff: Diff) -> Iterator[str]:
    if _of(diff, ModelRenamed):
        yield "model renamed"
    yield from _counts_of_layers(diff)
    yield from _counts_of_edges(diff)
    ends = [change.which for change in _of(diff, EndsChanged)]
    if ends:
        yield f"other {' and '.join(ends)}"
    yield from _count(len(_of(diff, LayerChanged)), "layer", "changed")
    ops = _of(diff, OpsChanged)
    of_layers = sum(change.owner is not None for change in ops)
    if ops:
        yield f"other ops in {counted(of_layers, 'layer')}" if of_layers else "other ops of no layer"
    yield from _count(len(_of(diff, FindingAdded)), "finding", "came")
    yield from _count(len(_of(diff, FindingRemoved)), "finding", "went")


def _counts_of_layers(diff: Diff) -> Iterator[str]:
    added = _of(diff, LayersAdded)
    yield from _count(sum(len(change.layers) for change in added if change.instead_of), "layer", "inserted")
    yield from _count(sum(len(change.layers) for change in added if not change.instead_of), "layer", "added")
    yield from _count(sum(len(change.layers) for change in _of(diff, LayersRemoved)), "layer", "removed")
    replaced = _of(diff, LayersReplaced)
    old_layers = sum(len(change.removed.layers) for change in replaced)
    new_layers = sum(len(change.added.layers) for change in replaced)
    yield from _count(old_layers, "layer", "replaced" + (f" by {new_layers:,}" if new_layers != old_layers else ""))
    yield from _count(len(_of(diff, LayerRenamed)), "layer", "renamed")
    yield from _count(len(_of(diff, NestedAdded)), "nested model", "added")
    yield from _count(len(_of(diff, NestedRemoved)), "nested model", "removed")
    yield from _count(len(_of(diff, NestedRenamed)), "nested model", "renamed")


def _counts_of_edges(diff: Diff) -> Iterator[str]:
    rewired = _of(diff, LayerRewired)
    yield from _count(sum(bool(change.removed and change.added) for change in rewired), "layer", "re-wired")
    yield from _count(sum(len(change.removed) for change in rewired if not change.added), "edge", "removed")
    yield from _count(sum(len(change.added) for change in rewired if not change.removed), "edge", "added")
    yield from _count(len(_of(diff, InputsReordered)), "layer", "with inputs in another order")


def _count(number: int, what: str, verb: str) -> Iterator[str]:
    if number:
        yield f"{counted(number, what)} {verb}"


def _of(diff: Diff, kind: type[_Kind]) -> Sequence[_Kind]:
    return [change for change in diff.changes if isinstance(change, kind)]


# --- lines -----------------------------------------------------------------------------------------------------------


def _lines(diff: Diff, changes: Sequence[Change]) -> Iterator[str]:
    """Each change in a line, but those together that say the same of several layers."""
    rewired: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = defaultdict(list)
    ops: dict[str, list[str]] = defaultdict(list)
    changed = [change for change in changes if isinstance(change, LayerChanged)]
    for change in changes:
        if isinstance(change, LayerRewired) and change.removed and change.added:
            sources = tuple(edge.source for edge in change.added), tuple(source for source, _ in change.removed)
            rewired[sources].append(change.id)
        elif isinstance(change, OpsChanged):
            ops[change.delta()].append(change.whose)
        elif not isinstance(change, LayerChanged):
            yield change.line()
    for (added, removed), layers in rewired.items():
        yield f"{some(layers)} {'takes' if len(layers) == 1 else 'take'} {some(added)} instead of {some(removed)}"
    yield from _changed(diff, changed)
    for delta, owners in ops.items():
        yield f"{some(owners)}: {delta}{' each' if len(owners) > 1 else ''}"


def _changed(diff: Diff, changes: Sequence[LayerChanged]) -> Iterator[str]:
    """Layers with other attributes; those whose sizes follow from a layer before them only in number."""
    layers = diff.new.layers
    resized = {change.id for change in changes if any(item.name == "shape" for item in change.attributes)}
    # What takes from other layers than before may have another size for that reason.
    resized |= layers.keys() - set(diff.matching.layers.values())
    resized |= {change.id for change in diff.changes if isinstance(change, LayerRewired)}
    following = []
    for change in changes:
        sizes_only = all(item.name in ("shape", "parameters") for item in change.attributes)
        if not change.nested and sizes_only and resized.intersection(layers[change.id].sources):
            following.append(change.id)
        else:
            yield change.line()
    if len(following) > 2:
        yield f"{len(following):,} layers that follow have other output shapes or parameters: {some(following)}"
    else:
        yield from (change.line() for change in changes if change.id in following)
