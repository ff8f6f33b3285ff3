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

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from graphdiag.tensorboard import javascript
from graphdiag.tensorboard.named_rows import PLAIN, REFERENCE_OPS, SUMMARY, NamedRows, normalize
from graphdiag.tensorboard.plain_inputs import PlainInputs
from graphdiag.tensorboard.slim_graph import BaseEdges, Calls, Embedding, Input


@dataclass(frozen=True, eq=False)
class Wires:
    """The base edges, what is embedded in each node, strict names of embedded rows, and the calls."""

    edges: BaseEdges
    embeddings: Mapping[int, Sequence[Embedding]]
    embedded: Mapping[int, str]
    calls: Calls


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
    plain = PlainInputs.of(rows) if not with_keys else PlainInputs.none(rows)
    names, ops, nodes, strict = rows.names, rows.ops, rows.numbers, rows.strict
    for row, constant in zip(plain.hosts.tolist(), plain.constants.tolist(), strict=True):
        embedded[constant] = shown = strict.get(names[constant], names[constant])
        embeddings.setdefault(nodes[row], []).append((shown, ops[constant], True))
    numbers = np.array(rows.numbers, dtype=np.int64)
    found = _Connected([], [], [], [], [])
    for row in np.flatnonzero(plain.others).tolist():
        _connect_row(rows, row, found, embeddings, embedded)
    edges = BaseEdges(
        source=np.concatenate([numbers[plain.source], np.array(found.source, dtype=np.int64)]),
        target=np.concatenate([numbers[plain.target], np.array(found.target, dtype=np.int64)]),
        control=np.concatenate([plain.control, np.array(found.control, dtype=bool)]),
        reference=np.concatenate([plain.reference, np.array(found.reference, dtype=bool)]),
    )
    if not len(plain.source):
        return edges, found.keys
    # The inputs of an op stand together; the ops are in the order of their rows.
    owners = np.array(rows.owners, dtype=np.int64)
    order = np.argsort(owners[edges.target], kind="stable")
    return BaseEdges(edges.source[order], edges.target[order], edges.control[order], edges.reference[order]), []


@dataclass(frozen=True)
class _Connected:
    """The base edges that were made one by one: columns of `BaseEdges`, and the output keys."""

    source: list[int]
    target: list[int]
    control: list[bool]
    reference: list[bool]
    keys: list[str]

    def add(self, source: int, target: int, given: Input, is_reference: bool) -> None:
        self.source.append(source)
        self.target.append(target)
        self.control.append(given[2])
        self.reference.append(is_reference)
        self.keys.append(given[1])


def _connect_row(
    rows: NamedRows,
    row: int,
    connected: _Connected,
    embeddings: dict[int, list[Embedding]],
    embedded: dict[int, str],
) -> None:
    """Connect an op with whatever its inputs lead to."""
    kinds, numbers = rows.kinds, rows.numbers
    node = numbers[row]
    changes_variable = rows.ops[row] in REFERENCE_OPS
    for position, given in enumerate(rows.normalized_inputs(row)):
        found = rows.row_of.get(given[0])
        is_reference = changes_variable and position == 0
        if found is None:
            found = rows.renamed.get(given[0], row)
            if given[0] in javascript.OBJECT_PROPERTIES:
                raise javascript.fails_on("input", given[0])
        if kinds[found] == PLAIN:
            if numbers[found] != node:
                connected.add(numbers[found], node, given, is_reference)
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
                connected.add(numbers[start], node, given if kinds[found] == SUMMARY else behind, is_reference)


def _embed_summaries(rows: NamedRows, embeddings: dict[int, list[Embedding]], embedded: dict[int, str]) -> None:
    readers: dict[str, list[int]] = {}
    for row in np.flatnonzero(np.frombuffer(rows.kinds, dtype=np.uint8) == SUMMARY).tolist():
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
