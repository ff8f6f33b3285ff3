"""What formats for tools share: checks, and the problems that they found on one model.

A check is a rule or a contract. SARIF, JUnit, GitHub's annotations and Markdown are written of `Suite`, whether it was
made of a report, of contracts or of a diff.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from graphdiag.diagnosis.finding import Evidence, Finding, Severity
from graphdiag.render.text.report import ALIKE_SHOWN

if TYPE_CHECKING:
    from graphdiag.diagnosis.rule import Rule
    from graphdiag.results.report import Report

_EVIDENCE_SHOWN = 8


@dataclass(frozen=True)
class Location:
    """A place in a file.

    Attributes:
        path: As the user gave it: relative to where graphdiag ran, or absolute.
        line: Counted from 1; ``None`` where only the file is known.
    """

    path: str
    line: int | None = None


@dataclass(frozen=True)
class Check:
    """Something that was checked: a rule, a contract.

    Attributes:
        id: Unique among the checks, as ``GD101``.
        name: As ``shared-learning-phase``; empty when the id says it all.
        summary: One sentence: what it finds.
        help: All about it, as Markdown.
        severity: How much its problems matter, unless one says otherwise.
        url: A page about it; empty where there is none.
    """

    id: str
    name: str = ""
    summary: str = ""
    help: str = ""
    severity: Severity = Severity.ERROR
    url: str = ""

    @property
    def title(self) -> str:
        """Id and name."""
        return f"{self.id} {self.name}" if self.name else self.id


@dataclass(frozen=True)
class Problem:
    """Something that a check found.

    Attributes:
        check: Id of the check.
        severity: How much it matters.
        message: What is wrong, in plain text.
        fix: What to do; empty where there is nothing to say.
        fix_code: Lines of Python code that the fix ends with.
        edges: Layer edges that it is about.
        layers: Ids of layers that it is about, besides those of the edges.
        ops: Names of ops that it is about.
        details: Lines that prove it, op by op or layer by layer.
        location: Where in the user's files; ``None`` if that is not known.
        properties: More for tools, JSON-ready, as ``{"verdict": "hidden"}``.
        unchecked: Whether it is that the check could not be made.
    """

    check: str
    severity: Severity
    message: str
    fix: str = ""
    edges: Sequence[tuple[str, str]] = ()
    layers: Sequence[str] = ()
    ops: Sequence[str] = ()
    details: Sequence[str] = ()
    location: Location | None = None
    properties: Mapping[str, object] = field(default_factory=dict)
    unchecked: bool = False
    fix_code: Sequence[str] = ()

    @property
    def all_layers(self) -> tuple[str, ...]:
        """Ids of all layers that it is about, each once."""
        return tuple(dict.fromkeys([*self.layers, *(end for edge in self.edges for end in edge)]))


@dataclass(frozen=True)
class Suite:
    """What was checked on one model.

    Attributes:
        model: What the user calls the model: its name in the configuration, or its source.
        checks: All that was checked, whether it found something or not.
        problems: What was found; each names one of the checks.
        notes: Sentences for the user.
        failure: Why the model could not be checked; empty when it was.
        location: The model's source, if it is a file or a directory.
        most: How many problems of one check are told one by one; all if it is ``None``.
    """

    model: str
    checks: Sequence[Check]
    problems: Sequence[Problem] = ()
    notes: Sequence[str] = ()
    failure: str = ""
    location: Location | None = None
    most: int | None = None

    @cached_property
    def told(self) -> Sequence[Problem]:
        """The problems as the text tells them: of one check at most `most`, and then how many more there are."""
        by_check: dict[str, list[Problem]] = {}
        for problem in self.problems:
            by_check.setdefault(problem.check, []).append(problem)
        return [problem for alike in by_check.values() for problem in self._folded(alike)]

    def _folded(self, alike: Sequence[Problem]) -> Sequence[Problem]:
        """Problems of one check; one more costs no more room than to say that there is one more."""
        if self.most is None or len(alike) <= self.most + 1:
            return alike
        left = alike[self.most :]
        severity = min((problem.severity for problem in left), key=list(Severity).index)
        more = f"and {len(left):,} more of this kind (--format json has all)"
        return [*alike[: self.most], Problem(left[0].check, severity, more, location=left[0].location)]

    @property
    def unchecked(self) -> Sequence[Problem]:
        """The problems that are that a check could not be made."""
        return [problem for problem in self.problems if problem.unchecked]

    def of(self, check: Check) -> list[Problem]:
        """What one of its checks found, as `told` has it."""
        return [problem for problem in self.told if problem.check == check.id]


# --- of a report -----------------------------------------------------------------------------------------------------


def suite_of(report: Report) -> Suite:
    """A report's rules and findings as checks and problems.

    Args:
        report: The report.

    Returns:
        One check for each rule that reported, and for each finding a problem: at the line where the layer is made, if
        it is known, else in the source.
    """
    source = None if report.origin.kind == "model" else Location(report.origin.path)
    return Suite(
        model=report.origin.path,
        checks=tuple(_checks(report)),
        problems=tuple(_problem(report, finding, source) for finding in report.findings),
        notes=report.notes,
        location=source,
        most=ALIKE_SHOWN,
    )


def check_of(rule: Rule) -> Check:
    """A rule as a check, with its documentation as Markdown."""
    first, _, rest = rule.documentation.partition("\n")
    return Check(rule.code, rule.name, first.partition(": ")[2], _markdown(rest), rule.severity, rule.url)


def _checks(report: Report) -> Iterator[Check]:
    """The rules that reported; a saved report may know some that are not installed here."""
    from graphdiag.diagnosis.registry import all_rules

    installed = {rule.code: rule for rule in all_rules()}
    found = {finding.code: finding for finding in report.findings}
    for code in sorted({*(report.rules or installed), *found}):
        if code in installed:
            yield check_of(installed[code])
        elif code in found:
            yield Check(code, found[code].rule, severity=found[code].severity)
        else:
            yield Check(code)


def _markdown(documentation: str) -> str:
    """A rule's documentation: each heading in bold, and under it its paragraphs."""
    blocks = []
    for block in documentation.strip().split("\n\n"):
        lines = block.splitlines()
        if not lines[0].startswith(" "):
            blocks.append(f"**{lines.pop(0)}**")
        if lines:
            blocks.append("\n".join(line.strip() for line in lines))
    return "\n\n".join(blocks)


