"""What flows: one test for each way in which a tensor comes to depend on something.

`test_soundness.py` holds random graphs against TensorFlow itself; here each mechanism stands alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest
import tensorflow as tf
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorflow.python.framework import function

from graphdiag.graphs.op_graph import merge
from tests.diagnosis.traced import ACTIVATION, FLAG, HANDLE, NOTHING, PARAMETER, RANDOM, SHAPE, Traced, op_graph

v1 = tf.compat.v1
raw = tf.raw_ops


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    """An empty graph with the control flow of TF 2."""
    with tf.Graph().as_default() as made:
        yield made


@pytest.fixture
def tf1() -> Iterator[None]:
    """The control flow of TF 1."""
    v1.disable_control_flow_v2()
    yield
    v1.enable_control_flow_v2()


def model_input(name: str = "x", shape: Any = (4,)) -> Any:
    return v1.placeholder(tf.float32, shape, name=name)


def flag() -> Any:
    return v1.placeholder_with_default(False, [], name="flag")


def variable(name: str = "v", shape: Any = ()) -> Any:
    return raw.VarHandleOp(dtype=tf.float32, shape=shape, shared_name=name, name=name)


def read(handle: Any, *after: Any) -> Any:
    with tf.control_dependencies(list(after)):
        return raw.ReadVariableOp(resource=handle, dtype=tf.float32)


def assign(handle: Any, value: Any, *after: Any) -> Any:
    with tf.control_dependencies(list(after)):
        return raw.AssignVariableOp(resource=handle, value=value)


# --- feeds, constants, parameters ------------------------------------------------------------------------------------


def test_where_values_come_from() -> None:
    model_input()
    flag()
    v1.placeholder(tf.float32, [3], name="labels")
    v1.placeholder(tf.resource, [], name="captured")
    tf.constant(1.0, name="one")
    raw.VariableV2(shape=[], dtype=tf.float32, name="reference")
    variable()
    tf.random.uniform([2], name="draw")
    traced = Traced(v1.get_default_graph())
    assert traced.over("x") == ACTIVATION
    assert traced.over("flag") == FLAG
    assert traced.over("labels") == ACTIVATION
    assert traced.over("captured") == HANDLE
    assert traced.over("one") == NOTHING
    assert traced.over("reference") == PARAMETER
    assert traced.over("v") == HANDLE
    assert traced.over("draw/RandomUniform") == RANDOM


def test_what_one_python_function_keeps_another_may_find() -> None:
    x = model_input()
    other = v1.placeholder(tf.float32, (4,), name="other")
    first = tf.numpy_function(lambda value: value, [x], tf.float32, name="first")
    with tf.control_dependencies([first]):
        tf.numpy_function(lambda value: value, [other], tf.float32, name="second")
    traced = Traced(x.graph)
    assert traced.over("^first", "PyFunc") & ACTIVATION
    assert not traced.over("^first", "Relu") & ACTIVATION


def test_a_default_that_is_computed_flows_as_well() -> None:
    fed = v1.placeholder_with_default(tf.reduce_sum(model_input()), [])
    assert Traced(fed.graph).over(fed) == ACTIVATION | FLAG


def test_up_to_producer_21_a_placeholder_without_dimensions_has_any_shape() -> None:
    v1.placeholder(tf.float32, [], name="data")
    v1.placeholder(tf.bool, [], name="mask")
    v1.placeholder(tf.bool, [], name="dropout/keras_learning_phase")
    message = tf.compat.v1.get_default_graph().as_graph_def()
    # Frozen graphs of that time do not record their producer.
    for producer, scalar in ((0, ACTIVATION), (21, ACTIVATION), (22, FLAG)):
        message.versions.producer = producer
        found = Traced(message, ())
        assert (found.over("data") & (ACTIVATION | FLAG), found.over("mask") & (ACTIVATION | FLAG)) == (scalar, scalar)
        assert found.over("dropout/keras_learning_phase") == FLAG


def test_scalar_feeds_may_be_inputs_when_inputs_are_missing() -> None:
    from graphdiag.diagnosis.dataflow.flow import trace

    flag()
    v1.placeholder(tf.float32, [], name="number")
    ops = op_graph(v1.get_default_graph())
    found = trace(ops, (), scalars_are_flags=False)
    assert found.over(ops.index["flag"], 0, "Identity") == FLAG
    assert found.over(ops.index["number"], 0, "Identity") == ACTIVATION


def test_what_a_checkpoint_holds_are_parameters() -> None:
    raw.RestoreV2(prefix="file", tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.float32], name="restore")
    assert Traced(v1.get_default_graph()).over("restore") == PARAMETER


def test_tracing_leaves_the_graph_as_it_was() -> None:
    variable()
    raw.PartitionedCall(args=[model_input()], Tout=[tf.float32], f=_doubled())
    ops = op_graph(v1.get_default_graph())
    before = [node.SerializeToString(deterministic=True) for node in ops.node_defs]
    Traced(ops)
    assert [node.SerializeToString(deterministic=True) for node in ops.node_defs] == before


def _doubled() -> Any:
    doubled = tf.function(lambda x: x * 2.0, input_signature=[tf.TensorSpec([4])], autograph=False)
    return doubled.get_concrete_function()


# --- values and shapes -----------------------------------------------------------------------------------------------


def test_a_shape_op_turns_activations_into_shape() -> None:
    x = model_input()
    shapes = [tf.shape(x), tf.size(x, name="size"), tf.zeros_like(x), tf.ones_like(x), tf.fill(tf.shape(x), 2.0)]
    traced = Traced(x.graph)
    # Of a shape that is known, TensorFlow itself makes a constant.
    assert {traced.over(raw_shape) for raw_shape in shapes} <= {SHAPE, NOTHING}
    assert traced.over(x, "Shape") == SHAPE
    assert traced.over(x, "ZerosLike") == SHAPE


def test_a_shape_that_depends_on_values_is_no_mere_shape() -> None:
    x = model_input()
    chosen = tf.boolean_mask(x, x > 0)
    size = raw.Size(input=chosen)
    traced = Traced(x.graph)
    assert traced.over(size) == ACTIVATION
    assert traced.over(chosen, "Shape") == ACTIVATION


def test_a_sum_of_ones_is_a_number_of_elements() -> None:
    x = model_input()
    ones = raw.OnesLike(x=tf.boolean_mask(x, x > 0))
    zeros = raw.ZerosLike(x=tf.boolean_mask(x, x > 0))
    count = tf.reduce_sum(ones)
    length = tf.reduce_sum(raw.OnesLike(x=x))
    product = tf.matmul(zeros[None, :] + 1.0, ones[:, None])
    traced = Traced(x.graph)
    assert traced.over(count) == ACTIVATION
    assert traced.over(product) == ACTIVATION
    assert traced.over(length) == SHAPE


@pytest.mark.parametrize(
    "make",
    [
        lambda shape: raw.BroadcastGradientArgs(s0=shape, s1=[2, 3])[0],
        lambda shape: raw.ConcatOffset(concat_dim=0, shape=[shape, [2, 3]])[1],
        lambda shape: raw.BroadcastArgs(s0=shape, s1=[2, 3]),
    ],
)
def test_ops_on_shapes_pass_on_the_values_of_the_shapes(make: Callable[[Any], Any]) -> None:
    amount = tf.cast(tf.reduce_sum(model_input()), tf.int32)
    made = make(tf.stack([amount, 3]))
    assert Traced(made.graph).over(made) == ACTIVATION


def test_only_the_inputs_that_give_dimensions_do() -> None:
    x = model_input()
    amount = tf.cast(tf.reduce_sum(x), tf.int32)
    filled = raw.Fill(dims=[2, 3], value=tf.reduce_sum(x))
    sized = raw.Fill(dims=tf.stack([amount]), value=1.0)
    traced = Traced(x.graph)
    assert traced.over(filled, "Shape") == SHAPE
    assert traced.over(sized, "Shape") == ACTIVATION


def test_how_many_neighbors_there_are_is_a_value() -> None:
    amount = tf.cast(tf.reduce_sum(model_input()), tf.int64)
    some = raw.NearestNeighbors(points=tf.ones([5, 2]), centers=tf.zeros([3, 2]), k=amount)
    two = raw.NearestNeighbors(points=tf.ones([5, 2]), centers=tf.zeros([3, 2]), k=2)
    traced = Traced(amount.graph)
    assert traced.over(some[0], "Shape") == ACTIVATION
    assert traced.over(two[0], "Shape") == NOTHING


def test_the_shape_of_a_draw_does_not_depend_on_its_seed() -> None:
    seed = read(variable(shape=[2]))
    drawn = raw.StatelessRandomUniform(shape=[3], seed=tf.cast(seed, tf.int32))
    traced = Traced(drawn.graph)
    assert traced.over(drawn) == PARAMETER | RANDOM
    assert traced.over(drawn, "Shape") == NOTHING


def test_the_shape_of_what_varies_itself_is_not_named() -> None:
    x = model_input()
    drawn = raw.RandomUniform(shape=raw.Shape(input=x), dtype=tf.float32)
    chosen = tf.where(flag(), raw.OnesLike(x=x), raw.ZerosLike(x=x))
    traced = Traced(x.graph)
    assert traced.over(drawn) == RANDOM
    assert traced.over(chosen) == FLAG | SHAPE


def test_an_unknown_op_passes_everything_on() -> None:
    ops = GraphDef()
    for name, op, inputs in (
        ("x", "Placeholder", []),
        ("c", "Const", []),
        ("handle", "VarHandleOp", []),
        ("known", "NobodysOp", ["c"]),
        ("all", "NobodysOp", ["x", "c"]),
        ("source", "NobodysOp", []),
        ("reads", "NobodysOp", ["handle"]),
    ):
        ops.node.add(name=name, op=op).input.extend(inputs)
    traced = Traced(merge([ops]))
    assert traced.over("known") == NOTHING
    assert traced.over("all", "Shape") == ACTIVATION
    assert traced.over("source") == ACTIVATION
    assert traced.over("reads") & ACTIVATION


def test_an_unknown_op_that_runs_a_function_may_give_anything() -> None:
    ops = GraphDef()
    node = ops.node.add(name="call", op="NobodysMap")
    node.input.append("c")
    node.attr["f"].func.name = "somewhere"
    ops.node.add(name="c", op="Const")
    assert Traced(merge([ops])).over("call") == ACTIVATION


def test_an_input_that_the_graph_lacks_may_be_anything() -> None:
    ops = GraphDef()
    ops.node.add(name="c", op="Const")
    ops.node.add(name="sum", op="Add").input.extend(["c", "gone:1"])
    ops.node.add(name="waits", op="Add").input.extend(["c", "c", "^gone"])
    traced = Traced(merge([ops]))
    assert traced.over("sum") == ACTIVATION
    assert traced.over("waits") == NOTHING


# --- conditionals of TF 1 --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("tf1")
def test_a_branch_of_constants_carries_its_predicate() -> None:
    x = model_input()
    chosen = v1.cond(tf.reduce_any(x > 0), lambda: tf.constant(1.0), lambda: tf.constant(2.0))
    by_flag = v1.cond(flag(), lambda: tf.constant(1.0), lambda: tf.constant(2.0))
    traced = Traced(x.graph)
    assert traced.over(chosen) == ACTIVATION
    assert traced.over(by_flag) == FLAG


@pytest.mark.usefixtures("tf1")
def test_whether_a_tensor_comes_at_all_is_part_of_what_flows() -> None:
    x = model_input()
    inside: list[Any] = []

    def branch() -> Any:
        inside.append(tf.constant(1.0))
        inside.append(inside[0] * 2.0)
        return inside[-1]

    v1.cond(tf.reduce_any(x > 0), branch, lambda: tf.constant(2.0))
    traced = Traced(x.graph)
    for tensor in inside:
        assert traced.over(tensor) == ACTIVATION
        assert traced.over(f"^{tensor.op.name}") == ACTIVATION


@pytest.mark.usefixtures("tf1")
def test_after_a_conditional_ops_run_whatever_it_chose() -> None:
    x = model_input()
    flagged = flag()

    def nested() -> Any:
        return v1.cond(flagged, lambda: tf.constant(1.0), lambda: tf.constant(3.0))

    chosen = v1.cond(tf.reduce_any(x > 0), nested, lambda: tf.constant(2.0))
    with tf.control_dependencies([chosen]):
        after = tf.constant(5.0)
    traced = Traced(x.graph)
    assert traced.over(chosen) & ACTIVATION
    assert traced.over(f"^{chosen.op.name}") == NOTHING
    assert traced.over(after) == NOTHING


@pytest.mark.usefixtures("tf1")
def test_a_merge_of_branches_that_do_not_complete_each_other_may_be_dead() -> None:
    x = model_input()
    left = raw.Switch(data=tf.constant(1.0), pred=tf.reduce_any(x > 0))[1]
    right = raw.Switch(data=tf.constant(1.0), pred=flag())[0]
    merged = raw.Merge(inputs=[left, right])[0]
    with tf.control_dependencies([merged]):
        after = tf.constant(5.0)
    assert Traced(x.graph).over(after) == ACTIVATION | FLAG


@pytest.mark.usefixtures("tf1")
def test_a_predicate_that_grows_late_reaches_its_merge() -> None:
    x = model_input()
    reference = raw.VariableV2(shape=[4], dtype=tf.float32)
    stored = v1.assign(reference, x)
    with tf.control_dependencies([stored]):
        predicate = tf.reduce_any(tf.add(reference, 0.0) > 0)
    chosen = v1.cond(predicate, lambda: tf.zeros_like(x), lambda: tf.ones_like(x))
    assert Traced(x.graph).over(chosen) & ACTIVATION


# --- loops of TF 1 ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("tf1")
def test_a_loop_carries_from_one_variable_to_the_next() -> None:
    x = tf.reduce_sum(model_input())
    one = tf.constant(1.0)
    _, first, second, third = v1.while_loop(
        lambda i, a, b, c: i < 5, lambda i, a, b, c: (i + 1, b, c, a), [0, one, one, x], parallel_iterations=1
    )
    traced = Traced(x.graph)
    assert {traced.over(first), traced.over(second), traced.over(third)} == {ACTIVATION}


@pytest.mark.usefixtures("tf1")
def test_how_often_a_loop_runs_flows_into_what_it_gives() -> None:
    x = model_input()
    limit = tf.cast(tf.reduce_sum(x), tf.int32)
    counted = v1.while_loop(lambda i: i < limit, lambda i: i + 1, [0])
    known = v1.while_loop(lambda i: i < 3, lambda i: i + 1, [0])
    with tf.control_dependencies([counted]):
        after = tf.constant(1.0)
    traced = Traced(x.graph)
    assert traced.over(counted) == ACTIVATION
    assert traced.over(known) == NOTHING
    assert traced.over(after) == NOTHING


@pytest.mark.usefixtures("tf1")
def test_what_a_loop_only_looks_at_does_not_change() -> None:
    x = model_input()
    fixed = tf.constant([1.0, 2.0])
    _, total = v1.while_loop(lambda i, total: i < 3, lambda i, total: (i + 1, total + tf.reduce_sum(fixed)), [0, 0.0])
    del x
    assert Traced(total.graph).over(total) == NOTHING


def test_a_cycle_without_a_loop_ends() -> None:
    ops = GraphDef()
    ops.node.add(name="x", op="Placeholder")
    ops.node.add(name="a", op="Add").input.extend(["x", "b"])
    ops.node.add(name="b", op="Identity").input.extend(["a"])
    assert Traced(merge([ops])).over("b") == ACTIVATION


# --- functions -------------------------------------------------------------------------------------------------------


def test_the_predicate_of_a_functional_conditional_flows() -> None:
    x = model_input()
    chosen = tf.cond(tf.reduce_any(x > 0), lambda: tf.constant(1.0), lambda: tf.constant(2.0))
    case = tf.switch_case(tf.cast(x[0], tf.int32), [lambda: tf.constant(1.0), lambda: tf.constant(2.0)])
    traced = Traced(x.graph)
    assert traced.over(chosen) == ACTIVATION
    assert traced.over(case) == ACTIVATION


def test_a_function_says_result_by_result_what_it_depends_on() -> None:
    x = model_input()

    @tf.function(input_signature=[tf.TensorSpec([None]), tf.TensorSpec([])], autograph=False)
    def several(vector: Any, number: Any) -> Any:
        return number + 1.0, tf.size(vector), vector * number, tf.constant(3.0)

    results = several(x, tf.constant(2.0))
    traced = Traced(x.graph)
    assert [traced.over(result) for result in results] == [NOTHING, SHAPE, ACTIVATION, NOTHING]
    assert traced.over(results[2], "Shape") == SHAPE


def test_a_function_in_a_function_in_a_loop() -> None:
    x = tf.reduce_sum(model_input())
    swapped = tf.function(lambda a, b: (b, a), input_signature=[tf.TensorSpec([])] * 2, autograph=False)
    outer = tf.function(lambda a, b: swapped(a, b), input_signature=[tf.TensorSpec([])] * 2, autograph=False)
    _, left, right = tf.while_loop(
        lambda i, a, b: i < 3, lambda i, a, b: (i + 1, *outer(a, b)), [0, tf.constant(1.0), x]
    )
    traced = Traced(x.graph)
    assert traced.over(left) == ACTIVATION
    assert traced.over(right) == ACTIVATION


def test_what_a_functional_loop_hands_on_unchanged_stays_as_it_was() -> None:
    x = model_input()
    limit = tf.cast(tf.reduce_sum(x), tf.int32)
    i, kept, grown = tf.while_loop(
        lambda i, kept, grown: i < limit, lambda i, kept, grown: (i + 1, kept, grown + kept), [0, 1.0, 1.0]
    )
    traced = Traced(x.graph)
    assert traced.over(i) == ACTIVATION
    assert traced.over(kept.op.inputs[0]) == NOTHING
    assert traced.over(grown) == ACTIVATION


def test_a_function_that_calls_itself() -> None:
    ops = GraphDef()
    for name, op, inputs in (
        ("x", "Placeholder", []),
        ("n", "Const", []),
        ("one", "Const", []),
        ("by_value", "Down", ["n", "x"]),
        ("by_count", "Down", ["x", "one"]),
        ("by_neither", "Down", ["n", "one"]),
    ):
        ops.node.add(name=name, op=op).input.extend(inputs)
    functions = {
        "Down": [("more", "Greater", ["n", "n"]), ("out", "If", ["more:z:0", "n", "x"])],
        "Again": [("less", "Neg", ["n"]), ("deeper", "Down", ["less:y:0", "x"]), ("out", "Mul", ["deeper:0", "x"])],
        "Stop": [("out", "Const", [])],
    }
    for function_name, nodes in functions.items():
        made = ops.library.function.add()
        made.signature.name = function_name
        made.signature.input_arg.add(name="n", type=3)
        made.signature.input_arg.add(name="x", type=1)
        made.signature.output_arg.add(name="result", type=1)
        for name, op, inputs in nodes:
            node = made.node_def.add(name=name, op=op)
            node.input.extend(inputs)
            if op == "If":
                node.attr["then_branch"].func.name, node.attr["else_branch"].func.name = "Again", "Stop"
        made.ret["result"] = "out:output:0"
    traced = Traced(merge([ops]))
    assert traced.over("by_value") == ACTIVATION
    assert traced.over("by_count") == ACTIVATION
    assert traced.over("by_neither") == NOTHING


def test_a_function_called_by_its_name_as_op_type() -> None:
    @function.Defun(tf.float32, tf.float32, func_name="Half")
    def half(vector: Any, number: Any) -> Any:
        return tf.cast(tf.size(vector), tf.float32) + number

    x = model_input()
    result = half(x, tf.constant(0.5))
    assert Traced(x.graph).over(result) == SHAPE


@pytest.mark.parametrize("name", ["While", "StatelessIf", "PartitionedCall"])
def test_a_function_with_the_name_of_an_op_type_is_what_runs(name: str) -> None:
    """TensorFlow looks in the library of a graph first (``FunctionLibraryDefinition::LookUp``)."""

    @function.Defun(tf.float32, tf.float32, func_name="Half")
    def half(vector: Any, number: Any) -> Any:
        return tf.cast(tf.size(vector), tf.float32) + number

    x = model_input()
    result = half(x, tf.constant(0.5))
    message = GraphDef.FromString(x.graph.as_graph_def().SerializeToString())
    [body] = message.library.function
    [call] = (node for node in message.node if node.op == body.signature.name)
    body.signature.name = call.op = name
    assert Traced(merge([message])).over(result.op.name) == SHAPE


def test_a_function_that_the_library_lacks_may_give_and_store_anything() -> None:
    handle = variable()
    raw.StatefulPartitionedCall(args=[handle], Tout=[tf.float32], f=_reading(), name="call")
    with tf.control_dependencies([v1.get_default_graph().get_operation_by_name("call")]):
        after = read(handle)
    message = GraphDef.FromString(v1.get_default_graph().as_graph_def().SerializeToString())
    assert Traced(merge([message])).over("call") == PARAMETER
    del message.library.function[:]
    traced = Traced(merge([message]))
    assert traced.over("call") & ACTIVATION
    assert traced.over(after) & ACTIVATION


def _reading() -> Any:
    reading = tf.function(
        lambda handle: raw.ReadVariableOp(resource=handle, dtype=tf.float32),
        input_signature=[tf.TensorSpec([], tf.resource)],
        autograph=False,
    )
    return reading.get_concrete_function()


def test_merged_graphs_find_their_functions() -> None:
    x = model_input()
    inner = tf.function(lambda a: tf.size(a), input_signature=[tf.TensorSpec([None])], autograph=False)
    outer = tf.function(lambda a: inner(a), input_signature=[tf.TensorSpec([None])], autograph=False)
    result = outer(x)
    message = GraphDef.FromString(x.graph.as_graph_def().SerializeToString())
    traced = Traced(merge([message, message]), ["graph_1/x", "graph_2/x"])
    assert traced.over(f"graph_2/{result.op.name}") == SHAPE


# --- variables -------------------------------------------------------------------------------------------------------


def test_what_is_assigned_is_read_later_but_not_before() -> None:
    x = tf.reduce_sum(model_input())
    handle = variable()
    before = read(handle)
    after = read(handle, assign(handle, x, before))
    traced = Traced(x.graph)
    assert traced.over(before) == PARAMETER
    assert traced.over(after) & ACTIVATION
    assert traced.stores() == {("AssignVariableOp", after.op.name)}


def test_a_read_that_nothing_orders_may_come_later() -> None:
    x = tf.reduce_sum(model_input())
    handle = variable()
    assign(handle, x)
    loose = read(handle)
    assert Traced(x.graph).over(loose) & ACTIVATION


@pytest.mark.usefixtures("tf1")
def test_a_merge_does_not_wait_for_the_branch_that_is_dead() -> None:
    x = tf.reduce_sum(model_input())
    handle = variable()
    loose = read(handle)
    chosen = v1.cond(flag(), lambda: loose * 2.0, lambda: tf.constant(1.0))
    assign(handle, x, chosen)
    assert Traced(x.graph).over(loose) & ACTIVATION


def test_a_body_does_not_wait_for_what_it_does_not_need() -> None:
    """TensorFlow puts the body in the place of the call."""
    x = tf.reduce_sum(model_input())
    handle, other = variable(), variable("other")
    spec = [tf.TensorSpec([], tf.resource), tf.TensorSpec([]), tf.TensorSpec([])]

    @tf.function(input_signature=spec, autograph=False)
    def store(place: Any, number: Any, unused: Any) -> Any:
        with tf.control_dependencies([raw.AssignVariableOp(resource=place, value=number)]):
            return tf.identity(number)

    loose, waited_for, one = read(handle), read(other), tf.constant(1.0)
    store(handle, x, loose)
    with tf.control_dependencies([waited_for]):
        store(other, x, one)
    message = GraphDef.FromString(x.graph.as_graph_def().SerializeToString())
    traced = Traced(merge([message]))
    assert traced.over(loose) & ACTIVATION
    assert traced.over(waited_for) == PARAMETER
    del message.library.function[:]
    assert Traced(merge([message])).over(loose) & ACTIVATION


def test_a_result_of_a_call_does_not_wait_for_all_that_the_body_reads() -> None:
    x = tf.reduce_sum(model_input())
    handle, other = variable(), variable("other")

    @tf.function(input_signature=[tf.TensorSpec([], tf.resource)] * 2, autograph=False)
    def look(left: Any, right: Any) -> Any:
        return tuple(raw.ReadVariableOp(resource=place, dtype=tf.float32) for place in (left, right))

    found = look(handle, other)
    assign(handle, x + found[1])
    after_all = look(handle, other)
    assign(other, x, after_all[0].op)
    traced = Traced(x.graph)
    assert traced.over(found[0]) & ACTIVATION
    assert traced.over(after_all[1]) == PARAMETER


def test_a_branch_waits_for_its_predicate() -> None:
    x = tf.reduce_sum(model_input())
    handle = variable()

    def write() -> Any:
        with tf.control_dependencies([raw.AssignVariableOp(resource=handle, value=x)]):
            return tf.constant(0.0)

    before = read(handle)
    tf.cond(before > 0, write, lambda: tf.constant(0.0))
    assert Traced(x.graph).over(before) == PARAMETER


def test_a_reference_is_read_where_it_is_taken() -> None:
    x = tf.reduce_sum(model_input())
    reference = raw.VariableV2(shape=[], dtype=tf.float32)
    assigned = v1.assign(reference, x)
    with tf.control_dependencies([assigned]):
        added = v1.assign_add(reference, 1.0)
        copied = tf.add(reference, 0.0)
    through = tf.multiply(added, 2.0)
    traced = Traced(x.graph)
    assert traced.over(copied) & ACTIVATION
    assert traced.over(added) & ACTIVATION
    assert traced.over(through) & ACTIVATION


@pytest.mark.parametrize("chosen_by", ["RefSelect", "RefMerge"])
def test_one_of_several_references_is_read_where_it_is_taken(chosen_by: str) -> None:
    x = tf.reduce_sum(model_input())
    written, other = (raw.VariableV2(shape=[], dtype=tf.float32) for _ in range(2))
    if chosen_by == "RefSelect":
        chosen = raw.RefSelect(index=0, inputs=[written, other])
    else:
        chosen, _ = raw.RefMerge(inputs=[raw.RefSwitch(data=each, pred=flag())[0] for each in (written, other)])
    with tf.control_dependencies([chosen]):
        assigned = v1.assign(written, x)
    with tf.control_dependencies([assigned]):
        copied = tf.add(chosen, 0.0)
    traced = Traced(x.graph)
    assert traced.over(copied) & ACTIVATION
    assert (assigned.op.name, copied.op.name) in traced.stores()


def test_writing_to_one_of_several_references_writes_to_any() -> None:
    x = tf.reduce_sum(model_input())
    first, second = (raw.VariableV2(shape=[], dtype=tf.float32) for _ in range(2))
    assigned = v1.assign(raw.RefSelect(index=0, inputs=[first, second]), x)
    with tf.control_dependencies([assigned]):
        copied = tf.add(first, 0.0)
    assert Traced(x.graph).over(copied) & ACTIVATION


def test_the_shape_of_one_of_several_references_depends_on_which() -> None:
    amount = tf.cast(tf.reduce_sum(model_input()), tf.int32)
    references = [raw.VariableV2(shape=[size], dtype=tf.float32) for size in (2, 3)]
    chosen = raw.RefSelect(index=amount, inputs=references)
    assert Traced(amount.graph).over(chosen, "Shape") == ACTIVATION


def test_variables_of_one_name_are_one_variable() -> None:
    x = tf.reduce_sum(model_input())
    first, second = variable("same"), raw.VarHandleOp(dtype=tf.float32, shape=[], shared_name="same")
    other = variable("other")
    assigned = assign(first, x)
    shared, apart = read(second, assigned), read(other, assigned)
    traced = Traced(x.graph)
    assert traced.over(shared) & ACTIVATION
    assert traced.over(apart) == PARAMETER


def test_references_of_one_name_are_one_variable() -> None:
    x = tf.reduce_sum(model_input())
    first = raw.VariableV2(shape=[], dtype=tf.float32, name="named")
    second = raw.VariableV2(shape=[], dtype=tf.float32, shared_name="named")
    with tf.control_dependencies([v1.assign(first, x)]):
        shared = tf.add(second, 0.0)
    assert Traced(x.graph).over(shared) & ACTIVATION


def test_variables_without_a_name_are_one_variable_unless_anonymous() -> None:
    x = tf.reduce_sum(model_input())
    nameless = [raw.VarHandleOp(dtype=tf.float32, shape=[]) for _ in range(2)]
    anonymous = [
        raw.VarHandleOp(dtype=tf.float32, shape=[], shared_name="cd2c89b7-88b7-44c8-ad83-06c2a9158347")
        for _ in range(2)
    ]
    shared = read(nameless[1], assign(nameless[0], x))
    apart = read(anonymous[1], assign(anonymous[0], x))
    traced = Traced(x.graph)
    assert traced.over(shared) & ACTIVATION
    assert traced.over(apart) == PARAMETER


def test_a_state_that_a_function_names_itself_may_hold_anything() -> None:
    x = tf.reduce_sum(model_input())

    @tf.function(input_signature=[tf.TensorSpec([])], autograph=False)
    def storing(number: Any) -> Any:
        handle = raw.VarHandleOp(dtype=tf.float32, shape=[], shared_name="v")
        with tf.control_dependencies([raw.AssignVariableOp(resource=handle, value=number)]):
            return tf.constant(1.0)

    after = read(variable(), storing(x))
    assert Traced(x.graph).over(after) & ACTIVATION


@pytest.mark.usefixtures("tf1")
def test_writing_a_constant_or_not_is_decided_by_the_predicate_tf1() -> None:
    x = model_input()
    handle = variable()

    def write() -> Any:
        with tf.control_dependencies([assign(handle, 1.0)]):
            return tf.constant(0.0)

    chosen = v1.cond(tf.reduce_any(x > 0), write, lambda: tf.constant(0.0))
    after = read(handle, chosen)
    assert Traced(x.graph).over(after) & ACTIVATION


def test_writing_a_constant_or_not_is_decided_by_the_predicate() -> None:
    x = model_input()
    handle = variable()

    def write() -> Any:
        with tf.control_dependencies([raw.AssignVariableOp(resource=handle, value=1.0)]):
            return tf.constant(0.0)

    chosen = tf.cond(tf.reduce_any(x > 0), write, lambda: tf.constant(0.0))
    after = read(handle, chosen)
    assert Traced(x.graph).over(after) & ACTIVATION


@pytest.mark.parametrize("control_flow", ["tf1", "tf2"])
def test_what_one_turn_of_a_loop_writes_the_next_one_reads(control_flow: str, request: pytest.FixtureRequest) -> None:
    if control_flow == "tf1":
        request.getfixturevalue("tf1")
    x = tf.reduce_sum(model_input())
    handle = variable()

    def body(i: Any, last: Any) -> Any:
        value = read(handle)
        with tf.control_dependencies([assign(handle, x, value)]):
            return i + 1, tf.identity(value)

    _, last = (v1 if control_flow == "tf1" else tf).while_loop(lambda i, last: i < 3, body, [0, 0.0])
    assert Traced(x.graph).over(last) & ACTIVATION


@pytest.mark.parametrize("control_flow", ["tf1", "tf2"])
def test_how_often_a_loop_writes_is_decided_by_its_condition(control_flow: str, request: pytest.FixtureRequest) -> None:
    if control_flow == "tf1":
        request.getfixturevalue("tf1")
    limit = tf.cast(tf.reduce_sum(model_input()), tf.int32)
    handle = variable()

    def body(i: Any) -> Any:
        with tf.control_dependencies([raw.AssignAddVariableOp(resource=handle, value=1.0)]):
            return i + 1

    done = (v1 if control_flow == "tf1" else tf).while_loop(lambda i: i < limit, body, [0])
    after = read(handle, *tf.nest.flatten(done))
    assert Traced(limit.graph).over(after) & ACTIVATION


def test_two_handles_of_a_function_may_lead_to_one_variable() -> None:
    x = tf.reduce_sum(model_input())

    @tf.function(
        input_signature=[tf.TensorSpec([], tf.resource), tf.TensorSpec([], tf.resource), tf.TensorSpec([])],
        autograph=False,
    )
    def write_then_read(left: Any, right: Any, number: Any) -> Any:
        with tf.control_dependencies([raw.AssignVariableOp(resource=left, value=number)]):
            return raw.ReadVariableOp(resource=right, dtype=tf.float32)

    first, second = variable("a"), variable("b")
    same = write_then_read(first, first, x)
    apart = write_then_read(variable("c"), second, x)
    traced = Traced(x.graph)
    assert traced.over(same) & ACTIVATION
    assert traced.over(apart) == PARAMETER


def test_what_a_function_writes_is_read_after_the_call_and_by_the_next() -> None:
    x = tf.reduce_sum(model_input())
    handle = variable()

    @tf.function(input_signature=[tf.TensorSpec([])], autograph=False)
    def exchange(number: Any) -> Any:
        old = raw.ReadVariableOp(resource=handle, dtype=tf.float32)
        with tf.control_dependencies([old]):
            assigned = raw.AssignVariableOp(resource=handle, value=number)
        with tf.control_dependencies([assigned]):
            return tf.identity(old)

    first = exchange(x)
    with tf.control_dependencies([first]):
        second = exchange(tf.constant(1.0))
    after = read(handle, second)
    traced = Traced(x.graph)
    assert traced.over(first) == PARAMETER
    assert traced.over(second) & ACTIVATION
    assert traced.over(after) & ACTIVATION


def test_a_call_that_stores_more_than_it_seemed_is_looked_at_again() -> None:
    """The call's result does not change, only what it stores."""
    x = tf.reduce_sum(model_input())
    outer, inner = variable("outer"), variable("inner")

    @tf.function(input_signature=[tf.TensorSpec([], tf.resource), tf.TensorSpec([])], autograph=False)
    def store(handle: Any, number: Any) -> Any:
        with tf.control_dependencies([raw.AssignVariableOp(resource=handle, value=number)]):
            return tf.constant(1.0)

    found = read(outer, assign(outer, x))
    after = read(inner, store(inner, found))
    assert Traced(x.graph).over(after) & ACTIVATION


