"""The check report for tools: each contract is a check, and each way in which it is broken a problem."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graphdiag.diagnosis.finding import Severity
from graphdiag.phrases import some
from graphdiag.picture_style import PictureStyle
from graphdiag.render.ci import github, junit, markdown, sarif
from graphdiag.render.ci.suites import Check, Location, Problem, Suite
from graphdiag.render.text.check import VIOLATIONS_SHOWN, ignored_lines, verdict
from graphdiag.results.check_report import CheckedModel, CheckReport, ContractOutcome, ContractStatus, Link, Violation
from graphdiag.version import DOCUMENTATION

_CONTRACTS = f"{DOCUMENTATION}contracts/"
"""The page about all kinds; those of other packages have none of their own there."""


def to_markdown(report: CheckReport, _: PictureStyle | None = None) -> str:
    """The check as a comment on a pull request."""
    return markdown.write(suites_of(report), verdict(report))


def to_sarif(report: CheckReport, _: PictureStyle | None = None) -> str:
    """The check as SARIF."""
    return sarif.write(suites_of(report))


def to_junit(report: CheckReport, _: PictureStyle | None = None) -> str:
    """The check as JUnit XML: a test suite for each model, a test case for each contract."""
    return junit.write(suites_of(report))


def to_github(report: CheckReport, _: PictureStyle | None = None) -> str:
    """The check as GitHub's annotations."""
    return github.write(suites_of(report))


def suites_of(report: CheckReport) -> list[Suite]:
    """The models with the contracts that hold on them.

    Args:
        report: The check report.

    Returns:
        A suite for each model. A contract that could not be checked has a problem that says why.
    """
    return [
        _suite(model, [outcome for outcome in report.outcomes if outcome.model == model.name], report.config)
        for model in report.models
    ]


def _suite(model: CheckedModel, outcomes: Sequence[ContractOutcome], config: str) -> Suite:
    source = Location(model.source)
    problems = [] if model.error else list(_problems(outcomes, model, source, config))
    return Suite(
        model=model.name,
        checks=[Check(it.contract, summary=f"A contract of type {it.type}.", url=_CONTRACTS) for it in outcomes],
        problems=problems,
        notes=[f"ignored: {line}" for line in ignored_lines(model)],
        failure=model.error,
        location=source,
        most=VIOLATIONS_SHOWN,
    )


def _problems(
    outcomes: Sequence[ContractOutcome], model: CheckedModel, source: Location, config: str
) -> Iterator[Problem]:
    for outcome in outcomes:
        if outcome.status is ContractStatus.UNCHECKED:
            where = Location(config, outcome.line) if outcome.line else source
            reason = f"could not be checked: {outcome.reason}"
            yield Problem(outcome.contract, Severity.ERROR, reason, location=where, unchecked=True)
        for violation in outcome.violations:
            yield _problem(outcome, violation, _location(model, violation) or source)


def _problem(outcome: ContractOutcome, violation: Violation, location: Location) -> Problem:
    finding = violation.finding
    on_the_way = [end for link in violation.chain for end in (link.source, link.target)]
    return Problem(
        check=outcome.contract,
        severity=finding.severity if finding else Severity.ERROR,
        message=violation.message,
        fix=finding.fix if finding else "",
        fix_code=finding.fix_code if finding else (),
        edges=[(thing[0], thing[1]) for thing in violation.new if len(thing) == 2]
        or (finding.edges if finding else ()),
        layers=tuple(dict.fromkeys([*on_the_way, *violation.layers])),
        ops=finding.culprits if finding and not finding.edges else (),
        details=[*(step(link) for link in violation.chain), *_new(violation)],
        location=location,
        properties={"contract": outcome.type, **({"code": finding.code} if finding else {})},
    )


def _new(violation: Violation) -> Iterator[str]:
    if violation.new:
        yield f"new, the rest is in the baseline: {some(violation.new_lines)}"


def _location(model: CheckedModel, violation: Violation) -> Location | None:
    """The line at which a layer is made: one that takes what Keras does not know of, if there is one."""
    lines = model.data.get("locations", {}) if model.data else {}
    hidden = [link.target for link in violation.chain if not link.known]
    edges = violation.finding.edges if violation.finding else ()
    chained = [link.target for link in violation.chain]
    layers = [*hidden, *chained, *(target for _, target in edges), *violation.layers]
    return next((Location(*lines[layer]) for layer in layers if layer in lines), None)


def step(link: Link) -> str:
    """A step of a chain in one line."""
    shown = f": {' -> '.join(f'{name} ({type_})' for name, type_ in link.ops)}" if link.ops else ""
    unknown = "" if link.known else f" (Keras has no such edge{shown})"
    return f"{link.source} -> {link.target}{unknown}"
