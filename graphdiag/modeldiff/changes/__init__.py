"""The kinds of change, each a small class that can say itself in a line.

What was is called by its old name, what is by its new one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from graphdiag.modeldiff.blocks import blocks_of, made_of
from graphdiag.modeldiff.snapshot import FindingRecord, LayerRecord, NestedRecord
from graphdiag.phrases import counted, some

Edge = tuple[str, str]
_NAMED = 7
"""Layers that are named one by one, each with its class."""


@dataclass(frozen=True)
class NewEdge:
    """An added edge: its ends, and its position among the new inputs of its target."""

    source: str
    target: str
    position: int

    def to_list(self) -> list[Any]:
        """JSON-ready data."""
        return [self.source, self.target, self.position]


class Change(ABC):
    """One change. ``kind`` is its name in JSON."""

    kind: ClassVar[str]

    @abstractmethod
    def line(self) -> str:
        """The change in one line."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data, from which the change can be made."""

    @property
    def about(self) -> Sequence[str]:
        """Ids of the layers and nested models that it is about."""
        return ()

    @property
    def about_edges(self) -> Sequence[Edge]:
        """Edges that it is about, besides those of layers that were added or removed."""
        return ()


# --- layers ----------------------------------------------------------------------------------------------------------


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

    def line(self) -> str:
        """``dropout_3 (Dropout) inserted between dense_1 and prediction``."""
        verb = "inserted" if self.instead_of else "added"
        place = _place(self.takes_from, [edge.target for edge in self.feeds], bool(self.instead_of))
        return f"{_called(self.layers)} {verb}{place}{_listed(self.layers)}"

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
    """Removed layers and hung together.

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

    def line(self) -> str:
        """``dropout_0 (Dropout) removed between dense_0 and dense_1``."""
        place = _place(self.took_from, [target for _, target in self.fed], bool(self.closed))
        return f"{_called(self.layers)} removed{place}{_listed(self.layers)}"

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

    def line(self) -> str:
        """``batchnorm_1 (BatchNormalization) replaced by norm (LayerNormalization)``."""
        before, after = self.removed.layers, self.added.layers
        named = "".join(
            f"; {word}{_listed(layers)[1:]}" for word, layers in (("old", before), ("new", after)) if len(layers) > 1
        )
        place = _place(self.added.takes_from, [edge.target for edge in self.added.feeds], True)
        return f"{_called(before)} replaced by {_called(after)}{place}{named}"

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

    def line(self) -> str:
        """``dense_a renamed dense_b (Dense)``."""
        return f"{self.old} renamed {self.new} ({self.class_name or 'scope'})"

    def to_dict(self) -> dict[str, Any]:
        """Both ids."""
        return {"kind": self.kind, "old": self.old, "new": self.new, "class": self.class_name}


@dataclass(frozen=True)
class Attribute:
    """One attribute of a layer that changed."""

    name: str
    old: str | int | None
    new: str | int | None

    def text(self) -> str:
        """``output shape (None, 64) -> (None, 128)``."""
        return f"{_ATTRIBUTES[self.name]} {_value(self.old)} -> {_value(self.new)}"


_ATTRIBUTES = {
    "class": "class",
    "shape": "output shape",
    "parameters": "parameters",
    "calls": "calls",
    "path": "nested model",
}


@dataclass(frozen=True)
class LayerChanged(Change):
    """A layer, or a nested model, that is the same and has other attributes."""

    kind: ClassVar[str] = "layer-changed"
    id: str
    attributes: Sequence[Attribute]
    nested: bool = False

    @property
    def about(self) -> Sequence[str]:
        """The layer, or the nested model."""
        return [self.id]

    def line(self) -> str:
        """``dense_3: parameters 4,160 -> 8,320``."""
        return f"{self.id}: {', '.join(attribute.text() for attribute in self.attributes)}"

    def to_dict(self) -> dict[str, Any]:
        """The attributes, each with its old and new value."""
        values = {attribute.name: [attribute.old, attribute.new] for attribute in self.attributes}
        return {"kind": self.kind, "layer": self.id, "nested": self.nested, "attributes": values}


# --- edges -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LayerRewired(Change):
    """A layer that takes from other layers than before; with only one kind of edge, removed or added edges.

    Attributes:
        id: The layer.
        removed: Edges into it that went; in old names.
        added: Edges into it that came.
    """

    kind: ClassVar[str] = "layer-rewired"
    id: str
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

    def line(self) -> str:
        """``global_max_1 takes conv1d_0_3 instead of conv1d_1_3``."""
        removed, added = [source for source, _ in self.removed], [edge.source for edge in self.added]
        if removed and added:
            return f"{self.id} takes {some(added)} instead of {some(removed)}"
        edges = self.removed or [(edge.source, edge.target) for edge in self.added]
        named = some([f"{source} -> {target}" for source, target in edges])
        return f"{'edge' if len(edges) == 1 else 'edges'} {named} {'removed' if removed else 'added'}"

    def to_dict(self) -> dict[str, Any]:
        """Added edges, and removed edges."""
        return {
            "kind": self.kind,
            "layer": self.id,
            "edges_added": [edge.to_list() for edge in self.added],
            "edges_removed": [list(edge) for edge in self.removed],
        }


@dataclass(frozen=True)
class InputsReordered(Change):
    """A layer that takes what it took in another order."""

    kind: ClassVar[str] = "inputs-reordered"
    id: str
    sources: Sequence[str]

    @property
    def about(self) -> Sequence[str]:
        """The layer."""
        return [self.id]

    def line(self) -> str:
        """``concatenate_1 takes its inputs in another order: b, a``."""
        return f"{self.id} takes its inputs in another order: {some(self.sources, 8)}"

    def to_dict(self) -> dict[str, Any]:
        """All that it takes, in the new order."""
        return {"kind": self.kind, "layer": self.id, "from": list(self.sources)}


# --- models ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ModelRenamed(Change):
    """The model has another name, and at least one of the two was chosen."""

    kind: ClassVar[str] = "model-renamed"
    old: str
    new: str

    def line(self) -> str:
        """``the model reference renamed reference_2``."""
        return f"the model {self.old} renamed {self.new}"

    def to_dict(self) -> dict[str, Any]:
        """Both names."""
        return {"kind": self.kind, "old": self.old, "new": self.new}


@dataclass(frozen=True)
class EndsChanged(Change):
    """The model takes other inputs, gives other outputs, or has them in another order."""

    kind: ClassVar[str] = "ends-changed"
    which: str
    old: Sequence[str]
    new: Sequence[str]

    @property
    def about(self) -> Sequence[str]:
        """The inputs or outputs as they are."""
        return self.new

    def line(self) -> str:
        """``the model's outputs were dense_1 and are dense_2``."""
        return f"the model's {self.which} were {some(self.old, 8) or 'none'} and are {some(self.new, 8) or 'none'}"

    def to_dict(self) -> dict[str, Any]:
        """All of them, before and after."""
        return {"kind": self.kind, "which": self.which, "old": list(self.old), "new": list(self.new)}


