"""TensorFlow runs a graph and the repaired one on the same numbers, and every result is the same, bit for bit."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, Phase, given, seed, settings
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorflow.core.framework import graph_pb2

from graphdiag import repair
from graphdiag.execution.variables import behind_handle
from graphdiag.graphs.op_graph import from_graph_def, merge
from graphdiag.repairing.inlining import inline_calls
from graphdiag.repairing.joining import join_graphs
from graphdiag.repairing.proof import prove_inlined
from graphdiag.repairing.repair import Repair, _Repairing
from graphdiag.sources.open_source import open_source
from graphdiag.sources.opened import Opened, Origin
from graphdiag.sources.registry import SourceOptions
from tests.diagnosis.random_graphs import NUMBERS, VECTORS, Made, make_graph
from tests.models.generator import models
from tests.models.oracle import load, numbers_for
from tests.support.graph_text import FIXTURES, LOGS
from tests.support.layers import layer_graph

v1 = tf.compat.v1

GRAPHS = 10
"""Generated graphs of each kind in one run of the tests."""
MODELS = 5

RUNNABLE = (
    "keras216_reference",
    "keras216_siamese",
    "keras216_vgg_bn",
    "keras216_hidden_tensor",
    "keras216_hidden_bool",
    "keras216_mask_bidirectional",
    "keras216_names_collide",
    "keras216_sequential_in_sequential",
    "keras216_slash_names",
    "keras216_td_models_two",
    "keras216_weight_tying",
    "tfkeras110_reference",
    "tfkeras110_masks_merge",
    "tf22_reference",
    "tf22_tb3118",
    "tf22_tf39398",
)
"""Logs in which the shapes of all variables are on record."""


def in_tensorflow(graph: GraphDef) -> Any:
    """TensorFlow's own copy of the message."""
    return graph_pb2.GraphDef.FromString(graph.SerializeToString())


# --- logs ------------------------------------------------------------------------------------------------------------


class Session:
    """A graph with numbers in its variables and inputs, chosen by the names that the ops had in the first place."""

    def __init__(self, graph: GraphDef, names: Mapping[str, str]) -> None:
        self._new = names
        self._old = {new: old for old, new in names.items()}
        runnable = GraphDef()
        runnable.CopyFrom(graph)
        ops = from_graph_def(graph)
        for row, node in enumerate(runnable.node):
            if node.op in ("_Arg", "Placeholder") and self._is_handle(node):
                dtype, shape = behind_handle(ops, row)
                assert dtype
                assert shape is not None
                node.op = "VarHandleOp"
                node.attr.clear()
                node.attr["dtype"].type = dtype
                for size in shape:
                    node.attr["shape"].shape.dim.add(size=size)
                node.attr["shared_name"].s = node.name.encode()
        self._graph = tf.Graph()
        with self._graph.as_default():
            tf.import_graph_def(in_tensorflow(runnable), name="")
            self._starts = [self._start(op) for op in self._graph.get_operations() if op.type in VARIABLES]

    def _is_handle(self, node: Any) -> bool:
        return tf.resource in (node.attr["dtype"].type, node.attr["T"].type)

    def numbers(self, name: str, shape: Sequence[int | None], dtype: tf.DType) -> np.ndarray:
        """Numbers that depend on nothing but the name."""
        generator = np.random.default_rng(list(self._old.get(name, name).encode()))
        sizes = [4 if size is None else size for size in shape]
        if dtype.is_floating:
            return generator.uniform(0.1, 1.0, sizes).astype(dtype.as_numpy_dtype)
        return generator.integers(0, 2, sizes).astype(dtype.as_numpy_dtype)

    def _start(self, op: Any) -> Any:
        dtype = tf.as_dtype(op.get_attr("dtype"))
        shape = [dim.size for dim in op.get_attr("shape").dim]
        value = tf.constant(self.numbers(op.name, shape, dtype), dtype)
        if op.type == "VarHandleOp":
            return tf.raw_ops.AssignVariableOp(resource=op.outputs[0], value=value)
        return tf.raw_ops.Assign(ref=op.outputs[0], value=value, validate_shape=False).op

    def run(self, fetched: Sequence[str]) -> list[Any]:
        """The values of tensors, by their old names."""
        feeds = {
            op.outputs[0]: self.numbers(op.name, op.outputs[0].shape.as_list(), op.outputs[0].dtype)
            for op in self._graph.get_operations()
            if op.type == "Placeholder" and op.outputs[0].shape.rank is not None
        }
        with v1.Session(graph=self._graph) as session:
            session.run(self._starts)
            return session.run([f"{self._new[name]}:0" for name in fetched], feeds)


VARIABLES = ("VariableV2", "VarHandleOp")
RESULTS = ("BiasAdd", "ConcatV2", "Merge", "Relu", "Softmax", "Sigmoid", "Mean", "Max", "MatMul", "Mul", "AddV2", "Add")


