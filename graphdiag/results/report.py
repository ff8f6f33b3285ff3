"""The report: what a comparison found, ready for any format.

It holds only what `graphdiag.results.document` saves, so that every format can be made from a saved report too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.finding import Finding, Verdict
from graphdiag.diagnosis.ownership import Ownership
from graphdiag.graphs.drawn_graph import DrawnGraph
from graphdiag.graphs.layer_graph import LayerGraph
from graphdiag.graphs.op_graph import OpGraph
from graphdiag.lazy import lazy
from graphdiag.results import encoding
from graphdiag.results.layer_edges import LayerEdge, layer_edges
from graphdiag.results.renderable import Renderable
from graphdiag.sources.opened import Origin, SourceLine
from graphdiag.sources.stack import PYTORCH
from graphdiag.version import __version__

if TYPE_CHECKING:
    import networkx as nx

    from graphdiag.sources.opened import Opened


@dataclass(frozen=True)
class Summary:
    """Layer edges by verdict, each counted once; one that is both hidden and an artifact counts as hidden.

    They are differences between the layer graph and the op graph. What the conceptual graph lacks is not counted.
    """

    artifact: int
    hidden: int
    missing: int

    def met(self, verdict: str) -> bool:
        """Whether there is any edge of this verdict; ``any`` asks for all three."""
        if verdict == "any":
            return bool(self.artifact or self.hidden or self.missing)
        return bool({"artifact": self.artifact, "hidden": self.hidden, "missing": self.missing}[verdict])


@dataclass(frozen=True, eq=False, repr=False)
class Report(Renderable):
    """What a comparison found.

    Attributes:
        origin: Where the graphs came from.
        layer_graph: The layer graph, or ``None`` when neither the source nor ``--model`` had one.
        op_graph: The op graph, or ``None`` when the source has none.
        findings: The most severe first.
        notes: Sentences for the user about what was chosen, passed over, or could not be told.
        edges: The layer-level diff: every edge between two layers that any of the graphs has.
        ownership: Who owns each op; ``None`` without an op graph.
        drawn_graph: What TensorBoard draws of the op graph; ``None`` when it draws nothing.
        locations: Where layers are made, by their ids: lines of the Python file that was run, and of its own modules.
        rules: Codes of the rules that reported, whether they found something or not.
        not_listed: Code, name and verdict of each rule that found something and was not chosen.
        context: What the rules looked at; ``None`` for a report that was read from a file.
        opened: The source, with the layer graph that was given for it; ``None`` for a report that was read from a file.
        ignored: Findings of rules that were not chosen; not saved.
    """

    result_type: ClassVar[str] = "report"

    origin: Origin
    layer_graph: LayerGraph | None
    op_graph: OpGraph | None
    findings: Sequence[Finding]
    notes: Sequence[str] = ()
    edges: Sequence[LayerEdge] = ()
    ownership: Ownership | None = None
    drawn_graph: DrawnGraph | None = None
    locations: Mapping[str, SourceLine] = field(default_factory=dict)
    rules: Sequence[str] = ()
    not_listed: Sequence[tuple[str, str, Verdict]] = ()
    context: DiagnosisContext | None = field(default=None, compare=False)
    opened: Opened | None = field(default=None, compare=False)
    ignored: Sequence[Finding] = field(default=(), compare=False)

    @classmethod
    def of(
        cls,
        origin: Origin,
        layers: LayerGraph | None,
        ops: OpGraph | None,
        findings: Sequence[Finding],
        notes: Sequence[str] = (),
        context: DiagnosisContext | None = None,
        *,
        locations: Mapping[str, SourceLine] | None = None,
        rules: Sequence[str] = (),
        all_findings: Sequence[Finding] | None = None,
        opened: Opened | None = None,
    ) -> Report:
        """The report on graphs that were compared.

        Args:
            origin: Where the graphs came from.
            layers: The layer graph, if there is one.
            ops: The op graph, if there is one.
            findings: Of the rules that report, the most severe first.
            notes: Sentences for the user.
            context: What the rules looked at.
            locations: Where layers are made, by their ids.
            rules: Codes of the rules that reported.
            all_findings: Those of all rules, which say what is true of the edges; the same if not given.
            opened: The source.

        Returns:
            The report, with the layer-level diff.
        """
        crossings = context.crossings.edges if context else {}
        kept = {id(found) for found in findings}
        return cls(
            origin=origin,
            layer_graph=layers,
            op_graph=ops,
            findings=tuple(findings),
            notes=tuple(notes),
            edges=layer_edges(layers, crossings, findings if all_findings is None else all_findings),
            ownership=context.ownership if context and ops is not None else None,
            drawn_graph=context.view.drawn if context and context.view else None,
            locations=dict(locations or {}),
            rules=tuple(rules),
            not_listed=_not_listed(findings, findings if all_findings is None else all_findings),
            context=context,
            opened=opened,
            ignored=[found for found in all_findings or () if id(found) not in kept],
        )

    def lacking(self, verdict: str) -> str:
        """Why an edge of some verdict could not be found, had there been one.

        Args:
            verdict: ``artifact``, ``hidden``, ``missing``, or ``any``.

        Returns:
            A clause, as ``net.keras has no op graph``; empty where it would be found.
        """
        if self.origin.stack == PYTORCH:
            return f"{self.origin.path} is a graph of PyTorch, of which only the picture is known"
        if self.op_graph is None or not len(self.op_graph):
            return f"{self.origin.path} has no op graph"
        if self.layer_graph is None and verdict != "artifact":
            return f"{self.origin.path} has no layer graph to hold the op graph against"
        return ""

    def __repr__(self) -> str:
        layers = None if self.layer_graph is None else len(self.layer_graph.layers)
        ops = None if self.op_graph is None else len(self.op_graph)
        counts = {"layers": layers, "ops": ops, "findings": len(self.findings), **asdict(self.summary)}
        return f"Report({self.origin.path!r}, {', '.join(f'{name}={count}' for name, count in counts.items())})"

    @cached_property
    def summary(self) -> Summary:
        """Layer edges by verdict, as far as a rule that reports says so."""
        return self._counted(edge for edge in self.edges if not self._is_left_out(edge))

    @cached_property
    def left_out(self) -> Summary:
        """Layer edges by verdict that differ too, and that only rules explain which were not chosen."""
        return self._counted(edge for edge in self.edges if self._is_left_out(edge))

    @property
    def rules_left_out(self) -> Sequence[str]:
        """Codes of the rules that explain edges and were not chosen, sorted."""
        return sorted({code for edge in self.edges if self._is_left_out(edge) for code in edge.codes})

    def _is_left_out(self, edge: LayerEdge) -> bool:
        return bool(self.rules and edge.codes and not set(edge.codes) & set(self.rules))

    @staticmethod
    def _counted(edges: Iterable[LayerEdge]) -> Summary:
        counts = Counter(edge.verdict for edge in edges)
        return Summary(counts[Verdict.ARTIFACT], counts[Verdict.HIDDEN], counts[Verdict.MISSING])

    @cached_property
    def outside(self) -> tuple[str, ...]:
        """Owners of ops that are no layers and end an edge; without a layer graph, all owners: name scopes."""
        known = self.layer_graph.layers if self.layer_graph else {}
        scopes = self.ownership.owners if self.ownership and self.layer_graph is None else ()
        ends = (end for edge in self.edges for end in (edge.source, edge.target))
        return tuple(name for name in dict.fromkeys([*scopes, *ends]) if name not in known)

    def owner(self, op: str) -> str | None:
        """Id of the layer that owns an op; ``None`` for an op of no layer, or of no such name."""
        if self.op_graph is None or self.ownership is None or op not in self.op_graph.index:
            return None
        return self.ownership.owner(self.op_graph.index[op])

    def line_of(self, finding: Finding) -> SourceLine | None:
        """The line where the layer is made that a finding is about.

        What a layer closes over is fixed where that layer is made, which takes it; an artifact where its op comes from.
        What is said of the model as a whole lies nowhere in it.
        """
        if not finding.counted or not self.locations:
            return None
        causes = [self.owner(culprit) or culprit for culprit in finding.culprits]
        takers = [target for _, target in finding.edges]
        layers = [*takers, *causes] if finding.verdict is Verdict.HIDDEN else [*causes, *takers]
        return next((self.locations[layer] for layer in layers if layer in self.locations), None)

    def to_networkx(self) -> nx.DiGraph:
        """The layer-level diff as a ``networkx.DiGraph``.

        Returns:
            Nodes are layers with the attributes of `LayerGraph.to_networkx` and ``kind``: ``layer``; ``nested`` for a
            nested model that owns ops itself; ``scope`` for a name scope, as all nodes are without a layer graph. Edges
            are those of ``edges`` with ``in_model``, ``op_edges``, ``carries`` and ``codes`` (joined by ``,``) and
            ``verdict`` (``""`` where the graphs agree). The graph's own attributes are ``model_name`` and
            ``keras_version``.
        """
        import networkx as nx

        layers = self.layer_graph
        graph = layers.to_networkx() if layers else nx.DiGraph(model_name="", keras_version="")
        nx.set_node_attributes(graph, "layer", "kind")
        for name in self.outside:
            nested = layers.nested.get(name) if layers else None
            graph.add_node(
                name,
                name=nested.name if nested else name,
                class_name=nested.class_name if nested else "",
                path="/".join(nested.path) if nested else "",
                calls=nested.calls if nested else 0,
                is_input=False,
                output_shape="",
                parameters=None,
                kind="nested" if nested else "scope",
            )
        for edge in self.edges:
            graph.add_edge(
                edge.source,
                edge.target,
                in_model=edge.in_model,
                op_edges=edge.op_edges,
                carries=",".join(edge.carries),
                verdict=edge.verdict.value if edge.verdict else "",
                codes=",".join(edge.codes),
            )
        return graph

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready data.

        Returns:
            What the JSON Schema of ``graphdiag.report/2`` describes; see the README.
        """
        layers, ops, drawn = self.layer_graph, self.op_graph, self.drawn_graph
        return {
            "schema": encoding.REPORT_SCHEMA,
            "graphdiag": __version__,
            "source": asdict(self.origin),
            "graphs": {
                "layers": None if layers is None else {"nodes": len(layers.layers), "edges": len(layers.edges)},
                "ops": None if ops is None else {"nodes": len(ops), "edges": len(ops.source)},
            },
            "findings": [encoding.finding_data(finding) for finding in self.findings],
            "summary": asdict(self.summary),
            "notes": list(self.notes),
            "rules": list(self.rules),
            **encoding.not_listed_data(self.not_listed),
            "layer_graph": None if layers is None else encoding.layer_graph_data(layers),
            "locations": {layer: list(line) for layer, line in self.locations.items()},
            "edges": [encoding.layer_edge_data(edge) for edge in self.edges],
            "op_graph": None
            if ops is None
            else {**encoding.op_graph_data(ops), "ownership": encoding.ownership_data(self.ownership)},
            "drawn_graph": None if drawn is None else encoding.drawn_graph_data(drawn),
        }

    def _repr_html_(self) -> str:
        """What a notebook shows for the report: the answer and the findings."""
        fragment: str = lazy("graphdiag.render.html.fragment:to_fragment")(self)
        return fragment


def _not_listed(findings: Sequence[Finding], all_findings: Sequence[Finding]) -> tuple[tuple[str, str, Verdict], ...]:
    listed = {finding.code for finding in findings}
    others = ((each.code, each.rule, each.verdict) for each in all_findings if each.code not in listed)
    return tuple(dict.fromkeys(others))
