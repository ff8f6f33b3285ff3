"""The inputs of ordinary ops, all at once: nearly every op of a graph, so that few are left to be looked at one by one.

An ordinary op stands outside of functions, and each of its inputs names a drawn op, or a constant without inputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, repeat

import numpy as np

from graphdiag.tensorboard.named_rows import CONSTANT, PLAIN, REFERENCE_OPS, TENSOR, NamedRows

_MISSING = -1


@dataclass(frozen=True, eq=False)
class PlainInputs:
    """The edges and embeddings of ordinary ops, by row, in the order of their inputs.

    Attributes:
        source: Row of the op that each edge leaves; int64.
        target: Row of the op that it enters; int64.
        control: Whether it is a control dependency; bool.
        reference: Whether it enters the variable that an ``Assign``-like op changes; bool.
        hosts: Row of the op that reads a constant, for each such input; int64.
        constants: Row of that constant; int64.
        others: Which ops are drawn and not ordinary; bool, one for each row.
    """

    source: np.ndarray
    target: np.ndarray
    control: np.ndarray
    reference: np.ndarray
    hosts: np.ndarray
    constants: np.ndarray
    others: np.ndarray

    @classmethod
    def none(cls, rows: NamedRows) -> PlainInputs:
        """No op taken for an ordinary one."""
        rows_, flags = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
        return cls(rows_, rows_, flags, flags, rows_, rows_, _kinds(rows) == PLAIN)

    @classmethod
    def of(cls, rows: NamedRows) -> PlainInputs:
        """Find the ordinary ops, and connect them.

        Args:
            rows: The ops, named and numbered.
        """
        if rows.plain_of is not rows.row_of or any(mark in name for mark in ":^" for name in ("\n".join(rows.names),)):
            return cls.none(rows)
        kinds = _kinds(rows)
        taker = np.repeat(np.arange(len(rows.inputs)), np.fromiter(map(len, rows.inputs), np.int64, len(rows.inputs)))
        found, control = _resolved(rows, list(chain.from_iterable(rows.inputs)))
        # Of neighboring inputs that name one op only the first counts.
        first = np.ones(len(found), dtype=bool)
        first[1:] = (taker[1:] != taker[:-1]) | (found[1:] != found[:-1])
        leading = np.ones(len(found), dtype=bool)
        leading[1:] = taker[1:] != taker[:-1]
        takes_none = np.ones(len(kinds), dtype=bool)
        takes_none[taker] = False
        is_plain = (found != _MISSING) & (kinds[found] == PLAIN)
        is_constant = (found != _MISSING) & (kinds[found] == CONSTANT) & takes_none[found]
        others = np.zeros(len(kinds), dtype=bool)
        others[taker[~is_plain & ~is_constant]] = True
        others[list(rows.prefixes)] = True
        others &= kinds == PLAIN
        counts = first & (kinds == PLAIN)[taker] & ~others[taker]
        edges = np.flatnonzero(counts & is_plain & (found != taker))
        hosted = np.flatnonzero(counts & is_constant)
        changes = np.fromiter(map(REFERENCE_OPS.__contains__, rows.ops), dtype=bool, count=len(kinds))
        return cls(
            source=found[edges],
            target=taker[edges],
            control=control[edges],
            reference=leading[edges] & changes[taker[edges]],
            hosts=taker[hosted],
            constants=found[hosted],
            others=others,
        )


def _kinds(rows: NamedRows) -> np.ndarray:
    return np.frombuffer(rows.kinds, dtype=np.uint8)


def _resolved(rows: NamedRows, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """The row that each input names, `_MISSING` where there is none, and whether it is a control dependency."""
    found = np.fromiter(map(rows.row_of.get, texts, repeat(_MISSING)), dtype=np.int64, count=len(texts))
    control = np.zeros(len(texts), dtype=bool)
    # Most inputs are the bare name of an op.
    for position in np.flatnonzero(found == _MISSING).tolist():
        text = texts[position]
        control[position] = text[:1] == "^"
        name = text[1:] if control[position] else text
        tensor = TENSOR.match(name)
        found[position] = rows.row_of.get(tensor[1] if tensor else name, _MISSING)
    return found, control