def results_of(name: str) -> list[str]:
    """What a log's forward pass computes: not what stands in a branch or a loop, or serves training."""
    ops = merge(open_source(LOGS / name, SourceOptions()).graph_defs)
    out = ("/cond", "/while", "/training", "/metrics", "/loss", "/gradients", "/Initializer", "/random", "/truncated")
    return [
        own
        for own, type_ in zip(ops.names, ops.types, strict=True)
        if type_ in RESULTS and not any(part in f"/{own}" for part in out)
    ]


@pytest.mark.parametrize("name", RUNNABLE)
def test_a_log_computes_what_it_computed(name):
    result = repair(LOGS / name, model=LOGS / name / "model.json")
    assert result.graph_def is not None
    before = join_graphs(open_source(LOGS / name, SourceOptions()).graph_defs)
    fetched = results_of(name)
    assert len(fetched) > 3
    wanted = Session(before, {node.name: node.name for node in before.node}).run(fetched)
    found = Session(result.graph_def, result.names).run(fetched)
    assert_same(wanted, found, fetched)


def assert_same(wanted: Sequence[Any], found: Sequence[Any], names: Sequence[str]) -> None:
    assert len(wanted) == len(found) == len(names)
    for left, right, name in zip(wanted, found, names, strict=True):
        assert np.asarray(left).tobytes() == np.asarray(right).tobytes(), name


# --- live models -----------------------------------------------------------------------------------------------------


class Traced:
    """A live model's forward pass, and the repaired graph of it, as a log would hold it."""

    def __init__(self, model: Any, directory: Path, in_function: bool = False, **options: Any) -> None:
        forward = tf.function(lambda inputs: model(inputs, training=False))
        self._inputs = numbers_for(model)
        # Inside of another function, as a model is that is trained with fit.
        outer = tf.function(lambda inputs: forward(inputs)) if in_function else forward
        self._function = outer.get_concrete_function(self._inputs)
        self._graph = self._function.graph.as_graph_def()
        (directory / "graph.pb").write_bytes(self._graph.SerializeToString())
        (directory / "model.json").write_text(model.to_json())
        self.repair: Repair = repair(directory / "graph.pb", model=directory / "model.json", **options)

    @property
    def outputs(self) -> Sequence[str]:
        """Names of the results."""
        return [tensor.name for tensor in self._function.outputs]

    def run(self) -> Iterator[tuple[Any, Any]]:
        """Each result of both graphs, if it is the same each time."""
        assert self.repair.graph_def is not None
        outputs = self.outputs
        new = [f"{self.repair.names[name.rpartition(':')[0]]}:{name.rpartition(':')[2]}" for name in outputs]
        old = {name: name for name in self._names()}
        before = self._results(self._graph, old, outputs)
        after = self._results(in_tensorflow(self.repair.graph_def), self.repair.names, new)
        again = self._results(self._graph, old, outputs)
        for first, second, third in zip(before, after, again, strict=True):
            if first.tobytes() == third.tobytes():  # else it depends on the calls before, or on chance
                yield first, second

    def _names(self) -> list[str]:
        return [node.name for node in self._graph.node]

    def _results(self, graph: Any, names: Mapping[str, str], outputs: Sequence[str]) -> list[Any]:
        captures = {names[inner.op.name]: outer for outer, inner in self._function.graph.captures}
        given = tf.nest.flatten(self._inputs)
        free = [tensor for tensor in self._function.inputs if names[tensor.op.name] not in captures]
        values = {names[tensor.op.name]: value for tensor, value in zip(free, given, strict=True)}

        def call() -> Any:
            fed = {name: tf.convert_to_tensor(value) for name, value in {**captures, **values}.items()}
            return tf.import_graph_def(
                graph, input_map={f"{name}:0": fed[name] for name in fed}, return_elements=outputs
            )

        return [value.numpy() for value in tf.function(call)()]


def assert_runs_the_same(traced: Traced) -> int:
    """Returns:
    How many results could be compared.
    """
    pairs = list(traced.run())
    for before, after in pairs:
        assert before.tobytes() == after.tobytes()
    return len(pairs)


@pytest.mark.parametrize("in_function", [False, True], ids=["traced", "in a function"])
@pytest.mark.parametrize(
    "name",
    [
        *("reference_keras3", "nested_keras3", "multi_keras3", "raw_ops_keras3", "shared_keras3", "sequential_keras3"),
        *("reference_tf_keras", "nested_tf_keras", "multi_tf_keras", "raw_ops_tf_keras", "shared_tf_keras"),
    ],
)
def test_a_live_model_computes_what_it_computed(name, in_function, tmp_path):
    module = vars(load(FIXTURES / "models" / f"{name}.py"))
    model = module["model"] if "model" in module else module["build_model"]()
    traced = Traced(model, tmp_path, in_function)
    assert bool(traced.repair.inlined) == in_function
    assert assert_runs_the_same(traced) == len(traced.outputs)


