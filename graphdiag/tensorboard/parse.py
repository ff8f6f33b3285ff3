"""From the merged graph to the slim graph: library functions, strict names, and what is embedded.

Follows ``build`` in ``tensorboard/plugins/graph/tf_graph_common/graph.ts`` with its ``DefaultBuildParams``, and
``loader.ts`` for the graph that is empty. What that comes to:

* An op whose type contains ``Const`` is embedded in every op that reads it, and an op of type ``...Summary`` in every
  op that it reads. One that touches no drawn op is not drawn. `wiring` says what becomes of their inputs.
* An op that is also a scope is renamed: ``a/b`` becomes ``a/b/(b)``. Embedded ops do not make a scope.
* A library function ``f`` becomes the scope ``__function_library__f``, holding an op of that name (renamed as above),
  one op of type ``input_arg`` for each argument, and its body.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np

from graphdiag.tensorboard import javascript
from graphdiag.tensorboard.merge import RawGraph, UndrawableGraphError
from graphdiag.tensorboard.named_rows import CONSTANT, PLAIN, SUMMARY, NamedRows
from graphdiag.tensorboard.slim_graph import LIBRARY_PREFIX, SlimGraph
from graphdiag.tensorboard.wiring import wire

_CONSTANT_OP = re.compile("Const")
_SUMMARY_OP = re.compile(r"[a-zA-Z]+Summary\Z")


class EmptyGraphError(UndrawableGraphError):
    """A graph without ops: TensorBoard says that it is empty."""


def parse_graph(graph: RawGraph) -> SlimGraph:
    """Turn a merged graph into a slim graph.

    Args:
        graph: As the page reads it.

    Returns:
        The slim graph.

    Raises:
        EmptyGraphError: The graph has no op.
        UndrawableGraphError: A name makes TensorBoard fail.
    """
    if not graph.nodes.names:
        raise EmptyGraphError(
            'TensorBoard says "The graph is empty": the op graph holds no op; '
            "record a function that runs between tf.summary.trace_on() and trace_export()"
        )
    rows = _with_functions(graph)
    kinds = _kinds(rows.ops)
    row_of, plain_of = _rows_by_name(rows.names, kinds)
    strict = _strict_names(rows.names, kinds, row_of, plain_of)
    named = _numbered(rows, kinds, row_of, plain_of, strict)
    wires = wire(named, {function.name for function in graph.functions})
    return SlimGraph(
        names=named.node_names,
        ops=[rows.ops[row] for row in named.owners],
        embeddings=wires.embeddings,
        edges=wires.edges,
        calls=wires.calls,
        rows=named.numbers[: len(graph.nodes.names)],
        embedded=wires.embedded,
    )


def strict_name(name: str) -> str:
    """The name of an op that is also a scope: ``a/b/(b)`` for ``a/b``."""
    return f"{name}/({name.rpartition('/')[2]})"


@dataclass(frozen=True, eq=False)
class _Rows:
    """The ops of the graph, then those made for its functions; see `NamedRows`."""

    names: Sequence[str]
    ops: Sequence[str]
    inputs: Sequence[Sequence[str]]
    prefixes: Mapping[int, str]
    arguments: Mapping[int, int]
    results: Mapping[int, int]


def _with_functions(graph: RawGraph) -> _Rows:
    names = list(graph.nodes.names)
    ops = list(graph.nodes.ops)
    inputs = list(graph.nodes.inputs)
    prefixes: dict[int, str] = {}
    arguments: dict[int, int] = {}
    results: dict[int, int] = {}
    for function in graph.functions:
        scope = LIBRARY_PREFIX + function.name
        names.append(scope)
        ops.append("")
        arguments.update((len(names) + position, position) for position in range(len(function.arguments)))
        names.extend(f"{scope}/{argument}" for argument in function.arguments)
        ops.extend("input_arg" for _ in function.arguments)
        inputs.extend(() for _ in range(1 + len(function.arguments)))
        body = function.body
        positions = {result: position for position, result in enumerate(function.results)}
        for row, name in enumerate(body.names, start=len(names)):
            prefixes[row] = f"{scope}/"
            if name in positions:
                results[row] = positions[name]
        names.extend(f"{scope}/{name}" for name in body.names)
        ops.extend(body.ops)
        inputs.extend(body.inputs)
    return _Rows(names, ops, inputs, prefixes, arguments, results)


def _kinds(ops: Sequence[str]) -> bytes:
    kinds = {op: _kind(op) for op in set(ops)}
    _check_properties(kinds, "op type")
    return bytes(map(kinds.__getitem__, ops))


def _kind(op: str) -> int:
    if _CONSTANT_OP.search(op):
        return CONSTANT
    return SUMMARY if _SUMMARY_OP.match(op) else PLAIN


def _check_properties(names: Iterable[str], what: str) -> None:
    for name in sorted(javascript.OBJECT_PROPERTIES.intersection(names)):
        raise javascript.fails_on(what, name)


def _rows_by_name(names: Sequence[str], kinds: bytes) -> tuple[dict[str, int], dict[str, int]]:
    """The row that an input of each name leads to, and the row of each op that is not embedded.

    A name mostly stands once; then both are one and the same table. Where it stands for ops of several kinds, an input
    leads to the constant first, then to the summary. Of several ops of one kind the last one counts.
    """
    row_of = dict(zip(names, range(len(names)), strict=True))
    if len(row_of) == len(names):
        return row_of, row_of
    for kind in (PLAIN, SUMMARY, CONSTANT):
        row_of.update((name, row) for row, name in enumerate(names) if kinds[row] == kind)
    return row_of, {name: row for row, name in enumerate(names) if kinds[row] == PLAIN}


def _strict_names(
    names: Sequence[str], kinds: bytes, row_of: Mapping[str, int], plain_of: Mapping[str, int]
) -> dict[str, str]:
    """New name of every op, embedded or not, that is also a scope."""

    def is_plain(name: str) -> bool:
        return name in plain_of and kinds[plain_of[name]] == PLAIN

    _check_properties(filter(is_plain, javascript.OBJECT_PROPERTIES), "op name")
    if is_plain(""):
        raise UndrawableGraphError("TensorBoard fails on this graph: it holds an op without a name; name every op")
    plain = list(compress(names, map(PLAIN.__eq__, kinds)))
    clashes = {scope for scope in _scopes(plain) if scope in row_of}
    if clashes:
        # TensorBoard goes through the sorted names and does not note the scopes of the last one for embedded ops.
        for scope in _scopes([javascript.last_in_sort_order(plain)]) & clashes:
            if not is_plain(scope) and sum(name.startswith(f"{scope}/") for name in plain) == 1:
                clashes.remove(scope)
    clashes |= javascript.OBJECT_PROPERTIES & row_of.keys()
    return {name: strict_name(name) for name in clashes}


def _scopes(names: Iterable[str]) -> set[str]:
    scopes = {""}
    for scope in {name.rpartition("/")[0] for name in names}:
        around = scope
        while around not in scopes:
            scopes.add(around)
            around = around.rpartition("/")[0]
    scopes.remove("")
    return scopes


def _numbered(
    rows: _Rows, kinds: bytes, row_of: Mapping[str, int], plain_of: Mapping[str, int], strict: Mapping[str, str]
) -> NamedRows:
    """Number the ops that are not embedded, in the order in which TensorBoard goes through its nodes."""
    is_plain = np.frombuffer(kinds, dtype=np.uint8) == PLAIN
    owners: list[int] = np.flatnonzero(is_plain).tolist()
    numbers: list[int] = np.where(is_plain, np.cumsum(is_plain) - 1, -1).tolist()
    names = list(compress(rows.names, is_plain))
    renamed = {new: plain_of[old] for old, new in strict.items() if old in plain_of}
    renamed = {new: row for new, row in renamed.items() if kinds[row] == PLAIN}
    if plain_of is row_of and row_of.keys().isdisjoint(renamed):
        for new, row in renamed.items():
            names[numbers[row]] = new
        in_order = javascript.key_order(names)
    else:
        # A name stands more than once: the node is the last op of that name, in the place of the first.
        names = [strict.get(name, name) for name in names]
        in_order = javascript.key_order(dict.fromkeys(names))
    if in_order != names:
        index = {name: number for number, name in enumerate(in_order)}
        owner_of = dict(zip(names, owners, strict=True))
        for name, row in zip(names, owners, strict=True):
            numbers[row] = index[name]
        owners = [owner_of[name] for name in in_order]
    return NamedRows(
        names=rows.names,
        ops=rows.ops,
        inputs=rows.inputs,
        prefixes=rows.prefixes,
        arguments=rows.arguments,
        results=rows.results,
        kinds=kinds,
        row_of=row_of,
        plain_of=plain_of,
        renamed=renamed,
        strict=strict,
        numbers=numbers,
        owners=owners,
        node_names=in_order,
    )
