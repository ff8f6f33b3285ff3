"""Find the model in what a Python file has made: by its name, by the names of its builders, or as the only one."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from graphdiag.errors import ModelError, UsageError
from graphdiag.sources.keras_model import keras_of
from graphdiag.sources.opened import SourceLine
from graphdiag.sources.tf_functions import has_op_graph

BUILDERS = ("build_model", "create_model", "get_model", "make_model")
"""Functions that are called when a file has no ``model``."""

_SHOWN = 8


@dataclass(frozen=True)
class Made:
    """A model that the user's code made.

    Attributes:
        model: The model.
        line: Where it was made.
    """

    model: Any
    line: SourceLine


def literal(value: Any) -> Any:
    """An argument's value: text is read as a Python literal where it is one."""
    if not isinstance(value, str):
        return value
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, TypeError):  # TypeError: an unhashable key, as in {[]: 1}
        return value


# --- by name ---------------------------------------------------------------------------------------------------------


def named(where: str, module: ModuleType, entry: str) -> tuple[Any, Any]:
    """What an entry names: ``net``, or ``LeNet.build``.

    Args:
        where: The file, for messages.
        module: The module that was run.
        entry: The name, with dots.

    Returns:
        The thing, and the class around it if it is a method of one that needs an object first; else ``None``.

    Raises:
        LookupError: There is nothing of this name.
    """
    thing: Any = module
    holder: Any = None
    for part in entry.split("."):
        if not hasattr(thing, part):
            raise LookupError(entry)
        holder, thing = thing, getattr(thing, part)
    is_method = inspect.isclass(holder) and inspect.isfunction(inspect.getattr_static(holder, entry.split(".")[-1]))
    return thing, holder if is_method else None


def call(
    where: str,
    entry: str,
    function: Callable[..., Any],
    holder: Any,
    arguments: Mapping[str, Any],
    run: Callable[[Callable[[], Any]], Any],
) -> Any:
    """What a function, class or method makes.

    Args:
        where: The file, for messages.
        entry: What it is called.
        function: The function.
        holder: The class to make an object of first; ``None`` for none.
        arguments: Arguments; those that a class takes go to the class, the others to its method.
        run: Calls what it is given, and tells of errors.

    Raises:
        UsageError: The arguments do not fit.
    """
    if holder is None:
        check_arguments(where, entry, function, arguments)
        made = run(lambda: function(**arguments))
        # A class that trains a model keeps it.
        kept = _kept_by(made) if inspect.isclass(function) and keras_of(made) is None else []
        return kept[0] if len(kept) == 1 else made
    taken = _parameters(holder)
    first = {name: value for name, value in arguments.items() if name in taken}
    rest = {name: value for name, value in arguments.items() if name not in first}
    check_arguments(where, holder.__name__, holder, first)
    made = run(lambda: holder(**first))
    method = getattr(made, entry.rpartition(".")[2])
    check_arguments(where, entry, method, rest)
    result = run(lambda: method(**rest))
    # A method that builds may keep the model and return nothing.
    kept = _kept_by(made) if result is None else []
    return kept[-1] if kept else result


def _kept_by(thing: Any) -> list[Any]:
    """The models that are attributes of an object."""
    return [value for value in getattr(thing, "__dict__", {}).values() if is_model(value)]


def held_by(thing: Any) -> list[Any]:
    """The models in a list, tuple or dictionary."""
    members = thing.values() if isinstance(thing, Mapping) else thing if isinstance(thing, (list, tuple)) else ()
    return [member for member in members if is_model(member)]


