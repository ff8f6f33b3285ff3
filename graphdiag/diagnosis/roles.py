"""Roles: ops that serve training, saving or initializing, and so belong to no layer.

TensorFlow and Keras make them in name scopes of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NewType

import numpy as np

from graphdiag.graphs.op_graph import OpGraph
from graphdiag.keras_facts import ROLE_OF_SCOPE

OwnerNumber = NewType("OwnerNumber", int)
"""Place of an owner in `graphdiag.diagnosis.ownership.Ownership.owners`; or `UNOWNED`."""
UNOWNED = OwnerNumber(-1)
"""Owner of an op that belongs to no layer."""

KnownRole = tuple[str, np.ndarray | Sequence[int]]
"""A role, and the rows of some ops that have it."""

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


@lru_cache(maxsize=65536)
def role_of_name(segment: str) -> str:
    """Role of a scope by its name, ``""`` for none."""
    role = ROLE_OF_SCOPE.get(segment, "")
    if role or not segment[-1:].isdigit():
        return role
    numbered = NUMBERED.fullmatch(segment)
    return ROLE_OF_SCOPE.get(numbered[1], "") if numbered else ""


def bookkeeping_ops(graph: OpGraph) -> dict[int, str]:
    """Role of the ops that never are a layer's, wherever they lie.

    Keras runs a session, which initializes variables, whenever a value is asked for; while a layer is being called,
    the ops for that end up in the layer's scope.
    """
    found = {}
    for row in graph.rows_of_types(lambda op_type: op_type == "NoOp" or (op_type in _TYPES and op_type != "Assign")):
        op_type = graph.types[row]
        if op_type != "NoOp":
            found[row] = _TYPES[op_type]
        elif role_of_name(graph.names[row].rpartition("/")[2]) == "initialization":
            found[row] = "initialization"
    return found


def roles_of(
    graph: OpGraph,
    of_op: np.ndarray,
    role_of_scope: Mapping[str, str],
    known: Sequence[KnownRole] = (),
) -> dict[int, str]:
    """Role of each op that has no owner: that of the outermost scope with one, of the op's own name, or of its type.

    Args:
        graph: The op graph.
        of_op: Owner of each op.
        role_of_scope: Roles of scopes, and of ops, that are not told by their names.
        known: Roles that come before all this; the last one of an op counts.

    Returns:
        The roles by row, ascending; ops without one are left out.
    """
    scopes = graph.scopes
    given_roles = [*role_of_scope.values(), *(role for role, _ in known)]
    roles = ["", *dict.fromkeys([*ROLE_OF_SCOPE.values(), *_TYPES.values(), *given_roles])]
    numbers = {role: number for number, role in enumerate(roles)}
    segments, kinds = scopes.kinds
    of_scope = np.array([numbers[role_of_name(segment)] for segment in segments], dtype=np.int32)[kinds]
    given = np.full(len(scopes), -1, dtype=np.int32)
    for scope, role in role_of_scope.items():
        if scope in scopes.numbers:
            given[scopes.numbers[scope]] = numbers[role]
    # Without a scope that has a role, as in a model alone, there is none to hand on to the scopes inside.
    for level in scopes.levels[1:] if role_of_scope or of_scope.any() else ():
        outer = of_scope[scopes.parent[level]]
        inner = np.where(outer != 0, outer, of_scope[level])
        of_scope[level] = np.where(given[level] >= 0, given[level], inner)
    of_row = of_scope[scopes.of_op]
    for row in graph.rows_named(role_of_scope):
        of_row[row] = numbers[role_of_scope[graph.names[row]]]
    for role, ops in known:
        of_row[ops] = numbers[role]
    rest = np.flatnonzero((of_op == UNOWNED) & (of_row == 0))
    leaves = [graph.names[row].rpartition("/")[2] for row in rest.tolist()]
    number_of = {leaf: numbers[role_of_name(leaf)] for leaf in set(leaves)}
    by_leaf = np.fromiter(map(number_of.__getitem__, leaves), dtype=np.int32, count=len(rest))
    by_type = np.array([numbers[_TYPES.get(op_type, "")] for op_type in graph.type_names], dtype=np.int32)
    of_row[rest] = np.where(by_leaf != 0, by_leaf, by_type[graph.type_numbers[rest]])
    rows = np.flatnonzero((of_op == UNOWNED) & (of_row != 0))
    names = np.array(roles, dtype=object)[of_row[rows]]
    return dict(zip(rows.tolist(), names.tolist(), strict=True))
