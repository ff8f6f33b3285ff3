"""What is true of a model, found by running it.

Keras gives each call of a layer certain tensors. All of them are recorded in one run, and given again in the next, to
every call but one: that call gets other values (or its layer gets other weights). Whatever call then returns something
else depends on what the changed one computes, in a way that Keras does not know.
"""

from __future__ import annotations

import os
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

Pair = tuple[str, str]
Call = tuple[str, int]
"""A layer's id, and which of its calls in one run."""

BATCH = 3
INT_RANGE = 4
"""Int inputs are drawn from 0 up to here."""
SEEN = 1e-6
"""What differs by less is the same: the kernels of a CPU sum in any order."""


@dataclass(frozen=True)
class Observed:
    """What depends on what although the tensors that Keras gives stay the same.

    Attributes:
        activations: Layers whose inputs were changed, with the layers that then returned something else.
        parameters: Layers whose weights were changed, likewise; pairs of ``activations`` are left out.
        next_call: As ``activations``, but the other layer returned something else in the next run of the model.
        calls: How often each layer is called in one run.
    """

    activations: frozenset[Pair]
    parameters: frozenset[Pair]
    next_call: frozenset[Pair]
    calls: Mapping[str, int]


def load(path: str | Path) -> ModuleType:
    """Run a Python file that builds a model.

    Args:
        path: The file.

    Returns:
        Its module; ``model`` is the model.
    """
    module = ModuleType("model_file")
    module.__file__ = str(path)
    sys.modules["model_file"] = module
    random.seed(0)
    with redirect_stdout(sys.stderr):
        exec(compile(Path(path).read_text(encoding="utf-8"), str(path), "exec"), vars(module))
    return module


def observe(path: str | Path, training: bool = True, thorough: bool = True) -> Observed:
    """Run the model of a file, again and again, with one call changed each time.

    Args:
        path: A Python file with a Functional ``model``: of Keras 3, tf_keras, or tf_keras in TF 1 graph mode.
        training: Value of the ``training`` argument; in TF 1 graph mode the graph decides.
        thorough: Whether to change every call and every layer's weights on its own. Else, of an eager model, only calls
            of the file's own layers are changed, as Keras's own keep nothing for others; and weights all at once,
            unless a layer without weights then returns something else.

    Returns:
        What depends on what.
    """
    if tf.compat.v1.executing_eagerly_outside_functions():
        return _Eager(load(path), training).observed(thorough)
    with tf.Graph().as_default():
        return _Session(path).observed()


