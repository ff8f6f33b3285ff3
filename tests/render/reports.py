"""Reports for the tests of formats: on the logs, and with names that try to break out."""

from __future__ import annotations

from graphdiag.diagnosis.context import analyze
from graphdiag.diagnosis.finding import Blame, Evidence, Finding, Severity, Verdict
from graphdiag.graphs.op_graph import from_graph_def
from graphdiag.render.ci.suites import Check, Location, Problem, Suite
from graphdiag.results.report import Report
from graphdiag.sources.opened import Origin
from tests.support.graph_text import graph_def
from tests.support.layers import layer_graph


def finding(**fields: object) -> Finding:
    """A finding of GD301, but for what is given."""
    standard: dict[str, object] = {
        "code": "GD301",
        "rule": "hidden-dependency",
        "verdict": Verdict.HIDDEN,
        "blame": Blame.MODEL,
        "severity": Severity.ERROR,
        "message": "Message.",
        "fix": "Fix.",
        "culprits": ("a/MatMul",),
        "carries": ("activation",),
        "edges": (("a", "b"),),
    }
    return Finding(**{**standard, **fields})  # type: ignore[arg-type]


def report_with(*findings: Finding, path: str = "log", notes: tuple[str, ...] = ()) -> Report:
    """A report on a small graph, with these findings."""
    layers = layer_graph([("x", "a"), ("a", "b")], inputs=["x"])
    ops = from_graph_def(graph_def("x Feed\na/MatMul MatMul x\nb/MatMul MatMul a/MatMul"))
    return Report.of(Origin(path, "event_log"), layers, ops, findings, notes, analyze(ops, layers))


def hostile_report(name: str, other: str) -> Report:
    """A report in which all that comes from a user is one of two names."""
    edges = [(name, other), (other, name), ("a", name)]
    layers = layer_graph(edges, name=name, classes={name: other})
    evidence = Evidence(name, other, other, name, 0, False, (name, other))
    findings = [
        finding(
            severity=severity,
            message=f"1 drawn layer edge from {name} carries activations to {other}.",
            fix=f"Hand {other} to {name}.",
            culprits=(name, other),
            edges=tuple(edges),
            evidence=(evidence,),
        )
        for severity in Severity
    ]
    return Report.of(Origin(name or "log", "event_log", other, name, other), layers, None, findings, [name, other])


def hostile_suites(name: str, other: str) -> list[Suite]:
    """Contracts on two models, in which all that comes from a user is one of two names."""
    checks = [Check(f"{name}1", other, name, other), Check(f"{other}2", name, other, name)]
    problem = Problem(
        checks[0].id,
        Severity.ERROR,
        name,
        other,
        edges=[(name, other)],
        layers=[other],
        ops=[name],
        details=[other, name],
        location=Location(name or "a.py", 3),
        properties={name: [other]},
    )
    return [
        Suite(name, checks, [problem], notes=[other], location=Location(other or "b.py")),
        Suite(other, checks, notes=[name], failure=name or "failed"),
    ]
