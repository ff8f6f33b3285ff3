"""Layers that were added, removed, replaced or renamed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from graphdiag.keras_facts import MERGES
from graphdiag.modeldiff.blocks import blocks_of, made_of
from graphdiag.modeldiff.changes.change import PLAIN, Change, Edge, Names, NewEdge, between
from graphdiag.modeldiff.snapshot import LayerRecord
from graphdiag.phrases import counted, some, verb

_NAMED = 7
"""Layers that are named one by one, each with its class."""


@dataclass(frozen=True)
class LayersAdded(Change):
    """Added layers that hang together.

    Attributes:
        layers: The layers, with all that they take.
        feeds: Edges from them to layers that were there.
        instead_of: Edges between layers that were there, which run through the new ones now; in old names.
    """

    kind: ClassVar[str] = "layers-added"
    layers: Sequence[LayerRecord]
    feeds: Sequence[NewEdge] = ()
    instead_of: Sequence[Edge] = ()

    @property
    def takes_from(self) -> Sequence[str]:
        """Layers that were there and that these take from."""
        return _outside(self.layers)

    @property
    def about(self) -> Sequence[str]:
        """The added layers."""
        return [layer.id for layer in self.layers]

    @property
    def place(self) -> str:
        """Where they stand, in words."""
        return between(self.takes_from, [edge.target for edge in self.feeds], bool(self.instead_of))

    @property
    def participle(self) -> str:
        """What happened to them, in a word."""
        return "inserted" if self.instead_of else "added"

    def line(self, names: Names = PLAIN) -> str:
        """``dropout_3 (Dropout) inserted between dense_1 and prediction``."""
        return f"{_called(self.layers)} {self.participle}{self.place}{_listed(self.layers)}"

    def to_dict(self) -> dict[str, Any]:
        """Layers, added edges, and removed edges."""
        return {
            "kind": self.kind,
            "layers": [layer.to_dict() for layer in self.layers],
            "edges_added": [edge.to_list() for edge in self.feeds],
            "edges_removed": [list(edge) for edge in self.instead_of],
        }


@dataclass(frozen=True)
class LayersRemoved(Change):
    """Removed layers that hung together.

    Attributes:
        layers: The layers as they were.
        fed: Edges from them to layers that are still there; in old names.
        closed: Added edges between layers on both sides of the gap.
    """

    kind: ClassVar[str] = "layers-removed"
    layers: Sequence[LayerRecord]
    fed: Sequence[Edge] = ()
    closed: Sequence[NewEdge] = ()

    @property
    def took_from(self) -> Sequence[str]:
        """Layers that are still there and that these took from."""
        return _outside(self.layers)

    @property
    def about(self) -> Sequence[str]:
        """The removed layers."""
        return [layer.id for layer in self.layers]

    def place(self, names: Names = PLAIN) -> str:
        """Where they stood, in words."""
        below = [target for _, target in self.fed]
        return between(names.olds(self.took_from), names.olds(below), bool(self.closed))

    def line(self, names: Names = PLAIN) -> str:
        """``dropout_0 (Dropout) removed between dense_0 and dense_1``."""
        if len(self.layers) > 1 or self.layers[0].class_name not in MERGES or not self.closed:
            return f"{_called(self.layers, names)} removed{self.place(names)}{_listed(self.layers, names)}"
        # What a merge was for: which of its inputs goes on, and which leads nowhere now.
        users, kept = self.survivors
        lost = [names.old(source) for source in self.took_from if source not in kept]
        without = f", without {some(lost)}" if lost else ""
        return (
            f"{_called(self.layers, names)} removed: {some(users)} {verb('takes', users)} {some(kept)} alone{without}"
        )

    @property
    def survivors(self) -> tuple[Sequence[str], Sequence[str]]:
        """Layers that took from these and take from others now, and those others."""
        users = list(dict.fromkeys(edge.target for edge in self.closed))
        return users, list(dict.fromkeys(edge.source for edge in self.closed))

    def to_dict(self) -> dict[str, Any]:
        """Layers, added edges, and removed edges with the layers to those that stayed."""
        return {
            "kind": self.kind,
            "layers": [layer.id for layer in self.layers],
            "edges_added": [edge.to_list() for edge in self.closed],
            "edges_removed": [list(edge) for edge in self.fed],
        }


@dataclass(frozen=True)
class LayersReplaced(Change):
    """Layers in the place of others: they take from the same layers, and feed the same."""

    kind: ClassVar[str] = "layers-replaced"
    removed: LayersRemoved
    added: LayersAdded

    @property
    def about(self) -> Sequence[str]:
        """The removed ones and the added ones."""
        return [*self.removed.about, *self.added.about]

    def line(self, names: Names = PLAIN) -> str:
        """``batchnorm_1 (BatchNormalization) replaced by norm (LayerNormalization)``."""
        before, after = self.removed.layers, self.added.layers
        named = "".join(
            f"; {word}{_listed(layers, how)[1:]}"
            for word, layers, how in (("old", before, names), ("new", after, PLAIN))
            if len(layers) > 1
        )
        place = between(self.added.takes_from, [edge.target for edge in self.added.feeds], True)
        return f"{_called(before, names)} replaced by {_called(after)}{place}{named}"

    def to_dict(self) -> dict[str, Any]:
        """Both halves."""
        return {"kind": self.kind, "removed": self.removed.to_dict(), "added": self.added.to_dict()}


@dataclass(frozen=True)
class LayerRenamed(Change):
    """A layer that has another name of its own, and at least one of the two was chosen."""

    kind: ClassVar[str] = "layer-renamed"
    old: str
    new: str
    class_name: str

    @property
    def about(self) -> Sequence[str]:
        """The layer."""
        return [self.new]

    def line(self, names: Names = PLAIN) -> str:
        """``dense_a renamed dense_b (Dense)``."""
        return f"{names.old(self.old)} renamed {self.new} ({self.class_name or 'scope'})"

    def to_dict(self) -> dict[str, Any]:
        """Both ids."""
        return {"kind": self.kind, "old": self.old, "new": self.new, "class": self.class_name}


# --- words -----------------------------------------------------------------------------------------------------------


def _outside(layers: Sequence[LayerRecord]) -> Sequence[str]:
    inside = {layer.id for layer in layers}
    return list(dict.fromkeys(source for layer in layers for source in layer.sources if source not in inside))


def _called(layers: Sequence[LayerRecord], names: Names = PLAIN) -> str:
    """``dense_1 (Dense)``, or how many layers there are."""
    if len(layers) > 1:
        return counted(len(layers), "layer")
    return f"{names.old(layers[0].id)} ({layers[0].class_name or 'scope'})"


def _listed(layers: Sequence[LayerRecord], names: Names = PLAIN) -> str:
    """What several layers are: blocks that repeat, or the first few."""
    if len(layers) == 1:
        return ""
    blocks, rest = blocks_of(layers)
    parts = [block.text() for block in blocks]
    if len(rest) > _NAMED and rest[0].class_name:
        ids = names.olds([layer.id for layer in rest])
        parts.append(f"{some(ids)} ({made_of([layer.class_name for layer in rest])})")
    elif rest:
        named = [
            f"{names.old(layer.id)} ({layer.class_name})" if layer.class_name else names.old(layer.id) for layer in rest
        ]
        parts.append(some(named, 6))
    return f": {'; '.join(parts)}"
