"""Rules of your own: what a rule is made of.

A rule is one module. Its docstring is what ``graphdiag explain CODE`` prints; its function looks at a
`DiagnosisContext` and at the op edges that nothing explains yet, and yields what `finding` makes:

    '''ACME001 wide-layer: one layer feeds very many others.

    What it finds
        Layers with more than eight successors.
    ...
    '''

    from collections import Counter
    from collections.abc import Iterator

    from graphdiag.rules import Blame, DiagnosisContext, Found, OpenEdges, Rule, Severity, Verdict, finding


    def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
        '''One finding for each layer that feeds too many.'''
        edges = context.layers.edges if context.layers else ()
        for layer, count in Counter(source for source, _ in edges).items():
            if count > 8:
                yield finding(RULE, context, f"{layer} feeds {count} layers.", "Split it.", culprits=[layer])


    RULE = Rule("ACME001", "wide-layer", Verdict.LEFTOVER, Blame.MODEL, Severity.NOTE, find, __name__)

A package enters it in its ``pyproject.toml``:

    [project.entry-points."graphdiag.rules"]
    ACME001 = "acme_graphs.wide_layer:RULE"

**What a rule may claim.** `OpenEdges` holds the op edges of all crossings that no rule has claimed. A finding that
explains some of them hands them over as ``claims``, and no later rule sees them. What is real (verdict ``hidden``) is
claimed first by graphdiag's own rules, then rules of other packages follow in the order of their codes, then the rules
that say why an edge is harmless. So a rule of another package cannot call an edge harmless that is real, and comes
before graphdiag's own explanation of one that is not.

**What an op edge says.** ``edge.carries`` is a `Carries`: the classes of data that flow over it; those in `REAL` make
it a dependency. ``edge.source`` and ``edge.target`` are rows of ``context.ops``: ``context.ops.names[row]``,
``context.ops.types[row]``, ``context.ops.node_defs[row]``. ``context.ownership.owner(row)`` is the id of the layer that
owns the op. ``context.layers`` is the layer graph, or ``None`` where the source has none.
"""

from __future__ import annotations

from graphdiag.diagnosis.claims import (
    carrying,
    edges_of,
    layer_edges,
    one_for_all,
    one_for_each_culprit,
    with_others_from_there,
)
from graphdiag.diagnosis.context import REAL, DiagnosisContext, Pair
from graphdiag.diagnosis.crossings import OpEdge
from graphdiag.diagnosis.dataflow.classes import Carries
from graphdiag.diagnosis.finding import Blame, Evidence, Finding, Severity, Verdict
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.phrases import some

__all__ = [
    "REAL",
    "Blame",
    "Carries",
    "DiagnosisContext",
    "Evidence",
    "Finding",
    "Found",
    "OpEdge",
    "OpenEdges",
    "Pair",
    "Rule",
    "Severity",
    "Verdict",
    "carrying",
    "edges_of",
    "finding",
    "layer_edges",
    "one_for_all",
    "one_for_each_culprit",
    "some",
    "with_others_from_there",
]
