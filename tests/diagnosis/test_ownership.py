"""Which layer each op belongs to."""

from __future__ import annotations

import json
import re

import pytest

from graphdiag import compare
from graphdiag.diagnosis.ownership import assign_ownership
from graphdiag.graphs.op_graph import from_graph_def
from tests.support.graph_text import LOGS, graph_def
from tests.support.layers import layer_graph


def owners(text, layers, recorded=None):
    graph = from_graph_def(graph_def(text))
    ownership = assign_ownership(graph, layers, recorded)
    return {name: ownership.owner(row) or ownership.roles.get(row) for row, name in enumerate(graph.names)}


# --- scopes and calls ------------------------------------------------------------------------------------------------


def test_an_op_belongs_to_the_layer_in_whose_scope_it_lies():
    found = owners(
        """
        x Feed
        dense/kernel VariableV2
        dense/cond/deep/MatMul MatMul x dense/kernel
        Relu Relu dense/cond/deep/MatMul
        """,
        layer_graph([("x", "dense")], inputs=["x"]),
    )
    assert found == {"x": "x", "dense/kernel": "dense", "dense/cond/deep/MatMul": "dense", "Relu": None}


def test_an_op_with_the_name_of_a_layer_is_not_that_layer():
    found = owners(
        """
        x Feed
        h/MatMul MatMul x
        add Add h/MatMul x
        add_1/sum Add h/MatMul x
        """,
        layer_graph([("x", "h"), ("h", "add"), ("x", "add")], inputs=["x"], classes={"add": "Add"}),
    )
    assert found["add"] is None
    assert found["add_1/sum"] == "add"


def test_a_raw_op_of_tensorflow_2_2_is_a_layer_by_itself():
    layers = layer_graph(
        [("x", "h"), ("h", "tf_op_layer_AddV2")], inputs=["x"], classes={"tf_op_layer_AddV2": "TensorFlowOpLayer"}
    )
    found = owners("x Feed\nh/MatMul MatMul x\nAddV2 AddV2 h/MatMul x", layers)
    assert found["AddV2"] == "tf_op_layer_AddV2"


def test_later_calls_have_a_number():
    found = owners(
        """
        x Feed
        conv/kernel VariableV2
        conv/Conv2D Conv2D x conv/kernel
        conv_1/Conv2D Conv2D conv/Conv2D conv/kernel
        conv_2/Conv2D Conv2D conv_1/Conv2D conv/kernel
        """,
        layer_graph([("x", "conv"), ("conv", "conv")], inputs=["x"], calls={"conv": 3}),
    )
    assert {owner for name, owner in found.items() if name.startswith("conv")} == {"conv"}


def test_the_layer_dense_1_beside_a_second_call_of_dense_is_told_by_the_variables():
    # x -> dense -> dense -> dense_1: the second call takes the name that the layer would have had.
    found = owners(
        """
        x Feed
        dense/kernel VariableV2
        dense/MatMul MatMul x dense/kernel
        dense_1/MatMul MatMul dense/MatMul dense/kernel
        dense_1_1/kernel VariableV2
        dense_1_1/MatMul MatMul dense_1/MatMul dense_1_1/kernel
        """,
        layer_graph([("x", "dense"), ("dense", "dense"), ("dense", "dense_1")], inputs=["x"], calls={"dense": 2}),
    )
    assert found["dense_1/MatMul"] == "dense"
    assert found["dense_1_1/MatMul"] == "dense_1"


def test_without_variables_the_neighbors_tell():
    # x -> a -> drop -> b -> drop -> c -> drop_1: Keras gives the layer drop_1 the scope drop_1_1.
    found = owners(
        """
        x Feed
        a/MatMul MatMul x
        drop/mul Mul a/MatMul
        b/MatMul MatMul drop/mul
        drop_1/mul Mul b/MatMul
        c/MatMul MatMul drop_1/mul
        drop_1_1/mul Mul c/MatMul
        """,
        layer_graph(
            [("x", "a"), ("a", "drop"), ("drop", "b"), ("b", "drop"), ("drop", "c"), ("c", "drop_1")],
            inputs=["x"],
            calls={"drop": 2},
        ),
    )
    assert found["drop_1/mul"] == "drop"
    assert found["drop_1_1/mul"] == "drop_1"


def test_without_any_other_evidence_the_name_decides():
    found = owners(
        "x Feed\ndrop/mul Mul x\ndrop_1/mul Mul x",
        layer_graph([("x", "drop"), ("x", "drop_1")], inputs=["x"]),
    )
    assert (found["drop/mul"], found["drop_1/mul"]) == ("drop", "drop_1")


