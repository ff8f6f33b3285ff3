"""Running jobs: what is seen of a tensor, and what keeps anything from being seen. All graphs run in one process."""

from __future__ import annotations

from random import Random

import pytest
import tensorflow as tf
from tensorboard.compat.proto.graph_pb2 import GraphDef

from graphdiag.diagnosis.dataflow.flow import Carries
from graphdiag.execution.job import Part
from graphdiag.execution.process import run_jobs
from graphdiag.execution.tensors import Crossing
from tests.diagnosis.random_graphs import make_graph
from tests.execution.made import context_of, job, message_of, new_graph

v1 = tf.compat.v1
raw = tf.raw_ops


def branch(by_inputs):
    """A constant that comes only if a predicate chooses it: of the inputs, or of none."""
    with new_graph() as graph:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        predicate = tf.reduce_sum(x) > 0.0 if by_inputs else tf.reduce_sum(tf.zeros([2])) > 0.0
        _, chosen = raw.Switch(data=tf.constant(1.5), pred=predicate, name="gate")
        tf.identity(chosen, name="taker")
    return graph


def random_numbers(of):
    with new_graph() as graph:
        v1.placeholder(tf.float32, [None, 4], name="x")
        tf.identity(of(), name="taker")
    return graph


def not_a_number():
    with new_graph() as graph:
        v1.placeholder(tf.float32, [None, 4], name="x")
        tf.identity(tf.math.log(-tf.ones([3]), name="log"), name="taker")
    return graph


def embedding():
    """Keras 2.1.6 takes indices as floats; other numbers than whole ones from 0 to 2 are none."""
    with new_graph() as graph:
        x = v1.placeholder(tf.float32, [None, 5], name="x")
        table = v1.get_variable("table", [3, 4], use_resource=False)
        tf.identity(tf.gather(table, tf.cast(x, tf.int32), name="rows"), name="taker")
    return graph


def open_sizes():
    """The sizes that are open must be 32, as the weights say."""
    with new_graph() as graph:
        x = v1.placeholder(tf.float32, [None, None], name="x")
        weights = v1.get_variable("weights", [32, 4], use_resource=True)
        tf.identity(tf.matmul(x, weights, name="product"), name="taker")
    return graph


def open_rank():
    with new_graph() as graph:
        x = v1.placeholder(tf.float32, None, name="x")
        kernel = v1.get_variable("kernel", [3, 2, 4], use_resource=False)
        padded = tf.nn.conv1d(tf.concat([x, x], -1)[..., :2], kernel, 1, "SAME", name="convolution")
        tf.identity(padded, name="taker")
    return graph


def one_that_fails():
    with new_graph() as graph:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        with tf.control_dependencies([v1.assert_equal(tf.shape(x)[0], 99, message="no batch of 99")]):
            tf.identity(tf.identity(x, name="checked"), name="taker")
        tf.identity(tf.size(x, name="size"), name="other")
    return graph


def captured():
    """A function's graph with a variable that it captures, and that another function reads."""
    kernel = tf.Variable(tf.zeros([4, 3]))

    @tf.function
    def read(x):
        return tf.matmul(x, kernel)

    @tf.function
    def model(x):
        return tf.identity(read(x))

    return model.get_concrete_function(tf.TensorSpec([None, 4], name="x")).graph


def odd_names():
    """Names that TensorFlow itself would not take, and an attribute that it does not know."""
    with new_graph() as graph:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        tf.identity(tf.abs(x, name="first"), name="second")
    message = message_of(graph)
    [node] = [node for node in message.node if node.name == "first"]
    node.name = "<script>|\n é::1"
    node.device = "/job:elsewhere/device:TPU:7"
    node.attr["of_the_future"].i = 7
    node.attr["_class"].list.s.append(b"loc:@elsewhere")
    [node] = [node for node in message.node if node.name == "second"]
    node.input[0] = "<script>|\n é::1"
    return message


def random_graph(seed, tf1):
    """All that carries no activations in a random graph, and may be run."""
    made = make_graph(Random(seed), tf1)
    message = GraphDef.FromString(made.graph_def.SerializeToString())
    context = context_of(message, made.inputs)
    part = Part(context, message, 0)
    harmless = []
    for tensor in made.values:
        row, slot = context.ops.index[tensor.partition(":")[0]], int(tensor.partition(":")[2])
        found = Crossing("taker", tensor, ((row, slot),))
        if not context.flow.over(row, slot, "Identity") & Carries.ACTIVATION and not part.reason_against(found):
            harmless.append(found)
    return part.job(harmless, "inputs", False)


