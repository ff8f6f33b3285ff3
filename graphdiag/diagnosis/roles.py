"""Roles: ops that serve training, saving or initializing, and so belong to no layer.

TensorFlow and Keras make them in name scopes of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NewType

import numpy as np

from graphdiag.graphs.op_graph import OpGraph
from graphdiag.keras_facts import ROLE_OF_SCOPE

OwnerNumber = NewType("OwnerNumber", int)
"""Place of an owner in `graphdiag.diagnosis.ownership.Ownership.owners`; or `UNOWNED`."""
UNOWNED = OwnerNumber(-1)
"""Owner of an op that belongs to no layer."""

NUMBERED = re.compile(r"(.+)_[0-9]+")
"""A name that was made unique: ``dense_1`` for ``dense``."""

_TYPES = {
    "IsVariableInitialized": "initialization",
    "VarIsInitializedOp": "initialization",
    "Assign": "initialization",
    **dict.fromkeys(
        ("Save", "SaveSlices", "SaveV2", "Restore", "RestoreSlice", "RestoreV2", "ShardedFilename"), "saving"
    ),
    **dict.fromkeys(
        (
            *("MergeSummary", "ScalarSummary", "HistogramSummary", "ImageSummary", "AudioSummary", "AudioSummaryV2"),
            *("TensorSummary", "TensorSummaryV2", "SummaryWriter", "CreateSummaryFileWriter", "WriteSummary"),
            *("WriteScalarSummary", "WriteHistogramSummary", "WriteImageSummary", "WriteAudioSummary"),
        ),
        "summaries",
    ),
}


def role_of_name(segment: str) -> str:
    """Role of a scope by its name, ``""`` for none."""
    numbered = NUMBERED.fullmatch(segment)
    return ROLE_OF_SCOPE.get(segment) or (ROLE_OF_SCOPE.get(numbered[1], "") if numbered else "")


def bookkeeping_ops(graph: OpGraph) -> dict[int, str]:
    """Role of the ops that never are a layer's, wherever they lie.

    Keras runs a session, which initializes variables, whenever a value is asked for; while a layer is being called,
    the ops for that end up in the layer's scope.
    """
    found = {}
    for row, op_type in enumerate(graph.types):
        leaf = graph.names[row].rpartition("/")[2]
        if op_type in _TYPES and op_type != "Assign":
            found[row] = _TYPES[op_type]
        elif op_type == "NoOp" and role_of_name(leaf) == "initialization":
            found[row] = "initialization"
    return found


def roles_of(graph: OpGraph, of_op: np.ndarray, role_of_scope: Mapping[str, str]) -> dict[int, str]:
    """Role of each op that has no owner."""
    roles = {}
    known: dict[str, str] = dict(role_of_scope)

    def of_scope(scope: str) -> str:
        if scope not in known:
            parent, _, segment = scope.rpartition("/")
            known[scope] = (of_scope(parent) if parent else "") or role_of_name(segment)
        return known[scope]

    for row in np.flatnonzero(of_op == UNOWNED).tolist():
        role = of_scope(graph.names[row]) or _TYPES.get(graph.types[row], "")
        if role:
            roles[row] = role
    return roles
