"""The kinds of change, each a small class that can say itself in a line.

What was is called by its old name, what is by its new one.
"""

from __future__ import annotations

from graphdiag.modeldiff.changes.change import PLAIN, Change, Edge, Names, NewEdge
from graphdiag.modeldiff.changes.inputs import InputsChanged, InputsReordered, LayerRewired, SharingChanged
from graphdiag.modeldiff.changes.layers import LayerRenamed, LayersAdded, LayersRemoved, LayersReplaced
from graphdiag.modeldiff.changes.models import (
    EndsChanged,
    KeysChanged,
    ModelRenamed,
    NestedAdded,
    NestedRemoved,
    NestedRenamed,
)
from graphdiag.modeldiff.changes.ops import FindingAdded, FindingRemoved, OpsChanged
from graphdiag.modeldiff.changes.settings import ABSENT, SIZES, Attribute, LayerChanged, Setting

__all__ = [
    "ABSENT",
    "PLAIN",
    "SIZES",
    "Attribute",
    "Change",
    "Edge",
    "EndsChanged",
    "FindingAdded",
    "FindingRemoved",
    "InputsChanged",
    "InputsReordered",
    "KeysChanged",
    "LayerChanged",
    "LayerRenamed",
    "LayerRewired",
    "LayersAdded",
    "LayersRemoved",
    "LayersReplaced",
    "ModelRenamed",
    "Names",
    "NestedAdded",
    "NestedRemoved",
    "NestedRenamed",
    "NewEdge",
    "OpsChanged",
    "Setting",
    "SharingChanged",
]
