"""What all changes have in common, and the words for names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from graphdiag.phrases import some

Edge = tuple[str, str]


@dataclass(frozen=True)
class Names:
    """How old names are said.

    Attributes:
        ambiguous: Ids of the old graph that stand for another layer in the new one.
    """

    ambiguous: frozenset[str] = frozenset()

    def old(self, id_: str) -> str:
        """An id of the old graph, marked where the new graph has another layer of that name."""
        return f"{id_} (old)" if id_ in self.ambiguous else id_

    def olds(self, ids: Sequence[str]) -> Sequence[str]:
        """Several of them."""
        return [self.old(id_) for id_ in ids]


PLAIN = Names()
"""No name is marked."""


@dataclass(frozen=True)
class NewEdge:
    """An added edge: its ends, and its position among the new inputs of its target."""

    source: str
    target: str
    position: int

    def to_list(self) -> list[Any]:
        """JSON-ready data."""
        return [self.source, self.target, self.position]


class Change(ABC):
    """One change. ``kind`` is its name in JSON."""

    kind: ClassVar[str]

    @abstractmethod
    def line(self, names: Names = PLAIN) -> str:
        """The change in one line."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data, from which the change can be made."""

    @property
    def about(self) -> Sequence[str]:
        """Ids of the layers and nested models that it is about."""
        return ()

    @property
    def about_edges(self) -> Sequence[Edge]:
        """Edges that it is about, besides those of layers that were added or removed."""
        return ()


def between(above: Sequence[str], below: Sequence[str], inserted: bool) -> str:
    """Where layers stand: `` between a and b``, `` after a and b, before c``, `` after a``; empty if nowhere."""
    above, below = list(dict.fromkeys(above)), list(dict.fromkeys(below))
    if inserted and len(above) == len(below) == 1:
        return f" between {above[0]} and {below[0]}"
    parts = [f"{word} {some(ids)}" for word, ids in (("after", above), ("before", below)) if ids]
    return f" {', '.join(parts)}" if parts else ""
