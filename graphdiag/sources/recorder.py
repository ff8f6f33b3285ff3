"""Notes which layer makes which op, while a model is built or traced.

TensorFlow numbers the ops of a graph in the order of their making. So it is enough to note, at the start and at the
end of every layer call, how many ops the graph holds: what was made in between is the innermost layer's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import TracebackType
from typing import Any

Chain = tuple[object, ...]
"""The layers whose calls are open, outermost first."""


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
        self._open: list[object] = []
        self._marks: dict[Any, list[tuple[int, Chain]]] = {}
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
            if self._open and self._open[-1] is layer:  # super().__call__(...)
                return original(layer, *args, **kwargs)
            if not self._open:
                self._arguments.setdefault(id(layer), (layer, args, kwargs))
            self._open.append(layer)
            self._mark()
            try:
                return original(layer, *args, **kwargs)
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
        marks.append((size, tuple(self._open)))

    def makers(self, graph: Any) -> list[Chain]:
        """Who made each op of a graph.

        Args:
            graph: A ``tf.Graph`` that was the default graph during recorded calls.

        Returns:
            One chain for each op that was made up to the last recorded call, in the order of the graph's ops; the
            empty chain for ops made outside of all calls.
        """
        chains: list[Chain] = []
        current: Chain = ()
        for size, chain in self._marks.get(graph, ()):
            chains.extend([current] * (size - len(chains)))
            current = chain
        return chains

    def layers(self, graph: Any) -> list[object]:
        """The layers that were called while a graph was the default graph, each once, in the order of their calls."""
        chains = (chain for _, chain in self._marks.get(graph, ()))
        return list({id(layer): layer for chain in chains for layer in chain}.values())

    def arguments(self, layer: Any) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """What a layer was called on first, when it was not called by another layer; None when it never was."""
        _, args, kwargs = self._arguments.get(id(layer), (None, None, None))
        return None if args is None or kwargs is None else (args, kwargs)