def _problem(report: Report, finding: Finding, source: Location | None) -> Problem:
    layers = report.layer_graph.layers if report.layer_graph else {}
    return Problem(
        check=finding.code,
        severity=finding.severity,
        message=finding.message,
        fix=finding.fix,
        fix_code=finding.fix_code,
        edges=finding.edges,
        layers=[culprit for culprit in finding.culprits if culprit in layers],
        ops=[culprit for culprit in finding.culprits if culprit not in layers],
        details=tuple(_details(finding)),
        location=_location(report, finding) or source,
        properties={
            "verdict": finding.verdict.value,
            "blame": finding.blame.value,
            "carries": list(finding.carries),
            "edges": [list(edge) for edge in finding.edges],
        },
    )


def _location(report: Report, finding: Finding) -> Location | None:
    """The line where the layer is made that the finding is about."""
    line = report.line_of(finding)
    return None if line is None else Location(*line)


def _details(finding: Finding) -> Iterator[str]:
    """The op edges, a line each, parallel ones once; and what running them has shown."""
    lines = list(dict.fromkeys(map(_way, finding.evidence)))
    yield from lines[:_EVIDENCE_SHOWN]
    if len(lines) > _EVIDENCE_SHOWN:
        yield f"and {len(lines) - _EVIDENCE_SHOWN:,} more (--format json has all)"
    if finding.proof:
        yield finding.proof.line


def _way(item: Evidence) -> str:
    return " -> ".join([f"{item.source} ({item.source_type})", *item.through, f"{item.target} ({item.target_type})"])
