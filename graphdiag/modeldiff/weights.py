"""Which weights of the old model load into the new one, by name and by structure, and why the others do not.

By name, as ``load_weights(by_name=True)`` of Keras 2 and of HDF5 files does: a layer of the top level takes the weights
of its namesake, if they have the same shapes (``load_weights_from_hdf5_group_by_name`` in
``keras/src/legacy/saving/legacy_h5_format.py``). By structure, Keras 2 takes all layers with weights in order
(``load_weights_from_hdf5_group`` there); Keras 3 the first, second ... layer of each class
(``_load_container_state`` in ``keras/src/saving/saving_lib.py``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphdiag.modeldiff.attributes import layer_details
from graphdiag.modeldiff.changes import Setting
from graphdiag.modeldiff.pairing import Pairing
from graphdiag.modeldiff.snapshot import LayerRecord, Snapshot
from graphdiag.phrases import counted
from graphdiag.sources.keras_shapes import quantization

_SHAPE_SETTINGS = frozenset(
    {
        *("filters", "kernel_size", "groups", "depth_multiplier", "units", "use_bias", "bias_axes", "equation"),
        *("output_shape", "input_dim", "output_dim", "axis", "scale", "center", "shared_axes", "reset_after"),
        *("num_heads", "key_dim", "value_dim", "layer", "backward_layer", "cell", "cells", "class"),
        "lora_rank",
    }
)
"""Settings on which the shapes of weights depend, besides what a layer takes."""


@dataclass(frozen=True)
class NotLoaded:
    """A layer of the new model into which no weights load.

    Attributes:
        layer: The layer, or the nested model.
        why: Why those of its counterpart do not fit; empty where it has none.
    """

    layer: str
    why: str = ""


@dataclass(frozen=True)
class Loading:
    """What of the old model's weights loads into the new one in one way.

    Attributes:
        loaded: Layers of the new model that get their weights.
        not_loaded: Those that do not.
        unused: Layers of the old model whose weights are not used.
    """

    loaded: Sequence[str]
    not_loaded: Sequence[NotLoaded] = ()
    unused: Sequence[str] = ()

    @property
    def complete(self) -> bool:
        """Whether all weights load, and all are used."""
        return not self.not_loaded and not self.unused

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data."""
        return {
            "loaded": list(self.loaded),
            "not_loaded": {one.layer: one.why for one in self.not_loaded},
            "unused": list(self.unused),
        }


