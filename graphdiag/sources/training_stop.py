"""End the run of a script where its training would begin: the model is there by then, and it is all that is wanted.

Models that are compiled are noted: they are finished, whatever becomes of the script after that.

While a script runs, the methods by which a model is trained, evaluated, asked for predictions or saved end the run
instead of doing their work, and so do an optimizer's step, which is where a training loop of one's own begins, a
TF 1 session that runs anything but initializers, and, as a loop needs no optimizer, a gradient that a line takes again.
The end is an exception that ``except Exception`` does not catch.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType, ModuleType, TracebackType
from typing import Any

from graphdiag.sources.keras_model import keras_of
from graphdiag.sources.locator import LayerLocator
from graphdiag.sources.opened import SourceLine
from graphdiag.sources.training_data import batch_specs

MODEL_METHODS = (
    "fit",
    "fit_generator",
    "train_on_batch",
    "evaluate",
    "evaluate_generator",
    "test_on_batch",
    "predict",
    "predict_generator",
    "predict_on_batch",
    "save",
    "save_weights",
    "export",
)
"""Methods of a Keras model that end the run."""

_WITHOUT_DATA = frozenset({"save", "save_weights", "export"})
_OPTIMIZER_METHODS = ("apply_gradients", "apply", "minimize")
_SAVERS = (
    ("keras.saving", "save_model"),
    ("keras.models", "save_model"),
    ("tf_keras.saving", "save_model"),
    ("tf_keras.models", "save_model"),
)
_OF_TENSORFLOW = (
    ("tensorflow.saved_model", "", "save"),
    ("tensorflow.python.checkpoint.checkpoint", "Checkpoint", "save"),
    ("tensorflow.python.checkpoint.checkpoint", "Checkpoint", "write"),
    ("tensorflow.python.checkpoint.checkpoint_management", "CheckpointManager", "save"),
    ("tensorflow.python.training.saver", "Saver", "save"),
)
_INITIALIZER = re.compile(r"init(_all_tables|ializer)?(_[0-9]+)?|Assign(_[0-9]+)?|group_deps(_[0-9]+)?")
_SESSION = "tensorflow.python.client.session"
_TAPE = "tensorflow.python.eager.backprop"


class RunEnded(BaseException):
    """The end of a script's run.

    Attributes:
        call: What was called: ``fit``.
        model: The Keras model that it was called on; ``None`` where it was no model.
        line: The line of the user's code that called it, if it is known.
        graph: The graph of the TF 1 session that was to run; ``None`` elsewhere.
        batch: What the model takes of a batch, if it was to be built by this call: see `batch_specs`.
    """

    def __init__(
        self, call: str, model: Any, line: SourceLine | None, graph: Any = None, batch: Any | None = None
    ) -> None:
        super().__init__(call)
        self.graph = graph
        self.batch = batch
        self.call = call
        self.model = model
        self.line = line


class TrainingStop:
    """Makes training and saving raise `RunEnded` for the length of a ``with`` block.

    Args:
        locator: Knows which code is the user's own.

    Attributes:
        ended: What ended the run; ``None`` while nothing did.
        compiled: The models that were compiled, each once, in this order.
    """

    def __init__(self, locator: LayerLocator) -> None:
        self._locator = locator
        self._changed: list[tuple[Any, str, Any]] = []
        self.compiled: list[Any] = []
        self.ended: RunEnded | None = None

    def __enter__(self) -> TrainingStop:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for owner, name, original in reversed(self._changed):
            if original is None:
                delattr(owner, name)
            else:
                setattr(owner, name, original)
        self._changed.clear()

    def watch_keras(self, keras: ModuleType) -> None:
        """Change a Keras package that was just imported."""
        self._replace_methods(keras.Model, MODEL_METHODS, direct=False)
        self._set(keras.Model, "compile", self._noting(keras.Model.compile))
        for place in (keras.optimizers, getattr(keras.optimizers, "legacy", None)):
            optimizer = getattr(place, "Optimizer", None)
            if optimizer is not None:
                self._replace_methods(optimizer, _OPTIMIZER_METHODS, direct=True)
        for module_name, name in _SAVERS:
            module = sys.modules.get(module_name)
            if module_name.startswith(f"{keras.__name__}.") and hasattr(module, name):
                self._replace(module, name, direct=False)

    def watch_tensorflow(self, tensorflow: ModuleType) -> None:
        """Change TensorFlow, which was just imported."""
        for module_name, class_name, name in _OF_TENSORFLOW:
            owner: Any = getattr(tensorflow, "saved_model", None) if not class_name else sys.modules.get(module_name)
            owner = getattr(owner, class_name, None) if class_name else owner
            if hasattr(owner, name):
                self._replace(owner, name, direct=True)
        session = getattr(sys.modules.get(_SESSION), "BaseSession", None)
        if session is not None:
            self._set(session, "run", self._running(session.run))
        tape = getattr(sys.modules.get(_TAPE), "GradientTape", None)
        if tape is not None:
            self._set(tape, "gradient", self._differentiating(tape.gradient, tensorflow.executing_eagerly))

    def _replace_methods(self, base: type, names: tuple[str, ...], direct: bool) -> None:
        for cls in _with_subclasses(base):
            for name in names:
                if name in vars(cls) or (cls is base and hasattr(cls, name)):
                    self._replace(cls, name, direct)

    def _replace(self, owner: Any, name: str, direct: bool) -> None:
        self._set(owner, name, self._ending(name, getattr(owner, name), direct))

    def _set(self, owner: Any, name: str, replacement: Callable[..., Any]) -> None:
        self._changed.append((owner, name, vars(owner).get(name)))
        setattr(owner, name, replacement)

    def _ending(self, name: str, original: Callable[..., Any], direct: bool) -> Callable[..., Any]:
        """A function that ends the run; with ``direct`` only where the user's own code calls it."""

        @functools.wraps(original)
        def end(*args: Any, **kwargs: Any) -> Any:
            caller = sys._getframe(1)
            if direct and not self._is_own(caller):
                return original(*args, **kwargs)
            model = args[0] if args and keras_of(args[0]) else None
            builds = model is not None and not model.built and name not in _WITHOUT_DATA
            raise self._end(name, model, caller, batch=batch_specs(_data(args, kwargs)) if builds else None)

        return end

    def _noting(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Notes which model is compiled."""

        @functools.wraps(original)
        def compile_(model: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(model, *args, **kwargs)
            if not any(model is other for other in self.compiled):
                self.compiled.append(model)
            return result

        return compile_

    def _running(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def run(session: Any, fetches: Any, *args: Any, **kwargs: Any) -> Any:
            caller = sys._getframe(1)
            if _only_initializes(fetches) or not self._is_own(caller):
                return original(session, fetches, *args, **kwargs)
            raise self._end("Session.run", None, caller, session.graph)

        return run

    def _differentiating(self, original: Callable[..., Any], is_eager: Callable[[], bool]) -> Callable[..., Any]:
        """Ends the run where a line takes a second gradient; a layer's own code may take one wherever it is called."""
        lines: set[tuple[str, int]] = set()

        @functools.wraps(original)
        def gradient(*args: Any, **kwargs: Any) -> Any:
            caller = sys._getframe(1)
            line = caller.f_code.co_filename, caller.f_lineno
            if not is_eager() or not self._is_own(caller) or caller.f_code.co_name == "call":
                return original(*args, **kwargs)
            if line in lines:
                raise self._end("gradient", None, caller)
            lines.add(line)
            return original(*args, **kwargs)

        return gradient

    def _end(self, call: str, model: Any, frame: FrameType, graph: Any = None, batch: Any | None = None) -> RunEnded:
        # A bare `except:` of the user's may catch it and go on; what ended the run first is what counts.
        self.ended = self.ended or RunEnded(call, model, self._locator.line_of_frame(frame), graph, batch)
        return self.ended

    def _is_own(self, frame: FrameType) -> bool:
        """Whether a frame is the user's code, or what AutoGraph made of it."""
        name = frame.f_code.co_filename
        return self._locator.is_own(name) or os.sep + "autograph" + os.sep in name


def _data(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The inputs among the arguments of ``fit`` and the like, of which the first is the model."""
    if len(args) > 1:
        return args[1]
    return next((kwargs[name] for name in ("x", "generator") if name in kwargs), None)


def _only_initializes(fetches: Any) -> bool:
    """Whether a session is asked for initializers only: what ``tf.global_variables_initializer`` and others make."""
    parts = fetches if isinstance(fetches, (list, tuple)) else [fetches]
    return all(_INITIALIZER.fullmatch(str(getattr(part, "name", "")).rpartition("/")[2]) for part in parts)


def _with_subclasses(base: type) -> Iterator[type]:
    """A class and its subclasses known by now, each once."""
    waiting, seen = [base], set[type]()
    while waiting:
        cls = waiting.pop()
        if cls not in seen:
            seen.add(cls)
            waiting.extend(type.__subclasses__(cls))
            yield cls
