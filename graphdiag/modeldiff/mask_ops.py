"""Operations that Keras 3 puts beside the layers to compute masks: parts of the layer that makes the mask.

``Embedding(mask_zero=True)`` and ``Masking`` are followed by a ``NotEqual`` of what they take, and ``compute_mask`` of
later layers may add operations of its own (``compute_mask`` in ``keras/src/layers/core/embedding.py`` and
``masking.py``). Nobody wrote them, and tf_keras records none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from graphdiag.graphs.layer_graph import LayerGraph, TensorEdge


def fold_masks(graph: LayerGraph) -> tuple[LayerGraph, Mapping[str, str]]:
    """A layer graph without the operations that compute Keras's masks.

    Args:
        graph: The layer graph.

    Returns:
        The graph without them and without their edges, and for each of them the layer that makes the mask.
    """
    makers = _makers(graph)
    if not makers:
        return graph, {}
    tensors = tuple(edge for edge in graph.tensors if edge.source.layer not in makers and edge.target not in makers)
    return replace(
        graph,
        layers={id_: layer for id_, layer in graph.layers.items() if id_ not in makers},
        edges=tuple(dict.fromkeys((edge.source.layer, edge.target) for edge in tensors)),
        tensors=tensors,
    ), makers


def _makers(graph: LayerGraph) -> dict[str, str]:
    """The layer that makes the mask, for each operation that serves masks alone and hangs on one that Keras made."""
    into: dict[str, list[TensorEdge]] = defaultdict(list)
    out_of: dict[str, list[TensorEdge]] = defaultdict(list)
    for edge in graph.tensors:
        into[edge.target].append(edge)
        out_of[edge.source.layer].append(edge)
    seeds = {id_: maker for id_ in graph.layers if (maker := _maker(graph, id_, into[id_], out_of))}
    if not seeds:
        return {}
    serving = _serving_masks(graph, into, out_of)
    makers: dict[str, str] = {}
    for seed, maker in seeds.items():
        waiting = [seed] if seed in serving else []
        while waiting:
            id_ = waiting.pop()
            if id_ not in makers:
                makers[id_] = maker
                waiting += [edge.target for edge in out_of[id_] if edge.target in serving]
                waiting += [edge.source.layer for edge in into[id_] if edge.source.layer in serving]
    return makers


def _maker(
    graph: LayerGraph, id_: str, taken: Sequence[TensorEdge], out_of: Mapping[str, Sequence[TensorEdge]]
) -> str | None:
    """The layer whose mask a ``NotEqual`` computes: it takes the same tensor, and passes over the same value."""
    layer = graph.layers[id_]
    if layer.class_name != "NotEqual" or len(taken) != 1:
        return None
    source = taken[0].source
    value = (layer.settings or {}).get("arguments", {})
    for other in out_of[source.layer]:
        beside = graph.layers[other.target]
        settings = beside.settings or {}
        passed = settings.get("mask_value", 0)
        makes = beside.class_name == "Masking" or (beside.class_name == "Embedding" and settings.get("mask_zero"))
        if other.source == source and makes and (not isinstance(value, Mapping) or value.get("1", passed) == passed):
            return other.target
    return None


def _serving_masks(
    graph: LayerGraph, into: Mapping[str, Sequence[TensorEdge]], out_of: Mapping[str, Sequence[TensorEdge]]
) -> set[str]:
    """Layers without weights whose results are used as masks alone, directly or through each other."""
    outputs = {tensor.layer for tensor in graph.output_tensors}
    serving = {
        id_
        for id_, layer in graph.layers.items()
        if not layer.parameters and not layer.is_input and id_ not in outputs and out_of[id_]
    }
    waiting = list(graph.layers)
    while waiting:
        id_ = waiting.pop()
        if id_ in serving and any(edge.target not in serving and not _is_mask(edge) for edge in out_of[id_]):
            serving.remove(id_)
            waiting += [edge.source.layer for edge in into[id_]]
    return serving


def _is_mask(edge: TensorEdge) -> bool:
    return edge.argument.partition("[")[0].endswith("mask")
