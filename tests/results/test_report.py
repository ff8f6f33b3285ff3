"""The report as data: the documented schema and nothing else, the same bytes every time."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from graphdiag.diagnosis.finding import Blame, Finding, Severity, Verdict
from graphdiag.results.report import Report
from graphdiag.sources.opened import Origin
from tests.conftest import ROOT
from tests.support.graph_text import LOGS
from tests.support.reports import report_on

FINDING = {
    "code": str,
    "rule": str,
    "verdict": str,
    "blame": str,
    "severity": str,
    "culprits": list,
    "carries": list,
    "edges": list,
    "counted": bool,
    "evidence": list,
    "message": str,
    "fix": str,
}
EVIDENCE = {"from": str, "from_type": str, "to": str, "to_type": str, "output": int, "control": bool}


@pytest.mark.parametrize(
    "name",
    [
        "keras216_reference",
        "keras216_hidden_two_hops",
        "k3_reference_callback",
        "tf110_mnist_171",
        "tf22_graph_reference",
    ],
)
def test_the_schema(name):
    data = report_on(name).to_dict()
    assert json.loads(json.dumps(data)) == data
    assert list(data) == [
        *("schema", "graphdiag", "source", "graphs", "findings", "summary", "notes", "rules"),
        *("layer_graph", "locations", "edges", "op_graph", "drawn_graph"),
    ]
    assert data["schema"] == "graphdiag.report/2"
    assert {key: type(value) for key, value in data["source"].items()} == dict.fromkeys(
        ["path", "kind", "run", "tag", "stack"], str
    )
    assert list(data["graphs"]) == ["layers", "ops"]
    for graph in data["graphs"].values():
        assert graph is None or {key: type(value) for key, value in graph.items()} == {"nodes": int, "edges": int}
    assert list(data["summary"]) == ["artifact", "hidden", "missing"]
    for finding in data["findings"]:
        code = {"fix_code": list} if finding["code"] in ("GD203", "GD204", "GD207") else {}
        assert {key: type(value) for key, value in finding.items()} == {**FINDING, **code}
        assert all(len(edge) == 2 for edge in finding["edges"])
        for evidence in finding["evidence"]:
            through = evidence.pop("through", None)
            assert through is None or (through and all(isinstance(op, str) for op in through))
            assert {key: type(value) for key, value in evidence.items()} == EVIDENCE


def test_graphs_that_are_not_there_are_null():
    assert report_on("k3_reference_callback").to_dict()["graphs"]["ops"] is None
    assert report_on("tf110_mnist_171").to_dict()["graphs"]["layers"] is None
    assert report_on("tf22_graph_reference").to_dict()["graphs"]["ops"] == {"nodes": 0, "edges": 0}


def test_the_example_of_the_first_user():
    data = report_on("keras216_reference").to_dict()
    [finding] = [finding for finding in data["findings"] if finding["verdict"] == "artifact"]
    assert finding["culprits"] == ["batchnorm_0_0/keras_learning_phase"]
    assert finding["carries"] == ["flag"]
    assert finding["evidence"][0] == {
        "from": "batchnorm_0_0/keras_learning_phase",
        "from_type": "PlaceholderWithDefault",
        "to": finding["evidence"][0]["to"],
        "to_type": "Switch",
        "output": 0,
        "control": False,
    }
    assert data["summary"] == {"artifact": 8, "hidden": 0, "missing": 0}


def test_evidence_names_the_ops_on_the_way():
    data = report_on("keras216_hidden_two_hops").to_dict()
    [finding] = [finding for finding in data["findings"] if finding["verdict"] == "hidden"]
    assert any(evidence.get("through") for evidence in finding["evidence"])


@pytest.fixture(scope="module")
def by_hash_seed(tmp_path_factory):
    """What one command writes with each seed: a directory with a file of each format."""
    log = LOGS / "keras216_reference_fit"
    directories = []
    for seed in ("0", "1", "2718"):
        directory = tmp_path_factory.mktemp("seed")
        outputs = [word for name in ("json", "text", "html") for word in ("--format", name, "-o", directory / name)]
        subprocess.run(
            [sys.executable, "-m", "graphdiag", "compare", log, "--model", log / "model.json", *outputs],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "COLUMNS": "80"},
            capture_output=True,
            check=True,
        )
        directories.append(directory)
    return directories


@pytest.mark.parametrize("name", ["json", "text", "html"])
def test_the_same_bytes_whatever_the_hash_seed(by_hash_seed, name):
    first, *others = [(directory / name).read_bytes() for directory in by_hash_seed]
    assert first
    assert others == [first, first]


# --- the summary -----------------------------------------------------------------------------------------------------


def report_with(*findings):
    return Report.of(Origin("log", "event_log"), None, None, findings)


def finding(verdict, *edges):
    return Finding("GD000", "some-rule", verdict, Blame.KERAS, Severity.NOTE, "", "", edges=edges)


def test_a_report_is_short_in_a_prompt():
    text = repr(report_on("keras216_reference"))
    assert text.endswith("keras216_reference', layers=28, ops=1285, findings=2, artifact=8, hidden=0, missing=0)")
    assert text.startswith("Report('")
    without_ops = Report(Origin("m.json", "keras_json"), None, None, ())
    assert repr(without_ops) == "Report('m.json', layers=None, ops=None, findings=0, artifact=0, hidden=0, missing=0)"


def test_an_edge_is_counted_once():
    report = report_with(
        finding(Verdict.ARTIFACT, ("a", "b"), ("a", "c")),
        finding(Verdict.ARTIFACT, ("a", "b")),
        finding(Verdict.MISSING, ("c", "d")),
        finding(Verdict.LEFTOVER, ("x", "y")),
    )
    assert report.to_dict()["summary"] == {"artifact": 2, "hidden": 0, "missing": 1}


def test_an_edge_that_is_hidden_and_an_artifact_counts_as_hidden():
    report = report_with(finding(Verdict.ARTIFACT, ("a", "b")), finding(Verdict.HIDDEN, ("a", "b")))
    assert report.to_dict()["summary"] == {"artifact": 0, "hidden": 1, "missing": 0}


@pytest.mark.parametrize(
    ("verdict", "met"),
    [
        ("artifact", {"artifact", "any"}),
        ("hidden", {"hidden", "any"}),
        ("missing", {"missing", "any"}),
        ("leftover", set()),
    ],
)
def test_what_fail_on_asks_for(verdict, met):
    summary = report_with(finding(Verdict(verdict), ("a", "b"))).summary
    assert {asked for asked in ("artifact", "hidden", "missing", "any") if summary.met(asked)} == met
