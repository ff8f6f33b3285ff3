"""``golden``: the graph is as a stored snapshot says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from graphdiag.checking.contracts.contract import Contract, option
from graphdiag.checking.contracts.options import flag, list_of, nearest, path, text
from graphdiag.errors import ConfigError
from graphdiag.modeldiff.changes import (
    FindingAdded,
    FindingRemoved,
    LayerRenamed,
    ModelRenamed,
    NestedRenamed,
    OpsChanged,
)
from graphdiag.modeldiff.differ import diff
from graphdiag.modeldiff.snapshot import LayerRecord, Snapshot
from graphdiag.modeldiff.snapshot_file import read
from graphdiag.modeldiff.summary import told
from graphdiag.modeldiff.take_snapshot import take
from graphdiag.results.check_report import Violation
from graphdiag.results.report import Report
from graphdiag.sources.keras_settings import known_settings

_RENAMES = (LayerRenamed, ModelRenamed, NestedRenamed)
_FACTS = {"shape": "output_shape", "parameters": "parameters"}
_KINDS: Mapping[str, tuple[type, ...]] = {"ops": (OpsChanged,), "findings": (FindingAdded, FindingRemoved)}


@dataclass(frozen=True, kw_only=True)
class Golden(Contract):
    """Nothing has changed since ``graphdiag snapshot`` wrote a file: no layer, edge, setting, shape, op or finding.

    Names that Keras makes up, as ``dense_4``, may change.

    Options:
        snapshot: The file.
        renames: Whether layers may have other names otherwise as well; ``false`` by default.
        ignore: Settings that may change, as ``rate``, of wrapped layers too; and ``shape``, ``parameters``, ``ops`` or
            ``findings``.
        strict: Whether it is an error when not everything can be compared; ``false`` by default.
    """

    type: ClassVar[str] = "golden"
    snapshot: Path = option(path)
    renames: bool = option(flag, default=False)
    ignore: tuple[str, ...] = option(list_of(text, at_least=0), default=())
    strict: bool = option(flag, default=False)

    def check(self, report: Report) -> Iterator[Violation]:
        """One violation for each line that tells what changed."""
        before, now = read(self.snapshot), take(report)
        if before.by_scope != now.by_scope:
            raise ConfigError(f"snapshot: only one of {self.snapshot} and the source has a layer graph.")
        self._check_names(before, now)
        lost = [what for what, recorded in _RECORDED.items() if recorded(before) and not recorded(now)]
        yield from (Violation(f"{self.snapshot} records the {what}, and the source does not") for what in lost)
        before, now = _without(before, self.ignore), _without(now, self.ignore)
        found = diff(before, now)
        passed = (*_RENAMES * self.renames, *(kind for name in self.ignore for kind in _KINDS.get(name, ())))
        kept = [change for change in found.changes if not isinstance(change, passed)]
        broken = told(replace(found, changes=kept))
        for one in broken:
            yield Violation(one.line, layers=tuple(id_ for change in one.changes for id_ in change.about))
        if self.strict and not found.complete and not broken and not lost:
            what = "the snapshot (OLD) and the source (NEW) cannot be compared wholly"
            raise ConfigError(f"strict: {what}: {found.not_compared[0]}")

    def _check_names(self, *snapshots: Snapshot) -> None:
        """Refuse to ignore what no layer has."""
        known = {*_FACTS, *_KINDS, *known_settings()}
        known |= {name for side in snapshots for layer in side.layers.values() for name in layer.settings or {}}
        for name in self.ignore:
            if name not in known:
                raise ConfigError(f"ignore: no layer has a setting {name!r}{nearest(name, known)}.")


def _without(snapshot: Snapshot, ignored: Collection[str]) -> Snapshot:
    """A snapshot without some facts and settings, as if all layers had the same."""
    same: dict[str, Any] = {_FACTS[name]: "any" if name == "shape" else 0 for name in ignored if name in _FACTS}

    def layer(record: LayerRecord) -> LayerRecord:
        settings = None if record.settings is None else _left(record.settings, ignored)
        return replace(record, settings=settings, **same)

    if not ignored:
        return snapshot
    return replace(snapshot, layers={id_: layer(record) for id_, record in snapshot.layers.items()})


def _left(value: Any, ignored: Collection[str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _left(part, ignored) for name, part in value.items() if name not in ignored}
    return [_left(part, ignored) for part in value] if isinstance(value, list) else value


_RECORDED: Mapping[str, Callable[[Snapshot], bool]] = {
    "op graph": lambda snapshot: snapshot.ops is not None,
    "tensors": lambda snapshot: snapshot.tensors,
    "settings": lambda snapshot: any(layer.settings is not None for layer in snapshot.layers.values()),
    "output shapes": lambda snapshot: any(layer.output_shape for layer in snapshot.layers.values()),
    "parameters": lambda snapshot: any(layer.parameters is not None for layer in snapshot.layers.values()),
}
"""What a snapshot may record."""
