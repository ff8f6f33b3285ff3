"""Ownership: which layer each op belongs to.

For a live model ownership was recorded while the model was traced. For files, names and structure decide: see
`graphdiag.diagnosis.scopes`. Ops of training, saving and initializing have a role instead of an owner.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from graphdiag.diagnosis.dataflow.flow import is_scalar
from graphdiag.diagnosis.model_inputs import FEEDS, find_inputs
from graphdiag.diagnosis.outer_scopes import hands_over_inputs, own_by_outer_scope
from graphdiag.diagnosis.roles import UNOWNED, bookkeeping_ops, roles_of
from graphdiag.graphs.layer_graph import LayerGraph
from graphdiag.graphs.node_attributes import DT_RESOURCE, dtype_of
from graphdiag.graphs.op_graph import CONTROL, OpGraph

__all__ = ["UNOWNED", "Ownership", "assign_ownership"]


_AT_ROOT = re.compile(r"keras_learning_phase(?:_[0-9]+)?(?:/input)?")


@dataclass(frozen=True, eq=False)
class Ownership:
    """Who owns each op.

    Attributes:
        owners: Ids: layers, then nested models, then, where there is no layer graph, name scopes.
        of_op: Row in ``owners`` for each op, `UNOWNED` for ops of no layer; int32.
        roles: Role of ops that have no owner but serve training, saving or initializing, by row.
        model_inputs: Rows of the feeds that are inputs of the model.
        inputs_found: Whether every input of the layer graph was found among the ops; without a layer graph, whether
            anything but scalars brings data, so that a scalar need not be the input.
        by_scope: Whether owners are name scopes, for want of a layer graph.
        recorded: Whether ownership was recorded while the model was traced.
        trackers: Ids of the layers that track a variable, by the row of the op that makes it or stands for it, as
            known from a live model; none for a variable of a layer that the model does not have.
        scope_of_op: Where names decide, the scope of each op that belongs to a layer's call; empty for none.
        belongs_to: What any other variable belongs to, by the same row: ``model``, ``metric``, ``optimizer``,
            ``random generator`` or ``nobody``.
    """

    owners: Sequence[str]
    of_op: np.ndarray
    roles: Mapping[int, str]
    model_inputs: frozenset[int]
    inputs_found: bool
    by_scope: bool = False
    recorded: bool = False
    trackers: Mapping[int, Sequence[str]] = field(default_factory=dict)
    scope_of_op: Sequence[str] = ()
    belongs_to: Mapping[int, str] = field(default_factory=dict)

    @cached_property
    def has_role(self) -> np.ndarray:
        """Whether each op is in `roles`; bool."""
        found = np.zeros(len(self.of_op), dtype=bool)
        found[np.fromiter(self.roles, dtype=np.int64, count=len(self.roles))] = True
        return found

    def owner(self, row: int) -> str | None:
        """Id of the op's owner, or ``None``."""
        found = int(self.of_op[row])
        return None if found == UNOWNED else self.owners[found]


def assign_ownership(
    graph: OpGraph,
    layers: LayerGraph | None,
    recorded: Mapping[str, str] | None = None,
    trackers: Mapping[str, Sequence[str]] | None = None,
    belongs_to: Mapping[str, str] | None = None,
) -> Ownership:
    """Find the owner of every op.

    Args:
        graph: The op graph.
        layers: The layer graph; without one, the outer name scopes are the owners.
        recorded: Layer id by op name, where a live model was traced. What it does not name belongs to nobody.
        trackers: Ids of the layers that track each variable, by op name, where they are known.
        belongs_to: What any other variable belongs to, by op name.

    Returns:
        The ownership of all ops.
    """
    if layers is None:
        boxes, of_op, roles = own_by_outer_scope(graph, recorded or {})
        return Ownership(boxes, of_op, roles, frozenset(), inputs_found=_brings_data(graph), by_scope=not recorded)
    owners = [*layers.layers, *layers.nested]
    rows = {owner: row for row, owner in enumerate(owners)}
    bookkeeping = bookkeeping_ops(graph)
    scope_of_op: Sequence[str] = ()
    if recorded:
        of_op = np.full(len(graph), UNOWNED, dtype=np.int32)
        for name, owner in recorded.items():
            # tf_keras makes the learning phase when a layer first asks for it, and puts it at the root.
            if name in graph.index and owner in rows and not _AT_ROOT.fullmatch(name):
                of_op[graph.index[name]] = rows[owner]
        of_op[list(bookkeeping)] = UNOWNED
        roles = roles_of(graph, of_op, {}) | bookkeeping
    else:
        from graphdiag.diagnosis.scopes import Scopes

        scopes = Scopes(graph, layers, rows)
        scope_of_op = scopes.scope_of_op
        of_op = scopes.of_op
        of_op[list(bookkeeping)] = UNOWNED
        roles = roles_of(graph, of_op, scopes.role_of_scope) | bookkeeping
        _own_masks(graph, layers, of_op, rows, roles)
    inputs = find_inputs(graph, layers, of_op, rows)
    return Ownership(
        owners=owners,
        of_op=of_op,
        roles=roles,
        model_inputs=frozenset(row for row in inputs.values() if row != UNOWNED),
        inputs_found=UNOWNED not in inputs.values(),
        recorded=bool(recorded),
        trackers={graph.index[name]: ids for name, ids in (trackers or {}).items() if name in graph.index},
        scope_of_op=scope_of_op,
        belongs_to={graph.index[name]: what for name, what in (belongs_to or {}).items() if name in graph.index},
    )


def _brings_data(graph: OpGraph) -> bool:
    """Whether a feed that is not known to be a scalar, or an input pipeline, brings data."""
    return any(map(hands_over_inputs, graph.type_names)) or any(
        dtype_of(graph.node_defs[row]) != DT_RESOURCE and not is_scalar(graph, row)
        for row in graph.rows_of_types(FEEDS.__contains__)
    )


def _own_masks(
    graph: OpGraph, layers: LayerGraph, of_op: np.ndarray, rows: Mapping[str, int], roles: Mapping[int, str]
) -> None:
    """Give an ``Embedding`` the mask that Keras 3 computes outside of its scope. ``of_op`` is completed in place.

    ``compute_mask`` runs in the model's scope; its op compares the tokens, which the layer takes, with a constant.
    """
    embeddings = {rows[id_] for id_, layer in layers.layers.items() if layer.class_name == "Embedding"}
    order, offsets = graph.by_source
    for row in np.flatnonzero(np.isin(of_op, list(embeddings))).tolist():
        for edge in range(int(graph.in_edges[row]), int(graph.in_edges[row + 1])):
            tokens = int(graph.source[edge])
            if of_op[tokens] == of_op[row] or graph.output[edge] == CONTROL:
                continue
            for onward in order[offsets[tokens] : offsets[tokens + 1]].tolist():
                mask = int(graph.target[onward])
                if graph.types[mask] == "NotEqual" and of_op[mask] == UNOWNED and mask not in roles:
                    of_op[mask] = of_op[row]
