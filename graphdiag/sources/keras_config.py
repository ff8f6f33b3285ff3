"""Read Keras's own JSON of a model, for every Keras 2 and for Keras 3, into one form: layers and their calls.

What the versions write (`Model.get_config` and `Sequential.get_config` of each):

- Keras 2: ``inbound_nodes`` holds, for each call, nested lists (or dicts) of ``[layer, node, tensor, kwargs]``, where
  ``kwargs`` may name more tensors as ``[layer, node, tensor]``; a first argument that is not a tensor is written
  ``["_CONSTANT_VALUE", -1, value, kwargs]``.
- Keras 3: each call is ``{"args": ..., "kwargs": ...}`` with ``__keras_tensor__`` objects anywhere inside, and the
  shape of every tensor.
- Sequential: only the list of layers, up to Keras 2.1 as ``config`` itself. The input is often left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from graphdiag.errors import SourceError
from graphdiag.sources.keras_settings import Settings, normalized, plain_class, settings_of, settings_of_calls
from graphdiag.sources.keras_structures import keys_in

OPERATIONS = "keras.ops"
_OPERATIONS = ("keras.src.ops.", f"{OPERATIONS}.")
"""Modules of the operations of Keras 3, as its JSON names them."""
ARGUMENT_NAMES = "argument_names"
"""Key beside the positional arguments of a call, where `graphdiag repair` wrote the JSON: as what each was given."""

SETTINGS_LEFT_OUT = "settings_left_out"
"""Key of a layer, where `graphdiag repair` wrote the JSON: its ``config`` is there for its name alone."""

SAME_LAYER = "same_layer"
"""Key of a layer that nested models share, where `graphdiag repair` wrote the JSON: the first of its names."""


@dataclass(frozen=True)
class Tensor:
    """One output of one call of a layer, as its consumer names it."""

    layer: str
    call: int
    slot: int
    shape: str = ""


@dataclass(frozen=True)
class Call:
    """The tensors that one call takes: the first argument, flattened (None where it holds no tensor), and the rest.

    ``keyed`` holds the first argument again where it was a dict, because a nested model finds its inputs by key.
    ``places`` says as what each of ``rest`` is given.
    """

    main: tuple[Tensor | None, ...] = ()
    rest: tuple[Tensor, ...] = ()
    keyed: Mapping[str, Tensor] = field(default_factory=dict)
    places: tuple[str, ...] = ()

    def tensors(self) -> Iterator[Tensor]:
        """All tensors that the call takes."""
        yield from (tensor for _, tensor in self.arguments())

    def arguments(self) -> Iterator[tuple[str, Tensor]]:
        """All tensors that the call takes, each with its place."""
        main = [f"0[{position}]" for position in range(len(self.main))] if len(self.main) > 1 else ["0"]
        given = [(place, tensor) for place, tensor in zip(main, self.main, strict=False) if tensor is not None]
        yield from given
        yield from zip(self.places, self.rest, strict=True)


@dataclass(frozen=True)
class Member:
    """One layer of a model.

    Attributes:
        name: As the tensors name it.
        class_name: Keras class.
        calls: Its calls, in the order of their indices in the JSON.
        first_call: Index of the first of them.
        own_shape: Shape that an input layer records.
        input_shapes: Shapes that the layer was built for.
        inner: The model, when the layer is one itself.
        wrapped: Names of the layers that its configuration holds, at every depth, when it is not a model.
        custom: Whether its class is recorded to be none of Keras's own.
        is_operation: Whether it is an operation of ``keras.ops``, and no layer.
        settings: Its configuration, or what the calls of a nested model are given: see
            `graphdiag.sources.keras_settings`.
        same_layer: The name of the member that is the same layer, where that is recorded.
    """

    name: str
    class_name: str
    calls: tuple[Call, ...]
    first_call: int
    own_shape: str
    input_shapes: tuple[str, ...]
    inner: Scope | None
    wrapped: tuple[str, ...] = ()
    custom: bool = False
    is_operation: bool = False
    settings: Settings | None = field(default=None, hash=False)
    same_layer: str = ""

    @property
    def is_input(self) -> bool:
        """Whether it is an input layer of its model."""
        return self.class_name == "InputLayer" and self.inner is None

    def rank(self, number: int) -> int | None:
        """Which of the calls an index of the JSON means; None when it means none of them."""
        return number - self.first_call if 0 <= number - self.first_call < len(self.calls) else None


@dataclass(frozen=True)
class Scope:
    """One model: its layers, and which of their tensors it takes and gives (with the keys, where these are dicts)."""

    name: str
    class_name: str
    path: tuple[str, ...]
    members: Mapping[str, Member]
    inputs: tuple[tuple[str, Tensor], ...]
    outputs: tuple[Tensor, ...]
    input_keys: tuple[str, ...] = ()
    output_keys: tuple[str, ...] = ()


def read_model(config: Mapping[str, Any]) -> Scope:
    """Read the JSON of a model, with the models nested in it.

    Args:
        config: The parsed result of ``model.to_json()``.

    Returns:
        The model; every tensor that it names belongs to one of its members.

    Raises:
        SourceError: The JSON is not a Keras model, or describes none whose layers Keras records (a subclassed model).
    """
    return _scope(config, "", (), _AutoName())


class _AutoName:
    """Names for Sequential models that have none in the JSON: those that Keras gives when it loads them."""

    def __init__(self) -> None:
        self._count = 0

    def next(self) -> str:
        self._count += 1
        return f"sequential_{self._count}"


def _scope(entry: Mapping[str, Any], name: str, path: tuple[str, ...], auto: _AutoName) -> Scope:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("class_name"), str) or "config" not in entry:
        raise SourceError(
            "The JSON is not a Keras model: it has no 'class_name' and 'config'; give the result of model.to_json()."
        )
    class_name = plain_class(entry["class_name"])
    config = entry["config"]
    if isinstance(config, list):
        # Sequential up to Keras 2.1: the list of layers stands in place of the configuration.
        config = {"layers": config}
    if not isinstance(config, Mapping) or not _layer_entries(config):
        if class_name in ("Functional", "Sequential"):
            raise SourceError(f"The {class_name} model in the JSON has no list of layers; the JSON is damaged.")
        raise SourceError(
            f"The JSON describes the model class {class_name!r} and no layers: a subclassed model has none on record; "
            "give a Functional or Sequential model, or the Python file that builds it."
        )
    own = name or _text(config.get("name")) or _text(entry.get("name")) or auto.next()
    if "input_layers" in config and "output_layers" in config:
        return _functional(own, class_name, config, path, auto)
    return _sequential(own, class_name, config, path, auto)


def _layer_entries(config: Mapping[str, Any]) -> bool:
    layers = config.get("layers")
    return isinstance(layers, list) and all(
        isinstance(layer, Mapping) and isinstance(layer.get("class_name"), str) for layer in layers
    )


def _is_model(entry: Mapping[str, Any]) -> bool:
    """Whether a layer's JSON is that of a nested model, rather than of a layer that happens to list others."""
    config = entry.get("config")
    if isinstance(config, list):
        return bool(entry["class_name"] == "Sequential")
    if not isinstance(config, Mapping) or not _layer_entries(config):
        return False
    if "input_layers" in config and "output_layers" in config:
        return True
    return str(entry["class_name"]).endswith("Sequential") or "build_input_shape" in config


