"""The changes between two snapshots: match, compare, and fold edges into what they belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from graphdiag.errors import UsageError
from graphdiag.lazy import lazy
from graphdiag.modeldiff.attributes import layer_changes, nested_changes
from graphdiag.modeldiff.changes import Change, FindingAdded, FindingRemoved, OpsChanged
from graphdiag.modeldiff.edges import edge_changes, structure_changes
from graphdiag.modeldiff.inputs import end_changes, input_changes
from graphdiag.modeldiff.layer_matching import Matching, match
from graphdiag.modeldiff.model_changes import automatic_renames, model_changes, renames
from graphdiag.modeldiff.op_changes import finding_changes, op_changes
from graphdiag.modeldiff.pairing import Pairing
from graphdiag.modeldiff.recorded import not_compared, stacks
from graphdiag.modeldiff.snapshot import Snapshot, TakenTensor
from graphdiag.modeldiff.weights import Weights, weights
from graphdiag.results.renderable import Renderable

SCHEMA = "graphdiag.diff/2"


@dataclass(frozen=True, repr=False)
class Diff(Renderable):
    """What changed.

    Attributes:
        old: The graph before.
        new: The graph after.
        matching: Which layer became which.
        changes: All changes; made to the old graph, they give the new one.
        automatic: Number of layers and nested models whose name changed from one that Keras made up to another such.
        not_compared: What could not be compared, and why.
        notes: What else is to be said about the two.
        titles: What the user calls the two: their sources.
        show_ops: Whether ops and findings that follow from other changes are told in words.
    """

    result_type: ClassVar[str] = "diff"

    old: Snapshot
    new: Snapshot
    matching: Matching
    changes: Sequence[Change]
    automatic: int = 0
    not_compared: Sequence[str] = ()
    notes: Sequence[str] = ()
    titles: tuple[str, str] = ("OLD", "NEW")
    show_ops: bool = False

    def __repr__(self) -> str:
        old, new = self.titles
        sizes = len(self.old.layers), len(self.new.layers)
        return f"Diff({old!r}, {new!r}, layers={sizes}, changes={len(self.changes)})"

    @property
    def equal(self) -> bool:
        """Whether nothing changed but names that Keras made up, as far as the two could be compared."""
        return not self.changes

    @property
    def complete(self) -> bool:
        """Whether everything was compared."""
        return not self.not_compared

    @cached_property
    def pairing(self) -> Pairing:
        """The two graphs, matched."""
        return Pairing(self.old, self.new, self.matching)

    @cached_property
    def weights(self) -> Weights | None:
        """Which weights of the old model load into the new one; ``None`` where that is not known."""
        return weights(self.pairing)

    @cached_property
    def stacks(self) -> Sequence[str]:
        """That the two were made by other versions of Keras or TensorFlow, if they were."""
        return stacks(self.pairing)

    def line(self, change: Change) -> str:
        """A change in one line, with old names marked where they mean another layer in the new graph."""
        return change.line(self.pairing.names)

    def _repr_html_(self) -> str:
        """What a notebook shows for the diff: the answer and the changes."""
        fragment: str = lazy("graphdiag.render.html.diff_page:to_fragment")(self)
        return fragment

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data in the schema ``graphdiag.diff/2`` (see the README)."""
        matched = {**self.matching.layers, **self.matching.nested}
        return {
            "schema": SCHEMA,
            "equal": self.equal,
            "old": _side(self.titles[0], self.old),
            "new": _side(self.titles[1], self.new),
            "changes": [{**change.to_dict(), "line": self.line(change)} for change in self.changes],
            "takes": self._takes(),
            "weights": None if self.weights is None else self.weights.to_dict(),
            "names": {old: new for old, new in matched.items() if old != new},
            "automatic_renames": self.automatic,
            "not_compared": list(self.not_compared),
            "notes": list(self.notes),
        }

    def _takes(self) -> Mapping[str, Any]:
        """What layers that stayed take now, where it is not the first output of each of their sources, or was not.

        The model's outputs stand under the empty name.
        """
        names = self.matching.layers

        def differ(old: Sequence[TakenTensor], new: Sequence[TakenTensor]) -> bool:
            renamed = [(names.get(one.source), one.output, one.call, one.argument, one.at) for one in old]
            return renamed != [(one.source, one.output, one.call, one.argument, one.at) for one in new]

        found = {
            new.id: [tensor.to_json() for tensor in new.takes]
            for old, new in self.pairing.pairs()
            if (old.takes or new.takes) and differ(old.takes, new.takes)
        }
        if differ(self.old.gives, self.new.gives):
            found[""] = [tensor.to_json() for tensor in self.new.gives]
        return found


def _side(title: str, snapshot: Snapshot) -> dict[str, Any]:
    return {
        "source": title,
        "model": snapshot.model_name,
        "graphdiag": snapshot.version,
        "stack": snapshot.stack,
        "layers": len(snapshot.layers),
        "edges": sum(1 for _ in snapshot.edges),
        "parameters": snapshot.parameters,
        "ops": None if snapshot.ops is None else snapshot.total_ops,
        "snapshot": snapshot.to_dict(),
    }


def diff(old: Snapshot, new: Snapshot) -> Diff:
    """Compare two snapshots.

    What one of them does not record (settings, parameters, shapes, the op graph) is not compared; `Diff.not_compared`
    says so.

    Args:
        old: The graph before.
        new: The graph after.

    Returns:
        The changes, in a fixed order: the model, layers, edges, attributes and settings, ops, findings.

    Raises:
        UsageError: One has layers, and the other only name scopes.
    """
    if old.by_scope != new.by_scope:
        scopes, layers = ("OLD", "NEW") if old.by_scope else ("NEW", "OLD")
        raise UsageError(
            f"{scopes} has no layer graph and {layers} has one, so there is nothing to match; give the model of "
            f"{scopes} with --{scopes.lower()}-model FILE, or as --model FILE to graphdiag snapshot."
        )
    pairing = Pairing(old, new, match(old, new))
    edges = edge_changes(pairing)
    changes: list[Change] = [
        *model_changes(pairing),
        *nested_changes(pairing),
        *renames(pairing),
        *structure_changes(pairing, edges),
        *input_changes(pairing, edges),
        *end_changes(pairing),
        *layer_changes(pairing),
        *op_changes(pairing),
        *finding_changes(pairing),
    ]
    notes = [*stacks(pairing), *_on_versions(old, new, changes)]
    return Diff(old, new, pairing.matching, tuple(changes), automatic_renames(pairing), not_compared(pairing), notes)


def _on_versions(old: Snapshot, new: Snapshot, changes: Sequence[Change]) -> Sequence[str]:
    of_graphdiag = any(isinstance(change, (OpsChanged, FindingAdded, FindingRemoved)) for change in changes)
    if old.version == new.version or not of_graphdiag:
        return []
    return [f"OLD was taken by graphdiag {old.version} and NEW by {new.version}; findings may differ for that reason."]
