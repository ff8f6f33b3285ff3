"""Whatever is wrong with a saved report ends in one line that says where, or every format takes it."""

from __future__ import annotations

import json
from contextlib import suppress
from copy import deepcopy
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdiag import SourceError, diff
from graphdiag.errors import UsageError
from graphdiag.modeldiff.take_snapshot import take
from graphdiag.render.registry import Format
from graphdiag.results.document import from_dict, to_json
from tests.support.reports import report_on

TEXTS = [each.value for each in Format if each.value not in ("svg", "png", "pdf")]
VALUES = [None, -1, 10**30, 1.0, 1.5, True, "x", "\ud800", [], {}, [1], ["x"], [["a", "b"]], {"a": 1}]


@lru_cache
def saved(name):
    return json.loads(to_json(report_on(name)))


def places(value, path=()):
    """Paths to all values, but of lists only to the first two."""
    items = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, part in items:
        yield (*path, key)
        yield from places(part, (*path, key))


def changed(document, path, value):
    read = deepcopy(document)
    inside = read
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    return read


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_wrong_value_ends_in_one_line_or_in_every_format(data):
    whole = saved(data.draw(st.sampled_from(["keras216_shape_only_dynamic", "k3_reference_callback"])))
    path = data.draw(st.sampled_from(sorted(places(whole), key=str)))
    report, said = None, ""
    try:
        report = from_dict(changed(whole, path, data.draw(st.sampled_from(VALUES))), "saved.json")
    except SourceError as error:
        said = str(error)
    if report is None:
        assert said.startswith("saved.json: ")
        assert said.isprintable()
        assert len(said) < 400
        return
    for name in TEXTS:
        with suppress(UsageError):  # "the source has no op graph" is a true word on a report without one
            report.render(name)
    diff(take(report), take(report)).to_dict()


def message(path, value):
    with pytest.raises(SourceError) as caught:
        from_dict(changed(saved("keras216_reference"), path, value), "saved.json")
    return str(caught.value)


