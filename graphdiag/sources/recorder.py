"""Notes which layer makes which op, and what each call is given and returns, while a model is built or traced.

TensorFlow numbers the ops of a graph in the order of their making. So it is enough to note, at the start and at the
end of every layer call, how many ops the graph holds: what was made in between is the innermost layer's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, NamedTuple

from graphdiag.sources.keras_layers import is_network

_DEEPEST_PART = 4


class Leaf(NamedTuple):
    """A tensor of a graph among the arguments or results of a call.

    Attributes:
        place: ``0`` for the first argument, ``0[1]`` inside a list, ``mask`` for one given by name.
        value: The tensor, which may be ragged or sparse.
        parts: The plain tensors that it consists of.
        mask: The mask that Keras keeps on it, or None.
    """

    place: str
    value: Any
    parts: tuple[Any, ...]
    mask: Any


class RecordedCall:
    """One call of a layer.

    Attributes:
        layer: The layer.
        around: The call that was open when it began, or None.
        graph: The graph that ops went to when it began.
        by_model: Whether it was made by Keras's own running of a model, or outside of all calls, rather than by the
            code of another layer.
        runs_model: Whether what it calls is called so.
        given: The tensors of the graph among its arguments; noted only of calls that are made by a model.
        returned: Those that it returned.
    """

    __slots__ = ("around", "by_model", "given", "graph", "layer", "returned", "runs_model")

    def __init__(self, layer: Any, around: RecordedCall | None, graph: Any) -> None:
        self.layer = layer
        self.around = around
        self.graph = graph
        self.by_model: bool = around is None or around.runs_model
        self.runs_model: bool = self.by_model and is_network(layer)
        self.given: tuple[Leaf, ...] = ()
        self.returned: tuple[Leaf, ...] = ()

    def outermost_first(self) -> list[RecordedCall]:
        """The calls that were open while this one was, itself included."""
        chain: list[RecordedCall] = []
        call: RecordedCall | None = self
        while call is not None:
            chain.append(call)
            call = call.around
        return chain[::-1]


class CallRecorder:
    """Wraps ``__call__`` of layer classes for the length of a ``with`` block.

    `watch` is called inside the block, for as many Keras packages as there are. Leaving the block puts every class back
    as it was, whatever happened inside.

    Args:
        default_graph: Gives the graph that ops go to: ``tf.compat.v1.get_default_graph``.
        functions: Whether to note the ops of functions under trace, too, and not only those of plain TF 1 graphs.
    """

    def __init__(self, default_graph: Callable[[], Any], functions: bool) -> None:
        self._default_graph = default_graph
        self._functions = functions
        self._watched: dict[type, Any] = {}
        self._open: list[RecordedCall] = []
        self._calls: dict[Any, list[RecordedCall]] = {}
        self._marks: dict[Any, list[tuple[int, RecordedCall | None]]] = {}
        self._arguments: dict[int, tuple[object, tuple[Any, ...], dict[str, Any]]] = {}

    def __enter__(self) -> CallRecorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for cls, original in self._watched.items():
            cls.__call__ = original  # type: ignore[method-assign]
        self._watched.clear()

    def watch(self, base: type) -> None:
        """Record the calls of a class and of all its subclasses known by now.

        Args:
            base: ``keras.Operation`` or ``tf_keras.layers.Layer``.
        """
        waiting = [base]
        seen: set[type] = set()
        while waiting:
            cls = waiting.pop()
            if cls in seen:
                continue
            seen.add(cls)
            # type.__subclasses__ is a method of the class itself, except for metaclasses.
            waiting.extend(type.__subclasses__(cls))
            original = vars(cls).get("__call__")
            if original is not None and cls not in self._watched:
                self._watched[cls] = original
                cls.__call__ = self._recorded(original)  # type: ignore[method-assign]

    def _recorded(self, original: Callable[..., Any]) -> Callable[..., Any]:
        # functools.wraps also keeps the module's name, by which AutoGraph knows that Keras must not be converted.
        @functools.wraps(original)
        def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
            if self._open and self._open[-1].layer is layer:  # super().__call__(...)
                return original(layer, *args, **kwargs)
            if not self._open:
                self._arguments.setdefault(id(layer), (layer, args, kwargs))
            graph = self._default_graph()
            noted = self._functions or not graph.building_function
            recorded = RecordedCall(layer, self._open[-1] if self._open else None, graph)
            if noted:
                if recorded.by_model:
                    recorded.given = tuple(_arguments(graph, args, kwargs))
                self._calls.setdefault(graph, []).append(recorded)
            self._open.append(recorded)
            self._mark()
            try:
                returned = original(layer, *args, **kwargs)
                if noted and recorded.by_model:
                    recorded.returned = tuple(_leaves(graph, "", returned))
                return returned
            finally:
                self._open.pop()
                self._mark()

        return call

    def _mark(self) -> None:
        graph = self._default_graph()
        if graph.building_function and not self._functions:
            return
        marks = self._marks.setdefault(graph, [])
        size = graph.version
        if marks and marks[-1][0] == size:
            marks.pop()
        marks.append((size, self._open[-1] if self._open else None))

    def makers(self, graph: Any) -> list[RecordedCall | None]:
        """Who made each op of a graph.

        Args:
            graph: A ``tf.Graph`` that was the default graph during recorded calls.

        Returns:
            The innermost call for each op that was made up to the last recorded call, in the order of the graph's ops;
            None for ops made outside of all calls.
        """
        makers: list[RecordedCall | None] = []
        current: RecordedCall | None = None
        for size, call in self._marks.get(graph, ()):
            makers.extend([current] * (size - len(makers)))
            current = call
        return makers

    def calls(self, graph: Any) -> list[RecordedCall]:
        """The calls that began while a graph was the default graph, in this order."""
        return self._calls.get(graph, [])

    def layers(self, graph: Any) -> list[object]:
        """The layers that were called while a graph was the default graph, each once, in the order of their calls."""
        return list({id(call.layer): call.layer for call in self.calls(graph)}.values())

    def arguments(self, layer: Any) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """What a layer was called on first, when it was not called by another layer; None when it never was."""
        _, args, kwargs = self._arguments.get(id(layer), (None, None, None))
        return None if args is None or kwargs is None else (args, kwargs)


def _arguments(graph: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Iterator[Leaf]:
    for position, value in enumerate(args):
        yield from _leaves(graph, str(position), value)
    for name, value in kwargs.items():
        yield from _leaves(graph, name, value)


def _leaves(graph: Any, place: str, value: Any) -> Iterator[Leaf]:
    """The tensors of a graph in a structure; dicts in the order of their keys, as Keras flattens them."""
    if isinstance(value, Mapping):
        for key in sorted(value, key=str):
            yield from _leaves(graph, f"{place}[{key!r}]", value[key])
    elif isinstance(value, (list, tuple)):
        for position, part in enumerate(value):
            yield from _leaves(graph, f"{place}[{position}]", part)
    else:
        parts = tuple(_parts(graph, value, 0))
        if parts:
            yield Leaf(place, value, parts, getattr(value, "_keras_mask", None))


def _parts(graph: Any, value: Any, depth: int) -> Iterator[Any]:
    """A tensor of the graph itself; of a ragged or sparse one its parts, those too that TensorFlow has worked out."""
    if getattr(value, "graph", None) is graph and hasattr(value, "value_index"):
        yield value
    elif depth < _DEEPEST_PART and type(value).__module__.startswith("tensorflow.") and hasattr(value, "__dict__"):
        for inner in vars(value).values():
            if inner is not None and not isinstance(inner, (str, int, float)):
                yield from _parts(graph, inner, depth + 1)