def _functional(name: str, class_name: str, config: Mapping[str, Any], path: tuple[str, ...], auto: _AutoName) -> Scope:
    entries: dict[str, Mapping[str, Any]] = {}
    for entry in config["layers"]:
        layer = _layer_name(entry)
        if not layer:
            raise SourceError(f"A layer of the Keras model {name!r} has no name; the JSON is damaged.")
        if layer in entries:
            raise SourceError(f"The Keras model {name!r} has two layers named {layer!r}; the JSON is damaged.")
        entries[layer] = entry
    calls = {layer: _calls(entry, layer, entries.keys()) for layer, entry in entries.items()}
    inputs = tuple(_structure(config["input_layers"]))
    outputs = tuple(_of_call(tensor, entries) for _, tensor in _structure(config["output_layers"]))
    named = [tensor for layer in calls.values() for call in layer for tensor in call.tensors()]
    named += [*outputs, *(tensor for _, tensor in inputs)]
    referred: dict[str, set[int]] = {}
    for tensor in named:
        if tensor.layer not in entries:
            raise SourceError(
                f"The Keras model {name!r} uses a tensor of {tensor.layer!r}, which is none of its layers."
            )
        referred.setdefault(tensor.layer, set()).add(tensor.call)
    members = {
        # Keras 2 counts a nested model's own graph as its call 0, except where the model was built only by calling it.
        layer: _member(entry, layer, calls[layer], path, auto, int(0 not in referred.get(layer, {0})))
        for layer, entry in entries.items()
        # tf_keras lists the attributes of a subclass, too: a teacher, say, that only its train_step calls.
        if calls[layer] or layer in referred or plain_class(entry["class_name"]) == "InputLayer"
    }
    input_keys, output_keys = (keys_in(config[f"{end}_layers"], _is_reference) for end in ("input", "output"))
    return Scope(name, class_name, path, members, inputs, outputs, input_keys, output_keys)


