"""Which crossings the layer graph explains, and which of its edges the op graph lacks."""

from __future__ import annotations

from graphdiag.diagnosis.context import analyze
from graphdiag.graphs.op_graph import from_graph_def
from tests.support.graph_text import graph_def
from tests.support.layers import layer_graph


def context_of(text, layers):
    return analyze(from_graph_def(graph_def(text)), layers)


def unexplained(text, layers):
    return sorted(context_of(text, layers).unexplained)


CHAIN = """
    x Feed
    a/MatMul MatMul x
    b/Relu Relu a/MatMul
    c/Relu Relu b/Relu
"""


def test_edges_that_keras_records_are_explained():
    assert unexplained(CHAIN, layer_graph([("x", "a"), ("a", "b"), ("b", "c")], inputs=["x"])) == []


def test_an_edge_that_keras_lacks_is_not_explained():
    text = CHAIN + "c/Add Add c/Relu a/MatMul"
    assert unexplained(text, layer_graph([("x", "a"), ("a", "b"), ("b", "c")], inputs=["x"])) == [("a", "c")]


def test_the_direction_counts():
    layers = layer_graph([("x", "a"), ("a", "b"), ("x", "c"), ("c", "b")], inputs=["x"])
    assert unexplained("x Feed\nc/Relu Relu x\na/Add Add x c/Relu\nb/Add Add a/Add c/Relu", layers) == [("c", "a")]


def test_edges_are_followed_through_ops_of_nobody():
    layers = layer_graph([("x", "a"), ("a", "b"), ("x", "c")], inputs=["x"])
    text = "x Feed\na/MatMul MatMul x\nmul Mul a/MatMul\nadd Add mul\nb/Relu Relu add\nc/Add Add x add"
    context = context_of(text, layers)
    assert sorted(context.unexplained) == [("a", "c")]
    [edge] = context.unexplained["a", "c"]
    [evidence] = context.evidence([edge])
    assert (evidence.source, evidence.through, evidence.target) == ("a/MatMul", ("mul", "add"), "c/Add")


# --- layers that hand on their input ---------------------------------------------------------------------------------


def test_layers_without_ops_are_passed_by():
    layers = layer_graph([("x", "a"), ("a", "drop"), ("drop", "noise"), ("noise", "c")], inputs=["x"])
    context = context_of("x Feed\na/MatMul MatMul x\nc/Relu Relu a/MatMul", layers)
    assert context.without_ops == {"drop", "noise"}
    assert context.unexplained == {}
    assert context.undrawn == []


def test_a_path_through_a_layer_with_ops_explains_nothing():
    layers = layer_graph([("x", "a"), ("a", "b"), ("b", "c")], inputs=["x"])
    assert unexplained("x Feed\na/M MatMul x\nb/Relu Relu a/M\nc/Add Add a/M b/Relu", layers) == [("a", "c")]


def test_a_layer_that_only_looks_at_the_shape_is_passed_by():
    # RandomFlip for inference: it asks for the shape, and flips nothing.
    layers = layer_graph([("x", "a"), ("a", "flip"), ("flip", "c")], inputs=["x"])
    context = context_of(
        "x Feed\na/MatMul MatMul x\nflip/Shape Shape a/MatMul\nflip/Const Const\nc/Relu Relu a/MatMul", layers
    )
    assert context.unexplained == {}
    assert context.undrawn == []
    assert context.without_ops == frozenset()


def test_a_layer_that_takes_values_and_gives_none_is_not_passed_by():
    # b computes, and c takes the tensor of a behind Keras's back.
    layers = layer_graph([("x", "a"), ("a", "b"), ("b", "c")], inputs=["x"])
    context = context_of("x Feed\na/MatMul MatMul x\nb/Relu Relu a/MatMul\nc/Relu Relu a/MatMul", layers)
    assert sorted(context.unexplained) == [("a", "c")]
    assert context.undrawn == [("b", "c")]


def test_activity_regularization_is_passed_by_although_it_takes_values():
    layers = layer_graph([("x", "a"), ("a", "r"), ("r", "c")], inputs=["x"], classes={"r": "ActivityRegularization"})
    context = context_of(
        "x Feed\na/MatMul MatMul x\nr/Square Square a/MatMul\nc/Relu Relu a/MatMul\nadd Add r/Square", layers
    )
    assert context.unexplained == {}
    assert context.undrawn == []


# --- nested models ---------------------------------------------------------------------------------------------------


def test_a_nested_models_own_ops_stand_for_its_layers():
    layers = layer_graph([("x", "enc/d"), ("enc/d", "c")], inputs=["x"], nested=["enc"])
    text = "x Feed\nenc/d/MatMul MatMul x\nenc/Reshape Reshape enc/d/MatMul\nc/Relu Relu enc/Reshape"
    context = context_of(text, layers)
    assert ("enc/d", "enc") in context.crossings.edges
    assert ("enc", "c") in context.crossings.edges
    assert context.unexplained == {}
    assert context.undrawn == []


def test_two_layers_of_a_nested_model_are_not_excused_by_lying_in_it():
    layers = layer_graph([("x", "enc/a"), ("enc/a", "enc/b"), ("enc/b", "enc/c")], inputs=["x"], nested=["enc"])
    text = "x Feed\nenc/a/M MatMul x\nenc/b/R Relu enc/a/M\nenc/c/A Add enc/b/R enc/a/M"
    assert unexplained(text, layers) == [("enc/a", "enc/c")]


