from __future__ import annotations

from pathlib import Path

import pytest
from tensorboard.compat.proto.function_pb2 import FunctionDef
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.meta_graph_pb2 import MetaGraphDef

from graphdiag.errors import SourceError
from graphdiag.graphs.op_graph import merge
from graphdiag.sources.graph_def import open_graph_file
from graphdiag.sources.opened import Opened
from graphdiag.sources.saved_model import open_saved_model
from tests.sources.event_files import FILES, LOGS, graph


def names(opened: Opened) -> list[str]:
    (graph_def,) = opened.graph_defs
    return [node.name for node in graph_def.node]


def saved_model(file: Path, *meta_graphs: MetaGraphDef) -> Path:
    """Write a SavedModel by hand: field 1 the schema version, field 2 each meta graph."""
    content = b"\x08\x01"
    for meta_graph in meta_graphs:
        data = meta_graph.SerializeToString()
        assert len(data) < 2**14
        content += b"\x12" + bytes([len(data) & 0x7F | 0x80, len(data) >> 7]) + data
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def test_a_binary_and_a_text_graph_of_tensorflow_1_are_the_same() -> None:
    binary, text = (open_graph_file(FILES / f"tf110_relu.{suffix}") for suffix in ("pb", "pbtxt"))
    assert binary.graph_defs == text.graph_defs
    assert names(binary)[:2] == ["x", "w/Initializer/random_uniform/shape"]
    assert names(binary)[-1] == "y"
    assert binary.origin.kind == "graph_def"
    assert binary.origin.stack == "GraphDef producer 26 (as of TensorFlow 1.10)"
    assert binary.has_op_graph
    assert binary.layer_graph is None


def test_a_saved_model_of_tensorflow_1_gives_its_graph() -> None:
    opened = open_saved_model(FILES / "tf110_saved_model")
    assert {"x", "w", "product", "save/restore_all"} <= set(names(opened))
    assert opened.origin.kind == "saved_model"
    assert opened.origin.stack == "TensorFlow 1.10.0"
    assert opened.notes == ()


def test_of_several_meta_graphs_the_one_for_serving_is_taken_with_a_note() -> None:
    opened = open_saved_model(FILES / "tf110_two_tags")
    assert "product" in names(opened)
    # Only the graph tagged "train" has the relu.
    assert "y" not in names(opened)
    assert opened.notes == (
        "saved_model.pbtxt holds 2 graphs, tagged 'train'; 'serve'; the one tagged 'serve' is taken.",
    )


@pytest.mark.parametrize(
    ("name", "prefix", "version"),
    [
        ("tfk_saved_model", "line/", "2.21.0"),
        ("tf22_saved_model", "line/", "2.2.0"),
        ("k3_exported", "line_1/", "2.21.0"),
    ],
)
def test_a_saved_model_of_tensorflow_2_gives_the_forward_pass_out_of_its_function(
    name: str, prefix: str, version: str
) -> None:
    opened = open_saved_model(FILES / name)
    (graph_def,) = opened.graph_defs
    products = [node.name for node in graph_def.node if node.op == "MatMul"]
    assert len(products) == 2
    assert all(product.startswith(prefix) for product in products)
    ops = merge(opened.graph_defs)
    assert ops.dangling == ()
    assert len(ops.source) == sum(len(node.input) for node in graph_def.node)
    placeholders = [node for node in graph_def.node if node.op == "Placeholder"]
    # One input, and the variables of two Dense layers (2 each) and one BatchNormalization (4), as handles.
    assert [node.attr["dtype"].type for node in placeholders] == [1] + [20] * 8
    assert f"TensorFlow {version}" in opened.origin.stack
    assert "the forward pass as exported, in inference mode" in opened.notes[0]


@pytest.mark.parametrize("name", ["tfk_saved_model", "tf22_saved_model"])
def test_the_keras_model_inside_a_saved_model_gives_the_layers(name: str) -> None:
    opened = open_saved_model(FILES / name)
    assert opened.layer_graph is not None
    assert opened.layer_graph.edges == (("x", "first"), ("first", "norm"), ("norm", "last"))
    assert opened.layer_graph.layers["x"].output_shape == "(None, 4)"
    assert opened.layer_graph.keras_version in ("2.21.0", "2.3.0-tf")
    assert opened.keras_json is not None
    assert opened.keras_json["class_name"] in ("Functional", "Model")


def test_a_subclassed_model_in_a_saved_model_has_ops_and_a_note() -> None:
    opened = open_saved_model(FILES / "tfk_subclassed")
    assert "own/only/MatMul" in names(opened)
    assert opened.layer_graph is None
    assert "'Own' and no layers" in opened.notes[1]


def test_the_file_of_a_saved_model_is_recognized_by_its_content(tmp_path: Path) -> None:
    renamed = tmp_path / "model.pb"
    renamed.write_bytes((FILES / "tf22_saved_model" / "saved_model.pb").read_bytes())
    opened = open_graph_file(renamed)
    assert opened.origin.kind == "saved_model"
    assert opened.graph_defs == open_saved_model(FILES / "tf22_saved_model").graph_defs
    text = open_graph_file(FILES / "tf110_two_tags" / "saved_model.pbtxt")
    assert text.origin.kind == "saved_model"


