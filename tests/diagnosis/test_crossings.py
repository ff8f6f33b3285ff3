"""What crosses from one owner to another, directly and through unowned ops."""

from __future__ import annotations

import dataclasses
import os
import pickle
from collections.abc import Iterator, Mapping
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest
import tensorflow as tf

from graphdiag.diagnosis.crossings import Crossings, OpEdge, find_crossings
from graphdiag.diagnosis.dataflow.flow import Carries
from graphdiag.diagnosis.ownership import UNOWNED, Ownership
from graphdiag.graphs.op_graph import CONTROL
from tests.diagnosis.traced import ACTIVATION, FLAG, NOTHING, PARAMETER, SHAPE, Traced

v1 = tf.compat.v1
raw = tf.raw_ops


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    """An empty graph with the control flow of TF 1."""
    v1.disable_control_flow_v2()
    with tf.Graph().as_default() as made:
        yield made
    v1.enable_control_flow_v2()


class Crossed(Traced):
    """A graph whose ops belong to the owner that their outermost scope names, unless that is ``nobody``."""

    def __init__(self, graph: tf.Graph, roles: Mapping[str, str] | None = None) -> None:
        super().__init__(graph, [op.name for op in graph.get_operations() if op.name.endswith("x")])
        scopes = [name.partition("/")[0] for name in self.ops.names]
        owners = sorted({scope for scope in scopes if scope != "nobody"})
        self.ownership = Ownership(
            owners=owners,
            of_op=np.array([UNOWNED if s == "nobody" else owners.index(s) for s in scopes], dtype=np.int32),
            roles={self.ops.index[name]: role for name, role in (roles or {}).items()},
            model_inputs=frozenset(),
            inputs_found=True,
        )
        self.crossings: Crossings = find_crossings(self.ops, self.ownership, self.flow)

    def between(self, source: str, target: str) -> list[OpEdge]:
        return list(self.crossings.edges.get((source, target), ()))

    def carried(self, source: str, target: str) -> Carries:
        found = NOTHING
        for edge in self.between(source, target):
            found |= edge.carries
        return found

    def way(self, edge: OpEdge) -> list[str]:
        return [self.ops.names[row] for row in (edge.source, *edge.through, edge.target)]


def scope(name: str) -> Any:
    return v1.name_scope(f"{name}/")


def model_input() -> Any:
    with scope("input"):
        return v1.placeholder(tf.float32, [4], name="x")


def test_a_direct_edge() -> None:
    x = model_input()
    with scope("a"):
        raw.Relu(features=x, name="relu")
    crossed = Crossed(x.graph)
    (edge,) = crossed.between("input", "a")
    assert crossed.way(edge) == ["input/x", "a/relu"]
    assert (edge.carries, edge.output, edge.control) == (ACTIVATION, 0, False)
    assert crossed.between("a", "input") == []


def test_through_ops_of_nobody_each_share_is_followed_on_its_own() -> None:
    x = model_input()
    with scope("a"):
        a = raw.Relu(features=x, name="relu")
    with scope("b"):
        b = raw.Neg(x=x, name="neg")
    with scope("nobody"):
        size = raw.Shape(input=b, name="shape")
        met = raw.Reshape(tensor=a, shape=size, name="met")
    with scope("c"):
        raw.Identity(input=met, name="takes")
        raw.Shape(input=met, name="measures")
    crossed = Crossed(x.graph)
    takes, measures = crossed.between("a", "c")
    assert crossed.way(takes) == ["a/relu", "nobody/met", "c/takes"]
    assert (takes.carries, measures.carries) == (ACTIVATION, SHAPE)
    takes, measures = crossed.between("b", "c")
    assert crossed.way(takes) == ["b/neg", "nobody/shape", "nobody/met", "c/takes"]
    assert (takes.carries, measures.carries) == (SHAPE, SHAPE)
    assert crossed.between("input", "c") == []


def test_the_way_shown_is_one_on_which_what_arrives_can_come() -> None:
    x = model_input()
    with scope("a"):
        a = raw.Relu(features=x, name="relu")
    with scope("nobody"):
        shape = raw.Shape(input=a, name="shape")
        longer = raw.Neg(x=raw.Neg(x=a, name="first"), name="second")
        met = raw.Reshape(tensor=longer, shape=shape, name="met")
    with scope("c"):
        raw.Identity(input=met, name="takes")
    crossed = Crossed(x.graph)
    (edge,) = crossed.between("a", "c")
    assert edge.carries == ACTIVATION
    assert crossed.way(edge) == ["a/relu", "nobody/first", "nobody/second", "nobody/met", "c/takes"]