OPS, OWNERS, DRAWN = ("op_graph",), ("op_graph", "ownership"), ("drawn_graph",)
ARROWS, ROOT = (*DRAWN, "metaedges"), (*DRAWN, "root")
BOX = saved("keras216_reference")["drawn_graph"]["types"].index("meta", 2)


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("findings", 0, "verdict"), "wrong", "$.findings[0].verdict: 'wrong' is not one of ['artifact',"),
        (("edges", 0, "op_edges"), 1.0, "$.edges[0].op_edges: 1.0 is not of type 'integer'"),
        (("layer_graph",), 3, "$.layer_graph: 3 is of the wrong type"),
        (("layer_graph", "edges", 0, 1), "x", "$.layer_graph.edges[0][1] is 'x', and there is no layer of this name"),
        (("layer_graph", "inputs", 0), "x", "$.layer_graph.inputs[0] is 'x', and there is no layer"),
        ((*OPS, "types"), [], "$.op_graph.types has 0 entries, and names has 1285"),
        ((*OPS, "output"), [], "$.op_graph.output has 0 entries, and source has 1651"),
        ((*OPS, "output", 0), 2**31, "$.op_graph.output[0]: 2147483648 is greater than the maximum"),
        ((*OPS, "source", 0), 1285, "$.op_graph.source[0] is 1285, which is the position of no op"),
        ((*OPS, "target", 0), 10**30, f"$.op_graph.target[0] is {10**30}, which is the position of no op"),
        (
            (*OPS, "devices"),
            {"/cpu\n": [1285]},
            r"$.op_graph.devices['/cpu\n'][0] is 1285, which is the position of no op",
        ),
        ((*OPS, "dangling"), [[1285, "x"]], "$.op_graph.dangling[0] is 1285, which is the position of no op"),
        ((*OPS, "names", 0), "\ud800", r"$.op_graph.names: '\ud800' is not Unicode text"),
        ((*OWNERS, "of_op"), [], "$.op_graph.ownership.of_op has 0 entries for 1285 ops"),
        ((*OWNERS, "of_op", 0), 28, "$.op_graph.ownership.of_op[0] is 28, which is the position of no owner"),
        (
            (*OWNERS, "owners", 1),
            "pt_cloud_0",
            "$.op_graph.ownership.owners[1] is 'pt_cloud_0', which stands there twice",
        ),
        ((*OWNERS, "roles"), {"saving": [1285]}, "$.op_graph.ownership.roles['saving'][0] is 1285"),
        ((*OWNERS, "roles"), {"saving": [1], "training": [1]}, "roles: op [1] is 1, which stands there twice"),
        ((*OWNERS, "model_inputs"), [1285], "$.op_graph.ownership.model_inputs[0] is 1285"),
        ((*DRAWN, "types"), [], "$.drawn_graph.types has 0 entries"),
        ((*DRAWN, "op_rows"), [], "$.drawn_graph.op_rows has 0 entries for 1285 ops"),
        ((*DRAWN, "op_rows", 0), 10**6, "$.drawn_graph.op_rows[0] is 1000000"),
        (
            (*DRAWN, "names", saved("keras216_reference")["drawn_graph"]["names"].index("__root__")),
            "x",
            "$.drawn_graph.names has no __root__",
        ),
        ((*DRAWN, "ghosts"), ["x"], "$.drawn_graph.ghosts are not the last names"),
        ((*DRAWN, "parents", BOX), BOX, f"$.drawn_graph.parents[{BOX}]: the node lies in itself"),
        ((*ARROWS, "source"), [], "$.drawn_graph.metaedges.source has 0 entries"),
        ((*ARROWS, "parent", 0), 10**6, "$.drawn_graph.metaedges.parent[0] is 1000000"),
        ((*ROOT, "core", 0), "x", "$.drawn_graph.root.core[0] is 'x', and there is no node of this name"),
        ((*ROOT, "core_edges", 0, 0), "x", "$.drawn_graph.root.core_edges[0][0] is 'x', and there is no node"),
        ((*ROOT, "extractions"), [], "and there is no extraction of this name"),
    ],
)
def test_what_is_wrong_and_where(path, value, says):
    said = message(path, value)
    assert said.startswith("saved.json: damaged: $.")
    assert says in said
    assert said.endswith(". Write it anew with --format json.")


def test_what_stands_twice():
    whole = saved("keras216_reference")
    for path, where in (
        (("edges",), "$.edges[35]"),
        (("layer_graph", "layers"), "$.layer_graph.layers[28].id"),
        (("layer_graph", "edges"), "$.layer_graph.edges[27]"),
    ):
        values = whole
        for key in path:
            values = values[key]
        assert f"{where} is " in message(path, [*values, values[0]])


def test_long_values_are_cut():
    said = message(("edges",), "x" * 10**6)
    assert "x...x" in said
    assert len(said) < 200


def test_functions():
    graph = {**saved("keras216_reference")["op_graph"], "names": ["a"], "types": ["Neg"]}
    graph = {**graph, **{key: [] for key in ("source", "target", "output", "dangling")}, "devices": {}, "functions": {}}
    del graph["ownership"]

    def functions(body, arguments, results):
        return {"f": {"name": "f", "graph": body, "arguments": arguments, "results": results}}

    where = ("op_graph", "functions")
    of_f = "$.op_graph.functions['f']."
    said = [
        message(where, functions({**graph, "source": [1], "target": [0], "output": [0]}, [], [])),
        message(where, functions(graph, [1], [])),
        message(where, functions(graph, [0], [[-2, 0]])),
        message(where, functions(graph, [0], [[1, 0]])),
    ]
    assert f"{of_f}graph.source[0] is 1, which is the position of no op" in said[0]
    assert f"{of_f}arguments[0] is 1" in said[1]
    assert "functions.f.results[0][0]: -2 is less than the minimum of -1" in said[2]
    assert f"{of_f}results[0] is 1" in said[3]
    for _ in range(200):
        graph = {**graph, "functions": functions(graph, [], [])}
    assert "damaged: functions in it are nested too deeply" in message(where, functions(graph, [], []))
