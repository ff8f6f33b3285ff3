"""The model, and the models in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from graphdiag.modeldiff.changes.change import PLAIN, Change, Names
from graphdiag.modeldiff.snapshot import NestedRecord
from graphdiag.phrases import counted, some


@dataclass(frozen=True)
class ModelRenamed(Change):
    """The model has another name, and at least one of the two was chosen."""

    kind: ClassVar[str] = "model-renamed"
    old: str
    new: str

    def line(self, names: Names = PLAIN) -> str:
        """``the model reference renamed reference_2``."""
        return f"the model {self.old} renamed {self.new}"

    def to_dict(self) -> dict[str, Any]:
        """Both names."""
        return {"kind": self.kind, "old": self.old, "new": self.new}


@dataclass(frozen=True)
class EndsChanged(Change):
    """The model takes other inputs, gives other outputs, or has them in another order.

    Attributes:
        which: ``inputs`` or ``outputs``.
        old: The layers before, in old names.
        new: The layers after.
        said: Both in words, where a layer has several outputs; the layers if empty.
    """

    kind: ClassVar[str] = "ends-changed"
    which: str
    old: Sequence[str]
    new: Sequence[str]
    said: tuple[Sequence[str], Sequence[str]] = ((), ())

    @property
    def about(self) -> Sequence[str]:
        """The inputs or outputs as they are."""
        return self.new

    def line(self, names: Names = PLAIN) -> str:
        """``the model's outputs were dense_1 and are dense_2``."""
        before, after = (self.said[0] or names.olds(self.old)), (self.said[1] or self.new)
        if sorted(before) == sorted(after):
            return f"the model's {self.which} are in another order: {some(after, 8)}"
        return f"the model's {self.which} were {some(before, 8) or 'none'} and are {some(after, 8) or 'none'}"

    def to_dict(self) -> dict[str, Any]:
        """All of them, before and after."""
        return {"kind": self.kind, "which": self.which, "old": list(self.old), "new": list(self.new)}


@dataclass(frozen=True)
class KeysChanged(Change):
    """The model takes its inputs, or gives its outputs, under other keys: in a dict instead of a list, say.

    Attributes:
        which: ``inputs`` or ``outputs``.
        old: The keys before; empty where there were none.
        new: The keys after.
    """

    kind: ClassVar[str] = "keys-changed"
    which: str
    old: Sequence[str]
    new: Sequence[str]

    def line(self, names: Names = PLAIN) -> str:
        """``the model's outputs have the keys a and b, and had none``."""
        has = f"the keys {some(self.new, 8)}" if self.new else "no keys"
        had = some(self.old, 8) if self.old else "none"
        return f"the model's {self.which} have {has}, and had {had}"

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

    def line(self, names: Names = PLAIN) -> str:
        """``nested model encoder (Functional, 5 layers) added``."""
        return f"nested model {self.model.id} ({self.model.class_name}, {counted(self.layers, 'layer')}) added"

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

    def line(self, names: Names = PLAIN) -> str:
        """``nested model encoder (Functional, 5 layers) removed``."""
        return f"nested model {self.model.id} ({self.model.class_name}, {counted(self.layers, 'layer')}) removed"

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

    def line(self, names: Names = PLAIN) -> str:
        """``nested model encoder renamed enc, with its 5 layers``."""
        return f"nested model {self.old} renamed {self.new}, with its {counted(self.layers, 'layer')}"

    def to_dict(self) -> dict[str, Any]:
        """Both ids."""
        return {"kind": self.kind, "old": self.old, "new": self.new}
