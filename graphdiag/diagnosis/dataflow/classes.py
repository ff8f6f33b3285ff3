"""The classes that flow over an edge, and what one op makes of those of its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import IntFlag
from functools import cache

from graphdiag.diagnosis.dataflow.op_specs import Kind, OpSpec


class Carries(IntFlag):
    """What flows over an edge, as bits. No bit at all: constants only."""

    CONSTANT = 0
    ACTIVATION = 1
    PARAMETER = 2
    HANDLE = 4
    SHAPE = 8
    FLAG = 16
    RANDOM = 32


Dependencies = tuple[int, int]
"""What the values of a tensor depend on, and what its shape depends on: bits of `Carries`.

Plain integers, because a million of them are joined. The first holds all that the second holds.
"""

CLASS_BITS = 6
ALL_CLASSES = (1 << CLASS_BITS) - 1
ACTIVATION, PARAMETER, HANDLE, SHAPE, FLAG, RANDOM = (
    int(Carries.ACTIVATION),
    int(Carries.PARAMETER),
    int(Carries.HANDLE),
    int(Carries.SHAPE),
    int(Carries.FLAG),
    int(Carries.RANDOM),
)
DATA: Dependencies = (ACTIVATION | SHAPE, SHAPE)
"""A model input: what it holds are activations, how large it is is shape."""
ANYTHING: Dependencies = (ACTIVATION | SHAPE, ACTIVATION | SHAPE)
"""Where nothing is known."""


_HIDES_SHAPE = ACTIVATION | PARAMETER | HANDLE | RANDOM


@cache
def named(classes: int) -> Carries:
    """Bits as classes. The shape of what itself varies is not named."""
    return Carries(classes & ~SHAPE if classes & _HIDES_SHAPE else classes)


def transfer_together(spec: OpSpec, value: int, shape: int) -> Dependencies:
    """As `transfer`, of what all inputs have together; which of them give dimensions is not told apart."""
    return transfer(replace(spec, dimensions=()), ((value, shape),))


def transfer(spec: OpSpec, inputs: Sequence[Dependencies]) -> Dependencies:
    """The sets of an op's output from those of its data inputs; state, functions and predicates are not its business.

    Args:
        spec: The op's rule.
        inputs: The sets of each data input, in order.

    Returns:
        The sets of the output.
    """
    value = shape = 0
    for input_value, input_shape in inputs:
        value |= input_value
        shape |= input_shape
    for position in spec.dimensions:
        if -len(inputs) <= position < len(inputs):
            shape |= inputs[position][0]
    kind = spec.kind
    if kind is Kind.COMPUTES:
        return value, shape
    if spec.handles:
        # The handle goes no further; what is behind it is state.
        value &= ~HANDLE
        shape &= ~HANDLE
    if kind is Kind.READS:
        return value | PARAMETER, shape
    if kind in (Kind.SHAPE_OF, Kind.SHAPED_CONSTANT):
        return shape, shape if kind is Kind.SHAPED_CONSTANT else 0
    if kind is Kind.RESIZES:
        return value, value
    if kind is Kind.RANDOM:
        return value | RANDOM, shape
    if kind is Kind.STORED:
        return value | PARAMETER, shape
    if kind is Kind.CONSTANT:
        return 0, 0
    if kind is Kind.VARIABLE:
        return PARAMETER, 0
    if kind is Kind.HANDLE:
        return value | HANDLE, value
    if kind is Kind.OUTSIDE:
        return value & ~HANDLE | DATA[0], shape & ~HANDLE | DATA[1]
    if kind is Kind.FOREIGN:
        value = value & ~HANDLE | ANYTHING[0]
        return value, value
    if kind is Kind.UNKNOWN:
        if not inputs or value & HANDLE:
            # A source of its own, or something that reads state in a way that is not known.
            value |= ANYTHING[0]
        return value, value
    return value, shape
