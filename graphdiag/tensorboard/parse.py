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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import compress

import numpy as np

from graphdiag.graphs.drawn_graph import ROOT
from graphdiag.tensorboard import javascript
from graphdiag.tensorboard.merge import RawGraph, UndrawableGraphError
from graphdiag.tensorboard.named_rows import CONSTANT, PLAIN, SUMMARY, NamedRows, Rows
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
    strict, rows_of, is_regular = _strict_names(rows)
    named = _numbered(rows, strict, rows_of, is_regular)
    wires = wire(named, {function.name for function in graph.functions})
    renamed = _rows(named.renamed)
    return SlimGraph(
        names=named.node_names,
        ops=list(map(rows.ops.__getitem__, named.owners.tolist())),
        op_numbers=rows.op_numbers[named.owners],
        embeddings=wires.embeddings,
        edges=wires.edges,
        calls=wires.calls,
        rows=named.numbers[: len(graph.nodes.names)],
        embedded=wires.embedded,
        scopes=rows.scopes,
        scope_of=_scope_of(named, renamed),
        are_distinct=named.are_distinct and not wires.embeddings.again,
        own_ops=dict(zip(named.renamed, named.numbers[renamed].tolist(), strict=True)),
        marks=frozenset(mark for mark in "([" if rows.holds(mark)),
    )


def _rows(by_name: Mapping[str, int]) -> np.ndarray:
    """The rows of a mapping, in its order; int64."""
    return np.fromiter(by_name.values(), dtype=np.int64, count=len(by_name))


def _scope_of(named: NamedRows, renamed: np.ndarray) -> np.ndarray:
    """The scope around each node; int64. An op that is renamed for a scope of its name lies inside that scope."""
    rows = named.rows
    scopes = rows.scopes.of_op.astype(np.int64)
    is_renamed = np.zeros(len(scopes), dtype=bool)
    is_renamed[renamed] = True
    candidates, own_scopes = rows.named_as_scopes
    chosen = is_renamed[candidates]
    scopes[candidates[chosen]] = own_scopes[chosen]
    found: np.ndarray = scopes[named.owners]
    return found


def strict_name(name: str) -> str:
    """The name of an op that is also a scope: ``a/b/(b)`` for ``a/b``."""
    return f"{name}/({name.rpartition('/')[2]})"


def _with_functions(graph: RawGraph) -> Rows:
    nodes, columns = graph.nodes, graph.nodes.columns
    kinds = np.array([_kind(op) for op in columns.type_names], dtype=np.uint8)
    _check_properties(columns.type_names, "op type")
    if not graph.functions:
        numbers = columns.type_numbers
        return Rows(nodes, nodes.names, nodes.ops, numbers, kinds[numbers], (), {}, {}, {})
    names = list(nodes.names)
    ops = list(nodes.ops)
    inputs: list[Sequence[str]] = []
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
    number = {op: place for place, op in enumerate(dict.fromkeys(ops))}
    _check_properties(number, "op type")
    numbers = np.fromiter(map(number.__getitem__, ops), dtype=np.int32, count=len(ops))
    kinds = np.array([_kind(op) for op in number], dtype=np.uint8)[numbers]
    return Rows(nodes, names, ops, numbers, kinds, inputs, prefixes, arguments, results)


def _kind(op: str) -> int:
    if _CONSTANT_OP.search(op):
        return CONSTANT
    return SUMMARY if _SUMMARY_OP.match(op) else PLAIN


def _check_properties(names: Iterable[str], what: str) -> None:
    for name in sorted(javascript.OBJECT_PROPERTIES.intersection(names)):
        raise javascript.fails_on(what, name)


