"""Open a SavedModel: its serving graph, and the Keras model that Keras 2 wrote into it.

In a SavedModel of TensorFlow 2 the graph itself only restores variables; the forward pass lies in the function library,
behind one or two calls: signature -> ``signature_wrapper`` -> the traced model. The op graph given here is the body of
that last function.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphdiag.errors import SourceError
from graphdiag.sources.files import read_bytes
from graphdiag.sources.graph_names import check_depth
from graphdiag.sources.opened import Opened, Origin
from graphdiag.sources.stack import describe_stack

if TYPE_CHECKING:
    from tensorboard.compat.proto.function_pb2 import FunctionDef
    from tensorboard.compat.proto.graph_pb2 import GraphDef
    from tensorboard.compat.proto.node_def_pb2 import NodeDef
    from tensorboard.compat.proto.op_def_pb2 import OpDef

    from graphdiag.graphs.layer_graph import LayerGraph

SAVED_MODEL_FILES = ("saved_model.pb", "saved_model.pbtxt")
KERAS_METADATA = "keras_metadata.pb"
"""The file in which Keras 2 describes the model beside the graph."""

_SERVE = "serve"
_SERVING = "serving_default"
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_TRIVIAL = frozenset(("Identity", "IdentityN", "NoOp", "Const"))
_MODEL_IDENTIFIERS = frozenset(("_tf_keras_model", "_tf_keras_network", "_tf_keras_sequential"))


def open_saved_model(path: Path) -> Opened:
    """Open a SavedModel directory, or the ``saved_model.pb`` or ``.pbtxt`` in one.

    Args:
        path: The directory or the file.

    Returns:
        The op graph of the signature ``serving_default`` (the graph itself in TensorFlow 1); the layer graph when
        Keras 2 saved the model: from ``keras_metadata.pb`` (TensorFlow 2.5 on) or the object graph (2.0 to 2.4).

    Raises:
        SourceError: There is no such file, or it is damaged or no SavedModel.
    """
    file = path
    if path.is_dir():
        found = [path / name for name in SAVED_MODEL_FILES if (path / name).exists()]
        if not found:
            raise SourceError(f"{path} is not a SavedModel: it holds no saved_model.pb and no saved_model.pbtxt.")
        file = found[0]
    saved_model = _parse_saved_model(file)
    notes: list[str] = []
    meta_graph = _choose_meta_graph(file, list(saved_model.meta_graphs), notes)
    graph_def = _forward_pass(meta_graph, notes)
    check_depth(str(file), [graph_def])
    keras_json, layer_graph = _keras_model(file, meta_graph, notes)
    return Opened(
        origin=Origin(
            path=str(path),
            kind="saved_model",
            stack=describe_stack(
                layer_graph.keras_version if layer_graph is not None else "",
                graph_def.versions.producer,
                meta_graph.meta_info_def.tensorflow_version,
            ),
        ),
        graph_defs=(graph_def,),
        has_op_graph=True,
        layer_graph=layer_graph,
        keras_json=keras_json,
        notes=tuple(notes),
    )


@cache
def _messages() -> Mapping[str, Any]:
    """The messages that TensorBoard does not ship.

    ``SavedModel`` is declared in ``tensorflow/core/protobuf/saved_model.proto`` and ``SavedMetadata`` in Keras 2's
    ``protobuf/saved_metadata.proto``.
    """
    from google.protobuf import descriptor_pool, message_factory
    from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
    from tensorboard.compat.proto import meta_graph_pb2, saved_object_graph_pb2

    kinds = FieldDescriptorProto
    file = FileDescriptorProto(
        name="graphdiag/saved_model.proto",
        package="graphdiag",
        syntax="proto3",
        # The object graph is an extra import of the meta graph's file, which must be in the pool first.
        dependency=[meta_graph_pb2.DESCRIPTOR.name, saved_object_graph_pb2.DESCRIPTOR.name],
    )

    def declare(name: str, fields: Iterable[tuple[str, int, int, bool, str]]) -> None:
        message = file.message_type.add(name=name)
        for field, number, kind, repeated, type_name in fields:
            label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            message.field.add(name=field, number=number, type=kind, label=label, type_name=type_name or None)

    declare(
        "SavedModel",
        [
            ("saved_model_schema_version", 1, kinds.TYPE_INT64, False, ""),
            ("meta_graphs", 2, kinds.TYPE_MESSAGE, True, "." + meta_graph_pb2.MetaGraphDef.DESCRIPTOR.full_name),
        ],
    )
    declare(
        "SavedObject",
        [
            ("node_id", 2, kinds.TYPE_INT32, False, ""),
            ("node_path", 3, kinds.TYPE_STRING, False, ""),
            ("identifier", 4, kinds.TYPE_STRING, False, ""),
            ("metadata", 5, kinds.TYPE_STRING, False, ""),
        ],
    )
    declare("SavedMetadata", [("nodes", 1, kinds.TYPE_MESSAGE, True, ".graphdiag.SavedObject")])
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"graphdiag.{name}"))
        for name in ("SavedModel", "SavedMetadata")
    }


def _parse_saved_model(file: Path) -> Any:
    from google.protobuf.message import DecodeError

    data = read_bytes(file)
    message = _messages()["SavedModel"]
    if file.suffix == ".pbtxt":
        saved_model = parse_text(file, data, message())
    else:
        try:
            saved_model = message.FromString(data)
        except DecodeError as error:
            raise SourceError(
                f"{file} is damaged or no SavedModel: it cannot be parsed; save the model again."
            ) from error
    if not saved_model.meta_graphs:
        raise SourceError(f"{file} is not a SavedModel: it holds no graph; save the model again.")
    return saved_model


def parse_text(file: Path | str, data: bytes, message: Any) -> Any:
    """Parse protobuf's text format into ``message`` and return it.

    Fields that TensorBoard's copy of the message does not know are passed over.

    Raises:
        SourceError: The text is not in this format.
    """
    from google.protobuf import text_format

    try:
        return text_format.Parse(data.decode(), message, allow_unknown_field=True)
    except (text_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise SourceError(f"{file} is not a protobuf in text format: {reason}.") from error


def _choose_meta_graph(file: Path, meta_graphs: Sequence[Any], notes: list[str]) -> Any:
    chosen = next((graph for graph in meta_graphs if _SERVE in graph.meta_info_def.tags), meta_graphs[0])
    if len(meta_graphs) > 1:
        tags = "; ".join(repr(",".join(graph.meta_info_def.tags)) for graph in meta_graphs)
        taken = ",".join(chosen.meta_info_def.tags)
        notes.append(f"{file.name} holds {len(meta_graphs)} graphs, tagged {tags}; the one tagged {taken!r} is taken.")
    return chosen


# --- The forward pass ------------------------------------------------------------------------------------------------


def _forward_pass(meta_graph: Any, notes: list[str]) -> GraphDef:
    """The graph itself, or the body of the function that the serving signature leads to."""
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    whole: GraphDef = meta_graph.graph_def
    signature = _signature(meta_graph)
    nodes = {node.name: node for node in whole.node}
    functions = {function.signature.name: function for function in whole.library.function}
    outputs = meta_graph.signature_def[signature].outputs.values() if signature else ()
    call = next(
        (nodes[name] for name in (output.name.partition(":")[0] for output in outputs) if name in nodes),
        None,
    )
    function: FunctionDef | None = None
    passed = set()
    while call is not None and call.op in _CALLS and call.attr["f"].func.name in functions:
        function = functions[call.attr["f"].func.name]
        if function.signature.name in passed:
            break
        passed.add(function.signature.name)
        call = _only_call(function)
    if function is None:
        return whole
    notes.append(
        f"The op graph is the body of the function {function.signature.name}, which the signature {signature!r} "
        "calls: the forward pass as exported, in inference mode. The graph around it only restores variables."
    )
    forward = GraphDef(versions=whole.versions, library=whole.library)
    operators = {operator.name: operator for operator in meta_graph.meta_info_def.stripped_op_list.op}
    operators.update((name, body.signature) for name, body in functions.items())
    forward.node.extend(_body(function, operators))
    return forward


def _signature(meta_graph: Any) -> str:
    names = sorted(name for name in meta_graph.signature_def if not name.startswith("__"))
    return _SERVING if _SERVING in names else (names[0] if names else "")


def _only_call(function: FunctionDef) -> NodeDef | None:
    """The call that a function consists of, if it only wraps another one.

    A call inside a name scope is a layer's own and no wrapper.
    """
    rest = [node for node in function.node_def if node.op not in _TRIVIAL]
    if len(rest) == 1 and rest[0].op in _CALLS and "/" not in rest[0].name:
        return rest[0]
    return None


def _body(function: FunctionDef, operators: Mapping[str, OpDef]) -> Iterator[NodeDef]:
    """The nodes of a function as those of a graph: arguments become placeholders, as in the graph that was traced."""
    from tensorboard.compat.proto.node_def_pb2 import NodeDef

    for number, argument in enumerate(function.signature.input_arg):
        placeholder = NodeDef(name=argument.name, op="Placeholder")
        placeholder.attr["dtype"].type = argument.type
        if number in function.arg_attr:
            for key, value in function.arg_attr[number].attr.items():
                placeholder.attr[key].CopyFrom(value)
        yield placeholder
    slots = {node.name: _first_slots(node, operators.get(node.op)) for node in function.node_def}
    for node in function.node_def:
        copied = NodeDef()
        copied.CopyFrom(node)
        copied.input[:] = [_graph_input(text, slots) for text in node.input]
        yield copied


def _first_slots(node: NodeDef, operator: OpDef | None) -> Mapping[str, int]:
    """Where each named output of an op begins in its flat list of outputs.

    TensorFlow 2.2 lists no operators for its functions; what is not listed begins at 0.
    """
    starts: dict[str, int] = {}
    position = 0
    for output in operator.output_arg if operator is not None else ():
        starts[output.name] = position
        if output.number_attr:
            position += max(node.attr[output.number_attr].i, 0)
        elif output.type_list_attr:
            position += len(node.attr[output.type_list_attr].list.type)
        else:
            position += 1
    return starts


def _graph_input(text: str, slots: Mapping[str, Mapping[str, int]]) -> str:
    """``op:2`` for a function body's ``op:output:1`` where ``output`` begins at slot 1."""
    name, _, rest = text.partition(":")
    if not rest or name not in slots:
        return text
    output, _, number = rest.rpartition(":")
    # No op has outputs by the billion, and Python refuses to read a number of thousands of digits.
    slot = slots[name].get(output, 0) + (int(number) if number.isdecimal() and len(number) <= 10 else 0)
    return f"{name}:{slot}" if slot else name


