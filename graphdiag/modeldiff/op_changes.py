"""Ops and findings that came or went."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from graphdiag.modeldiff.changes import Change, FindingAdded, FindingRemoved, OpsChanged
from graphdiag.modeldiff.pairing import Pairing
from graphdiag.modeldiff.snapshot import FindingRecord, Ops

UNTOLD = frozenset({"_Arg", "Const", "Identity"})
"""Types of ops that are not compared: what is handed in or on, and constants."""


def op_changes(pairing: Pairing) -> Iterator[Change]:
    """Layers that stayed and made other ops, then other ops of no layer; nothing where a side has no op graph."""
    old, new = pairing.old.ops, pairing.new.ops
    if old is None or new is None:
        return
    owners = [(after.id, before.ops, after.ops) for before, after in pairing.pairs()]
    owners += [(model.id, old_model.ops, model.ops) for old_model, model in pairing.nested_pairs()]
    for id_, before, after in owners:
        counts = _changed_counts(before, after)
        if counts:
            yield OpsChanged(id_, counts)
    for role in sorted({*old, *new}):
        counts = _changed_counts(old.get(role, {}), new.get(role, {}))
        if counts:
            yield OpsChanged(None, counts, role)


def finding_changes(pairing: Pairing) -> Iterator[Change]:
    """Findings that went, then those that came; nothing where only one side has an op graph."""
    if (pairing.old.ops is None) != (pairing.new.ops is None):
        return
    renamed = {_translated(pairing, finding): finding for finding in pairing.old.findings}
    now = set(pairing.new.findings)
    yield from (FindingRemoved(finding) for key, finding in renamed.items() if key not in now)
    yield from (FindingAdded(finding) for finding in pairing.new.findings if finding not in renamed)


def _translated(pairing: Pairing, finding: FindingRecord) -> FindingRecord:
    """A finding of the old graph in new names."""
    names = {pairing.old.model_name: pairing.new.model_name, **pairing.matching.nested, **pairing.layers}
    return replace(
        finding,
        edges=tuple(sorted((names.get(source, source), names.get(target, target)) for source, target in finding.edges)),
        culprits=tuple(sorted(_translated_op(culprit, names) for culprit in finding.culprits)),
    )


def _translated_op(name: str, names: Mapping[str, str]) -> str:
    """A layer's name, or an op's with its layer in front, with the layer's new name."""
    end = len(name)
    while end > 0:
        if name[:end] in names:
            return names[name[:end]] + name[end:]
        end = name.rfind("/", 0, end)
    return name


def _changed_counts(old: Ops, new: Ops) -> Mapping[str, tuple[int, int]]:
    told = sorted({*old, *new} - UNTOLD)
    counts = {op_type: (old.get(op_type, 0), new.get(op_type, 0)) for op_type in told}
    return {op_type: pair for op_type, pair in counts.items() if pair[0] != pair[1]}
