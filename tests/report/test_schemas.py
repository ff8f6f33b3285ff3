"""Every document follows the schema that graphdiag prints, and the schema lets nothing else through."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import lru_cache

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from graphdiag.diagnosis.carries import Carries
from graphdiag.diagnosis.finding import Blame, Proof, Severity, Verdict
from graphdiag.diagnosis.registry import all_rules
from graphdiag.errors import UsageError
from graphdiag.report.document import from_dict, to_json
from graphdiag.report.layer_edges import DIFFERENCES
from graphdiag.report.schemas import names, schema
from tests.conftest import ROOT
from tests.graph_text import LOGS
from tests.report.reports import finding, hostile_report, report_on, report_with

LOG_NAMES = sorted(path.name for path in LOGS.iterdir())


@lru_cache
def validator(name):
    read = json.loads(schema(name))
    Draft202012Validator.check_schema(read)
    return Draft202012Validator(read)


def wrong(document, name="report"):
    """What is wrong with a document, or None."""
    error = best_match(validator(name).iter_errors(document))
    return error and f"{error.json_path}: {error.message}"[:500]


@pytest.mark.parametrize("name", LOG_NAMES)
def test_every_log(name):
    report = report_on(name)
    assert wrong(json.loads(to_json(report))) is None
    if report.drawn_graph is not None:
        assert wrong(json.loads(json.dumps(report.drawn_graph.to_dict())), "drawn") is None


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
        lambda read: read.update(schema="graphdiag.report/2"),
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
    assert graphdiag("schema", "drawn").stdout == schema("drawn")
    done = graphdiag("schema", "reports")
    assert done.returncode == 2
    assert done.stderr == f"graphdiag: schema reports: there is none of this name; there are {', '.join(names())}.\n"


def test_no_such_schema():
    with pytest.raises(UsageError, match="there are check, drawn"):
        schema("../report")
