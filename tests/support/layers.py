"""Small layer graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphdiag.graphs.layer_graph import Layer, LayerGraph, NestedModel


def layer_graph(
    edges: Sequence[tuple[str, str]],
    *,
    apart: Sequence[str] = (),
    inputs: Sequence[str] = (),
    calls: Mapping[str, int] | None = None,
    classes: Mapping[str, str] | None = None,
    nested: Sequence[str] = (),
    inner: Mapping[str, Sequence[str]] | None = None,
    outputs: Sequence[str] = (),
    name: str = "model",
) -> LayerGraph:
    """Layers from their edges. A layer ``a/b`` lies in the nested model ``a`` if ``a`` is named as one.

    Layers ``apart`` are in no edge. All are ``Dense`` unless ``classes`` says otherwise, and called once unless
    ``calls`` does.
    """
    calls, classes = calls or {}, classes or {}
    layers = {}
    for id_ in dict.fromkeys([*(end for edge in edges for end in edge), *apart]):
        model, _, own_name = id_.rpartition("/")
        path = (model,) if model in nested else ()
        layers[id_] = Layer(
            id=id_,
            name=own_name if path else id_,
            class_name=classes.get(id_, "InputLayer" if id_ in inputs else "Dense"),
            path=path,
            calls=calls.get(id_, 1),
            is_input=id_ in inputs,
            inner=tuple((inner or {}).get(id_, ())),
        )
    return LayerGraph(
        model_name=name,
        layers=layers,
        edges=tuple(edges),
        nested={model: NestedModel(model, model, "Functional", calls=calls.get(model, 1)) for model in nested},
        inputs=tuple(inputs),
        outputs=tuple(outputs),
    )
