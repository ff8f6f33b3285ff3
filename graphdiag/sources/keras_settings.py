"""The settings of a layer, from its configuration in Keras's JSON, in one form for every Keras.

The versions write the same setting in different ways: an initializer as a name or as an object, a dtype as a name or
as a policy, a tuple as a list or as an object, what is new in a version not at all in those before. Here each has one
form, names are left out, and so are the defaults of Keras 3 (``keras_defaults.json``, from the signatures of its
classes; those of tf_keras for what only tf_keras has). What is left is what somebody set.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pkgutil import get_data
from typing import Any

from graphdiag.keras_facts import is_raw_op
from graphdiag.sources.marshaled_code import code_digest

Settings = Mapping[str, Any]
"""JSON-ready values by name; what is not in it has its default."""

_LONGEST = 400
"""Characters of JSON of one value; a longer one is known by its hash."""
_NEVER = frozenset(
    {
        *("name", "module", "registered_name", "shared_object_id", "module_objects"),
        *("function_type", "output_shape_type", "output_shape_module"),
        *("shape", "batch_shape", "batch_input_shape", "build_input_shape", "input_length"),
        *("query_shape", "value_shape", "key_shape"),
        *("implementation", "use_cudnn", "input_dtype", "autocast", "rng_type", "force_generator"),
    }
)
"""Keys that are no setting of the computation: names, what the layer was built for, and which kernel computes it."""
_SIZES = frozenset(
    {*("kernel_size", "strides", "dilation_rate", "pool_size"), *("size", "padding", "cropping", "output_padding")}
)
"""Keys whose value stands for all axes if it is one number."""
_ALIASES = {"uniform": "RandomUniform", "normal": "RandomNormal", "zero": "Zeros", "one": "Ones"}
_SCALED = {
    (1.0, "fan_avg", "uniform"): "GlorotUniform",
    (1.0, "fan_avg", "normal"): "GlorotNormal",
    (2.0, "fan_in", "uniform"): "HeUniform",
    (2.0, "fan_in", "normal"): "HeNormal",
    (1.0, "fan_in", "uniform"): "LecunUniform",
    (1.0, "fan_in", "normal"): "LecunNormal",
}
"""The initializers that Keras 2 writes as a ``VarianceScaling``."""
_RENAMED = {("LeakyReLU", "alpha"): "negative_slope"}
"""Settings by class and name that Keras 3 calls otherwise."""
_NAMED = re.compile(".*_(initializer|regularizer|constraint)")
_ACTIVATION = re.compile("(.*_)?activation")


_TRAINED_UNLESS_TOLD = frozenset(
    {
        *("BatchNormalization", "Bidirectional", "GroupQueryAttention", "MultiHeadAttention", "TimeDistributed"),
        *("Functional", "Model", "Sequential"),
    }
)
"""Layers whose ``training`` is ``None`` by default. For others Keras 3 records ``False`` though nobody gave it."""


def settings_of(entry: Mapping[str, Any]) -> Settings | None:
    """The settings of one layer.

    Args:
        entry: The layer in the JSON of a model: ``class_name``, ``config`` and, for raw ops, ``inbound_nodes``.

    Returns:
        The settings that are no defaults; ``None`` where the JSON has no configuration. Where the user's own code is
        part of what the layer does, and is not recorded, ``code`` is ``None``.
    """
    config = entry.get("config")
    if not isinstance(config, dict):
        return None
    class_name = plain_class(entry.get("class_name"))
    own = {key: raw for key, raw in config.items() if key not in _NEVER}
    found = dict(_of_text(class_name, json.dumps(own, default=_kind_of)))
    found.update(settings_of_calls(entry))
    if _is_users(class_name, entry) or (class_name == "Lambda" and not isinstance(found.get("function"), dict)):
        found["code"] = None
    return found


def settings_of_calls(entry: Mapping[str, Any]) -> Settings:
    """What the calls of a layer or nested model are given besides tensors.

    Args:
        entry: The layer or the nested model in the JSON of a model.

    Returns:
        ``arguments``: those of all calls if they are the same, else those of each; nothing where there are none.
    """
    class_name = plain_class(entry.get("class_name"))
    arguments = [dict(_constants(node, class_name in _TRAINED_UNLESS_TOLD)) for node in _nodes(entry)]
    if class_name.startswith("Random"):
        # Keras 3 records the default of its augmentations.
        arguments = [{key: value for key, value in one.items() if key != "training"} for one in arguments]
    if not any(arguments):
        return {}
    same = all(other == arguments[0] for other in arguments)
    return {"arguments": arguments[0] if same else arguments}


def _is_users(class_name: str, entry: Mapping[str, Any]) -> bool:
    """Whether a class is the user's own, as far as the JSON says."""
    if "module" in entry:
        # Keras has written the module since 2.4, and none for a class that is not its own.
        return not str(entry["module"]).startswith(("keras", "tf_keras", "tensorflow"))
    return not has_defaults(class_name) and not is_raw_op(class_name)


