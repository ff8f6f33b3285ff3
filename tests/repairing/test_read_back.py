"""A log that repair wrote, held against its model: what was to be mended is gone, and nothing else is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from tensorboard.compat.proto.graph_pb2 import GraphDef

from graphdiag import compare, repair
from graphdiag.diagnosis.fixes import REPAIR
from graphdiag.results.report import Report
from tests.repairing.test_repair import (
    DEPENDENCIES,
    EXTRA,
    MISSING,
    NO_OP_GRAPH,
    WITH_MODEL,
    keras_json,
    model_of,
    source,
)
from tests.support.graph_text import LOGS, graph_def

CLOSURES = {
    "keras216_custom_layer_closure_in_loop": {("x", "looped")},
    "keras216_lambda_closes_over_bool": {("x", "switched"), ("switched", "switched")},
    "keras216_lambda_closes_over_tensor": {("x", "gated"), ("gated", "gated")},
    "keras216_untracked_layer": {("wrap/secret", "wrap")},
}
"""What a layer closes over stands in its box: the tensor that goes in, and variables that it does not track."""

HANDED_ON_BY_KERAS = {
    "k3_masked_attention_training",
    "k3_seq2seq_masks_training",
    "keras216_mask_bidirectional",
    "tfkeras110_masks_merge",
}
"""Logs in which what the layer after depends on is a mask that Keras hands on: that is real, and not hidden."""

NAMED_AS_FIX = {
    "GD101": "keras216_reference",
    "GD109": "keras216_mask_bidirectional",
    "GD112": "keras216_siamese",
    "GD116": "k3_reference_training",
    "GD201": "tf22_reference",
    "GD202": "k3_raw_ops_conceptual",
    "GD205": "k3_in_function",
}
"""For each rule whose fix is a repair, a log on which it says so."""


@cache
def before(name: str) -> Report:
    return compare(LOGS / name, model=model_of(name))


@pytest.fixture(scope="module")
def read_back(tmp_path_factory: pytest.TempPathFactory):
    """Compares a repaired log, by the model that repair wrote into it, and by that of the source."""

    @cache
    def reports(name: str) -> tuple[Report, Report]:
        directory = tmp_path_factory.mktemp(name)
        repair(LOGS / name, directory, model=model_of(name))
        return compare(directory), compare(directory, model=model_of(name) or LOGS / name)

    return reports


def differences(report: Report, verdict: str) -> set[tuple[str, str]]:
    return {
        edge
        for finding in report.findings
        if finding.verdict.value == verdict and finding.counted
        for edge in finding.edges
    }


@pytest.mark.parametrize("name", WITH_MODEL)
def test_a_repaired_log_differs_only_in_what_is_real_and_what_no_name_mends(name, read_back):
    real = {} if name in HANDED_ON_BY_KERAS else DEPENDENCIES
    hidden = CLOSURES.get(name, real.get(name, set()) | MISSING.get(name, set()))
    for report in read_back(name):
        assert differences(report, "artifact") == EXTRA.get(name, set())
        assert differences(report, "hidden") == hidden
        assert report.summary.missing == 0


@pytest.mark.parametrize("name", sorted({*WITH_MODEL, *NO_OP_GRAPH}))
def test_what_a_repair_would_mend_is_mended(name, read_back):
    for report in read_back(name):
        assert {finding.code: finding.message for finding in report.findings if REPAIR in finding.fix} == {}


@pytest.mark.parametrize(("code", "name"), NAMED_AS_FIX.items())
def test_a_repair_that_is_named_as_the_fix_makes_the_finding_go_away(code, name, read_back):
    assert any(finding.code == code and REPAIR in finding.fix for finding in before(name).findings)
    for report in read_back(name):
        assert code not in {finding.code for finding in report.findings}


def found(source: Path, model: Path | None = None) -> Mapping[str, str]:
    """The fix of each code that is reported."""
    return {finding.code: finding.fix for finding in compare(source, model=model).findings}


def test_a_layer_that_bookkeeping_moved_aside_is_back_in_the_graph(tmp_path):
    # 24 boxes take the variable of the first layer; in one box they are one neighbor.
    graph = chain("l0/kernel", "l0/MatMul", *(f"l{number}/Relu" for number in range(1, 20)))
    for number in range(24):
        graph.node.add(name=f"init_{number}/v", op="IsVariableInitialized", input=["l0/kernel"])
    path, model = source(tmp_path, graph, keras_json([f"l{number}" for number in range(20)]))
    assert REPAIR in found(path, model)["GD110"]
    repair(path, tmp_path / "log", model=model)
    assert "GD110" not in found(tmp_path / "log")


def test_a_scope_that_was_entered_twice_becomes_two_boxes(tmp_path):
    graph = chain("group/a/kernel", "group/a/MatMul", "b/Relu", "group/c/Relu", "d/Relu")
    path, model = source(tmp_path, graph, keras_json(["a", "b", "c", "d"]))
    assert REPAIR in found(path, model)["GD117"]
    repair(path, tmp_path / "log", model=model)
    assert "GD117" not in found(tmp_path / "log")


def chain(variable: str, first: str, *others: str) -> GraphDef:
    """A chain of ops, the first of which multiplies the input by a variable."""
    lines = ["in Feed", f"{variable} VariableV2", f"{variable}/read Identity {variable}"]
    lines += [f"{first} MatMul in {variable}/read"]
    lines += [f"{name} Relu {before}" for before, name in pairwise([first, *others])]
    return graph_def("\n".join(lines))