@pytest.mark.usefixtures("tf1")
def test_a_handle_of_unclear_origin_may_be_any() -> None:
    x = tf.reduce_sum(model_input())
    first, second = variable("a"), variable("b")
    chosen = v1.cond(flag(), lambda: tf.identity(first), lambda: tf.identity(second))
    after = read(first, assign(chosen, x))
    through = read(chosen)
    traced = Traced(x.graph)
    assert traced.over(after) & ACTIVATION
    assert traced.over(through) & ACTIVATION


def test_a_handle_that_is_fed_or_not_may_be_any() -> None:
    x = tf.reduce_sum(model_input())
    handle = variable()
    fed = raw.PlaceholderWithDefault(input=handle, shape=[])
    assigned = assign(handle, x)
    through = read(fed, assigned)
    traced = Traced(x.graph)
    assert traced.over(through) & ACTIVATION
    assert (assigned.name, through.op.name) in traced.stores()


@pytest.mark.usefixtures("tf1")
def test_a_handle_is_followed_into_loops_and_branches() -> None:
    x = tf.reduce_sum(model_input())
    first, other = variable("a"), variable("b")
    assigned = assign(first, x)

    def body(i: Any, total: Any) -> Any:
        with tf.control_dependencies([i]):
            return i + 1, total + v1.cond(flag_, lambda: read(first), lambda: tf.constant(0.0))

    flag_ = flag()
    with tf.control_dependencies([assigned]):
        start = tf.constant(0)
    _, total = v1.while_loop(lambda i, total: i < 3, body, [start, 0.0])
    _, apart = v1.while_loop(lambda i, total: i < 3, lambda i, total: (i + 1, total + read(other)), [start, 0.0])
    traced = Traced(x.graph)
    assert traced.over(total) & ACTIVATION
    assert traced.over(apart) == PARAMETER


