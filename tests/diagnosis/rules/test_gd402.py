"""GD402 dead-layer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.diagnosis.found import in_graph, in_log
from tests.support.layers import layer_graph


def test_layers_whose_output_was_not_used():
    findings = in_log("GD402", "keras216_dead_layer")
    assert [finding.culprits for finding in findings] == [("never_used",), ("never_bn",)]
    # The second made the learning phase that the model's Dropout reads.
    assert [finding.edges for finding in findings] == [
        (("h", "never_used"),),
        (("h", "never_bn"), ("never_bn", "dr")),
    ]


def test_a_layer_of_the_model_without_a_path_to_an_output():
    layers = replace(layer_graph([("x", "h"), ("h", "out"), ("h", "probe")], inputs=["x"]), outputs=("out",))
    text = "x Feed\nh/MatMul MatMul x\nout/Relu Relu h/MatMul\nprobe/Relu Relu h/MatMul"
    [finding] = in_graph("GD402", text, layers)
    assert (finding.culprits, finding.edges) == (("probe",), (("h", "probe"),))


@pytest.mark.parametrize(
    "log",
    [
        "keras216_dead_layer_kept",  # made an output: the fix
        "k3_dead_layer_training",  # a dead op inside a layer that is alive
        "keras216_two_models_in_one_graph",  # not fed by the model: GD401's
        "keras216_lambda_closes_over_tensor",  # leads to a layer: GD302's
        "keras216_reference_fit",
        "k3_reference_train",
    ],
)
def test_nothing_is_dead(log):
    assert in_log("GD402", log) == []
