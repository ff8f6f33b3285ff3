"""What each type of op gives: the names of its results, their types, and how many there are.

A function body names the tensor ``batch_mean`` of an op where a graph says ``:1``, and an op that is inserted needs the
type of the tensor it takes. Both are in TensorFlow's registry of ops, which graphdiag cannot load without TensorFlow;
``op_outputs.txt`` holds what it says (TensorFlow 2.21, which knows the ops of all versions since 1.0).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pkgutil import get_data
from typing import TYPE_CHECKING

from graphdiag.graphs.node_attributes import UNKNOWN_TYPE, dtype_of

if TYPE_CHECKING:
    from tensorboard.compat.proto.node_def_pb2 import NodeDef


@dataclass(frozen=True, slots=True)
class _Output:
    """One named result.

    Attributes:
        name: Its name.
        type: The type as a number, or the attribute that has it; for a list of types that attribute.
        number: The attribute that says how many tensors it is; empty for one.
        is_list: Whether it is a list of tensors of several types.
    """

    name: str
    type: str
    number: str
    is_list: bool

    def types(self, node: NodeDef) -> Sequence[int]:
        """The type of each tensor, as TensorFlow numbers types."""
        if self.is_list:
            return list(node.attr[self.type].list.type) if self.type in node.attr else []
        count = 1
        if self.number:
            count = int(node.attr[self.number].i) if self.number in node.attr else 0
        if self.type.isdecimal():
            type_ = int(self.type)
        else:
            type_ = int(node.attr[self.type].type) if self.type in node.attr else UNKNOWN_TYPE
        # A file may claim any number.
        return [type_] * max(0, min(count, _MOST))


_MOST = 100_000


def type_of_output(node: NodeDef, slot: int) -> int:
    """The type of one output of an op, as TensorFlow numbers types; `UNKNOWN_TYPE` where nothing tells."""
    outputs = _table().get(node.op)
    if outputs is None:
        return dtype_of(node)
    types = [type_ for output in outputs for type_ in output.types(node)]
    return types[slot] if 0 <= slot < len(types) else UNKNOWN_TYPE


def slot_of(node: NodeDef, name: str, index: int) -> int | None:
    """The output slot of a tensor that a function body names.

    Args:
        node: The op that gives it.
        name: Name of the result, as ``batch_mean``.
        index: Which of the result's tensors.

    Returns:
        The slot, from 0 on; ``None`` where the type of op is not known, or has no such result.
    """
    slot = 0
    for output in _table().get(node.op, ()):
        if output.name == name:
            return slot + index
        slot += len(output.types(node))
    return None


@cache
def _table() -> Mapping[str, Sequence[_Output]]:
    text = get_data("graphdiag.graphs", "op_outputs.txt")
    assert text is not None
    return {words[0]: tuple(_outputs(words[1:])) for words in map(str.split, text.decode().splitlines())}


def _outputs(words: Sequence[str]) -> Iterator[_Output]:
    for word in words:
        name, _, kind = word.partition(":")
        type_, _, number = kind.partition("*")
        yield _Output(name, type_ or number, number if type_ else "", not type_)