def _of_call(output: Tensor, entries: Mapping[str, Mapping[str, Any]]) -> Tensor:
    """An output of a model, with the index that inbound nodes have for the same call.

    For its outputs Keras 3 counts the calls of a nested Functional model from 1, as if the model's own graph were the
    first of them (``kept_nodes = 1`` in ``Functional.get_config``).
    """
    entry = entries.get(output.layer, {})
    nodes, config = entry.get("inbound_nodes"), entry.get("config")
    if not isinstance(nodes, list) or not isinstance(config, Mapping) or "input_layers" not in config:
        return output
    is_keras3 = any(isinstance(node, Mapping) and "args" in node for node in nodes)
    return replace(output, call=output.call - 1) if is_keras3 else output


def _sequential(name: str, class_name: str, config: Mapping[str, Any], path: tuple[str, ...], auto: _AutoName) -> Scope:
    entries = [(_layer_name(entry) or (auto.next() if _is_model(entry) else ""), entry) for entry in config["layers"]]
    if not all(layer for layer, _ in entries):
        raise SourceError(f"A layer of the Keras model {name!r} has no name; the JSON is damaged.")
    members: dict[str, Member] = {}
    chain: list[Tensor] = []
    if entries and entries[0][1]["class_name"] != "InputLayer":
        label, first = entries[0]
        label = "input_layer" if _is_keras3(first) else f"{label}_input"
        shape = _shape_of_first(first) or _shape_text(config.get("build_input_shape"))
        members[label] = Member(label, "InputLayer", (), 0, shape, (), None, settings=_settings_of_first(first))
        chain.append(Tensor(label, 0, 0))
    for layer, entry in entries:
        call = (Call(main=(chain[-1],)),) if chain else ()
        if layer in members:
            # Adding one layer object twice shares it.
            members[layer] = replace(members[layer], calls=members[layer].calls + call)
        else:
            members[layer] = _member(entry, layer, call, path, auto, 0)
        chain.append(Tensor(layer, max(len(members[layer].calls) - 1, 0), 0))
    inputs = tuple(("", tensor) for tensor in chain[:1])
    return Scope(name, class_name, path, members, inputs, tuple(chain[-1:]))


def _member(
    entry: Mapping[str, Any],
    name: str,
    calls: tuple[Call, ...],
    path: tuple[str, ...],
    auto: _AutoName,
    first_call: int,
) -> Member:
    class_name = plain_class(entry["class_name"])
    if _is_model(entry):
        inner = _scope(entry, name, (*path, name), auto)
        return Member(name, class_name, calls, first_call, "", (), inner, settings=settings_of_calls(entry))
    config = entry.get("config")
    own_shape = ""
    if class_name == "InputLayer" and isinstance(config, Mapping):
        own_shape = _shape_text(config.get("batch_shape", config.get("batch_input_shape")))
    wrapped = tuple(dict.fromkeys(_wrapped(config)))
    return Member(
        name,
        class_name,
        calls,
        0,
        own_shape,
        _built_shapes(entry),
        None,
        wrapped,
        custom=_is_custom(entry),
        is_operation=f"{_text(entry.get('module'))}.".startswith(_OPERATIONS),
        settings=None if entry.get(SETTINGS_LEFT_OUT) else settings_of(entry),
        same_layer=_text(entry.get(SAME_LAYER)),
    )


