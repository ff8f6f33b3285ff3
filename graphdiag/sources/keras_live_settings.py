"""The settings of the layers of a live model, and what the code of the user's own layers is."""

from __future__ import annotations

import ast
import hashlib
import inspect
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import CodeType
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
        and of a ``Lambda``, have ``code``: a hash of the Python source, of its bases and of the functions that it calls
        as well where they are of the same package, without comments and whatever its place.
    """
    if ids.graph is None:
        return ids
    graph = _recorded(keras_json)
    recorded = {} if graph is None else graph.layers
    objects = {layer_id: ids.objects.get(key) for key, places in ids.by_object.items() for _, layer_id in places}
    layers = {
        id_: _with_settings(layer, recorded.get(id_), objects.get(id_)) for id_, layer in ids.graph.layers.items()
    }
    models = {} if graph is None else graph.nested
    nested = {
        id_: replace(model, settings=models[id_].settings) if id_ in models else model
        for id_, model in ids.graph.nested.items()
    }
    return replace(ids, graph=replace(ids.graph, layers=layers, nested=nested))


def _recorded(keras_json: Mapping[str, Any] | None) -> LayerGraph | None:
    try:
        return layer_graph_from_json(keras_json) if keras_json is not None else None
    except SourceError:
        return None


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
    """A hash of the source of a class or function, and of what else of the user's own it is made of."""
    dumps = []
    for part in _made_of(thing):
        try:
            dumps.append(ast.dump(ast.parse(textwrap.dedent(inspect.getsource(part)))))
        except (OSError, TypeError, SyntaxError, ValueError):
            return None
    return hashlib.sha256("\n".join(dumps).encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _made_of(thing: Any) -> list[Any]:
    """A class or function, and the bases, functions and classes of the same package that its code names."""
    package = thing.__module__.partition(".")[0]
    found = [thing]
    if "site-packages" in (getattr(sys.modules.get(thing.__module__), "__file__", None) or ""):
        return found  # a library's, which may be large
    for part in found:  # it grows while it is walked
        bases = part.__mro__[1:] if inspect.isclass(part) else ()
        for other in (*bases, *(value for code, names in _codes(part) for value in _named(code, names))):
            other = inspect.unwrap(getattr(other, "python_function", other))  # of a tf.function
            own = getattr(other, "__module__", None)
            if not (inspect.isfunction(other) or inspect.isclass(other)) or other in found:
                continue
            if isinstance(own, str) and own.partition(".")[0] == package:
                found.append(other)
    return found


def _codes(part: Any) -> Iterator[tuple[CodeType, Mapping[str, Any]]]:
    """The code of a function or of the methods of a class, functions in it included, each with its global names."""
    for member in vars(part).values() if inspect.isclass(part) else (part,):
        member = getattr(member, "__func__", None) or getattr(member, "fget", None) or member
        if inspect.isfunction(member):
            waiting = [member.__code__]
            for code in waiting:  # it grows while it is walked
                yield code, member.__globals__
                waiting += [constant for constant in code.co_consts if isinstance(constant, CodeType)]


def _named(code: CodeType, names: Mapping[str, Any]) -> Iterator[Any]:
    yield from (names[name] for name in code.co_names if name in names)