def test_the_shape_of_a_variable_is_not_its_value() -> None:
    x = model_input(shape=[None])
    handle = variable(shape=[None])
    assigned = assign(handle, x)
    with tf.control_dependencies([assigned]):
        shape = raw.VariableShape(input=handle)
    after = assign(handle, tf.boolean_mask(x, x > 0), shape)
    with tf.control_dependencies([after]):
        chosen = raw.VariableShape(input=handle)
    traced = Traced(x.graph)
    assert traced.over(shape) == SHAPE
    assert traced.over(chosen) == ACTIVATION
    assert traced.over(handle, "VariableShape") == HANDLE


def test_asking_whether_a_variable_is_set_tells_nothing_of_what_it_holds() -> None:
    x = tf.reduce_sum(model_input())
    handle = variable()
    with tf.control_dependencies([assign(handle, x)]):
        asked = raw.VarIsInitializedOp(resource=handle)
    assert Traced(x.graph).over(asked) == NOTHING


@pytest.mark.parametrize("control_flow", ["tf1", "tf2"])
def test_whether_a_variable_is_set_may_be_decided_by_a_conditional(
    control_flow: str, request: pytest.FixtureRequest
) -> None:
    if control_flow == "tf1":
        request.getfixturevalue("tf1")
    x = model_input()
    handle = variable()

    def write() -> Any:
        with tf.control_dependencies([raw.AssignVariableOp(resource=handle, value=1.0)]):
            return tf.constant(0.0)

    choose = v1.cond if control_flow == "tf1" else tf.cond
    with tf.control_dependencies([choose(tf.reduce_any(x > 0), write, lambda: tf.constant(0.0))]):
        asked = raw.VarIsInitializedOp(resource=handle)
    assert Traced(x.graph).over(asked) & ACTIVATION