# --- The Keras model -------------------------------------------------------------------------------------------------


def _keras_model(file: Path, meta_graph: Any, notes: list[str]) -> tuple[Mapping[str, Any] | None, LayerGraph | None]:
    text = _keras_metadata(file, meta_graph)
    if not text:
        return None, None
    try:
        metadata = json.loads(text)
        if not isinstance(metadata, dict):
            raise SourceError("it is not a JSON object")
        model = metadata.get("model_config")
        described = _without_tuples(model if isinstance(model, dict) else metadata)
        config = {
            "class_name": described.get("class_name"),
            "config": described.get("config"),
            "keras_version": metadata.get("keras_version", ""),
        }
        from graphdiag.sources.keras_json import layer_graph_from_json

        return config, layer_graph_from_json(config)
    except (ValueError, RecursionError, SourceError) as error:
        notes.append(f"The Keras model in the SavedModel was not used: {error}")
        return None, None


def _keras_metadata(file: Path, meta_graph: Any) -> str:
    """The JSON that Keras 2 keeps of the saved object itself, which is node 0."""
    from google.protobuf.message import DecodeError

    beside = file.with_name(KERAS_METADATA)
    if beside.exists():
        try:
            saved = _messages()["SavedMetadata"].FromString(read_bytes(beside))
        except DecodeError as error:
            raise SourceError(f"{beside} is damaged and cannot be parsed; save the model again.") from error
        for node in saved.nodes:
            if node.node_id == 0 and node.identifier in _MODEL_IDENTIFIERS:
                return str(node.metadata)
    nodes = meta_graph.object_graph_def.nodes
    if nodes and nodes[0].user_object.identifier in _MODEL_IDENTIFIERS:
        return str(nodes[0].user_object.metadata)
    return ""


def _without_tuples(value: Any) -> Any:
    """The JSON with plain lists for what Keras marks as ``__tuple__`` or ``TensorShape`` in a SavedModel."""
    if isinstance(value, dict):
        if value.get("class_name") in ("__tuple__", "TensorShape") and isinstance(value.get("items"), list):
            return [_without_tuples(item) for item in value["items"]]
        return {key: _without_tuples(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_tuples(item) for item in value]
    return value