def check_arguments(where: str, entry: str, function: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    """See that a function can be called.

    Raises:
        UsageError: It cannot; the message says how it can.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some built-in callables have none
        return
    try:
        signature.bind(**arguments)
    except TypeError as error:
        raise UsageError(
            f"{entry}({', '.join(signature.parameters)}) of {where} cannot be called like that: {error}; "
            "give --arg name=value."
        ) from error


def is_callable_without_arguments(function: Callable[..., Any]) -> bool:
    """Whether a function can be called with nothing."""
    try:
        inspect.signature(function).bind()
    except (TypeError, ValueError):
        return False
    return True


def _parameters(function: Callable[..., Any]) -> Sequence[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return ()


def is_model(thing: Any) -> bool:
    """Whether a thing is a Keras model, and not a class of models."""
    return keras_of(thing) is not None and not isinstance(thing, type)


# --- the only model there is -----------------------------------------------------------------------------------------


def outermost(made: Sequence[tuple[object, SourceLine]]) -> list[Made]:
    """The models that were made and are not a part of another one.

    A model is a part of another one if all its layers, but for inputs, are layers of the other: the encoder of an
    autoencoder is, and so is the base that a head was put on. Of two with the same layers the later one counts.

    Args:
        made: All layers and models, in the order in which they were made.
    """
    models = [(Made(thing, line), _layers(thing)) for thing, line in made if is_model(thing)]
    models = [(model, layers) for model, layers in models if layers]
    return [
        model
        for number, (model, layers) in enumerate(models)
        if not any(
            layers < others
            or (layers == others and number < other and not _is_inside(one.model, model.model))
            or id(model.model) in others
            or _is_inside(model.model, one.model)
            for other, (one, others) in enumerate(models)
            if other != number
        )
    ]


def _is_inside(model: Any, sequential: Any) -> bool:
    """Whether a model is the one that Keras makes of the layers of a Sequential model, for itself."""
    return getattr(sequential, "_functional", None) is model


def _layers(model: Any) -> frozenset[int]:
    """Ids of the layers of a model, at every depth, but for inputs and models, and of the models in it."""
    try:
        parts = list(model._flatten_layers(include_self=False))
    except Exception:  # a subclassed model of the user's may not be fit to ask yet
        return frozenset()
    return frozenset(id(part) for part in parts if type(part).__name__ != "InputLayer")


# --- what there is instead, for messages -----------------------------------------------------------------------------


def candidates(module: ModuleType, made: Sequence[str] = ()) -> str:
    """What the file holds, each with the call that would work.

    Args:
        module: The module that was run.
        made: Names by which Keras knows models that the file made and that no variable of the module is.

    Returns:
        A clause: ``found the Keras models 'a', 'b'; choose one with --entry``.
    """
    models = sorted(name for name, value in vars(module).items() if is_model(value)) or sorted(set(made))
    if models:
        return f"found the Keras models {listed(models)}; choose one with --entry"
    ways = [*((name, "") for name, value in vars(module).items() if has_op_graph(value)), *_ways(module)]
    if not ways:
        return "found no Keras model, and no function or class that may make one"
    functions = [f"'{name}'" for name, _ in ways]
    shown = "; ".join(f"--entry {name}{arguments}" for name, arguments in ways[:_SHOWN])
    more = f" and {len(ways) - _SHOWN} more" if len(ways) > _SHOWN else ""
    return f"found no Keras model, but {', '.join(functions[:_SHOWN])}{more}; choose one: {shown}"


def _ways(module: ModuleType) -> Iterator[tuple[str, str]]:
    """Functions, classes and methods of the module's own that may make a model, with the arguments that they need."""
    own = {
        name: value
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__ and not name.startswith("_")
    }
    for name, value in own.items():
        if inspect.isfunction(value) or (inspect.isclass(value) and _is_model_class(value)):
            yield name, _needed(value)
        elif inspect.isclass(value):
            for method, plain in vars(value).items():
                function = getattr(plain, "__func__", plain)
                if inspect.isfunction(function) and not method.startswith("_") and _may_build(method):
                    bound = isinstance(plain, (staticmethod, classmethod))
                    skipped = 0 if isinstance(plain, staticmethod) else 1
                    yield f"{name}.{method}", ("" if bound else _needed(value)) + _needed(function, skipped)


def _is_model_class(cls: type) -> bool:
    return any(
        base.__name__ == "Model" and base.__module__.partition(".")[0] in ("keras", "tf_keras") for base in cls.__mro__
    )


def _may_build(method: str) -> bool:
    return any(word in method.lower() for word in ("build", "create", "make", "get", "model", "net"))


def _needed(function: Callable[..., Any], skipped: int = 0) -> str:
    """`` --arg units=...`` for each argument without a default."""
    try:
        parameters = list(inspect.signature(function).parameters.values())[skipped:]
    except (TypeError, ValueError):
        return ""
    needed = [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    return "".join(f" --arg {name}=..." for name in needed)


def several(made: Sequence[Made]) -> str:
    """Models that were made in functions, for a message: ``'teacher' (line 12), 'student' (line 30)``."""
    return ", ".join(f"{one.model.name!r} (line {one.line[1]})" for one in made[:_SHOWN])


def ambiguous(where: str, made: Sequence[Made]) -> ModelError:
    """The error about several models, none of which is called ``model``."""
    return ModelError(
        f"{where} makes several Keras models: {several(made)}; choose one with --entry and its variable's name, or the "
        "name that Keras knows it by."
    )


def listed(names: Sequence[str]) -> str:
    """Names in quotes, with commas."""
    return ", ".join(f"'{name}'" for name in names)


def type_name(thing: Any) -> str:
    """The name of a thing's type, with its module but for built-in ones."""
    kind = type(thing)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