def test_a_layer_that_uses_another_layers_weights_keeps_its_scope():
    found = owners(
        """
        x Feed
        enc/kernel VariableV2
        enc/MatMul MatMul x enc/kernel
        enc_1/MatMul MatMul enc/MatMul enc/kernel
        """,
        layer_graph([("x", "enc"), ("enc", "enc_1")], inputs=["x"]),
    )
    assert (found["enc/MatMul"], found["enc_1/MatMul"]) == ("enc", "enc_1")


def test_layer_names_may_hold_slashes():
    found = owners(
        """
        x Feed
        conv1/conv/Conv2D Conv2D x
        conv1/bn/mul Mul conv1/conv/Conv2D
        conv1/Relu Relu conv1/bn/mul
        """,
        layer_graph([("x", "conv1/conv"), ("conv1/conv", "conv1/bn"), ("conv1/bn", "conv1")], inputs=["x"]),
    )
    assert found["conv1/conv/Conv2D"] == "conv1/conv"
    assert found["conv1/bn/mul"] == "conv1/bn"


# --- around the layers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["functional_1", "graph_2/functional_1", "tower_0", "graph_1/model_3"])
def test_layers_are_found_inside_other_scopes(scope):
    found = owners(
        f"""
        x Feed
        {scope}/h_1/MatMul MatMul x
        {scope}/n_1/mul Mul {scope}/h_1/MatMul
        {scope}/Sum Sum {scope}/n_1/mul
        """,
        layer_graph([("x", "h"), ("h", "n")], inputs=["x"], name="functional_1"),
    )
    assert found == {"x": "x", f"{scope}/h_1/MatMul": "h", f"{scope}/n_1/mul": "n", f"{scope}/Sum": None}


def test_a_layer_that_has_the_models_name_is_told_from_the_models_scope():
    layers = layer_graph([("x", "a"), ("a", "net"), ("net", "b")], inputs=["x"], name="net")
    inside = owners(
        "x Feed\nnet/a/MatMul MatMul x\nnet/net/mul Mul net/a/MatMul\nnet/b/MatMul MatMul net/net/mul", layers
    )
    assert inside["net/net/mul"] == "net"
    assert inside["net/b/MatMul"] == "b"
    beside = owners("x Feed\na/MatMul MatMul x\nnet/mul Mul a/MatMul\nb/MatMul MatMul net/mul", layers)
    assert beside["net/mul"] == "net"
    assert beside["b/MatMul"] == "b"


def test_strangers_do_not_take_the_ops_of_a_layer_that_was_found():
    found = owners(
        """
        x Feed
        h/MatMul MatMul x
        other/h/MatMul MatMul x
        """,
        layer_graph([("x", "h")], inputs=["x"]),
    )
    assert found["other/h/MatMul"] is None


# --- nested models ---------------------------------------------------------------------------------------------------


def test_layers_of_a_nested_model_are_known_by_their_path():
    found = owners(
        """
        x Feed
        functional_1/enc_1/d_1/MatMul MatMul x
        functional_1/enc_1/Reshape Reshape functional_1/enc_1/d_1/MatMul
        functional_1/d_1/MatMul MatMul functional_1/enc_1/Reshape
        """,
        layer_graph([("x", "enc/d"), ("enc/d", "d")], inputs=["x"], nested=["enc"], name="functional_1"),
    )
    assert found["functional_1/enc_1/d_1/MatMul"] == "enc/d"
    assert found["functional_1/enc_1/Reshape"] == "enc"
    assert found["functional_1/d_1/MatMul"] == "d"


TWO_ENCODERS = """
    x Feed
    t1 Feed
    d/kernel VariableV2
    d/MatMul MatMul t1 d/kernel
    p/Relu Relu d/MatMul
    t2 Feed
    d_1/kernel VariableV2
    d_1/MatMul MatMul t2 d_1/kernel
    p_1/Relu Relu d_1/MatMul
    one/d/MatMul MatMul x d/kernel
    one/p/Relu Relu one/d/MatMul
    two/d/MatMul MatMul one/p/Relu d_1/kernel
    two/p/Relu Relu two/d/MatMul
    d_2/kernel VariableV2
    d_2/MatMul MatMul two/p/Relu d_2/kernel
    p_2/Relu Relu d_2/MatMul
"""