def _wrapped(config: Any) -> Iterator[str]:
    """Names of the layers inside a layer's configuration, as of the one that ``TimeDistributed`` applies."""
    if isinstance(config, list):
        for part in config:
            yield from _wrapped(part)
    elif isinstance(config, Mapping):
        if "class_name" in config and _layer_name(config):
            yield _layer_name(config)
        for key, part in config.items():
            # A dtype policy has a class and a name as well.
            if key != "dtype" and isinstance(part, (dict, list)):
                yield from _wrapped(part)


def _layer_name(entry: Mapping[str, Any]) -> str:
    # The name beside the configuration is the one that inbound nodes use; older Sequential models have only the other.
    config = entry.get("config")
    inside = config.get("name") if isinstance(config, Mapping) else None
    return _text(entry.get("name")) or _text(inside)


def _is_custom(entry: Mapping[str, Any]) -> bool:
    # Keras has written the module since 2.4, and none for a class that is not its own.
    return "module" in entry and not str(entry["module"]).startswith(("keras", "tf_keras", "tensorflow"))


def _is_keras3(entry: Mapping[str, Any]) -> bool:
    # Both Keras 3 and tf_keras write 'module'; only Keras 3 writes the dtype as a policy object or as batch_shape.
    config = entry.get("config")
    return isinstance(config, Mapping) and isinstance(config.get("dtype"), Mapping) and "module" in entry


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


# --- The tensors of a call -------------------------------------------------------------------------------------------


def _calls(entry: Mapping[str, Any], name: str, layers: Any) -> tuple[Call, ...]:
    nodes = entry.get("inbound_nodes")
    if nodes is None:
        return ()
    if not isinstance(nodes, list):
        raise SourceError(f"The inbound nodes of the Keras layer {name!r} are not a list; the JSON is damaged.")
    return tuple(
        _keras3_call(node) if isinstance(node, Mapping) and "args" in node else _keras2_call(node, layers)
        for node in nodes
    )


def _keras2_call(node: Any, layers: Any) -> Call:
    main: list[Tensor | None] = []
    rest: dict[tuple[str, Tensor], None] = {}
    keyed: dict[str, Tensor] = {}

    def first_argument(value: Any, key: str) -> None:
        if _is_reference(value):
            if value[0] == "_CONSTANT_VALUE":
                main.append(None)
            else:
                tensor = _tensor(value)
                main.append(tensor)
                if key:
                    keyed[key] = tensor
            for other in value[3:]:
                # They stand beside each tensor of the first argument again.
                rest.update(dict.fromkeys(_named_tensors("", other, layers)))
        elif isinstance(value, list):
            for other in value:
                first_argument(other, "")
        elif isinstance(value, Mapping):
            for inner in sorted(value):
                first_argument(value[inner], str(inner))

    first_argument(node, "")
    return Call(tuple(main), tuple(tensor for _, tensor in rest), keyed, tuple(place for place, _ in rest))


def _named_tensors(place: str, value: Any, layers: Any) -> Iterator[tuple[str, Tensor]]:
    """Tensors among a Keras 2 call's keyword arguments, where plain lists of numbers stand beside them."""
    if isinstance(value, list):
        if len(value) == 3 and _is_reference(value) and value[0] in layers:
            yield place, _tensor(value)
        else:
            for position, other in enumerate(value):
                yield from _named_tensors(f"{place}[{position}]", other, layers)
    elif isinstance(value, Mapping):
        for key, other in value.items():
            yield from _named_tensors(f"{place}[{key!r}]" if place else str(key), other, layers)