@dataclass(frozen=True)
class Weights:
    """What loads by name, and what by structure."""

    by_name: Loading
    by_structure: Loading

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data."""
        return {"by_name": self.by_name.to_dict(), "by_structure": self.by_structure.to_dict()}

    def lines(self) -> Sequence[str]:
        """Both in words."""
        if self.by_name.complete and self.by_structure.complete:
            return [f"all {counted(len(self.by_name.loaded), 'layer')} with weights load, by name and by structure"]
        return [_line("by name", self.by_name), _line("by structure", self.by_structure)]


def weights(pairing: Pairing) -> Weights | None:
    """Which weights of the old model load into the new one.

    Args:
        pairing: The two graphs, matched.

    Returns:
        What loads; ``None`` where the weights of a layer are not known, or there are none.
    """
    sides = pairing.old, pairing.new
    if any(side.by_scope or side.parameters is None for side in sides) or not any(side.parameters for side in sides):
        return None
    return Weights(_by_name(pairing), _by_structure(pairing))


def _line(how: str, loading: Loading) -> str:
    total = len(loading.loaded) + len(loading.not_loaded)
    if loading.complete:
        return f"{how}: all {counted(total, 'layer')} with weights load"
    parts = [f"{len(loading.loaded):,} of {counted(total, 'layer')} with weights load"]
    new = [one for one in loading.not_loaded if not one.why]
    if new:
        parts.append(f"{len(new):,} {'is' if len(new) == 1 else 'are'} new, {new[0].layer} first")
    misfits = [one for one in loading.not_loaded if one.why]
    if misfits:
        does = "does" if len(misfits) == 1 else "do"
        first = "" if len(misfits) == 1 else ", first "
        parts.append(f"{len(misfits):,} {does} not fit{first or ': '}{misfits[0].layer} ({misfits[0].why})")
    if loading.unused:
        old = "old one is" if len(loading.unused) == 1 else "old ones are"
        parts.append(f"{len(loading.unused):,} {old} not used, {loading.unused[0]} first")
    return f"{how}: {'; '.join(parts)}"


_Units = Mapping[str, Sequence[LayerRecord]]
"""Layers with weights by what loads as one: a layer of the top level, or all layers of a nested model."""


def _by_name(pairing: Pairing) -> Loading:
    old, new = _units(pairing.old), _units(pairing.new)
    loaded, failed = [], []
    for name, layers in new.items():
        why = _why(old[name], layers) if name in old else ""
        if why or name not in old:
            failed.append(NotLoaded(name, why))
        else:
            loaded.append(name)
    return Loading(loaded, failed, [name for name in old if name not in new])


def _units(snapshot: Snapshot) -> _Units:
    units: dict[str, list[LayerRecord]] = defaultdict(list)
    for layer in snapshot.layers.values():
        if layer.parameters:
            units[layer.path[0] if layer.path else layer.id].append(layer)
    return units


def _why(old: Sequence[LayerRecord], new: Sequence[LayerRecord]) -> str:
    """Why the weights of some layers do not fit others; empty if they do."""
    if len(old) != len(new):
        return f"{counted(len(old), 'layer')} with weights became {len(new):,}"
    return next((why for pair in zip(old, new, strict=True) if (why := _misfit(*pair))), "")


def _misfit(old: LayerRecord, new: LayerRecord) -> str:
    if old.class_name != new.class_name:
        return f"{old.class_name} became {new.class_name}"
    said = [detail.text() for detail in layer_details(old, new) if _decides(detail)]
    if said:
        return ", ".join(said)
    if old.parameters != new.parameters:
        return f"parameters {old.parameters:,} -> {new.parameters:,}"
    return ""


def _decides(detail: Setting) -> bool:
    name = detail.name.rpartition(".")[2].partition("[")[0]
    # A quantized kernel has other values, and scales beside it.
    quantized = name == "dtype" and quantization(detail.old) != quantization(detail.new)
    return quantized or name in _SHAPE_SETTINGS


def _by_structure(pairing: Pairing) -> Loading:
    # JSON of Keras 2 says its version, and that of Keras 3 does not.
    per_class = not pairing.new.stack.startswith(("tf_keras", "Keras 1", "Keras 2"))
    old, new = _ordered(pairing.old, per_class), _ordered(pairing.new, per_class)
    loaded, failed = [], []
    unused: list[str] = []
    for key in dict.fromkeys([*new, *old]):
        before, after = old.get(key, ()), new.get(key, ())
        for one, other in zip(before, after, strict=False):
            why = _misfit(one, other)
            if why:
                failed.append(
                    NotLoaded(other.id, f"it would get those of {one.id}: {why}" if one.id != other.id else why)
                )
            else:
                loaded.append(other.id)
        failed += [NotLoaded(layer.id) for layer in after[len(before) :]]
        unused += [layer.id for layer in before[len(after) :]]
    return Loading(loaded, failed, unused)


def _ordered(snapshot: Snapshot, per_class: bool) -> Mapping[Any, Sequence[LayerRecord]]:
    """Layers with weights in Keras's order: all, or those of a class in a model."""
    found: dict[Any, list[LayerRecord]] = defaultdict(list)
    for layer, place in _places(snapshot):
        found[(place, layer.class_name) if per_class else ()].append(layer)
    return found


def _places(snapshot: Snapshot) -> Iterator[tuple[LayerRecord, tuple[int, ...]]]:
    """Layers with weights, and which model within which model holds each, counted."""
    numbers: dict[tuple[str, ...], int] = {}
    inside: Counter[tuple[str, ...]] = Counter()
    for model in snapshot.nested.values():
        numbers[(*model.path, model.name)] = inside[model.path]
        inside[model.path] += 1
    for layer in snapshot.layers.values():
        if layer.parameters:
            yield layer, tuple(numbers.get(layer.path[:depth], -1) for depth in range(1, len(layer.path) + 1))
