"""Operations that Keras 3 puts beside the layers to compute masks: parts of the layer that makes the mask.

``Embedding(mask_zero=True)`` and ``Masking`` are followed by a ``NotEqual`` of what they take, and ``compute_mask`` of
later layers may add operations of its own (``compute_mask`` in ``keras/src/layers/core/embedding.py`` and
``masking.py``). Nobody wrote them, and tf_keras records none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from graphdiag.graphs.layer_graph import LayerGraph, TensorEdge
from graphdiag.keras_facts import MASK_MAKERS


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
    into: dict[str, list[TensorEdge]] = defaultdict(list)
    out_of: dict[str, list[TensorEdge]] = defaultdict(list)
    for edge in graph.tensors:
        into[edge.target].append(edge)
        out_of[edge.source.layer].append(edge)
    outputs = {tensor.layer for tensor in graph.output_tensors}
    makers: dict[str, str] = {}
    for id_, layer in graph.layers.items():
        if layer.class_name == "NotEqual" and len(into[id_]) == 1:
            [edge] = into[id_]
            beside = (
                other.target
                for other in out_of[edge.source.layer]
                if other.source == edge.source and graph.layers[other.target].class_name in MASK_MAKERS
            )
            maker = next(beside, None)
            if maker is not None:
                makers[id_] = maker
    waiting = list(makers)
    while waiting:
        for edge in out_of[waiting.pop()]:
            layer = graph.layers[edge.target]
            sources = {other.source.layer for other in into[edge.target]}
            if edge.target not in makers and not layer.parameters and sources <= makers.keys():
                makers[edge.target] = makers[edge.source.layer]
                waiting.append(edge.target)
    # What is used otherwise than as a mask is the user's own, and so is what it is made of.
    kept = [id_ for id_ in makers if id_ in outputs or any(_is_used(edge, makers) for edge in out_of[id_])]
    while kept:
        id_ = kept.pop()
        if makers.pop(id_, None) is not None:
            kept += [edge.source.layer for edge in into[id_]]
    return makers


def _is_used(edge: TensorEdge, makers: Mapping[str, str]) -> bool:
    return edge.target not in makers and not edge.argument.partition("[")[0].endswith("mask")
