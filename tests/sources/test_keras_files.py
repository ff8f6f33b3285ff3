from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graphdiag.errors import SourceError
from graphdiag.graphs.layer_graph import LayerGraph, LayerTensor
from graphdiag.sources.keras_files import open_keras_archive, open_keras_json
from graphdiag.sources.keras_json import layer_graph_from_json
from tests.sources.event_files import FILES, LOGS


def read(path: Path) -> LayerGraph:
    return layer_graph_from_json(json.loads(path.read_text()))


def sources(graph: LayerGraph, target: str) -> set[str]:
    return {source for source, found in graph.edges if found == target}


# --- Against what Keras recorded while the models lived ---------------------------------------------------------------


def nested_inputs(entry: dict[str, Any], inside: bool = False) -> Iterator[str]:
    """Names of the input layers of nested models."""
    config = entry["config"]
    layers = config if isinstance(config, list) else config.get("layers", [])
    for layer in layers:
        if inside and layer["class_name"] == "InputLayer":
            yield layer["config"]["name"]
        yield from nested_inputs(layer, inside=True)


# Keras 2.1.6 does not write the name of a Sequential inside a Sequential, nor that of its input.
UNNAMED = {"keras216_sequential_in_sequential": {"sequential_2": "inner", "sequential_2_input": "inner_input"}}
UNWRITTEN_INPUTS = {"keras216_sequential_in_sequential": {"ic_input"}}

RECORDED = sorted(path.parent.name for path in LOGS.glob("*/logical_edges.json"))


@pytest.mark.parametrize("name", RECORDED)
def test_flattened_edges_fold_back_to_those_that_keras_recorded(name: str) -> None:
    """``logical_edges.json`` lists the outer edges with nested models as nodes, and the edges inside each of them."""
    model = json.loads((LOGS / name / "model.json").read_text())
    recorded = {tuple(edge) for edge in json.loads((LOGS / name / "logical_edges.json").read_text())}
    graph = layer_graph_from_json(model)
    bypassed = {*nested_inputs(model), *UNWRITTEN_INPUTS.get(name, ())}

    def fold(layer_id: str) -> str:
        layer = graph.layers[layer_id]
        folded = layer.path[0] if layer.path else layer.name
        return UNNAMED.get(name, {}).get(folded, folded)

    top = {fold(layer_id) for layer_id in graph.layers}
    outer = {
        (fold(source), fold(target))
        for source, target in graph.edges
        if fold(source) != fold(target) or not graph.layers[source].path
    }
    inner = {
        (graph.layers[source].name, graph.layers[target].name)
        for source, target in graph.edges
        if graph.layers[source].path and graph.layers[source].path == graph.layers[target].path
    }
    if name == "keras216_siamese":
        # The edges inside its nested model were not recorded: those of a Sequential follow from the order.
        assert inner == {("enc_a", "enc_bn"), ("enc_bn", "enc_drop"), ("enc_drop", "enc_b")}
        inner = set()
    if name == "k3_raw_ops":
        # Only edges between Layer objects were recorded, and a raw operation is none unless a layer takes its output.
        outer = {(source, target) for source, target in outer if target in ("h", "o")}
    assert outer == {edge for edge in recorded if edge[0] in top and edge[1] in top}
    assert inner == {edge for edge in recorded if edge[0] not in top and edge[0] not in bypassed}
    assert outer | inner == {edge for edge in recorded if edge[0] not in bypassed}


@pytest.mark.parametrize(
    "name", ["keras216_reference", "tfkeras110_reference", "tf22_reference", "k3_reference_training"]
)
def test_the_reference_model_has_28_layers_and_27_edges_on_every_stack(name: str) -> None:
    graph = read(LOGS / name / "model.json")
    assert (len(graph.layers), len(graph.edges)) == (28, 27)
    assert graph.inputs == ("pt_cloud_0", "pt_cloud_1", "aux_in")
    assert graph.outputs == ("prediction",)
    assert [layer.name for layer in graph.layers.values() if layer.is_input] == list(graph.inputs)
    assert all(layer.calls == 1 for layer in graph.layers.values())


