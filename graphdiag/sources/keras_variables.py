"""Who looks after each variable of a live model: its layers, the model itself, or a metric, optimizer or generator.

Keras saves and trains what it tracks. A variable is known by its identity, not by what it looks like: an integer may be
a weight, and a float the sum of a metric.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphdiag.sources.keras_layers import LayerIds

_LIBRARIES = ("keras", "tf_keras")
_RANDOM_STATES = frozenset({"seed_generator_state", "StateVar"})
"""Names of the variables of ``keras.random.SeedGenerator`` and ``tf.random.Generator``."""
_DEEPEST = 3
"""How many lists and dicts deep an attribute of a layer is looked through."""


@dataclass
class Trackers:
    """Who tracks which variable.

    Attributes:
        layers: For each variable of a layer, by ``id``, the ids of the model's layers that track it, those first that
            hold no other layer of the model; none for one of a layer that the model does not have.
        belongs_to: For any other variable, by ``id``, what it belongs to: ``model``, ``metric``, ``optimizer``,
            ``random generator`` or ``nobody``.
        variables: The variables, by ``id``.
    """

    layers: dict[int, list[str]] = field(default_factory=dict)
    belongs_to: dict[int, str] = field(default_factory=dict)
    variables: dict[int, Any] = field(default_factory=dict)

    def add(self, variables: Iterable[Any], layers: Iterable[str] = ()) -> None:
        """Note that layers track variables; no layers for variables of a layer that the model does not have."""
        for variable in _with_replicas(variables):
            self.variables[id(variable)] = variable
            known = self.layers.setdefault(id(variable), [])
            known += [layer for layer in layers if layer not in known]

    def add_others(self, variables: Iterable[Any], what: str) -> None:
        """Note what variables belong to that no layer tracks."""
        for variable in _with_replicas(variables):
            if not self.layers.get(id(variable)) and id(variable) not in self.belongs_to:
                self.variables[id(variable)] = variable
                self.belongs_to[id(variable)] = "random generator" if _is_random_state(variable) else what


def find_trackers(model: Any, ids: LayerIds, called: Iterable[Any] = ()) -> Trackers:
    """Find out who tracks each variable.

    Args:
        model: A live Keras model.
        ids: The ids of its layers.
        called: Whatever was called while the model was built or traced: layers of the model, and others.

    Returns:
        The trackers of all variables of these.
    """
    found = Trackers()
    parts = {key: _parts(layer) for key, layer in ids.objects.items()}
    held = {key: sum(id(part) in ids.objects for part in parts[key]) for key in parts}
    for key in sorted(parts, key=held.__getitem__):
        layer = ids.objects[key]
        layers = [layer_id for _, layer_id in ids.by_object[key]]
        found.add(_of(layer, "variables"), layers)
        found.add(_of_metrics(layer), layers)
        for part in parts[key]:
            if type(part).__module__.partition(".")[0] in _LIBRARIES:
                # Keras's own layers know what they do with what they do not track, as an RNN with its states.
                found.add(_attributes(part), layers)
    for layer in called:
        # A model may have variables beside those of its layers.
        if id(layer) not in ids.objects and not hasattr(layer, "layers"):
            found.add(_of(layer, "variables"))
    if ids.objects:
        found.add_others(_of_metrics(model), "metric")
        found.add_others(_of(getattr(model, "optimizer", None), "variables"), "optimizer")
        found.add_others(_of(model, "variables"), "model")
    return found


def _with_replicas(variables: Iterable[Any]) -> Iterator[Any]:
    """Variables, and under a distribution strategy those of which each is one, one on each replica."""
    for variable in variables:
        yield variable
        # In Keras 3 the value is TensorFlow's variable; there it is a method.
        value = getattr(variable, "value", None)
        parts = getattr(variable if callable(value) else value, "values", ())
        if isinstance(parts, tuple):
            yield from parts


def _is_random_state(variable: Any) -> bool:
    return str(getattr(variable, "name", "")).partition(":")[0].rpartition("/")[2] in _RANDOM_STATES


def _of(owner: Any, attribute: str) -> list[Any]:
    found = getattr(owner, attribute, None)
    # Optimizers of Keras 2 have a method of this name.
    return list(found() if callable(found) else found or ())


def _of_metrics(layer: Any) -> list[Any]:
    return [variable for metric in _of(layer, "metrics") for variable in _of(metric, "variables")]


def _parts(layer: Any) -> list[Any]:
    """The layer and all that it holds."""
    flatten = getattr(layer, "_flatten_layers", None)
    return [layer] if flatten is None else list(flatten())


def _attributes(layer: Any) -> Iterator[Any]:
    """The variables among the attributes of a layer."""
    waiting = [(value, 0) for value in vars(layer).values()]
    while waiting:
        value, depth = waiting.pop()
        if hasattr(value, "assign") and hasattr(value, "dtype"):
            yield value
        elif depth < _DEEPEST and isinstance(value, Mapping):
            waiting += [(part, depth + 1) for part in value.values()]
        elif depth < _DEEPEST and isinstance(value, (list, tuple)):
            waiting += [(part, depth + 1) for part in value]
