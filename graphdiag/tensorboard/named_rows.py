"""Ops whose names are settled, and what their input texts say: the ground on which `wiring` stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from graphdiag.graphs.scope_tree import ScopeTree
from graphdiag.graphs.serialized_graph import named_as_scopes
from graphdiag.tensorboard.merge import RawNodes
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
class Rows:
    """The ops of the graph and then those made for its functions.

    Attributes:
        nodes: The ops of the graph.
        names: Names of all rows, those of functions with their prefix.
        ops: Op types.
        op_numbers: A number for each op type; int32.
        kinds: `PLAIN`, or how the op is embedded: `CONSTANT` or `SUMMARY`; uint8.
        function_inputs: Input texts of the rows after those of the graph, without the prefix.
        prefixes: What goes before the input names of rows in a function's body.
        arguments: Position of the function argument that a row stands for.
        results: Position of the function result that a row stands for.
    """

    nodes: RawNodes
    names: Sequence[str]
    ops: Sequence[str]
    op_numbers: np.ndarray
    kinds: np.ndarray
    function_inputs: Sequence[Sequence[str]]
    prefixes: Mapping[int, str]
    arguments: Mapping[int, int]
    results: Mapping[int, int]

    @property
    def has_functions(self) -> bool:
        """Whether there are rows of functions."""
        return len(self.names) > len(self.nodes.names)

    @cached_property
    def are_unique(self) -> bool:
        """Whether no name stands more than once."""
        if self.has_functions:
            return len(set(self.names)) == len(self.names)
        return self.nodes.columns.given.links.are_unique

    @cached_property
    def scopes(self) -> ScopeTree:
        """The name scopes."""
        return ScopeTree.of_names(self.names) if self.has_functions else self.nodes.columns.scopes

    @cached_property
    def named_as_scopes(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows whose names are also names of scopes, and these scopes; int64."""
        if self.has_functions:
            return named_as_scopes(self.names, self.scopes)
        return self.nodes.columns.named_as_scopes

    @cached_property
    def at_root(self) -> Sequence[int]:
        """Rows whose names have no scope, or begin with the slash after it."""
        return np.flatnonzero(self.scopes.of_op == 0).tolist()

    @cached_property
    def row_of(self) -> Mapping[str, int]:
        """The row that an input of each name leads to.

        Where a name stands for ops of several kinds, that is the constant, or else the summary. Of several ops of one
        kind it is the last.
        """
        rows = dict(zip(self.names, range(len(self.names)), strict=True))
        if not self.are_unique:
            for kind in (PLAIN, SUMMARY, CONSTANT):
                rows.update((self.names[row], row) for row in np.flatnonzero(self.kinds == kind).tolist())
        return rows

    @cached_property
    def plain_of(self) -> Mapping[str, int]:
        """Row of each op by name; embedded ops are among them if all names are different."""
        if self.are_unique:
            return self.row_of
        return {self.names[row]: row for row in np.flatnonzero(self.kinds == PLAIN).tolist()}

    def holds(self, mark: str) -> bool:
        """Whether some name holds a character."""
        of_functions = self.names[len(self.nodes.names) :]
        return self.nodes.columns.holds(mark) or any(mark in name for name in of_functions)

    def normalized_inputs(self, row: int) -> list[Input]:
        """The inputs of a row as TensorBoard counts them."""
        return normalize(self.texts_of(row), self.prefixes.get(row, ""))

    def texts_of(self, row: int) -> Sequence[str]:
        """The inputs of a row as they stand in the file."""
        columns = self.nodes.columns
        if row >= len(columns):
            return self.function_inputs[row - len(columns)]
        return columns.inputs[columns.first_input[row] : columns.first_input[row + 1]]


@dataclass(frozen=True, eq=False)
class NamedRows:
    """Ops with their names settled.

    Attributes:
        rows: The ops.
        to_rename: The rows whose names are also scopes, embedded or not; int64.
        renamed_rows: Those of them that are not embedded; of several rows with one name, one. int64.
        drawn_names: The name that each row is drawn under.
        numbers: Number of the node that each row belongs to; int64, -1 for an embedded op.
        owners: Row of each node; int64.
        node_names: Strict name of each node.
        are_distinct: Whether nodes, embedded ops and scopes all have names of their own, and lie in the scopes of
            `Rows.scopes`; a renamed op lies in the scope that it is named as.
    """

    rows: Rows
    to_rename: np.ndarray
    renamed_rows: np.ndarray
    drawn_names: Sequence[str]
    numbers: np.ndarray
    owners: np.ndarray
    node_names: Sequence[str]
    are_distinct: bool

    @cached_property
    def strict(self) -> Mapping[str, str]:
        """New name of each op that is also a scope."""
        return strict_names(self.rows, self.to_rename)

    @cached_property
    def renamed(self) -> Mapping[str, int]:
        """Row of each op that is not embedded, by its new name: an input may have that name as well."""
        return {strict_name(self.rows.names[row]): row for row in self.renamed_rows.tolist()}


def strict_name(name: str) -> str:
    """The name of an op that is also a scope: ``a/b/(b)`` for ``a/b``."""
    return f"{name}/({name.rpartition('/')[2]})"


def strict_names(rows: Rows, to_rename: np.ndarray) -> Mapping[str, str]:
    """The new names of some rows, by their names."""
    return {(name := rows.names[row]): strict_name(name) for row in to_rename.tolist()}


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
