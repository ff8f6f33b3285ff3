"""What a rule is, what it hands back, and how it words a finding."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from graphdiag.diagnosis.context import DiagnosisContext, Pair, carried
from graphdiag.diagnosis.crossings import OpEdge
from graphdiag.diagnosis.finding import Blame, Finding, Severity, Verdict
from graphdiag.version import DOCUMENTATION

OpenEdges = Sequence[tuple[Pair, OpEdge]]
"""Op edges of unexplained crossings that no rule has claimed yet, with the layers they join."""


@dataclass(frozen=True)
class Found:
    """A finding, and the op edges that it explains: no later rule sees those again.

    Attributes:
        finding: The finding.
        claims: The op edges.
        rank: Where it stands among the findings of one severity: see `Rule.rank`.
    """

    finding: Finding
    claims: OpenEdges = ()
    rank: int = 0


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        code: As ``GD101``.
        name: As ``shared-learning-phase``.
        verdict: What its findings say.
        blame: Whom they blame, unless a finding knows better.
        severity: How much they matter.
        find: Looks at a context and at the op edges that are still open, and yields what it found.
        module: Name of the module whose docstring documents the rule.
        claim_order: When the rule may claim op edges, beside the other rules of its package: lower numbers first, then
            by code. Rules whose verdict is ``hidden`` always go before those that explain what is harmless.
        rank: Where its findings stand among those of one severity: what changes the user's picture comes first, 0;
            what is behind the scenes, such as bookkeeping and bodies of functions, comes later.
    """

    code: str
    name: str
    verdict: Verdict
    blame: Blame
    severity: Severity
    find: Callable[[DiagnosisContext, OpenEdges], Iterable[Found]]
    module: str
    claim_order: int = 0
    rank: int = 0

    @property
    def documentation(self) -> str:
        """What it finds, why it matters, an example, the fix, and reports upstream."""
        return (sys.modules[self.module].__doc__ or "").strip()

    @property
    def url(self) -> str:
        """The page of the documentation about one of graphdiag's own rules; empty for a rule of another package."""
        return f"{DOCUMENTATION}rules/{self.code}/" if self.module.startswith("graphdiag.") else ""


def in_claim_order(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Rules in the order in which they may claim op edges.

    What is real is claimed first, so that no later rule can call it harmless.
    """
    return tuple(sorted(rules, key=lambda rule: (rule.verdict is not Verdict.HIDDEN, rule.claim_order, rule.code)))


def finding(
    rule: Rule,
    context: DiagnosisContext,
    message: str,
    fix: str,
    *,
    claims: OpenEdges = (),
    besides: OpenEdges = (),
    seen: Iterable[OpEdge] = (),
    culprits: Iterable[str] = (),
    edges: Iterable[Pair] | None = None,
    blame: Blame | None = None,
    counted: bool = True,
    rank: int | None = None,
    fix_code: Sequence[str] = (),
) -> Found:
    """What a rule found; the rest is filled in from the rule and from the op edges.

    Args:
        rule: The rule.
        context: The context in which it looked.
        message: Cause and proof, in the user's words: whole sentences.
        fix: What to do.
        claims: The open op edges that the finding explains. They become its evidence, and give its layer edges and
            what flows over them.
        besides: Op edges that it claims as evidence too, though they lead between other layers than those it is about.
        seen: Other op edges to show as evidence, which are not claimed.
        culprits: Names of the ops, or ids of the layers, that cause it.
        edges: The layer edges, or the drawn arrows, that it explains, where those of `claims` do not say it.
        blame: Whom to blame, where the rule's own answer does not fit.
        counted: Whether the edges are differences between the layer graph and the op graph, which the summary counts.
        rank: Where it stands among the findings of one severity, where the rule's own rank does not fit.
        fix_code: The lines of Python code that the fix ends with, to copy.

    Returns:
        The finding with its claims, as `Rule.find` yields it.
    """
    shown = [*(edge for _, edge in claims), *seen]
    return Found(
        Finding(
            code=rule.code,
            rule=rule.name,
            verdict=rule.verdict,
            blame=blame or rule.blame,
            severity=rule.severity,
            message=message,
            fix=fix,
            culprits=tuple(culprits),
            carries=carried(shown),
            edges=tuple(sorted({pair for pair, _ in claims}) if edges is None else edges),
            evidence=context.evidence([*shown, *(edge for _, edge in besides)]),
            counted=counted,
            fix_code=fix_code,
        ),
        [*claims, *besides],
        rule.rank if rank is None else rank,
    )
