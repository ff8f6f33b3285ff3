"""A saved report gives back all that a format can show."""

from __future__ import annotations

import json

import networkx as nx
import pytest

from graphdiag import SourceError
from graphdiag.graphs.op_graph import from_graph_def
from graphdiag.results.document import from_dict, read, to_json
from graphdiag.results.encoding import REPORT_SCHEMA
from graphdiag.results.report import Report
from graphdiag.sources.opened import Origin
from graphdiag.tensorboard import draw
from tests.support.drawn import recorded
from tests.support.reports import report_on

NAMES = [
    "keras216_reference",
    "keras216_hidden_two_hops",
    "k3_reference_callback",
    "tf110_mnist_171",
    "tf22_graph_reference",
    "tfk_in_function",
    "k3_reference_training",
]


def same(left, right):
    return nx.utils.graphs_equal(left.to_networkx(), right.to_networkx())


@pytest.mark.parametrize("name", NAMES)
def test_there_and_back(name):
    report = report_on(name)
    text = to_json(report)
    back = from_dict(json.loads(text))
    assert to_json(back) == text
    assert (back.origin, back.findings, back.notes, back.edges, back.summary) == (
        *(report.origin, report.findings, report.notes, report.edges, report.summary),
    )
    assert back.render("text") == report.render("text")
    for graph, saved in (
        (report.layer_graph, back.layer_graph),
        (report.op_graph, back.op_graph),
        (report.drawn_graph, back.drawn_graph),
    ):
        assert (graph is None and saved is None) or same(graph, saved)
    if report.op_graph is not None:
        assert [back.owner(op) for op in back.op_graph.names] == [report.owner(op) for op in report.op_graph.names]
        assert list(back.op_graph.functions) == list(report.op_graph.functions)
        for name, function in report.op_graph.functions.items():
            assert same(back.op_graph.functions[name].graph, function.graph)
    if report.drawn_graph is not None:
        assert back.drawn_graph.to_dict() == report.drawn_graph.to_dict()


def test_findings_begin_on_the_first_lines():
    lines = to_json(report_on("keras216_reference")).splitlines()
    assert lines[0] == f'{{"schema": "{REPORT_SCHEMA}",'
    assert lines.index(' "findings": [') < 25
    assert [line.split(":")[0] for line in lines if line.startswith(' "op_graph"')] == [' "op_graph"']


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "it names no schema"),
        ("{}", "it names no schema"),
        ('{"schema": "graphdiag.drawn/1"}', "in the schema graphdiag.drawn/1"),
        ('{"schema": "graphdiag.report/3"}', "in the schema graphdiag.report/3"),
        (json.dumps({"schema": "\n" + "x" * 10**6}), r"in the schema \\nx{39}, and"),
        ('{"schema": "graphdiag.report/2"}', "damaged"),
    ],
)
def test_what_is_no_report(tmp_path, text, message):
    (tmp_path / "saved.json").write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=message):
        read(tmp_path / "saved.json")


def test_series_that_are_missing_in_the_copy_of_a_function():
    graph, _ = recorded("function_with_series")
    report = Report(
        Origin("graph.pb", "graph_def"), None, from_graph_def(graph), findings=(), drawn_graph=draw([graph])
    )
    document = json.loads(to_json(report))
    assert document["drawn_graph"]["ghosts"] == ["call/Relu_[1-5]"]
    assert from_dict(document).drawn_graph.ghosts == report.drawn_graph.ghosts


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SourceError, match="No such file"):
        read(tmp_path / "none.json")
