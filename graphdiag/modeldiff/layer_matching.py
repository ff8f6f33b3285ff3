"""Which layer of the old graph became which layer of the new one.

Names come first: a layer of the same class that kept a name which somebody chose is the same layer. A name that Keras
made up proves nothing, because one more layer shifts all that follow; for those the structure decides, from the
strongest likeness to the weakest:

1. The whole graphs are the same up to such names: walking both from outputs to inputs says so exactly.
2. What is certain: the same cone above or below, up to layers that are already matched; neighbors of matched layers;
   as many layers of a kind as before in the same gap between matched layers.
3. A layer of another size between neighbors that are the same.
4. What is left in a gap, aligned in order.

Layers are alike in class, shape, parameters, calls and settings, or in less where that finds none. A color stands for
all that was looked at around a layer (Weisfeiler and Lehman's refinement); equal colors get equal numbers, in both
graphs. Each step is linear in layers and edges, but for sorting.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from graphdiag.disjoint_sets import DisjointSets
from graphdiag.keras_facts import is_automatic
from graphdiag.modeldiff.snapshot import LayerRecord, Snapshot

Label = Hashable
_Align = Callable[[Sequence[int], Sequence[int], tuple[Sequence[int], Sequence[int]]], Iterable[tuple[int, int]]]
_ROUNDS = 8
"""How often cones are colored anew with what the last round matched."""
_RADII = (3, 2, 1, 0)
"""Sizes of the neighborhoods that are compared inside a gap."""


@dataclass(frozen=True)
class Matching:
    """What became of what.

    Attributes:
        layers: New id by old id, in the new graph's order; what is not in it was added or removed.
        nested: The same for nested models.
    """

    layers: Mapping[str, str]
    nested: Mapping[str, str]


def match(old: Snapshot, new: Snapshot) -> Matching:
    """Match the layers of two snapshots.

    Args:
        old: The graph before.
        new: The graph after.

    Returns:
        The matching: one to one, and the same for the same snapshots. When the graphs are equal up to names that
        Keras made up, and every layer leads to an output, everything is matched.
    """
    labels = _labels(old, new)
    exact = _same_up_to_names(old, new, labels[0])
    if exact is None:
        # Settings may have been edited where nothing else was.
        exact = _same_up_to_names(old, new, labels[1])
    if exact is None:
        matcher = _Matcher(old, new)
        matcher.run(labels)
        exact = matcher.pairs
    order = {id_: position for position, id_ in enumerate(new.layers)}
    layers = dict(sorted(exact.items(), key=lambda pair: order[pair[1]]))
    return Matching(layers, _nested_pairs(old, new, layers))


def kept_name(old: LayerRecord, new: LayerRecord) -> bool:
    """Whether two layers have the same name of their own, or both have one that Keras made up for their class."""
    return old.name == new.name or (
        old.class_name == new.class_name
        and is_automatic(old.name, old.class_name)
        and is_automatic(new.name, new.class_name)
    )


def _labels(old: Snapshot, new: Snapshot) -> Sequence[Callable[[LayerRecord], Label]]:
    """What two layers may be compared by, the strictest first; what only one side records is left out."""
    sides = (old.layers.values(), new.layers.values())
    shapes = all(any(layer.output_shape for layer in side) for side in sides)
    sizes = all(any(layer.parameters is not None for layer in side) for side in sides)

    texts = {
        id(layer): json.dumps(layer.settings, sort_keys=True)
        for side in sides
        for layer in side
        if layer.settings is not None
    }
    known = all(any(layer.settings is not None for layer in side) for side in sides)

    def with_settings(layer: LayerRecord) -> Label:
        return all_of_it(layer), texts.get(id(layer), "") if known else ""

    def all_of_it(layer: LayerRecord) -> Label:
        return (
            layer.class_name,
            layer.output_shape if shapes else "",
            layer.parameters if sizes else None,
            layer.calls,
            len(layer.path),
        )

    def size(layer: LayerRecord) -> Label:
        return layer.class_name, layer.parameters if sizes else None

    def kind(layer: LayerRecord) -> Label:
        return layer.class_name

    return with_settings, all_of_it, size, kind


def _same_up_to_names(old: Snapshot, new: Snapshot, label: Callable[[LayerRecord], Label]) -> Mapping[str, str] | None:
    """The one mapping that makes the graphs equal, found by walking both from their ends; ``None`` if there is none."""
    if len(old.layers) != len(new.layers) or len(old.outputs) != len(new.outputs) or len(old.inputs) != len(new.inputs):
        return None
    places = _places(old), _places(new)
    pairs: dict[str, str] = {}
    taken: set[str] = set()
    waiting = [*zip(old.outputs, new.outputs, strict=True), *zip(old.inputs, new.inputs, strict=True)]
    while waiting:
        left, right = waiting.pop()
        if left in pairs:
            if pairs[left] != right:
                return None
            continue
        before, after = old.layers[left], new.layers[right]
        alike = label(before) == label(after) and kept_name(before, after) and places[0][left] == places[1][right]
        if right in taken or not alike or len(before.sources) != len(after.sources):
            return None
        pairs[left] = right
        taken.add(right)
        waiting += zip(before.sources, after.sources, strict=True)
    return pairs if len(pairs) == len(old.layers) else None


def _places(snapshot: Snapshot) -> Mapping[str, tuple[str, ...]]:
    """The names of the nested models around each layer; empty for one that Keras made up."""
    nested = {(*model.path, model.name): model.class_name for model in snapshot.nested.values()}
    return {
        id_: tuple(
            "" if is_automatic(name, nested.get(layer.path[: depth + 1], "")) else name
            for depth, name in enumerate(layer.path)
        )
        for id_, layer in snapshot.layers.items()
    }


def _nested_pairs(old: Snapshot, new: Snapshot, layers: Mapping[str, str]) -> Mapping[str, str]:
    """Nested models go with most of the layers in them; those without any, with their names."""
    of_path = [{(*model.path, model.name): id_ for id_, model in side.nested.items()} for side in (old, new)]
    votes: Counter[tuple[str, str]] = Counter()
    for left, right in layers.items():
        before, after = old.layers[left].path, new.layers[right].path
        if len(before) == len(after):
            for depth in range(1, len(before) + 1):
                ends = of_path[0].get(before[:depth]), of_path[1].get(after[:depth])
                if ends[0] is not None and ends[1] is not None:
                    votes[ends[0], ends[1]] += 1
    pairs: dict[str, str] = {}
    taken: set[str] = set()
    elected = [pair for pair, _ in votes.most_common()]
    for left, right in [*elected, *((id_, id_) for id_ in old.nested if id_ in new.nested)]:
        if left not in pairs and right not in taken:
            pairs[left] = right
            taken.add(right)
    return pairs


class _Side:
    """One graph, with layers as rows."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.layers = list(snapshot.layers.values())
        self.row = {layer.id: row for row, layer in enumerate(self.layers)}
        self.sources = [[self.row[source] for source in layer.sources] for layer in self.layers]
        self.targets: list[list[int]] = [[] for _ in self.layers]
        for row, sources in enumerate(self.sources):
            for source in sources:
                self.targets[source].append(row)
        self.inputs = [self.row[id_] for id_ in snapshot.inputs]
        self.outputs = [self.row[id_] for id_ in snapshot.outputs]
        self.chosen = [not is_automatic(layer.name, layer.class_name) for layer in self.layers]
        """Whether somebody chose the name."""
        places = _places(snapshot)
        self.fixed = [chosen and all(places[layer.id]) for chosen, layer in zip(self.chosen, self.layers, strict=True)]
        """Whether somebody chose all names in the id."""
        self.partner: list[int | None] = [None] * len(self.layers)

    def free(self) -> Iterator[int]:
        return (row for row, partner in enumerate(self.partner) if partner is None)


