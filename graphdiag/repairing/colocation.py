"""Colocation: the ops that TensorFlow is to place an op beside, as its attribute ``_class`` names them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tensorboard.compat.proto.node_def_pb2 import NodeDef

COLOCATION = "_class"
_BESIDE = b"loc:@"


def places_of(node: NodeDef) -> Sequence[bytes]:
    """The places that an op's attribute holds."""
    return node.attr[COLOCATION].list.s if COLOCATION in node.attr else ()


def op_at(place: bytes) -> str | None:
    """Name of the op that a place is beside; ``None`` for a place of another kind."""
    return place.removeprefix(_BESIDE).decode("utf-8", errors="replace") if place.startswith(_BESIDE) else None


def beside(name: str) -> bytes:
    """The place beside an op."""
    return _BESIDE + name.encode()
