"""``forbidden``: kept, broken with the shortest chain, and misconfigured."""

from __future__ import annotations

import pytest

from graphdiag.errors import ConfigError
from graphdiag.results.check_report import ContractStatus
from tests.checking.contracts.reports import judged, messages, paths, report_of
from tests.support.layers import layer_graph
from tests.support.reports import report_on

EDGES = [("x", "a"), ("a", "gate"), ("gate", "b"), ("b", "out")]


def chain(*more):
    return report_of(layers=layer_graph([*EDGES, *more], inputs=["x"]))


def test_the_auxiliary_input_does_not_reach_the_clouds():
    report = report_on("keras216_reference")
    assert judged(report, "forbidden", **{"from": ["aux_*"], "to": ["conv1d_*"]}).status is ContractStatus.KEPT


def test_it_is_broken_by_a_path():
    outcome = judged(report_on("keras216_reference"), "forbidden", **{"from": "aux_*", "to": "prediction"})
    assert outcome.status is ContractStatus.BROKEN
    assert messages(outcome) == ["aux_dense_1 reaches prediction"]
    assert paths(outcome) == [["aux_dense_1", "concatenate_1", "dense_0", "dropout_0", "dense_1", "prediction"]]


def test_a_path_may_go_through_a_layer_that_may_be_crossed():
    options = {"from": "x", "to": "out", "through": "gate"}
    assert judged(chain(), "forbidden", **options).status is ContractStatus.KEPT
    assert paths(judged(chain(("a", "b")), "forbidden", **options)) == [["x", "a", "b", "out"]]


def test_without_through_every_path_counts():
    assert paths(judged(chain(), "forbidden", **{"from": "x", "to": "out"})) == [["x", "a", "gate", "b", "out"]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"to": "b"}, "c.toml: the key 'from' is missing; a contract of type 'forbidden' needs it."),
        ({"from": "a", "to": "b", "thruogh": "gate"}, "c.toml: there is no key 'thruogh'; the nearest is 'through'."),
        ({"from": "a", "to": []}, "c.toml: to: names no layer."),
        (
            {"from": "a", "to": "b", "graph": "ops"},
            "c.toml: graph: must be one of layer, op, drawn, and is 'ops'; the nearest is 'op'.",
        ),
    ],
)
def test_options_of_the_wrong_form(options, message):
    with pytest.raises(ConfigError) as caught:
        judged(chain(), "forbidden", **options)
    assert str(caught.value) == message


def test_a_layer_cannot_be_on_both_sides():
    outcome = judged(chain(), "forbidden", **{"from": ["a", "b"], "to": ["b", "out"]})
    assert outcome.reason == "c.toml: to: 'b' is in from as well; a layer can be in one of them only."
