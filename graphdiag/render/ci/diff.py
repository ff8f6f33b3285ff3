"""What changed as checks and problems, for the formats that CI reads: each sort of change is a check."""

from __future__ import annotations

from collections.abc import Iterator

from graphdiag.diagnosis.finding import Severity
from graphdiag.modeldiff.changes import Change
from graphdiag.modeldiff.differ import Diff
from graphdiag.modeldiff.summary import SORTS, headline, sort_of, told
from graphdiag.picture_style import PictureStyle
from graphdiag.render.ci import github, junit, sarif
from graphdiag.render.ci.suites import Check, Location, Problem, Suite
from graphdiag.version import DOCUMENTATION

_SUMMARIES = {
    "model": "The model's name, inputs, outputs and nested models are the same.",
    "layers": "No layer came, went or was renamed.",
    "edges": "Every layer takes the same tensors.",
    "settings": "Every layer has the same class, settings, output shape, parameters and nested model.",
    "ops": "Every layer made the same ops.",
    "findings": "No finding came or went.",
}


_LINES = 12
"""Lines of each sort of change that formats for people show."""


def to_sarif(diff: Diff, _: PictureStyle | None = None) -> str:
    """The changes as SARIF."""
    return sarif.write([suite_of(diff)])


def to_junit(diff: Diff, _: PictureStyle | None = None) -> str:
    """Each sort of change as a test case, which fails when there is one."""
    return junit.write([suite_of(diff)])


def to_github(diff: Diff, _: PictureStyle | None = None) -> str:
    """The changes as annotations."""
    return github.write([suite_of(diff)])


def suite_of(diff: Diff) -> Suite:
    """The sorts of change as checks, and the lines that tell the changes as problems.

    Args:
        diff: The changes.

    Returns:
        The suite of the new model. Every change is an error, as the exit status of ``graphdiag diff`` says.
    """
    title = diff.titles[1]
    return Suite(
        model=title,
        checks=[Check(f"diff-{sort}", summary=_SUMMARIES[sort], url=f"{DOCUMENTATION}diff/") for sort in SORTS],
        problems=list(_problems(diff)),
        notes=[f"{diff.titles[0]} -> {title}: {headline(diff)}", *diff.not_compared, *diff.notes],
        location=Location(title),
        most=_LINES,
    )


def _problems(diff: Diff) -> Iterator[Problem]:
    for line in told(diff):
        first, *others = line.changes
        yield Problem(
            check=f"diff-{sort_of(first)}",
            severity=Severity.ERROR,
            message=line.line,
            edges=[edge for change in line.changes for edge in change.about_edges],
            layers=[id_ for change in line.changes for id_ in change.about],
            location=next((place for change in line.changes if (place := _location(diff, change))), None),
            properties={"changes": [change.to_dict() for change in line.changes]} if others else first.to_dict(),
        )


def _location(diff: Diff, change: Change) -> Location | None:
    """The line that makes the first layer of the change, where the new model was run."""
    about = [*change.about, *(target for _, target in change.about_edges)]
    return next((Location(*diff.new.locations[id_]) for id_ in about if id_ in diff.new.locations), None)
