"""What is wrong with the data of a saved report, before anything is made of it.

The JSON Schema says what each value may be; what a schema cannot say is checked here: columns have one length, and what
names an op, a layer or a drawn node names one that is there.
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any

from graphdiag.graphs.drawn_graph import OP, ROOT
from graphdiag.results.schemas import schema
from graphdiag.unprintable import escape_unprintable

_LONGEST = 200
_short = reprlib.Repr()
_short.maxstring = _short.maxother = 40


def validation_error(document: Any) -> str | None:
    """What is wrong with a report's data, and where.

    Args:
        document: What was read from JSON.

    Returns:
        A clause in one line that begins with the place as a JSON path, ``$.edges[0].from is 3, ...``; ``None`` for a
        report that can be made and rendered.
    """
    try:
        return schema_error(document, "report") or next(_contradictions(document), None)
    except RecursionError:
        return "functions in it are nested too deeply"


# --- the schema ------------------------------------------------------------------------------------------------------


def schema_error(document: Any, name: str) -> str | None:
    """Where data is not as a schema of `graphdiag.results.schemas` has it; ``None`` if it is.

    Args:
        document: What was read from JSON.
        name: Name of the schema: ``report``.
    """
    from jsonschema.exceptions import best_match

    first = next(_validator(name).iter_errors(document), None)
    if first is None:
        return None
    error = best_match([first])
    value = _short.repr(error.instance)
    # Every anyOf of the schema is for a value that may be null.
    wrong_type = f"{value} is of the wrong type"
    what = wrong_type if error.validator == "anyOf" else error.message.replace(repr(error.instance), value, 1)
    return escape_unprintable(f"{error.json_path}: {what if len(what) <= _LONGEST else what[:_LONGEST] + ' ...'}")


@cache
def _validator(name: str) -> Any:
    """A validator of a schema that takes a column in one go, and no ``1.0`` or ``true`` for an integer."""
    from jsonschema import Draft202012Validator as Standard
    from jsonschema import validators

    def items(validator: Any, of_item: Any, instance: Any, parent: Any) -> Iterator[Any]:
        if not _is_column(instance, of_item):
            yield from Standard.VALIDATORS["items"](validator, of_item, instance, parent)

    integers = Standard.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
    quick = validators.extend(Standard, {"items": items}, type_checker=integers)
    return quick(json.loads(schema(name)))


def _is_column(values: Any, of_item: Any) -> bool:
    """Whether the values are plain texts or numbers as the schema has them; most of a report is.

    Item by item, as jsonschema goes, a report on 27,000 ops takes eight times as long.
    """
    if not isinstance(values, list) or not isinstance(of_item, Mapping):
        return False
    kinds = {type(value) for value in values}
    if of_item.get("type") == "integer" and kinds == {int}:
        least, most = of_item.get("minimum", min(values)), of_item.get("maximum", max(values))
        return bool(least <= min(values) and max(values) <= most)
    if kinds != {str}:
        return False
    return of_item.get("type") == "string" or not set(values).difference(of_item.get("enum", ()))


# --- what no schema says ---------------------------------------------------------------------------------------------


def _contradictions(document: Mapping[str, Any]) -> Iterator[str]:
    layers, ops, drawn = document["layer_graph"], document["op_graph"], document["drawn_graph"]
    ownership = ops["ownership"] if ops else None
    if layers:
        yield from _of_layers(layers)
    if ops:
        yield from _of_ops(ops, "$.op_graph")
    if ownership:
        yield from _of_ownership(ownership, len(ops["names"]))
    # Either end of an edge may be no layer: an untracked one, a scope, a series, what initializes.
    yield from _repeated([(edge["from"], edge["to"]) for edge in document["edges"]], "$.edges", "")
    if drawn:
        yield from _of_drawn(drawn, len(ops["names"]) if ops else None)


def _of_layers(layers: Mapping[str, Any]) -> Iterator[str]:
    ids = [layer["id"] for layer in layers["layers"]]
    yield from _repeated(ids, "$.layer_graph.layers", ".id")
    yield from _repeated([model["id"] for model in layers["nested"]], "$.layer_graph.nested", ".id")
    yield from _repeated([tuple(edge) for edge in layers["edges"]], "$.layer_graph.edges", "")
    known = set(ids)
    yield from _pairs_of_no(known, layers["edges"], "$.layer_graph.edges", "layer")
    for key in ("inputs", "outputs"):
        yield from _of_no(known, layers[key], f"$.layer_graph.{key}", "layer")
    tensors = layers.get("tensors", [])
    yield from _pairs_of_no(known, [[tensor[0], tensor[3]] for tensor in tensors], "$.layer_graph.tensors", "layer")
    given = [tensor[0] for tensor in layers.get("output_tensors", [])]
    yield from _of_no(known, given, "$.layer_graph.output_tensors", "layer")


def _of_ops(ops: Mapping[str, Any], where: str) -> Iterator[str]:
    size = len(ops["names"])
    yield from _of_another_length(ops, ("names", "types"), where)
    yield from _of_another_length(ops, ("source", "target", "output"), where)
    yield from _outside(ops["source"], size, f"{where}.source", "op")
    yield from _outside(ops["target"], size, f"{where}.target", "op")
    yield from _outside([row for row, _ in ops["dangling"]], size, f"{where}.dangling", "op")
    for device, rows in ops["devices"].items():
        yield from _outside(rows, size, f"{where}.devices[{device!r}]", "op")
    yield from _outside(ops.get("handles", ()), size, f"{where}.handles", "op")
    for key in ("names", "types", "devices"):
        yield from _no_unicode(ops[key], f"{where}.{key}")
    for name, body in ops["functions"].items():
        inside = f"{where}.functions[{name!r}]"
        yield from _of_ops(body["graph"], f"{inside}.graph")
        rows = len(body["graph"]["names"])
        yield from _outside(body["arguments"], rows, f"{inside}.arguments", "op")
        yield from _outside([row for row, _ in body["results"]], rows, f"{inside}.results", "op", least=-1)


def _of_ownership(ownership: Mapping[str, Any], ops: int) -> Iterator[str]:
    where = "$.op_graph.ownership"
    yield from _repeated(ownership["owners"], f"{where}.owners", "")
    if len(ownership["of_op"]) != ops:
        yield f"{where}.of_op has {len(ownership['of_op'])} entries for {ops} ops"
    yield from _outside(ownership["of_op"], len(ownership["owners"]), f"{where}.of_op", "owner", least=-1)
    for role, rows in ownership["roles"].items():
        yield from _outside(rows, ops, f"{where}.roles[{role!r}]", "op")
    yield from _repeated(list(chain.from_iterable(ownership["roles"].values())), f"{where}.roles: op ", "")
    yield from _outside(ownership["model_inputs"], ops, f"{where}.model_inputs", "op")


def _of_drawn(drawn: Mapping[str, Any], ops: int | None) -> Iterator[str]:
    where = "$.drawn_graph"
    names, arrows, root = drawn["names"], drawn["metaedges"], drawn["root"]
    yield from _of_another_length(drawn, ("names", "types", "parents", "cardinalities", "ops"), where)
    yield from _repeated(names, f"{where}.names", "")
    yield from _outside(drawn["op_rows"], len(names), f"{where}.op_rows", "node", least=-1)
    if ops is not None and len(drawn["op_rows"]) != ops:
        yield f"{where}.op_rows has {len(drawn['op_rows'])} entries for {ops} ops"
    if set(drawn["ghosts"]) != set(names[len(names) - len(drawn["ghosts"]) :]):
        yield f"{where}.ghosts are not the last names"
    nodes = set(names).difference(drawn["ghosts"])
    if ROOT not in nodes:
        yield f"{where}.names has no {ROOT}"
    yield from _outside(drawn["parents"], len(names), f"{where}.parents", "node", least=-1)
    yield from _in_circles(drawn["parents"], drawn["types"], f"{where}.parents")
    yield from _of_another_length(arrows, tuple(arrows), f"{where}.metaedges")
    for key in ("parent", "source", "target"):
        yield from _outside(arrows[key], len(names), f"{where}.metaedges.{key}", "node")
    for key in ("core", "out_extract", "in_extract", "library"):
        yield from _of_no(nodes, root[key], f"{where}.root.{key}", "node")
    yield from _pairs_of_no(nodes, root["core_edges"], f"{where}.root.core_edges", "node")
    told = {extraction["name"] for extraction in root["extractions"]}
    for key in ("out_extract", "in_extract"):
        yield from _of_no(told, root[key], f"{where}.root.{key}", "extraction")


def _outside(rows: Sequence[int], size: int, where: str, what: str, least: int = 0) -> Iterator[str]:
    for place, row in enumerate(rows):
        if not least <= row < size:
            yield escape_unprintable(f"{where}[{place}] is {row}, which is the position of no {what}")


def _of_no(known: Collection[str], names: Sequence[str], where: str, what: str) -> Iterator[str]:
    for place, name in enumerate(names):
        if name not in known:
            yield escape_unprintable(f"{where}[{place}] is {_short.repr(name)}, and there is no {what} of this name")


def _pairs_of_no(known: Collection[str], pairs: Sequence[Sequence[str]], where: str, what: str) -> Iterator[str]:
    for place, pair in enumerate(pairs):
        yield from _of_no(known, pair, f"{where}[{place}]", what)


def _repeated(values: Sequence[Any], where: str, key: str) -> Iterator[str]:
    if len(set(values)) == len(values):
        return
    seen = set()
    for place, value in enumerate(values):
        if value in seen:
            yield escape_unprintable(f"{where}[{place}]{key} is {_short.repr(value)}, which stands there twice")
        seen.add(value)


def _of_another_length(columns: Mapping[str, Sequence[Any]], keys: Sequence[str], where: str) -> Iterator[str]:
    size = len(columns[keys[0]])
    for key in keys[1:]:
        if len(columns[key]) != size:
            yield escape_unprintable(f"{where}.{key} has {len(columns[key])} entries, and {keys[0]} has {size}")


def _no_unicode(texts: Collection[str], where: str) -> Iterator[str]:
    """Names of ops are UTF-8 in a GraphDef."""
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError:
            yield escape_unprintable(f"{where}: {_short.repr(text)} is not Unicode text")


def _in_circles(parents: Sequence[int], types: Sequence[str], where: str) -> Iterator[str]:
    """Rows whose way up never ends; -1 ends it, and so does a cycle that TensorBoard makes: through an embedded op.

    An op lies in itself where two ops have its name, and the one is a constant that the other takes.
    """
    ends = {-1}
    for row in range(len(parents)):
        way: dict[int, None] = {}
        while row not in ends and row not in way:
            way[row] = None
            row = parents[row]
        if row in way:
            passed = list(way)
            cycle = passed[passed.index(row) :]
            if not any(types[at] == types[parents[at]] == OP for at in cycle):
                yield f"{where}[{row}]: the node lies in itself"
        ends.update(way)
