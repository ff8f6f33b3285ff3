"""The baseline: findings that a team knows and has accepted, in a file beside the configuration.

A finding is known by its model, its code and its layer edges, or by its culprits where it has no edges; names of ops
change too easily. An edge that is new to an accepted finding is a new finding.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from graphdiag.checking.contracts.options import Place, check_keys, list_of, table, text
from graphdiag.diagnosis.finding import Finding
from graphdiag.errors import ConfigError
from graphdiag.results.check_report import Accepted
from graphdiag.sources.files import LARGEST_CONFIG, read_regular

SCHEMA = "graphdiag.baseline/1"
NO_REASON = "no reason given yet"
"""The reason of an entry that is new."""

Thing = tuple[str, str, tuple[str, ...]]
"""What a finding consists of: model, code, and one edge, one culprit, or nothing where it has neither."""


def read_baseline(file: Path) -> tuple[Accepted, ...] | None:
    """Read a baseline.

    Args:
        file: The file.

    Returns:
        Its entries; ``None`` for a file that does not exist yet, in a directory that does.

    Raises:
        ConfigError: The file cannot be read, or is not a baseline.
    """
    try:
        content = json.loads(read_regular(file, LARGEST_CONFIG).decode("utf-8"))
    except FileNotFoundError as error:
        if file.parent.is_dir():
            return None
        raise ConfigError(
            f"{file}: cannot be read: there is no directory {file.parent}; make it, or correct 'baseline'."
        ) from error
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}.") from error
    except RecursionError as error:
        raise ConfigError(f"{file}: is not a baseline: its JSON is nested too deeply.") from error
    except ValueError as error:
        raise ConfigError(f"{file}: is not JSON: {error}.") from error
    place = Place(str(file))
    whole = table(content, place)
    if whole.get("schema") != SCHEMA:
        raise place.error(f"is not a baseline: its 'schema' must be {SCHEMA!r}; make one with --update-baseline.")
    return list_of(_entry, at_least=0)(whole.get("accepted", []), place.at("accepted"))


def _entry(value: Any, place: Place) -> Accepted:
    entry = table(value, place)
    check_keys(entry, ["model", "code", "edges", "culprits", "reason"], place)
    for key in ("model", "code"):
        if key not in entry:
            raise place.error(f"the key {key!r} is missing.")
    edges = list_of(list_of(text, at_least=2), at_least=0)(entry.get("edges", []), place.at("edges"))
    return Accepted(
        model=text(entry["model"], place.at("model")),
        code=text(entry["code"], place.at("code")),
        edges=tuple((edge[0], edge[1]) for edge in edges),
        culprits=list_of(text, at_least=0)(entry.get("culprits", []), place.at("culprits")),
        reason=str(entry.get("reason", "")),
    )


def to_json(entries: Iterable[Accepted]) -> str:
    """The file for some entries: in the order of models, codes and edges, so that it changes only where they do."""
    ordered = sorted(entries, key=lambda entry: (entry.model, entry.code, entry.edges, entry.culprits))
    shown = ",".join(f"\n  {{{_members(entry)}}}" for entry in ordered)
    return f'{{"schema": {json.dumps(SCHEMA)},\n "accepted": [{shown}]}}\n'


def _members(entry: Accepted) -> str:
    return ",\n   ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in entry.to_dict().items())


def accept(model: str, finding: Finding, before: Sequence[Accepted]) -> Accepted:
    """The entry for a finding; with the reason of the entry that it had before, if it had one.

    Args:
        model: Name of the model.
        finding: The finding.
        before: The entries so far.
    """
    wanted = things_of_findings([(model, finding)])
    reasons = [entry.reason for entry in before if entry.reason and wanted & things_of_entries([entry])]
    edges = tuple(sorted(set(finding.edges)))
    culprits = () if edges else tuple(sorted(set(finding.culprits)))
    return Accepted(model, finding.code, edges, culprits, reasons[0] if reasons else NO_REASON)


def unneeded(entry: Accepted, needed: frozenset[Thing]) -> Accepted | None:
    """The part of an entry that no finding needs; ``None`` if all of it is needed.

    Args:
        entry: The entry.
        needed: What the findings of today consist of.
    """
    left = {thing for _, _, thing in things_of_entries([entry]) - needed}
    if not left:
        return None
    edges = tuple(edge for edge in entry.edges if edge in left)
    culprits = tuple(culprit for culprit in entry.culprits if (culprit,) in left)
    return replace(entry, edges=edges, culprits=culprits)


def things_of_findings(findings: Iterable[tuple[str, Finding]]) -> frozenset[Thing]:
    """What findings consist of; each with the name of its model."""
    return frozenset(
        (model, finding.code, tuple(thing))
        for model, finding in findings
        for thing in _things(finding.edges, finding.culprits)
    )


def things_of_entries(entries: Iterable[Accepted]) -> frozenset[Thing]:
    """What entries accept. A finding is accepted if all that it consists of is."""
    return frozenset(
        (entry.model, entry.code, thing) for entry in entries for thing in _things(entry.edges, entry.culprits)
    )


def _things(edges: Sequence[tuple[str, str]], culprits: Sequence[str]) -> Sequence[tuple[str, ...]]:
    return edges or [(culprit,) for culprit in culprits] or [()]
