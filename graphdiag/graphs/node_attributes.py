"""Attributes of a ``NodeDef``, read without making them.

A protobuf map makes an entry for a key that is looked up with ``[]``; the same NodeDefs are later run and written. So
attributes are read here, and nowhere by ``node.attr[name]`` alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tensorboard.compat.proto.node_def_pb2 import NodeDef

DT_FLOAT, DT_BOOL, DT_RESOURCE = 1, 10, 20
"""Types that matter here, as TensorFlow numbers them (``tensorflow/core/framework/types.proto``)."""

UNKNOWN_TYPE = 0
"""``DT_INVALID``: no attribute records the type."""


def type_of(node: NodeDef, *names: str) -> int:
    """The type in the first of some attributes that the node has; `UNKNOWN_TYPE` when it has none of them."""
    return next((int(node.attr[name].type) for name in names if name in node.attr), UNKNOWN_TYPE)


def dtype_of(node: NodeDef) -> int:
    """The type of what an op gives: ``dtype``, or ``T`` where there is no ``dtype``.

    Where an op has both, as ``RandomUniform``, ``dtype`` is the output's type and ``T`` an input's.
    """
    return type_of(node, "dtype", "T")


def text_of(node: NodeDef, name: str) -> bytes:
    """The bytes of a string attribute; empty when the node has none of this name."""
    return bytes(node.attr[name].s) if name in node.attr else b""


def functions_of(node: NodeDef, *names: str) -> Iterator[str]:
    """Names of the library functions in some attributes, in order; in all attributes, by name, when none is named."""
    for name in names or sorted(node.attr):
        if name in node.attr:
            value = node.attr[name]
            if value.HasField("func"):
                yield value.func.name
            yield from (function.name for function in value.list.func)
