"""The settings of the layers of a live model, and what the code of the user's own layers is."""

from __future__ import annotations

import ast
import hashlib
import inspect
import textwrap
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from graphdiag.errors import SourceError
from graphdiag.graphs.layer_graph import Layer, LayerGraph
from graphdiag.sources.keras_json import layer_graph_from_json
from graphdiag.sources.keras_layers import LayerIds
from graphdiag.sources.keras_settings import Settings, settings_of

_KERAS = ("keras.", "tf_keras.", "tensorflow.")


def with_settings(ids: LayerIds, keras_json: Mapping[str, Any] | None) -> LayerIds:
    """The ids with a layer graph that holds each layer's settings.

    Args:
        ids: Layer graph and ids of a live model.
        keras_json: The model's JSON, if Keras can write it; else each layer is asked for its configuration.

    Returns:
        The same; a layer of which neither tells its settings has none. The settings of a class that is not Keras's own,
        and of a ``Lambda``, have ``code``: a hash of the Python source, without comments and whatever its place.
    """
    if ids.graph is None:
        return ids
    recorded = _recorded(keras_json)
    objects = {layer_id: ids.objects.get(key) for key, places in ids.by_object.items() for _, layer_id in places}
    layers = {
        id_: _with_settings(layer, recorded.get(id_), objects.get(id_)) for id_, layer in ids.graph.layers.items()
    }
    return replace(ids, graph=replace(ids.graph, layers=layers))


def _recorded(keras_json: Mapping[str, Any] | None) -> Mapping[str, Layer]:
    try:
        graph: LayerGraph | None = layer_graph_from_json(keras_json) if keras_json is not None else None
    except SourceError:
        return {}
    return {} if graph is None else graph.layers


def _with_settings(layer: Layer, recorded: Layer | None, made: Any) -> Layer:
    same = recorded is not None and recorded.class_name == layer.class_name
    settings = recorded.settings if same and recorded is not None else _asked(layer.class_name, made)
    code = None if made is None or settings is None else _code_of(made)
    return replace(layer, settings={**settings, "code": code} if settings is not None and code else settings)


def _asked(class_name: str, made: Any) -> Settings | None:
    try:
        return settings_of({"class_name": class_name, "config": made.get_config()})
    except Exception:  # the user's own get_config runs here, and may raise anything
        return None


def _code_of(layer: Any) -> str | None:
    """A hash of the source of a layer's class, or of the function of a ``Lambda``; None for Keras's own."""
    function = getattr(layer, "function", None) if type(layer).__name__ == "Lambda" else None
    if function is not None and getattr(function, "__name__", "") != "<lambda>":
        return _digest(function)
    return None if f"{type(layer).__module__}.".startswith(_KERAS) else _digest(type(layer))


def _digest(thing: Any) -> str | None:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    return hashlib.sha256(ast.dump(tree).encode("utf-8", "backslashreplace")).hexdigest()[:16]