def test_two_nested_models_with_layers_of_the_same_names():
    # Keras 2 builds each of them once at the root, where the scopes of all three models' layers meet.
    found = owners(
        TWO_ENCODERS,
        layer_graph(
            [("x", "one/d"), ("one/d", "one/p"), ("one/p", "two/d"), ("two/d", "two/p"), ("two/p", "d"), ("d", "p")],
            inputs=["x"],
            nested=["one", "two"],
        ),
    )
    assert [found[f"{scope}/MatMul"] for scope in ("d", "d_1", "d_2", "one/d", "two/d")] == [
        "one/d",
        "two/d",
        "d",
        "one/d",
        "two/d",
    ]
    # A layer without variables goes where its neighbors are.
    assert [found[f"{scope}/Relu"] for scope in ("p", "p_1", "p_2")] == ["one/p", "two/p", "p"]


def test_calls_of_two_nested_models_whose_names_collide():
    found = owners(
        """
        x Feed
        k/kernel VariableV2
        k_1/kernel VariableV2
        enc/k/MatMul MatMul x k/kernel
        enc_1/k/MatMul MatMul enc/k/MatMul k/kernel
        enc_1_1/k/MatMul MatMul enc_1/k/MatMul k_1/kernel
        """,
        layer_graph(
            [("x", "enc/k"), ("enc/k", "enc/k"), ("enc/k", "enc_1/k")],
            inputs=["x"],
            nested=["enc", "enc_1"],
            calls={"enc": 2},
        ),
    )
    assert found["enc_1/k/MatMul"] == "enc/k"
    assert found["enc_1_1/k/MatMul"] == "enc_1/k"
    assert (found["k/kernel"], found["k_1/kernel"]) == ("enc/k", "enc_1/k")


def test_a_wrapped_models_own_scopes_belong_to_the_wrapper():
    found = owners(
        """
        frame Feed
        fd/kernel VariableV2
        fd/MatMul MatMul frame fd/kernel
        each/fd/MatMul MatMul x fd/kernel
        x Feed
        """,
        layer_graph([("x", "each")], inputs=["x"], inner={"each": ["frame_model", "frame", "fd"]}),
    )
    assert {found[name] for name in ("frame", "fd/kernel", "fd/MatMul", "each/fd/MatMul")} == {"each"}


def test_wrapped_layers_of_the_same_names_go_to_the_wrapper_that_reads_their_variables():
    found = owners(
        """
        x Feed
        d/kernel VariableV2
        d/MatMul MatMul x d/kernel
        drop/mul Mul d/MatMul
        d_1/kernel VariableV2
        d_1/MatMul MatMul x d_1/kernel
        drop_1/mul Mul d_1/MatMul
        one/MatMul MatMul x d/kernel
        two/MatMul MatMul x d_1/kernel
        """,
        layer_graph([("x", "one"), ("x", "two")], inputs=["x"], inner={"one": ["d", "drop"], "two": ["d", "drop"]}),
    )
    assert [found[name] for name in ("d/MatMul", "drop/mul", "d_1/MatMul", "drop_1/mul")] == [
        "one",
        "one",
        "two",
        "two",
    ]


# --- roles -----------------------------------------------------------------------------------------------------------


def test_bookkeeping_has_a_role_and_no_owner():
    found = owners(
        """
        x Feed
        h/kernel VariableV2
        h/IsVariableInitialized IsVariableInitialized h/kernel
        h/MatMul MatMul x h/kernel
        IsVariableInitialized_3 IsVariableInitialized h/kernel
        init NoOp ^h/kernel
        save_1/SaveV2 SaveV2 h/kernel
        loss/mul Mul h/MatMul
        training/Adam/gradients/h/MatMul_grad MatMul h/MatMul
        gradient_tape/h/MatMul MatMul h/MatMul
        metrics/acc/Mean Mean h/MatMul
        """,
        layer_graph([("x", "h")], inputs=["x"]),
    )
    assert found == {
        "x": "x",
        "h/kernel": "h",
        "h/IsVariableInitialized": "initialization",
        "h/MatMul": "h",
        "IsVariableInitialized_3": "initialization",
        "init": "initialization",
        "save_1/SaveV2": "saving",
        "loss/mul": "loss",
        "training/Adam/gradients/h/MatMul_grad": "training",
        "gradient_tape/h/MatMul": "gradients",
        "metrics/acc/Mean": "metrics",
    }