def test_a_function_may_ask_whether_its_caller_has_set_a_variable() -> None:
    x = model_input()
    handle = variable()

    def write() -> Any:
        with tf.control_dependencies([raw.AssignVariableOp(resource=handle, value=1.0)]):
            return tf.constant(0.0)

    @tf.function(input_signature=[tf.TensorSpec([], tf.resource)], autograph=False)
    def ask(place: Any) -> Any:
        return raw.VarIsInitializedOp(resource=place)

    with tf.control_dependencies([tf.cond(tf.reduce_any(x > 0), write, lambda: tf.constant(0.0))]):
        asked = ask(handle)
    assert Traced(x.graph).over(asked) & ACTIVATION


# --- other state -----------------------------------------------------------------------------------------------------


def test_a_stack_a_queue_a_table_a_staging_area_and_an_accumulator_give_back_what_they_got() -> None:
    x = tf.reduce_sum(model_input())
    found = {}
    for name, value in (("activations", x), ("constants", tf.constant(1.0))):
        stack = raw.StackV2(max_size=9, elem_type=tf.float32)
        queue = raw.FIFOQueueV2(component_types=[tf.float32], shared_name=f"queue {name}")
        table = raw.MutableHashTableV2(key_dtype=tf.int64, value_dtype=tf.float32, shared_name=f"table {name}")
        sums = raw.ResourceConditionalAccumulator(dtype=tf.float32, shape=[], shared_name=f"sums {name}")
        key = tf.constant(1, tf.int64)
        writes = [
            raw.StackPushV2(handle=stack, elem=value),
            raw.QueueEnqueueV2(handle=queue, components=[value]),
            raw.LookupTableInsertV2(table_handle=table, keys=key, values=value),
            raw.Stage(values=[value], shared_name=f"stage {name}"),
            raw.ResourceAccumulatorApplyGradient(handle=sums, local_step=key, gradient=value),
        ]
        with tf.control_dependencies(writes):
            found[name] = [
                raw.StackPopV2(handle=stack, elem_type=tf.float32),
                raw.QueueDequeueV2(handle=queue, component_types=[tf.float32])[0],
                raw.LookupTableFindV2(table_handle=table, keys=key, default_value=0.0),
                raw.Unstage(dtypes=[tf.float32], shared_name=f"stage {name}")[0],
                raw.ResourceAccumulatorTakeGradient(handle=sums, num_required=1, dtype=tf.float32),
            ]
    traced = Traced(x.graph)
    assert {traced.over(tensor) for tensor in found["activations"]} == {ACTIVATION}
    assert {traced.over(tensor) for tensor in found["constants"]} == {NOTHING}


