"""What is different about layers that stayed: class, size, place and settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graphdiag.modeldiff.changes import ABSENT, Attribute, LayerChanged, Setting
from graphdiag.modeldiff.pairing import Pairing
from graphdiag.modeldiff.snapshot import LayerRecord, NestedRecord

_Record = LayerRecord | NestedRecord


def layer_changes(pairing: Pairing) -> Iterator[LayerChanged]:
    """Layers with other attributes or settings. What only one side records is not compared."""
    for old, new in pairing.pairs():
        attributes = [
            *_attribute("class", old.class_name, new.class_name),
            *_attribute("shape", old.output_shape, new.output_shape),
            *_attribute("parameters", old.parameters, new.parameters),
            *place(pairing, old.path, new.path),
        ]
        settings = setting_changes(old, new)
        if attributes or settings:
            yield LayerChanged(new.id, attributes, False, settings, layer_details(old, new))


def nested_changes(pairing: Pairing) -> Iterator[LayerChanged]:
    """Nested models with other attributes, or that are called with other arguments."""
    for old, new in pairing.nested_pairs():
        attributes = [
            *_attribute("class", old.class_name, new.class_name),
            *_attribute("calls", old.calls, new.calls),
            *place(pairing, old.path, new.path),
        ]
        settings = setting_changes(old, new)
        if attributes or settings:
            yield LayerChanged(new.id, attributes, True, settings, layer_details(old, new))


def place(pairing: Pairing, old: tuple[str, ...], new: tuple[str, ...]) -> Sequence[Attribute]:
    """Where a layer lies, if that is another nested model and not only another name of it."""
    moved = pairing.paths.get(old, old)
    return [] if moved == new else [Attribute("path", "/".join(old), "/".join(new))]


def setting_changes(old: _Record, new: _Record) -> Sequence[Setting]:
    """Settings that differ, each as a whole; none where one side does not record them."""
    if old.settings is None or new.settings is None:
        return []
    found = []
    for name in sorted({*old.settings, *new.settings}):
        before, after = old.settings.get(name, ABSENT), new.settings.get(name, ABSENT)
        # A hash of code that only one side has says nothing.
        if before != after and not (name == "code" and any(value in (ABSENT, None) for value in (before, after))):
            found.append(Setting(name, before, after, new.class_name))
    return found


def layer_details(old: _Record, new: _Record) -> Sequence[Setting]:
    """Settings that differ as they are told: those of wrapped layers one by one."""
    details = [detail for setting in setting_changes(old, new) for detail in _details(setting, new.class_name)]
    if old.class_name == new.class_name:
        return details
    # What one class has and the other does not is no edit of a setting.
    return [detail for detail in details if ABSENT not in (detail.old, detail.new)]


def _attribute(name: str, old: str | int | None, new: str | int | None) -> Sequence[Attribute]:
    """What changed; what only one side records did not."""
    return [] if old == new or old in ("", None) or new in ("", None) else [Attribute(name, old, new)]


def _details(setting: Setting, class_name: str) -> Iterator[Setting]:
    """A setting as it is told: of a layer that is wrapped, its own settings one by one."""
    old, new = setting.old, setting.new
    if _are_layers(setting.name, old, new):
        if old["class"] != new["class"]:
            yield Setting(setting.name, old["class"], new["class"], class_name)
        for name in sorted({*old, *new} - {"class"}):
            before, after = old.get(name, ABSENT), new.get(name, ABSENT)
            if before != after and (old["class"] == new["class"] or ABSENT not in (before, after)):
                yield from _details(Setting(f"{setting.name}.{name}", before, after, new["class"]), new["class"])
    elif isinstance(old, list) and isinstance(new, list) and _are_lists_of_layers(setting.name, old, new):
        for number, (before, after) in enumerate(zip(old, new, strict=True)):
            if before != after:
                yield from _details(Setting(f"{setting.name}[{number}]", before, after, class_name), class_name)
    else:
        yield setting


_HOLDERS = frozenset({"layer", "backward_layer", "forward_layer", "cell", "cells"})


def _are_layers(name: str, *values: Any) -> bool:
    holds = name.rpartition(".")[2].partition("[")[0] in _HOLDERS
    return holds and all(isinstance(value, Mapping) and isinstance(value.get("class"), str) for value in values)


def _are_lists_of_layers(name: str, old: Sequence[Any], new: Sequence[Any]) -> bool:
    return len(old) == len(new) and all(_are_layers(name, *pair) for pair in zip(old, new, strict=True))