# --- masks -----------------------------------------------------------------------------------------------------------

MASKED = """
    x Feed
    m/zero Const
    m/NotEqual NotEqual x m/zero
    m/Any Any m/NotEqual
    m/mul Mul x m/Any
    r1/Scan Mul m/mul m/Any
    d/MatMul MatMul r1/Scan
    r2/Scan Mul d/MatMul m/Any
"""
MASKED_LAYERS = [("x", "m"), ("m", "r1"), ("r1", "d"), ("d", "r2")]


def test_a_mask_goes_to_every_layer_further_down():
    context = context_of(MASKED, layer_graph(MASKED_LAYERS, inputs=["x"], classes={"m": "Masking"}))
    assert context.masks == {("m", "r2")}
    assert context.unexplained == {}


def test_the_same_edge_from_another_class_is_no_mask():
    context = context_of(MASKED, layer_graph(MASKED_LAYERS, inputs=["x"], classes={"m": "Lambda"}))
    assert context.masks == frozenset()
    assert sorted(context.unexplained) == [("m", "r2")]


def test_a_lambda_takes_no_mask():
    layers = layer_graph(MASKED_LAYERS, inputs=["x"], classes={"m": "Masking", "r2": "Lambda"})
    assert context_of(MASKED, layers).masks == frozenset()
    assert unexplained(MASKED, layers) == [("m", "r2")]


def test_a_mask_does_not_go_to_layers_that_are_not_further_down():
    layers = layer_graph([*MASKED_LAYERS[:3], ("x", "r2")], inputs=["x"], classes={"m": "Masking"})
    assert ("m", "r2") in unexplained(MASKED, layers)


def test_the_values_of_a_masking_layer_are_no_mask():
    text = MASKED + "r2/Add Add r2/Scan m/mul"
    assert unexplained(text, layer_graph(MASKED_LAYERS, inputs=["x"], classes={"m": "Masking"})) == [("m", "r2")]


MERGED = """
    x Feed
    e/zero Const
    e/NotEqual NotEqual x e/zero
    e/Gather GatherV2 x
    cat/ConcatV2 ConcatV2 e/Gather e/Gather
    cat/Expand ExpandDims[bool] e/NotEqual
    cat/All All cat/Expand
    td/MatMul MatMul cat/ConcatV2
    td/Reshape Reshape[bool] cat/All
    r1/Scan Mul td/MatMul td/Reshape
    r2/Scan Mul r1/Scan td/Reshape
"""
MERGED_LAYERS = [("x", "e"), ("e", "cat"), ("cat", "td"), ("td", "r1"), ("r1", "r2")]


def test_merging_and_wrapping_layers_hand_masks_on():
    context = context_of(
        MERGED, layer_graph(MERGED_LAYERS, inputs=["x"], classes={"e": "Embedding", "cat": "Concatenate"})
    )
    assert context.masks == {("td", "r2")}
    assert context.unexplained == {}


def test_a_bool_that_also_depends_on_values_is_no_mask():
    text = MERGED.replace("cat/All All cat/Expand", "cat/More Greater e/Gather\n    cat/All All cat/Expand cat/More")
    layers = layer_graph(MERGED_LAYERS, inputs=["x"], classes={"e": "Embedding", "cat": "Concatenate"})
    assert unexplained(text, layers) == [("td", "r2")]


def test_what_was_made_of_a_mask_is_no_mask():
    text = MERGED.replace("td/Reshape Reshape[bool]", "td/Reshape Cast")
    layers = layer_graph(MERGED_LAYERS, inputs=["x"], classes={"e": "Embedding", "cat": "Concatenate"})
    # Nor is it what Keras gives to r1: that is one tensor, and td has another.
    assert unexplained(text, layers) == [("td", "r1"), ("td", "r2")]


def test_what_a_mask_waits_for_is_no_part_of_it():
    text = MERGED.replace("cat/All All cat/Expand", "cat/All All cat/Expand ^e/Gather")
    layers = layer_graph(MERGED_LAYERS, inputs=["x"], classes={"e": "Embedding", "cat": "Concatenate"})
    assert unexplained(text, layers) == []


# --- edges that are missing ------------------------------------------------------------------------------------------


def test_an_edge_that_the_op_graph_lacks_is_undrawn():
    layers = layer_graph([("x", "a"), ("a", "b"), ("x", "b")], inputs=["x"])
    context = context_of("x Feed\na/MatMul MatMul x\nb/Relu Relu a/MatMul", layers)
    assert context.undrawn == [("x", "b")]


def test_a_shared_layer_that_feeds_itself_is_not_undrawn():
    layers = layer_graph([("x", "a"), ("a", "a"), ("a", "b")], inputs=["x"], calls={"a": 2})
    assert context_of("x Feed\na/M MatMul x\na_1/M MatMul a/M\nb/R Relu a_1/M", layers).undrawn == []


def test_without_a_layer_graph_only_what_carries_no_activation_is_unexplained():
    text = """
        x Feed
        n/keras_learning_phase Flag
        a/MatMul MatMul x
        n/Switch Switch a/MatMul n/keras_learning_phase
        b/Switch Switch n/Switch n/keras_learning_phase
        c/Switch Switch b/Switch n/keras_learning_phase
    """
    context = context_of(text, None)
    assert sorted(context.crossings.edges) == [("a", "n"), ("b", "c"), ("n", "b"), ("n", "c")]
    assert sorted(context.unexplained) == [("n", "c")]
    assert context.undrawn == ()
    assert context.masks == frozenset()
