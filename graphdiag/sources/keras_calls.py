"""Hold what was recorded of a trace against Keras's own record of the model: which tensors Keras gave to which call.

When Keras runs a Functional model, it goes through the calls on record, gives each the tensors computed for its
symbolic ones, and keeps what comes back. The same is done here with the recorded calls: a call is one of Keras's when
the tensors that it was given are those computed for the symbolic tensors on record. What a layer picks up elsewhere, or
calls by itself, is nothing that Keras gave (``Function._run_through_graph`` in Keras 3, ``keras/src/ops/function.py``;
``Functional._run_internal_graph`` in tf_keras, ``engine/functional.py``).
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from graphdiag.graphs.layer_calls import CallRecord, LayerCall, TensorName
from graphdiag.sources.keras_layers import Call, LayerIds, Network, is_network
from graphdiag.sources.recorder import CallRecorder, Leaf, RecordedCall


def call_record(
    model: Any, ids: LayerIds, recorder: CallRecorder, graph: Any, renamed: Mapping[str, str]
) -> tuple[Mapping[str, str], CallRecord]:
    """Who made each op of a graph, and what Keras gave to each call.

    Args:
        model: The model.
        ids: The ids of its layers.
        recorder: What recorded the calls.
        graph: The ``tf.Graph`` that they went to.
        renamed: New names for ops, where the graph is shown with others than its own.

    Returns:
        The layer's id by op name, of all ops that a layer made; and the calls.
    """
    runs = _Runs(model)
    numbers: dict[int, int | None] = {}
    trusted: set[int] = set()
    for call in recorder.calls(graph):
        if call.by_model:
            is_keras, numbers[id(call)] = runs.begin(call)
            if is_keras:
                trusted.add(id(call))
    calls: list[LayerCall] = []
    positions: dict[int, tuple[str, int] | None] = {}

    def place(maker: RecordedCall) -> tuple[str, int] | None:
        if id(maker) not in positions:
            positions[id(maker)] = found = None
            chain = maker.outermost_first()
            owner = ids.owner([call.layer for call in chain])
            if owner is not None:
                outer = chain[owner[0]]
                if outer is maker:
                    calls.append(_layer_call(outer, owner[1], numbers.get(id(outer)), id(outer) in trusted, renamed))
                    found = owner[1], len(calls) - 1
                else:
                    found = place(outer)
            positions[id(maker)] = found
        return positions[id(maker)]

    for call in recorder.calls(graph):
        place(call)
    owners: dict[str, str] = {}
    of_op: dict[str, int] = {}
    for operation, maker in zip(graph.get_operations(), recorder.makers(graph), strict=False):
        found = place(maker) if maker is not None else None
        if found is not None:
            name = renamed.get(operation.name, operation.name)
            owners[name], of_op[name] = found
    return owners, CallRecord(tuple(calls), of_op)


def _layer_call(
    call: RecordedCall, layer_id: str, number: int | None, trusted: bool, renamed: Mapping[str, str]
) -> LayerCall:
    def names(tensors: Iterable[Any]) -> Sequence[TensorName]:
        return tuple((renamed.get(tensor.op.name, tensor.op.name), tensor.value_index) for tensor in tensors)

    def masks(leaves: Iterable[Leaf]) -> list[Any]:
        return [leaf.mask for leaf in leaves if getattr(leaf.mask, "graph", None) is call.graph]

    given: dict[str, Sequence[TensorName]] = {}
    if trusted:
        given = {leaf.place: names(leaf.parts) for leaf in call.given}
        if takes_masks(call.layer):
            for leaf in call.given:
                if masks([leaf]):
                    given[f"mask of {leaf.place}"] = names([leaf.mask])
    return LayerCall(
        layer=layer_id,
        number=number,
        given=given,
        attached=names(masks(call.given)) if trusted else (),
        returned=tuple(names(leaf.parts) for leaf in call.returned),
        masks=names(masks(call.returned)),
    )


def takes_masks(layer: Any) -> bool:
    """Whether Keras hands the masks of its arguments to a layer: to its ``call``, or to a ``compute_mask`` of its own.

    Keras does so where ``call`` has an argument ``mask``, or ``query_mask`` for an argument ``query``; a ``Lambda`` has
    one, and hands it on if its function has. The ``compute_mask`` that all layers have returns what it is given.
    """
    if hasattr(layer, "_fn_expects_mask_arg"):
        return bool(layer._fn_expects_mask_arg) or callable(getattr(layer, "mask", None))
    maker = next((cls for cls in type(layer).__mro__ if "compute_mask" in vars(cls)), None)
    if maker is not None and maker.__name__ != "Layer":
        return True
    try:
        names = inspect.signature(layer.call).parameters
    except (AttributeError, TypeError, ValueError):
        return False
    return any(name == "mask" or name.endswith("_mask") for name in names)


class _Run:
    """One run of a model: which of Keras's calls are still to come, and what was computed for its symbolic tensors."""

    def __init__(self, network: Network, number: int | None) -> None:
        self.network = network
        self.number = number
        self.computed: dict[int, Any] = {}
        self.to_come: dict[int, list[Call]] = {}
        for call in network.run:
            self.to_come.setdefault(id(call.layer), []).append(call)

    def take(self, recorded: RecordedCall) -> Call | None:
        """Keras's own call that a recorded one is; None if it is not one of those to come."""
        to_come = self.to_come.get(id(recorded.layer), [])
        given = {id(leaf.value) for leaf in recorded.given}
        for call in to_come:
            if all(self._is_among(symbolic, given) for _, symbolic in call.arguments):
                to_come.remove(call)
                for symbolic, leaf in zip(call.outputs, recorded.returned, strict=False):
                    self.computed[id(symbolic)] = leaf.value
                return call
        return None

    def _is_among(self, symbolic: Any, given: set[int]) -> bool:
        # What a model makes of its own inputs, a cast, say, lies between Keras and Keras.
        if id(symbolic) in self.network.position:
            return True
        return id(symbolic) in self.computed and id(self.computed[id(symbolic)]) in given


