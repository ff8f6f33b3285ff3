"""The baseline: findings that a team knows and has accepted, in a file beside the configuration.

A finding is known by its model, its code and its layer edges, or by its culprits where it has no edges; names of ops
change too easily. An edge that is new to an accepted finding is a new finding.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from graphdiag.checking.contracts.options import Place, check_keys, list_of, nearest, table, text
from graphdiag.diagnosis.finding import Finding
from graphdiag.diagnosis.registry import all_rules
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
    code = text(entry["code"], place.at("code"))
    codes = [rule.code for rule in all_rules()]
    if code not in codes:
        raise place.at("code").error(f"no rule has the code {code!r}{nearest(code, codes)}; take the entry out.")
    edges = list_of(list_of(text, at_least=2), at_least=0)(entry.get("edges", []), place.at("edges"))
    return Accepted(
        model=text(entry["model"], place.at("model")),
        code=code,
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


def accept(model: str, finding: Finding, before: Sequence[Accepted]) -> tuple[Accepted, ...]:
    """The entries for a finding: what was accepted before keeps its reason, and what is new to it has none yet.

    Args:
        model: Name of the model.
        finding: The finding.
        before: The entries so far.

    Returns:
        Entries that have all of the finding between them, one for each reason.
    """
    left = {thing for _, _, thing in things_of_findings([(model, finding)])}
    by_reason: dict[str, set[tuple[str, ...]]] = {}
    for entry in before:
        known = {thing for name, code, thing in things_of_entries([entry]) if (name, code) == (model, finding.code)}
        if entry.reason and known & left:
            by_reason.setdefault(entry.reason, set()).update(known & left)
            left -= known
    if left:
        by_reason.setdefault(NO_REASON, set()).update(left)
    return tuple(_entry_for(model, finding.code, things, reason) for reason, things in by_reason.items())


def _entry_for(model: str, code: str, things: Iterable[tuple[str, ...]], reason: str) -> Accepted:
    edges = sorted((thing[0], thing[1]) for thing in things if len(thing) == 2)
    culprits = sorted(thing[0] for thing in things if len(thing) == 1)
    return Accepted(model, code, tuple(edges), tuple(culprits), reason)


def with_new_names(
    entries: Sequence[Accepted], configured: Collection[str], findings: Sequence[tuple[str, Finding]]
) -> list[Accepted]:
    """The entries of models that were given another name in the configuration, under that name.

    A model was renamed if its old name is no longer configured, and a configured model without entries has findings
    that the old one's entries accept; the one that has most of them, if there are several.

    Args:
        entries: The baseline.
        configured: Names of all configured models.
        findings: Today's findings, each with the name of its model.
    """
    accepted = _by_model(things_of_entries(entries))
    found = _by_model(things_of_findings(findings))
    alike = {
        (old, new): len(accepted[old] & found[new])
        for old in accepted.keys() - set(configured)
        for new in found.keys() - accepted.keys()
    }
    names: dict[str, str] = {}
    for old, new in sorted(alike, key=lambda pair: (-alike[pair], pair)):
        if alike[old, new] and old not in names and new not in names.values():
            names[old] = new
    return [replace(entry, model=names.get(entry.model, entry.model)) for entry in entries]


def _by_model(things: Iterable[Thing]) -> dict[str, set[tuple[str, tuple[str, ...]]]]:
    by_model: dict[str, set[tuple[str, tuple[str, ...]]]] = {}
    for model, code, thing in things:
        by_model.setdefault(model, set()).add((code, thing))
    return by_model


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
