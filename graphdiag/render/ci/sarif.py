"""SARIF 2.1.0, which code scanners' pages read: OASIS, Static Analysis Results Interchange Format, 2020."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from graphdiag.render.ci.suites import Check, Location, Problem, Suite, suite_of
from graphdiag.source_names import scheme_of
from graphdiag.unprintable import escape_unprintable
from graphdiag.version import DOCUMENTATION, __version__

if TYPE_CHECKING:
    from graphdiag.picture_style import PictureStyle
    from graphdiag.results.report import Report

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def to_sarif(report: Report, _: PictureStyle | None = None) -> str:
    """A report's findings as SARIF."""
    return write([suite_of(report)])


def write(suites: Sequence[Suite]) -> str:
    """Checks and problems of some models as one SARIF run.

    Args:
        suites: What was checked, one for each model.

    Returns:
        JSON. A model that could not be checked makes the invocation unsuccessful, and is named there.
    """
    checks = {check.id: check for suite in suites for check in suite.checks}
    numbers = {id_: number for number, id_ in enumerate(checks)}
    run = {
        "tool": {
            "driver": {
                "name": "graphdiag",
                "version": __version__,
                "semanticVersion": __version__,
                "informationUri": DOCUMENTATION,
                "rules": [_rule(check) for check in checks.values()],
            }
        },
        "invocations": [
            {
                "executionSuccessful": not any(suite.failure or suite.unchecked for suite in suites),
                "toolExecutionNotifications": list(_notifications(suites)),
            }
        ],
        "results": [
            _result(suite, problem, numbers[problem.check], named=len(suites) > 1)
            for suite in suites
            for problem in suite.told
        ],
        "columnKind": "unicodeCodePoints",
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _rule(check: Check) -> dict[str, Any]:
    rule: dict[str, Any] = {"id": escape_unprintable(check.id), "defaultConfiguration": {"level": check.severity.value}}
    if check.name:
        rule["name"] = escape_unprintable(check.name)
    if check.summary:
        rule["shortDescription"] = {"text": _text(check.summary)}
    if check.url:
        rule["helpUri"] = check.url
    if check.help:
        rule["help"] = {"text": _text(check.help, keep="\n"), "markdown": _message(check.help, keep="\n")}
    return rule


def _result(suite: Suite, problem: Problem, number: int, named: bool) -> dict[str, Any]:
    message = f"{problem.message} {problem.fix}" if problem.fix else problem.message
    told = f"{suite.model}: {message}" if named else message
    location: dict[str, Any] = {}
    where = problem.location or suite.location
    if where:
        location["physicalLocation"] = _physical(where)
    logical = [_logical("layer", layer) for layer in problem.all_layers] + [_logical("op", op) for op in problem.ops]
    if logical:
        location["logicalLocations"] = logical
    return {
        "ruleId": escape_unprintable(problem.check),
        "ruleIndex": number,
        "level": problem.severity.value,
        "message": {"text": "\n".join(map(_text, (told, *problem.fix_code)))},
        "locations": [location] if location else [],
        "partialFingerprints": {"graphdiag/1": _fingerprint(suite, problem)},
        "properties": _shown({"model": suite.model, **problem.properties}),
    }


def _physical(where: Location) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(where.path)}}
    if where.line:
        physical["region"] = {"startLine": where.line}
    return physical


def _uri(path: str) -> str:
    """A path as a URI reference: a relative one stays relative, to the root of the repository; an address as it is."""
    if scheme_of(path):
        return quote(path, safe=":/?#[]@!$&'()*+,;=%~", errors="backslashreplace")
    pure = PurePath(path)
    if pure.is_absolute():
        return pure.as_uri()
    # A colon in the first part would make it the scheme (RFC 3986, 4.2), so it is always quoted.
    return quote(pure.as_posix(), errors="backslashreplace")


def _logical(kind: str, name: str) -> dict[str, str]:
    return {
        "name": escape_unprintable(name.rpartition("/")[2]),
        "fullyQualifiedName": escape_unprintable(name),
        "kind": kind,
    }


def _fingerprint(suite: Suite, problem: Problem) -> str:
    """What stays the same when only counts, words or lines change: the check, the model, and what it is about."""
    about = [suite.model, problem.check, sorted(problem.edges), sorted(problem.layers), sorted(problem.ops)]
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:32]


def _notifications(suites: Sequence[Suite]) -> Iterator[dict[str, Any]]:
    for suite in suites:
        said = [("error", suite.failure)] if suite.failure else []
        said += [("error", f"{problem.check}: {problem.message}") for problem in suite.unchecked]
        for level, words in [*said, *(("note", note) for note in suite.notes)]:
            yield {"level": level, "message": {"text": _text(f"{suite.model}: {words}" if len(suites) > 1 else words)}}


def _shown(value: object) -> object:
    """JSON-ready data with visible text: not every reader takes half a surrogate pair."""
    if isinstance(value, str):
        return escape_unprintable(value)
    if isinstance(value, Mapping):
        return {escape_unprintable(key): _shown(item) for key, item in value.items()}
    return [_shown(item) for item in value] if isinstance(value, (list, tuple)) else value


def _text(words: str, keep: str = "") -> str:
    """Words as a plain-text message: what would make a link of the words before it is an escape (3.11.6)."""
    return _message(words, keep).replace("](", r"]\x28")


def _message(words: str, keep: str = "") -> str:
    """Words as a message, in Markdown or not: single braces would be placeholders (3.11.5)."""
    return escape_unprintable(words, keep).replace("{", "{{").replace("}", "}}")