def plain_class(class_name: Any) -> str:
    """``Conv1D`` for ``Conv1D``, and ``Mine`` for a registered ``package>Mine``."""
    return class_name.rpartition(">")[2] if isinstance(class_name, str) else ""


def default_of(class_name: str, setting: str) -> Any:
    """The default of a setting that is left out; ``None`` where there is none, or it is not known."""
    if setting == "dtype":
        return "float32"
    if setting == "trainable":
        return True
    return _defaults().get(class_name, {}).get(setting)


def has_defaults(class_name: str) -> bool:
    """Whether a class is one of Keras's own."""
    return class_name in _defaults()


def known_settings() -> frozenset[str]:
    """Names of the settings of Keras's own classes, and those of all layers."""
    return frozenset(name for settings in _defaults().values() for name in settings) | {"dtype", "trainable"}


@cache
def _defaults() -> Mapping[str, Settings]:
    text = get_data("graphdiag.sources", "keras_defaults.json")
    assert text is not None
    found: Mapping[str, Settings] = json.loads(text)
    return found


@lru_cache(maxsize=1024)
def _of_text(class_name: str, text: str) -> Settings:
    """The settings in a configuration, as JSON without names: many layers of a model have the same ones."""
    return dict(_of_config(class_name, json.loads(text)))


