"""The diagnosis on real logs of real stacks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graphdiag import compare
from graphdiag.diagnosis.finding import Verdict
from tests.support.graph_text import LOGS
from tests.support.reports import report_on

LEARNING_PHASE = sorted(
    path.parent.name
    for path in LOGS.glob("*/expected_learning_phase.json")
    if path.parent.name != "keras216_sequential_in_sequential"
)
HIDDEN = sorted(path.parent.name for path in LOGS.glob("*/expected_hidden.json"))
CLEAN = [
    "k3_raw_ops",
    "k3_reference_train",
    "k3_reference_training",
    "k3_siamese_training",
    "keras216_mask_bidirectional",
    "keras216_siamese",
    "tf22_reference",
    "tf22_tb3118",
    "tf22_tf39398",
    "tfk_nested",
    "tfk_reference_training",
]


@pytest.mark.parametrize("name", LEARNING_PHASE)
def test_learning_phase_is_found_with_exactly_its_edges(name):
    expected = json.loads((LOGS / name / "expected_learning_phase.json").read_text())["culprit"]
    found = {
        finding.culprits[0]: sorted(list(edge) for edge in finding.edges)
        for finding in report_on(name).findings
        if finding.code == "GD101"
    }
    assert found == {op: sorted(edges) for op, edges in expected.items()}


def test_a_nested_sequential_whose_name_keras_did_not_record():
    [finding] = [
        finding for finding in report_on("keras216_sequential_in_sequential").findings if finding.code == "GD101"
    ]
    assert finding.culprits == ("ib/keras_learning_phase",)
    # Keras 2.1 writes no names of nested Sequential models; the layers inside have theirs.
    assert sorted((source.rpartition("/")[2], target) for source, target in finding.edges) == [
        ("ib", "ob"),
        ("ib", "od"),
    ]


@pytest.mark.parametrize("name", ["keras216_reference", "tfkeras110_reference", "keras216_reference_fit"])
def test_reference_model_of_the_first_user(name):
    report = report_on(name)
    assert len(report.layer_graph.edges) == 27
    assert (report.summary.artifact, report.summary.hidden, report.summary.missing) == (8, 0, 0)
    [finding] = [finding for finding in report.findings if finding.verdict is Verdict.ARTIFACT]
    assert finding.code == "GD101"
    assert finding.culprits == ("batchnorm_0_0/keras_learning_phase",)
    assert finding.carries == ("flag",)
    # The switch of the conditional twice and its predicate once, in each of the eight layers.
    assert len(finding.evidence) == 24 if name.startswith("keras216") else len(finding.evidence) >= 8


@pytest.mark.parametrize("name", HIDDEN)
def test_closures_are_hidden_and_never_an_artifact(name):
    expected = {tuple(edge) for edge in json.loads((LOGS / name / "expected_hidden.json").read_text())}
    report = report_on(name)
    hidden = {edge for finding in report.findings if finding.verdict is Verdict.HIDDEN for edge in finding.edges}
    assert hidden == expected


def test_what_is_stored_in_a_variable_is_found_where_it_is_read():
    report = report_on("keras216_hidden_assign")
    hidden = [finding for finding in report.findings if finding.verdict is Verdict.HIDDEN]
    assert [finding.edges for finding in hidden] == [(("writer", "reader"),)]


@pytest.mark.parametrize("name", CLEAN)
def test_clean_models_have_no_finding_on_their_layers(name):
    report = report_on(name)
    findings = [finding for finding in report.findings if finding.verdict in (Verdict.ARTIFACT, Verdict.HIDDEN)]
    # One learning-phase op may be shared all the same: Keras 2.1.6 made these.
    assert [finding for finding in findings if finding.code != "GD101"] == []
    assert bool(findings) == (LOGS / name / "expected_learning_phase.json").exists()


@pytest.mark.parametrize("name", ["keras216_names_collide", "keras216_names_collide_explicit", "keras216_slash_names"])
def test_every_keras_edge_is_found_although_names_collide(name):
    report = report_on(name)
    assert report.context.undrawn == []
    assert report.context.without_ops == frozenset()
    assert report.summary.hidden == 0


@pytest.mark.parametrize(
    ("name", "code", "edges"),
    [
        ("keras216_shape_only", "GD103", [("down", "resize_like")]),
        ("keras216_shape_only_dynamic", "GD103", [("img", "up_like_img"), ("down", "up_like_down")]),
        ("keras216_control_only", "GD104", [("checked", "waits")]),
        ("keras216_shared_constant", "GD105", [("first", "second"), ("first", "third")]),
        ("keras216_weight_tying", "GD303", [("enc", "tied")]),
    ],
)
def test_other_causes(name, code, edges):
    findings = [
        finding for finding in report_on(name).findings if finding.verdict in (Verdict.ARTIFACT, Verdict.HIDDEN)
    ]
    assert {finding.code for finding in findings if finding.code != "GD101"} == {code}
    assert sorted(edge for finding in findings if finding.code == code for edge in finding.edges) == sorted(edges)


def test_training_is_bookkeeping():
    findings = {finding.code: finding for finding in report_on("keras216_reference_fit").findings}
    assert ("conv1d_0_0", "training") in findings["GD111"].edges
    assert ("prediction", "loss") in findings["GD111"].edges


def test_without_a_layer_graph_scopes_are_boxes():
    report = compare(LOGS / "keras216_reference")
    assert report.layer_graph is None
    [finding] = [finding for finding in report.findings if finding.code == "GD101"]
    expected = json.loads((LOGS / "keras216_reference" / "expected_learning_phase.json").read_text())["culprit"]
    assert sorted(map(list, finding.edges)) == sorted(expected["batchnorm_0_0/keras_learning_phase"])
    assert any("--model" in note for note in report.notes)


def test_initial_values_are_no_finding_of_their_own():
    report = compare(LOGS / "tf110_mnist_171")
    assert report.summary.artifact == 0


def test_reading_a_log_never_imports_tensorflow(run_python):
    script = (
        "import sys, graphdiag\n"
        f"graphdiag.compare({str(LOGS / 'keras216_reference')!r})\n"
        "print(sorted({'tensorflow', 'keras', 'tf_keras', 'h5py'} & set(sys.modules)))\n"
    )
    assert run_python(script).strip() == "[]"


def test_all_logs_are_listed_somewhere():
    assert set(CLEAN) <= {path.name for path in Path(LOGS).iterdir()}
