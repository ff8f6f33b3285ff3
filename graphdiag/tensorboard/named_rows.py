"""Ops whose names are settled, and what their input texts say: the ground on which `wiring` stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from graphdiag.tensorboard.slim_graph import Input

PLAIN = 0
CONSTANT = 1
SUMMARY = 2

TENSOR = re.compile(r"([^:]+):((?:[A-Za-z0-9_]+:|)[0-9]+)\Z")
"""An input that names an output: ``a:1``, ``a:output:1``."""

REFERENCE_OPS = frozenset(
    (
        "Assign",
        "AssignAdd",
        "AssignSub",
        "ScatterAdd",
        "ScatterSub",
        "ScatterUpdate",
        "assign",
        "assign_add",
        "assign_sub",
        "count_up_to",
        "scatter_add",
        "scatter_sub",
        "scatter_update",
    )
)
"""Ops whose first input is a variable that they change."""


@dataclass(frozen=True, eq=False)
class NamedRows:
    """The ops of the graph and then those of its functions, with their names settled.

    Attributes:
        names: Names, those of functions with their prefix.
        ops: Op types.
        inputs: Input texts, without the prefix.
        prefixes: What goes before the input names of rows in a function's body.
        arguments: Position of the function argument that a row stands for.
        results: Position of the function result that a row stands for.
        kinds: `PLAIN`, or how the op is embedded: `CONSTANT` or `SUMMARY`.
        row_of: Row that an input of each name leads to.
        plain_of: Row of each op by name; embedded ops may be among them.
        strict: New name of each op that is also a scope.
        renamed: Row of each op that is not embedded, by its new name: an input may have that name as well.
        numbers: Number of the node that each row belongs to; -1 for an embedded op.
        owners: Row of each node.
        node_names: Strict name of each node.
    """

    names: Sequence[str]
    ops: Sequence[str]
    inputs: Sequence[Sequence[str]]
    prefixes: Mapping[int, str]
    arguments: Mapping[int, int]
    results: Mapping[int, int]
    kinds: bytes
    row_of: Mapping[str, int]
    plain_of: Mapping[str, int]
    strict: Mapping[str, str]
    renamed: Mapping[str, int]
    numbers: Sequence[int]
    owners: Sequence[int]
    node_names: Sequence[str]

    def normalized_inputs(self, row: int) -> list[Input]:
        """The inputs of a row as TensorBoard counts them."""
        return normalize(self.inputs[row], self.prefixes.get(row, ""))


def normalize(texts: Iterable[str], prefix: str = "") -> list[Input]:
    """The inputs of one op as TensorBoard counts them; ``prefix`` goes before the names."""
    inputs = []
    last = None
    for text in texts:
        control = text[:1] == "^"
        name = text[1:] if control else text
        key = "0"
        if ":" in name and (tensor := TENSOR.match(name)):
            name, key = tensor.groups()
        if name != last:
            last = name
            inputs.append((prefix + name, key, control))
    return inputs