def test_a_layer_named_as_bookkeeping_is_a_layer_and_the_numbered_scope_beside_it_is_not():
    found = owners(
        """
        x Feed
        training/kernel VariableV2
        training/MatMul MatMul x training/kernel
        training_1/Adam/mul Mul training/MatMul training/kernel
        """,
        layer_graph([("x", "training")], inputs=["x"]),
    )
    assert found["training/MatMul"] == "training"
    assert found["training_1/Adam/mul"] == "training"
    ownership = assign_ownership(
        from_graph_def(graph_def("x Feed\ntraining/a Mul x\ntraining_1/b Mul training/a")),
        layer_graph([("x", "training")], inputs=["x"]),
    )
    assert ownership.owner(1) == "training"
    assert ownership.owner(2) is None
    assert ownership.roles == {2: "training"}


def test_where_the_model_has_a_scope_the_root_is_no_place_for_its_layers():
    # Keras 3: the layer named "adam" lies in the model's scope, the optimizer at the root.
    found = owners(
        """
        x Feed
        functional_1/adam_1/MatMul MatMul x
        functional_1/loss_1/MatMul MatMul functional_1/adam_1/MatMul
        adam/mul Mul functional_1/loss_1/MatMul
        """,
        layer_graph([("x", "adam"), ("adam", "loss")], inputs=["x"], name="functional_1"),
    )
    assert found["functional_1/adam_1/MatMul"] == "adam"
    assert found["functional_1/loss_1/MatMul"] == "loss"
    assert found["adam/mul"] == "training"


# --- inputs ----------------------------------------------------------------------------------------------------------


def inputs_of(text, layers):
    graph = from_graph_def(graph_def(text))
    ownership = assign_ownership(graph, layers)
    named = {graph.names[row]: ownership.owner(row) for row in ownership.model_inputs}
    return named, ownership.inputs_found


def test_inputs_are_found_by_name():
    layers = layer_graph([("a", "h"), ("b", "h")], inputs=["a", "b"])
    assert inputs_of("b Feed\na Feed\nh/Add Add a b", layers) == ({"a": "a", "b": "b"}, True)


def test_arguments_are_found_by_what_they_feed_whatever_their_names():
    # f(x) with a list: TensorFlow names the arguments x and x_1, and the model calls its inputs y and x.
    layers = layer_graph([("y", "g"), ("x", "h"), ("g", "o"), ("h", "o")], inputs=["y", "x"])
    text = "x Argument\nx_1 Argument\nh/MatMul MatMul x_1\ng/MatMul MatMul x\no/Add Add g/MatMul h/MatMul"
    assert inputs_of(text, layers) == ({"x": "y", "x_1": "x"}, True)


def test_arguments_that_feed_the_same_layers_keep_their_order():
    layers = layer_graph([("first", "cat"), ("second", "cat")], inputs=["first", "second"])
    text = "x Argument\nx_1 Argument\ncat/Concat ConcatV2 x x_1"
    assert inputs_of(text, layers) == ({"x": "first", "x_1": "second"}, True)


def test_arguments_that_feed_the_same_layers_are_told_by_their_names():
    layers = layer_graph([("first", "cat"), ("second", "cat")], inputs=["first", "second"])
    text = "second Argument\nfirst Argument\ncat/Concat ConcatV2 second first"
    assert inputs_of(text, layers) == ({"first": "first", "second": "second"}, True)


def test_an_argument_that_feeds_exactly_the_inputs_layers_goes_before_one_that_feeds_some_of_them():
    layers = layer_graph([("both", "g"), ("both", "h"), ("one", "g")], inputs=["both", "one"])
    text = "x Argument\nx_1 Argument\ng/Add Add x x_1\nh/Relu Relu x_1"
    assert inputs_of(text, layers) == ({"x": "one", "x_1": "both"}, True)


def test_labels_variables_and_flags_are_no_inputs():
    layers = layer_graph([("img", "h")], inputs=["img"])
    text = """
        training Flag
        h_kernel Handle
        y Argument
        x Argument
        h/MatMul MatMul x h_kernel training
        loss/sub Sub h/MatMul y
    """
    assert inputs_of(text, layers) == ({"x": "img"}, True)


def test_an_input_that_is_not_there_is_said_to_be_missing():
    layers = layer_graph([("a", "h"), ("b", "h")], inputs=["a", "b"])
    assert inputs_of("a Feed\nh/MatMul MatMul a", layers) == ({"a": "a"}, False)


