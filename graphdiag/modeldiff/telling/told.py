"""One line, and the changes that it tells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from graphdiag.modeldiff.changes import Change
from graphdiag.phrases import counted, some

REPEATED = 3
"""As many changes of a kind are told in one line; fewer have a line each."""


@dataclass(frozen=True)
class Told:
    """One line.

    Attributes:
        line: What happened.
        changes: The changes that it tells.
        follows: Whether they follow from changes that are told before.
    """

    line: str
    changes: Sequence[Change]
    follows: bool = False


def places(names: Sequence[str]) -> str:
    """Many names in short: ``block1_add to block8_add`` where only one number differs, else the first few."""
    names = list(dict.fromkeys(names))
    if len(names) >= REPEATED:
        for number in range(4):
            split = [_split(name, number) for name in names]
            if len({(one[0], one[2]) if one else None for one in split}) == 1 and split[0] is not None:
                return f"{names[0]} to {names[-1]}"
    return some(names)


def blocks(names: Sequence[str]) -> str:
    """``in 8 blocks (block1 to block8)`` where each name has a counter of its own that says which block it is."""
    for number in range(4):
        split = [_split(name, number) for name in names]
        stems = [f"{one[0]}{one[1]}" for one in split if one]
        if len(stems) == len(names) == len(set(stems)) and len({one[0] for one in split if one}) == 1:
            return f"in {counted(len(names), 'block')} ({stems[0]} to {stems[-1]})"
    return ""


def _split(name: str, number: int) -> tuple[str, str, str] | None:
    """A name around one of its numbers."""
    found = list(re.finditer("[0-9]+", name))
    if number >= len(found):
        return None
    at = found[number]
    return name[: at.start()], at[0], name[at.end() :]