def test_positions_count_when_bookkeeping_gives_an_input() -> None:
    x = model_input()
    with scope("a"):
        size = tf.cast(tf.reduce_sum(x), tf.int32)
    with scope("nobody"):
        unrelated = tf.constant(1.0, name="bookkeeping")
        filled = raw.Reshape(tensor=unrelated, shape=tf.stack([size]), name="filled")
        length = raw.Size(input=filled, name="length")
    with scope("c"):
        raw.Identity(input=length, name="takes")
    crossed = Crossed(x.graph, {"nobody/bookkeeping": "training"})
    assert crossed.carried("a", "c") == ACTIVATION


def test_a_conditional_of_nobody_between_two_constants_hands_on_its_predicate() -> None:
    x = model_input()
    with scope("a"):
        predicate = tf.reduce_any(x > 0)
    with scope("nobody"):
        chosen = v1.cond(predicate, lambda: tf.constant(1.0), lambda: tf.constant(2.0))
    with scope("c"):
        raw.Identity(input=chosen, name="takes")
    assert Crossed(x.graph).carried("a", "c") & ACTIVATION


def test_a_control_dependency_on_what_may_be_dead_hands_on_the_predicate() -> None:
    x = model_input()
    with scope("a"):
        predicate = tf.reduce_any(x > 0)
    with scope("nobody"):
        pivot = tf.identity(raw.Switch(data=predicate, pred=predicate)[1], name="pivot")
    with scope("c"), tf.control_dependencies([pivot]):
        tf.constant(1.0, name="waits")
    crossed = Crossed(x.graph)
    (edge,) = crossed.between("a", "c")
    assert edge.control
    assert edge.output == CONTROL
    assert edge.carries == ACTIVATION


def test_what_only_waits_carries_nothing() -> None:
    x = model_input()
    with scope("a"):
        a = raw.Relu(features=x, name="relu")
    with scope("nobody"), tf.control_dependencies([a]):
        one = tf.constant(1.0, name="one")
    with scope("c"):
        raw.Identity(input=one, name="takes")
    crossed = Crossed(x.graph)
    (edge,) = crossed.between("a", "c")
    assert (edge.control, edge.carries) == (True, NOTHING)
    assert crossed.way(edge) == ["a/relu", "nobody/one", "c/takes"]


def test_a_constant_through_ops_of_nobody() -> None:
    with scope("a"):
        one = tf.constant(1.0, name="one")
    with scope("nobody"):
        same = raw.Identity(input=one, name="same")
    with scope("c"):
        raw.Identity(input=same, name="takes")
    crossed = Crossed(one.graph)
    (edge,) = crossed.between("a", "c")
    assert (edge.control, edge.output, edge.carries) == (False, 0, NOTHING)


def test_the_variable_of_one_owner_read_by_nobody_for_another() -> None:
    with scope("a"):
        handle = raw.VarHandleOp(dtype=tf.float32, shape=[], shared_name="v", name="v")
    with scope("nobody"):
        value = raw.ReadVariableOp(resource=handle, dtype=tf.float32)
    with scope("c"):
        raw.Identity(input=value, name="takes")
    crossed = Crossed(handle.graph)
    assert crossed.carried("a", "c") == PARAMETER
    assert [crossed.way(edge) for edge in crossed.between("a", "c")] == [["a/v", "nobody/ReadVariableOp", "c/takes"]]


@pytest.mark.parametrize("role", [None, "initialization"])
@pytest.mark.parametrize("reader", ["nobody", "c"])
def test_what_an_op_of_nobody_stores_another_owner_reads(role: str | None, reader: str) -> None:
    """An Assign that lies in nobody's scope passes for initialization. Activations are not initial values."""
    x = model_input()
    with scope("a"):
        a = tf.reduce_sum(x)
    with scope("nobody"):
        reference = raw.VariableV2(shape=[], dtype=tf.float32, name="v")
        stored = raw.Assign(ref=reference, value=a, name="stores")
    with scope(reader), tf.control_dependencies([stored.op]):
        found = tf.add(reference, 0.0, name="reads")
    with scope("c"):
        raw.Identity(input=found, name="takes")
    crossed = Crossed(x.graph, {"nobody/stores": role} if role else {})
    assert crossed.carried("a", "c") & ACTIVATION
    way = next(crossed.way(edge) for edge in crossed.between("a", "c") if edge.carries & ACTIVATION)
    assert way[1:3] == ["nobody/stores", f"{reader}/reads"]


def test_what_one_owner_stores_another_reads() -> None:
    x = model_input()
    with scope("nobody"):
        handle = raw.VarHandleOp(dtype=tf.float32, shape=[], shared_name="v")
    with scope("a"):
        stored = raw.AssignVariableOp(resource=handle, value=tf.reduce_sum(x), name="stores")
    with scope("c"), tf.control_dependencies([stored]):
        raw.ReadVariableOp(resource=handle, dtype=tf.float32, name="reads")
    crossed = Crossed(x.graph)
    stored_edge = next(edge for edge in crossed.between("a", "c") if edge.carries)
    assert crossed.way(stored_edge) == ["a/stores", "c/reads"]


