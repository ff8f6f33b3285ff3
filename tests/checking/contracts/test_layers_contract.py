"""``layers``: kept, broken with the shortest chain, and misconfigured."""

from __future__ import annotations

import pytest

from graphdiag.errors import ConfigError
from graphdiag.results.check_report import ContractStatus
from tests.checking.contracts.reports import judged, messages, paths, report_of
from tests.support.layers import layer_graph
from tests.support.reports import report_on

ORDER = ["stem_*", "block_*", "head"]
EDGES = [("stem_a", "stem_b"), ("stem_b", "block_a"), ("block_a", "pool"), ("pool", "head"), ("stem_a", "head")]


def model(*more):
    return report_of(layers=layer_graph([*EDGES, *more]))


def test_forward_is_allowed_and_so_is_skipping():
    assert judged(model(), "layers", layers=ORDER).status is ContractStatus.KEPT


def test_the_parts_of_the_reference_model():
    order = [["pt_cloud_*", "aux_in"], ["conv1d_*"], ["concatenate_1"], ["prediction"]]
    assert judged(report_on("keras216_reference"), "layers", layers=order).status is ContractStatus.KEPT


def test_an_edge_back_breaks_it():
    outcome = judged(model(("head", "block_a")), "layers", layers=ORDER)
    assert messages(outcome) == ["head (layers[2]) leads back to block_a (layers[1])"]
    assert paths(outcome) == [["head", "block_a"]]


def test_a_way_back_through_layers_in_no_set_breaks_it():
    outcome = judged(model(("pool", "again"), ("again", "stem_a")), "layers", layers=ORDER)
    assert paths(outcome) == [["block_a", "pool", "again", "stem_a"]]


def test_a_hidden_way_back_breaks_it():
    report = report_on("keras216_hidden_tensor")
    outcome = judged(report, "layers", layers=["gated", "gate"])
    assert paths(outcome) == [["gate", "gated"]]
    assert not outcome.violations[0].chain[0].known


def test_one_set_is_no_order():
    with pytest.raises(ConfigError, match=r"^c\.toml: layers: must have at least 2 entries\.$"):
        judged(model(), "layers", layers=["stem_*"])


def test_a_set_that_matches_nothing():
    outcome = judged(model(), "layers", layers=["stem_*", "blok_*"])
    assert outcome.reason == "c.toml: layers[1]: 'blok_*' matches nothing; the nearest is 'block_a'."
