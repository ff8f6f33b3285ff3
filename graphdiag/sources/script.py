"""Run a Python file, find the Keras model that it builds, and open it."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import re
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

from graphdiag.errors import GraphdiagError, ModelError, SourceError, UsageError
from graphdiag.extras import INSTALL_TENSORFLOW, INSTALL_TF_KERAS
from graphdiag.sources import entry_points
from graphdiag.sources.code_parts import CodePart
from graphdiag.sources.entry_points import BUILDERS, is_model, listed, type_name
from graphdiag.sources.files_aside import FilesAside
from graphdiag.sources.imports_watched import after_import
from graphdiag.sources.keras_model import keras_of, layer_base, open_model
from graphdiag.sources.locator import LayerLocator
from graphdiag.sources.name_scopes import name_scopes
from graphdiag.sources.opened import Opened
from graphdiag.sources.project_modules import ModulePlace, place_of
from graphdiag.sources.recorder import CallRecorder
from graphdiag.sources.surroundings import ArgumentsMissing, ProgramReplaced, surroundings, threads_left_behind
from graphdiag.sources.tf_functions import default_graph, has_op_graph, open_function
from graphdiag.sources.training_stop import RunEnded, TrainingStop

_MODULE = "graphdiag_script"
_BOLD = re.compile(r"\x1b\[[0-9;]*m")
"""How Keras has parts of its messages stand out in a terminal."""
_INSTALL = {"tensorflow": INSTALL_TENSORFLOW, "keras": INSTALL_TENSORFLOW, "tf_keras": INSTALL_TF_KERAS}


def open_script(
    path: str | Path,
    *,
    entry: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    graph: str = "training",
    input_shape: Any = None,
    script_arguments: Sequence[str] = (),
    run_to_end: bool = False,
    place: ModulePlace | None = None,
    parts: Sequence[CodePart] | None = None,
    names: Mapping[str, Any] = MappingProxyType({}),
) -> Opened:
    """Run a Python file and open its model.

    The file runs as a module of its own, or as the module of its package, with its directory and its project's root on
    ``sys.path``, and the random state always the same, so that two runs give the same graph. What it prints goes to
    stderr. The run ends where training would begin (see `graphdiag.sources.training_stop`), and nothing is written
    into the file's directory or the working directory (see `graphdiag.sources.files_aside`).

    Args:
        path: The file.
        entry: Name of the model, or of the function, class or method that makes it. By default the file's ``model``,
            what is trained first, what the one function of `BUILDERS` returns that the file has, or the only model
            that is made; what stands under ``if __name__ == "__main__"`` is run if there is none without it.
        arguments: Arguments for that function, by name. Text is read as a Python literal where it is one. With
            arguments, ``model`` is passed over for a function.
        graph: As for `open_model`.
        input_shape: As for `open_model`.
        script_arguments: The file's command line.
        run_to_end: Whether the file is run as Python runs it: training, writing, and all that it does.
        place: Where the file stands in its project, where that is known.
        parts: The code, where it is not the file's own text: the cells of a notebook.
        names: What names stand for that the code finds without an import.

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
    given = {name: entry_points.literal(value) for name, value in (arguments or {}).items()}
    place = place or place_of(where, source)
    parts = parts if parts is not None else [CodePart(str(where), source)]
    with (
        _directory_aside() as kept,
        surroundings(place, script_arguments, kept),
        LayerLocator(where) as locator,
        _recording(locator) as recorder,
    ):
        with contextlib.ExitStack() as held:
            stop = TrainingStop(locator)
            if not run_to_end:
                held.enter_context(threads_left_behind())
                aside = held.enter_context(FilesAside([str(Path.cwd()), *place.roots], kept))
                locator.written_to(kept)
                held.enter_context(after_import(["tensorflow"], aside.watch_tensorflow))
                held.enter_context(stop)
                held.enter_context(after_import(["tensorflow"], stop.watch_tensorflow))
                held.enter_context(after_import(["keras", "tf_keras"], stop.watch_keras))
            run = _Run(where, parts, place, locator, stop, names)
            model = run.model(entry, given)
        try:
            if keras_of(model) is None:
                opened = open_function(model, str(where), input_shape)
            else:
                opened = open_model(
                    model,
                    graph=graph,
                    input_shape=input_shape,
                    recorder=recorder,
                    locator=locator,
                    batch=stop.ended.batch if stop.ended is not None and stop.ended.model is model else None,
                )
        except ModelError:
            if run.failed is not None:
                raise run.failed from None
            raise
    return replace(
        opened,
        origin=replace(opened.origin, path=str(path), kind="script"),
        notes=(*opened.notes, *_notes(stop, model, run.failed), *(_others(model, locator) if entry is None else ())),
        name_scopes=name_scopes(source, str(path), opened.locations),
    )