@dataclass(frozen=True)
class NestedAdded(Change):
    """An added nested model; the layers in it are changes of their own."""

    kind: ClassVar[str] = "nested-added"
    model: NestedRecord
    layers: int

    @property
    def about(self) -> Sequence[str]:
        """The model."""
        return [self.model.id]

    def line(self) -> str:
        """``nested model encoder (Functional, 5 layers) added``."""
        return f"nested model {self.model.id} ({self.model.class_name}, {counted(self.layers, 'layer')}) came"

    def to_dict(self) -> dict[str, Any]:
        """The nested model."""
        return {"kind": self.kind, "model": self.model.to_dict()}


@dataclass(frozen=True)
class NestedRemoved(Change):
    """A removed nested model; the layers in it are changes of their own."""

    kind: ClassVar[str] = "nested-removed"
    model: NestedRecord
    layers: int

    @property
    def about(self) -> Sequence[str]:
        """The model."""
        return [self.model.id]

    def line(self) -> str:
        """``nested model encoder (Functional, 5 layers) went``."""
        return f"nested model {self.model.id} ({self.model.class_name}, {counted(self.layers, 'layer')}) went"

    def to_dict(self) -> dict[str, Any]:
        """The nested model's id."""
        return {"kind": self.kind, "model": self.model.id}


@dataclass(frozen=True)
class NestedRenamed(Change):
    """A nested model that has another name; the layers in it are the same, and are not named again."""

    kind: ClassVar[str] = "nested-renamed"
    old: str
    new: str
    layers: int

    @property
    def about(self) -> Sequence[str]:
        """The model."""
        return [self.new]

    def line(self) -> str:
        """``nested model encoder renamed enc, with its 5 layers``."""
        return f"nested model {self.old} renamed {self.new}, with its {counted(self.layers, 'layer')}"

    def to_dict(self) -> dict[str, Any]:
        """Both ids."""
        return {"kind": self.kind, "old": self.old, "new": self.new}