def test_bookkeeping_is_followed_by_its_tensors() -> None:
    x = model_input()
    with scope("a"):
        a = raw.Relu(features=x, name="relu")
    with scope("nobody"):
        gradient = raw.Neg(x=a, name="gradient")
    with scope("c"):
        raw.Identity(input=gradient, name="takes")
    crossed = Crossed(x.graph, {"nobody/gradient": "gradients"})
    (edge,) = crossed.between("a", "c")
    assert (crossed.way(edge), edge.carries) == (["a/relu", "nobody/gradient", "c/takes"], ACTIVATION)
    assert crossed.crossings.to_roles == {("a", "gradients"): 1}


def test_what_training_stores_or_waits_for_is_not_followed() -> None:
    x = model_input()
    with scope("a"):
        a = raw.Relu(features=x, name="relu")
    with scope("nobody"):
        handle = raw.VarHandleOp(dtype=tf.float32, shape=[4], shared_name="w", name="w")
        update = raw.AssignSubVariableOp(resource=handle, value=a, name="update")
    with scope("c"), tf.control_dependencies([update]):
        raw.ReadVariableOp(resource=handle, dtype=tf.float32, name="reads")
    crossed = Crossed(x.graph, {"nobody/update": "training"})
    assert crossed.between("a", "c") == []


def test_round_a_loop_of_nobody() -> None:
    x = model_input()
    with scope("a"):
        a = tf.reduce_sum(x)
    with scope("b"):
        b = v1.placeholder_with_default(False, [], name="flag")
    with scope("nobody"):
        one = tf.constant(1.0)
        results = v1.while_loop(
            lambda i, p, q, r: tf.logical_and(i < 4, tf.logical_not(b)),
            lambda i, p, q, r: (i + 1, q, r, p),
            [0, one, one, a],
        )
    with scope("c"):
        raw.Identity(input=results[1], name="takes")
    crossed = Crossed(x.graph)
    assert crossed.carried("a", "c") & ACTIVATION
    assert crossed.carried("b", "c") == FLAG
    (edge,) = [edge for edge in crossed.between("a", "c") if edge.carries & ACTIVATION]
    assert crossed.way(edge)[-1] == "c/takes"


def test_op_edges_come_in_the_order_of_the_graph() -> None:
    x = model_input()
    with scope("a"):
        a = raw.Relu(features=x, name="relu")
    with scope("nobody"):
        n = raw.Neg(x=a, name="neg")
    with scope("c"):
        raw.AddN(inputs=[n, a, n], name="first")
        raw.Mul(x=a, y=n, name="second")
    crossed = Crossed(x.graph)
    edges = crossed.between("a", "c")
    names = [(crossed.ops.names[edge.target], len(edge.through)) for edge in edges]
    assert names == [("c/first", 1), ("c/first", 0), ("c/first", 1), ("c/second", 0), ("c/second", 1)]


def test_many_owners_through_one_region_of_nobody() -> None:
    with scope("nobody"):
        total = tf.constant(0.0)
    for number in range(60):
        with scope(f"owner_{number:02d}"):
            own = v1.placeholder(tf.float32, [], name="x") if number % 2 else tf.constant(1.0)
        with scope("nobody"):
            total = raw.Add(x=total, y=own)
    with scope("z"):
        raw.Identity(input=total, name="takes")
    crossed = Crossed(total.graph)
    for number in range(60):
        (edge,) = crossed.between(f"owner_{number:02d}", "z")
        assert edge.carries == (ACTIVATION if number % 2 else NOTHING)
        assert len(edge.through) == 60 - number


def test_an_edge_through_unowned_ops_can_be_changed_and_sent_to_another_process(graph: tf.Graph) -> None:
    x = v1.placeholder(tf.float32, [None], name="a/x")
    made = tf.exp(x, name="a/exp")
    tf.abs(tf.negative(made, name="nobody/neg"), name="b/abs")
    crossed = Crossed(graph)
    [edge] = crossed.crossings.edges["a", "b"]
    copy = pickle.loads(pickle.dumps(edge))
    for name in ("source", "target", "output", "carries", "through", "control"):
        assert getattr(copy, name) == getattr(edge, name)
    assert [crossed.ops.names[row] for row in (copy.source, *copy.through, copy.target)] == [
        "a/exp",
        "nobody/neg",
        "b/abs",
    ]
    flag = dataclasses.replace(edge, carries=Carries.FLAG)
    assert (flag.carries, flag.source, flag.through) == (Carries.FLAG, edge.source, edge.through)