# --- Nested, shared, keyword tensors, raw operations ------------------------------------------------------------------

RAW_OPS = {
    "k3": ("get_item", "multiply", "get_item_1", "concatenate"),
    "tfk": ("tf.__operators__.getitem", "tf.math.multiply", "tf.__operators__.getitem_1", "tf.concat"),
    "tf22": (
        "tf_op_layer_strided_slice",
        "tf_op_layer_Mul",
        "tf_op_layer_strided_slice_1",
        "tf_op_layer_concat",
    ),
}


@pytest.mark.parametrize("stack", ["k3", "tfk", "tf22", "keras216"])
def test_a_nested_model_of_several_inputs_and_outputs_called_twice(stack: str) -> None:
    """``p, q, r = two([x, y])``, then ``two([q, p])``; ``two`` gives ``mix``, ``act`` and its first input unchanged."""
    graph = read(FILES / f"{stack}_mixed.json")
    assert {nested.id: nested.calls for nested in graph.nested.values()} == {"two": 2, "two/inner": 1}
    assert graph.nested["two/inner"].path == ("two",)
    assert sources(graph, "two/inner/proj") == {"x", "two/act"}
    assert sources(graph, "two/act") == {"y", "two/mix"}
    assert sources(graph, "two/mix") == {"two/inner/proj", "y", "two/mix"}
    # The third output of each call is that call's own first input.
    assert sources(graph, "straight") == {"x", "two/act"}
    assert graph.layers["two/inner/proj"].path == ("two", "inner")
    assert graph.layers["two/inner/proj"].name == "proj"
    assert graph.inputs == ("x", "y")
    assert len(set(graph.edges)) == len(graph.edges)
    shared = graph.layers["shared" if stack == "k3" else "shared/dense"]
    assert shared.calls == 2
    assert graph.outputs == (shared.id,)


def test_keras_3_counts_calls_of_a_nested_model_in_another_way_for_the_outputs_of_the_model() -> None:
    """``first, second = inner(x), inner(a)``: ``first`` is an output of the model, and ``out`` takes ``second``."""
    graph = read(FILES / "k3_nested_called_twice.json")
    assert graph.output_tensors == (LayerTensor("inner/dense", 0, 0), LayerTensor("out", 0, 0))
    assert [edge.source for edge in graph.tensors if edge.target == "out"] == [LayerTensor("inner/dense", 1, 0)]


@pytest.mark.parametrize("stack", ["k3", "tfk", "keras216"])
def test_tensors_in_keyword_arguments_are_edges_and_wrappers_are_one_layer(stack: str) -> None:
    graph = read(FILES / f"{stack}_mixed.json")
    assert sources(graph, "lstm_2") == {"two/mix", "lstm"}
    assert sources(graph, "each") == {"both_ways"}
    assert graph.layers["both_ways"].class_name == "Bidirectional"
    if stack != "keras216":
        assert sources(graph, "attend") == {"each", "two/act"}


@pytest.mark.parametrize("stack", RAW_OPS)
def test_raw_operations_are_layers(stack: str) -> None:
    graph = read(FILES / f"{stack}_mixed.json")
    first_slice, product, second_slice, joined = RAW_OPS[stack]
    assert sources(graph, first_slice) == {"each" if stack == "tf22" else "attend"}
    assert sources(graph, product) == {first_slice}
    assert sources(graph, second_slice) == {"two/mix"}
    assert sources(graph, joined) == {product, second_slice}


def functional(*layers: dict[str, Any], outputs: list[Any], inputs: Any = None) -> dict[str, Any]:
    given = inputs if inputs is not None else [["x", 0, 0]]
    config = {"name": "m", "layers": list(layers), "input_layers": given, "output_layers": outputs}
    return {"class_name": "Model", "config": config, "keras_version": "2.4.0"}


