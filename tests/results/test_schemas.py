"""Every document follows the schema that graphdiag prints, and the schema lets nothing else through."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest
from jsonschema import Draft202012Validator

from graphdiag.diagnosis.dataflow.classes import Carries
from graphdiag.diagnosis.finding import Blame, Proof, Severity, Verdict
from graphdiag.diagnosis.registry import all_rules
from graphdiag.errors import UsageError
from graphdiag.modeldiff.differ import diff
from graphdiag.modeldiff.summary import SORTS
from graphdiag.render.data.diff_json import to_json as to_diff_json
from graphdiag.results.document import from_dict, to_json
from graphdiag.results.layer_edges import DIFFERENCES
from graphdiag.results.schemas import names, schema
from tests.conftest import ROOT
from tests.modeldiff.models import snapshot
from tests.render.reports import finding, hostile_report, report_with
from tests.support.graph_text import LOGS
from tests.support.reports import report_on
from tests.support.schemas import wrong

LOG_NAMES = sorted(path.name for path in LOGS.iterdir())


@pytest.mark.parametrize("name", LOG_NAMES)
def test_every_log(name):
    report = report_on(name)
    assert wrong(json.loads(to_json(report))) is None
    if report.drawn_graph is not None:
        assert wrong(json.loads(json.dumps(report.drawn_graph.to_dict())), "drawn") is None


@pytest.mark.parametrize("name", names())
def test_its_id_has_the_version_that_documents_name(name):
    written = json.loads(schema(name))
    assert written["$id"] == f"urn:graphdiag:schema:{name}:{written['title'].rpartition('/')[2]}"
    assert written["properties"].get("schema", {"const": written["title"]}) == {"const": written["title"]}


def test_a_live_model(graphdiag):
    done = graphdiag("compare", ROOT / "fixtures" / "models" / "nested_keras3.py", "--format", "json")
    document = json.loads(done.stdout)
    assert wrong(document) is None
    assert set(document["locations"]) == {layer["id"] for layer in document["layer_graph"]["layers"]}
    assert to_json(from_dict(document)) == done.stdout


def test_hostile_names_and_proofs():
    assert wrong(hostile_report("<script>\n", "\ud800").to_dict()) is None
    report = report_with(finding(proof=Proof(True, "seen")), finding(proof=Proof(False, "not seen")))
    assert wrong(report.to_dict()) is None


def document():
    return deepcopy(report_with(finding()).to_dict())


@pytest.mark.parametrize(
    "change",
    [
        lambda read: read.update(more=1),
        lambda read: read.pop("edges"),
        lambda read: read.update(schema="graphdiag.report/3"),
        lambda read: read["source"].update(kind="other"),
        lambda read: read["findings"][0].update(verdict="wrong"),
        lambda read: read["findings"][0].update(blame="nobody"),
        lambda read: read["findings"][0].update(severity="fatal"),
        lambda read: read["findings"][0].update(carries=["water"]),
        lambda read: read["findings"][0].update(proof={}),
        lambda read: read["findings"][0]["edges"].append(["a"]),
        lambda read: read["findings"][0]["edges"].append(["a", "b", "c"]),
        lambda read: read["edges"][0].update(verdict="leftover"),
        lambda read: read["locations"].update(a=["net.py", 0]),
        lambda read: read["op_graph"].update(more=1),
        lambda read: read["op_graph"].pop("ownership"),
        lambda read: read["op_graph"].pop("producer"),
        lambda read: read["layer_graph"]["layers"][0].update(calls="1"),
        lambda read: read["summary"].pop("hidden"),
    ],
)
def test_what_is_no_report_is_refused(change):
    read = document()
    assert wrong(read) is None
    change(read)
    assert wrong(read) is not None


def enum(*path):
    found = json.loads(schema("report"))
    for step in path:
        found = found[step]
    return found["enum"]


def test_the_words_are_those_of_the_code():
    of_finding = ("$defs", "finding", "properties")
    assert enum("$defs", "verdict") == [verdict.value for verdict in Verdict]
    assert enum(*of_finding, "blame") == [blame.value for blame in Blame]
    assert enum(*of_finding, "severity") == [severity.value for severity in Severity]
    assert set(enum("$defs", "carries", "items")) == {
        *(name.lower() for name in Carries.__members__),
        *("constant", "control"),
    }
    edge = ("$defs", "layer_edge", "properties", "verdict", "anyOf", 0)
    assert set(enum(*edge)) == {verdict.value for verdict in DIFFERENCES}


def test_codes_of_rules_are_codes():
    pattern = json.loads(schema("report"))["$defs"]["finding"]["properties"]["code"]
    assert all(Draft202012Validator(pattern).is_valid(rule.code) for rule in all_rules())


def test_the_command(graphdiag):
    assert graphdiag("schema").stdout == schema("report")
    for name in names():
        assert graphdiag("schema", name).stdout == schema(name)
    done = graphdiag("schema", "reports")
    assert done.returncode == 2
    assert done.stderr == f"graphdiag: schema reports: unknown schema; choose from {', '.join(names())}.\n"


def test_no_such_schema():
    with pytest.raises(UsageError, match="choose from check, diff, drawn, names, report, scan, snapshot"):
        schema("../report")


def test_the_help_names_every_schema(graphdiag):
    text = graphdiag("schema", "--help").stdout
    assert [name for name in names() if name not in text] == []


SNAPSHOT = {
    "schema": "graphdiag.snapshot/2",
    "graphdiag": "1",
    "model": "m",
    "by_scope": False,
    "inputs": ["a"],
    "outputs": ["a"],
    "nested": [],
    "findings": [],
    "layers": [{"id": "a", "parameters": 3, "ops": {"Add": 2}}],
    "ops": {"total": 2, "of_no_layer": {}},
}


@pytest.mark.parametrize(
    "change",
    [
        lambda read: read.update(more=1),
        lambda read: read.update(schema="graphdiag.snapshot/3"),
        lambda read: read.pop("by_scope"),
        lambda read: read["layers"][0].pop("id"),
        lambda read: read["layers"][0].update(parameters=-1),
        lambda read: read["layers"][0].update(more=1),
        lambda read: read["layers"][0]["ops"].update(Add="2"),
        lambda read: read["ops"].pop("total"),
        lambda read: read["findings"].append({"code": "GD101"}),
    ],
)
def test_what_is_no_snapshot_is_refused(change):
    read = deepcopy(SNAPSHOT)
    assert wrong(read, "snapshot") is None
    change(read)
    assert wrong(read, "snapshot") is not None


@pytest.mark.parametrize(
    "change",
    [
        lambda read: read.update(more=1),
        lambda read: read.pop("names"),
        lambda read: read["old"].update(layers="1"),
        lambda read: read["changes"][0].update(kind="other"),
        lambda read: read["changes"][0].pop("line"),
        lambda read: read["changes"][0].update(attributes={"name": ["a", "b"]}),
        lambda read: read["changes"][0].update(attributes={"shape": ["(1)"]}),
    ],
)
def test_what_is_no_diff_is_refused(change):
    left, right = (snapshot(f"in InputLayer({size})") for size in (8, 9))
    read = json.loads(to_diff_json(diff(left, right)))
    assert wrong(read, "diff") is None
    change(read)
    assert wrong(read, "diff") is not None


def test_all_kinds_of_change_are_in_the_schema():
    changes = json.loads(schema("diff"))["$defs"]["change"]["oneOf"]
    assert {change["properties"]["kind"]["const"] for change in changes} == {
        kind.kind for kinds in SORTS.values() for kind in kinds
    }
