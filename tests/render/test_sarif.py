"""SARIF that OASIS's own schema accepts, with a place and help for each finding."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from jsonschema import Draft4Validator

from graphdiag.diagnosis.finding import Severity
from graphdiag.diagnosis.registry import all_rules
from graphdiag.render.ci.sarif import to_sarif, write
from graphdiag.render.ci.suites import Check, Location, Problem, Suite
from graphdiag.unprintable import escape_unprintable
from graphdiag.version import DOCUMENTATION, __version__
from tests.render.reports import finding, hostile_report, hostile_suites, report_with
from tests.support.hostile import NAMES
from tests.support.reports import report_on

SCHEMA = Path(__file__).parent / "schemas" / "sarif-schema-2.1.0.json"
CHECK = Check("contract", "towers apart", "They are apart.", "**Why**\n\nThey are.")


@lru_cache
def validator():
    return Draft4Validator(
        json.loads(SCHEMA.read_text(encoding="utf-8")), format_checker=Draft4Validator.FORMAT_CHECKER
    )


def run_of(text):
    log = json.loads(text)
    validator().validate(log)
    [run] = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    return run


@pytest.mark.parametrize(
    "name", ["keras216_reference", "keras216_hidden_two_hops", "k3_reference_callback", "tf110_mnist_171"]
)
def test_logs(name):
    report = report_on(name)
    run = run_of(to_sarif(report))
    assert [(result["ruleId"], result["level"]) for result in run["results"]] == [
        (finding.code, finding.severity.value) for finding in report.findings
    ]


def test_the_tool_and_the_help_of_its_rules():
    driver = run_of(to_sarif(report_on("keras216_reference")))["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("graphdiag", __version__)
    rules = {rule["id"]: rule for rule in driver["rules"]}
    assert set(rules) == {rule.code for rule in all_rules()}
    assert rules["GD101"]["name"] == "shared-learning-phase"
    assert rules["GD101"]["defaultConfiguration"] == {"level": "warning"}
    assert rules["GD101"]["help"]["markdown"].startswith("**What it finds**\n\nDrawn edges from one layer")
    assert all(rule["help"]["markdown"] and rule["shortDescription"]["text"] for rule in rules.values())
    assert driver["informationUri"] == DOCUMENTATION
    assert {code: rule["helpUri"] for code, rule in rules.items()} == {
        code: f"{DOCUMENTATION}rules/{code}/" for code in rules
    }


def test_a_finding_names_its_layers_and_its_op():
    report = report_on("keras216_reference")
    first = run_of(to_sarif(report))["results"][0]
    [place] = first["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"].endswith("fixtures/logs/keras216_reference")
    named = {(item["kind"], item["fullyQualifiedName"]) for item in place["logicalLocations"]}
    assert ("op", "batchnorm_0_0/keras_learning_phase") in named
    assert {name for kind, name in named if kind == "layer"} == {
        end for edge in report.findings[0].edges for end in edge
    }
    assert first["properties"]["verdict"] == "artifact"


def test_a_line_is_a_region():
    problem = Problem("contract", Severity.ERROR, "Broken.", location=Location("models/my net.py", 7))
    [result] = run_of(write([Suite("net", [CHECK], [problem])]))["results"]
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "models/my%20net.py"},
        "region": {"startLine": 7},
    }


@pytest.mark.parametrize(
    ("path", "uri"),
    [("/a/b.py", "file:///a/b.py"), ("a:b.py", "a%3Ab.py"), ("../b.py", "../b.py"), ("é.py", "%C3%A9.py")],
)
def test_paths_are_uris(path, uri):
    [result] = run_of(
        write([Suite("net", [CHECK], [Problem("contract", Severity.NOTE, "x")], location=Location(path))])
    )["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def fingerprint(**fields):
    [result] = run_of(to_sarif(report_with(finding(**fields))))["results"]
    return result["partialFingerprints"]


def test_fingerprints_outlive_new_words_and_a_new_order_but_no_other_edge():
    edges = (("a", "b"), ("a", "c"))
    assert fingerprint(edges=edges) == fingerprint(edges=edges[::-1], message="Other.", fix="Other.")
    assert fingerprint(edges=edges) != fingerprint(edges=edges[:1])
    assert fingerprint() != fingerprint(culprits=("a/Relu",))


def test_several_models_in_one_run_and_one_that_cannot_be_checked():
    suites = [
        Suite("first", [CHECK], [Problem("contract", Severity.ERROR, "Broken.")], notes=["By the way."]),
        Suite("second", [CHECK, Check("other")], [Problem("other", Severity.WARNING, "Odd.")]),
        Suite("third", [CHECK], failure="third.py does not exist."),
    ]
    run = run_of(write(suites))
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["contract", "other"]
    assert [result["message"]["text"] for result in run["results"]] == ["first: Broken.", "second: Odd."]
    [invocation] = run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert [(said["level"], said["message"]["text"]) for said in invocation["toolExecutionNotifications"]] == [
        ("note", "first: By the way."),
        ("error", "third: third.py does not exist."),
    ]


def as_shown(text):
    """What a viewer makes of a message: placeholders need an argument, and links a destination."""
    assert "](" not in text
    assert not re.search(r"(?<!\{)(\{\{)*\{(?!\{)|(?<!\})(\}\})*\}(?!\})", text)
    return text.replace("{{", "{").replace("}}", "}").replace(r"]\x28", "](")


@given(NAMES, NAMES)
@settings(deadline=None)
def test_names_come_out_as_text(name, other):
    run = run_of(to_sarif(hostile_report(name, other)))
    result = run["results"][0]
    assert as_shown(result["message"]["text"]).startswith(f"1 drawn layer edge from {escape_unprintable(name)} carries")
    names = [item["fullyQualifiedName"] for item in result["locations"][0]["logicalLocations"]]
    assert {escape_unprintable(name), escape_unprintable(other)} <= set(names)


@given(NAMES, NAMES)
@settings(deadline=None)
def test_names_in_suites_come_out_as_text(name, other):
    run = run_of(write(hostile_suites(name, other)))
    [result] = run["results"]
    assert as_shown(result["message"]["text"]) == escape_unprintable(
        f"{name}: {name} {other}" if other else f"{name}: {name}"
    )
    assert result["ruleId"] == escape_unprintable(f"{name}1")


def test_braces_and_links_in_help():
    help_ = run_of(write([Suite("net", [Check("x", help="{0} and [a](b)")])]))["tool"]["driver"]["rules"][0]["help"]
    assert help_ == {"text": r"{{0}} and [a]\x28b)", "markdown": "{{0}} and [a](b)"}


def test_the_same_every_time():
    assert to_sarif(report_on("keras216_reference")) == to_sarif(report_on("keras216_reference"))
