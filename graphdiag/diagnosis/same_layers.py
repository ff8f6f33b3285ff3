"""Layers that are one layer in several places of a model, where only names and variables tell.

Keras writes a layer that two nested models share into its JSON twice, once in each of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from graphdiag.diagnosis.dataflow.flow import Flow
from graphdiag.diagnosis.ownership import Ownership
from graphdiag.graphs.layer_graph import LayerGraph
from graphdiag.graphs.op_graph import OpGraph


def find_same_layers(graph: OpGraph, layers: LayerGraph, ownership: Ownership, flow: Flow) -> Mapping[str, str]:
    """Find the layers that are one: by the layer graph, or of one name and class in different models, and by variables.

    Args:
        graph: The op graph.
        layers: The layer graph.
        ownership: Who owns each op.
        flow: What each tensor carries, and who touches which variable.

    Returns:
        For each id of such a layer, the first of its ids.
    """
    alike: dict[tuple[str, str], list[str]] = defaultdict(list)
    for layer in layers.layers.values():
        alike[layer.name, layer.class_name].append(layer.id)
    candidates = {id_ for ids in alike.values() if len(ids) > 1 for id_ in ids}
    if not candidates:
        return layers.same_layer
    variables = _variables(graph, ownership, flow, candidates)
    found = dict(layers.same_layer)
    for ids in alike.values():
        by_variables: dict[frozenset[int], list[str]] = defaultdict(list)
        for id_ in ids if len(ids) > 1 else ():
            if variables.get(id_):
                by_variables[frozenset(variables[id_])].append(id_)
        for same in by_variables.values():
            found |= dict.fromkeys(same, same[0]) if len(same) > 1 else {}
    return found


def _variables(graph: OpGraph, ownership: Ownership, flow: Flow, candidates: set[str]) -> Mapping[str, set[int]]:
    """The variables that each candidate's ops use: their own ones do not count, since each has others."""
    rows = {row for row, owner in enumerate(ownership.owners) if owner in candidates}
    found: dict[str, set[int]] = defaultdict(set)
    for edge in np.flatnonzero(np.isin(ownership.of_op[graph.target], list(rows))).tolist():
        source = int(graph.source[edge])
        if source in flow.touches:
            found[ownership.owners[int(ownership.of_op[int(graph.target[edge])])]].add(source)
    return found