@pytest.mark.parametrize("stack", ["keras3", "tf_keras"])
def test_generated_models_compute_what_they_computed(stack, tmp_path):
    assert models_computed(stack, MODELS, tmp_path) > 0


def models_computed(stack: str, count: int, directory: Path) -> int:
    """Make models, and hold each against its repaired graph.

    Returns:
        How many could be run; a generated model may be of no use.
    """
    ran = 0

    @seed(1)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(models(stack))
    def run(text: str) -> None:
        nonlocal ran
        path = directory / "model_file.py"
        path.write_text(text)
        try:
            model = load(path).model
            model(numbers_for(model))
        except Exception:  # a model that does not run shows nothing
            return
        ran += bool(assert_runs_the_same(Traced(model, directory, in_function=bool(ran % 2))))

    run()
    return ran


# --- generated graphs ------------------------------------------------------------------------------------------------


class Program:
    """A generated graph: run under the names that its ops have now."""

    def __init__(self, made: Made, graph: Any, names: Mapping[str, str]) -> None:
        self._made = made
        self._names = names
        self._graph = tf.Graph()
        with self._graph.as_default():
            tf.import_graph_def(graph, name="")
            self._start = []
            for name, is_reference in made.variables.items():
                handle = self._graph.get_tensor_by_name(f"{names[name]}:0")
                value = tf.constant(0.5 if is_reference else [0.5, -1.5])
                assign = tf.raw_ops.Assign if is_reference else tf.raw_ops.AssignVariableOp
                made_op = assign(**{"ref" if is_reference else "resource": handle, "value": value})
                self._start.append(made_op.op if is_reference else made_op)

    def run(self) -> Any:
        """The values of all tensors; the text of the error if TensorFlow fails."""
        fed = np.random.default_rng(1)
        feeds = {f"{self._names[name]}:0": fed.normal(0, 2, size) for name, size in VECTORS.items()}
        feeds |= {f"{self._names[name]}:0": fed.normal(0, 2) for name in NUMBERS}
        wanted = []
        for text in self._made.values:
            name, _, slot = text.partition(":")
            if name in self._names:
                wanted.append(f"{self._names[name]}:{slot}")
        with v1.Session(graph=self._graph) as session:
            if self._start:
                session.run(self._start)
            try:
                return session.run(wanted, feeds)
            except tf.errors.OpError as error:
                return type(error).__name__


def graphs_computed(count: int, tf1: bool, first: int = 0) -> int:
    """Make graphs, and hold each against the repaired one, with its functions and without.

    Returns:
        How many could be run.
    """
    ran = 0
    for number in range(first, first + count):
        rng = Random(f"repair {number} {tf1}")
        made = make_graph(rng, tf1)
        graph = GraphDef.FromString(made.graph_def.SerializeToString())
        wanted = Program(made, made.graph_def, {node.name: node.name for node in graph.node}).run()
        if isinstance(wanted, str):
            continue
        ran += 1
        result = _repaired(graph, rng)
        assert_same_values(wanted, Program(made, in_tensorflow(result.graph_def), result.names).run(), number)
        # TensorFlow lets a function's ops that hold state run before all that the call was given is there, once it is
        # inlined; the programs made here rely on the contrary.
        without_state = {body.signature.name for body in graph.library.function if not body.signature.is_stateful}
        inlined = inline_calls(graph, without_state.__contains__)
        if inlined.calls:
            prove_inlined(graph, inlined)
            kept = {node.name: node.name for node in inlined.graph_def.node if node.name not in inlined.origins}
            # What only the calls initialize is not there for the other ops alone, in the one graph and in the other.
            left = Program(made, made.graph_def, kept).run()
            values = Program(made, in_tensorflow(inlined.graph_def), kept).run()
            if isinstance(left, str):
                assert values == left, number
            else:
                assert_same_values(left, values, number)
    return ran


def _repaired(graph: GraphDef, rng: Random) -> Any:
    """A repair of a graph whose ops belong to random layers."""
    layers = layer_graph([("a", "b"), ("b", "c"), ("a", "d"), ("d", "c")], apart=["e"])
    owners = {node.name: rng.choice("abcd") for node in graph.node if rng.random() < 0.7}
    opened = Opened(Origin("generated", "model"), (graph,), True, layers, owners=owners)
    return _Repairing(opened, layers, "auto", False).run(given=False)


def assert_same_values(wanted: Any, found: Any, number: int) -> None:
    assert not isinstance(found, str), (number, found)
    assert len(wanted) == len(found)
    for left, right in zip(wanted, found, strict=True):
        assert np.asarray(left).tobytes() == np.asarray(right).tobytes(), number


@pytest.mark.parametrize("tf1", [True, False], ids=["TF 1", "TF 2"])
def test_generated_graphs_compute_what_they_computed(tf1):
    assert graphs_computed(GRAPHS, tf1) > 0
