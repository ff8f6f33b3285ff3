"""Annotations: one line for each problem, which no name can break out of."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings

from graphdiag.diagnosis.finding import Severity
from graphdiag.render.ci.github import to_github, write
from graphdiag.render.ci.suites import Check, Location, Problem, Suite
from graphdiag.unprintable import escape_unprintable
from tests.render.reports import finding, hostile_report, hostile_suites, report_with
from tests.support.hostile import NAMES
from tests.support.reports import report_on

COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)")


def commands(text):
    """What GitHub's runner reads: the command, its properties and its message."""
    read = []
    for line in text.split("\n")[:-1]:
        kind, properties, message = COMMAND.fullmatch(line).groups()
        pairs = [pair.split("=", 1) for pair in properties.split(",")]
        read.append((kind, {name: unescaped(value) for name, value in pairs}, unescaped(message)))
    return read


def unescaped(value):
    for code, character in (("%3A", ":"), ("%2C", ","), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        value = value.replace(code, character)
    return value


@pytest.mark.parametrize("name", ["keras216_reference", "keras216_hidden_two_hops", "tf110_mnist_171"])
def test_logs(name):
    report = report_on(name)
    told = commands(to_github(report))
    assert [kind for kind, _, _ in told] == [
        {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}[finding.severity]
        for finding in report.findings
    ]
    for found, (_, properties, message) in zip(report.findings, told, strict=True):
        assert properties["title"] == f"{found.code} {found.rule}"
        assert message.startswith(found.message)
        assert message.endswith(f"\nfix: {found.fix}")


def test_file_and_line():
    check = Check("contract", "towers: apart, please")
    problem = Problem("contract", Severity.ERROR, "50% broken.", location=Location("models/a,b:c.py", 7))
    assert write([Suite("net", [check], [problem])]) == (
        "::error file=models/a%2Cb%3Ac.py,line=7,title=contract towers%3A apart%2C please::50%25 broken.\n"
    )


def test_several_models_and_one_that_cannot_be_checked():
    check = Check("contract")
    suites = [
        Suite("one", [check], [Problem("contract", Severity.WARNING, "Odd.")]),
        Suite("two", [check], failure="two.py does not exist.", location=Location("two.py")),
    ]
    assert commands(write(suites)) == [
        ("warning", {"title": "contract (one)"}, "Odd."),
        ("error", {"file": "two.py", "title": "two could not be checked"}, "two.py does not exist."),
    ]


def test_nothing_found_is_nothing_written():
    assert to_github(report_with()) == ""


@given(NAMES, NAMES)
@settings(deadline=None)
def test_names_come_out_as_text(name, other):
    told = commands(to_github(hostile_report(name, other)))
    assert [kind for kind, _, _ in told] == ["error", "warning", "notice"]
    for _, properties, message in told:
        assert properties == {"file": escape_unprintable(name or "log"), "title": "GD301 hidden-dependency"}
        assert escape_unprintable(f"1 drawn layer edge from {name} carries activations to {other}.") in message


@given(NAMES, NAMES)
@settings(deadline=None)
def test_names_in_suites_come_out_as_text(name, other):
    first, second = commands(write(hostile_suites(name, other)))
    title = escape_unprintable(f"{name}1 {other} ({name})" if other else f"{name}1 ({name})")
    assert first[:2] == ("error", {"file": escape_unprintable(name or "a.py"), "line": "3", "title": title})
    assert second == (
        "error",
        {"title": escape_unprintable(f"{other} could not be checked")},
        escape_unprintable(name or "failed"),
    )


def test_a_name_cannot_start_a_command():
    text = to_github(report_with(finding(message="x\n::error::owned\r\n::stop-commands::y"), path="\n::warning::z"))
    assert len(text.splitlines()) == 1
    assert text.startswith("::error file=")
