"""Names of the model, of nested models and of layers, and nested models that came or went."""

from __future__ import annotations

from collections.abc import Iterator

from graphdiag.keras_facts import is_automatic, is_automatic_model
from graphdiag.modeldiff.changes import (
    Change,
    LayerRenamed,
    ModelRenamed,
    NestedAdded,
    NestedRemoved,
    NestedRenamed,
)
from graphdiag.modeldiff.layer_matching import kept_name
from graphdiag.modeldiff.pairing import Pairing
from graphdiag.modeldiff.snapshot import NestedRecord, Snapshot


def model_changes(pairing: Pairing) -> Iterator[Change]:
    """The model's name, and nested models."""
    old, new = pairing.old, pairing.new
    both_automatic = is_automatic_model(old.model_name) and is_automatic_model(new.model_name)
    if old.model_name != new.model_name and not both_automatic:
        yield ModelRenamed(old.model_name, new.model_name)
    removed = [model for id_, model in old.nested.items() if id_ not in pairing.matching.nested]
    yield from (NestedRemoved(model, _members(old, model)) for model in removed)
    kept = set(pairing.matching.nested.values())
    added = [model for id_, model in new.nested.items() if id_ not in kept]
    yield from (NestedAdded(model, _members(new, model)) for model in added)
    for before, after in pairing.nested_pairs():
        if not _same_model_name(before, after):
            yield NestedRenamed(before.id, after.id, _members(new, after))


def renames(pairing: Pairing) -> Iterator[Change]:
    """Layers that have another name, where one of the two was chosen."""
    for old, new in pairing.pairs():
        if not kept_name(old, new):
            yield LayerRenamed(old.id, new.id, new.class_name)


def automatic_renames(pairing: Pairing) -> int:
    """Number of layers and nested models whose name changed from one that Keras made up to another such."""
    layers = sum(old.name != new.name and kept_name(old, new) for old, new in pairing.pairs())
    nested = sum(old.name != new.name and _same_model_name(old, new) for old, new in pairing.nested_pairs())
    return layers + nested


def _same_model_name(old: NestedRecord, new: NestedRecord) -> bool:
    both_automatic = is_automatic(old.name, old.class_name) and is_automatic(new.name, new.class_name)
    return old.name == new.name or (both_automatic and old.class_name == new.class_name)


def _members(snapshot: Snapshot, model: NestedRecord) -> int:
    path = (*model.path, model.name)
    return sum(layer.path[: len(path)] == path for layer in snapshot.layers.values())
