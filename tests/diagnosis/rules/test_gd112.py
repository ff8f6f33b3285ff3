"""GD112 duplicated-layer."""

from __future__ import annotations

import pytest

from tests.diagnosis.found import in_graph, in_log
from tests.support.layers import layer_graph


def test_a_nested_model_and_its_template():
    [finding] = in_log("GD112", "keras216_siamese")
    assert finding.culprits == ("enc_a", "enc_bn", "enc_drop", "enc_b", "encoder", "encoder_1")
    # The chain of the template, which starts at a placeholder that the model does not have.
    assert finding.edges == (
        ("enc_a", "enc_bn"),
        ("enc_a_input", "enc_a"),
        ("enc_bn", "enc_drop"),
        ("enc_drop", "enc_b"),
    )


def test_a_nested_model_whose_name_keras_did_not_record():
    [finding] = in_log("GD112", "keras216_sequential_in_sequential")
    assert finding.culprits == ("ic", "ib", "ia", "inner")


def test_scopes_that_share_variables():
    [finding] = in_log("GD112", "tf110_shared_scope_9545")
    assert finding.culprits == ("inner/conv", "inner/conv_1", "inner/conv_2")
    assert finding.edges == ()


@pytest.mark.parametrize("log", ["tf22_shared_traced", "tf22_nested_traced", "k3_siamese_training"])
def test_a_traced_call_has_no_template(log):
    [finding] = in_log("GD112", log)
    assert len(finding.culprits) == 2
    assert finding.edges == ()


def test_a_later_call_and_a_layer_of_the_same_name_are_told_apart():
    findings = in_log("GD112", "keras216_names_collide")
    assert [finding.culprits for finding in findings] == [
        ("dense_1", "dense_1_1", "dense_1_2"),
        ("batch_normalization_1", "batch_normalization_1_1"),
    ]


def test_a_layer_without_variables_that_is_called_twice():
    layers = layer_graph([("a", "drop"), ("b", "drop"), ("drop", "out")], inputs=["a", "b"], calls={"drop": 2})
    text = "a Feed\nb Feed\ndrop/Mul Mul a\ndrop_1/Mul Mul b\nout/Add Add drop/Mul drop_1/Mul"
    [finding] = in_graph("GD112", text, layers)
    assert finding.culprits == ("drop", "drop_1")


@pytest.mark.parametrize(
    "log",
    [
        "keras216_reference",
        "tf110_layers_apart",  # dense_1 feeds dense_2 with its variables, and they are two layers
        "keras216_two_models_same_names",  # two sets of weights: GD401's
        "tfk_reference_training",
    ],
)
def test_boxes_of_different_layers(log):
    assert in_log("GD112", log) == []
