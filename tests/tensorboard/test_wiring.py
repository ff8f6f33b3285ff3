from __future__ import annotations

import pytest

from graphdiag.tensorboard import draw
from graphdiag.tensorboard.wiring import normalize
from tests.support.drawn import drawn, recorded
from tests.support.graph_text import graph_def


@pytest.mark.parametrize(
    ("texts", "inputs"),
    [
        (["a"], [("a", "0", False)]),
        (["a:3"], [("a", "3", False)]),
        (["a:out:1"], [("a", "out:1", False)]),
        (["^a"], [("a", "0", True)]),
        (["a", "a:1", "^a"], [("a", "0", False)]),
        (["^a", "a"], [("a", "0", True)]),
        (["a", "b", "a"], [("a", "0", False), ("b", "0", False), ("a", "0", False)]),
        (["a:out"], [("a:out", "0", False)]),
        (["a:b:c:0"], [("a:b:c:0", "0", False)]),
        ([":0"], [(":0", "0", False)]),
        (["^^a"], [("^a", "0", True)]),
    ],
)
def test_inputs_are_normalized(texts: list[str], inputs: list[tuple[str, str, bool]]) -> None:
    assert normalize(texts) == inputs


def test_the_prefix_of_a_function_goes_before_the_name() -> None:
    assert normalize(["^a", "b:1"], "f/") == [("f/a", "0", True), ("f/b", "1", False)]


def test_neighboring_inputs_from_one_op_are_one_edge_and_others_are_not() -> None:
    edges = drawn("a Split\nb Split\nc AddN a a:1 ^a b a:2")["edges"]
    assert edges == {"__root__": [["a", "c", 2, 0, 0], ["b", "c", 1, 0, 0]]}


def test_self_loops_and_inputs_that_name_no_op_are_dropped() -> None:
    assert drawn("a Add a gone ^gone b/c\nb Neg")["edges"] == {}


def test_the_first_input_of_an_assignment_is_a_reference_edge() -> None:
    edges = drawn("v VariableV2\nw VariableV2\ns Assign v w\nt AssignAdd w v\nu ScatterNdAdd v w")["edges"]["__root__"]
    assert [edge for edge in edges if edge[4]] == [["v", "s", 1, 0, 1], ["w", "t", 1, 0, 1]]


def test_a_constant_is_embedded_in_the_last_op_that_reads_it() -> None:
    nodes = drawn("c Const\na Neg c\nb Neg c")["nodes"]
    assert nodes["c"] == {"type": "op", "parent": "b", "cardinality": 1, "op": "Const"}
    assert nodes["__root__"]["cardinality"] == 2


def test_a_constant_that_no_op_reads_is_not_drawn() -> None:
    graph = draw([graph_def("c Const\na Neg\nd Const c")])
    assert "c" not in graph
    assert list(graph.op_rows) == [-1, graph.index["a"], -1]


def test_a_constants_own_inputs_become_those_of_the_op_around_it() -> None:
    assert drawn("g NoOp\nc Const ^g\na Neg c")["edges"] == {"__root__": [["g", "a", 0, 1, 0]]}


def test_an_embedded_op_behind_an_embedded_op_leads_nowhere() -> None:
    assert drawn("g NoOp\nc Const ^g\nd Const c\na Neg d")["edges"] == {}


def test_a_summary_is_embedded_in_what_it_reads_and_passes_it_on() -> None:
    document = drawn("loss Mean\nshown ScalarSummary loss\nwaits NoOp ^shown")
    assert document["nodes"]["shown"]["parent"] == "loss"
    assert document["edges"] == {"__root__": [["loss", "waits", 0, 1, 0]]}


def test_only_letters_before_summary_make_an_embedded_op() -> None:
    nodes = drawn("x Mean\na ScalarSummary x\nb Summary x\nc ScalarSummaryV2 x\nd TensorSummary2 x\ne My1Summary x")[
        "nodes"
    ]
    assert {name for name, node in nodes.items() if node["parent"] == "x"} == {"a"}


def test_a_summary_in_a_function_is_embedded_in_the_op_outside_that_has_its_inputs_name() -> None:
    graph, theirs = recorded("functions_and_summaries")
    assert theirs["nodes"]["__function_library__f_1/shown"]["parent"] == "loss"
    assert draw([graph]).node("__function_library__f_1/shown").parent == "loss"
