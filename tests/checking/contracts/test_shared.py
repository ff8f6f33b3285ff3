"""``shared``: kept, broken, and misconfigured."""

from __future__ import annotations

import pytest

from graphdiag.errors import ConfigError
from graphdiag.results.check_report import ContractStatus
from tests.checking.contracts.reports import judged, messages, report_of
from tests.support.layers import layer_graph
from tests.support.reports import report_on


@pytest.mark.parametrize("log", ["keras216_siamese", "k3_siamese_training"])
def test_the_encoder_of_a_siamese_network_is_shared_and_its_head_is_not(log):
    options = {"shared": "encoder", "separate": ["same", "distance"]}
    assert judged(report_on(log), "shared", **options).status is ContractStatus.KEPT


def test_an_encoder_that_is_not_shared():
    report = report_of(layers=layer_graph([("x", "enc/a"), ("enc/a", "enc/b")], nested=["enc"], calls={"enc/b": 2}))
    outcome = judged(report, "shared", shared="enc/*")
    assert outcome.status is ContractStatus.BROKEN
    assert messages(outcome) == ["enc/a is used once"]


def test_a_call_of_a_nested_model_calls_what_is_in_it():
    report = report_on("keras216_siamese")
    outcome = judged(report, "shared", separate=["encoder/enc_a", "same"])
    assert messages(outcome) == ["encoder/enc_a is used 2 times"]


def test_tied_weights():
    report = report_on("keras216_weight_tying")
    [finding] = [finding for finding in report.findings if finding.code == "GD303"]
    [(source, target)] = finding.edges
    assert judged(report, "shared", tied=[[source, target]]).status is ContractStatus.KEPT
    outcome = judged(report, "shared", separate=target)
    [message] = messages(outcome)
    assert message.startswith(f"{target} shares the variable {source}/")
    assert message.endswith(f" with {source}")


def test_weights_that_are_not_tied():
    outcome = judged(report_on("keras216_reference"), "shared", tied=["conv1d_?_0"])
    assert messages(outcome) == ["conv1d_0_0, conv1d_1_0 read no variable that all of them read"]


def test_a_variable_that_a_traced_function_captures_is_known_by_its_readers():
    ops = "x Argument\nw Handle\na/Read ReadVariableOp w\na/MatMul MatMul x a/Read\nb/Read ReadVariableOp w\n"
    ops += "b/MatMul MatMul a/MatMul b/Read\nc/Relu Relu b/MatMul"
    report = report_of(ops, layer_graph([("x", "a"), ("a", "b"), ("b", "c")], inputs=["x"], classes={"c": "ReLU"}))
    assert judged(report, "shared", tied=[["a", "b"]], separate="c").status is ContractStatus.KEPT
    assert judged(report, "shared", tied=[["a", "c"]]).status is ContractStatus.BROKEN


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "c.toml: one of the keys 'shared', 'tied' and 'separate' is needed."),
        ({"tied": "x"}, "c.toml: tied: must be a list, and is 'x'."),
        ({"seperate": "x"}, "c.toml: there is no key 'seperate'; the nearest is 'separate'."),
    ],
)
def test_options_of_the_wrong_form(options, message):
    with pytest.raises(ConfigError) as caught:
        judged(report_of(layers=layer_graph([("x", "a")])), "shared", **options)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"tied": [["x", "a"]]}, "tied[0]: the source has no op graph, which shows who reads a variable."),
        ({"shared": "b"}, "shared: 'b' matches nothing."),
    ],
)
def test_what_cannot_be_checked(options, reason):
    outcome = judged(report_of(layers=layer_graph([("x", "a")])), "shared", **options)
    assert (outcome.status, outcome.reason) == (ContractStatus.UNCHECKED, f"c.toml: {reason}")


def test_one_layer_cannot_be_tied_to_itself():
    outcome = judged(report_on("keras216_reference"), "shared", tied=["conv1d_0_0"])
    assert outcome.reason == "c.toml: tied[0]: only 'conv1d_0_0' is in it; there is nothing to share."
