"""``budget``: kept, broken, and misconfigured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from graphdiag.errors import ConfigError
from graphdiag.keras_classes import LAYER_CLASSES
from graphdiag.results.check_report import ContractStatus
from tests.checking.contracts.reports import judged, messages, report_of
from tests.support.layers import layer_graph
from tests.support.reports import report_on


@pytest.fixture(scope="module")
def reference():
    return report_on("keras216_reference")


def test_what_is_counted_in_the_reference_model(reference):
    switches = sum(op_type == "Switch" for op_type in reference.op_graph.types)
    exact = {"layers": 28, "ops": 1285, "class:Conv1D": 8, "op:Switch": switches, "functions": 0}
    assert judged(reference, "budget", max=exact, min=exact).status is ContractStatus.KEPT
    assert (
        judged(reference, "budget", max={"control_flow": switches}, min={"control_flow": switches}).status
        is ContractStatus.KEPT
    )


def test_too_much_and_too_little(reference):
    outcome = judged(reference, "budget", max={"ops": 1000, "class:Conv*": 8}, min={"class:Dropout": 2})
    assert outcome.status is ContractStatus.BROKEN
    assert messages(outcome) == [
        "ops: 1,285, and at most 1,000 are allowed",
        "class:Dropout: 1, and at least 2 must be there",
    ]


def test_parameters():
    layers = layer_graph([("x", "a"), ("a", "b")], inputs=["x"])
    counted = {id_: replace(layer, parameters=0 if layer.is_input else 30) for id_, layer in layers.layers.items()}
    report = report_of(layers=replace(layers, layers=counted))
    assert judged(report, "budget", max={"parameters": 60}).status is ContractStatus.KEPT
    assert messages(judged(report, "budget", max={"parameters": 59})) == ["parameters: 60, and at most 59 are allowed"]


def test_ops_of_a_type_are_counted_in_library_functions_too():
    report = report_on("tf22_reference")
    in_functions = sum(
        type_ == "ReadVariableOp" for body in report.op_graph.functions.values() for type_ in body.graph.types
    )
    at_the_top = sum(type_ == "ReadVariableOp" for type_ in report.op_graph.types)
    assert in_functions > 0
    count = in_functions + at_the_top
    options = {"max": {"op:ReadVariableOp": count}, "min": {"op:ReadVariableOp": count}}
    assert judged(report, "budget", **options).status is ContractStatus.KEPT


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "c.toml: one of the keys 'max' and 'min' is needed."),
        ({"max": {"layrs": 3}}, "c.toml: max: 'layrs' cannot be counted; the nearest is 'layers'."),
        (
            {"max": {"zzz": 3}},
            "c.toml: max: 'zzz' cannot be counted; there are layers, parameters, ops, functions, control_flow, "
            "class:CLASS, op:TYPE.",
        ),
        ({"max": {"ops": -1}}, "c.toml: max.ops: must be a whole number from 0 on, and is -1."),
        ({"min": {"ops": "many"}}, "c.toml: min.ops: must be a whole number from 0 on, and is 'many'."),
        ({"max": 3}, "c.toml: max: must be a table, and is 3."),
        (
            {"max": {"ops": 3}, "min": {"layers": 1, "ops": 4}},
            "c.toml: ops: 'min' is 4 and 'max' is 3, so no model can keep it.",
        ),
    ],
)
def test_options_of_the_wrong_form(options, message):
    with pytest.raises(ConfigError) as caught:
        judged(report_of(layers=layer_graph([("x", "a")])), "budget", **options)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("most", "reason"),
    [
        ("op:Swtich", "there is no op type 'Swtich'; the nearest is 'Switch'."),
        ("class:Conv1d", "neither the model nor Keras has a layer class 'Conv1d'; the nearest is 'Conv1D'."),
        ("class:Droput", "neither the model nor Keras has a layer class 'Droput'; the nearest is 'Dropout'."),
    ],
)
def test_what_cannot_be_counted(reference, most, reason):
    outcome = judged(reference, "budget", max={most: 0})
    assert (outcome.status, outcome.reason) == (ContractStatus.UNCHECKED, f"c.toml: {reason}")


def test_a_type_that_is_known_may_be_absent(reference):
    assert judged(reference, "budget", max={"op:StatelessWhile": 0, "op:*3D": 0}).status is ContractStatus.KEPT


def test_ops_cannot_be_counted_without_an_op_graph():
    outcome = judged(report_of(layers=layer_graph([("x", "a")])), "budget", max={"ops": 1})
    assert outcome.reason == "c.toml: the source has no op graph, so no ops can be counted."


def test_a_class_of_keras_may_be_absent_and_a_glob_may_match_nothing(reference):
    most = {"class:LSTM": 0, "class:GetItem": 0, "class:My*": 0}
    assert judged(reference, "budget", max=most).status is ContractStatus.KEPT


def test_layers_whose_parameters_are_not_known_are_named():
    layers = layer_graph([("x", "a"), ("a", "b"), ("b", "c")], inputs=["x"])
    known = {id_: replace(layer, parameters=None if id_ in "bc" else 3) for id_, layer in layers.layers.items()}
    outcome = judged(report_of(layers=replace(layers, layers=known)), "budget", max={"parameters": 10})
    assert outcome.reason == (
        "c.toml: the source does not tell the parameters of 2 layers (b and c); the Python file that builds the "
        "model does."
    )


def test_every_layer_class_of_the_installed_keras_is_known():
    import keras
    import tf_keras

    for package in (keras, tf_keras):
        layers = {name: getattr(package.layers, name) for name in dir(package.layers)}
        classes = {
            name for name, kind in layers.items() if isinstance(kind, type) and issubclass(kind, package.layers.Layer)
        }
        assert len(classes) > 100
        assert classes - {"Layer"} <= LAYER_CLASSES