def _notes(stop: TrainingStop, model: Any, failed: _RunFailedError | None) -> Iterator[str]:
    """Where the run ended, so that nobody wonders what became of the rest of the file."""
    if failed is not None:
        yield f"{failed.what.rstrip('.')}. What it compiled before, {model.name!r}, is the model here."
    if stop.ended is not None:
        line = f" in line {stop.ended.line[1]} of {stop.ended.line[0]}" if stop.ended.line else ""
        on = f" of {model.name!r}" if stop.ended.model is model else ""
        yield f"The run ended{line}, at {stop.ended.call}{on}; --run-to-end runs all of it, training included."


def _others(model: Any, locator: LayerLocator) -> Iterator[str]:
    """The models that could have been meant instead."""
    others = [one for one in entry_points.outermost(locator.made()) if one.model is not model]
    if others and is_model(model):
        yield f"The file makes {entry_points.several(others)} as well; --entry and its name chooses another model."


# --- Running the file and finding the model --------------------------------------------------------------------------


@dataclass
class _Run:
    """One run of a file: first without its main block, and with it if there is no model yet."""

    where: Path
    parts: Sequence[CodePart]
    place: ModulePlace
    locator: LayerLocator
    stop: TrainingStop
    names: Mapping[str, Any]
    exited: ModelError | None = None
    failed: _RunFailedError | None = None
    module: ModuleType = field(init=False)

    def model(self, entry: str | None, arguments: Mapping[str, Any]) -> Any:
        """The model; if the file fails, the one that it compiled before, with the error in `failed`."""
        try:
            return self._model(entry, arguments)
        except _RunFailedError as error:
            model = None if arguments else self._compiled(entry)
            if model is None:
                raise
            self.failed = error
            return model

    def _model(self, entry: str | None, arguments: Mapping[str, Any]) -> Any:
        self.module = self._execute()
        if entry is not None:
            return self._named(entry, arguments)
        if not arguments:
            found = self._found()
            if found is not None:
                return found
        builders = [name for name in BUILDERS if callable(getattr(self.module, name, None))]
        if len(builders) > 1:
            raise ModelError(f"{self.where} has {listed(builders)}; choose one with --entry.")
        if builders:
            function = getattr(self.module, builders[0])
            can = bool(arguments) or entry_points.is_callable_without_arguments(function)
            if not can and self._run_main():
                found = self._found() or self._only()
                if found is not None:
                    return found
            return self._made_by(builders[0], function, None, arguments)
        if arguments:
            raise UsageError(f"--arg needs a function to call, but {self.where} has none of {listed(BUILDERS)}.")
        found = self._only()
        if found is None and self._run_main():
            found = self._found() or self._only()
        if found is None:
            found = self._without_keras()
        if found is None:
            made = entry_points.outermost(self.locator.made())
            if len(made) > 1 and not _models_of(self.module):
                raise entry_points.ambiguous(str(self.where), made)
            if self.exited:
                raise self.exited
            there = self._there()
            raise ModelError(f"{self.where} has no 'model' and none of {listed(BUILDERS)}; {there}.")
        return found

    def _compiled(self, entry: str | None) -> Any:
        """The model that was compiled, if there is one alone, or one of the name."""
        compiled = self.stop.compiled
        if entry is None and len(compiled) == 1:
            return compiled[0]
        named = getattr(self.module, entry or "model", None)
        return next((model for model in compiled if model is named or model.name == entry), None)

    def _found(self) -> Any:
        """The file's ``model``, or what ended its run."""
        model = getattr(self.module, "model", None)
        if is_model(model):
            return model
        if self.stop.ended is None:
            return None
        return self.stop.ended.model or self._only()

    def _only(self) -> Any:
        """The only model that was made; models that are a part of it do not count."""
        made = entry_points.outermost(self.locator.made())
        return made[0].model if len(made) == 1 else None

    def _without_keras(self) -> Any:
        """What has an op graph though there is no Keras model: the only function or module, or the graph of TF 1."""
        if entry_points.outermost(self.locator.made()):
            return None
        model = getattr(self.module, "model", None)
        if has_op_graph(model):
            return model
        if self.stop.ended is not None and self.stop.ended.graph is not None:
            return self.stop.ended.graph
        found = {id(value): value for value in vars(self.module).values() if has_op_graph(value)}
        return next(iter(found.values())) if len(found) == 1 else default_graph() if not found else None

    def _named(self, entry: str, arguments: Mapping[str, Any]) -> Any:
        while True:
            try:
                thing, holder = entry_points.named(str(self.where), self.module, entry)
                break
            except LookupError:
                models: list[Any] = [one for one, _ in self.locator.made() if is_model(one)]
                made = [model for model in models if model.name == entry]
                if made:
                    return made[-1]
                if self.stop.ended is not None:
                    line = f" in line {self.stop.ended.line[1]}" if self.stop.ended.line else ""
                    raise ModelError(
                        f"{self.where} has no {entry!r} where its run ended{line}, at {self.stop.ended.call}; "
                        "--run-to-end goes on."
                    ) from None
                if not self._run_main():
                    raise ModelError(f"{self.where} has no {entry!r}; {self._there()}.") from None
        if is_model(thing) or has_op_graph(thing):
            if arguments:
                raise UsageError(f"--arg needs a function to call, but {entry!r} of {self.where} is a model.")
            return thing
        held = entry_points.held_by(thing)
        if len(held) == 1 and not arguments:
            return held[0]
        if not callable(thing):
            there = self._there(held)
            raise ModelError(
                f"{entry!r} of {self.where} is of type {type_name(thing)}, which is not a Keras model; {there}."
            )
        return self._made_by(entry, thing, holder, arguments)

    def _there(self, models: Sequence[Any] = ()) -> str:
        made = models or [one.model for one in entry_points.outermost(self.locator.made())]
        return entry_points.candidates(self.module, [model.name for model in made])

    def _made_by(self, entry: str, function: Callable[..., Any], holder: Any, arguments: Mapping[str, Any]) -> Any:
        made = self._until_training(lambda: self._call(entry, function, holder, arguments))
        if made is None and self.stop.ended is not None:
            made = self._found()
        if keras_of(made) is None and isinstance(made, (tuple, list)):
            models = [part for part in made if is_model(part)]
            made = models[0] if len(models) == 1 else made
        if keras_of(made) is None and not has_op_graph(made):
            raise ModelError(
                f"{entry}() of {self.where} returned an object of type {type_name(made)}, which is not a Keras model."
            )
        return made

    def _call(self, entry: str, function: Callable[..., Any], holder: Any, arguments: Mapping[str, Any]) -> Any:
        def run(action: Callable[[], Any]) -> Any:
            return _guarded(self.where, action)

        return entry_points.call(str(self.where), entry, function, holder, arguments, run)

    def _until_training(self, action: Callable[[], Any]) -> Any:
        """What an action gives; ``None`` if it would train, or ends the program without an error."""
        try:
            return action()
        except RunEnded:
            return None
        except _ExitError as error:
            if not error.clean:
                raise
            self.exited = error
            return None

    def _execute(self) -> ModuleType:
        codes = [part.compiled() for part in self.parts]
        module = ModuleType(self.place.name or self._module_name())
        module.__file__ = str(self.where)
        vars(module).update(self.names)
        self.module = module

        def execute() -> None:
            nonlocal module
            if self.place.name:
                module = _in_package(self.place, module)
            else:
                # Dataclasses and pickling look their module up by name.
                sys.modules[module.__name__] = module
            for code in codes if module.__spec__ is None else ():
                exec(code, vars(module))

        self._until_training(lambda: _guarded(self.where, execute))
        return module

    def _module_name(self) -> str:
        """A name by which processes that the file starts can import it, as multiprocessing does."""
        name = self.where.stem
        try:
            found = importlib.util.find_spec(name) if name.isidentifier() and name not in sys.modules else None
        except (ImportError, ValueError):
            found = None
        origin = None if found is None else found.origin
        is_own = origin is not None and os.path.isfile(origin) and os.path.samefile(origin, self.where)
        return name if is_own else _MODULE

    def _run_main(self) -> bool:
        """Run what stands under ``if __name__ == "__main__"``, once; whether there is any."""
        if self.stop.ended is not None or getattr(self, "_main_ran", False):
            return False
        self._main_ran = True
        blocks = [block for part in self.parts for block in [part.main_block()] if block is not None]
        if not blocks:
            return False

        def execute() -> None:
            for block in blocks:
                exec(block, vars(self.module))

        name = self.module.__name__
        vars(self.module)["__name__"] = "__main__"
        try:
            self._until_training(lambda: _guarded(self.where, execute))
        finally:
            vars(self.module)["__name__"] = name
        return True


