"""Normalized inputs, base edges and embeddings.

Follows ``normalizeInputs``, ``addEdgeToGraph`` and the second half of ``build`` in
``tensorboard/plugins/graph/tf_graph_common/graph.ts``. The rules:

* An input is ``a``, ``a:1``, ``a:output:1`` or ``^a``. Of neighboring inputs that name the same op only the first
  counts, whatever its output, and even when one of them is a control input.
* A self loop is dropped, and so is an input that names no op.
* A constant is embedded in every op that reads it, and its own inputs become inputs of that op. Where an op reads a
  summary, the inputs of the summary become its inputs, with the kind and output of the input that it replaces. An
  embedded op behind an embedded op leads nowhere.
* A summary is embedded in every op that it reads. For a summary inside a library function that is the op *outside* that
  has the name of its input, because TensorBoard looks before it puts the function's prefix on.
* An edge into the first input of an ``Assign``-like op is a reference edge.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from graphdiag.tensorboard import javascript
from graphdiag.tensorboard.slim_graph import BaseEdges, Calls, Embedding, Input

PLAIN = 0
CONSTANT = 1
SUMMARY = 2

_TENSOR = re.compile(r"([^:]+):((?:[A-Za-z0-9_]+:|)[0-9]+)\Z")

# Ops whose first input is a variable that they change.
_REFERENCE_OPS = frozenset(
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


@dataclass(frozen=True, eq=False)
class Wires:
    """The base edges, what is embedded in each node, strict names of embedded rows, and the calls."""

    edges: BaseEdges
    embeddings: Mapping[int, Sequence[Embedding]]
    embedded: Mapping[int, str]
    calls: Calls


def normalize(texts: Iterable[str], prefix: str = "") -> list[Input]:
    """The inputs of one op as TensorBoard counts them; ``prefix`` goes before the names."""
    inputs = []
    last = None
    for text in texts:
        control = text[:1] == "^"
        name = text[1:] if control else text
        key = "0"
        if ":" in name and (tensor := _TENSOR.match(name)):
            name, key = tensor.groups()
        if name != last:
            last = name
            inputs.append((prefix + name, key, control))
    return inputs


def wire(rows: NamedRows, functions: Iterable[str]) -> Wires:
    """Connect the nodes.

    Args:
        rows: The ops, named and numbered.
        functions: Names of the library functions.

    Returns:
        Edges, embeddings and calls.

    Raises:
        UndrawableGraphError: An input's name makes TensorBoard fail.
    """
    embeddings: dict[int, list[Embedding]] = {}
    embedded: dict[int, str] = {}
    called = set(functions).intersection(rows.ops)
    edges, keys = _connect(rows, bool(called), embeddings, embedded)
    _embed_summaries(rows, embeddings, embedded)
    return Wires(edges, embeddings, embedded, _calls(rows, called, edges, keys))


def _connect(
    rows: NamedRows, with_keys: bool, embeddings: dict[int, list[Embedding]], embedded: dict[int, str]
) -> tuple[BaseEdges, list[str]]:
    """The base edges and, if wanted, their output keys. Embeds constants on the way."""
    kinds, numbers, row_of, prefixes = rows.kinds, rows.numbers, rows.row_of, rows.prefixes
    source: list[int] = []
    target: list[int] = []
    control: list[int] = []
    reference: list[int] = []
    keys: list[str] = []

    def connect(start: int, given: Input, is_reference: bool) -> None:
        if given[2]:
            control.append(len(source))
        if is_reference:
            reference.append(len(source))
        if with_keys:
            keys.append(given[1])
        source.append(start)
        target.append(node)

    for row, texts in enumerate(rows.inputs):
        if kinds[row] or not texts:
            continue
        node = numbers[row]
        changes_variable = rows.ops[row] in _REFERENCE_OPS
        for position, given in enumerate(normalize(texts, prefixes.get(row, "") if prefixes else "")):
            found = row_of.get(given[0])
            is_reference = changes_variable and position == 0
            if found is None:
                found = rows.renamed.get(given[0], row)
                if given[0] in javascript.OBJECT_PROPERTIES:
                    raise javascript.fails_on("input", given[0])
            if kinds[found] == PLAIN:
                if numbers[found] != node:
                    connect(numbers[found], given, is_reference)
                continue
            if kinds[found] == SUMMARY:
                if given[0] in javascript.OBJECT_PROPERTIES:
                    raise javascript.fails_on("input", given[0])
            elif rows.owners[node] == row:
                embedded[found] = rows.strict.get(given[0], given[0])
                embeddings.setdefault(node, []).append((embedded[found], rows.ops[found], True))
            for behind in rows.normalized_inputs(found):
                start = rows.plain_of.get(behind[0], rows.renamed.get(behind[0], row))
                if kinds[start] == PLAIN and numbers[start] != node:
                    connect(numbers[start], given if kinds[found] == SUMMARY else behind, is_reference)
    return _columns(source, target, control, reference), keys


def _columns(source: list[int], target: list[int], control: list[int], reference: list[int]) -> BaseEdges:
    is_control = np.zeros(len(source), dtype=bool)
    is_control[control] = True
    is_reference = np.zeros(len(source), dtype=bool)
    is_reference[reference] = True
    return BaseEdges(np.array(source, dtype=np.int64), np.array(target, dtype=np.int64), is_control, is_reference)


def _embed_summaries(rows: NamedRows, embeddings: dict[int, list[Embedding]], embedded: dict[int, str]) -> None:
    readers: dict[str, list[int]] = {}
    for row, kind in enumerate(rows.kinds):
        if kind == SUMMARY:
            for name, _, _ in normalize(rows.inputs[row]):
                if name in javascript.OBJECT_PROPERTIES:
                    raise javascript.fails_on("input", name)
                readers.setdefault(name, []).append(row)
    # TensorBoard renames a summary once for every op that it reads, in the order of those ops.
    hosts = sorted((rows.plain_of[name], name) for name in readers if name in rows.plain_of)
    for host, name in hosts:
        if rows.kinds[host] == PLAIN:
            for summary in readers[name]:
                shown = embedded.get(summary, rows.names[summary])
                embedded[summary] = rows.strict.get(shown, shown)
                embeddings.setdefault(rows.numbers[host], []).append((embedded[summary], rows.ops[summary], False))


def _calls(rows: NamedRows, called: set[str], edges: BaseEdges, keys: Sequence[str]) -> Calls:
    if not called:
        return Calls({}, {}, {}, {})
    calling = {node: row for node, row in enumerate(rows.owners) if rows.ops[row] in called}
    return Calls(
        inputs={node: rows.normalized_inputs(row) for node, row in calling.items()},
        keys={number: keys[number] for number, node in enumerate(edges.source.tolist()) if node in calling},
        arguments=_by_node(rows, rows.arguments),
        results=_by_node(rows, rows.results),
    )


def _by_node(rows: NamedRows, positions: Mapping[int, int]) -> dict[int, int]:
    """The positions by number of node instead of by row."""
    return {
        rows.numbers[row]: position
        for row, position in positions.items()
        if rows.kinds[row] == PLAIN and rows.owners[rows.numbers[row]] == row
    }
