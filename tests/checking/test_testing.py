"""Assertions about graphs, as tests call them."""

from __future__ import annotations

import unittest
from dataclasses import replace

import pytest

from graphdiag.comparison import compare
from graphdiag.errors import ConfigError, SourceError, UsageError
from graphdiag.testing import GraphAssertionError, assert_graph
from tests.checking.contracts.reports import report_of
from tests.support.graph_text import LOGS
from tests.support.layers import layer_graph
from tests.support.reports import report_on

TOWERS = ("conv1d_0_*", "batchnorm_0_*", "global_max_0"), ("conv1d_1_*", "batchnorm_1_*", "global_max_1")


@pytest.fixture(scope="module")
def reference():
    return report_on("keras216_reference")


@pytest.fixture(scope="module")
def gated():
    return report_on("keras216_hidden_bool")


@pytest.fixture(scope="module")
def siamese():
    return report_on("keras216_siamese")


def test_assertions_that_hold_follow_each_other(reference):
    graph = assert_graph(reference)
    held = (
        graph.has_no_findings()
        .has_no_hidden_edges()
        .independent(*TOWERS)
        .forbids("conv1d_0_*", "conv1d_1_*")
        .forbids("conv1d_0_*", "concatenate_1", through="global_max_0")
        .layers_in_order("pt_cloud_*", "conv1d_*", "concatenate_1")
        .requires(("global_max_0", "concatenate_1"), ("global_max_1", "concatenate_1"))
        .requires(path=["pt_cloud_0", "conv1d_0_3", "concatenate_1"])
        .is_acyclic()
        .all_reachable()
        .shares_nothing("conv1d_0_0", "conv1d_1_0")
        .within_budget(layers_max=28, layers_min=28, class_min={"Conv1D": 8}, op_max={"While": 0})
    )
    assert held is graph


def broken(assertion, *arguments, **options):
    with pytest.raises(GraphAssertionError) as error:
        assertion(*arguments, **options)
    assert isinstance(error.value, AssertionError)
    return str(error.value)


def test_a_path_that_breaks_it_is_shown_with_the_ops_that_keras_does_not_know_of(gated):
    assert broken(assert_graph(gated).forbids, ["probe", "probe_bn"], "switched") == (
        f"forbids(['probe', 'probe_bn'], 'switched') does not hold on {gated.origin.path}\n"
        "probe_bn reaches switched\n"
        "  probe_bn\n"
        "  -> switched\n"
        "     Keras has no such edge: probe_bn/cond/Merge (Merge) -> Sum (Sum) -> Greater (Greater) ->\n"
        "     switched/cond/Switch (Switch)\n"
    )


def test_findings_are_shown_with_their_edges_and_what_to_do(gated, reference):
    hidden = broken(assert_graph(gated).has_no_hidden_edges)
    assert hidden.startswith("has_no_hidden_edges() does not hold on ")
    assert "GD301 hidden-dependency: 1 drawn layer edge from probe_bn/cond/Merge carries activations" in hidden
    assert "\n  probe_bn -> switched\n" in hidden
    assert "\n  fix: Give the tensor to the layer as an input instead of closing over it." in hidden
    assert "GD101" not in hidden
    artifacts = broken(assert_graph(gated).has_no_artifacts)
    assert "GD101 shared-learning-phase" in artifacts
    assert "GD301" not in artifacts
    assert "GD101" in broken(assert_graph(reference).has_no_findings, "warning")


@pytest.mark.parametrize(
    ("assertion", "arguments", "options", "said"),
    [
        ("independent", (*TOWERS, "concatenate_1"), {}, "global_max_0 reaches concatenate_1"),
        ("layers_in_order", ("concatenate_1", "conv1d_*"), {}, "leads back to concatenate_1"),
        (
            "requires",
            (("conv1d_0_0", "conv1d_1_0"),),
            {},
            "there is no edge conv1d_0_0 -> conv1d_1_0; conv1d_1_0 takes",
        ),
        ("requires", (), {"path": ["conv1d_0_0", "conv1d_1_0"]}, "conv1d_0_0 does not reach conv1d_1_0"),
        ("shares", ("conv1d_0_0",), {}, "conv1d_0_0 is used once"),
        ("ties", ("conv1d_0_0", "conv1d_1_0"), {}, "read no variable that all of them read"),
        ("within_budget", (), {"layers_max": 27}, "layers: 28, and at most 27 are allowed"),
        ("within_budget", (), {"class_min": {"LSTM": 1}}, "class:LSTM: 0, and at least 1 must be there"),
    ],
)
def test_each_says_what_breaks_it(reference, assertion, arguments, options, said):
    text = broken(getattr(assert_graph(reference), assertion), *arguments, **options)
    assert text.startswith(f"{assertion}(")
    assert said in text


def test_loops_and_dead_ends():
    assert "MatMul_[1-6] feeds itself" in broken(assert_graph(compare(LOGS / "tf110_series_loop")).is_acyclic, "drawn")
    edges = [("x", "a"), ("a", "b"), ("a", "side")]
    classes = {"a": "ReLU", "b": "ReLU", "side": "ReLU"}
    layers = replace(layer_graph(edges, inputs=["x"], classes=classes), outputs=("b",))
    assert "side reaches no output" in broken(assert_graph(report_of(layers=layers)).all_reachable)