@pytest.mark.parametrize("control_flow", ["tf1", "tf2"])
def test_what_comes_out_of_a_queue_depends_on_what_was_taken_before(
    control_flow: str, request: pytest.FixtureRequest
) -> None:
    if control_flow == "tf1":
        request.getfixturevalue("tf1")
    x = model_input()
    queue = raw.FIFOQueueV2(component_types=[tf.float32], shared_name="queue")
    with tf.control_dependencies([raw.QueueEnqueueV2(handle=queue, components=[tf.constant(1.0)])]):
        second = raw.QueueEnqueueV2(handle=queue, components=[tf.constant(2.0)])
    with tf.control_dependencies([second]):
        predicate = tf.reduce_any(x > 0)
    taken = (v1 if control_flow == "tf1" else tf).cond(
        predicate,
        lambda: raw.QueueDequeueV2(handle=queue, component_types=[tf.float32])[0],
        lambda: tf.constant(0.0),
    )
    with tf.control_dependencies([taken]):
        rest = raw.QueueDequeueV2(handle=queue, component_types=[tf.float32])[0]
    assert Traced(x.graph).over(rest) == ACTIVATION


def test_a_generator_is_moved_on_by_what_is_drawn_from_it() -> None:
    x = model_input()
    state = raw.VarHandleOp(dtype=tf.int64, shape=[3], shared_name="generator")
    algorithm = tf.constant(1, tf.int64)
    first = raw.StatefulUniform(
        resource=state, algorithm=algorithm, shape=tf.shape(tf.boolean_mask(x, x > 0)), dtype=tf.float32
    )
    with tf.control_dependencies([first]):
        second = raw.StatefulUniform(resource=state, algorithm=algorithm, shape=[2], dtype=tf.float32)
    traced = Traced(x.graph)
    assert traced.over(second) == ACTIVATION | RANDOM
    assert traced.over(second, "Shape") == NOTHING


