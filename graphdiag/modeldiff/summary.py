"""A diff for readers: the answer in a sentence, and the changes in sections, each as few lines as tell it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import TypeVar

from graphdiag.modeldiff.changes import (
    Change,
    EndsChanged,
    FindingAdded,
    FindingRemoved,
    InputsChanged,
    InputsReordered,
    KeysChanged,
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
    SharingChanged,
)
from graphdiag.modeldiff.differ import Diff
from graphdiag.modeldiff.telling.causes import tell_causes
from graphdiag.modeldiff.telling.consequences import consequences, folded, tell_ops
from graphdiag.modeldiff.telling.moves import tell_moves
from graphdiag.modeldiff.telling.renames import tell_many_renames, tell_renames
from graphdiag.modeldiff.telling.repeats import tell_repeats
from graphdiag.modeldiff.telling.rewritten import tell_rewritten
from graphdiag.modeldiff.telling.told import Told
from graphdiag.phrases import counted

_ROWS = 19
"""Rows of all sections together, titles included: with the answer, the graphs and notes, a diff takes under thirty."""
_COLUMNS = 96
"""Characters of a row."""
_Kind = TypeVar("_Kind", bound=Change)
SORTS: Mapping[str, tuple[type[Change], ...]] = {
    "model": (ModelRenamed, NestedAdded, NestedRemoved, NestedRenamed, EndsChanged, KeysChanged),
    "layers": (LayersAdded, LayersRemoved, LayersReplaced, LayerRenamed),
    "edges": (LayerRewired, SharingChanged, InputsChanged, InputsReordered),
    "settings": (LayerChanged,),
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
        return (
            "No difference."
            if diff.complete
            else "No difference in what could be compared; the notes say what was not."
        )
    said = ", ".join(_counts(diff))
    apart = not diff.matching.layers and (diff.old.layers or diff.new.layers)
    rest = "the two have no layer in common" if apart else "everything else is the same"
    return f"{said[0].upper()}{said[1:]}; {rest}."


def sections(diff: Diff, most: int | None = _ROWS) -> Sequence[Section]:
    """The changes by sort.

    Args:
        diff: The changes.
        most: Rows of all sections together; ``None`` for all lines. Each section has one line at least.

    Returns:
        The sections that are not empty; the last one says which weights of the old model load into the new one.
    """
    hidden = [] if diff.show_ops else consequences(diff)
    of_sort: dict[str, list[str]] = {title: [] for title in SORTS}
    for one in told(diff):
        of_sort[sort_of(one.changes[0])].append(one.line)
    if hidden:
        of_sort["ops"].append(folded(hidden))
    if of_sort["ops"]:
        of_sort["ops"][:0] = diff.stacks
    filled = {title: lines for title, lines in of_sort.items() if lines}
    if diff.weights is not None and not diff.equal:
        filled["weights"] = list(diff.weights.lines())
    rooms = _rooms(list(filled.values()), most)
    return [
        Section(title, found[:room], len(found) - room)
        for (title, found), room in zip(filled.items(), rooms, strict=True)
    ]


def told(diff: Diff) -> Sequence[Told]:
    """All that changed, in as few lines as tell it; ops and findings that follow from other changes on demand only.

    Args:
        diff: The changes.

    Returns:
        The lines, each with its changes, in the order of the changes.
    """
    left_out = set() if diff.show_ops else {id(change) for change in consequences(diff)}
    return _told(diff, [change for change in diff.changes if id(change) not in left_out])


def lines(diff: Diff) -> Sequence[str]:
    """The lines of `told` alone."""
    return [one.line for one in told(diff)]


def _rooms(of_sections: Sequence[Sequence[str]], most: int | None) -> Sequence[int]:
    """How many lines each section has, so that all together take so many rows; the short sections first."""
    rows = [[-(-len(line) // _COLUMNS) for line in section] for section in of_sections]
    # Each section has a title, and may end in a line that says how many are left out.
    left = 0 if most is None else most - 2 * len(rows)
    if most is None or sum(map(sum, rows)) <= left + len(rows):
        return [len(section) for section in of_sections]
    rooms = [0] * len(rows)
    for number, position in enumerate(sorted(range(len(rows)), key=lambda position: sum(rows[position]))):
        share = max(left, 0) // (len(rows) - number)
        ends = list(accumulate(rows[position]))
        rooms[position] = max(1, sum(end <= share for end in ends))
        left -= ends[rooms[position] - 1]
    # One line more costs no more room than saying that there is one more.
    return [len(row) if len(row) == room + 1 else room for row, room in zip(rows, rooms, strict=True)]


def notes(diff: Diff) -> Sequence[str]:
    """What could not be compared, and which differences are none."""
    said = diff.stacks if any(isinstance(change, OpsChanged) for change in diff.changes) else ()
    found = [*diff.not_compared, *(note for note in diff.notes if note not in said)]
    if not diff.automatic:
        return found
    renamed = counted(diff.automatic, "name")
    return [f"{renamed} that Keras made up changed as well, which is not a difference.", *found]


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
    keys = [change.which for change in _of(diff, KeysChanged)]
    if keys:
        yield f"other keys of {' and '.join(keys)}"
    changed = _of(diff, LayerChanged)
    causes = [change for change in changed if change.is_cause]
    yield from _count(len(causes or changed), "layer", "changed")
    told = {id(change) for change in consequences(diff)}
    ops = [change for change in _of(diff, OpsChanged) if id(change) not in told]
    of_layers = sum(change.owner is not None for change in ops)
    if ops:
        yield f"other ops in {counted(of_layers, 'layer')}" if of_layers else "other ops of no layer"
    for kind, verb in ((FindingAdded, "came"), (FindingRemoved, "went")):
        yield from _count(sum(id(change) not in told for change in _of(diff, kind)), "finding", verb)


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
    yield from _count(len(_of(diff, SharingChanged)), "layer", "called more or less often")
    yield from _count(len(_of(diff, InputsChanged)), "layer", "with other inputs")
    yield from _count(len(_of(diff, InputsReordered)), "layer", "with inputs in another order")


def _count(number: int, what: str, verb: str) -> Iterator[str]:
    if number:
        yield f"{counted(number, what)} {verb}"


def _of(diff: Diff, kind: type[_Kind]) -> Sequence[_Kind]:
    return [change for change in diff.changes if isinstance(change, kind)]


# --- lines -----------------------------------------------------------------------------------------------------------


def _told(diff: Diff, changes: Sequence[Change]) -> Sequence[Told]:
    """The changes in lines, in their own order: several together where one line says them."""
    left = list(changes)
    found: list[Told] = []
    tellers: Sequence[Callable[[Sequence[Change]], Iterator[Told]]] = (
        partial(tell_renames, diff),
        partial(tell_moves, diff),
        partial(tell_repeats, diff),
        partial(tell_causes, diff),
        partial(tell_rewritten, diff),
        partial(tell_many_renames, diff),
        tell_ops,
    )
    for tell in tellers:
        lines_told = list(tell(left))
        found += lines_told
        said = {id(change) for one in lines_told for change in one.changes}
        left = [change for change in left if id(change) not in said]
    found += [Told(diff.line(change), [change]) for change in left]
    order = {id(change): position for position, change in enumerate(changes)}
    return sorted(found, key=lambda one: (one.follows, min(order[id(change)] for change in one.changes)))
