"""The order in which ops are looked at: the graph's own, but for ops whose inputs come after them."""

from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.proto.graph_pb2 import GraphDef

from graphdiag.diagnosis.dataflow.liveness import evaluation_order
from graphdiag.graphs.op_graph import from_graph_def


def graph(inputs, types=None):
    graph_def = GraphDef()
    for name, taken in inputs.items():
        graph_def.node.add(name=name, op=(types or {}).get(name, "AddN"), input=taken)
    return from_graph_def(graph_def)


@given(st.data(), st.integers(1, 12))
def test_inputs_come_first_whatever_the_order_of_the_graph(data, size):
    before = [data.draw(st.sets(st.integers(0, row - 1))) if row else set() for row in range(size)]
    written = data.draw(st.permutations(range(size)))
    ops = graph({f"op_{row}": [f"op_{origin}" for origin in sorted(before[row])] for row in written})
    order = list(evaluation_order(ops))
    assert sorted(order) == list(range(size))
    place = {row: number for number, row in enumerate(order)}
    assert all(
        place[origin] < place[target] for origin, target in zip(ops.source.tolist(), ops.target.tolist(), strict=True)
    )


def test_only_what_lies_between_is_moved():
    ops = graph({"a": [], "c": ["b"], "b": ["a"], "d": ["c"], "e": ["d"]})
    assert [ops.names[row] for row in evaluation_order(ops)] == ["a", "b", "c", "d", "e"]


def test_a_loops_back_edge_does_not_count():
    types = {"merge": "Merge", "next": "NextIteration"}
    ops = graph({"x": [], "merge": ["x", "next"], "add": ["merge"], "next": ["add"]}, types)
    assert [ops.names[row] for row in evaluation_order(ops)] == ["x", "merge", "add", "next"]


def test_a_cycle_is_cut_somewhere():
    ops = graph({"a": ["b"], "b": ["a"], "c": ["c", "b"]})
    assert sorted(evaluation_order(ops)) == [0, 1, 2]