# --- ops and findings ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OpsChanged(Change):
    """Ops that were added or removed in a layer that is the same, or among those of no layer.

    Attributes:
        owner: Id of the layer or nested model; ``None`` for ops of no layer.
        role: Of the ops of no layer, as ``training``; empty for none.
        counts: Number before and after, by op type; only what changed.
    """

    kind: ClassVar[str] = "ops-changed"
    owner: str | None
    counts: Mapping[str, tuple[int, int]]
    role: str = ""

    @property
    def whose(self) -> str:
        """The layer, or what the ops are for."""
        return self.owner if self.owner is not None else f"no layer{f' ({self.role})' if self.role else ''}"

    def delta(self) -> str:
        """``1 Relu added, 2 Elu went``."""
        added = {op_type: new - old for op_type, (old, new) in self.counts.items() if new > old}
        removed = {op_type: old - new for op_type, (old, new) in self.counts.items() if new < old}
        parts = [
            f"{some([f'{count:,} {op_type}' for op_type, count in ops.items()], 6)} {word}"
            for ops, word in ((added, "came"), (removed, "went"))
            if ops
        ]
        return "; ".join(parts)

    @property
    def about(self) -> Sequence[str]:
        """The layer that owns the ops, or the nested model."""
        return [] if self.owner is None else [self.owner]

    def line(self) -> str:
        """``conv1d_0: 1 Relu added``."""
        return f"{self.whose}: {self.delta()}"

    def to_dict(self) -> dict[str, Any]:
        """Number before and after, by op type."""
        counts = {op_type: list(pair) for op_type, pair in self.counts.items()}
        return {"kind": self.kind, "owner": self.owner, "role": self.role, "ops": counts}


@dataclass(frozen=True)
class FindingAdded(Change):
    """A finding that was not there before."""

    kind: ClassVar[str] = "finding-came"
    finding: FindingRecord

    @property
    def about_edges(self) -> Sequence[Edge]:
        """The edges that the finding explains."""
        return self.finding.edges

    def line(self) -> str:
        """``GD301 (hidden) added: dense_1 -> dense_3``."""
        return _finding_line(self.finding, "came")

    def to_dict(self) -> dict[str, Any]:
        """The finding."""
        return {"kind": self.kind, "finding": self.finding.to_dict()}


@dataclass(frozen=True)
class FindingRemoved(Change):
    """A removed finding; in old names."""

    kind: ClassVar[str] = "finding-gone"
    finding: FindingRecord

    @property
    def about_edges(self) -> Sequence[Edge]:
        """The edges that the finding explained."""
        return self.finding.edges

    def line(self) -> str:
        """``GD301 (hidden) went: dense_1 -> dense_3``."""
        return _finding_line(self.finding, "went")

    def to_dict(self) -> dict[str, Any]:
        """The finding."""
        return {"kind": self.kind, "finding": self.finding.to_dict()}


# --- words -----------------------------------------------------------------------------------------------------------


def _finding_line(finding: FindingRecord, what: str) -> str:
    about = some([f"{source} -> {target}" for source, target in finding.edges] or finding.culprits)
    return f"{finding.code} ({finding.verdict}) {what}{': ' if about else ''}{about}"


def _outside(layers: Sequence[LayerRecord]) -> Sequence[str]:
    inside = {layer.id for layer in layers}
    return list(dict.fromkeys(source for layer in layers for source in layer.sources if source not in inside))


def _place(above: Iterable[str], below: Iterable[str], between: bool) -> str:
    first, last = some(list(dict.fromkeys(above))), some(list(dict.fromkeys(below)))
    if between:
        return f" between {first} and {last}"
    return (f" after {first}" if first else "") + (f"{', and' if first else ''} before {last}" if last else "")


def _called(layers: Sequence[LayerRecord]) -> str:
    """``dense_1 (Dense)``, or how many layers there are."""
    if len(layers) > 1:
        return counted(len(layers), "layer")
    return f"{layers[0].id} ({layers[0].class_name or 'scope'})"


def _listed(layers: Sequence[LayerRecord]) -> str:
    """What several layers are: blocks that repeat, or the first few."""
    if len(layers) == 1:
        return ""
    blocks, rest = blocks_of(layers)
    parts = [block.text() for block in blocks]
    if len(rest) > _NAMED and rest[0].class_name:
        parts.append(f"{some([layer.id for layer in rest])} ({made_of([layer.class_name for layer in rest])})")
    elif rest:
        parts.append(some([f"{layer.id} ({layer.class_name})" if layer.class_name else layer.id for layer in rest], 6))
    return f": {'; '.join(parts)}"


def _value(value: str | int | None) -> str:
    return f"{value:,}" if isinstance(value, int) else value or "none"
