"""The defaults of Keras's own classes, from their signatures: run as a module, it writes them."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import graphdiag.sources
from graphdiag.sources.keras_settings import _NEVER, normalized

FILE = Path(graphdiag.sources.__file__).with_name("keras_defaults.json")


def defaults() -> dict[str, dict[str, object]]:
    """Those of Keras 3, and those of tf_keras for what Keras 3 does not have.

    The strength of a regularizer is always told, so those have no defaults.
    """
    import keras
    import tf_keras

    found: dict[str, dict[str, object]] = {}
    for package in (keras, tf_keras):
        bases = {
            "layers": package.layers.Layer,
            "initializers": package.initializers.Initializer,
            "constraints": package.constraints.Constraint,
        }
        for module, base in bases.items():
            for public, cls in sorted(vars(getattr(package, module)).items()):
                if isinstance(cls, type) and issubclass(cls, base) and cls is not base and public == cls.__name__:
                    known = found.setdefault(public, {})
                    for name, value in of_class(cls, base).items():
                        known.setdefault(name, value)
                    found.setdefault("", {}).update(dict.fromkeys(required(cls)))
    return dict(sorted(found.items()))


def required(cls: type) -> list[str]:
    """Settings without a default: they stand under the empty name."""
    parameters = inspect.signature(cls.__init__).parameters.values()
    named = [one for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD and one.name not in {"self", *_NEVER}]
    return sorted(one.name for one in named if one.default is one.empty)


def of_class(cls: type, base: type) -> dict[str, object]:
    """The defaults of one class, those of what it hands on to its base classes too."""
    found: dict[str, object] = {}
    for ancestor in cls.__mro__:
        if not issubclass(ancestor, base) or ancestor is base or "__init__" not in vars(ancestor):
            continue
        for name, parameter in inspect.signature(ancestor.__init__).parameters.items():
            usable = isinstance(parameter.default, (bool, int, float, str, tuple, list))
            if usable and parameter.default is not inspect.Parameter.empty and name not in _NEVER:
                value = normalized(name, parameter.default)
                if value is not None:
                    found.setdefault(name, value)
    return dict(sorted(found.items()))


def text() -> str:
    """The file: one class a line."""
    lines = [f" {json.dumps(name)}: {json.dumps(values)}" for name, values in defaults().items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
