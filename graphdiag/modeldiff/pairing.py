"""Two snapshots and which layer became which: what every comparison of the two starts from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from graphdiag.modeldiff.changes.change import Names
from graphdiag.modeldiff.layer_matching import Matching
from graphdiag.modeldiff.snapshot import LayerRecord, NestedRecord, Snapshot


@dataclass(frozen=True)
class Pairing:
    """Two snapshots, matched.

    Attributes:
        old: The graph before.
        new: The graph after.
        matching: Which layer became which.
    """

    old: Snapshot
    new: Snapshot
    matching: Matching

    @property
    def layers(self) -> Mapping[str, str]:
        """New id by old id."""
        return self.matching.layers

    @cached_property
    def before(self) -> Mapping[str, str]:
        """Old id by new id."""
        return {right: left for left, right in self.matching.layers.items()}

    @cached_property
    def removed(self) -> Sequence[LayerRecord]:
        """Layers of the old graph that the new one does not have."""
        return [layer for id_, layer in self.old.layers.items() if id_ not in self.matching.layers]

    @cached_property
    def added(self) -> Sequence[LayerRecord]:
        """Layers of the new graph that the old one did not have."""
        return [layer for id_, layer in self.new.layers.items() if id_ not in self.before]

    @cached_property
    def names(self) -> Names:
        """How old names are said."""
        return Names(
            frozenset(id_ for id_ in self.old.layers if id_ in self.new.layers and self.matching.layers.get(id_) != id_)
        )

    def pairs(self) -> Iterator[tuple[LayerRecord, LayerRecord]]:
        """Layers that stayed, before and after."""
        return ((self.old.layers[left], self.new.layers[right]) for left, right in self.matching.layers.items())

    def nested_pairs(self) -> Iterator[tuple[NestedRecord, NestedRecord]]:
        """Nested models that stayed, before and after."""
        return ((self.old.nested[left], self.new.nested[right]) for left, right in self.matching.nested.items())

    @cached_property
    def paths(self) -> Mapping[tuple[str, ...], tuple[str, ...]]:
        """The place of each nested model that stayed, after, by the place before."""
        return {(*old.path, old.name): (*new.path, new.name) for old, new in self.nested_pairs()}