def layer(name: str, nodes: list[Any], class_name: str = "Dense", **config: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": {"name": name, **config}, "name": name, "inbound_nodes": nodes}


X = layer("x", [], "InputLayer", batch_input_shape=[None, 4])


def test_keras_2_keyword_tensors_and_constants() -> None:
    graph = layer_graph_from_json(
        functional(
            X,
            layer("other", [[["x", 0, 0, {}]]]),
            layer("masked", [[["x", 0, 0, {"mask": ["other", 0, 0], "axis": [1, 0, 0], "label": ["x", "y", "z"]}]]]),
            layer("constant", [["_CONSTANT_VALUE", -1, 2.0, {"y": ["masked", 0, 0]}]]),
            layer("by_key", [{"b": ["constant", 0, 0, {}], "a": ["other", 0, 0, {}]}]),
            outputs=["by_key", 0, 0],
        )
    )
    assert sources(graph, "masked") == {"x", "other"}
    assert sources(graph, "constant") == {"masked"}
    assert sources(graph, "by_key") == {"constant", "other"}
    assert graph.outputs == ("by_key",)
    assert graph.layers["masked"].calls == 1


def test_a_layer_name_may_hold_a_slash_and_ids_stay_unique() -> None:
    inner = functional(X, layer("bn", [[["x", 0, 0, {}]]]), outputs=[["bn", 0, 0]])
    nested = {**inner, "name": "conv1", "inbound_nodes": [[["x", 0, 0, {}]]]}
    graph = layer_graph_from_json(
        functional(X, nested, layer("conv1/bn", [[["conv1", 1, 0, {}]]]), outputs=[["conv1/bn", 0, 0]])
    )
    assert graph.edges == (("x", "conv1/bn"), ("conv1/bn", "conv1/bn#2"))
    assert graph.layers["conv1/bn#2"].name == "conv1/bn"
    assert graph.layers["conv1/bn#2"].path == ()


def test_dict_inputs_of_a_nested_model_go_by_key() -> None:
    """Keras sorts the keys; the layers behind them are listed the other way round."""
    a, b = layer("in_a", [], "InputLayer"), layer("in_b", [], "InputLayer")
    inner = functional(
        a,
        b,
        layer("uses_a", [[["in_a", 0, 0, {}]]]),
        layer("uses_b", [[["in_b", 0, 0, {}]]]),
        inputs={"second": ["in_a", 0, 0], "first": ["in_b", 0, 0]},
        outputs={"v": ["uses_b", 0, 0], "u": ["uses_a", 0, 0]},
    )
    nested = {**inner, "name": "n", "inbound_nodes": [{"first": ["x", 0, 0, {}], "second": ["y", 0, 0, {}]}]}
    y = layer("y", [], "InputLayer")
    graph = layer_graph_from_json(
        functional(
            X,
            y,
            nested,
            layer("takes_u", [[["n", 1, 0, {}]]]),
            inputs=[["x", 0, 0], ["y", 0, 0]],
            outputs=[["takes_u", 0, 0]],
        )
    )
    assert sources(graph, "n/uses_a") == {"y"}
    assert sources(graph, "n/uses_b") == {"x"}
    assert sources(graph, "takes_u") == {"n/uses_a"}


def test_a_nested_model_that_gives_its_input_to_itself_comes_to_an_end() -> None:
    inner = functional(X, outputs=[["x", 0, 0]])
    nested = {**inner, "name": "n", "inbound_nodes": [[["n", 1, 0, {}]]]}
    graph = layer_graph_from_json(functional(X, nested, layer("d", [[["n", 1, 0, {}]]]), outputs=[["d", 0, 0]]))
    assert sources(graph, "d") == set()


def test_a_nested_model_is_one_whatever_its_class_is_called() -> None:
    inner = functional(X, layer("d", [[["x", 0, 0, {}]]]), outputs=[["d", 0, 0]])
    nested = {**inner, "class_name": "InputLayer", "name": "n", "inbound_nodes": [[["x", 0, 0, {}]]]}
    graph = layer_graph_from_json(functional(X, nested, outputs=[["n", 1, 0]]))
    assert graph.edges == (("x", "n/d"),)
    assert graph.outputs == ("n/d",)


# --- Sequential ------------------------------------------------------------------------------------------------------


def test_a_sequential_model_of_keras_2_1_6_gets_the_input_that_keras_made() -> None:
    graph = read(LOGS / "keras216_vgg_bn" / "model.json")
    assert graph.inputs == ("b0_conv0_input",)
    first = graph.layers["b0_conv0_input"]
    assert (first.class_name, first.is_input, first.output_shape) == ("InputLayer", True, "(None, 32, 32, 3)")
    assert graph.edges[0] == ("b0_conv0_input", "b0_conv0")
    # The layer itself records the shape of its input; that of its output follows from its settings.
    assert graph.layers["b0_conv0"].output_shape == "(None, 32, 32, 16)"


def test_sequential_models_without_names_are_named_as_keras_names_them_on_loading() -> None:
    graph = read(FILES / "keras216_sequential.json")
    assert graph.model_name == "sequential_1"
    assert graph.edges == (("sequential_2_input", "sequential_2/first"), ("sequential_2/first", "last"))


def test_a_sequential_model_of_keras_3_that_was_never_built_gets_an_input() -> None:
    graph = read(FILES / "k3_sequential.json")
    assert graph.edges == (("input_layer", "first"), ("first", "last"))


def test_an_input_layer_on_record_is_kept_as_it_is() -> None:
    model = {"class_name": "Sequential", "config": {"name": "s", "layers": [X, layer("d", [])]}}
    graph = layer_graph_from_json(model)
    assert graph.edges == (("x", "d"),)
    assert graph.inputs == ("x",)


def test_one_layer_twice_in_a_sequential_model_is_shared() -> None:
    model = {"class_name": "Sequential", "config": {"name": "s", "layers": [X, layer("d", []), layer("d", [])]}}
    graph = layer_graph_from_json(model)
    assert graph.layers["d"].calls == 2
    assert graph.edges == (("x", "d"), ("d", "d"))


# --- Files -----------------------------------------------------------------------------------------------------------

SIAMESE = [
    "k3_siamese.keras",
    "k3_siamese.h5",
    "tfk_siamese.keras",
    "tfk_siamese.h5",
    "tf22_siamese.h5",
    "keras216_siamese.h5",
]


@pytest.mark.parametrize("name", SIAMESE)
def test_saved_models_of_every_stack_hold_the_same_layers(name: str) -> None:
    opened = open_keras_archive(FILES / name)
    graph = opened.layer_graph
    assert graph is not None
    assert graph.model_name == "siamese"
    assert list(graph.layers) == [
        "left", "right", "encoder/enc_dense", "encoder/enc_bn", "distance", "square", "same",
    ]  # fmt: skip
    assert set(graph.edges) == {
        ("left", "encoder/enc_dense"),
        ("right", "encoder/enc_dense"),
        ("encoder/enc_dense", "encoder/enc_bn"),
        ("encoder/enc_bn", "distance"),
        ("distance", "square"),
        ("square", "same"),
    }
    assert graph.layers["square"].class_name == "Lambda"
    assert graph.nested["encoder"].calls == 2
    versions = {"k3": "3.15.1", "tfk": "2.21.0", "tf22": "2.3.0-tf", "keras216": "2.1.6"}
    assert graph.keras_version == versions[name.partition("_")[0]]
    assert opened.origin.stack == f"Keras {graph.keras_version}"
    assert opened.origin.kind == "keras_file"
    assert not opened.has_op_graph
    assert opened.keras_json is not None


@pytest.mark.parametrize("name", [name for name in SIAMESE if name.endswith(".h5")])
def test_hdf5_gives_the_number_of_weights_also_inside_nested_models(name: str) -> None:
    graph = open_keras_archive(FILES / name).layer_graph
    assert graph is not None
    assert {layer.name: layer.parameters for layer in graph.layers.values()} == {
        "left": 0, "right": 0, "enc_dense": 4 * 3 + 3, "enc_bn": 4 * 3, "distance": 0, "square": 0, "same": 3 + 1,
    }  # fmt: skip


def test_keras_3_records_the_shape_of_every_tensor() -> None:
    graph = open_keras_archive(FILES / "k3_siamese.keras").layer_graph
    assert graph is not None
    assert graph.layers["encoder/enc_bn"].output_shape == "(None, 3)"
    assert graph.layers["left"].output_shape == "(None, 4)"


def test_json_may_be_written_twice_over(tmp_path: Path) -> None:
    text = (FILES / "tfk_mixed.json").read_text()
    file = tmp_path / "model.json"
    file.write_text(json.dumps(text))
    opened = open_keras_json(file)
    assert opened.layer_graph == read(FILES / "tfk_mixed.json")
    assert opened.origin.kind == "keras_json"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("{", "is not JSON: .*line 1 column 2"),
        ("[1, 2]", "its JSON is not an object"),
        ('{"a": 1}', "is not a Keras model: it has no 'class_name'"),
        ('{"class_name": "Mine", "config": {"units": 3}}', "'Mine' and no layers: a subclassed model"),
        (
            '{"class_name": "Sequential", "config": {"name": "s", "layers": []}}',
            "the Keras model 's' has no layers|has no layers",
        ),
        (json.dumps(functional(X, outputs=[["y", 0, 0]])), "uses a tensor of 'y', which is none of its layers"),
        (json.dumps(functional(X, X, outputs=[["x", 0, 0]])), "two layers named 'x'"),
        (json.dumps(functional(X, layer("d", 3), outputs=[["x", 0, 0]])), "inbound nodes of the Keras layer 'd'"),
        ("[" * 100_000, r"is not JSON of a model: it is nested too deeply; give the result of model.to_json\(\)\.$"),
        (f'{{"units": {"9" * 5_000}}}', "is not JSON of a model: it holds a number of thousands of digits; give"),
    ],
    ids=range(11),
)
def test_bad_json_is_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "model.json"
    file.write_text(text)
    with pytest.raises(SourceError, match=message) as caught:
        open_keras_json(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_json_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    file = tmp_path / "model.json"
    file.write_bytes(b'{"class_name": "\xff"}')
    with pytest.raises(SourceError, match="is not JSON"):
        open_keras_json(file)


def archive(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(f"{name}.json", content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"neither of the two formats", "neither a .keras archive nor HDF5"),
        (archive(metadata=b"{}"), "without config.json"),
        (archive(config=b"{"), "config.json in .* is not JSON"),
        (archive(config=b" " * (64 * 2**20 + 1)), "unpacks to more than 64 MiB"),
        ((FILES / "k3_siamese.keras").read_bytes()[:2000], "is a damaged .keras archive"),
        ((FILES / "tfk_siamese.h5").read_bytes()[:3000], "is a damaged HDF5 file"),
        ((FILES / "k3_only.weights.h5").read_bytes(), "holds no model, only weights"),
        ((FILES / "k3_subclassed.keras").read_bytes(), "'Own' and no layers"),
    ],
    ids=["empty", "unknown", "no config", "bad config", "bomb", "cut zip", "cut hdf5", "weights", "subclassed"],
)
def test_a_bad_archive_is_one_clear_line(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "model.keras"
    file.write_bytes(content)
    with pytest.raises(SourceError, match=message) as caught:
        open_keras_archive(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_damaged_member_of_an_archive_is_told(tmp_path: Path) -> None:
    content = bytearray((FILES / "k3_siamese.keras").read_bytes())
    start = content.index(b"config.json") + 200
    content[start : start + 50] = bytes(50)
    file = tmp_path / "model.keras"
    file.write_bytes(bytes(content))
    with pytest.raises(SourceError, match=r"is a damaged .keras archive|is not JSON"):
        open_keras_archive(file)