def leaves(model: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Layers that Keras calls one by one, with their ids: those of nested models have a path.

    Args:
        model: A Functional or Sequential model.
        path: What ids begin with.
    """
    for layer in getattr(model, "operations", None) or model.layers:
        if (
            hasattr(layer, "get_layer")
            and (hasattr(layer, "_nodes") or hasattr(layer, "_nodes_by_depth"))
            and layer.layers
        ):
            yield from leaves(layer, f"{path}{layer.name}/")
        else:
            yield f"{path}{layer.name}", layer


def named(model: Any) -> list[tuple[Any, str]]:
    """Each layer of `leaves` once, with a name of its own."""
    names: dict[str, Any] = {}
    for name, layer in leaves(model):
        if not any(layer is known for known in names.values()):
            names[name if name not in names else f"{name} (2)"] = layer
    return [(layer, name) for name, layer in names.items()]


def flatten(structure: Any) -> list[Any]:
    return tf.nest.flatten(structure, expand_composites=True)


def numbers(value: Any) -> Any:
    return value.numpy() if hasattr(value, "numpy") else value


def is_value(value: Any) -> bool:
    return tf.is_tensor(value) and value.dtype not in (tf.resource, tf.variant)


def other(value: Any, seed: int) -> Any:
    """Other numbers of the same shape and dtype."""
    rng = np.random.default_rng(seed)
    value = np.asarray(value)
    if value.dtype.kind == "f":
        changed = (value + rng.normal(1.0, 0.5, value.shape)).astype(value.dtype)
        if value.ndim > 2:
            changed[:, 0] = 0  # a step that Masking masks
        return changed
    if value.dtype == bool:
        return ~value
    if value.dtype.kind in "iu":
        return value ^ value.dtype.type(1)
    return value


def differ(left: Any, right: Any) -> bool:
    if np.shape(left) != np.shape(right):
        return True
    left, right = np.asarray(left), np.asarray(right)
    if left.dtype.kind != "f":
        return bool((left != right).any())
    return not np.allclose(left, right, rtol=SEEN, atol=SEEN, equal_nan=True)


@dataclass
class Run:
    """What each call was given and returned, as arrays."""

    given: dict[Call, list[Any]] = field(default_factory=dict)
    returned: dict[Call, list[Any]] = field(default_factory=dict)


def _pairs(before: Run, after: Run, source: Call) -> set[Pair]:
    return {
        (source[0], call[0])
        for call, values in before.returned.items()
        if call != source and any(differ(*both) for both in zip(values, after.returned.get(call, ()), strict=False))
    }


def _readers(before: Run, after: Run, holders: Sequence[str]) -> set[Pair]:
    """Layers that a variable changes although they do not track it; of a variable of no layer, ``*`` is the source."""
    changed = {reader for _, reader in _pairs(before, after, ("", -1))}
    return {(holder, reader) for reader in changed.difference(holders) for holder in holders or ["*"]}


class _Eager:
    def __init__(self, module: ModuleType, training: bool) -> None:
        self.model = module.model
        self.module = module.__name__
        self.training = training
        self.layers = {name: layer for layer, name in named(self.model)}
        self.changed: Call | None = None
        self.replay: Run | None = None
        self.run = Run()
        self.depth = 0
        self.count: dict[str, int] = defaultdict(int)
        for name, layer in self.layers.items():
            self._instrument(name, layer)
        self.inputs = numbers_for(self.model)
        seen = {
            id(v): v for v in [*self.model.variables, *_variables_of([*vars(module).values(), *self.layers.values()])]
        }
        self.variables = list(seen.values())
        self.kept = [variable.numpy() for variable in self.variables]
        # tf_keras counts seeds up in Python.
        found = (getattr(layer, "_random_generator", None) for layer in self.layers.values())
        self.generators = [(generator, generator._seed) for generator in found if hasattr(generator, "_seed")]
        # What is left from run to run: variables that a run writes, and what only a file of its own can say.
        self.stateful = getattr(module, "STATEFUL", False) or self._writes()

    def _instrument(self, name: str, layer: Any) -> None:
        original, original_mask = layer.call, getattr(layer, "compute_mask", None)
        swapped: dict[int, Any] = {}

        def call(*args: Any, **kwargs: Any) -> Any:
            if self.depth or not tf.executing_eagerly():
                return original(*args, **kwargs)
            key = (name, self.count[name])
            self.count[name] += 1
            flat = flatten((args, kwargs))
            places = [place for place, value in enumerate(flat) if is_value(value)]
            self.run.given[key] = [flat[place].numpy() for place in places]
            swapped.clear()
            if self.replay is not None:
                values = self.replay.given[key]
                for number, (place, value) in enumerate(zip(places, values, strict=True)):
                    # Row splits and the like are shapes; others would be none.
                    ragged = flat[place].dtype == tf.int64 and any(
                        isinstance(part, tf.RaggedTensor) for part in tf.nest.flatten((args, kwargs))
                    )
                    new = other(value, number) if key == self.changed and not ragged else value
                    tensor = tf.convert_to_tensor(new)
                    if hasattr(flat[place], "_keras_mask"):
                        tensor._keras_mask = flat[place]._keras_mask
                    swapped[id(flat[place])] = tensor
                    flat[place] = tensor
                args, kwargs = tf.nest.pack_sequence_as((args, kwargs), flat, expand_composites=True)
            self.depth += 1
            try:
                result = original(*args, **kwargs)
            finally:
                self.depth -= 1
            self.run.returned[key] = [value.numpy() for value in flatten(result) if is_value(value)]
            return result

        def compute_mask(inputs: Any, *args: Any, **kwargs: Any) -> Any:
            if self.depth or not tf.executing_eagerly():
                return original_mask(inputs, *args, **kwargs)
            return original_mask(
                tf.nest.map_structure(lambda value: swapped.get(id(value), value), inputs), *args, **kwargs
            )

        object.__setattr__(layer, "call", call)
        if original_mask is not None:
            object.__setattr__(layer, "compute_mask", compute_mask)

    def _once(self, changed: Call | None, replay: Run | None) -> Run:
        self.changed, self.replay, self.run = changed, replay, Run()
        self.count.clear()
        self.model(self.inputs, training=self.training)
        return self.run

    def _writes(self) -> bool:
        self._once(None, None)
        return any(differ(variable.numpy(), value) for variable, value in zip(self.variables, self.kept, strict=True))

    def _restore(self) -> None:
        for variable, value in zip(self.variables, self.kept, strict=True):
            variable.assign(value)
        for generator, state in self.generators:
            generator._seed = state
        tf.random.set_seed(1)
        np.random.seed(1)
        random.seed(1)

    def _runs(self, changed: Call | None, replay: Run, weights: Sequence[Any] = ()) -> list[Run]:
        """One run with something changed; if anything is left from run to run, there is one before and one after it."""
        self._restore()
        if self.stateful:
            self._once(None, replay)
        kept = [variable.numpy() for variable in weights]
        for number, variable in enumerate(weights):
            variable.assign(other(kept[number], number))
        found = [self._once(changed, replay)]
        for variable, value in zip(weights, kept, strict=True):
            variable.assign(value)
        return [*found, self._once(None, replay)] if self.stateful else found

    def observed(self, thorough: bool) -> Observed:
        self._restore()
        replay = self._once(None, None)
        base = self._runs(None, replay)
        activations: set[Pair] = set()
        following: set[Pair] = set()
        own = {name for name, layer in self.layers.items() if type(layer).__module__ == self.module}
        for call in replay.given:
            if not thorough and call[0] not in own:
                continue
            runs = self._runs(call, replay)
            activations |= _pairs(base[0], runs[0], call)
            if self.stateful:
                following |= _pairs(base[1], runs[1], (call[0], -1))
        by_holders: dict[tuple[str, ...], list[Any]] = defaultdict(list)
        of_model = {id(variable) for variable in self.model.variables}
        tracked = {
            name: {id(variable) for variable in getattr(layer, "weights", ())} for name, layer in self.layers.items()
        }
        for variable in self.variables:
            holders = tuple(name for name, held in tracked.items() if id(variable) in held)
            if holders or id(variable) not in of_model:
                by_holders[holders].append(variable)
        parameters: set[Pair] = set()
        if not thorough:
            weighty = [name for name, held in tracked.items() if held]
            every = [variable for variables in by_holders.values() for variable in variables]
            if not _readers(base[0], self._runs(None, replay, every)[0], weighty):
                by_holders.clear()
        for holders, variables in by_holders.items():
            parameters |= _readers(base[0], self._runs(None, replay, variables)[0], holders)
        calls: dict[str, int] = defaultdict(int)
        for name, _ in replay.given:
            calls[name] += 1
        itself = {(name, name) for name in self.layers}
        return Observed(
            frozenset(activations),
            frozenset(parameters - activations),
            frozenset(following - activations - itself),
            dict(calls),
        )


def numbers_for(model: Any) -> Any:
    """Numbers to call an eager Functional model on, the same at every run."""
    rng = np.random.default_rng(0)
    structure = getattr(model, "_inputs_struct", getattr(model, "_nested_inputs", None))
    return tf.nest.map_structure(lambda tensor: _fed(tensor, rng), model.inputs if structure is None else structure)


def _fed(tensor: Any, rng: np.random.Generator) -> Any:
    """Numbers for a model's input."""
    spec = getattr(tensor, "type_spec", None)
    if isinstance(spec, tf.RaggedTensorSpec):
        rows = [rng.normal(size=(length, *spec.shape[2:])).astype("float32") for length in (2, 1, 3)]
        return tf.RaggedTensor.from_row_lengths(tf.concat(rows, 0), [2, 1, 3])
    shape = [BATCH, *(5 if size is None else size for size in tensor.shape[1:])]
    return tf.constant(_random(shape, tf.as_dtype(tensor.dtype), rng))


def _random(shape: Sequence[int], dtype: Any, rng: np.random.Generator) -> Any:
    if dtype.is_integer:
        return rng.integers(0, INT_RANGE, shape).astype(dtype.as_numpy_dtype)
    if dtype.is_bool:
        return rng.integers(0, 2, shape).astype(bool)
    values = rng.normal(0.5, 1.0, shape).astype(dtype.as_numpy_dtype)
    if len(shape) > 2:
        values[0, -1] = 0
    return values


def _variables_of(things: Iterable[Any]) -> Iterator[Any]:
    """The variables among some things, and those that layers hold as attributes, tracked or not."""
    for thing in things:
        if isinstance(thing, tf.Variable) or type(thing).__name__ == "Variable":
            yield thing
        elif hasattr(thing, "weights"):
            yield from (held for held in vars(thing).values() if isinstance(held, tf.Variable))


class _Session:
    """A TF 1 graph: each call is given placeholders, whose defaults are the tensors that Keras gives."""

    def __init__(self, path: str | Path) -> None:
        import tf_keras
        from tf_keras.src import backend

        self.given: dict[Call, list[Any]] = {}
        self.returned: dict[Call, list[Any]] = {}
        self.names: dict[int, str] = {}
        self.objects: list[Any] = []
        self.depth = 0
        self.count: dict[int, int] = defaultdict(int)
        self.calls: dict[tuple[int, int], tuple[list[Any], list[Any]]] = {}
        with self._instrumented(tf_keras):
            self.model = load(path).model
        self.names = {id(layer): name for layer, name in named(self.model)}
        # With more threads, an op that reads a variable runs now before, now after another that writes to it.
        one_thread = tf.compat.v1.ConfigProto(inter_op_parallelism_threads=1, intra_op_parallelism_threads=1)
        backend.set_session(tf.compat.v1.Session(config=one_thread))
        self.session = backend.get_session()
        self.session.run(tf.compat.v1.global_variables_initializer())

    @contextmanager
    def _instrumented(self, keras: Any) -> Iterator[None]:
        from tf_keras.src.engine import base_layer_v1

        base = keras.layers.Layer

        bases = [base, base_layer_v1.Layer]
        originals = [(cls, cls.__call__) for cls in bases]
        for cls, original in originals:
            cls.__call__ = self._wrapped(original)
        try:
            yield
        finally:
            for cls, original in originals:
                cls.__call__ = original

    def _wrapped(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def __call__(layer: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
            if not hasattr(layer, "get_layer") and "call" not in vars(layer):
                self._instrument(layer)
            return original(layer, *args, **kwargs)

        return __call__

    def _instrument(self, layer: Any) -> None:
        original = layer.call
        self.objects.append(layer)

        def call(*args: Any, **kwargs: Any) -> Any:
            if self.depth:
                return original(*args, **kwargs)
            key = (id(layer), self.count[id(layer)])
            self.count[id(layer)] += 1
            flat = flatten((args, kwargs))
            given = []
            for place, value in enumerate(flat):
                if is_value(value):
                    flat[place] = tf.compat.v1.placeholder_with_default(value, value.shape)
                    if hasattr(value, "_keras_mask"):
                        flat[place]._keras_mask = value._keras_mask
                    given.append(flat[place])
            args, kwargs = tf.nest.pack_sequence_as((args, kwargs), flat, expand_composites=True)
            self.depth += 1
            try:
                result = original(*args, **kwargs)
            finally:
                self.depth -= 1
            self.calls[key] = (given, [tf.identity(value) for value in flatten(result) if is_value(value)])
            return result

        object.__setattr__(layer, "call", call)

    def observed(self) -> Observed:
        inputs = {tensor.op.name for tensor in flatten(self.model.inputs)}
        graph = self.model.inputs[0].graph
        rng = np.random.default_rng(0)
        feeds = {
            tensor: _random([size or BATCH for size in (tensor.shape.as_list() or [])], tensor.dtype, rng)
            for op in graph.get_operations()
            if op.type == "Placeholder"
            for tensor in op.outputs
            if op.name in inputs or tensor.dtype != tf.resource
        }
        calls: dict[Call, tuple[list[Any], list[Any]]] = {}
        number: dict[str, int] = defaultdict(int)
        for (layer, _), (given, returned) in self.calls.items():
            name = self.names.get(layer)
            if name is not None and _fed_by(given, inputs):
                calls[name, number[name]] = (given, returned)
                number[name] += 1
        fetches = {str(call): returned for call, (_, returned) in calls.items()}
        values = self.session.run({str(call): given for call, (given, _) in calls.items()}, feeds)
        replay = {call: values[str(call)] for call in calls}

        def run(changed: Call | None) -> Run:
            fed = dict(feeds)
            for call, (given, _) in calls.items():
                for place, (tensor, value) in enumerate(zip(given, replay[call], strict=True)):
                    fed[tensor] = other(value, place) if call == changed else value
            found = self.session.run(fetches, fed)
            return Run({}, {call: found[str(call)] for call in calls})

        base = run(None)
        activations: set[Pair] = set()
        for call in calls:
            activations |= _pairs(base, run(call), call)
        parameters: set[Pair] = set()
        layers = {self.names[id(layer)]: layer for layer in self.objects if id(layer) in self.names}
        for variable in tf.compat.v1.global_variables():
            holders = [name for name, layer in layers.items() if any(variable is held for held in layer.weights)]
            if holders or not any(variable is held for held in self.model.weights):
                kept = self.session.run(variable)
                variable.load(other(kept, 0), self.session)
                parameters |= _readers(base, run(None), holders)
                variable.load(kept, self.session)
        return Observed(frozenset(activations), frozenset(parameters - activations), frozenset(), dict(number))


def _fed_by(tensors: Sequence[Any], inputs: set[str]) -> bool:
    """Whether tensors depend on no placeholder but a model's inputs: those of a nested model are never fed."""
    waiting = [tensor.op for tensor in tensors]
    seen = set()
    while waiting:
        op = waiting.pop()
        if op.name in seen:
            continue
        seen.add(op.name)
        if op.type == "Placeholder" and op.name not in inputs:
            return False
        waiting += [tensor.op for tensor in op.inputs]
    return True
