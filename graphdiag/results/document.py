"""The report as a document: JSON that holds all that any format shows, and back.

The op graph and the drawn graph are saved as the columns they are kept in, without the ops' attributes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphdiag.errors import SourceError
from graphdiag.results.encoding import REPORT_SCHEMA
from graphdiag.results.migration import current
from graphdiag.results.validation import validation_error
from graphdiag.sources.files import LARGEST_SAVED, read_regular
from graphdiag.unprintable import escape_unprintable

if TYPE_CHECKING:
    from graphdiag.diagnosis.finding import Finding
    from graphdiag.diagnosis.ownership import Ownership
    from graphdiag.graphs.drawn_graph import DrawnGraph, RenderedRoot
    from graphdiag.graphs.layer_graph import LayerGraph
    from graphdiag.graphs.op_graph import OpGraph
    from graphdiag.picture_style import PictureStyle
    from graphdiag.results.layer_edges import LayerEdge
    from graphdiag.results.report import Report

_LONGEST_NAME = 40
"""Characters of a schema's name that an error repeats."""
_COLUMNS = ("layer_graph", "locations", "edges", "op_graph", "drawn_graph")
"""Keys whose values are long: one line for each of their parts."""


def to_json(report: Report, _: PictureStyle | None = None) -> str:
    """The report as text: indented where people read it, one line for each column of the graphs.

    The same report gives the same text.
    """
    lines = [f"{json.dumps(key)}: {_value(key, value)}" for key, value in report.to_dict().items()]
    return "{" + ",\n ".join(lines) + "}\n"


def _value(key: str, value: Any) -> str:
    if key not in _COLUMNS or not value:
        return json.dumps(value, indent=1).replace("\n", "\n ")
    if isinstance(value, Mapping):
        parts = [f"{json.dumps(name)}: {_compact(part)}" for name, part in value.items()]
        return "{" + ",\n  ".join(parts) + "}"
    return "[" + ",\n  ".join(map(_compact, value)) + "]"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


# --- and back --------------------------------------------------------------------------------------------------------


def read(path: Path) -> Report:
    """The report that ``--format json`` wrote to a file.

    Raises:
        SourceError: There is no such file, or no report in it.
    """
    return from_dict(read_json(path), str(path))


def read_json(path: Path) -> Any:
    """The data of a file that ``--format json`` wrote, whatever it is.

    Raises:
        SourceError: There is no such file, or no JSON in it.
    """
    try:
        text = read_regular(path, LARGEST_SAVED).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SourceError(f"{path}: cannot be read: {why}. Give a report that --format json wrote.") from error
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path}: is not JSON. Give a report that --format json wrote.") from error


def from_dict(document: Mapping[str, Any], name: str = "the report") -> Report:
    """The report that `Report.to_dict` made the data of.

    Args:
        document: Data in the schema ``graphdiag.report/2``.
        name: What an error calls it: its file, say.

    Returns:
        The report, without the context and without the ops' attributes.

    Raises:
        SourceError: The data is not a report, of another schema, or damaged: what is wrong, and where.
    """
    document = current(document)
    schema = document.get("schema") if isinstance(document, Mapping) else None
    if schema != REPORT_SCHEMA:
        made = (
            f"it is in the schema {escape_unprintable(schema[:_LONGEST_NAME])}"
            if isinstance(schema, str)
            else "it names no schema"
        )
        raise SourceError(
            f"{name}: no report of graphdiag: {made}, and {REPORT_SCHEMA} is read. Write it with --format json."
        )
    wrong = validation_error(document)
    if wrong is not None:
        raise SourceError(f"{name}: damaged: {wrong}. Write it anew with --format json.")
    return restored(document)


def restored(document: Mapping[str, Any]) -> Report:
    """The report of `Report.to_dict`, from data that nobody can have changed since; see `from_dict`."""
    from graphdiag.results.report import Report
    from graphdiag.sources.opened import Origin

    ops = document["op_graph"]
    return Report(
        origin=Origin(**document["source"]),
        layer_graph=None if document["layer_graph"] is None else _to_layer_graph(document["layer_graph"]),
        op_graph=None if ops is None else _to_op_graph(ops),
        findings=tuple(map(_to_finding, document["findings"])),
        notes=tuple(document["notes"]),
        edges=tuple(map(_to_layer_edge, document["edges"])),
        ownership=None if ops is None or ops["ownership"] is None else _to_ownership(ops["ownership"]),
        drawn_graph=None if document["drawn_graph"] is None else _to_drawn_graph(document["drawn_graph"]),
        locations={layer: (path, line) for layer, (path, line) in document["locations"].items()},
        rules=tuple(document["rules"]),
        not_listed=tuple(map(_to_not_listed, document.get("not_listed", ()))),
    )


def _pairs(data: Sequence[Sequence[Any]]) -> tuple[tuple[Any, Any], ...]:
    return tuple((first, second) for first, second in data)


def _to_not_listed(data: Mapping[str, Any]) -> tuple[str, str, Any]:
    from graphdiag.diagnosis.finding import Verdict

    return data["code"], data["rule"], Verdict(data["verdict"])


