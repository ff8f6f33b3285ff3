"""The inputs of ordinary ops, all at once: nearly every op of a graph, so that few are left to be looked at one by one.

An ordinary op stands outside of functions, and each of its inputs names a drawn op or a constant, as all inputs of that
constant name ops.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdiag.graphs.arrays import ranges
from graphdiag.graphs.input_links import CONTROL
from graphdiag.tensorboard.named_rows import CONSTANT, PLAIN, REFERENCE_OPS, SUMMARY, NamedRows

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
    def none(cls, named: NamedRows) -> PlainInputs:
        """No op taken for an ordinary one."""
        rows, flags = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
        return cls(rows, rows, flags, flags, rows, rows, named.rows.kinds == PLAIN)

    @classmethod
    def of(cls, named: NamedRows) -> PlainInputs:
        """Find the ordinary ops, and connect them.

        Args:
            named: The ops, named and numbered.
        """
        rows, columns = named.rows, named.rows.nodes.columns
        links = columns.given.links
        if not rows.are_unique or not links.are_plain:
            return cls.none(named)
        kinds = rows.kinds
        taker = np.repeat(np.arange(len(columns)), np.diff(columns.first_input))
        found = np.where(links.ordinary, links.source, _MISSING).astype(np.int64)
        control = links.output == CONTROL
        # Of neighboring inputs that name one op only the first counts.
        leading = np.ones(len(found), dtype=bool)
        leading[1:] = taker[1:] != taker[:-1]
        first = leading.copy()
        first[1:] |= found[1:] != found[:-1]
        kind = np.where(found == _MISSING, SUMMARY, kinds[found])
        is_plain = kind == PLAIN
        is_readable = np.ones(len(kinds), dtype=bool)
        is_readable[taker[~links.ordinary]] = False
        is_constant = (kind == CONSTANT) & is_readable[found]
        others = np.zeros(len(kinds), dtype=bool)
        others[taker[~is_plain & ~is_constant]] = True
        others[list(rows.prefixes)] = True
        others &= kinds == PLAIN
        counts = first & ((kinds == PLAIN) & ~others)[taker]
        hosted = np.flatnonzero(counts & is_constant)
        # What a constant takes is taken by the op that holds it.
        through, behind = _behind(columns.first_input, found, hosted)
        kept = first[behind] & is_plain[behind] & (found[behind] != taker[through])
        direct = np.flatnonzero(counts & is_plain & (found != taker))
        places = np.concatenate([direct, through[kept]])
        inputs = np.concatenate([direct, behind[kept]])
        if kept.any():
            order = np.argsort(places, kind="stable")
            places, inputs = places[order], inputs[order]
        changes = np.array([op in REFERENCE_OPS for op in columns.type_names], dtype=bool)[columns.type_numbers]
        target = taker[places]
        return cls(
            source=found[inputs],
            target=target,
            control=control[inputs],
            reference=leading[places] & changes[target],
            hosts=taker[hosted],
            constants=found[hosted],
            others=others,
        )


def _behind(first_input: np.ndarray, found: np.ndarray, hosted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For inputs that name constants, each repeated for all that the constant takes, and the inputs of the constant."""
    begin = first_input[found[hosted]]
    number = first_input[found[hosted] + 1] - begin
    return np.repeat(hosted, number), ranges(begin, number)