def _of_config(class_name: str, config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if class_name == "Bidirectional":
        config = {key: _without_zeros(value) for key, value in config.items()}
    for written, raw in config.items():
        if written in _NEVER:
            continue
        key = _RENAMED.get((class_name, written), written)
        value = normalized(key, raw)
        if value == default_of(class_name, key) or _is_usual(class_name, key, value, config):
            continue
        yield key, value


def _is_usual(class_name: str, key: str, value: Any, config: Mapping[str, Any]) -> bool:
    """Whether a value is what Keras itself puts in the place of a default, or what says nothing."""
    if value is None:
        return key not in _defaults().get(class_name, {})
    if key == "data_format":
        return bool(value == "channels_last")
    if key == "strides" and "pool_size" in config:
        return bool(value == normalized("pool_size", config["pool_size"]))
    if key == "backward_layer":
        return _is_mirrored(value, normalized("layer", config.get("layer")))
    if key == "arguments":
        return bool(value == {})
    if key == "trainable":
        return False
    # What a version does not have yet, it does as the later ones do when the setting is off.
    return value is False and has_defaults(class_name) and key not in _defaults()[class_name]


def _without_zeros(layer: Any) -> Any:
    """The JSON of a layer without what Bidirectional of Keras 3 sets in it."""
    config = layer.get("config") if isinstance(layer, dict) else None
    if not isinstance(config, dict):
        return layer
    return {**layer, "config": {key: value for key, value in config.items() if key != "zero_output_for_mask"}}


def _is_mirrored(backward: Any, forward: Any) -> bool:
    """Whether a layer is the same but for going backwards, as Keras makes it by itself."""
    if not isinstance(backward, dict) or not isinstance(forward, dict):
        return False
    # Whether a layer goes backwards is left out where it does not, as defaults are.
    turned = {key: value for key, value in forward.items() if key != "go_backwards"}
    if not forward.get("go_backwards"):
        turned["go_backwards"] = True
    return turned == backward


# --- Values ----------------------------------------------------------------------------------------------------------


def normalized(key: str, raw: Any) -> Any:
    """One form for a value.

    Args:
        key: The setting.
        raw: As Keras's JSON has it, or as it is given to a layer.

    Returns:
        JSON-ready data: a number, a text, a list of these, or an object with ``class`` and its own settings.
    """
    value = _plain(key, raw)
    if key == "dtype" and isinstance(raw, dict):
        value = _policy(raw)
    elif _NAMED.fullmatch(key) and isinstance(value, str):
        value = _ALIASES.get(value) or _camel_case(value)
    elif _ACTIVATION.fullmatch(key) and value == "linear":
        value = None
    elif key in _SIZES:
        value = _for_all_axes(value)
    elif key == "axis" and isinstance(value, list) and len(value) == 1:
        [value] = value
    if not isinstance(value, (str, list, dict)) or (isinstance(value, dict) and "class" in value):
        return value if not is_deep(value) else _hashed(value)
    return _hashed(value) if is_deep(value) or len(json.dumps(value)) > _LONGEST else value


def is_deep(value: Any, left: int = 40) -> bool:
    """Whether a value is nested more deeply than any setting of Keras."""
    if not isinstance(value, (list, dict)):
        return False
    parts = value.values() if isinstance(value, dict) else value
    return not left or any(is_deep(part, left - 1) for part in parts)


def _hashed(value: Any) -> str:
    import hashlib

    return f"sha256:{hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]}"


def _plain(key: str, raw: Any) -> Any:
    if isinstance(raw, bool) or raw is None or isinstance(raw, (str, int)):
        return raw
    if isinstance(raw, float):
        # Keras 2 writes what it holds as float32: 0.009999999776482582 for 0.01.
        return float(f"{raw:.7g}")
    if isinstance(raw, (list, tuple)):
        # Code as Keras 2 writes it: the code itself, the defaults, the closure.
        if key == "function" and len(raw) == 3 and isinstance(raw[0], str):
            return _code(raw[0], raw[1], raw[2])
        return [_plain("", part) for part in raw]
    return _object(raw) if isinstance(raw, dict) else _kind_of(raw)


def _kind_of(raw: Any) -> str:
    """What stands for a value that has no JSON, as a class of the user's may have in its configuration."""
    return f"<{type(raw).__name__}>"


def _object(raw: Mapping[str, Any]) -> Any:
    class_name, config = plain_class(raw.get("class_name")), raw.get("config")
    if class_name == "__tuple__" and isinstance(raw.get("items"), list):
        return [_plain("", part) for part in raw["items"]]
    if class_name == "__lambda__" and isinstance(config, dict):
        if isinstance(config.get("value"), (list, tuple)) and len(config["value"]) == 3:
            return _code(*config["value"])
        return _code(config.get("code"), config.get("defaults"), config.get("closure"))
    if class_name in ("function", "type") and isinstance(config, str):
        return config
    if class_name in ("__numpy__", "__tensor__") and isinstance(config, dict):
        return _plain("", config.get("value"))
    if class_name == "__keras_tensor__":
        return None
    value = raw.get("value")
    if not class_name and isinstance(value, (list, tuple)) and len(value) == 3 and isinstance(value[0], str):
        return _code(*value)  # a lambda for an activation, in Keras 3
    if not class_name or not isinstance(config, dict):
        return {str(key): _plain("", value) for key, value in raw.items() if key not in _NEVER}
    if class_name == "VarianceScaling":
        kind = str(config.get("distribution")).removeprefix("truncated_")
        found: Any = (config.get("scale"), config.get("mode"), kind)
        scaled = next((name for how, name in _SCALED.items() if how == found), None)
        if scaled is not None:
            class_name, config = scaled, {"seed": config.get("seed")}
    if class_name == "L1L2":
        own = {name: config[name] for name in ("l1", "l2") if config.get(name)}
        if len(own) < 2:
            class_name, config = next(iter(own), "L1L2").upper(), own
    inner = {
        name: value
        for name, value in _of_config(class_name, config)
        # Initializers of tf.keras record the dtype that they are asked for anyway.
        if not (name == "dtype" and "units" not in config and not _is_layer(config))
    }
    return {"class": class_name, **inner} if inner or _is_layer(config) else class_name


def _is_layer(config: Mapping[str, Any]) -> bool:
    return "name" in config and ("trainable" in config or "dtype" in config)


def _policy(raw: Mapping[str, Any]) -> Any:
    config = raw.get("config")
    if not isinstance(config, dict):
        return "float32"
    if isinstance(config.get("name"), str):
        return config["name"]
    if "mode" in config and "source_name" in config:
        return f"{config['mode']}_from_{config['source_name']}"
    return _plain("", raw)


def _code(code: Any, defaults: Any, closure: Any) -> dict[str, Any]:
    """A function that is recorded as code: a hash of what it does, and what it was given."""
    found: dict[str, Any] = {"class": "code", "digest": code_digest(code) if isinstance(code, str) else ""}
    for name, value in (("defaults", defaults), ("closure", closure)):
        if value:
            found[name] = _plain("", value)
    return found


def _camel_case(name: str) -> str:
    """``GlorotUniform`` for ``glorot_uniform``."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def _for_all_axes(value: Any) -> Any:
    if isinstance(value, list) and value and all(part == value[0] for part in value):
        return _for_all_axes(value[0])
    return value


# --- What calls are given besides tensors ----------------------------------------------------------------------------


def _nodes(entry: Mapping[str, Any]) -> list[Any]:
    nodes = entry.get("inbound_nodes")
    return nodes if isinstance(nodes, list) else []


def _constants(node: Any, told: bool) -> Iterator[tuple[str, Any]]:
    """What one call is given that is no tensor, by place.

    Args:
        node: The call, in the JSON of a model.
        told: Whether ``training=False`` is there only where the user gave it.
    """
    if isinstance(node, dict) and "args" in node:
        arguments, keywords = node.get("args"), node.get("kwargs")
        given = [(str(place), value) for place, value in enumerate(arguments)] if isinstance(arguments, list) else []
        given += [(str(name), value) for name, value in keywords.items()] if isinstance(keywords, dict) else []
    else:
        given = list(_keras2_constants(node))
    for name, value in given:
        is_setting = name != "name" and not _holds_tensor(value) and not (name == "mask" and _is_empty(value))
        plain = _plain("", value) if is_setting else None
        if plain is not None and (told or name != "training" or plain is not False) and plain not in ({}, []):
            yield name, normalized(name, plain)


def _keras2_constants(node: Any) -> Iterator[tuple[str, Any]]:
    first = node
    # The arguments by name stand beside each tensor of the first one.
    while (isinstance(first, list) and first and isinstance(first[0], list)) or (isinstance(first, dict) and first):
        first = first[0] if isinstance(first, list) else next(iter(first.values()))
    if not isinstance(first, list):
        return
    if len(first) in (3, 4) and isinstance(first[0], str):
        if first[0] == "_CONSTANT_VALUE":
            yield "0", first[2]
        if len(first) == 4 and isinstance(first[3], dict):
            yield from ((str(name), value) for name, value in first[3].items())


def _is_empty(value: Any) -> bool:
    """Whether a structure holds nothing, as the masks of inputs that have none."""
    parts = value.values() if isinstance(value, dict) else value
    return value is None or (isinstance(value, (dict, list)) and all(map(_is_empty, parts)))


def _holds_tensor(value: Any) -> bool:
    if isinstance(value, dict):
        return value.get("class_name") == "__keras_tensor__" or any(map(_holds_tensor, value.values()))
    if isinstance(value, list):
        reference = len(value) in (3, 4) and isinstance(value[0], str) and isinstance(value[1], int)
        return reference or any(map(_holds_tensor, value))
    return False