def wrapped(body: FunctionDef) -> MetaGraphDef:
    """A meta graph whose serving signature calls ``body`` through a wrapper."""
    meta_graph = MetaGraphDef()
    meta_graph.meta_info_def.tags.append("serve")
    library = meta_graph.graph_def.library
    library.function.append(body)
    wrapper = library.function.add()
    wrapper.signature.name = "wrapper"
    for name, target in (("wrapper", body.signature.name), ("StatefulPartitionedCall", "wrapper")):
        node = wrapper.node_def.add() if name == "wrapper" else meta_graph.graph_def.node.add()
        node.name, node.op = "StatefulPartitionedCall", "StatefulPartitionedCall"
        node.attr["f"].func.name = target
    meta_graph.signature_def["serving_default"].outputs["y"].name = "StatefulPartitionedCall:0"
    return meta_graph


def test_outputs_of_ops_inside_a_function_become_flat_slots(tmp_path: Path) -> None:
    body = FunctionDef()
    body.signature.name = "body"
    body.signature.input_arg.add(name="x", type=1)
    body.node_def.add(name="norm", op="FusedBatchNormV3", input=["x"])
    split = body.node_def.add(name="parts", op="Mixed", input=["norm:y:0", "norm:batch_variance:0", "^norm"])
    split.attr["count"].i = 3
    split.attr["kinds"].list.type.extend([1, 3])
    body.node_def.add(name="sum", op="AddN", input=["parts:many:2", "parts:listed:1", "parts:last:0"])
    meta_graph = wrapped(body)
    operators = meta_graph.meta_info_def.stripped_op_list
    norm = operators.op.add(name="FusedBatchNormV3")
    for output in ("y", "batch_mean", "batch_variance"):
        norm.output_arg.add(name=output, type=1)
    mixed = operators.op.add(name="Mixed")
    mixed.output_arg.add(name="many", number_attr="count")
    mixed.output_arg.add(name="listed", type_list_attr="kinds")
    mixed.output_arg.add(name="last")
    (graph_def,) = open_saved_model(saved_model(tmp_path / "saved_model.pb", meta_graph).parent).graph_defs
    assert [list(node.input) for node in graph_def.node] == [
        [],
        ["x"],
        ["norm", "norm:2", "^norm"],
        ["parts:2", "parts:4", "parts:5"],
    ]
    assert {function.signature.name for function in graph_def.library.function} == {"body", "wrapper"}


def test_a_layers_own_function_is_not_taken_for_a_wrapper(tmp_path: Path) -> None:
    body = FunctionDef()
    body.signature.name = "body"
    call = body.node_def.add(name="model/layer/PartitionedCall", op="PartitionedCall")
    call.attr["f"].func.name = "inner"
    meta_graph = wrapped(body)
    inner = meta_graph.graph_def.library.function.add()
    inner.signature.name = "inner"
    inner.node_def.add(name="MatMul", op="MatMul")
    saved_model(tmp_path / "saved_model.pb", meta_graph)
    assert names(open_saved_model(tmp_path)) == ["model/layer/PartitionedCall"]


def test_functions_that_call_each_other_come_to_an_end(tmp_path: Path) -> None:
    body = FunctionDef()
    body.signature.name = "body"
    call = body.node_def.add(name="PartitionedCall", op="PartitionedCall")
    call.attr["f"].func.name = "wrapper"
    saved_model(tmp_path / "saved_model.pb", wrapped(body))
    assert len(names(open_saved_model(tmp_path))) == 1


def test_a_graph_of_no_ops_is_a_graph(tmp_path: Path) -> None:
    file = tmp_path / "empty.pb"
    file.write_bytes(graph(producer=175).SerializeToString())
    opened = open_graph_file(file)
    assert opened.has_op_graph
    assert names(opened) == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.pb", b"", "is empty"),
        ("empty.pbtxt", b"", "is empty"),
        ("text.pb", b"Some text that is not a protobuf.\n", "is text; name it .pbtxt"),
        ("long.pb", b"\x0a\xff\xff\xff\x0fabc", "cannot be parsed"),
        ("cut.pb", (FILES / "tf110_relu.pb").read_bytes()[:700], "cannot be parsed"),
        ("text.pbtxt", b"Some text that is not a protobuf.\n", "is not a protobuf in text format: 1:"),
        ("binary.pbtxt", b"\xff\xfe\x00\x01", "is not a protobuf in text format"),
        ("other.pbtxt", b"some_field: 3\n", "is not a GraphDef"),
        ("other.pb", b"\x0a\x04\x0a\x02hi", "is not a GraphDef"),
        ("saved.pb", b"\x08\x01", "holds no graph"),
        ("saved.pb", (FILES / "k3_exported" / "saved_model.pb").read_bytes()[:9999], "cannot be parsed"),
    ],
)
def test_a_bad_file_is_one_clear_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(SourceError, match=message) as caught:
        open_graph_file(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_event_file_is_no_graph(tmp_path: Path) -> None:
    (log,) = (LOGS / "keras216_shape_only").glob("*tfevents*")
    with pytest.raises(SourceError, match=r"not a binary GraphDef|not a GraphDef"):
        open_graph_file(log)


def test_a_directory_without_a_saved_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"holds no saved_model.pb"):
        open_saved_model(tmp_path)


def test_damaged_keras_metadata_is_an_error(tmp_path: Path) -> None:
    for name in ("saved_model.pb", "keras_metadata.pb"):
        (tmp_path / name).write_bytes((FILES / "tfk_saved_model" / name).read_bytes())
    (tmp_path / "keras_metadata.pb").write_bytes(b"\xff\xff")
    with pytest.raises(SourceError, match=r"keras_metadata.pb is damaged"):
        open_saved_model(tmp_path)


def test_a_graph_keeps_its_function_library() -> None:
    (graph_def,) = open_saved_model(FILES / "tfk_saved_model").graph_defs
    assert isinstance(graph_def, GraphDef)
    assert graph_def.versions.producer == 2474
    assert any("line" in function.signature.name for function in graph_def.library.function)
