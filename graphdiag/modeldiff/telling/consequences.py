"""Ops and findings: those that say something of their own, and those that follow from other changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from graphdiag.modeldiff.changes import Change, FindingAdded, FindingRemoved, LayerChanged, OpsChanged
from graphdiag.modeldiff.differ import Diff
from graphdiag.modeldiff.snapshot import FindingRecord
from graphdiag.modeldiff.telling.told import Told
from graphdiag.phrases import counted, some


def tell_ops(changes: Sequence[Change]) -> Iterator[Told]:
    """Layers that made other ops, those with the same difference in one line."""
    groups: dict[str, list[OpsChanged]] = defaultdict(list)
    for change in changes:
        if isinstance(change, OpsChanged):
            groups[change.delta()].append(change)
    for delta, group in groups.items():
        each = " each" if len(group) > 1 else ""
        yield Told(f"{some([change.whose for change in group])}: {delta}{each}", group)


def consequences(diff: Diff) -> Sequence[Change]:
    """Changes of ops and findings that follow from other changes: they are told on demand only.

    Other ops follow where their layer changed otherwise, and those of no layer wherever anything did; a finding
    follows from layers that came or went with it.
    """
    others = [change for change in diff.changes if not isinstance(change, (OpsChanged, FindingAdded, FindingRemoved))]
    if not others:
        return []
    touched = {id_ for change in others for id_ in change.about}
    touched |= {end for change in others for edge in change.about_edges for end in edge}
    resized = {change.id for change in others if isinstance(change, LayerChanged)}
    came = diff.new.layers.keys() - set(diff.matching.layers.values())
    went = diff.old.layers.keys() - diff.matching.layers.keys()
    found: list[Change] = []
    for change in diff.changes:
        if isinstance(change, OpsChanged):
            follows = change.owner is None or change.owner in touched | resized or change.owner in diff.new.nested
        elif isinstance(change, FindingAdded):
            follows = _is_about(change.finding, came)
        elif isinstance(change, FindingRemoved):
            follows = _is_about(change.finding, went)
        else:
            continue
        if follows:
            found.append(change)
    return found


def _is_about(finding: FindingRecord, layers: set[str]) -> bool:
    """Whether a finding is about some layers alone."""
    ends = {end for edge in finding.edges for end in edge}
    if ends:
        return all(layers.intersection(edge) for edge in finding.edges)
    return bool(finding.culprits) and all(
        culprit in layers or culprit.rpartition("/")[0] in layers for culprit in finding.culprits
    )


def folded(changes: Sequence[Change]) -> str:
    """What is not told, in a line."""
    ops = sum(isinstance(change, OpsChanged) for change in changes)
    findings = len(changes) - ops
    parts = [f"other ops at {counted(ops, 'place')}"] * bool(ops) + [counted(findings, "finding")] * bool(findings)
    return f"{' and '.join(parts)} follow{'' if ops + findings > 1 else 's'} from this (--ops shows them)"
