"""Names that TensorFlow allows, each once."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable

_ILLEGAL = re.compile(r"[^A-Za-z0-9_.\\/>-]")
_ILLEGAL_IN_PART = re.compile(r"[^A-Za-z0-9_.\\>-]+")
_ILLEGAL_START = re.compile(r"[^A-Za-z0-9.]")
"""Names of ops: ``[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*`` (``tensorflow/python/framework/ops.py``)."""


class Taken:
    """Names that are in use; TensorBoard would draw two of one name as one."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._next: dict[str, int] = {}

    def take_with_scopes(self, names: Iterable[str]) -> None:
        """Take names, and all scopes that they are in."""
        for name in names:
            while name and name not in self._taken:
                self._taken.add(name)
                name = name.rpartition("/")[0]

    def unique(self, wanted: str) -> str:
        """The name, or with ``_1``, ``_2`` and so on the first that is free; it is taken from then on."""
        name, number = wanted, self._next.get(wanted, 1)
        while name in self._taken:
            name = f"{wanted}_{number}"
            number += 1
        self._next[wanted] = number
        self._taken.add(name)
        return name


def legal(name: str) -> str:
    """A part of a name, with every character replaced that is allowed in no name."""
    return _ILLEGAL.sub("_", name) or "_"


def legal_part(name: str) -> str:
    """A name without slashes; characters in a row that are allowed in no name become one ``_``."""
    return _ILLEGAL_IN_PART.sub("_", name)


def may_begin(name: str) -> bool:
    """Whether a name may stand at the root as it is."""
    return not _ILLEGAL_START.match(name) and bool(name)


def numbered(name: str, used: Container[str]) -> str:
    """The name, or with ``_2``, ``_3`` and so on the first that is not used."""
    found, number = name, 2
    while found in used:
        found, number = f"{name}_{number}", number + 1
    return found


def legal_from_start(name: str) -> str:
    """A name as it may stand at the root."""
    name = legal(name)
    return f"layer{name}" if _ILLEGAL_START.match(name) else name


def tidy(inside: str) -> str:
    """A name inside a box, with no empty part."""
    return "/".join(filter(None, legal(inside).split("/"))) or "op"
