"""The proofs fail on every graph that is not the same graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from tensorboard.compat.proto.graph_pb2 import GraphDef

from graphdiag.errors import ProgramError
from graphdiag.graphs.op_graph import from_graph_def
from graphdiag.repairing.inlining import Inlined, inline_calls
from graphdiag.repairing.proof import prove_inlined, prove_joined, prove_same
from graphdiag.repairing.rewriting import INSERTED
from graphdiag.sources.open_source import open_source
from graphdiag.sources.registry import SourceOptions
from tests.support.graph_text import LOGS, graph_def

Change = Callable[[GraphDef], None]

GRAPH = """
    x Feed
    scale Feed
    a/mul Mul x scale
    a/split Split x
    b/sub Sub a/mul a/split:1 ^a/split
    b/out Identity b/sub nowhere:3
    """
NEW = ["x/x", "scale/scale", "dense/mul", "dense/split", "act/sub", "act/out"]
AFTER = """
    x/x Feed
    scale/scale Feed
    dense/mul Mul x/x scale/scale
    drop/inserted Identity dense/mul
    dense/split Split x/x
    act/sub Sub drop/inserted dense/split:1 ^dense/split
    act/out Identity act/sub nowhere:3
    """
INSERTED_OPS = ["drop/inserted"]


def pair() -> tuple[GraphDef, GraphDef]:
    before, after = graph_def(GRAPH), graph_def(AFTER)
    for graph, name, place in ((before, "b/sub", "a/mul"), (after, "act/sub", "dense/mul")):
        op = by_name(graph)[name]
        op.attr["epsilon"].f = float("nan")
        op.attr["axis"].i = 3
        op.attr["_class"].list.s.append(f"loc:@{place}".encode())
        op.device = "/cpu:0"
    by_name(after)["drop/inserted"].attr[INSERTED].b = True
    return before, after


def by_name(graph: GraphDef) -> dict:
    return {node.name: node for node in graph.node}


def swap_inputs(graph: GraphDef, name: str) -> None:
    node = by_name(graph)[name]
    first, second, *rest = node.input
    del node.input[:]
    node.input.extend([second, first, *rest])


def set_input(name: str, position: int, text: str) -> Change:
    def change(graph: GraphDef) -> None:
        by_name(graph)[name].input[position] = text

    return change


def drop(name: str) -> Change:
    def change(graph: GraphDef) -> None:
        graph.node.remove(by_name(graph)[name])

    return change


def on(name: str, act: Callable) -> Change:
    return lambda graph: act(by_name(graph)[name])


TAMPERED: dict[str, Change] = {
    "inputs swapped": lambda graph: swap_inputs(graph, "act/sub"),
    "another source": set_input("dense/mul", 0, "scale/scale"),
    "another slot": set_input("act/sub", 1, "dense/split:2"),
    "a control dependency lost": on("act/sub", lambda op: op.input.pop()),
    "a control dependency more": on("act/out", lambda op: op.input.append("^x/x")),
    "a control dependency made data": set_input("act/sub", 2, "dense/split"),
    "an input more": on("act/out", lambda op: op.input.append("x/x")),
    "an op lost": drop("act/out"),
    "an op more": lambda graph: graph.node.add(name="more", op="NoOp") and None,
    "an op twice": lambda graph: graph.node.add().CopyFrom(by_name(graph)["act/out"]),
    "another type": on("dense/mul", lambda op: setattr(op, "op", "Add")),
    "another attribute value": on("act/sub", lambda op: setattr(op.attr["axis"], "i", 4)),
    "an attribute lost": on("act/sub", lambda op: op.attr.pop("axis")),
    "an attribute more": on("act/sub", lambda op: setattr(op.attr["more"], "b", True)),
    "a number where there was none": on("act/sub", lambda op: setattr(op.attr["epsilon"], "f", 1.0)),
    "another device": on("act/sub", lambda op: setattr(op, "device", "/cpu:1")),
    "colocated elsewhere": on("act/sub", lambda op: op.attr["_class"].list.s.__setitem__(0, b"loc:@act/out")),
    "colocated as before": on("act/sub", lambda op: op.attr["_class"].list.s.__setitem__(0, b"loc:@a/mul")),
    "what names nothing names something": set_input("act/out", 1, "x/x:3"),
    "what names nothing is lost": on("act/out", lambda op: op.input.pop()),
    "the inserted op changes the value": on("drop/inserted", lambda op: setattr(op, "op", "Neg")),
    "the inserted op is not marked": on("drop/inserted", lambda op: op.attr.pop(INSERTED)),
    "the inserted op takes another tensor": set_input("drop/inserted", 0, "x/x"),
    "the inserted op takes nothing": on("drop/inserted", lambda op: op.input.pop()),
    "the inserted op takes itself": set_input("drop/inserted", 0, "drop/inserted"),
}


def test_the_same_graph_is_proved():
    before, after = pair()
    prove_same(from_graph_def(before), NEW, INSERTED_OPS, after)


@pytest.mark.parametrize("how", TAMPERED)
def test_another_graph_is_not(how):
    before, after = pair()
    TAMPERED[how](after)
    with pytest.raises(ProgramError, match="not the same graph"):
        prove_same(from_graph_def(before), NEW, INSERTED_OPS, after)


def test_an_op_of_the_model_is_not_passed_by_as_if_it_were_inserted():
    before, after = pair()
    by_name(after)["act/out"].attr[INSERTED].b = True
    with pytest.raises(ProgramError):
        prove_same(from_graph_def(before), NEW, INSERTED_OPS, after)


@pytest.mark.parametrize("names", [NEW[:-1], [*NEW[:-1], NEW[0]], [*NEW[:-1], "drop/inserted"], [*NEW[:-1], "absent"]])
def test_names_that_are_not_the_graphs(names):
    before, after = pair()
    with pytest.raises(ProgramError):
        prove_same(from_graph_def(before), names, INSERTED_OPS, after)


def test_graphs_side_by_side():
    graphs = [graph_def("x Feed\ny Neg x"), graph_def("x Feed\ny Neg x ^x")]
    joined = graph_def("graph_1/x Feed\ngraph_1/y Neg graph_1/x\ngraph_2/x Feed\ngraph_2/y Neg graph_2/x ^graph_2/x")
    prove_joined(graphs, joined)
    joined.node[3].input.pop()
    with pytest.raises(ProgramError):
        prove_joined(graphs, joined)


# --- functions -------------------------------------------------------------------------------------------------------


def function(
    graph: GraphDef, name: str, takes: Sequence[str], gives: dict[str, str], body: str, **control: str
) -> None:
    """Add a library function; its body's tensors are named as ``mul:z:0``."""
    added = graph.library.function.add()
    added.signature.name = name
    for argument in takes:
        added.signature.input_arg.add(name=argument)
    for result in gives:
        added.signature.output_arg.add(name=result)
        added.ret[result] = gives[result]
    for node in graph_def(body).node:
        added.node_def.add().CopyFrom(node)
    for result, op in control.items():
        added.signature.control_output.append(result)
        added.control_ret[result] = op


