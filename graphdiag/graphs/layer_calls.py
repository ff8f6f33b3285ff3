"""The calls of layers while a live model was traced: the tensors that Keras gave to each, and those it got back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

TensorName = tuple[str, int]
"""A tensor of the op graph: the name of its op, and the output slot."""


@dataclass(frozen=True)
class LayerCall:
    """One call of a layer by Keras. What the layer calls itself meanwhile is part of it.

    Attributes:
        layer: Id of the layer.
        number: Which of the layer's calls in the layer graph it is (see `LayerTensor.call`); ``None`` for a call that
            the layer graph does not have, as when a train step calls a layer once more.
        given: The tensors that Keras gave, by argument: ``0`` for the first one, ``0[1]`` inside a list, ``mask`` for
            one given by name. A composite tensor has several parts. The mask of an argument ``0`` that Keras hands to
            the layer is ``mask of 0``.
        attached: Masks that came with the arguments, whether the layer takes masks or not.
        returned: The tensors that it returned, in Keras's order.
        masks: Masks that came with these.
    """

    layer: str
    number: int | None
    given: Mapping[str, Sequence[TensorName]] = field(default_factory=dict)
    attached: Sequence[TensorName] = ()
    returned: Sequence[Sequence[TensorName]] = ()
    masks: Sequence[TensorName] = ()


@dataclass(frozen=True)
class CallRecord:
    """All calls of one trace.

    Attributes:
        calls: The calls, in the order in which they began.
        of_op: Position in ``calls`` of the call that made an op, by the op's name.
    """

    calls: Sequence[LayerCall] = ()
    of_op: Mapping[str, int] = field(default_factory=dict)


NO_RECORD = CallRecord()
