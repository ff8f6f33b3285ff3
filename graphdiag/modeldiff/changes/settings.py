"""A layer that stayed and has other settings, another size, or another number of calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from graphdiag.modeldiff.changes.change import PLAIN, Change, Names
from graphdiag.sources.keras_settings import default_of

_LONG = 8
"""Characters of a number that is told as a fraction where it is one."""
_NEAR = 1e-3
ABSENT = object()
"""What a setting has that is left out: its default."""


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
_INDICES = {"__slice__": ":", "__ellipsis__": "..."}
_GIVEN_TO_CODE = {"defaults": "the defaults of", "closure": "what is closed over by"}
SIZES = frozenset({"shape", "parameters"})
"""Attributes that follow from settings and from what a layer takes."""


@dataclass(frozen=True)
class Setting:
    """One setting of a layer that changed.

    Attributes:
        name: As Keras calls it; ``layer.units`` for one of a layer that it wraps.
        old: JSON-ready value, or `ABSENT` for the default.
        new: The same.
        class_name: Class of the layer that has it, for its default.
    """

    name: str
    old: Any
    new: Any
    class_name: str = ""

    def text(self) -> str:
        """``rate 0.2 -> 0.9``."""
        last = self.name.rpartition(".")[2]
        digests = [value.get("digest") for value in (self.old, self.new) if isinstance(value, Mapping)]
        if last == "code" or (len(digests) == 2 and digests[0] != digests[1]):
            return "its code" if last == "code" else f"the code of its {self.name}"
        if len(digests) == 2 and digests[0] is not None:
            given = [(said(self.old.get(key)), said(self.new.get(key)), words) for key, words in _GIVEN_TO_CODE.items()]
            return ", ".join(f"{words} its {self.name} {old} -> {new}" for old, new, words in given if old != new)
        if last == "arguments":
            return f"constant {_arguments(self.old)} -> {_arguments(self.new)}"
        return f"{self.name} {self._said(self.old)} -> {self._said(self.new)}"

    def _said(self, value: Any) -> str:
        if value is ABSENT:
            return said(default_of(self.class_name, self.name.rpartition(".")[2]))
        return said(value)

    def to_json(self) -> dict[str, Any]:
        """Old and new value; one that is the default is left out."""
        return {key: value for key, value in (("old", self.old), ("new", self.new)) if value is not ABSENT}


@dataclass(frozen=True)
class LayerChanged(Change):
    """A layer, or a nested model, that is the same and has other attributes or settings.

    Attributes:
        id: The layer.
        attributes: What is known of every layer.
        nested: Whether it is a nested model.
        settings: Its configuration, each setting as a whole.
        details: The same as a reader is told, those of wrapped layers one by one.
    """

    kind: ClassVar[str] = "layer-changed"
    id: str
    attributes: Sequence[Attribute] = ()
    nested: bool = False
    settings: Sequence[Setting] = ()
    details: Sequence[Setting] = ()

    @property
    def about(self) -> Sequence[str]:
        """The layer, or the nested model."""
        return [self.id]

    @property
    def is_cause(self) -> bool:
        """Whether it was edited itself: more than a size that may follow from an edit elsewhere."""
        return bool(self.settings) or any(attribute.name not in SIZES for attribute in self.attributes)

    def line(self, names: Names = PLAIN) -> str:
        """``dense_3: units 64 -> 128, parameters 4,160 -> 8,320``."""
        return f"{self.id}: {self.what}"

    @property
    def what(self) -> str:
        """What changed, without the layer."""
        first = [attribute.text() for attribute in self.attributes if attribute.name not in SIZES]
        last = [attribute.text() for attribute in self.attributes if attribute.name in SIZES]
        return ", ".join([*first, *(setting.text() for setting in self.details), *last])

    def to_dict(self) -> dict[str, Any]:
        """The attributes and settings, each with its old and new value."""
        values = {attribute.name: [attribute.old, attribute.new] for attribute in self.attributes}
        data = {"kind": self.kind, "layer": self.id, "nested": self.nested, "attributes": values}
        settings = {setting.name: setting.to_json() for setting in self.settings}
        return {**data, "settings": settings} if settings else data


def said(value: Any) -> str:
    """A value of a setting in words: ``L2(0.0001)``, ``(3, 1)``, ``none``."""
    if value is None:
        return "none"
    if isinstance(value, Mapping) and value.get("class") == "code":
        return "a function of one's own"
    if isinstance(value, Mapping) and value.get("class") == "__slice__":
        bounds = [value.get("start", ""), value.get("stop", ""), *([value["step"]] if "step" in value else [])]
        return ":".join(map(str, bounds))
    if isinstance(value, str):
        return _INDICES.get(value, value)
    if isinstance(value, Mapping):
        inner = [(name, said(part)) for name, part in value.items() if name != "class"]
        # L2(0.0001) says all, and MaxNorm(1) for another axis would mislead.
        plain = len(inner) == 1 and inner[0][0] not in ("axis", "seed")
        texts = [inner[0][1]] if plain else [f"{name}={text}" for name, text in inner]
        return f"{value['class']}({', '.join(texts)})" if "class" in value else f"{{{', '.join(texts)}}}"
    if isinstance(value, list):
        return f"({', '.join(map(said, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, float) and 0 < value < 1 and len(repr(value)) > _LONG:
        divisor = round(2 / value) / 2
        if abs(1 / value - divisor) < _NEAR:
            return f"1/{divisor:g}"  # 1/255, as it was written
    return str(value)


def _arguments(value: Any) -> str:
    """The constants that a call is given."""
    if isinstance(value, list):
        calls = [f"{_arguments(of_call)} in call {number}" for number, of_call in enumerate(value, start=1)]
        return ", ".join(calls)
    if not isinstance(value, Mapping) or not value:
        return "none" if value is ABSENT or not value else said(value)
    parts = [said(part) if name.isdecimal() else f"{name}={said(part)}" for name, part in value.items()]
    return ", ".join(parts)


def _value(value: str | int | None) -> str:
    return f"{value:,}" if isinstance(value, int) else value or "none"