def called() -> GraphDef:
    """A graph that calls ``outer`` twice, which calls ``inner`` and writes something before it gives its result."""
    graph = graph_def("""
        x Feed
        y Feed
        before NoOp
        first PartitionedCall x y ^before
        second PartitionedCall first y
        same PartitionedCall second ^before
        after Identity second:1 ^first
        last Neg same
        """)
    for name, of in (("first", "outer"), ("second", "outer"), ("same", "passes")):
        by_name(graph)[name].attr["f"].func.name = of
    by_name(graph)["first"].attr["size"].i = 7
    by_name(graph)["second"].attr["size"].i = 8
    function(graph, "inner", ["p"], {"r": "neg:y:0"}, "neg Neg p\nwrite NoOp ^neg", done="write")
    function(graph, "passes", ["given"], {"r": "given"}, "")
    function(
        graph,
        "outer",
        ["a", "b"],
        {"r1": "mul:z:0", "r2": "deep:r:0"},
        "const Const\nmul Mul a const:output:0\ndeep inner b\nlast Sub deep:r:0 mul:z:0 ^deep",
        kept="last",
    )
    mul = next(node for node in graph.library.function[2].node_def if node.name == "mul")
    mul.attr["size"].placeholder = "size"
    mul.attr["fixed"].i = 1
    return graph


def inlined(graph: GraphDef) -> Inlined:
    return inline_calls(graph, lambda name: True)


def place(result: Inlined, *path: str) -> str:
    """Name in the new graph of an op, given the calls it comes from and its own name."""
    return next(name for name, origin in result.origins.items() if (*origin.calls, origin.name) == path)


