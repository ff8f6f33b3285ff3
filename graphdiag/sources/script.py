"""Run a Python file, find the Keras model that it builds, and open it."""

from __future__ import annotations

import ast
import contextlib
import importlib.abc
import importlib.util
import inspect
import linecache
import logging
import os
import random
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from graphdiag.errors import GraphdiagError, ModelError, SourceError, UsageError
from graphdiag.extras import INSTALL_TENSORFLOW, INSTALL_TF_KERAS
from graphdiag.sources.keras_model import keras_of, layer_base, open_model
from graphdiag.sources.locator import LayerLocator
from graphdiag.sources.name_scopes import name_scopes
from graphdiag.sources.opened import Opened
from graphdiag.sources.recorder import CallRecorder
from graphdiag.sources.tf_logging import silence

BUILDERS = ("build_model", "create_model", "get_model", "make_model")
"""Functions that are called when a file has no ``model``."""

_MODULE = "graphdiag_script"
_INSTALL = {"tensorflow": INSTALL_TENSORFLOW, "keras": INSTALL_TENSORFLOW, "tf_keras": INSTALL_TF_KERAS}


def open_script(
    path: str | Path,
    *,
    entry: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    graph: str = "training",
    input_shape: Any = None,
) -> Opened:
    """Run a Python file and open its model.

    The file runs as a module of its own, with its directory on ``sys.path``, an empty command line, and the random
    state always the same, so that two runs give the same graph. What it prints goes to stderr.

    Args:
        path: The file.
        entry: Name of the model, or of the function or class that makes it. By default the file's ``model``, or what
            the one function of `BUILDERS` returns that the file has.
        arguments: Arguments for that function, by name. Text is read as a Python literal where it is one. With
            arguments, ``model`` is passed over for a function.
        graph: As for `open_model`.
        input_shape: As for `open_model`.

    Returns:
        As `open_model`, with the file as its origin.

    Raises:
        SourceError: The file cannot be read.
        UsageError: The arguments do not fit the function, or there is no such graph.
        ModelError: The file raises, has no model or several, or its model cannot be opened.
    """
    where = Path(path)
    try:
        source = where.read_bytes()
    except OSError as error:
        raise SourceError(f"{where} cannot be read: {error.strerror}.") from error
    given = {name: _literal(value) for name, value in (arguments or {}).items()}
    with _surroundings(where), LayerLocator(where) as locator, _recording(locator) as recorder:
        module = _run(where, source)
        model = _find(where, module, entry, given)
        opened = open_model(model, graph=graph, input_shape=input_shape, recorder=recorder, locator=locator)
    return replace(
        opened,
        origin=replace(opened.origin, path=str(path), kind="script"),
        name_scopes=name_scopes(source, str(path), opened.locations),
    )


# --- Finding the model -----------------------------------------------------------------------------------------------


def _find(where: Path, module: ModuleType, entry: str | None, arguments: Mapping[str, Any]) -> Any:
    if entry is not None:
        if not hasattr(module, entry):
            raise ModelError(f"{where} has no {entry!r}; {_found(module)}.")
        chosen = getattr(module, entry)
    elif not arguments and keras_of(getattr(module, "model", None)):
        return module.model
    else:
        builders = [name for name in BUILDERS if callable(getattr(module, name, None))]
        if len(builders) > 1:
            raise ModelError(f"{where} has {_listed(builders)}; choose one with --entry.")
        if not builders:
            if arguments:
                raise UsageError(f"--arg needs a function to call, but {where} has none of {_listed(BUILDERS)}.")
            raise ModelError(f"{where} has no 'model' and none of {_listed(BUILDERS)}; {_found(module)}.")
        entry = builders[0]
        chosen = getattr(module, entry)
    if keras_of(chosen) and not isinstance(chosen, type):
        if arguments:
            raise UsageError(f"--arg needs a function to call, but {entry!r} of {where} is a model.")
        return chosen
    if not callable(chosen):
        raise ModelError(
            f"{entry!r} of {where} is of type {_type(chosen)}, which is not a Keras model; {_found(module)}."
        )
    _check_arguments(where, entry, chosen, arguments)
    made = _guarded(where, lambda: chosen(**arguments))
    if keras_of(made) is None:
        raise ModelError(f"{entry}() of {where} returned an object of type {_type(made)}, which is not a Keras model.")
    return made


