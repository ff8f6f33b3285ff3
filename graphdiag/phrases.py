"""Small pieces of sentences."""

from __future__ import annotations

from collections.abc import Sequence

CARRIED = {
    "activation": "activations",
    "parameter": "parameters",
    "handle": "a variable's handle",
    "shape": "a shape",
    "flag": "a flag",
    "random": "random numbers",
    "constant": "a constant",
    "control": "a signal to wait for",
}
"""What flows over an edge, as a sentence calls it."""


def some(names: Sequence[str], shown: int = 3) -> str:
    """``a, b, c and 7 more``: a list that stays on a line; one more name costs no more room than to count it."""
    if len(names) > shown + 1:
        return f"{', '.join(names[:shown])} and {len(names) - shown:,} more"
    return " and ".join([*([", ".join(names[:-1])] if names[1:] else []), *names[-1:]])


def counted(number: int, what: str, plural: str = "") -> str:
    """``1 layer``, ``1,204 layers``; what does not end in ``s`` alone has its plural given."""
    return f"{number:,} {what if number == 1 else plural or f'{what}s'}"


def size_of_graph(number: int, what: str, edges: int) -> str:
    """``28 layers, 27 edges``."""
    return f"{counted(number, what)}, {counted(edges, 'edge')}"


def verb(singular: str, subjects: Sequence[str]) -> str:
    """``takes`` after one subject, ``take`` after several."""
    return singular if len(subjects) == 1 else singular.removesuffix("es" if singular in ("goes", "does") else "s")