def test_calls_are_replaced_by_what_they_do():
    graph = called()
    result = inlined(graph)
    prove_inlined(graph, result)
    ops = by_name(result.graph_def)
    assert not {"first", "second", "same"} & ops.keys()
    mul, again = place(result, "first", "mul"), place(result, "second", "mul")
    assert list(ops[mul].input) == ["x", place(result, "first", "const"), "^before"][: len(ops[mul].input)]
    assert ops[mul].attr["size"].i == 7
    assert ops[again].attr["size"].i == 8
    assert list(ops[again].input) == [mul, place(result, "second", "const")]
    # What the call waited for, what takes nothing of the body waits for now.
    assert list(ops[place(result, "first", "const")].input) == ["^before"]
    assert list(ops[place(result, "first", "deep", "neg")].input) == ["y", "^before"]
    assert list(ops[place(result, "second", "const")].input) == []
    # What waited for the call waits for what the function says has to run.
    assert list(ops["after"].input) == [place(result, "second", "deep", "neg"), f"^{place(result, 'first', 'last')}"]
    last = ops[place(result, "first", "last")]
    assert f"^{place(result, 'first', 'deep', 'write')}" in last.input
    # A call that returns what it is given, and waited for something: what takes its result waits for that.
    assert list(ops["last"].input) == [again, "^before"]


def tampered(change: Callable[[dict, Inlined], None]) -> None:
    graph = called()
    result = inlined(graph)
    change(by_name(result.graph_def), result)
    with pytest.raises(ProgramError, match="not the same graph"):
        prove_inlined(graph, result)


def test_an_inlined_result_swapped():
    tampered(lambda ops, result: ops["after"].input.__setitem__(0, place(result, "second", "mul")))


def test_the_result_of_another_call():
    tampered(lambda ops, result: ops["after"].input.__setitem__(0, place(result, "first", "deep", "neg")))


def test_an_argument_swapped():
    tampered(lambda ops, result: ops[place(result, "first", "mul")].input.__setitem__(0, "y"))


def test_a_wait_for_a_call_lost():
    tampered(lambda ops, result: ops["after"].input.pop())


def test_a_wait_of_a_call_lost():
    tampered(lambda ops, result: ops[place(result, "first", "const")].input.pop())


def test_a_wait_of_a_call_that_hands_on_lost():
    tampered(lambda ops, result: ops["last"].input.pop())


def test_a_wait_in_a_function_lost():
    tampered(lambda ops, result: ops[place(result, "first", "last")].input.pop())


def test_an_attribute_of_another_call():
    tampered(lambda ops, result: setattr(ops[place(result, "first", "mul")].attr["size"], "i", 8))


def test_a_fixed_attribute_changed():
    tampered(lambda ops, result: setattr(ops[place(result, "first", "mul")].attr["fixed"], "i", 2))


def test_a_type_changed():
    tampered(lambda ops, result: setattr(ops[place(result, "second", "deep", "neg")], "op", "Abs"))


def test_an_op_of_a_function_lost():
    def lose(ops: dict, result: Inlined) -> None:
        result.graph_def.node.remove(ops[place(result, "second", "last")])

    tampered(lose)


def test_an_op_more():
    tampered(lambda ops, result: result.graph_def.node.add(name="more", op="NoOp") and None)


def test_names_in_functions_and_in_the_graph_stay_apart():
    # The graph has a scope that the function has, and the outer function one that the inner one has.
    graph = graph_def("x Feed\ndense/mul Neg x\ncall PartitionedCall dense/mul")
    graph.node[2].attr["f"].func.name = "outer"
    function(graph, "inner", ["p"], {"r": "dense/mul:y:0"}, "dense/mul Neg p")
    function(graph, "outer", ["a"], {"r": "in:r:0"}, "dense/mul Neg a\nin inner dense/mul:y:0")
    result = inlined(graph)
    prove_inlined(graph, result)
    names = [node.name for node in result.graph_def.node]
    assert len(set(names)) == len(names) == 4


@pytest.mark.parametrize("name", ["k3_in_function", "tfk_in_function"])
def test_real_functions(name):
    [graph] = open_source(LOGS / name, SourceOptions()).graph_defs
    result = inlined(graph)
    assert result.origins
    prove_inlined(graph, result)
    for number in range(len(result.graph_def.node)):
        changed = Inlined(GraphDef(), result.origins, result.calls)
        changed.graph_def.CopyFrom(result.graph_def)
        node = changed.graph_def.node[number]
        if node.input:
            node.input.pop()
        else:
            node.op = "Other"
        with pytest.raises(ProgramError):
            prove_inlined(graph, changed)