def _check_arguments(where: Path, entry: str, function: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
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


def _found(module: ModuleType) -> str:
    """What the file holds instead, for an error message."""
    models = sorted(name for name, value in vars(module).items() if keras_of(value) and not isinstance(value, type))
    if models:
        return f"found the Keras models {_listed(models)}; choose one with --entry"
    source = "".join(linecache.getlines(str(module.__file__)))
    hint = '; what stands under if __name__ == "__main__" was not run' if "__main__" in source else ""
    functions = sorted(
        name
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    )
    if functions:
        return f"found no Keras model, but the functions {_listed(functions)}; choose one with --entry{hint}"
    return f"found no Keras model{hint}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _type(thing: Any) -> str:
    kind = type(thing)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _literal(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, TypeError):  # TypeError: an unhashable key, as in {[]: 1}
        return value


# --- Running the file ------------------------------------------------------------------------------------------------


def _run(where: Path, source: bytes) -> ModuleType:
    module = ModuleType(_MODULE)
    module.__file__ = str(where)
    # Dataclasses and pickling look their module up by name.
    sys.modules[_MODULE] = module
    try:
        code = compile(source, str(where), "exec")
    except SyntaxError as error:
        raise ModelError(f"{where} is not valid Python: {error.msg} (line {error.lineno}).") from error
    except ValueError as error:
        raise ModelError(f"{where} is not valid Python: {error}.") from error
    _guarded(where, lambda: exec(code, vars(module)))
    return module


def _guarded(where: Path, action: Callable[[], Any]) -> Any:
    try:
        return action()
    except GraphdiagError:
        raise
    except SystemExit as error:
        raise ModelError(
            f"{where} ends the program{_at(where, error)} (exit status {error.code!r}) before it gives a model; "
            'put such code under if __name__ == "__main__".'
        ) from error
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _INSTALL:
            raise ModelError(f"{where} needs {error.name!r}{_at(where, error)}, which is not installed.") from error
        raise ModelError(
            f"{where} needs {package}{_at(where, error)}, which is not installed: {_INSTALL[package]}"
        ) from error
    except Exception as error:  # the user's own code runs here, and may raise anything
        raise ModelError(f"{where} raises {type(error).__name__}{_at(where, error)}: {_first_line(error)}") from error


def _at(where: Path, error: BaseException) -> str:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(where)]
    return f" in line {lines[-1]}" if lines else ""


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "no message")


@contextlib.contextmanager
def _surroundings(where: Path) -> Iterator[None]:
    """Everything around the file as a program of its own would find it; all as it was afterwards."""
    silence()
    path, argv, state = list(sys.path), sys.argv, random.getstate()
    logger = logging.getLogger("tensorflow")
    level = logger.level
    sys.path.insert(0, str(where.resolve().parent))
    sys.argv = [str(where)]
    logger.setLevel(logging.ERROR)
    # tf_keras draws the seeds of initializers and dropouts from this generator, and writes them into the graph.
    random.seed(0)
    try:
        with _stdout_to_stderr():
            yield
    finally:
        sys.path[:] = path
        sys.argv = argv
        random.setstate(state)
        logger.setLevel(level)
        sys.modules.pop(_MODULE, None)


@contextlib.contextmanager
def _stdout_to_stderr() -> Iterator[None]:
    """Python's stdout and the process's: TensorFlow and child processes write past Python."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


# --- Recording from the first import on ------------------------------------------------------------------------------


@contextlib.contextmanager
def _recording(locator: LayerLocator) -> Iterator[CallRecorder]:
    """Watch Keras from the moment it is imported.

    In TF 1 graph mode, layers make their ops as they are called; and of a subclassed model Keras 3 does not remember
    all that it was called on.
    """
    with CallRecorder(_default_graph, functions=False) as recorder:

        def watch(keras: ModuleType) -> None:
            if keras.__name__ == "tf_keras":
                _load_graph_mode(keras)
            recorder.watch(layer_base(keras))
            locator.watch(layer_base(keras))

        for name in ("keras", "tf_keras"):
            module = sys.modules.get(name)
            if module is not None:
                watch(module)
        finder = _AfterImport(("keras", "tf_keras"), watch)
        sys.meta_path.insert(0, finder)
        try:
            yield recorder
        finally:
            sys.meta_path.remove(finder)


def _default_graph() -> Any:
    # Keras is first imported while TensorFlow still is: nothing of it can be held on to before the first call.
    import tensorflow as tf

    return tf.compat.v1.get_default_graph()


def _load_graph_mode(tf_keras: Any) -> None:
    """Have tf_keras load its layers of TF 1 graph mode, which it does when the first one is made."""
    import tensorflow as tf

    with tf.Graph().as_default():
        tf_keras.layers.Layer(name="first")


class _AfterImport(importlib.abc.MetaPathFinder):
    """Calls ``then(module)`` right after the first import of each of some modules."""

    def __init__(self, names: Sequence[str], then: Callable[[ModuleType], None]) -> None:
        self._names = names
        self._then = then
        self._looking = False

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname not in self._names or self._looking:
            return None
        self._looking = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._looking = False
        # TensorFlow asks for Keras's spec several times before it imports it.
        if spec is not None and spec.loader is not None:
            spec.loader = _LoaderThen(spec.loader, self._then)
        return spec


class _LoaderThen(importlib.abc.Loader):
    def __init__(self, loader: importlib.abc.Loader, then: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._then = then

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # Nothing else that asks the module for its loader should meet this one.
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._then(module)