class _Runs:
    """The runs of a model and of those inside it, as the recorded calls began."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._networks: dict[int, Network] = {}
        self._runs: dict[int, _Run] = {}

    def begin(self, recorded: RecordedCall) -> tuple[bool, int | None]:
        """Take note of a call.

        Returns:
            Whether Keras knows what it was given, and which of its layer's calls it is, if it is one of the model's.
        """
        known, number = self._look_up(recorded)
        if recorded.runs_model:
            whole = recorded.layer is self._model and recorded.around is None
            self._runs[id(recorded)] = _Run(self._network(recorded.layer), 0 if whole else number)
        return known, number

    def _look_up(self, recorded: RecordedCall) -> tuple[bool, int | None]:
        if recorded.around is not None:
            run = self._runs[id(recorded.around)]
            call = run.take(recorded)
            return (False, None) if call is None else (True, _numbered(run.network, run.number, recorded, call.number))
        # Outside of all calls a TF 1 model is built, and Keras notes what each layer is called on. Elsewhere it is a
        # train step of the user's own that calls a layer: what it gives is not a secret of another layer's.
        history = next((getattr(leaf.value, "_keras_history", None) for leaf in recorded.returned), None)
        if history is None or history[0] is not recorded.layer or not is_network(self._model):
            return True, None
        return True, _numbered(self._network(self._model), 0, recorded, history[1])

    def _network(self, model: Any) -> Network:
        return self._networks.setdefault(id(model), Network(model))


def _numbered(network: Network, run: int | None, recorded: RecordedCall, number: int) -> int | None:
    """Which of its layer's calls it is, those in other runs of the model included."""
    ranks = network.ranks.get(id(recorded.layer), {})
    return None if run is None or number not in ranks else run * len(ranks) + ranks[number]
