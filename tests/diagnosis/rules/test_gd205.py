"""GD205 hidden-in-function."""

from __future__ import annotations

import pytest

from graphdiag.diagnosis.finding import Verdict
from tests.diagnosis.found import in_log
from tests.support.reports import report_on


def test_branches_of_conditionals_are_drawn_apart():
    [finding] = in_log("GD205", "tf22_reference")
    assert len(finding.culprits) == 17
    assert {"batchnorm_0_0/cond", "batchnorm_0_0/cond_1", "dropout_0/cond"} <= set(finding.culprits)
    assert "34 library functions" in finding.message
    # Every layer has its own ops in the graph, so no edge of the model is lost.
    assert finding.edges == ()
    assert report_on("tf22_reference").summary.missing == 0


def test_an_edge_of_the_model_runs_inside_a_function():
    [finding] = in_log("GD205", "tfk_in_function")
    assert finding.culprits == ("model/block/StatefulPartitionedCall",)
    # Those into and out of the nested model are drawn, and end at its box.
    assert finding.edges == (("block/first", "block/second"),)
    assert finding.verdict is Verdict.MISSING
    assert report_on("tfk_in_function").summary.missing == 1


def test_keras_3_numbers_the_scopes_in_a_function():
    [finding] = in_log("GD205", "k3_in_function")
    assert finding.culprits == ("model_1/block_1/StatefulPartitionedCall",)
    assert finding.edges == (("block/first", "block/second"),)


@pytest.mark.parametrize(
    "log",
    [
        "tfk_not_in_function",  # the same model without a function of its own
        "k3_reference_train",  # two graphs, and no library
        "keras216_hidden_in_loop",  # a loop of TensorFlow 1, which is drawn in its place
    ],
)
def test_no_function_is_called(log):
    assert in_log("GD205", log) == []
