"""What one layer stores and another reads: in variables, tables, queues, files and Python code; or the next call."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from keras import layers, ops

from graphdiag import compare
from graphdiag.diagnosis.finding import Finding, Verdict
from graphdiag.results.report import Report
from tests.diagnosis.found import on_live_model

Pair = tuple[str, str]
BOX: dict[str, Any] = {}
LIMIT = 2.0


class Does(layers.Layer):
    """A layer that does what it is told: a function of its input."""

    def __init__(self, function: Callable[[Any], Any], **options: Any) -> None:
        super().__init__(**options)
        self.function = function

    def call(self, values: Any) -> Any:
        return tf.ensure_shape(self.function(values), values.shape)

    def compute_output_shape(self, shape: Any) -> Any:
        return shape


class DoesOnKeras2(tf_keras.layers.Layer):
    """The same for Keras 2."""

    def __init__(self, function: Callable[[Any], Any], **options: Any) -> None:
        super().__init__(**options)
        self.function = function

    def call(self, values: Any) -> Any:
        return tf.ensure_shape(self.function(values), values.shape)


def two_branches(put: Callable[[Any], Any], take: Callable[[Any], Any], keras2: bool = False) -> Any:
    """``put`` is called first, ``take`` then, on branches of their own."""
    package, does = (tf_keras, DoesOnKeras2) if keras2 else (keras, Does)
    x = package.Input((4,), name="x")
    left = does(put, name="put")(package.layers.Dense(4, name="left")(x))
    right = does(take, name="take")(package.layers.Dense(4, name="right")(x))
    return package.Model(x, package.layers.Add(name="sum")([left, right]), name="branches")


def one_after_the_other(first: Callable[[Any], Any], second: Callable[[Any], Any]) -> Any:
    """``first``, a Dense layer, ``second``, another Dense layer."""
    x = keras.Input((4,), name="x")
    values = layers.Dense(4, name="mid")(Does(first, name="first")(x))
    return keras.Model(x, layers.Dense(2, name="out")(Does(second, name="second")(values)), name="chain")


def hidden(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.verdict is Verdict.HIDDEN]


def edges(findings: list[Finding]) -> set[Pair]:
    return {edge for finding in findings for edge in finding.edges}


def harmless_edges(report: Report) -> set[Pair]:
    return {edge for finding in report.findings if finding.verdict is Verdict.ARTIFACT for edge in finding.edges}


# --- Python code -----------------------------------------------------------------------------------------------------


def keep(values: Any) -> Any:
    BOX["values"] = values.mean(0)
    return values


def find(values: Any) -> Any:
    return (values + BOX.get("values", 0)).astype("float32")


def numpy(function: Callable[[Any], Any], stateful: bool = True) -> Callable[[Any], Any]:
    return lambda values: tf.numpy_function(function, [values], tf.float32, stateful=stateful)


def eager(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda values: tf.py_function(lambda tensor: function(tensor.numpy()), [values], tf.float32)


def in_function(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return tf.function(function)


def in_branch(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda values: tf.cond(tf.reduce_sum(values) > 0, lambda: function(values), lambda: values)


def in_loop(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def run(values: Any) -> Any:
        def again(turn: Any, state: Any) -> Any:
            return turn + 1, tf.ensure_shape(function(state), values.shape)

        return tf.while_loop(lambda turn, _: turn < 2, again, (0, values))[1]

    return run


@pytest.mark.parametrize(
    "wrap",
    [
        numpy,
        eager,
        lambda function: numpy(function, stateful=False),
        lambda function: in_function(numpy(function)),
        lambda function: in_function(in_function(eager(function))),
        lambda function: in_branch(numpy(function)),
        lambda function: in_loop(eager(function)),
    ],
    ids=["numpy", "eager", "stateless", "in a function", "in a function's function", "in a branch", "in a loop"],
)
@pytest.mark.parametrize("keras2", [False, True], ids=["Keras 3", "tf_keras"])
def test_what_python_code_keeps_other_python_code_may_find(wrap, keras2):
    report = compare(two_branches(wrap(keep), wrap(find), keras2))
    assert ("put", "take") in edges(hidden(report))
    assert {finding.code for finding in hidden(report)} == {"GD301"}
    assert harmless_edges(report) == set()


@pytest.mark.parametrize("wrap", [numpy, eager, lambda function: in_function(numpy(function))])
def test_what_python_code_keeps_after_it_was_asked_for_arrives_in_the_next_call(wrap):
    report = compare(one_after_the_other(wrap(find), wrap(keep)))
    [finding] = hidden(report)
    assert finding.edges == (("second", "first"),)
    assert "in the next call" in finding.message


def test_python_code_of_which_nothing_is_known_may_keep_and_find():
    report = compare(two_branches(numpy(np.vectorize(lambda value: value)), numpy(np.vectorize(lambda value: -value))))
    [finding] = hidden(report)
    assert "in the next call" in finding.message
    assert harmless_edges(report) == set()


def test_python_code_that_keeps_nothing_is_no_way_for_activations():
    def ranked(values):
        return np.sort(values, axis=-1).astype("float32") * LIMIT

    report = compare(two_branches(numpy(ranked), numpy(ranked)))
    assert hidden(report) == []


def test_that_python_code_waits_for_python_code_is_not_called_harmless():
    unknown = np.vectorize(lambda value: value + 1)

    def wait(values):
        with tf.control_dependencies([tf.numpy_function(unknown, [1.0], tf.float64)]):
            return values * 2.0

    # Whatever the first has seen elsewhere, the second may find.
    assert harmless_edges(compare(two_branches(wait, wait))) == set()


def test_python_code_in_one_layer_is_that_layers_own():
    report = compare(two_branches(lambda values: numpy(find)(numpy(keep)(values)), lambda values: values * 2.0))
    assert hidden(report) == []


def python_and_variables() -> dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]]:
    """Layers of which one or both get at a variable from Python code: writer and reader."""
    variable = tf.Variable(tf.zeros(4), trainable=False)

    def assign(tensor: Any) -> Any:
        variable.assign(tf.reduce_mean(tensor, 0))
        return tensor

    def add(tensor: Any) -> Any:
        return tensor + variable

    def in_graph(values: Any) -> Any:
        variable.assign(tf.reduce_mean(values, 0))
        return values * 1.0

    def python(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda values: tf.py_function(function, [values], tf.float32)

    return {
        "written by Python": (python(assign), lambda values: values + variable),
        "read by Python": (in_graph, python(add)),
        "by Python in a function": (in_function(python(assign)), in_function(lambda values: values + variable)),
    }


@pytest.mark.parametrize("way", ["written by Python", "read by Python", "by Python in a function"])
def test_python_code_may_use_the_variables_that_it_names(way):
    found = [
        finding for finding in hidden(compare(two_branches(*python_and_variables()[way]))) if finding.code == "GD301"
    ]
    assert edges(found) == {("put", "take")}


@pytest.mark.parametrize("way", ["written by Python", "read by Python"])
def test_variables_that_python_code_writes_after_they_were_read(way):
    store, load = python_and_variables()[way]
    found = [finding for finding in hidden(compare(one_after_the_other(load, store))) if "next call" in finding.message]
    assert edges(found) == {("second", "first")}


def test_python_code_uses_no_variables_that_it_does_not_name():
    x = keras.Input((4,), name="x")
    values = layers.BatchNormalization(name="before")(x)
    values = Does(eager(lambda array: np.sort(array)), name="sorts")(values)
    values = layers.BatchNormalization(name="after")(layers.Dense(4, name="mid")(values))
    assert hidden(compare(keras.Model(x, values))) == []


# --- Files -----------------------------------------------------------------------------------------------------------

FILE = "state.bin"


def write(values: Any) -> Any:
    tf.io.write_file(FILE, tf.io.serialize_tensor(tf.reduce_mean(values, 0)))
    return values * 1.0


def read(values: Any) -> Any:
    return values + tf.ensure_shape(tf.io.parse_tensor(tf.io.read_file(FILE), tf.float32), [4])


def print_to_file(values: Any) -> Any:
    tf.print(values, output_stream=f"file://{FILE}")
    return values * 1.0


def write_sometimes(values: Any) -> Any:
    content = tf.io.serialize_tensor(values)

    def store() -> Any:
        tf.io.write_file(FILE, content)
        return values * 1.0

    return tf.cond(tf.reduce_sum(values) > 0, store, lambda: values)


@pytest.mark.parametrize("put", [write, print_to_file, write_sometimes, in_function(write)])
@pytest.mark.parametrize("take", [read, in_function(read), numpy(find)])
def test_what_one_layer_writes_to_a_file_another_may_read(put, take):
    report = compare(two_branches(put, take))
    assert edges(hidden(report)) == {("put", "take")}
    [finding] = hidden(report)
    assert finding.code == "GD301"
    assert "outside of the graph" in finding.message
    assert harmless_edges(report) == set()


@pytest.mark.parametrize(
    ("put", "take"),
    [
        (lambda values: values * 2.0, read),
        (write, lambda values: values * 2.0),
        (write, write),
        (read, read),
        (lambda values: (tf.print(values), values * 1.0)[1], read),
        (lambda values: (tf.io.write_file(FILE, "started"), values * 1.0)[1], read),
    ],
    ids=["nobody writes", "nobody reads", "both write", "both read", "printed on the screen", "a constant"],
)
def test_files_that_carry_nothing_from_one_layer_to_another(put, take):
    assert hidden(compare(two_branches(put, take))) == []


# --- Variables, tables, queues ---------------------------------------------------------------------------------------


def store_and_load() -> dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]]:
    """Ways to store activations, and to find them: kind of state, writer and reader."""
    variable = tf.Variable(tf.zeros(4), trainable=False)
    tracked = keras.Variable(ops.zeros(4), trainable=False, name="store")
    table = tf.lookup.experimental.MutableHashTable(tf.int64, tf.float32, tf.zeros(4))
    queue = tf.queue.FIFOQueue(8, [tf.float32], [[4]])
    key = tf.constant([1], tf.int64)

    def average(values: Any) -> Any:
        return tf.reduce_mean(values, 0)

    def insert(values: Any) -> Any:
        table.insert(key, average(values)[None])
        return values * 1.0

    def enqueue(values: Any) -> Any:
        queue.enqueue(average(values))
        return values * 1.0

    def assign(values: Any) -> Any:
        variable.assign(average(values))
        return values * 1.0

    def assign_tracked(values: Any) -> Any:
        tracked.assign(average(values))
        return values * 1.0

    return {
        "variable": (assign, lambda values: values + variable),
        "keras.Variable": (assign_tracked, lambda values: values + ops.convert_to_tensor(tracked)),
        "table": (insert, lambda values: values + table.lookup(key)),
        "queue": (enqueue, lambda values: values + queue.dequeue()),
        "in functions": (in_function(assign), in_function(lambda values: values + variable)),
    }


STATES = ["variable", "keras.Variable", "table", "queue", "in functions"]


@pytest.mark.parametrize("state", STATES)
def test_what_one_layer_stores_another_finds(state):
    report = compare(two_branches(*store_and_load()[state]))
    found = [finding for finding in hidden(report) if finding.code == "GD301"]
    assert edges(found) == {("put", "take")}
    assert all("in the next call" not in finding.message for finding in found)


@pytest.mark.parametrize("state", STATES)
def test_what_is_stored_after_it_was_read_arrives_in_the_next_call(state):
    store, load = store_and_load()[state]
    report = compare(one_after_the_other(load, store))
    [finding] = [finding for finding in hidden(report) if finding.code == "GD301"]
    assert finding.edges == (("second", "first"),)
    assert "in the next call" in finding.message


@pytest.mark.parametrize("state", ["table", "queue"])
def test_a_closure_over_what_was_found_before_it_was_stored_is_not_harmless(state):
    store, load = store_and_load()[state]
    seen = {}

    def look(values):
        seen["found"] = load(tf.zeros_like(values))
        return values * 1.0

    x = keras.Input((4,), name="x")
    values = layers.Dense(4, name="mid")(Does(look, name="first")(x))
    values = Does(lambda values: values + seen["found"], name="closes")(values)
    report = compare(keras.Model(x, Does(store, name="second")(values), name="late"))
    assert ("first", "closes") in edges(hidden(report))
    assert ("first", "closes") not in harmless_edges(report)


def test_a_sum_that_two_layers_add_to_is_read_by_neither():
    total = keras.metrics.Mean(name="total")

    def watch(values):
        total.update_state(ops.mean(values))
        return values * 1.0

    assert hidden(compare(two_branches(watch, watch))) == []


def test_a_sum_that_one_layer_adds_to_and_the_other_reads():
    total = keras.metrics.Mean(name="total")

    def watch(values):
        total.update_state(ops.mean(values))
        return values * 1.0

    report = compare(two_branches(watch, lambda values: values * total.result()))
    assert ("put", "take") in edges(hidden(report))


def test_an_array_lives_for_one_call():
    def fill(values):
        return tf.TensorArray(tf.float32, size=1).write(0, values).read(0)

    assert hidden(compare(two_branches(fill, fill))) == []


# --- TF 1 graph mode -------------------------------------------------------------------------------------------------


def test_state_in_tf_1_graph_mode():
    report = on_live_model("closure_state_tf1")
    found = {}
    for finding in report["findings"]:
        if finding["verdict"] == "hidden":
            for pair in map(tuple, finding["edges"]):
                found.setdefault(pair, set()).add((finding["code"], "in the next call" in finding["message"]))
    stored = {pair: ways for pair, ways in found.items() if ("GD301", False) in ways}
    # What lies outside of the graph is one: Python code can read files, too.
    assert set(stored) == {("put", "take"), ("save", "load"), ("put", "load"), ("save", "take")}
    assert found[("write", "read")] == {("GD301", True)}
    assert {pair for pair, ways in found.items() if {code for code, _ in ways} == {"GD303"}} == {
        ("first_scaled", "second_scaled"),
        ("second_scaled", "first_scaled"),
        ("clip", "clipped"),
    }
    assert {target for (_, target), ways in found.items() if ("GD302", False) in ways} == {"read"}
