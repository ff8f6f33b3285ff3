"""Findings: one root cause each, with all the layer edges it explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Verdict(str, Enum):
    """What a finding says about the edges that it explains."""

    ARTIFACT = "artifact"
    """Drawn, and proved that no activation flows."""
    HIDDEN = "hidden"
    """Activations or another layer's parameters flow, and Keras has no such edge."""
    MISSING = "missing"
    """Keras has the edge, TensorBoard does not draw it."""
    MISPLACED = "misplaced"
    """Drawn, but in another place than the model says."""
    LEFTOVER = "leftover"
    """In the graph, and no part of the model."""


class Blame(str, Enum):
    """Who put the oddity there."""

    MODEL = "model"
    KERAS = "keras"
    TENSORFLOW = "tensorflow"
    TENSORBOARD = "tensorboard"


class Severity(str, Enum):
    """How much it matters: `hidden` is an error, an artifact a warning, the rest a note."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Evidence:
    """One op edge that shows it.

    Attributes:
        source: Name of the op that gives the tensor.
        source_type: Its type.
        target: Name of the op that takes it.
        target_type: Its type.
        output: Output slot of the source, -1 for a control dependency.
        control: Whether it is a control dependency.
        through: Names of ops of no layer on the way.
    """

    source: str
    source_type: str
    target: str
    target_type: str
    output: int
    control: bool
    through: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proof:
    """What running the graph has shown of a finding.

    Attributes:
        verified: Whether it bears the verdict out. If not, the verdict is proved from the graph's structure only.
        how: What was run and seen, or why nothing could be; no sentence, but what follows a colon.
    """

    verified: bool
    how: str

    @property
    def line(self) -> str:
        """In words."""
        return f"{'verified' if self.verified else 'proved statically only'}: {self.how}"


@dataclass(frozen=True)
class Finding:
    """One root cause.

    Attributes:
        code: As ``GD101``.
        rule: As ``shared-learning-phase``.
        verdict: What it says about the edges.
        blame: Who put it there.
        severity: How much it matters.
        message: Cause and proof, in the user's words.
        fix: What to do.
        fix_code: The lines of Python code that the fix ends with, to copy; none for most.
        culprits: Names of the ops, or ids of the layers, that cause it.
        carries: What flows over its edges, sorted.
        edges: The layer edges it explains.
        evidence: The op edges that show it.
        counted: Whether the edges are differences between the layer graph and the op graph, which the summary counts;
            those of the conceptual graph, say, are not.
        proof: What running the graph has shown; ``None`` when it was not run, or when nothing about it can be run.
    """

    code: str
    rule: str
    verdict: Verdict
    blame: Blame
    severity: Severity
    message: str
    fix: str
    culprits: Sequence[str] = ()
    carries: Sequence[str] = ()
    edges: Sequence[tuple[str, str]] = ()
    evidence: Sequence[Evidence] = ()
    counted: bool = True
    proof: Proof | None = None
    fix_code: Sequence[str] = ()
