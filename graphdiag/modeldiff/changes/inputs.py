"""A layer that stayed and takes other tensors, from other layers or from the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from graphdiag.keras_facts import MERGES
from graphdiag.modeldiff.changes.change import PLAIN, Change, Edge, Names, NewEdge
from graphdiag.phrases import some


@dataclass(frozen=True)
class LayerRewired(Change):
    """A layer that takes from other layers than before; with only one kind of edge, removed or added edges.

    Attributes:
        id: The layer.
        removed: Edges into it that went; in old names.
        added: Edges into it that came.
        left: Layers from which it still takes.
        class_name: Class of the layer.
    """

    kind: ClassVar[str] = "layer-rewired"
    id: str
    removed: Sequence[Edge] = ()
    added: Sequence[NewEdge] = ()
    left: Sequence[str] = ()
    class_name: str = ""

    @property
    def about(self) -> Sequence[str]:
        """The layer."""
        return [self.id]

    @property
    def about_edges(self) -> Sequence[Edge]:
        """The added edges, and those that went."""
        return [*((edge.source, edge.target) for edge in self.added), *self.removed]

    def line(self, names: Names = PLAIN) -> str:
        """``global_max_1 takes conv1d_0_3 instead of conv1d_1_3``."""
        removed = [names.old(source) for source, _ in self.removed]
        added = [edge.source for edge in self.added]
        if removed and added:
            return f"{self.id} takes {some(added)} instead of {some(removed)}"
        if removed and self.class_name in MERGES and self.left:
            return f"{self.id} no longer takes {some(removed)}, only {some(self.left)}"
        if added and self.class_name in MERGES and self.left:
            return f"{self.id} takes {some(added)} as well, beside {some(self.left)}"
        edges = [f"{names.old(source)} -> {names.old(target)}" for source, target in self.removed]
        edges = edges or [f"{edge.source} -> {edge.target}" for edge in self.added]
        return f"{'edge' if len(edges) == 1 else 'edges'} {some(edges)} {'removed' if removed else 'added'}"

    def to_dict(self) -> dict[str, Any]:
        """Added edges, and removed edges."""
        return {
            "kind": self.kind,
            "layer": self.id,
            "edges_added": [edge.to_list() for edge in self.added],
            "edges_removed": [list(edge) for edge in self.removed],
        }


@dataclass(frozen=True)
class SharingChanged(Change):
    """A layer that is called more or less often than before.

    Attributes:
        id: The layer.
        old: Number of calls before.
        new: Number of calls after.
        sources: Layers from which it takes now.
        removed: Edges into it that went; in old names.
        added: Edges into it that came.
    """

    kind: ClassVar[str] = "sharing-changed"
    id: str
    old: int
    new: int
    sources: Sequence[str] = ()
    removed: Sequence[Edge] = ()
    added: Sequence[NewEdge] = ()

    @property
    def about(self) -> Sequence[str]:
        """The layer."""
        return [self.id]

    @property
    def about_edges(self) -> Sequence[Edge]:
        """The added edges, and those that went."""
        return [*((edge.source, edge.target) for edge in self.added), *self.removed]

    def line(self, names: Names = PLAIN) -> str:
        """``dense is now shared by a and b: 2 calls instead of 1``."""
        calls = f"{self.new:,} call{'' if self.new == 1 else 's'} instead of {self.old:,}"
        if self.old <= 1 < self.new and len(self.sources) > 1:
            return f"{self.id} is now shared by {some(self.sources)}: {calls}"
        if self.new == 1 < self.old:
            return f"{self.id} is no longer shared: it takes {some(self.sources) or 'nothing'} alone, {calls}"
        on = f", on {some(self.sources)}" if self.sources else ""
        return f"{self.id} {'is now shared' if self.old <= 1 else 'is called more or less often'}: {calls}{on}"

    def to_dict(self) -> dict[str, Any]:
        """Calls before and after, and edges."""
        return {
            "kind": self.kind,
            "layer": self.id,
            "calls": [self.old, self.new],
            "edges_added": [edge.to_list() for edge in self.added],
            "edges_removed": [list(edge) for edge in self.removed],
        }


@dataclass(frozen=True)
class InputsChanged(Change):
    """A layer that takes other tensors of the same layers, or takes them as something else.

    Attributes:
        id: The layer.
        phrases: What it takes now instead of what, in words that go on after its name.
        sources: Layers from which it takes, in the new order.
    """

    kind: ClassVar[str] = "inputs-changed"
    id: str
    phrases: Sequence[str]
    sources: Sequence[str]

    @property
    def about(self) -> Sequence[str]:
        """The layer."""
        return [self.id]

    def line(self, names: Names = PLAIN) -> str:
        """``use takes output 2 of lstm instead of output 1``."""
        first, *rest = self.phrases
        return f"{self.id} {', and '.join([first, *(phrase.removeprefix('takes ') for phrase in rest)])}"

    def to_dict(self) -> dict[str, Any]:
        """The layers from which it takes, in the new order; the tensors stand in ``takes`` of the diff."""
        return {"kind": self.kind, "layer": self.id, "from": list(self.sources)}


@dataclass(frozen=True)
class InputsReordered(Change):
    """A layer that takes what it took in another order.

    Attributes:
        id: The layer.
        sources: Layers from which it takes, in the new order.
        order: What it takes, in the new order, in words.
        swapped: Whether two inputs changed places, and nothing else.
    """

    kind: ClassVar[str] = "inputs-reordered"
    id: str
    sources: Sequence[str]
    order: Sequence[str] = ()
    swapped: bool = False

    @property
    def about(self) -> Sequence[str]:
        """The layer."""
        return [self.id]

    def line(self, names: Names = PLAIN) -> str:
        """``concatenate_1 takes its inputs swapped: b and a``."""
        how = "swapped" if self.swapped else "in another order"
        return f"{self.id} takes its inputs {how}: {some(self.order or self.sources, 8)}"

    def to_dict(self) -> dict[str, Any]:
        """All that it takes, in the new order."""
        return {"kind": self.kind, "layer": self.id, "from": list(self.sources)}
