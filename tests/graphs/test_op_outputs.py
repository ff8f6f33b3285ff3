"""What each type of op gives: slots and types follow from the table; `tests.test_op_registry` is about the table."""

from __future__ import annotations

import pytest
from tensorboard.compat.proto.node_def_pb2 import NodeDef

from graphdiag.graphs.op_graph import from_graph_def
from graphdiag.graphs.op_outputs import slot_of, type_of_output
from tests.support.graph_text import graph_def

FLOAT, HALF, INT32, INT64 = 1, 19, 3, 9


def node(op: str, types: dict[str, int] | None = None, numbers: dict[str, int] | None = None) -> NodeDef:
    made = NodeDef(name="op", op=op)
    for name, type_ in (types or {}).items():
        made.attr[name].type = type_
    for name, number in (numbers or {}).items():
        made.attr[name].i = number
    return made


@pytest.mark.parametrize(
    ("op", "numbers", "name", "index", "slot"),
    [
        ("FusedBatchNormV3", {}, "y", 0, 0),
        ("FusedBatchNormV3", {}, "batch_variance", 0, 2),
        ("Split", {"num_split": 3}, "output", 2, 2),
        ("FusedBatchNormV3", {}, "mean", 0, None),
        ("OfNobody", {}, "y", 0, None),
    ],
)
def test_the_slot_of_a_named_result(op: str, numbers: dict[str, int], name: str, index: int, slot: int | None) -> None:
    assert slot_of(node(op, numbers=numbers), name, index) == slot


def test_results_after_a_list_are_counted_after_all_of_it() -> None:
    made = node("OutfeedDequeueTuple")
    made.attr["dtypes"].list.type.extend([FLOAT, INT32])
    assert slot_of(made, "outputs", 1) == 1
    assert [type_of_output(made, slot) for slot in range(3)] == [FLOAT, INT32, 0]


@pytest.mark.parametrize(
    ("op", "types", "slot", "type_"),
    [
        ("Cast", {"SrcT": FLOAT, "DstT": HALF}, 0, HALF),
        ("FusedBatchNormV3", {"T": HALF, "U": FLOAT}, 1, FLOAT),
        ("Shape", {"T": FLOAT, "out_type": INT64}, 0, INT64),
        ("NonMaxSuppression", {}, 0, INT32),
        ("Relu", {"T": FLOAT}, 1, 0),
        # The attribute that most ops have says it where the op is not known.
        ("OfNobody", {"T": HALF}, 0, HALF),
    ],
)
def test_the_type_of_an_output(op: str, types: dict[str, int], slot: int, type_: int) -> None:
    assert type_of_output(node(op, types), slot) == type_


def test_inside_a_function_each_result_of_an_op_is_its_own_tensor() -> None:
    graph = graph_def("x Placeholder")
    function = graph.library.function.add()
    function.signature.name = "f"
    function.signature.input_arg.add(name="x")
    function.signature.output_arg.add(name="y")
    function.node_def.add(name="norm", op="FusedBatchNormV3", input=["x"])
    function.node_def.add(name="mean", op="Neg", input=["norm:batch_mean:0"])
    function.ret["y"] = "norm:batch_variance:0"
    body = from_graph_def(graph).functions["f"]
    into_mean = int(body.graph.in_edges[body.graph.index["mean"]])
    assert int(body.graph.output[into_mean]) == 1
    assert body.results == ((body.graph.index["norm"], 2),)
