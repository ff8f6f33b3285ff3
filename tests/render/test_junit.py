"""JUnit that Jenkins's schema accepts: a test case for each check, and a failure for each error."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema
from hypothesis import given, settings

from graphdiag.diagnosis.finding import Severity, Verdict
from graphdiag.diagnosis.registry import all_rules
from graphdiag.render.ci.junit import to_junit, write
from graphdiag.render.ci.suites import Check, Location, Problem, Suite
from graphdiag.unprintable import escape_unprintable
from tests.render.reports import finding, hostile_report, hostile_suites, report_with
from tests.support.hostile import NAMES
from tests.support.reports import report_on

SCHEMA = Path(__file__).parent / "schemas" / "junit-10.xsd"


@lru_cache
def schema():
    return xmlschema.XMLSchema(SCHEMA)


def parsed(text):
    schema().validate(text)
    return ElementTree.fromstring(text.encode("ascii"))


def cases(root):
    return {case.get("name"): case for case in root.iter("testcase")}


@pytest.mark.parametrize(
    "name", ["keras216_reference", "keras216_hidden_two_hops", "k3_reference_callback", "tf110_mnist_171"]
)
def test_logs(name):
    report = report_on(name)
    root = parsed(to_junit(report))
    assert set(cases(root)) == {f"{rule.code} {rule.name}" for rule in all_rules()}
    failed = {name for name, case in cases(root).items() if case.find("failure") is not None}
    assert failed == {f"{f.code} {f.rule}" for f in report.findings if f.severity is Severity.ERROR}


def test_an_error_fails_and_says_all():
    report = report_on("keras216_hidden_two_hops")
    root = parsed(to_junit(report))
    [hidden] = [finding for finding in report.findings if finding.verdict is Verdict.HIDDEN]
    failure = cases(root)[f"{hidden.code} {hidden.rule}"].find("failure")
    assert failure.get("message") == hidden.message
    assert hidden.fix in failure.text
    assert hidden.evidence[0].source in failure.text
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == (str(len(all_rules())), "1", "0")


def test_an_artifact_passes_and_is_told():
    root = parsed(to_junit(report_on("keras216_reference")))
    assert root.get("failures") == "0"
    case = cases(root)["GD101 shared-learning-phase"]
    assert case.find("failure") is None
    assert case.find("system-out").text.startswith("warning: 8 drawn layer edges come from one op")


def test_two_errors_of_one_rule_are_one_failure():
    root = parsed(to_junit(report_with(finding(message="First."), finding(message="Second.", edges=(("x", "b"),)))))
    [failure] = root.iter("failure")
    assert failure.get("message") == "First. (and 1 more)"
    assert "Second." in failure.text


def test_a_model_that_cannot_be_checked_is_an_error_and_its_checks_are_skipped():
    check = Check("contract", "towers apart")
    problem = Problem(
        "contract", Severity.ERROR, "Broken.", location=Location("net.py", 3), details=["a -> b", "b -> c"]
    )
    root = parsed(write([Suite("one", [check], [problem]), Suite("two", [check], failure="two.py does not exist.")]))
    first, second = root.iter("testsuite")
    assert [first.get(name) for name in ("name", "tests", "failures", "errors", "skipped")] == [
        "one",
        "1",
        "1",
        "0",
        "0",
    ]
    assert first.find("testcase/failure").text == "net.py:3\nerror: Broken.\n  a -> b\n  b -> c"
    assert [second.get(name) for name in ("name", "tests", "failures", "errors", "skipped")] == [
        "two",
        "2",
        "0",
        "1",
        "1",
    ]
    assert second.find("testcase/error").get("message") == "two.py does not exist."
    assert [root.get(name) for name in ("tests", "failures", "errors")] == ["3", "1", "1"]


@given(NAMES, NAMES)
@settings(deadline=None)
def test_names_come_out_as_text(name, other):
    root = parsed(to_junit(hostile_report(name, other)))
    assert root.find("testsuite").get("name") == escape_unprintable(name or "log")
    [failure] = root.iter("failure")
    assert failure.get("message") == escape_unprintable(
        f"1 drawn layer edge from {name} carries activations to {other}."
    )
    assert escape_unprintable(f"fix: Hand {other} to {name}.") in failure.text
    assert {element.tag for element in root.iter()} == {
        *("testsuites", "testsuite", "testcase", "failure", "system-out"),
    }


@given(NAMES, NAMES)
@settings(deadline=None)
def test_names_in_suites_come_out_as_text(name, other):
    root = parsed(write(hostile_suites(name, other)))
    first, second = root.iter("testsuite")
    assert (first.get("name"), second.get("name")) == (escape_unprintable(name), escape_unprintable(other))
    assert first.find("testcase/failure").get("type") == escape_unprintable(f"{name}1")
    assert second.find("testcase/error").get("message") == escape_unprintable(name or "failed")
    assert first.find("testcase/failure").text.split("\n")[0] == escape_unprintable(f"{name or 'a.py'}:3")
