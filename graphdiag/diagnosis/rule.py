"""What a rule is, and the list of all rules."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from graphdiag.diagnosis.context import DiagnosisContext, Pair
from graphdiag.diagnosis.crossings import OpEdge
from graphdiag.diagnosis.finding import Blame, Finding, Severity, Verdict

OpenEdges = Sequence[tuple[Pair, OpEdge]]
"""Op edges of unexplained crossings that no rule has claimed yet, with the layers they join."""


@dataclass(frozen=True)
class Found:
    """A finding, and the op edges that it explains: no later rule sees those again."""

    finding: Finding
    claims: OpenEdges = ()


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        code: As ``GD101``.
        name: As ``shared-learning-phase``.
        verdict: What its findings say.
        blame: Whom they blame, unless a finding knows better.
        severity: How much they matter.
        find: Looks at a case and at the op edges that are still open, and yields what it found.
        module: Name of the module whose docstring documents the rule.
    """

    code: str
    name: str
    verdict: Verdict
    blame: Blame
    severity: Severity
    find: Callable[[DiagnosisContext, OpenEdges], Iterable[Found]]
    module: str

    @property
    def documentation(self) -> str:
        """What it finds, why it matters, an example, the fix, and reports upstream."""
        return (sys.modules[self.module].__doc__ or "").strip()