def _keras3_call(node: Mapping[str, Any]) -> Call:
    arguments = node.get("args")
    keywords = dict(node["kwargs"]) if isinstance(node.get("kwargs"), Mapping) else {}
    others: list[Any] = list(arguments) if isinstance(arguments, list) else []
    first = others.pop(0) if others else keywords.pop("inputs", None)
    main: list[Tensor | None] = []
    keyed: dict[str, Tensor] = {}

    def first_argument(value: Any, key: str) -> None:
        if _is_keras_tensor(value):
            tensor = _keras_tensor(value)
            main.append(tensor)
            if key:
                keyed[key] = tensor
        elif isinstance(value, list):
            for other in value:
                first_argument(other, "")
        elif isinstance(value, Mapping):
            for inner in sorted(value):
                first_argument(value[inner], str(inner))
        else:
            main.append(None)

    first_argument(first, "")
    known = node.get(ARGUMENT_NAMES)
    names = known[1:] if isinstance(known, list) and len(known) == len(others) + 1 else range(1, len(others) + 1)
    rest = [leaf for name, value in zip(names, others, strict=True) for leaf in _keras_tensors(str(name), value)]
    rest += [leaf for name, value in keywords.items() for leaf in _keras_tensors(str(name), value)]
    return Call(tuple(main), tuple(tensor for _, tensor in rest), keyed, tuple(place for place, _ in rest))


def _keras_tensors(place: str, value: Any) -> Iterator[tuple[str, Tensor]]:
    if _is_keras_tensor(value):
        yield place, _keras_tensor(value)
    elif isinstance(value, list):
        for position, other in enumerate(value):
            yield from _keras_tensors(f"{place}[{position}]", other)
    elif isinstance(value, Mapping):
        for key, other in value.items():
            yield from _keras_tensors(f"{place}[{key!r}]", other)


def _is_keras_tensor(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("class_name") == "__keras_tensor__"


def _keras_tensor(value: Mapping[str, Any]) -> Tensor:
    config = value.get("config")
    history = config.get("keras_history") if isinstance(config, Mapping) else None
    if not isinstance(config, Mapping) or not isinstance(history, list) or not _is_reference(history):
        raise SourceError("A tensor in the Keras JSON has no 'keras_history'; the JSON is damaged.")
    return Tensor(history[0], history[1], history[2], _shape_text(config.get("shape")))


def _is_reference(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and isinstance(value[1], int)
        and (isinstance(value[2], int) or value[0] == "_CONSTANT_VALUE")
    )


def _tensor(value: Sequence[Any]) -> Tensor:
    return Tensor(value[0], value[1], value[2])


def _structure(value: Any, key: str = "") -> Iterator[tuple[str, Tensor]]:
    """The tensors of ``input_layers`` or ``output_layers``, in Keras's order: dicts go by sorted key."""
    if _is_reference(value):
        yield key, _tensor(value)
    elif isinstance(value, list):
        for other in value:
            yield from _structure(other)
    elif isinstance(value, Mapping):
        for inner in sorted(value):
            yield from _structure(value[inner], str(inner))


# --- Shapes ----------------------------------------------------------------------------------------------------------


def _shape_text(shape: Any) -> str:
    """``(None, 64)`` for ``[null, 64]``; empty for anything that is not one shape."""
    if not isinstance(shape, list) or not all(size is None or isinstance(size, int) for size in shape):
        return ""
    return str(tuple(shape))


def _shape_of_first(entry: Mapping[str, Any]) -> str:
    """The input shape that the first layer of a Sequential model carries, however deep that layer lies."""
    config = entry.get("config")
    if isinstance(config, Mapping) and "batch_input_shape" in config:
        return _shape_text(config["batch_input_shape"])
    if isinstance(config, Mapping) and "batch_shape" in config:
        return _shape_text(config["batch_shape"])
    layers = config.get("layers") if isinstance(config, Mapping) else config
    if isinstance(layers, list) and layers and isinstance(layers[0], Mapping):
        return _shape_of_first(layers[0])
    built = _built_shapes(entry)
    return built[0] if len(built) == 1 else ""


def _settings_of_first(entry: Mapping[str, Any]) -> Settings:
    """The settings of the input that the first layer of a Sequential model stands for."""
    config = entry.get("config")
    dtype = normalized("dtype", config.get("dtype")) if isinstance(config, Mapping) else None
    takes_numbers = plain_class(entry.get("class_name")) != "Embedding"
    return {} if takes_numbers or dtype in (None, "float32") else {"dtype": dtype}


def _built_shapes(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """The shapes of the tensors that a layer was built for, from its ``build_config``."""
    built = entry.get("build_config")
    shape = built.get("input_shape") if isinstance(built, Mapping) else None
    if _shape_text(shape):
        return (_shape_text(shape),)
    if isinstance(shape, list):
        return tuple(_shape_text(one) for one in shape)
    return ()
