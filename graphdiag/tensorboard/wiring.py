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
from graphdiag.tensorboard.slim_graph import BaseEdges, Calls, Embeddings, Input


@dataclass(frozen=True, eq=False)
class Wires:
    """The base edges, what is embedded in each node, strict names of embedded rows, and the calls."""

    edges: BaseEdges
    embeddings: Embeddings
    embedded: Mapping[int, str]
    calls: Calls


def wire(named: NamedRows, functions: Iterable[str]) -> Wires:
    """Connect the nodes.

    Args:
        named: The ops, named and numbered.
        functions: Names of the library functions.

    Returns:
        Edges, embeddings and calls.

    Raises:
        UndrawableGraphError: An input's name makes TensorBoard fail.
    """
    called = set(functions).intersection(named.rows.ops) if functions else set()
    plain = PlainInputs.none(named) if called else PlainInputs.of(named)
    single = _OneByOne(named)
    for row in np.flatnonzero(plain.others).tolist():
        single.connect(row)
    single.embed_summaries()
    edges = _edges(named, plain, single)
    return Wires(edges, _embeddings(named, plain, single), single.embedded, _calls(named, called, edges, single.keys))


def _edges(named: NamedRows, plain: PlainInputs, single: _OneByOne) -> BaseEdges:
    edges = BaseEdges(
        source=np.concatenate([named.numbers[plain.source], np.array(single.source, dtype=np.int64)]),
        target=np.concatenate([named.numbers[plain.target], np.array(single.target, dtype=np.int64)]),
        control=np.concatenate([plain.control, np.array(single.control, dtype=bool)]),
        reference=np.concatenate([plain.reference, np.array(single.reference, dtype=bool)]),
    )
    if not len(plain.source) or not single.source:
        return edges
    # The inputs of an op stand together; the ops are in the order of their rows.
    order = np.argsort(named.owners[edges.target], kind="stable")
    return BaseEdges(edges.source[order], edges.target[order], edges.control[order], edges.reference[order])


def _embeddings(named: NamedRows, plain: PlainInputs, single: _OneByOne) -> Embeddings:
    hosts = np.concatenate([named.numbers[plain.hosts], np.array(single.hosts, dtype=np.int64)])
    guests = np.concatenate([plain.constants, np.array(single.guests, dtype=np.int64)])
    inward = np.concatenate([np.ones(len(plain.hosts), dtype=bool), np.array(single.inward, dtype=bool)])
    again = single.again
    if (hosts[1:] < hosts[:-1]).any():
        order = np.argsort(hosts, kind="stable")
        hosts, guests, inward = hosts[order], guests[order], inward[order]
        if again:
            # The summaries stand behind the ordinary constants.
            position = np.empty(len(order), dtype=np.int64)
            position[order] = np.arange(len(order))
            again = {int(position[len(plain.hosts) + place]): name for place, name in again.items()}
    elif again:
        again = {len(plain.hosts) + place: name for place, name in again.items()}
    rows = named.rows
    return Embeddings(hosts, guests, inward, named.drawn_names, rows.ops, again)


class _OneByOne:
    """What is connected and embedded op by op: columns of `BaseEdges` with the output keys, and of `Embeddings`."""

    def __init__(self, named: NamedRows) -> None:
        self._named = named
        self._rows = named.rows
        self._numbers: list[int] = []
        self._owners: list[int] = []
        self._kinds = b""
        self.source: list[int] = []
        self.target: list[int] = []
        self.control: list[bool] = []
        self.reference: list[bool] = []
        self.keys: list[str] = []
        self.hosts: list[int] = []
        self.guests: list[int] = []
        self.inward: list[bool] = []
        self.again: dict[int, str] = {}
        self.embedded: dict[int, str] = {}

    def connect(self, row: int) -> None:
        """Connect an op with whatever its inputs lead to."""
        named, rows = self._named, self._rows
        if not self._kinds:
            self._numbers, self._owners = named.numbers.tolist(), named.owners.tolist()
            self._kinds = rows.kinds.tobytes()
        kinds, numbers = self._kinds, self._numbers
        node = numbers[row]
        changes_variable = rows.ops[row] in REFERENCE_OPS
        for position, given in enumerate(rows.normalized_inputs(row)):
            found = rows.row_of.get(given[0])
            is_reference = changes_variable and position == 0
            if found is None:
                found = named.renamed.get(given[0], row)
                if given[0] in javascript.OBJECT_PROPERTIES:
                    raise javascript.fails_on("input", given[0])
            if kinds[found] == PLAIN:
                if numbers[found] != node:
                    self._add(numbers[found], node, given, is_reference)
                continue
            if kinds[found] == SUMMARY:
                if given[0] in javascript.OBJECT_PROPERTIES:
                    raise javascript.fails_on("input", given[0])
            elif self._owners[node] == row:
                self.embedded[found] = named.strict.get(given[0], given[0])
                self._embed(node, found, inward=True)
            for behind in rows.normalized_inputs(found):
                start = rows.plain_of.get(behind[0], named.renamed.get(behind[0], row))
                if kinds[start] == PLAIN and numbers[start] != node:
                    self._add(numbers[start], node, given if kinds[found] == SUMMARY else behind, is_reference)

    def embed_summaries(self) -> None:
        """Embed the summaries in what they read; after all else."""
        named, rows = self._named, self._rows
        readers: dict[str, list[int]] = {}
        for row in np.flatnonzero(rows.kinds == SUMMARY).tolist():
            # TensorBoard looks before it puts a function's prefix on.
            for name, _, _ in normalize(rows.texts_of(row)):
                if name in javascript.OBJECT_PROPERTIES:
                    raise javascript.fails_on("input", name)
                readers.setdefault(name, []).append(row)
        # TensorBoard renames a summary once for every op that it reads, in the order of those ops.
        hosts = sorted((rows.plain_of[name], name) for name in readers if name in rows.plain_of)
        for host, name in hosts:
            if rows.kinds[host] == PLAIN:
                for summary in readers[name]:
                    own = rows.names[summary]
                    shown = self.embedded.get(summary, own)
                    self.embedded[summary] = named.strict.get(shown, shown)
                    if self.embedded[summary] != named.strict.get(own, own):
                        self.again[len(self.hosts)] = self.embedded[summary]
                    self._embed(int(named.numbers[host]), summary, inward=False)

    def _add(self, source: int, target: int, given: Input, is_reference: bool) -> None:
        self.source.append(source)
        self.target.append(target)
        self.control.append(given[2])
        self.reference.append(is_reference)
        self.keys.append(given[1])

    def _embed(self, host: int, guest: int, inward: bool) -> None:
        self.hosts.append(host)
        self.guests.append(guest)
        self.inward.append(inward)


def _calls(named: NamedRows, called: set[str], edges: BaseEdges, keys: Sequence[str]) -> Calls:
    if not called:
        return Calls({}, {}, {}, {})
    rows = named.rows
    calling = {node: row for node, row in enumerate(named.owners.tolist()) if rows.ops[row] in called}
    return Calls(
        inputs={node: rows.normalized_inputs(row) for node, row in calling.items()},
        keys={number: keys[number] for number, node in enumerate(edges.source.tolist()) if node in calling},
        arguments=_by_node(named, rows.arguments),
        results=_by_node(named, rows.results),
    )


def _by_node(named: NamedRows, positions: Mapping[int, int]) -> dict[int, int]:
    """The positions by number of node instead of by row."""
    return {
        int(named.numbers[row]): position
        for row, position in positions.items()
        if named.rows.kinds[row] == PLAIN and named.owners[named.numbers[row]] == row
    }