def test_inputs_are_found_through_layers_without_ops():
    layers = layer_graph([("img", "drop"), ("drop", "h")], inputs=["img"])
    assert inputs_of("x Argument\nh/MatMul MatMul x", layers) == ({"x": "img"}, True)


# --- other ways ------------------------------------------------------------------------------------------------------


def test_recorded_owners_go_before_names():
    text = "x Feed\nh/MatMul MatMul x\nAdd Add h/MatMul\ninit NoOp"
    layers = layer_graph([("x", "h"), ("h", "add")], inputs=["x"])
    graph = from_graph_def(graph_def(text))
    ownership = assign_ownership(graph, layers, {"x": "x", "Add": "add", "h/MatMul": "h", "gone": "h", "init": "h"})
    assert [ownership.owner(row) for row in range(4)] == ["x", "h", "add", None]
    assert ownership.roles == {3: "initialization"}
    assert ownership.recorded


def test_without_a_layer_graph_the_outer_scopes_own():
    found = owners(
        """
        x Feed
        h/a/MatMul MatMul x
        h/b/Relu Relu h/a/MatMul
        g/Relu Relu h/b/Relu
        loss/mul Mul g/Relu
        """,
        None,
    )
    assert found == {"x": None, "h/a/MatMul": "h", "h/b/Relu": "h", "g/Relu": "g", "loss/mul": "loss"}
    ownership = assign_ownership(from_graph_def(graph_def("x Feed\nloss/mul Mul x")), None)
    assert ownership.by_scope
    assert ownership.owner(1) is None


def test_without_a_layer_graph_a_scope_around_everything_is_looked_into():
    text = "x Feed\n" + "\n".join(f"functional_1/layer_{number}/mul Mul x" for number in range(12))
    assert owners(text, None)["functional_1/layer_3/mul"] == "functional_1/layer_3"


def test_a_mask_that_keras_3_computes_outside_of_the_embedding_is_the_embeddings():
    found = owners(
        """
        x Argument
        functional_1/Const Const
        functional_1/NotEqual NotEqual x functional_1/Const
        functional_1/e_1/Gather GatherV2 x
        functional_1/r_1/mul Mul functional_1/e_1/Gather functional_1/NotEqual
        """,
        layer_graph([("t", "e"), ("e", "r")], inputs=["t"], classes={"e": "Embedding"}, name="functional_1"),
    )
    assert found["functional_1/NotEqual"] == "e"


NOTED = sorted(path.parent for path in LOGS.glob("*/owners.json"))
CLEAN = [log.name for log in NOTED if not re.search("hidden|tying", log.name)]


@pytest.mark.parametrize("name", CLEAN)
def test_names_and_structure_tell_what_was_noted_while_the_model_was_called(name):
    log = LOGS / name
    noted = json.loads((log / "owners.json").read_text())
    report = compare(log, model=log / "model.json")
    layers, ownership = report.layer_graph, report.context.ownership
    wrong, unowned = {}, []
    for row, op in enumerate(report.op_graph.names):
        found = ownership.owner(row)
        if found is not None and not name.startswith("k3_"):
            member = layers.layers.get(found) or layers.nested[found]
            found = (*member.path, member.name)[0]
        if op in noted and found is None and ownership.roles.get(row) != "initialization":
            unowned.append(report.op_graph.types[row])
        elif op in noted and found is not None and found != noted[op]:
            wrong[op] = (found, noted[op])
        elif op not in noted and found is not None and not layers.layers[found].is_input:
            wrong[op] = (found, None)
    # Keras 3 computes one mask twice, and makes a layer of its own of the second.
    assert set(wrong) <= {"functional_1/NotEqual_1"}
    # The placeholders of a nested model's template, and what a mask is compared with.
    assert set(unowned) <= {"Placeholder", "Const"}
    assert len(unowned) <= 2
    assert ownership.inputs_found
    assert report.context.undrawn == []
    assert report.summary.hidden == 0


@pytest.mark.parametrize("name", ["", "/", "/a", "//", "a/", "a//b"])
def test_names_that_tensorflow_does_not_give(name):
    damaged = graph_def("x Placeholder\na/MatMul MatMul x\nb/MatMul MatMul a/MatMul\nlast Identity b/MatMul")
    damaged.node[3].name = name
    ownership = assign_ownership(from_graph_def(damaged), layer_graph([("x", "a"), ("a", "b")], inputs=["x"]))
    assert [ownership.owner(row) for row in range(3)] == ["x", "a", "b"]
