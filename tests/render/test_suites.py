"""A report as checks and problems: which rules were checked, and where in the user's files a finding lies."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from graphdiag import compare
from graphdiag.diagnosis.finding import Proof, Severity, Verdict
from graphdiag.diagnosis.registry import all_rules
from graphdiag.render.ci.suites import Location, check_of, suite_of
from graphdiag.results.document import from_dict
from tests.render.reports import finding, report_with
from tests.support.graph_text import LOGS
from tests.support.reports import report_on

LINES = {"a": ("net.py", 3), "b": ("net.py", 4), "x": ("blocks.py", 5)}


def test_every_rule_is_a_check():
    suite = suite_of(report_on("keras216_reference"))
    assert [check.id for check in suite.checks] == sorted(rule.code for rule in all_rules())
    assert [problem.check for problem in suite.problems] == ["GD101", "GD110"]
    [first] = suite.of(suite.checks[0])
    assert first.ops == ["batchnorm_0_0/keras_learning_phase"]
    assert len(first.edges) == 8
    assert first.details[-1] == "and 8 more (--format json has all)"


def test_rules_that_were_not_chosen_are_no_checks():
    log = LOGS / "keras216_reference"
    report = compare(log, model=log / "model.json", select=["GD1"], ignore=["GD110"])
    checks = [check.id for check in suite_of(report).checks]
    assert "GD101" in checks
    assert not {"GD110", "GD301"} & set(checks)
    assert [check.id for check in suite_of(from_dict(json.loads(report.render("json")))).checks] == checks


def test_rules_of_a_saved_report_that_are_not_installed():
    report = replace(
        report_with(finding(code="ACME1", rule="wide-layer", severity=Severity.NOTE)), rules=["ACME1", "ACME2"]
    )
    first, second = suite_of(report).checks
    assert (first.title, first.severity, first.help) == ("ACME1 wide-layer", Severity.NOTE, "")
    assert second.title == "ACME2"


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)
def test_help_is_markdown(rule):
    check = check_of(rule)
    assert check.summary
    tokens = MarkdownIt("commonmark").parse(check.help)
    leaves = [child for token in tokens for child in token.children or ()]
    assert {token.type for token in tokens} == {"paragraph_open", "inline", "paragraph_close"}
    assert not {"html_inline", "image", "em_open"} & {token.type for token in leaves}
    headings = [leaves[at + 1].content for at, token in enumerate(leaves) if token.type == "strong_open"]
    assert headings[0] == "What it finds"
    assert "Fix" in headings


def location(lines, **fields):
    report = replace(report_with(finding(**fields), path="net.py"), locations=lines)
    return suite_of(report).problems[0].location


def test_a_hidden_dependency_lies_where_the_layer_is_made_that_takes_it():
    assert location(LINES) == Location("net.py", 4)
    assert location({"a": LINES["a"]}) == Location("net.py", 3)


def test_an_artifact_lies_where_the_layer_is_made_that_has_its_op():
    assert location(LINES, verdict=Verdict.ARTIFACT) == Location("net.py", 3)
    assert location(LINES, verdict=Verdict.ARTIFACT, culprits=("x",), edges=()) == Location("blocks.py", 5)


def test_else_it_lies_in_the_source():
    assert location({}) == Location("net.py")
    assert location(LINES, counted=False) == Location("net.py")
    report = report_with(finding())
    handed_over = replace(report, origin=replace(report.origin, kind="model"))
    assert suite_of(handed_over).problems[0].location is None


def test_what_running_the_graph_has_shown():
    suite = suite_of(
        report_with(finding(proof=Proof(True, "3 runs, other values")), finding(proof=Proof(False, "no input")))
    )
    assert [problem.details[-1] for problem in suite.problems] == [
        "verified: 3 runs, other values",
        "proved statically only: no input",
    ]


def test_parallel_op_edges_are_told_once():
    [hidden] = [
        problem
        for problem in suite_of(report_on("keras216_hidden_two_hops")).problems
        if problem.properties["verdict"] == "hidden"
    ]
    assert len(set(hidden.details)) == len(hidden.details) > 0
    assert hidden.properties["edges"] == [list(edge) for edge in hidden.edges]
