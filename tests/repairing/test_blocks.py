"""Blocks: every layer has its box, no block makes a loop, and the first look is one that a reader can take in."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdiag.graphs.layer_graph import Layer, LayerGraph, NestedModel
from graphdiag.repairing.blocks import LIMIT, TARGET, layer_boxes
from tests.repairing.layer_graphs import MODELS, Places, arrows, random_graph, real_model
from tests.support.layers import layer_graph


def boxes(places: Places) -> dict[tuple[str, ...], list[str]]:
    """What is directly in each box that holds others; the whole picture is the box ``()``."""
    found: dict[tuple[str, ...], dict[str, None]] = defaultdict(dict)
    for place in places.values():
        for depth, name in enumerate(place):
            found[place[:depth]][name] = None
    return {box: list(inside) for box, inside in found.items()}


def loops(graph: LayerGraph, places: Places) -> list[tuple[str, ...]]:
    return [box for box, pairs in arrows(graph, places).items() if not nx.is_directed_acyclic_graph(nx.DiGraph(pairs))]


def blocks_around(places: Places, layer: str) -> tuple[str, ...]:
    return places[layer][:-1]


def chain(names: Sequence[str]) -> LayerGraph:
    return layer_graph(list(pairwise(names)))


# --- Real models ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_a_real_model_is_read_at_one_look(name: str) -> None:
    graph = real_model(name)
    places = layer_boxes(graph)
    inside = boxes(places)
    assert list(places) == [*graph.nested, *graph.layers]
    assert len(inside[()]) <= TARGET
    assert max(map(len, inside.values())) <= 36
    assert loops(graph, places) == []
    assert all(len(places[layer]) == 1 for layer in (*graph.inputs, *graph.outputs))


def test_resnet50_is_shown_by_its_blocks() -> None:
    places = layer_boxes(real_model("resnet50"))
    assert sorted(boxes(places)[()]) == sorted(
        [
            *("input_layer_7", "conv1", "pool1_pad", "pool1_pool"),
            *(
                f"conv{stage}_block{block}"
                for stage, count in ((2, 3), (3, 4), (4, 6), (5, 3))
                for block in range(1, count + 1)
            ),
            *("avg_pool", "predictions"),
        ]
    )
    assert places["conv3_block2_2_bn"] == ("conv3_block2", "conv3_block2_2_bn")


def test_blocks_of_blocks_where_one_level_is_not_enough() -> None:
    places = layer_boxes(real_model("densenet121"))
    assert places["conv4_block24_concat"] == ("conv4", "block24", "conv4_block24_concat")
    assert {f"conv{stage}" for stage in range(1, 6)} < set(boxes(places)[()])
    assert len(boxes(places)["conv4",]) == 24


def test_what_all_names_begin_with_says_nothing() -> None:
    places = layer_boxes(real_model("convnexttiny"))
    layer = "convnext_tiny_stage_2_block_8_depthwise_conv"
    assert places[layer] == ("stage_2_block_8", layer)


def test_layers_that_keras_named_belong_to_the_block_they_lead_to() -> None:
    graph = real_model("inceptionresnetv2")
    places = layer_boxes(graph)
    in_block = [layer for layer, place in places.items() if "block17_3" in place]
    assert {graph.layers[layer].class_name for layer in in_block} > {"Conv2D", "BatchNormalization", "CustomScaleLayer"}
    assert len(in_block) == 16
    assert boxes(places)["block35",] == [f"block35_{number}" for number in range(1, 11)]


def test_a_block_of_keras_names_is_called_after_what_the_user_named_in_it() -> None:
    places = layer_boxes(real_model("inceptionv3"))
    assert places["mixed0"] == ("mixed0_block", "mixed0")
    assert [f"mixed{number}_block" in boxes(places)[()] for number in range(9)] == [True] * 9


def test_without_names_of_the_user_the_arrows_decide() -> None:
    places = layer_boxes(real_model("transformer"))
    assert sum(name.startswith("multi_head_attention") for name in boxes(places)[()]) == 12
    assert boxes(places)["multi_head_attention_3_to_layer_normalization_6",] == [
        "multi_head_attention_3",
        "dropout_19",
        "add_6",
        "layer_normalization_6",
    ]


def test_the_shape_of_a_u_net_stays() -> None:
    graph = real_model("unet")
    places = layer_boxes(graph)
    drawn = nx.DiGraph(arrows(graph, places)[()])
    assert len(drawn) == 11
    # Four ways across, from each level of the encoder to that of the decoder.
    assert sorted(degree for _, degree in drawn.out_degree()) == [0, *[1] * 6, *[2] * 4]


def test_a_large_nested_model_is_put_into_blocks_too() -> None:
    places = layer_boxes(real_model("siamese"))
    assert boxes(places)[()] == ["encoder", "left", "right", "difference", "score"]
    assert len(boxes(places)["encoder", "backbone"]) <= TARGET
    assert places["encoder/backbone/block_3_expand"] == ("encoder", "backbone", "block_3", "block_3_expand")


# --- Made-up models ---------------------------------------------------------------------------------------------------


def test_few_boxes_stay_as_they_are() -> None:
    graph = chain([f"block{number // 4}_dense{number % 4}" for number in range(LIMIT)])
    assert layer_boxes(graph) == {layer: (layer,) for layer in graph.layers}


def test_no_limit_no_blocks() -> None:
    graph = chain([f"block{number // 4}_dense{number % 4}" for number in range(200)])
    assert layer_boxes(graph, limit=None) == {layer: (layer,) for layer in graph.layers}


def test_a_long_chain_becomes_pieces_in_order() -> None:
    graph = chain(["input", *(f"dense_{number}" for number in range(100)), "out"])
    places = layer_boxes(graph)
    drawn = nx.DiGraph(arrows(graph, places)[()])
    assert 8 <= len(drawn) <= TARGET
    assert nx.is_path(drawn, list(nx.topological_sort(drawn)))


def test_a_long_chain_of_blocks_has_several_levels() -> None:
    graph = chain([f"dense_{number}" for number in range(20_000)])
    inside = boxes(layer_boxes(graph))
    assert len(inside[()]) <= TARGET
    assert max(map(len, inside.values())) <= LIMIT


def test_branches_alike_are_put_together() -> None:
    names = [f"dense_{number}" for number in range(80)]
    graph = layer_graph(
        [*(("x", name) for name in names), *((name, "sum") for name in names)], inputs=["x"], outputs=["sum"]
    )
    places = layer_boxes(graph)
    assert places["x"] == ("x",)
    assert places["sum"] == ("sum",)
    assert len(boxes(places)[()]) <= TARGET


def test_a_prefix_whose_layers_lie_apart_makes_no_block() -> None:
    # The pools lie between the convolutions, so that one block of all convolutions would be left and entered again.
    names = [
        name
        for number in range(30)
        for name in (f"conv{number}_a", f"conv{number}_b", f"conv{number}_c", f"pool{number}")
    ]
    graph = chain(names)
    places = layer_boxes(graph)
    assert loops(graph, places) == []
    assert not {"conv", "pool"} & {name for place in places.values() for name in place}


def test_two_blocks_that_feed_each_other_are_not_both_drawn() -> None:
    a = [f"a_{number}" for number in range(40)]
    b = [f"b_{number}" for number in range(40)]
    rungs = [(a[number], b[number]) for number in range(20)] + [(b[number], a[number]) for number in range(20, 40)]
    graph = layer_graph([*pairwise(a), *pairwise(b), *rungs])
    places = layer_boxes(graph)
    assert loops(graph, places) == []
    assert len(boxes(places)[()]) <= TARGET


def test_an_output_in_the_middle_of_a_block_makes_no_loop() -> None:
    names = [f"block{number // 8}_dense{number % 8}" for number in range(100)]
    graph = layer_graph([*pairwise(names), ("block3_dense2", "block3_dense4")], outputs=["block3_dense3", names[-1]])
    places = layer_boxes(graph)
    assert loops(graph, places) == []
    assert places["block3_dense3"] == ("block3", "block3_dense3")
    assert places[names[-1]] == (names[-1],)


@pytest.mark.parametrize("name", ["stem", "loss", "constructor"])
def test_a_block_is_never_called_like_something_else(name: str) -> None:
    # A layer outside of the block, bookkeeping of which the caller knows, what JavaScript calls its own.
    names = [f"{name}_{number}" for number in range(20)]
    rest = [f"dense_{number}" for number in range(60)]
    graph = layer_graph(list(pairwise([*names, *rest, "stem"])), outputs=["stem"])
    places = layer_boxes(graph, taken=["loss"])
    around = blocks_around(places, names[3])
    assert around
    assert not {"loss", "constructor"} & {part for place in places.values() for part in place}
    assert [layer for layer, place in places.items() if place[0] == "stem"] == ["stem"]


def test_names_of_blocks_are_legal_in_tensorflow() -> None:
    # The regular expression is that of TensorFlow for scopes at the root, less the slash.
    graph = chain([f"Schicht ü {number // 8} größe-{number % 8}" for number in range(200)])
    names = {name for place in layer_boxes(graph).values() for name in place[:-1]}
    assert names
    assert all(re.fullmatch(r"[A-Za-z0-9.][A-Za-z0-9_.\\-]*", name) for name in names)


def test_scopes_in_names_are_boxes_and_a_layer_called_like_one_stands_in_it() -> None:
    graph = layer_graph([("conv1", "conv1/bn"), ("conv1/bn", "conv1/bn/relu"), ("conv1/bn/relu", "out")])
    assert layer_boxes(graph) == {
        "conv1": ("conv1", "conv1"),
        "conv1/bn": ("conv1", "bn", "bn"),
        "conv1/bn/relu": ("conv1", "bn", "relu"),
        "out": ("out",),
    }


def test_a_layer_in_a_model_that_is_not_on_record_has_its_box() -> None:
    inner = Layer("net/part/dense", "dense", "Dense", ("net", "part"))
    assert layer_boxes(LayerGraph("model", {inner.id: inner}, ())) == {inner.id: ("net", "part", "dense")}


def test_names_that_tensorflow_or_tensorboard_cannot_take_are_changed() -> None:
    graph = layer_graph(
        [("_in", "größe 1"), ("größe 1", "größe_1"), ("größe_1", "gr__e_1"), ("gr__e_1", "constructor")]
    )
    names = [name for [name] in layer_boxes(graph, taken=["loss"]).values()]
    assert names == ["layer_in", "gr_e_1", "gr_e_1_2", "gr__e_1", "constructor_2"]
    assert layer_boxes(layer_graph([("loss", "loss/dense")]), taken=["loss"]) == {
        "loss": ("loss_2", "loss"),
        "loss/dense": ("loss_2", "dense"),
    }


def test_a_nested_model_and_a_scope_of_one_name_are_two_boxes() -> None:
    inner = Layer("encoder/dense", "dense", "Dense", ("encoder",))
    beside = Layer("encoder/dense#2", "encoder/dense", "Dense")
    graph = LayerGraph(
        "model",
        {layer.id: layer for layer in (inner, beside)},
        ((inner.id, beside.id),),
        {"encoder": NestedModel("encoder", "encoder", "Functional")},
    )
    assert layer_boxes(graph) == {
        "encoder": ("encoder",),
        "encoder/dense": ("encoder", "dense"),
        "encoder/dense#2": ("encoder_2", "dense"),
    }


# --- Any model --------------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_every_layer_has_one_box_and_blocks_make_no_loops(seed: int) -> None:
    graph = random_graph(random.Random(seed))
    plain = layer_boxes(graph, limit=None)
    places = layer_boxes(graph)
    inside = boxes(places)

    # Every layer has a box of its own, which holds no other; a nested model's box holds its layers and no others.
    assert list(places) == [*graph.nested, *graph.layers]
    assert len(set(places.values())) == len(places)
    assert not {places[layer] for layer in graph.layers} & set(inside)
    for model in graph.nested.values():
        held = {
            layer.id
            for layer in graph.layers.values()
            if layer.path[: len(model.path) + 1] == (*model.path, model.name)
        }
        place = places[model.id]
        assert held == {layer for layer in graph.layers if places[layer][: len(place)] == place}

    # Blocks stand between the boxes of the plain picture, and are not called like any of these.
    for id_, place in places.items():
        left = iter(place)
        assert all(name in left for name in plain[id_])
        assert not set(place).difference(plain[id_]) & {name for box in plain.values() for name in box}

    # A level is small, or was small from the start; and it has no loop that was not there.
    crowded = {box: names for box, names in boxes(plain).items() if len(names) > LIMIT}
    if not crowded:
        assert places == plain
    assert max(map(len, inside.values())) <= LIMIT
    if () in crowded:
        assert len(inside[()]) <= TARGET
    if not loops(graph, plain):
        assert loops(graph, places) == []