class _Matcher:
    """The matching under construction."""

    def __init__(self, old: Snapshot, new: Snapshot) -> None:
        self.old, self.new = _Side(old), _Side(new)
        self._fresh: deque[tuple[int, int]] = deque()
        """Pairs whose neighbors have not been looked at."""

    @property
    def pairs(self) -> Mapping[str, str]:
        return {
            self.old.layers[left].id: self.new.layers[right].id
            for left, right in enumerate(self.old.partner)
            if right is not None
        }

    def run(self, labels: Sequence[Callable[[LayerRecord], Label]]) -> None:
        strict, *weaker = labels
        self._strict = self._labels = self._numbered(strict, renames=True)
        self._by_id()
        self._by_own_name(strict)
        self._by_position(strict)
        # What is certain: unique cones, neighbors that are alike, and as many of a kind in a gap as before.
        self._by_cones()
        self._by_neighbors()
        self._by_gaps(_as_many_in_order)
        # What changed between neighbors that did not, before any guess about what repeats.
        for label in weaker:
            self._labels = self._numbered(label, renames=False)
            self._by_neighbors()
        # What is left, aligned in order.
        self._labels = self._strict
        self._by_gaps(_aligned)
        for label in weaker:
            self._labels = self._numbered(label, renames=False)
            self._by_cones()
            self._by_neighbors()
            self._by_gaps(_aligned)
        self._labels = self._numbered(strict, renames=False)
        self._by_leftover_ids()

    def _numbered(self, label: Callable[[LayerRecord], Label], renames: bool) -> tuple[Sequence[int], Sequence[int]]:
        """A number for each layer, the same for what is alike; a chosen name changes only where all else is the same.

        Neighbors of all matched layers are looked at once more with the new numbers.
        """
        numbers: dict[Label, int] = {}
        old, new = (
            [
                numbers.setdefault(
                    (label(layer), None if renames else layer.name if chosen else "", layer.class_name), len(numbers)
                )
                for layer, chosen in zip(side.layers, side.chosen, strict=True)
            ]
            for side in (self.old, self.new)
        )
        self._fresh.extend((left, right) for left, right in enumerate(self.old.partner) if right is not None)
        return old, new

    def _join(self, left: int, right: int) -> bool:
        if self.old.partner[left] is not None or self.new.partner[right] is not None:
            return False
        self.old.partner[left], self.new.partner[right] = right, left
        self._fresh.append((left, right))
        return True

    # --- names -------------------------------------------------------------------------------------------------------

    def _by_id(self) -> None:
        for left, layer in enumerate(self.old.layers):
            right = self.new.row.get(layer.id)
            if right is not None and self.old.fixed[left] and layer.class_name == self.new.layers[right].class_name:
                self._join(left, right)

    def _by_own_name(self, label: Callable[[LayerRecord], Label]) -> None:
        """A chosen name that is left once on both sides, at another place, or in a nested model of another name."""
        found: list[dict[tuple[str, Label], list[int]]] = []
        for side in (self.old, self.new):
            rows: dict[tuple[str, Label], list[int]] = defaultdict(list)
            for row in side.free():
                if side.chosen[row]:
                    rows[side.layers[row].name, label(side.layers[row])].append(row)
            found.append(rows)
        for key, left in found[0].items():
            right = found[1].get(key, ())
            if len(left) == len(right) == 1:
                self._join(left[0], right[0])

    def _by_position(self, label: Callable[[LayerRecord], Label]) -> None:
        """Inputs and outputs in the model's order, when it has as many as before."""
        for before, after in ((self.old.inputs, self.new.inputs), (self.old.outputs, self.new.outputs)):
            if len(before) == len(after):
                for left, right in zip(before, after, strict=True):
                    if label(self.old.layers[left]) == label(self.new.layers[right]):
                        self._join(left, right)

    def _by_leftover_ids(self) -> None:
        """What kept its id and is alike in everything, but stands elsewhere; or has a chosen name and another class."""
        for left in list(self.old.free()):
            right = self.new.row.get(self.old.layers[left].id)
            if right is not None and (self.old.fixed[left] or self._labels[0][left] == self._labels[1][right]):
                self._join(left, right)

    # --- structure ---------------------------------------------------------------------------------------------------

    def _by_cones(self) -> None:
        """Layers with the same cone above or below; the cones end at matched layers."""
        for _ in range(_ROUNDS):
            found = [self._join_unique(self._cones(upwards)) for upwards in (True, False)]
            if not any(found):
                break
        above, below = self._cones(True), self._cones(False)
        both = tuple([*zip(above[side], below[side], strict=True)] for side in (0, 1))
        self._join_equal(both)

    def _cones(self, upwards: bool) -> tuple[Sequence[int], Sequence[int]]:
        numbers: dict[Hashable, int] = {}
        return (
            self._cone_colors(self.old, self._labels[0], upwards, numbers, mirrored=False),
            self._cone_colors(self.new, self._labels[1], upwards, numbers, mirrored=True),
        )

    @staticmethod
    def _cone_colors(
        side: _Side, labels: Sequence[int], upwards: bool, numbers: dict[Hashable, int], mirrored: bool
    ) -> Sequence[int]:
        onto, from_ = (side.targets, side.sources) if upwards else (side.sources, side.targets)
        colors: list[int] = [-1] * len(labels)
        missing = [len(set(rows)) for rows in from_]
        ready = deque(row for row, count in enumerate(missing) if not count)
        # A layer that is called twice may stand on a cycle; there the first layer starts with what is known.
        in_order = iter(range(len(labels)))
        while True:
            if not ready:
                start = next((row for row in in_order if colors[row] < 0), None)
                if start is None:
                    return colors
                ready.append(start)
            row = ready.popleft()
            if colors[row] >= 0:
                continue
            partner = side.partner[row]
            if partner is not None:
                key: Hashable = ("matched", partner if mirrored else row)
            else:
                around = [colors[other] for other in from_[row]]
                key = (labels[row], tuple(around if upwards else sorted(around)))
            colors[row] = numbers.setdefault(key, len(numbers))
            for other in set(onto[row]):
                missing[other] -= 1
                if not missing[other]:
                    ready.append(other)

    def _classes(self, colors: Sequence[Sequence[Hashable]]) -> Iterator[tuple[Sequence[int], Sequence[int]]]:
        """Free rows of the old and of the new graph by color."""
        new: dict[Hashable, list[int]] = defaultdict(list)
        for row in self.new.free():
            new[colors[1][row]].append(row)
        old: dict[Hashable, list[int]] = defaultdict(list)
        for row in self.old.free():
            old[colors[0][row]].append(row)
        return ((rows, new[color]) for color, rows in old.items() if color in new)

    def _join_unique(self, colors: Sequence[Sequence[Hashable]]) -> bool:
        pairs = [(left[0], right[0]) for left, right in self._classes(colors) if len(left) == len(right) == 1]
        joined = [self._join(left, right) for left, right in pairs]
        return any(joined)

    def _join_equal(self, colors: Sequence[Sequence[Hashable]]) -> None:
        for left, right in list(self._classes(colors)):
            if len(left) == len(right):
                for pair in zip(left, right, strict=True):
                    self._join(*pair)

    def _by_neighbors(self) -> None:
        """Neighbors of matched layers: by position, then in order where there are as many; the most alike first."""
        every = (self._strict, self._labels) if self._labels is not self._strict else (self._strict,)
        while self._fresh:
            left, right = self._fresh.popleft()
            before, after = self.old.sources[left], self.new.sources[right]
            for labels in every:
                if len(before) == len(after):
                    for one, other in zip(before, after, strict=True):
                        if labels[0][one] == labels[1][other]:
                            self._join(one, other)
                self._join_in_order(before, after, labels)
                self._join_in_order(self.old.targets[left], self.new.targets[right], labels)

    def _join_in_order(
        self, before: Iterable[int], after: Iterable[int], labels: tuple[Sequence[int], Sequence[int]]
    ) -> None:
        free = (
            [row for row in dict.fromkeys(before) if self.old.partner[row] is None],
            [row for row in dict.fromkeys(after) if self.new.partner[row] is None],
        )
        for pair in _as_many(*free, labels):
            self._join(*pair)

    def _by_gaps(self, align: _Align) -> None:
        """What lies between the same matched layers, by neighborhoods that shrink."""
        for radius in _RADII:
            colors = self._neighborhoods(radius)
            for before, after in self._gaps():
                for left, right in align(before, after, colors):
                    self._join(left, right)
            self._by_neighbors()

    def _neighborhoods(self, radius: int) -> tuple[Sequence[int], Sequence[int]]:
        numbers: dict[Hashable, int] = {}

        def number(key: Hashable) -> int:
            return numbers.setdefault(key, len(numbers))

        start: list[list[int]] = []
        for side, labels, mirrored in ((self.old, self._labels[0], False), (self.new, self._labels[1], True)):
            start.append(
                [
                    number(label if partner is None else ("matched", partner if mirrored else row))
                    for row, (label, partner) in enumerate(zip(labels, side.partner, strict=True))
                ]
            )
        old, new = start
        for _ in range(radius):
            old, new = self._refined(self.old, old, number), self._refined(self.new, new, number)
        return old, new

    @staticmethod
    def _refined(side: _Side, colors: Sequence[int], number: Callable[[Hashable], int]) -> list[int]:
        return [
            colors[row]
            if side.partner[row] is not None
            else number(
                (
                    colors[row],
                    tuple(colors[source] for source in side.sources[row]),
                    tuple(sorted(colors[target] for target in side.targets[row])),
                )
            )
            for row in range(len(colors))
        ]

    def _gaps(self) -> Iterator[tuple[Sequence[int], Sequence[int]]]:
        """Free layers of both graphs that hang together, or hang on the same matched layer on the same side."""
        groups = DisjointSets[tuple[str, int]]()
        for name, side, mirrored in (("old", self.old, False), ("new", self.new, True)):
            for row in side.free():
                for way, others in (("above", side.sources[row]), ("below", side.targets[row])):
                    for other in others:
                        partner = side.partner[other]
                        if partner is None:
                            groups.join((name, row), (name, other))
                        else:
                            groups.join((name, row), (way, partner if mirrored else other))
        gaps: dict[Hashable, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for row in self.old.free():
            gaps[groups.root(("old", row))][0].append(row)
        for row in self.new.free():
            gaps[groups.root(("new", row))][1].append(row)
        return ((before, after) for before, after in gaps.values() if before and after)


def _as_many(
    before: Sequence[int], after: Sequence[int], colors: tuple[Sequence[int], Sequence[int]]
) -> Iterable[tuple[int, int]]:
    """Pairs of the same color in order, where both sides have as many of the color."""
    groups: dict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for row in before:
        groups[colors[0][row]][0].append(row)
    for row in after:
        groups[colors[1][row]][1].append(row)
    for left, right in groups.values():
        if len(left) == len(right):
            yield from zip(left, right, strict=True)


def _as_many_in_order(
    before: Sequence[int], after: Sequence[int], colors: tuple[Sequence[int], Sequence[int]]
) -> Iterable[tuple[int, int]]:
    """The same, without pairs that cross: two layers that changed places are not both the same."""
    return _increasing(sorted(_as_many(before, after, colors)))


def _aligned(
    before: Sequence[int], after: Sequence[int], colors: tuple[Sequence[int], Sequence[int]]
) -> Iterable[tuple[int, int]]:
    """Pairs of the same color that do not cross: the first with the first, the second with the second of a color."""
    places: dict[int, deque[int]] = defaultdict(deque)
    for row in after:
        places[colors[1][row]].append(row)
    pairs = [(row, places[colors[0][row]].popleft()) for row in before if places.get(colors[0][row])]
    return _increasing(pairs)


def _increasing(pairs: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    """The longest run of pairs that rises on both sides (patience sorting)."""
    ends: list[int] = []
    tails: list[int] = []
    previous: list[int | None] = []
    for position, (_, right) in enumerate(pairs):
        pile = bisect_left(ends, right)
        previous.append(tails[pile - 1] if pile else None)
        ends[pile : pile + 1] = [right]
        tails[pile : pile + 1] = [position]
    chain: list[tuple[int, int]] = []
    current = tails[-1] if tails else None
    while current is not None:
        chain.append(pairs[current])
        current = previous[current]
    return chain[::-1]