def test_layers_that_share_variables(siamese):
    assert_graph(siamese).shares("encoder").shares_nothing("same", "distance")
    assert "encoder/enc_a is used 2 times" in broken(assert_graph(siamese).shares_nothing, "encoder/enc_a")
    tying = report_on("keras216_weight_tying")
    [[edge]] = [finding.edges for finding in tying.findings if finding.code == "GD303"]
    assert_graph(tying).ties(*edge).ties(list(edge)).ties(list(edge), tuple(edge))
    assert "share" in broken(assert_graph(tying).shares_nothing, list(edge))
    others = next(layer for layer in tying.layer_graph.layers if layer not in edge)
    assert f"{others}" in broken(assert_graph(tying).ties, list(edge), [edge[0], others])
    assert "shares the variable" in broken(assert_graph(tying).shares_nothing, edge[1])


def test_the_graph_on_which_it_holds_can_be_chosen(gated):
    graph = assert_graph(gated)
    graph.forbids(["probe", "probe_bn"], "switched", graph="layer")
    assert "graph" not in broken(graph.forbids, ["probe", "probe_bn"], "switched").partition("\n")[0]


@pytest.mark.parametrize(
    ("assertion", "arguments", "options", "said"),
    [
        (
            "independent",
            ("conv1d_0_*", "konv1d_1_0"),
            {},
            "independent: sets[1]: 'konv1d_1_0' matches nothing; the nearest",
        ),
        ("independent", ("conv1d_0_*",), {}, "independent: sets: must have at least 2 entries."),
        ("is_acyclic", ("ops",), {}, "is_acyclic: graph: must be one of layer, op, drawn, and is 'ops'"),
        ("has_no_findings", ("fatal",), {}, "has_no_findings: severity: must be one of error, warning, note"),
        (
            "within_budget",
            (),
            {"layer_max": 1},
            "within_budget: max: 'layer' cannot be counted; the nearest is 'layers'.",
        ),
        ("within_budget", (), {"layers": 1}, "within_budget: 'layers' ends with neither '_max' nor '_min'."),
        ("within_budget", (), {}, "within_budget: one of the keys 'max' and 'min' is needed."),
        ("requires", (), {}, "requires: one of the keys 'edges' and 'path' is needed."),
    ],
)
def test_what_cannot_be_told_is_an_error_and_no_failure(reference, assertion, arguments, options, said):
    with pytest.raises(ConfigError) as error:
        getattr(assert_graph(reference), assertion)(*arguments, **options)
    assert str(error.value).startswith(said)


def test_a_snapshot_is_written_when_asked_for_and_held_against_from_then_on(reference, gated, tmp_path, monkeypatch):
    file = tmp_path / "graph.json"
    with pytest.raises(ConfigError, match=r"matches_snapshot: .*graph\.json"):
        assert_graph(reference).matches_snapshot(file)
    monkeypatch.setenv("GRAPHDIAG_UPDATE", "1")
    assert_graph(reference).matches_snapshot(file)
    monkeypatch.delenv("GRAPHDIAG_UPDATE")
    assert_graph(reference).matches_snapshot(file).has_no_hidden_edges()
    changed = broken(assert_graph(gated).matches_snapshot, file)
    assert changed.startswith(f"matches_snapshot('{file}') does not hold on ")
    assert "conv1d_0_0" in changed


def test_layers_may_have_other_names_if_asked_for(tmp_path, monkeypatch):
    file = tmp_path / "graph.json"
    before, after = (report_of(layers=layer_graph([("x", "hidden"), ("hidden", y)])) for y in ("out", "scores"))
    monkeypatch.setenv("GRAPHDIAG_UPDATE", "1")
    assert_graph(before).matches_snapshot(file)
    monkeypatch.delenv("GRAPHDIAG_UPDATE")
    assert_graph(after).matches_snapshot(file, renames=True)
    assert "scores" in broken(assert_graph(after).matches_snapshot, file)


def test_sources_are_those_of_compare(tmp_path, reference):
    log = LOGS / "keras216_reference"
    assert assert_graph(log, model=log / "model.json").report.findings == reference.findings
    with pytest.raises(SourceError):
        assert_graph(tmp_path / "absent")
    with pytest.raises(UsageError, match="select: does not apply to a report"):
        assert_graph(reference, select=["GD1"])


def test_a_unittest_fails_and_says_why(gated):
    class Graph(unittest.TestCase):
        def test_it(self):
            assert_graph(gated).has_no_hidden_edges()

    result = unittest.TestResult()
    Graph("test_it").run(result)
    assert result.errors == []
    [(_, shown)] = result.failures
    assert "GD301 hidden-dependency" in shown


def test_nothing_of_pytest_is_needed(run_python):
    script = f"""
import sys
sys.modules["pytest"] = None
from graphdiag.testing import assert_graph
try:
    assert_graph({str(LOGS / "keras216_hidden_bool")!r}).is_acyclic().within_budget(ops_max=1)
except AssertionError as error:
    print(error)
print("tensorflow" in sys.modules)
"""
    assert run_python(script).split("\n")[1:4] == ["ops: 351, and at most 1 are allowed", "", "False"]
