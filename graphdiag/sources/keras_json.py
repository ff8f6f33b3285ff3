"""Turn Keras's own JSON of a model into a layer graph: nested models are flattened, and every edge ends at a layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from graphdiag.errors import SourceError
from graphdiag.graphs.layer_graph import Layer, LayerGraph, LayerTensor, NestedModel, TensorEdge, unique_id
from graphdiag.sources.keras_config import Call, Member, Scope, Tensor, read_model
from graphdiag.sources.keras_shapes import completed


def layer_graph_from_json(config: Mapping[str, Any]) -> LayerGraph:
    """Turn Keras's JSON of a model into a layer graph.

    Nested models are flattened and their own input layers bypassed; a Sequential model that records no input gets one,
    named as Keras names it. Calls are counted within the model that directly holds the layer.

    Args:
        config: The parsed result of ``model.to_json()``, of any Keras from 2.0 on.

    Returns:
        The layer graph. Shapes and numbers of weights are those that the JSON records, and those that follow from the
        settings of Keras's own layers.

    Raises:
        SourceError: The JSON is not a Keras model, or describes none whose layers Keras records (a subclassed model).
    """
    try:
        scope = read_model(config)
        graph = _Flattener(scope).run()
    except RecursionError:
        raise SourceError("The Keras JSON is nested too deeply to be a model.") from None
    version = config.get("keras_version", "")
    if not graph.layers:
        raise SourceError(f"The Keras model {scope.name!r} has no layers; add layers and save it again.")
    return replace(graph, keras_version=version if isinstance(version, str) else "")


_MOST_CALLS = 500
"""From here on the calls of nested models are not told apart: a small file may describe any number of them."""


@dataclass(frozen=True)
class _Place:
    """One call of a model.

    Attributes:
        scope: The model.
        member: The member that it is of the model around it; None for the outermost.
        outer: The call of the model around it.
        rank: Which of the member's calls; None where every call is meant.
        number: Which call of the model it is, those in other calls of the models around it included.
    """

    scope: Scope
    member: Member | None = None
    outer: _Place | None = None
    rank: int | None = 0
    number: int = 0

    def inside(self, member: Member, rank: int | None) -> _Place:
        """A call of a model inside this one."""
        assert member.inner is not None
        number = 0 if rank is None else self.number * max(len(member.calls), 1) + rank
        return _Place(member.inner, member, self, rank, number)

    def in_every_call(self) -> _Place:
        """All calls of the model, in all calls of the models around it."""
        if self.member is None or self.outer is None:
            return self
        return _Place(self.scope, self.member, self.outer.in_every_call(), None, 0)

    def calls(self) -> Sequence[Call]:
        """What the model was given."""
        assert self.member is not None
        return self.member.calls if self.rank is None else self.member.calls[self.rank : self.rank + 1]


_Key = tuple[tuple[str, ...], str, int, int]
"""A tensor by the path of its scope: layer, call, slot."""


@dataclass(frozen=True)
class _Origin:
    """Where a tensor of a scope comes from, in any call of the scope's model.

    Attributes:
        layer: Id of a real layer; or the name of an input of the scope's own model.
        slot: Output of the layer.
        is_input: Whether it is such an input.
        scale: Calls of the layer for each call of the model.
        offset: Which of these calls it is.
    """

    layer: str
    slot: int
    is_input: bool
    scale: int = 0
    offset: int = 0


class _Flattener:
    """Walks a model and the models in it, depth first."""

    def __init__(self, scope: Scope) -> None:
        self._top = _Place(scope)
        self._ids: dict[tuple[tuple[str, ...], str], str] = {}
        self._taken: set[str] = set()
        self._members: dict[str, tuple[Member, tuple[str, ...]]] = {}
        self._nested: dict[str, NestedModel] = {}
        self._tensors: dict[TensorEdge, None] = {}
        self._places = 0
        self._shapes: dict[str, dict[int, str]] = {}
        self._origins: dict[_Key, tuple[_Origin, ...]] = {}
        self._given: dict[tuple[object, ...], tuple[LayerTensor, ...]] = {}
        self._in_every_call: set[tuple[str, ...]] = set()

    def run(self) -> LayerGraph:
        scope = self._top.scope
        self._name(self._top)
        self._connect(self._top)
        layers = {own: self._layer(own, member, path) for own, (member, path) in self._members.items()}
        place = {layer_id: position for position, layer_id in enumerate(layers)}
        tensors = sorted(self._tensors, key=lambda edge: place[edge.target])
        outputs = self._all_sources(scope.outputs)
        return LayerGraph(
            model_name=scope.name,
            layers=completed(layers, tensors),
            edges=tuple(dict.fromkeys((edge.source.layer, edge.target) for edge in tensors)),
            nested=self._nested,
            inputs=_layers_of(self._all_sources([tensor for _, tensor in scope.inputs])),
            outputs=_layers_of(outputs),
            tensors=tuple(tensors),
            output_tensors=outputs,
            same_layer=self._same_layer(scope),
            input_keys=scope.input_keys,
            output_keys=scope.output_keys,
        )

    def _same_layer(self, scope: Scope) -> Mapping[str, str]:
        """What is recorded of layers that are one; a repaired model has all of its layers side by side."""
        ids = {name: self._ids[scope.path, name] for name in scope.members}
        return {
            ids[member.name]: ids[member.same_layer] for member in scope.members.values() if member.same_layer in ids
        }

    def _name(self, place: _Place) -> None:
        scope = place.scope
        for member in scope.members.values():
            if member.is_input and place.member is not None:
                continue
            own = unique_id(scope.path, member.name, self._taken)
            self._taken.add(own)
            self._ids[scope.path, member.name] = own
            if member.inner is not None:
                calls = max(len(member.calls), 1)
                self._nested[own] = NestedModel(own, member.name, member.class_name, scope.path, calls, member.settings)
                self._name(_Place(member.inner, member, place))
            else:
                self._members[own] = member, scope.path

    def _layer(self, own: str, member: Member, path: tuple[str, ...]) -> Layer:
        return Layer(
            own,
            member.name,
            member.class_name,
            path,
            max(len(member.calls), 1),
            member.is_input,
            member.own_shape or _joined(self._shapes.get(own, {})),
            inner=member.wrapped,
            custom=member.custom,
            is_operation=member.is_operation,
            settings=member.settings,
        )

    def _connect(self, place: _Place) -> None:
        for member in place.scope.members.values():
            if member.inner is not None:
                for rank in self._ranks(member):
                    if rank is not None:
                        self._connect(place.inside(member, rank))
                    elif member.inner.path not in self._in_every_call:
                        self._in_every_call.add(member.inner.path)
                        self._connect(place.in_every_call().inside(member, None))
                self._note_shapes(place, member)
            elif not (member.is_input and place.member is not None):
                own = self._ids[place.scope.path, member.name]
                for rank, call in enumerate(member.calls):
                    number = place.number * len(member.calls) + rank
                    for argument, tensor in call.arguments():
                        for source in self._sources(place, tensor):
                            self._tensors[TensorEdge(source, own, number, argument)] = None
                self._note_shapes(place, member)

    def _ranks(self, member: Member) -> Sequence[int | None]:
        """The calls of a nested model, each for itself as long as there are not too many of them."""
        self._places += len(member.calls)
        return [None] if self._places > _MOST_CALLS or not member.calls else range(len(member.calls))

    def _note_shapes(self, place: _Place, member: Member) -> None:
        """What a call records of its inputs is the output shape of the layers that give them."""
        for call in member.calls[:1]:
            built = member.input_shapes if len(member.input_shapes) == len(call.main) else ()
            for position, tensor in enumerate(call.main):
                if tensor is None:
                    continue
                shape = tensor.shape or (built[position] if built else "")
                found = self._sources(place, tensor) if shape else []
                if len(found) == 1:
                    [source] = found
                    self._shapes.setdefault(source.layer, {}).setdefault(source.output, shape)

    def _all_sources(self, tensors: Sequence[Tensor]) -> tuple[LayerTensor, ...]:
        return tuple(source for tensor in tensors for source in self._sources(self._top, tensor))

    def _sources(self, place: _Place, tensor: Tensor) -> list[LayerTensor]:
        """What a tensor really is: through nested models, and out of them. Several where every call is meant.

        A model may call another twice, and this a third one twice, so there are many more ways to a tensor than tensors
        in the file. What is within a scope is therefore found once, whatever way leads there.
        """
        found: dict[LayerTensor, None] = {}
        for origin in self._within(place.scope, tensor):
            if origin.is_input:
                found.update(dict.fromkeys(self._from_outside(place, origin.layer)))
            else:
                found[LayerTensor(origin.layer, place.number * origin.scale + origin.offset, origin.slot)] = None
        return list(found)

    def _from_outside(self, place: _Place, input_: str) -> tuple[LayerTensor, ...]:
        """What a call of a nested model is given for an input."""
        assert place.outer is not None
        key = (*_path_of_calls(place), input_)
        if key not in self._given:
            found: dict[LayerTensor, None] = {}
            for call in place.calls():
                for tensor in _given_to(place.scope, input_, call):
                    found.update(dict.fromkeys(self._sources(place.outer, tensor)))
            self._given[key] = tuple(found)
        return self._given[key]

    def _within(self, scope: Scope, tensor: Tensor) -> tuple[_Origin, ...]:
        """Where a tensor of a scope comes from."""
        waiting = [(scope, tensor)]
        begun: set[_Key] = set()
        while _key(scope, tensor) not in self._origins:
            here, wanted = waiting[-1]
            begun.add(_key(here, wanted))
            # A model that feeds itself is damage; what it is given besides is still found.
            missing = [
                (at, one)
                for at, one in self._needed(here, wanted)
                if _key(at, one) not in self._origins and _key(at, one) not in begun
            ]
            if missing:
                waiting += missing
            else:
                self._origins.setdefault(_key(here, wanted), self._combined(here, wanted))
                waiting.pop()
        return self._origins[_key(scope, tensor)]

    def _needed(self, scope: Scope, wanted: Tensor) -> list[tuple[Scope, Tensor]]:
        """The tensors that have to be known first, as far as that can be said yet."""
        member = scope.members[wanted.layer]
        if member.inner is None:
            return []
        output = _output(member, wanted)
        inside = self._origins.get(_key(member.inner, output))
        if inside is None:
            return [(member.inner, output)]
        return [(scope, tensor) for origin in inside if origin.is_input for tensor in _taken(member, wanted, origin)]

    def _combined(self, scope: Scope, wanted: Tensor) -> tuple[_Origin, ...]:
        member = scope.members[wanted.layer]
        rank = member.rank(wanted.call)
        number = max(len(member.calls), 1)
        if member.inner is None:
            if member.is_input and scope is not self._top.scope:
                return (_Origin(wanted.layer, wanted.slot, True),)
            return (_Origin(self._ids[scope.path, wanted.layer], wanted.slot, False, number, rank or 0),)
        found: dict[_Origin, None] = {}
        for origin in self._origins.get(_key(member.inner, _output(member, wanted)), ()):
            if origin.is_input:
                for tensor in _taken(member, wanted, origin):
                    found.update(dict.fromkeys(self._origins.get(_key(scope, tensor), ())))
            elif rank is None:
                found[replace(origin, scale=0)] = None
            else:
                inside = replace(origin, scale=number * origin.scale, offset=rank * origin.scale + origin.offset)
                found[inside] = None
        return tuple(found)


def _key(scope: Scope, tensor: Tensor) -> _Key:
    return scope.path, tensor.layer, tensor.call, tensor.slot


def _output(member: Member, wanted: Tensor) -> Tensor:
    """The tensor inside a nested model that is its output of a number."""
    assert member.inner is not None
    outputs = member.inner.outputs
    if not 0 <= wanted.slot < len(outputs):
        raise SourceError(
            f"The nested Keras model {member.name!r} gives {len(outputs)} tensors, and number {wanted.slot} of them "
            "is used; the JSON is damaged."
        )
    return outputs[wanted.slot]


def _taken(member: Member, wanted: Tensor, origin: _Origin) -> list[Tensor]:
    """The tensors that an input of a nested model takes in the call that is meant."""
    assert member.inner is not None
    rank = member.rank(wanted.call)
    calls = member.calls if rank is None else member.calls[rank : rank + 1]
    return [tensor for call in calls for tensor in _given_to(member.inner, origin.layer, call)]


def _layers_of(tensors: Sequence[LayerTensor]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tensor.layer for tensor in tensors))


def _path_of_calls(place: _Place) -> tuple[object, ...]:
    marks: list[object] = [place.scope.path]
    around: _Place | None = place
    while around is not None:
        marks.append(around.rank)
        around = around.outer
    return tuple(marks)


def _given_to(scope: Scope, input_name: str, call: Call) -> list[Tensor]:
    """The tensors that a call hands to one input of a nested model."""
    position = 0
    key = ""
    for number, (this_key, tensor) in enumerate(scope.inputs):
        if tensor.layer == input_name:
            position, key = number, this_key
    given = call.keyed.get(key) or call.keyed.get(input_name)
    if given is None and position < len(call.main):
        given = call.main[position]
    taken = [given] if given is not None else []
    if position == 0:
        # Keyword tensors (a mask, say) enter the model as a whole; its first input stands for it.
        taken.extend(call.rest)
    return taken


def _joined(shapes: Mapping[int, str]) -> str:
    """The shapes of a layer's outputs as one text, where all of them up to the last one used are known."""
    slots = sorted(shapes)
    if not slots or slots != list(range(len(slots))):
        return ""
    return shapes[0] if len(slots) == 1 else f"[{', '.join(shapes[slot] for slot in slots)}]"
