"""The parts of a report as JSON-ready data: what the JSON Schema of ``graphdiag.report`` describes, part by part."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphdiag.diagnosis.finding import Evidence, Finding, Verdict
    from graphdiag.diagnosis.ownership import Ownership
    from graphdiag.graphs.drawn_graph import DrawnGraph
    from graphdiag.graphs.layer_graph import Layer, LayerGraph
    from graphdiag.graphs.op_graph import OpGraph
    from graphdiag.results.layer_edges import LayerEdge

REPORT_SCHEMA = "graphdiag.report/2"
"""The schema of what `graphdiag.results.report.Report.to_dict` gives."""


def not_listed_data(rules: Sequence[tuple[str, str, Verdict]]) -> dict[str, Any]:
    """The rules that found something and were not chosen; nothing where there are none."""
    found = [{"code": code, "rule": rule, "verdict": verdict.value} for code, rule, verdict in rules]
    return {"not_listed": found} if found else {}


def finding_data(finding: Finding) -> dict[str, Any]:
    """A finding as JSON-ready data."""
    found: dict[str, Any] = {
        "code": finding.code,
        "rule": finding.rule,
        "verdict": finding.verdict.value,
        "blame": finding.blame.value,
        "severity": finding.severity.value,
        "culprits": list(finding.culprits),
        "carries": list(finding.carries),
        "edges": [list(edge) for edge in finding.edges],
        "counted": finding.counted,
        "evidence": [_evidence_data(evidence) for evidence in finding.evidence],
        "message": finding.message,
        "fix": finding.fix,
    }
    if finding.fix_code:
        found["fix_code"] = list(finding.fix_code)
    if finding.proof is not None:
        found["proof"] = asdict(finding.proof)
    return found


def _evidence_data(evidence: Evidence) -> dict[str, Any]:
    found: dict[str, Any] = {
        "from": evidence.source,
        "from_type": evidence.source_type,
        "to": evidence.target,
        "to_type": evidence.target_type,
        "output": evidence.output,
        "control": evidence.control,
    }
    if evidence.through:
        found["through"] = list(evidence.through)
    return found


def layer_graph_data(layers: LayerGraph) -> dict[str, Any]:
    """The layer graph as JSON-ready data."""
    return {
        "model_name": layers.model_name,
        "keras_version": layers.keras_version,
        "layers": [_layer_data(layer) for layer in layers.layers.values()],
        "nested": [{**asdict(model), "path": list(model.path)} for model in layers.nested.values()],
        "edges": [list(edge) for edge in layers.edges],
        "inputs": list(layers.inputs),
        "outputs": list(layers.outputs),
        "tensors": [
            [edge.source.layer, edge.source.call, edge.source.output, edge.target, edge.call, edge.argument]
            for edge in layers.tensors
        ],
        "output_tensors": [[tensor.layer, tensor.call, tensor.output] for tensor in layers.output_tensors],
        "input_keys": None if layers.input_keys is None else list(layers.input_keys),
        "output_keys": None if layers.output_keys is None else list(layers.output_keys),
    }


def _layer_data(layer: Layer) -> dict[str, Any]:
    data = {**asdict(layer), "path": list(layer.path), "inner": list(layer.inner)}
    # Only the diagnosis and the repair ask whose class it is.
    del data["custom"], data["is_operation"], data["parameters_computed"]
    return data


def layer_edge_data(edge: LayerEdge) -> dict[str, Any]:
    """An edge of the layer-level diff as JSON-ready data."""
    return {
        "from": edge.source,
        "to": edge.target,
        "in_model": edge.in_model,
        "op_edges": edge.op_edges,
        "carries": list(edge.carries),
        "verdict": edge.verdict.value if edge.verdict else None,
        "codes": list(edge.codes),
    }


def op_graph_data(ops: OpGraph) -> dict[str, Any]:
    """The op graph as JSON-ready columns: of the ops' attributes, only which arguments are handles of variables."""
    from graphdiag.diagnosis.handles import root_handles

    devices: dict[str, list[int]] = {}
    handles = list(root_handles(ops))
    for row, device in enumerate(ops.devices):
        if device:
            devices.setdefault(device, []).append(row)
    return {
        "names": list(ops.names),
        "types": list(ops.types),
        "devices": devices,
        **({"handles": handles} if handles else {}),
        "source": ops.source.tolist(),
        "target": ops.target.tolist(),
        "output": ops.output.tolist(),
        "dangling": [list(pair) for pair in ops.dangling],
        "producer": ops.producer,
        "functions": {
            name: {
                "name": body.name,
                "graph": op_graph_data(body.graph),
                "arguments": list(body.arguments),
                "results": [list(result) for result in body.results],
            }
            for name, body in ops.functions.items()
        },
    }


def ownership_data(ownership: Ownership | None) -> dict[str, Any] | None:
    """Ownership as JSON-ready columns."""
    if ownership is None:
        return None
    roles: dict[str, list[int]] = {}
    for row, role in sorted(ownership.roles.items()):
        roles.setdefault(role, []).append(row)
    return {
        "owners": list(ownership.owners),
        "of_op": ownership.of_op.tolist(),
        "roles": roles,
        "model_inputs": sorted(ownership.model_inputs),
        "inputs_found": ownership.inputs_found,
        "by_scope": ownership.by_scope,
        "recorded": ownership.recorded,
    }


def drawn_graph_data(drawn: DrawnGraph) -> dict[str, Any]:
    """The drawn graph as JSON-ready columns."""
    arrows = drawn.metaedges
    root = drawn.root
    return {
        "names": list(drawn.names),
        "types": list(drawn.types),
        "parents": drawn.parents.tolist(),
        "cardinalities": drawn.cardinalities.tolist(),
        "ops": list(drawn.ops),
        "op_rows": drawn.op_rows.tolist(),
        "ghosts": sorted(drawn.ghosts),
        "metaedges": {
            "parent": arrows.parent.tolist(),
            "source": arrows.source.tolist(),
            "target": arrows.target.tolist(),
            "regular": arrows.regular.tolist(),
            "control": arrows.control.tolist(),
            "reference": arrows.reference.tolist(),
        },
        "root": {
            "core": list(root.core),
            "core_edges": [list(edge) for edge in root.core_edges],
            "out_extract": list(root.out_extract),
            "in_extract": list(root.in_extract),
            "library": list(root.library),
            "extractions": [asdict(extraction) for extraction in root.extractions.values()],
            "in_limit": root.in_limit,
            "out_limit": root.out_limit,
        },
    }
