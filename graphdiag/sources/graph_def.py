"""Open a GraphDef file, binary (``.pb``) or in text format (``.pbtxt``)."""

from __future__ import annotations

import codecs
from pathlib import Path

from graphdiag.errors import SourceError
from graphdiag.graphs.serialized_graph import SerializedGraph, SerializedGraphs, around_nodes, producer_of
from graphdiag.sources.files import read_bytes
from graphdiag.sources.graph_names import check_depth
from graphdiag.sources.opened import Opened, Origin
from graphdiag.sources.saved_model import open_saved_model, parse_text
from graphdiag.sources.stack import describe_stack

# A SavedModel starts with its schema version, a number in field 1; a GraphDef with a node, a message in field 1.
_SAVED_MODEL_START = b"\x08"
_SAVED_MODEL_WORDS = (b"saved_model_schema_version", b"meta_graphs")

# Enough nodes to tell a GraphDef from another message that happens to parse as one.
_PROBED = 100


def open_graph_file(path: Path) -> Opened:
    """Open a ``.pb`` or ``.pbtxt`` file; a SavedModel's own file is recognized by its content.

    Args:
        path: The file. With the suffix ``.pbtxt`` it is read as text, else as binary.

    Returns:
        The op graph; a SavedModel as `open_saved_model` gives it.

    Raises:
        SourceError: The file is empty, damaged, or holds another kind of message.
    """
    data = read_bytes(path)
    is_text = path.suffix == ".pbtxt"
    if _is_saved_model(data, is_text):
        return open_saved_model(path)
    graph_def = _from_text(path, data) if is_text else _from_binary(path, data)
    graph_defs = SerializedGraphs([graph_def])
    check_depth(str(path), graph_defs)
    return Opened(
        origin=Origin(path=str(path), kind="graph_def", stack=describe_stack("", producer_of(graph_def))),
        graph_defs=graph_defs,
        has_op_graph=True,
    )


def _is_saved_model(data: bytes, is_text: bool) -> bool:
    return data.lstrip().startswith(_SAVED_MODEL_WORDS) if is_text else data.startswith(_SAVED_MODEL_START)


def _from_binary(path: Path, data: bytes) -> SerializedGraph:
    from google.protobuf.message import DecodeError

    try:
        graph_def = SerializedGraph(data)
    except DecodeError as error:
        reason = "it is text; name it .pbtxt if it is a GraphDef" if _is_text(data) else "it cannot be parsed"
        raise SourceError(f"{path} is damaged, or not a binary GraphDef: {reason}.") from error
    return _checked(path, graph_def)


def _from_text(path: Path, data: bytes) -> SerializedGraph:
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    return _checked(path, SerializedGraph(parse_text(path, data, GraphDef()).SerializeToString()))


def _checked(path: Path, graph_def: SerializedGraph) -> SerializedGraph:
    """Refuse another message that parsed as a GraphDef, as protobuf's formats allow."""
    nodes, around = graph_def.nodes, around_nodes(graph_def)
    named = all(nodes.names[:_PROBED]) and all(nodes.types[:_PROBED])
    if not named or not (nodes.names or around.library.function or producer_of(graph_def)):
        raise SourceError(
            f"{path} is not a GraphDef: it holds no ops with a name and a type; "
            "give a GraphDef, a SavedModel or a TensorBoard log."
        )
    return graph_def


def _is_text(data: bytes) -> bool:
    # Text is UTF-8 without control characters below the tabulator, which a binary message hardly is.
    start = data[:4096]
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False
    return min(start) >= ord("\t")