def test_a_queue_that_nothing_fills_is_filled_from_outside() -> None:
    queue = raw.FIFOQueueV2(component_types=[tf.float32], shared_name="queue")
    taken = raw.QueueDequeueV2(handle=queue, component_types=[tf.float32])[0]
    table = raw.HashTableV2(key_dtype=tf.int64, value_dtype=tf.float32)
    found = raw.LookupTableFindV2(table_handle=table, keys=tf.constant(1, tf.int64), default_value=0.0)
    traced = Traced(taken.graph)
    assert traced.over(taken) == ACTIVATION
    assert traced.over(found) == ACTIVATION
    assert traced.over(taken, "Shape") == SHAPE


@pytest.mark.usefixtures("tf1")
def test_a_tensor_array_behind_a_handle() -> None:
    x = model_input()
    number = tf.reduce_sum(x)
    filled = tf.TensorArray(tf.float32, size=2).write(0, number).write(1, 1.0)
    longer = tf.TensorArray(tf.float32, size=1, dynamic_size=True).write(tf.cast(number, tf.int32), 1.0)
    fixed = tf.TensorArray(tf.float32, size=2, dynamic_size=True).write(0, number)
    stacked, long_size, fixed_size = filled.stack(), longer.size(), fixed.size()
    # Without the flow, the handle alone leads there.
    around = raw.TensorArrayReadV3(handle=filled.handle, index=0, flow_in=0.0, dtype=tf.float32)
    traced = Traced(x.graph)
    assert traced.over(stacked) == ACTIVATION
    assert traced.over(stacked, "Shape") == SHAPE
    assert traced.over(around) == ACTIVATION
    assert traced.over(long_size) == ACTIVATION
    assert traced.over(fixed_size) == SHAPE