def _models_of(module: ModuleType) -> list[str]:
    return [name for name, value in vars(module).items() if is_model(value)]


def _in_package(place: ModulePlace, module: ModuleType) -> ModuleType:
    """Put a module into its package, which is imported first; the one that the package has made of the file itself."""
    parent = place.name.rpartition(".")[0]
    is_package = place.file.name == "__init__.py"
    package = importlib.import_module(parent) if parent else None
    if place.name in sys.modules:
        return sys.modules[place.name]
    module.__package__ = place.name if is_package else parent
    if is_package:
        module.__path__ = [str(place.file.resolve().parent)]
    sys.modules[place.name] = module
    if package is not None:
        setattr(package, place.name.rpartition(".")[2], module)
    return module


class _RunFailedError(ModelError):
    """The file fails while it runs.

    Attributes:
        what: What happened, without what to do about it.
    """

    def __init__(self, message: str, what: str | None = None) -> None:
        super().__init__(message)
        self.what = what or message


class _ExitError(_RunFailedError):
    """The file ends the program.

    Attributes:
        clean: Whether without an error.
    """

    def __init__(self, message: str, what: str, clean: bool) -> None:
        super().__init__(message, what)
        self.clean = clean


def _guarded(where: Path, action: Callable[[], Any]) -> Any:
    try:
        return action()
    except GraphdiagError:
        raise
    except ArgumentsMissing as error:
        raise ModelError(
            f"{where} needs arguments: {error.said}. Give them after --: graphdiag compare {where} -- {error.usage}"
        ) from error
    except ProgramReplaced as error:
        raise ModelError(
            f"{where} puts another program in its place{_at(where, error)}, which graphdiag does not follow; set in "
            "the shell what it sets, so that it need not."
        ) from error
    except SystemExit as error:
        what = f"{where} ends the program{_at(where, error)} (exit status {error.code!r})"
        raise _ExitError(
            f"{what} before it gives a model; arguments that it needs go after --: graphdiag compare {where} -- "
            "ARGUMENTS.",
            what,
            clean=error.code in (None, 0),
        ) from error
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _INSTALL:
            raise _RunFailedError(
                f"{where} needs {error.name!r}{_at(where, error)}, which is not installed."
            ) from error
        raise _RunFailedError(
            f"{where} needs {package}{_at(where, error)}, which is not installed: {_INSTALL[package]}"
        ) from error
    except EOFError as error:
        raise _RunFailedError(
            f"{where} asks for input{_at(where, error)}, and standard input has none; give it with a pipe."
        ) from error
    except Exception as error:  # the user's own code runs here, and may raise anything
        if isinstance(error, (IndexError, ValueError)) and _takes_arguments(where, error):
            raise _RunFailedError(
                f"{where} needs arguments{_at(where, error)}: {_reason(error)}. Give them after --: "
                f"graphdiag compare {where} -- ARGUMENTS"
            ) from error
        raise _RunFailedError(f"{where} raises {type(error).__name__}{_at(where, error)}: {_reason(error)}") from error