def _strict_names(rows: Rows) -> tuple[dict[str, str], dict[str, int], bool]:
    """New name of every op, embedded or not, that is also a scope; its row; and whether no scope is overlooked."""
    root_names = {rows.names[row]: row for row in rows.at_root}
    properties = javascript.OBJECT_PROPERTIES.intersection(root_names)
    _check_properties((name for name in properties if _is_plain(rows, name, root_names[name])), "op name")
    if "" in root_names and _is_plain(rows, "", root_names[""]):
        raise UndrawableGraphError("TensorBoard fails on this graph: it holds an op without a name; name every op")
    scopes = rows.scopes
    is_scope = scopes.around(scopes.of_op[rows.kinds == PLAIN])
    named, named_scopes = rows.named_as_scopes
    clashing = named[is_scope[named_scopes]]
    suspects = clashing[rows.kinds[clashing] != PLAIN] if rows.are_unique else clashing
    embedded = {rows.names[row] for row in suspects.tolist() if not _is_plain(rows, rows.names[row], row)}
    clashes = {rows.names[row]: row for row in clashing.tolist()}
    overlooked = set()
    if embedded:
        plain = list(compress(rows.names, (rows.kinds == PLAIN).tobytes()))
        # TensorBoard goes through the sorted names and does not note the scopes of the last one for embedded ops.
        for scope in embedded.intersection(_scopes(javascript.last_in_sort_order(plain))):
            if sum(name.startswith(f"{scope}/") for name in plain) == 1:
                overlooked.add(scope)
    rows_of = {name: row for name, row in clashes.items() if name not in overlooked} if overlooked else clashes
    rows_of.update((name, root_names[name]) for name in properties)
    return {name: strict_name(name) for name in rows_of}, rows_of, not overlooked


def _is_plain(rows: Rows, name: str, row: int) -> bool:
    """Whether a name stands for an op that is not embedded; of several of the name, the one that is not counts."""
    if not rows.are_unique:
        row = rows.plain_of.get(name, row)
    return bool(rows.kinds[row] == PLAIN)


def _scopes(name: str) -> Iterator[str]:
    around = name.rpartition("/")[0]
    while around:
        yield around
        around = around.rpartition("/")[0]


def _numbered(rows: Rows, strict: Mapping[str, str], rows_of: Mapping[str, int], is_regular: bool) -> NamedRows:
    """Number the ops that are not embedded, in the order in which TensorBoard goes through its nodes."""
    is_plain = rows.kinds == PLAIN
    owners = np.flatnonzero(is_plain)
    numbers = np.where(is_plain, np.cumsum(is_plain) - 1, -1)
    names = list(compress(rows.names, is_plain.tobytes()))
    is_renamed = np.full(len(is_plain), not rows.are_unique)
    is_renamed[_rows(rows_of)] = True
    if not rows.are_unique:
        rows_of = {name: rows.plain_of[name] for name in rows_of if name in rows.plain_of}
    rows_to_rename = _rows(rows_of)
    are_drawn = is_plain[rows_to_rename]
    renamed = {strict[old]: row for old, row in compress(rows_of.items(), are_drawn.tolist())}
    # A name with a bracket may be that of a renamed op.
    are_new = not rows.holds("(") or rows.row_of.keys().isdisjoint(strict.values())
    if rows.are_unique and (are_new or rows.row_of.keys().isdisjoint(renamed)):
        for new, number in zip(renamed, numbers[rows_to_rename[are_drawn]].tolist(), strict=True):
            names[number] = new
        in_order = javascript.key_order(names) if _has_integers(rows) else names
    else:
        # A name stands more than once: the node is the last op of that name, in the place of the first.
        names = [strict.get(name, name) for name in names]
        in_order = javascript.key_order(dict.fromkeys(names))
    if in_order != names:
        index = {name: number for number, name in enumerate(in_order)}
        owner_of = dict(zip(names, owners.tolist(), strict=True))
        numbers[owners] = [index[name] for name in names]
        owners = np.array([owner_of[name] for name in in_order], dtype=np.int64)
    return NamedRows(
        rows=rows,
        strict=strict,
        is_renamed=is_renamed,
        renamed=renamed,
        numbers=numbers,
        owners=owners,
        node_names=in_order,
        are_distinct=rows.are_unique and are_new and is_regular and _has_ordinary_scopes(rows),
    )


def _has_integers(rows: Rows) -> bool:
    """Whether some name is one that JavaScript puts before the others; such a name has no scope."""
    return any(rows.names[row][:1].isdecimal() for row in rows.at_root)


def _has_ordinary_scopes(rows: Rows) -> bool:
    """Whether TensorBoard has no rule of its own for some scope: for the root, for one without a name, and others."""
    scopes = rows.scopes
    top = [scopes.names[scope] for scope in np.flatnonzero(scopes.parent == 0).tolist()]
    at_root = [*top, *(rows.names[row] for row in rows.at_root)]
    odd = javascript.OBJECT_PROPERTIES | {ROOT}
    return odd.isdisjoint(at_root) and not any("/" in name for name in at_root)
