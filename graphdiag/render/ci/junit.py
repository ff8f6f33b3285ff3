"""JUnit XML, which every CI reads: a test suite for each model, a test case for each check.

The elements are those of Jenkins's schema, ``junit-10.xsd``. A problem of severity error makes its test case fail, and
a check that could not be made is an error. Warnings and notes do neither: the test case passes, and says what was found
in its ``system-out``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from graphdiag.diagnosis.finding import Severity
from graphdiag.render.ci.suites import Check, Problem, Suite, suite_of
from graphdiag.unprintable import escape_unprintable

if TYPE_CHECKING:
    from graphdiag.picture_style import PictureStyle
    from graphdiag.results.report import Report


def to_junit(report: Report, _: PictureStyle | None = None) -> str:
    """A report's rules as test cases."""
    return write([suite_of(report)])


def write(suites: Sequence[Suite]) -> str:
    """Checks of some models as test cases.

    Args:
        suites: What was checked, one for each model.

    Returns:
        XML in ASCII. A model that could not be checked has one test case with an error; its checks are skipped.
    """
    root = ElementTree.Element("testsuites", name="graphdiag")
    for suite in suites:
        root.append(_test_suite(suite))
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(element.get(count, "0")) for element in root)))
    ElementTree.indent(root)
    xml: bytes = ElementTree.tostring(root, encoding="us-ascii", xml_declaration=True)
    return xml.decode("ascii") + "\n"


def _test_suite(suite: Suite) -> ElementTree.Element:
    cases = list(_cases(suite))
    element = ElementTree.Element("testsuite", name=escape_unprintable(suite.model), tests=str(len(cases)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
    element.extend(cases)
    if suite.notes:
        ElementTree.SubElement(element, "system-out").text = escape_unprintable("\n".join(suite.notes), keep="\n")
    return element


def _cases(suite: Suite) -> Iterator[ElementTree.Element]:
    if suite.failure:
        case = _case(suite, "can be checked")
        ElementTree.SubElement(case, "error", message=escape_unprintable(suite.failure), type="error")
        yield case
    for check in suite.checks:
        yield _checked(suite, check)


def _checked(suite: Suite, check: Check) -> ElementTree.Element:
    case = _case(suite, check.title)
    if suite.failure:
        ElementTree.SubElement(case, "skipped", message="the model could not be checked")
        return case
    problems = suite.of(check)
    unchecked = [problem for problem in problems if problem.unchecked]
    if unchecked:
        error = ElementTree.SubElement(case, "error", message=escape_unprintable(unchecked[0].message), type="error")
        error.text = _told(unchecked)
        return case
    failures = [problem for problem in problems if problem.severity is Severity.ERROR]
    if failures:
        more = f" (and {len(failures) - 1:,} more)" if len(failures) > 1 else ""
        failure = ElementTree.SubElement(
            case, "failure", message=escape_unprintable(failures[0].message) + more, type=escape_unprintable(check.id)
        )
        failure.text = _told(failures)
    others = [problem for problem in problems if problem.severity is not Severity.ERROR]
    if others:
        ElementTree.SubElement(case, "system-out").text = _told(others)
    return case


def _case(suite: Suite, name: str) -> ElementTree.Element:
    return ElementTree.Element("testcase", classname=escape_unprintable(suite.model), name=escape_unprintable(name))


def _told(problems: Sequence[Problem]) -> str:
    return "\n\n".join("\n".join(_lines(problem)) for problem in problems)


def _lines(problem: Problem) -> Iterator[str]:
    where = problem.location
    if where and where.line:
        yield escape_unprintable(f"{where.path}:{where.line}")
    yield escape_unprintable(f"{problem.severity.value}: {problem.message}")
    yield from (f"  {escape_unprintable(line)}" for line in problem.details)
    if problem.fix:
        yield escape_unprintable(f"fix: {problem.fix}")
    yield from (f"  {escape_unprintable(line)}" for line in problem.fix_code)