def _at(where: Path, error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame for frame in frames if frame.filename == str(where) or frame.filename.startswith(f"{where} (cell ")]
    if not lines:
        return ""
    cell = lines[-1].filename.removeprefix(str(where)).strip(" ()")
    return f" in line {lines[-1].lineno}{f' of {cell}' if cell else ''}"


def _takes_arguments(where: Path, error: BaseException) -> bool:
    """Whether an error comes from a line that looks for an argument that is not there: ``int(sys.argv[1])``."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    missing = isinstance(error, IndexError) or "to unpack" in str(error)
    return missing and last.filename == str(where) and "argv" in (last.line or "")


def _reason(error: BaseException) -> str:
    """The line of an error's message that tells what went wrong; Keras puts the call that failed before it."""
    text = str(error.args[0]) if len(error.args) == 1 else str(error)
    text = _BOLD.sub("", text if "\n" in text else str(error))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    in_call = len(lines) > 1 and lines[0].startswith("Exception encountered when calling")
    return " ".join(lines[: 2 if in_call else 1]) or "no message"


@contextlib.contextmanager
def _directory_aside() -> Iterator[str]:
    """A directory for what the file writes, until its model is traced: TensorFlow looks at the code of layers then."""
    directory = os.path.realpath(tempfile.mkdtemp(prefix="graphdiag-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


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
            # Another backend of Keras 3 makes no ops, and may be installed without TensorFlow.
            if keras.__name__ == "tf_keras" or keras.backend.backend() == "tensorflow":
                recorder.watch(layer_base(keras))
            locator.watch(layer_base(keras))

        with after_import(["keras", "tf_keras"], watch):
            yield recorder


def _default_graph() -> Any:
    # Keras is first imported while TensorFlow still is: nothing of it can be held on to before the first call.
    import tensorflow as tf

    return tf.compat.v1.get_default_graph()


def _load_graph_mode(tf_keras: Any) -> None:
    """Have tf_keras load its layers of TF 1 graph mode, which it does when the first one is made."""
    import tensorflow as tf

    with tf.Graph().as_default():
        tf_keras.layers.Layer(name="first")