CALL = "StatefulPartitionedCall"
JOBS = {
    "branch of the inputs": lambda: job(branch(True), "gate:1"),
    "branch of none": lambda: job(branch(False), "gate:1"),
    "random": lambda: job(random_numbers(lambda: tf.random.normal([3], name="draw")), "draw"),
    "never again": lambda: job(
        random_numbers(lambda: raw.NonDeterministicInts(shape=[3], dtype=tf.int32, name="draw")), "draw"
    ),
    "not a number": lambda: job(not_a_number(), "log"),
    "embedding": lambda: job(embedding(), "rows", differ=True),
    "embedding, weights": lambda: job(embedding(), "rows", differ=True, changed="variables"),
    "open sizes": lambda: job(open_sizes(), "product", differ=True),
    "open rank": lambda: job(open_rank(), "convolution", differ=True),
    "one fails": lambda: job(one_that_fails(), "checked", "size"),
    "captured": lambda: job(captured(), CALL, differ=True, changed="variables"),
    "odd names": lambda: job(odd_names(), "<script>|\n é::1", differ=True),
} | {
    f"random graph {seed} {tf1}": lambda seed=seed, tf1=tf1: random_graph(seed, tf1)
    for seed in range(4)
    for tf1 in (True, False)
}


@pytest.fixture(scope="module")
def outcomes():
    return dict(zip(JOBS, run_jobs([make() for make in JOBS.values()]), strict=True))


def only(outcome):
    [seen] = outcome["crossings"]
    return seen


def test_a_tensor_that_comes_for_some_inputs_only_differs(outcomes):
    seen = only(outcomes["branch of the inputs"])
    assert (seen["reason"], seen["differs"]["count"], seen["differs"]["of"]) == ("", 1, 1)


def test_a_tensor_that_never_comes_is_not_called_the_same(outcomes):
    assert only(outcomes["branch of none"])["reason"] == "it is in a branch that no run took"


def test_random_ops_draw_alike_in_each_run(outcomes):
    assert only(outcomes["random"]) == {"reason": "", "size": 3, "differs": None}


def test_what_no_run_repeats_is_not_blamed_on_the_inputs(outcomes):
    seen = only(outcomes["never again"])
    assert (seen["reason"], seen["differs"]) == ("it is another one in each run, with the same inputs too", None)


def test_what_is_no_number_is_not_compared(outcomes):
    assert "not a number" in only(outcomes["not a number"])["reason"]


def test_inputs_may_have_to_be_indices(outcomes):
    seen = only(outcomes["embedding"])
    # Zeros and ones: those of the second run are the others, so every row is another one.
    assert seen["differs"] == {"count": 40, "of": 40, "seeds": [1, 2], "setting": ""}
    assert only(outcomes["embedding, weights"])["differs"]["count"] == 40


def test_sizes_that_are_open_are_found(outcomes):
    assert only(outcomes["open sizes"])["differs"]["of"] == 2 * 4
    assert only(outcomes["open rank"])["differs"]["of"] > 0


def test_one_tensor_that_fails_does_not_spoil_the_others(outcomes):
    failing, fine = outcomes["one fails"]["crossings"]
    assert "no batch of 99" in failing["reason"]
    assert fine == {"reason": "", "size": 1, "differs": None}


def test_the_shape_of_a_captured_variable_is_found_in_the_function_that_reads_it(outcomes):
    assert only(outcomes["captured"])["differs"]["of"] == 2 * 3


def test_names_devices_and_unknown_attributes_do_not_matter(outcomes):
    assert only(outcomes["odd names"])["differs"]["count"] == 8


def test_random_graphs_bear_the_flow_out(outcomes):
    compared = 0
    for name, outcome in outcomes.items():
        if name.startswith("random graph"):
            assert [seen["differs"] for seen in outcome["crossings"]] == [None] * len(outcome["crossings"]), name
            compared += sum(not seen["reason"] for seen in outcome["crossings"])
    assert compared > 100
