"""GitHub's annotations: workflow commands that an action prints, and GitHub shows beside the lines of a pull request.

The commands and what must be escaped in them: GitHub Docs, "Workflow commands for GitHub Actions", and
``packages/core/src/command.ts`` of ``actions/toolkit``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from graphdiag.diagnosis.finding import Severity
from graphdiag.render.ci.suites import Location, Suite, suite_of
from graphdiag.unprintable import escape_unprintable

if TYPE_CHECKING:
    from graphdiag.picture_style import PictureStyle
    from graphdiag.results.report import Report

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def to_github(report: Report, _: PictureStyle | None = None) -> str:
    """A report's findings as annotations."""
    return write([suite_of(report)])


def write(suites: Sequence[Suite]) -> str:
    """Problems of some models as annotations.

    Args:
        suites: What was checked, one for each model.

    Returns:
        One line for each problem, and for each model that could not be checked.
    """
    return "".join(f"{command}\n" for suite in suites for command in _commands(suite, named=len(suites) > 1))


def _commands(suite: Suite, named: bool) -> Iterator[str]:
    if suite.failure:
        yield _command(Severity.ERROR, suite.location, f"{suite.model} could not be checked", [suite.failure])
    titles = {check.id: check.title for check in suite.checks}
    for problem in suite.told:
        title = f"{titles[problem.check]} ({suite.model})" if named else titles[problem.check]
        fix = [f"fix: {problem.fix}", *problem.fix_code] if problem.fix else []
        lines = [problem.message, *problem.details, *fix]
        yield _command(problem.severity, problem.location or suite.location, title, lines)


def _command(severity: Severity, where: Location | None, title: str, lines: Sequence[str]) -> str:
    properties = {"title": title}
    if where:
        properties = {"file": where.path, **({"line": str(where.line)} if where.line else {}), **properties}
    told = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[severity]} {told}::{_data(lines)}"


def _data(lines: Sequence[str]) -> str:
    return "%0A".join(escape_unprintable(line).replace("%", "%25") for line in lines)


def _property(value: str) -> str:
    return escape_unprintable(value).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