@pytest.mark.usefixtures("tf1")
def test_the_gradients_of_a_tensor_array() -> None:
    number = tf.reduce_sum(model_input())
    array = raw.TensorArrayV3(size=2, dtype=tf.float32)
    grad = raw.TensorArrayGradV3(handle=array[0], flow_in=array[1], source="gradients")
    raw.TensorArrayWriteV3(handle=grad[0], index=0, value=number, flow_in=grad[1])
    found = raw.TensorArrayReadV3(handle=grad[0], index=0, flow_in=0.0, dtype=tf.float32)
    assert Traced(number.graph).over(found) == ACTIVATION


def test_a_tensor_list_in_a_loop() -> None:
    x = model_input(shape=[None])
    limit = tf.size(x)
    array = tf.TensorArray(tf.float32, size=0, dynamic_size=True, element_shape=[])
    _, filled = tf.while_loop(lambda i, a: i < limit, lambda i, a: (i + 1, a.write(i, x[i])), [0, array])
    _, ones = tf.while_loop(lambda i, a: i < limit, lambda i, a: (i + 1, a.write(i, 1.0)), [0, array])
    stacked, length = filled.stack(), ones.size()
    traced = Traced(x.graph)
    assert traced.over(stacked) == ACTIVATION
    assert traced.over(stacked, "Shape") == SHAPE
    assert traced.over(length) == SHAPE


def test_state_in_one_of_two_merged_graphs_is_not_that_of_the_other() -> None:
    x = tf.reduce_sum(model_input())
    handle = variable()
    read(handle, assign(handle, x))
    writing = GraphDef.FromString(x.graph.as_graph_def().SerializeToString())
    with tf.Graph().as_default() as other:
        read(variable())
    reading = GraphDef.FromString(other.as_graph_def().SerializeToString())
    traced = Traced(merge([writing, reading]), ["graph_1/x"])
    assert traced.over("graph_1/ReadVariableOp") & ACTIVATION
    assert traced.over("graph_2/ReadVariableOp") == PARAMETER