def _to_finding(data: Mapping[str, Any]) -> Finding:
    from graphdiag.diagnosis.finding import Blame, Evidence, Finding, Proof, Severity, Verdict

    return Finding(
        code=data["code"],
        rule=data["rule"],
        verdict=Verdict(data["verdict"]),
        blame=Blame(data["blame"]),
        severity=Severity(data["severity"]),
        message=data["message"],
        fix=data["fix"],
        culprits=tuple(data["culprits"]),
        carries=tuple(data["carries"]),
        edges=_pairs(data["edges"]),
        evidence=tuple(
            Evidence(
                source=item["from"],
                source_type=item["from_type"],
                target=item["to"],
                target_type=item["to_type"],
                output=item["output"],
                control=item["control"],
                through=tuple(item.get("through", ())),
            )
            for item in data["evidence"]
        ),
        counted=data["counted"],
        proof=Proof(**data["proof"]) if "proof" in data else None,
        fix_code=tuple(data.get("fix_code", ())),
    )


def _to_layer_edge(data: Mapping[str, Any]) -> LayerEdge:
    from graphdiag.diagnosis.finding import Verdict
    from graphdiag.results.layer_edges import LayerEdge

    return LayerEdge(
        source=data["from"],
        target=data["to"],
        in_model=data["in_model"],
        op_edges=data["op_edges"],
        carries=tuple(data["carries"]),
        verdict=Verdict(data["verdict"]) if data["verdict"] else None,
        codes=tuple(data["codes"]),
    )


def _to_layer_graph(data: Mapping[str, Any]) -> LayerGraph:
    from graphdiag.graphs.layer_graph import Layer, LayerGraph, LayerTensor, NestedModel, TensorEdge

    layers = [Layer(**{**item, "path": tuple(item["path"]), "inner": tuple(item["inner"])}) for item in data["layers"]]
    nested = [NestedModel(**{**item, "path": tuple(item["path"])}) for item in data["nested"]]
    return LayerGraph(
        model_name=data["model_name"],
        layers={layer.id: layer for layer in layers},
        edges=_pairs(data["edges"]),
        nested={model.id: model for model in nested},
        inputs=tuple(data["inputs"]),
        outputs=tuple(data["outputs"]),
        keras_version=data["keras_version"],
        # Reports of earlier versions have only the edges.
        tensors=tuple(
            TensorEdge(LayerTensor(source, of_call, output), target, call, argument)
            for source, of_call, output, target, call, argument in data.get("tensors", ())
        ),
        output_tensors=tuple(LayerTensor(*tensor) for tensor in data.get("output_tensors", ())),
        input_keys=_keys(data.get("input_keys")),
        output_keys=_keys(data.get("output_keys")),
    )


def _keys(data: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if data is None else tuple(data)


def _to_op_graph(data: Mapping[str, Any]) -> OpGraph:
    import numpy as np
    from tensorboard.compat.proto.node_def_pb2 import NodeDef

    from graphdiag.graphs.node_attributes import DT_RESOURCE
    from graphdiag.graphs.op_graph import FunctionBody, OpGraph

    names, types = data["names"], data["types"]
    devices = {row: device for device, rows in data["devices"].items() for row in rows}
    node_defs = [
        NodeDef(name=name, op=op_type, device=devices.get(row, ""))
        for row, (name, op_type) in enumerate(zip(names, types, strict=True))
    ]
    for row in data.get("handles", ()):
        node_defs[row].attr["dtype"].type = DT_RESOURCE
    return OpGraph(
        names=names,
        types=types,
        devices=[devices.get(row, "") for row in range(len(names))],
        node_defs=node_defs,
        source=np.array(data["source"], dtype=np.int32),
        target=np.array(data["target"], dtype=np.int32),
        output=np.array(data["output"], dtype=np.int32),
        dangling=_pairs(data["dangling"]),
        functions={
            name: FunctionBody(
                name=body["name"],
                graph=_to_op_graph(body["graph"]),
                arguments=tuple(body["arguments"]),
                results=_pairs(body["results"]),
            )
            for name, body in data["functions"].items()
        },
        producer=data["producer"],
    )


def _to_ownership(data: Mapping[str, Any]) -> Ownership:
    import numpy as np

    from graphdiag.diagnosis.ownership import Ownership

    return Ownership(
        owners=tuple(data["owners"]),
        of_op=np.array(data["of_op"], dtype=np.int32),
        roles={row: role for role, rows in data["roles"].items() for row in rows},
        model_inputs=frozenset(data["model_inputs"]),
        inputs_found=data["inputs_found"],
        by_scope=data["by_scope"],
        recorded=data["recorded"],
    )


def _to_drawn_graph(data: Mapping[str, Any]) -> DrawnGraph:
    import numpy as np

    from graphdiag.graphs.drawn_graph import DrawnGraph, Metaedges

    return DrawnGraph(
        names=data["names"],
        types=data["types"],
        parents=np.array(data["parents"], dtype=np.int64),
        cardinalities=np.array(data["cardinalities"], dtype=np.int64),
        ops=data["ops"],
        metaedges=Metaedges(**{name: np.array(column, dtype=np.int64) for name, column in data["metaedges"].items()}),
        root=_to_root(data["root"]),
        op_rows=np.array(data["op_rows"], dtype=np.int64),
        ghosts=frozenset(data["ghosts"]),
    )


def _to_root(data: Mapping[str, Any]) -> RenderedRoot:
    from graphdiag.graphs.drawn_graph import Extraction, RenderedRoot

    return RenderedRoot(
        core=tuple(data["core"]),
        core_edges=_pairs(data["core_edges"]),
        out_extract=tuple(data["out_extract"]),
        in_extract=tuple(data["in_extract"]),
        library=tuple(data["library"]),
        extractions={item["name"]: Extraction(**item) for item in data["extractions"]},
        in_limit=data["in_limit"],
        out_limit=data["out_limit"],
    )
