"""What a scan says of one run or one model, in a record that stays small however large the graph is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

SCHEMA = "graphdiag.scan/1"

CULPRITS_KEPT = 20
"""Names of culprits of one rule that a row keeps."""
NOTES_KEPT = 5


@dataclass(frozen=True)
class RuleFound:
    """What one rule found in one run.

    Attributes:
        code: As ``GD101``.
        rule: Its name.
        verdict: As ``artifact``.
        severity: Of the most severe of its findings.
        blame: Whom to blame.
        findings: How many.
        edges: Layer edges that they explain.
        culprits: What causes them: ops or layers, at most `CULPRITS_KEPT`.
        message: Of the first of its findings.
    """

    code: str
    rule: str
    verdict: str
    severity: str
    blame: str
    findings: int
    edges: int
    culprits: Sequence[str]
    message: str


@dataclass(frozen=True)
class ScanRow:
    """One line of a scan: a graph of a run, a model file, or what could not be read.

    Attributes:
        source: Where it is, as `graphdiag.compare` takes it.
        run: Its name below the place that was scanned, as TensorBoard names runs; ``.`` for that place itself.
        tag: Of the op graph, where a run holds several; else empty.
        kind: As ``event_log``.
        written: When it was begun, in seconds since 1970; ``None`` where nothing says so.
        stack: Which Keras and which TensorFlow made it, as far as the source says.
        model: Keras's name of the model.
        layers: Number of layers; ``None`` without a layer graph.
        layer_edges: Number of edges between them; likewise.
        ops: Number of ops; ``None`` without an op graph.
        op_edges: Number of edges between them; likewise.
        artifact: Drawn layer edges that the model does not have; ``None`` where there is nothing to tell it from.
        hidden: Dependencies that Keras does not know; likewise.
        missing: Layer edges that are not drawn; likewise.
        rules: What the rules found, by code.
        headline: The answer of `graphdiag compare`.
        notes: Sentences for the user, the first few.
        structure: The same for two models whose layers, settings and wiring are the same, names of layers included;
            empty where there are no layers.
        seconds: How long the comparison took. It is not in ``--format jsonl``, which has the same bytes each time.
        error: Why the source could not be read; empty if it could.
        page: Name of the file with the run's own page, where pages are written; not in ``--format jsonl`` either.
    """

    source: str
    run: str
    tag: str = ""
    kind: str = ""
    written: float | None = None
    stack: str = ""
    model: str = ""
    layers: int | None = None
    layer_edges: int | None = None
    ops: int | None = None
    op_edges: int | None = None
    artifact: int | None = None
    hidden: int | None = None
    missing: int | None = None
    rules: Sequence[RuleFound] = ()
    headline: str = ""
    notes: Sequence[str] = ()
    structure: str = ""
    seconds: float = 0.0
    error: str = ""
    page: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data, as the schema ``graphdiag.scan/1`` has it."""
        data = asdict(self)
        del data["seconds"], data["page"]
        return {"schema": SCHEMA, **data}

    def has(self, verdict: str) -> bool:
        """Whether there is an edge of some verdict; ``any`` asks for all three, ``unreadable`` for an error."""
        if verdict == "unreadable":
            return bool(self.error)
        counts = {"artifact": self.artifact, "hidden": self.hidden, "missing": self.missing}
        return any(counts.values()) if verdict == "any" else bool(counts[verdict])


def from_dict(data: Mapping[str, Any]) -> ScanRow:
    """A row from its data.

    Raises:
        ValueError: It is not the data of a row.
    """
    known = {field.name for field in fields(ScanRow)}
    try:
        rules = tuple(RuleFound(**rule) for rule in data.get("rules", ()))
        return ScanRow(**{key: value for key, value in data.items() if key in known and key != "rules"}, rules=rules)
    except TypeError as error:
        raise ValueError(str(error)) from error
