"""The report as a snapshot: what of it is worth committing."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property

from graphdiag.diagnosis.finding import Finding
from graphdiag.graphs.layer_graph import Layer, LayerGraph
from graphdiag.graphs.op_graph import OpGraph
from graphdiag.modeldiff.given_tensors import given_tensors, taken_tensors
from graphdiag.modeldiff.mask_ops import fold_masks
from graphdiag.modeldiff.raw_ops import one_class
from graphdiag.modeldiff.snapshot import (
    FindingRecord,
    LayerRecord,
    NestedRecord,
    Ops,
    Snapshot,
    TakenTensor,
    sources_of,
    usual,
)
from graphdiag.results.report import Report
from graphdiag.version import __version__

_REAL = frozenset({"activation", "parameter", "handle"})
_FED = ("_Arg", "Placeholder")
"""Types of ops that stand for what is handed to a traced function, variables too."""


def take(report: Report) -> Snapshot:
    """Take a snapshot of what a comparison looked at and found.

    Args:
        report: The report, as compared or as read from a file.

    Returns:
        The snapshot. Without a layer graph, name scopes stand for layers, and the edges between them are those over
        which activations or parameters flow.
    """
    layers, masks = fold_masks(report.layer_graph) if report.layer_graph is not None else (None, {})
    owned, of_no_layer = _count_ops(report, masks)
    culprits = _Culprits(report)
    findings = {_finding(finding, culprits, masks) for finding in report.findings}
    ordered = tuple(sorted(findings, key=lambda found: (found.code, found.verdict, found.edges, found.culprits)))
    ops = None if report.op_graph is None else of_no_layer
    stack = report.origin.stack
    if layers is None:
        scopes = _scopes(report, owned)
        return Snapshot("", scopes, ops=ops, findings=ordered, by_scope=True, version=__version__, stack=stack)
    gives = given_tensors(layers.output_tensors)
    return Snapshot(
        model_name=layers.model_name,
        layers=_layers(layers, owned),
        nested={
            id_: NestedRecord(id_, model.class_name, model.calls, model.path, owned.get(id_, {}), model.settings)
            for id_, model in layers.nested.items()
        },
        inputs=layers.inputs,
        outputs=layers.outputs,
        ops=ops,
        findings=ordered,
        version=__version__,
        locations=report.locations,
        stack=stack,
        tensors=bool(layers.tensors) or not layers.edges,
        input_keys=layers.input_keys,
        output_keys=layers.output_keys,
        gives=() if gives == usual(layers.outputs) else gives,
    )


def _layers(graph: LayerGraph, owned: Mapping[str, Ops]) -> Mapping[str, LayerRecord]:
    taken = taken_tensors(graph)
    return {id_: _layer(layer, taken.get(id_, ()), owned.get(id_, {})) for id_, layer in graph.layers.items()}


def _layer(layer: Layer, taken: Sequence[TakenTensor], ops: Ops) -> LayerRecord:
    class_name, settings = one_class(layer.class_name, layer.settings)
    sources = sources_of(taken)
    return LayerRecord(
        id=layer.id,
        class_name=class_name,
        output_shape=layer.output_shape,
        parameters=layer.parameters,
        calls=layer.calls,
        path=layer.path,
        sources=sources,
        ops=ops,
        takes=() if tuple(taken) == usual(sources) else tuple(taken),
        settings=settings,
    )


def _scopes(report: Report, owned: Mapping[str, Ops]) -> Mapping[str, LayerRecord]:
    sources: dict[str, set[str]] = defaultdict(set)
    for edge in report.edges:
        if edge.source in owned and edge.target in owned and _REAL.intersection(edge.carries):
            sources[edge.target].add(edge.source)
    return {id_: LayerRecord(id_, sources=tuple(sorted(sources[id_])), ops=ops) for id_, ops in sorted(owned.items())}


def _count_ops(report: Report, masks: Mapping[str, str]) -> tuple[Mapping[str, Ops], Mapping[str, Ops]]:
    """Op types by owner, and by role for ops of no owner."""
    owned: dict[str, Counter[str]] = defaultdict(Counter)
    of_no_layer: dict[str, Counter[str]] = defaultdict(Counter)
    graph, ownership = report.op_graph, report.ownership
    if graph is None or ownership is None:
        return {}, {}
    owners = ownership.of_op.tolist()
    users = _users(graph, owners)
    for row, (owner, op_type) in enumerate(zip(owners, graph.types, strict=True)):
        role = ownership.roles.get(row, "")
        if owner < 0 and not role and op_type in _FED and len(users[row]) == 1:
            # A variable that one layer alone uses comes and goes with the layer.
            [owner] = users[row]
        if owner >= 0:
            name = ownership.owners[owner]
            owned[masks.get(name, name)][op_type] += 1
        else:
            of_no_layer[role][op_type] += 1
    return _plain(owned), _plain(of_no_layer)


def _plain(counts: Mapping[str, Counter[str]]) -> Mapping[str, Ops]:
    return {key: dict(counter) for key, counter in counts.items()}


def _users(graph: OpGraph, owners: list[int]) -> Mapping[int, set[int]]:
    """For each op that stands for what is handed to a function, whose ops take it."""
    users: dict[int, set[int]] = defaultdict(set)
    for source, target in zip(graph.source.tolist(), graph.target.tolist(), strict=True):
        if graph.types[source] in _FED:
            users[source].add(owners[target])
    return users


class _Culprits:
    """Ops and scopes by what they belong to: the scopes around a layer, which TensorFlow numbers, say nothing more."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._model = report.layer_graph.model_name if report.layer_graph else ""
        self._siblings: dict[tuple[str, str], list[str]] = {}

    def called(self, name: str) -> str:
        """``dense_1/MatMul`` for an op, by the id of its owner; the id of the owner for a scope that is one's."""
        owner = self._report.owner(name)
        if owner is not None:
            around = _scope_of(name, owner.rpartition("/")[2])
            return f"{owner}/{self._numbered_anew(around, name[len(around) + 1 :])}" if around else name
        return self._owner_of_scope(name) or self._of_model(name)

    def _numbered_anew(self, around: str, rest: str) -> str:
        """The name within a layer's scope: the scopes in it count from where the layer begins.

        Keras counts the names that it makes up for inner layers through the whole process, and TensorFlow adds numbers
        of its own: ``backward_lstm_4`` here is ``backward_lstm_7`` in another run.
        """
        *scopes, own = rest.split("/")
        names = []
        for scope in scopes:
            base = _base(scope)
            alike = self._alike(around, base)
            rank = alike.index(scope) if scope in alike else None
            names.append(scope if rank is None else f"{base}_{rank}" if rank else base)
            around = f"{around}/{scope}"
        return "/".join([*names, own])

    def _alike(self, around: str, base: str) -> list[str]:
        """The scopes within another whose names differ in their numbers alone, in the order of these."""
        key = around, base
        if key not in self._siblings:
            start, found, row = f"{around}/{base}", set(), bisect_left(self._names, f"{around}/{base}")
            while row < len(self._names) and self._names[row].startswith(start):
                scope, inside, _ = self._names[row][len(around) + 1 :].partition("/")
                if inside and _base(scope) == base:
                    found.add(scope)
                # "0" is the character after "/": what lies in the scope is passed over.
                row = bisect_left(self._names, f"{around}/{scope}0", row) if inside else row + 1
            self._siblings[key] = sorted(found, key=lambda scope: [int(part) for part in _numbers(scope)])
        return self._siblings[key]

    @cached_property
    def _names(self) -> Sequence[str]:
        graph = self._report.op_graph
        return () if graph is None else sorted(graph.names)

    def _owner_of_scope(self, scope: str) -> str:
        """The layer or nested model whose scope it is, numbered or not."""
        row = bisect_left(self._names, f"{scope}/")
        inside = self._names[row] if row < len(self._names) and self._names[row].startswith(f"{scope}/") else ""
        owner = (self._report.owner(inside) if inside else "") or ""
        own = scope.rpartition("/")[2]
        while owner and not re.fullmatch(rf"{re.escape(owner.rpartition('/')[2])}(_[0-9]+)?", own):
            owner = owner.rpartition("/")[0]
        return owner

    def _of_model(self, name: str) -> str:
        """The model's own scope without its number."""
        scope = re.match(rf"{re.escape(self._model)}(_[0-9]+)?(?=/|$)", name) if self._model else None
        return f"{self._model}{name[scope.end() :]}" if scope else name


_NUMBERS = re.compile("(_[0-9]+)+$")


def _base(scope: str) -> str:
    return _NUMBERS.sub("", scope)


def _numbers(scope: str) -> list[str]:
    return re.findall("[0-9]+", scope[len(_base(scope)) :])


def _scope_of(name: str, layer: str) -> str:
    """The scope of a layer in the name of one of its ops: the last of its name, or the first that has a number too."""
    around, scope, _ = f"/{name}".rpartition(f"/{layer}/")
    if scope:
        return f"{around}/{layer}"[1:]
    numbered = re.match(rf"(.*?/)??{re.escape(layer)}_[0-9]+(?=/)", name)
    return numbered[0] if numbered else ""


def _finding(finding: Finding, culprits: _Culprits, masks: Mapping[str, str]) -> FindingRecord:
    return FindingRecord(
        code=finding.code,
        verdict=finding.verdict.value,
        edges=tuple(
            sorted({(masks.get(source, source), masks.get(target, target)) for source, target in finding.edges})
        ),
        culprits=tuple(sorted({culprits.called(culprit) for culprit in finding.culprits})),
    )
