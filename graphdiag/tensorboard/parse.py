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
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress

import numpy as np

from graphdiag.graphs.drawn_graph import ROOT
from graphdiag.graphs.on_demand import OnDemand, coded
from graphdiag.tensorboard import javascript
from graphdiag.tensorboard.merge import RawGraph, UndrawableGraphError
from graphdiag.tensorboard.named_rows import CONSTANT, PLAIN, SUMMARY, NamedRows, Rows, strict_name, strict_names
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
    to_rename, is_regular = _also_scopes(rows)
    named = _numbered(rows, to_rename, is_regular)
    wires = wire(named, {function.name for function in graph.functions})
    at_root = named.renamed_rows[rows.scopes.of_op[named.renamed_rows] == 0]
    return SlimGraph(
        names=named.node_names,
        ops=coded(rows.ops, named.owners),
        op_numbers=rows.op_numbers[named.owners],
        embeddings=wires.embeddings,
        edges=wires.edges,
        calls=wires.calls,
        rows=named.numbers[: len(graph.nodes.names)],
        embedded=wires.embedded,
        scopes=rows.scopes,
        scope_of=_scope_of(named),
        are_distinct=named.are_distinct and not wires.embeddings.again,
        own_ops={strict_name(rows.names[row]): int(named.numbers[row]) for row in at_root.tolist()},
        marks=frozenset(mark for mark in "([" if rows.holds(mark)),
    )


def _scope_of(named: NamedRows) -> np.ndarray:
    """The scope around each node; int64. An op that is renamed for a scope of its name lies inside that scope."""
    rows = named.rows
    scopes = rows.scopes.of_op.astype(np.int64)
    is_renamed = np.zeros(len(scopes), dtype=bool)
    is_renamed[named.renamed_rows] = True
    candidates, own_scopes = rows.named_as_scopes
    chosen = is_renamed[candidates]
    scopes[candidates[chosen]] = own_scopes[chosen]
    found: np.ndarray = scopes[named.owners]
    return found


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


def _also_scopes(rows: Rows) -> tuple[np.ndarray, bool]:
    """The rows of all ops, embedded or not, that are also scopes; int64. And whether no scope is overlooked."""
    root_names = {rows.names[row]: row for row in rows.at_root}
    properties = javascript.OBJECT_PROPERTIES.intersection(root_names)
    _check_properties((name for name in properties if _is_plain(rows, name, root_names[name])), "op name")
    if "" in root_names and _is_plain(rows, "", root_names[""]):
        raise UndrawableGraphError("TensorBoard fails on this graph: it holds an op without a name; name every op")
    scopes = rows.scopes
    is_scope = scopes.around(scopes.of_op[rows.kinds == PLAIN])
    named, named_scopes = rows.named_as_scopes
    is_clashing = is_scope[named_scopes]
    clashing = named[is_clashing]
    is_suspect = rows.kinds[clashing] != PLAIN if rows.are_unique else np.ones(len(clashing), dtype=bool)
    if is_suspect.any():
        inside = scopes.totals(np.bincount(scopes.of_op[rows.kinds == PLAIN], minlength=len(scopes)))
        is_suspect &= inside[named_scopes[is_clashing]] == 1
    suspects = clashing[is_suspect].tolist()
    overlooked = {rows.names[row] for row in suspects if not _is_plain(rows, rows.names[row], row)}
    if overlooked:
        # TensorBoard goes through the sorted names and does not note the scopes of the last one for embedded ops: such
        # a scope is overlooked if there is no other op in it.
        plain = list(compress(rows.names, (rows.kinds == PLAIN).tobytes()))
        overlooked.intersection_update(_scopes(javascript.last_in_sort_order(plain)))
    if overlooked:
        clashing = clashing[[rows.names[row] not in overlooked for row in clashing.tolist()]]
    return np.append(clashing, np.array([root_names[name] for name in properties], dtype=np.int64)), not overlooked


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


def _numbered(rows: Rows, to_rename: np.ndarray, is_regular: bool) -> NamedRows:
    """Number the ops that are not embedded, in the order in which TensorBoard goes through its nodes."""
    is_plain = rows.kinds == PLAIN
    owners = np.flatnonzero(is_plain)
    numbers = np.where(is_plain, np.cumsum(is_plain) - 1, -1)
    renamed = to_rename
    if not rows.are_unique:
        known = dict.fromkeys(rows.names[row] for row in to_rename.tolist())
        renamed = np.array([rows.plain_of[name] for name in known if name in rows.plain_of], dtype=np.int64)
    renamed = renamed[is_plain[renamed]]
    drawn_names = _drawn_names(rows, to_rename)
    names: Sequence[str] = coded(drawn_names, owners)
    in_order = names
    are_new = _are_new(rows, to_rename)
    if not rows.are_unique or not (are_new or _are_new(rows, renamed)):
        # A name stands more than once: the node is the last op of that name, in the place of the first.
        in_order = javascript.key_order(dict.fromkeys(names))
    elif _has_integers(rows):
        in_order = javascript.key_order(names)
    if in_order is not names and in_order != list(names):
        index = {name: number for number, name in enumerate(in_order)}
        owner_of = dict(zip(names, owners.tolist(), strict=True))
        numbers[owners] = [index[name] for name in names]
        owners = np.array([owner_of[name] for name in in_order], dtype=np.int64)
    return NamedRows(
        rows=rows,
        to_rename=to_rename,
        renamed_rows=renamed,
        drawn_names=drawn_names,
        numbers=numbers,
        owners=owners,
        node_names=in_order,
        are_distinct=rows.are_unique and are_new and is_regular and _has_ordinary_scopes(rows),
    )


def _drawn_names(rows: Rows, to_rename: np.ndarray) -> Sequence[str]:
    names = rows.names
    if not rows.are_unique:
        strict = strict_names(rows, to_rename)
        return [strict.get(name, name) for name in names]
    is_renamed = np.zeros(len(names), dtype=bool)
    is_renamed[to_rename] = True

    def every() -> list[str]:
        found = list(names)
        for row in to_rename.tolist():
            found[row] = strict_name(names[row])
        return found

    return OnDemand(len(names), one=lambda row: strict_name(names[row]) if is_renamed[row] else names[row], every=every)


def _are_new(rows: Rows, renamed: np.ndarray) -> bool:
    """Whether no op has one of the names that some ops are given, which hold a bracket."""
    return not rows.holds("(") or rows.row_of.keys().isdisjoint(strict_names(rows, renamed).values())


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
