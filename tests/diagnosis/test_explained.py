"""Which crossings Keras explains, tensor by tensor: with calls on record, and by names."""

from __future__ import annotations

import pytest

from graphdiag.diagnosis.context import analyze
from graphdiag.diagnosis.diagnose import diagnose
from graphdiag.diagnosis.finding import Verdict
from graphdiag.graphs.layer_calls import CallRecord, LayerCall
from graphdiag.graphs.layer_graph import Layer, LayerGraph, LayerTensor, TensorEdge
from graphdiag.graphs.op_graph import from_graph_def
from tests.support.graph_text import graph_def


def layers_of(given, classes=None, custom=(), inputs=("x",)):
    """A layer graph from ``"a -> b"``, or ``"a call output -> b call"`` where there are several."""
    edges = []
    places = {}
    for text in given:
        source, target = (end.split() for end in text.split(" -> "))
        call = int(target[1]) if len(target) > 1 else 0
        place = places[target[0], call] = places.get((target[0], call), -1) + 1
        tensor = LayerTensor(source[0], *(int(number) for number in (source[1:] or (0, 0))))
        edges.append(TensorEdge(tensor, target[0], call, f"0[{place}]"))
    names = dict.fromkeys([*inputs, *(name for edge in edges for name in (edge.source.layer, edge.target))])
    calls = {name: max([0, *(edge.call for edge in edges if edge.target == name)]) + 1 for name in names}
    layers = {
        name: Layer(
            name,
            name,
            (classes or {}).get(name, "InputLayer" if name in inputs else "Mine"),
            calls=calls[name],
            is_input=name in inputs,
        )
        for name in names
    }
    pairs = tuple(dict.fromkeys((edge.source.layer, edge.target) for edge in edges))
    return LayerGraph("model", layers, pairs, inputs=tuple(inputs), tensors=tuple(edges))


def call(layer, given, returned, number=0):
    """A call on record: the tensors that it was given and returned, ``op`` or ``op:slot``."""

    def tensor(text):
        name, _, slot = text.partition(":")
        return name, int(slot or 0)

    arguments = {f"0[{place}]": (tensor(text),) for place, text in enumerate(given)}
    return LayerCall(layer, number, arguments, returned=tuple((tensor(text),) for text in returned))


def recorded(text, layers, calls):
    """The context of a live model: ops are in the call of their scope, ``a`` for the first one and ``a_1`` next."""
    ops = from_graph_def(graph_def(text))
    scope_of = {
        f"{entry.layer}{f'_{entry.number}' if entry.number else ''}": place for place, entry in enumerate(calls)
    }
    of_op = {name: scope_of[name.partition("/")[0]] for name in ops.names if "/" in name}
    owners = {name: calls[place].layer for name, place in of_op.items()} | {name: name for name in layers.inputs}
    return analyze(ops, layers, owners, calls=CallRecord(tuple(calls), of_op))


def by_names(text, layers):
    return analyze(from_graph_def(graph_def(text)), layers)


def hidden(context):
    return sorted(
        {pair for finding in diagnose(context) for pair in finding.edges if finding.verdict.value == "hidden"}
    )


# --- calls on record -------------------------------------------------------------------------------------------------

REGULARIZED = "x Feed\nh/MatMul MatMul x\nreg/Mean Mean h/MatMul\nout/MatMul MatMul h/MatMul"
REGULARIZED_LAYERS = ["x -> h", "h -> reg", "reg -> out"]


def test_a_layer_that_returns_its_input_hides_nothing():
    calls = [
        call("h", ["x"], ["h/MatMul"]),
        call("reg", ["h/MatMul"], ["h/MatMul"]),
        call("out", ["h/MatMul"], ["out/MatMul"]),
    ]
    context = recorded(REGULARIZED, layers_of(REGULARIZED_LAYERS), calls)
    assert context.unexplained == {}
    assert context.undrawn == []
    assert context.identity_layers == {"reg"}


def test_a_tensor_picked_up_behind_it_is_hidden():
    text = REGULARIZED + "\nh/Tanh Tanh h/MatMul\nout/Add Add out/MatMul h/Tanh"
    calls = [
        call("h", ["x"], ["h/MatMul"]),
        call("reg", ["h/MatMul"], ["h/MatMul"]),
        call("out", ["h/MatMul"], ["out/Add"]),
    ]
    assert hidden(recorded(text, layers_of(REGULARIZED_LAYERS), calls)) == [("h", "out")]


def test_another_output_of_the_same_layer_is_hidden():
    text = "x Feed\nsplit/Mul Mul x\nsplit/Tanh Tanh x\na/Neg Neg split/Mul\na/Add Add a/Neg split/Tanh"
    text += "\nb/Neg Neg split/Tanh"
    layers = layers_of(["x -> split", "split 0 0 -> a", "split 0 1 -> b"])
    calls = [
        call("split", ["x"], ["split/Mul", "split/Tanh"]),
        call("a", ["split/Mul"], ["a/Add"]),
        call("b", ["split/Tanh"], ["b/Neg"]),
    ]
    context = recorded(text, layers, calls)
    [edge] = context.unexplained["split", "a"]
    assert context.ops.names[edge.source] == "split/Tanh"
    [finding] = [finding for finding in diagnose(context) if finding.verdict is Verdict.HIDDEN]
    assert "another output" in finding.message
    assert hidden(by_names(text, layers)) == [("split", "a")]


def test_another_call_of_a_shared_layer_is_hidden():
    text = "x Feed\ny Feed\ns/Mul Mul x\ns_1/Mul Mul y\na/Add Add s/Mul s_1/Mul\nb/Neg Neg s_1/Mul"
    layers = layers_of(["x -> s", "y -> s 1", "s 0 0 -> a", "s 1 0 -> b"], inputs=("x", "y"))
    calls = [
        call("s", ["x"], ["s/Mul"]),
        call("s", ["y"], ["s_1/Mul"], number=1),
        call("a", ["s/Mul"], ["a/Add"]),
        call("b", ["s_1/Mul"], ["b/Neg"]),
    ]
    assert hidden(recorded(text, layers, calls)) == [("s", "a")]
    assert hidden(by_names(text, layers)) == [("s", "a")]


def test_one_call_that_takes_what_another_one_made_is_hidden():
    text = "x Feed\ny Feed\ns/Mul Mul x\ns_1/Add Add y s/Mul\na/Neg Neg s_1/Add"
    layers = layers_of(["x -> s", "y -> s 1", "s 1 0 -> a"], inputs=("x", "y"))
    calls = [
        call("s", ["x"], ["s/Mul"]),
        call("s", ["y"], ["s_1/Add"], number=1),
        call("a", ["s_1/Add"], ["a/Neg"]),
    ]
    assert hidden(recorded(text, layers, calls)) == [("s", "s")]
    assert hidden(by_names(text, layers)) == [("s", "s")]


def test_a_layer_called_on_its_own_result_is_not():
    text = "x Feed\ns/Mul Mul x\ns_1/Mul Mul s/Mul\na/Neg Neg s_1/Mul"
    layers = layers_of(["x -> s", "s 0 0 -> s 1", "s 1 0 -> a"])
    calls = [
        call("s", ["x"], ["s/Mul"]),
        call("s", ["s/Mul"], ["s_1/Mul"], number=1),
        call("a", ["s_1/Mul"], ["a/Neg"]),
    ]
    assert hidden(recorded(text, layers, calls)) == []
    assert hidden(by_names(text, layers)) == []


def test_a_layer_that_returns_what_it_was_not_given_depends_on_it():
    text = "x Feed\na/Mul Mul x\nb/Mul Mul x\nout/Neg Neg a/Mul"
    layers = layers_of(["x -> a", "x -> b", "b -> pick", "pick -> out"])
    calls = [
        call("a", ["x"], ["a/Mul"]),
        call("b", ["x"], ["b/Mul"]),
        call("pick", ["b/Mul"], ["a/Mul"]),
        call("out", ["a/Mul"], ["out/Neg"]),
    ]
    context = recorded(text, layers, calls)
    assert hidden(context) == [("a", "pick")]
    [edge] = context.unexplained["a", "pick"]
    assert context.ops.names[edge.target] == "out/Neg"


def test_what_keras_does_not_give_is_hidden_though_it_links_the_layers():
    text = "x Feed\na/Mul Mul x\nout/Neg Neg a/Mul"
    calls = [call("a", ["x"], ["a/Mul"]), LayerCall("out", None)]
    assert hidden(recorded(text, layers_of(["x -> a", "a -> out"]), calls)) == [("a", "out")]


def test_a_shape_of_another_tensor_needs_no_explanation_where_keras_links_the_layers():
    text = "x Feed\na/Mul Mul x\na/Tanh Tanh a/Mul\nout/Shape Shape a/Mul\nout/Fill Fill out/Shape a/Tanh"
    calls = [call("a", ["x"], ["a/Tanh"]), call("out", ["a/Tanh"], ["out/Fill"])]
    assert recorded(text, layers_of(["x -> a", "a -> out"]), calls).unexplained == {}


def test_the_copy_that_keras_makes_in_tf_1_is_the_tensor():
    text = "x Feed\nh/Mul Mul x\nkeep/Identity Identity h/Mul\nout/Mul Mul keep/Identity h/Mul"
    layers = layers_of(["x -> h", "h -> keep", "keep -> out"])
    calls = [
        call("h", ["x"], ["h/Mul"]),
        call("keep", ["h/Mul"], ["keep/Identity"]),
        call("out", ["keep/Identity"], ["out/Mul"]),
    ]
    assert hidden(recorded(text, layers, calls)) == []


def test_an_argument_that_a_layer_ignores_is_an_edge_that_is_not_drawn():
    text = "x Feed\na/Mul Mul x\nb/Mul Mul x\nout/Neg Neg a/Mul"
    calls = [
        call("a", ["x"], ["a/Mul"]),
        call("b", ["x"], ["b/Mul"]),
        call("out", ["a/Mul", "b/Mul"], ["out/Neg"]),
    ]
    context = recorded(text, layers_of(["x -> a", "x -> b", "a -> out", "b -> out"]), calls)
    assert context.undrawn == [("b", "out")]


# --- by names --------------------------------------------------------------------------------------------------------


def test_by_names_a_layer_hands_on_what_it_takes_and_the_next_one_takes_too():
    context = by_names(REGULARIZED, layers_of(REGULARIZED_LAYERS))
    assert context.unexplained == {}
    assert context.undrawn == []
    assert context.identity_layers == {"reg"}


def test_a_class_that_always_computes_hands_nothing_on():
    context = by_names(REGULARIZED, layers_of(REGULARIZED_LAYERS, classes={"reg": "Dense"}))
    assert hidden(context) == [("h", "out")]
    assert context.undrawn == [("reg", "out")]


SILENT = ["x -> h", "h -> s0", *(f"s{number} -> s{number + 1}" for number in range(20)), "s20 -> out"]


def test_layers_without_ops_hand_on_what_the_first_of_them_takes():
    text = "x Feed\nh/Mul Mul x\nout/Neg Neg h/Mul"
    assert hidden(by_names(text, layers_of(SILENT))) == []
    # Also where they fork, and join again.
    assert hidden(by_names(text, layers_of([*SILENT, "s5 -> fork", "fork -> s9"]))) == []


def test_layers_without_ops_hand_on_nothing_else():
    text = "x Feed\nh/Mul Mul x\nout/Neg Neg h/Mul\nout/Add Add out/Neg x"
    assert hidden(by_names(text, layers_of(SILENT))) == [("x", "out")]


def test_the_way_leads_only_through_a_layer_that_takes_that_same_tensor():
    # `stash` has two tensors; `reg` takes the one that it returns, and `out` the other one as well.
    text = REGULARIZED + "\nh/Tanh Tanh h/MatMul\nout/Add Add out/MatMul h/Tanh"
    assert hidden(by_names(text, layers_of(REGULARIZED_LAYERS))) == [("h", "out")]


def test_a_router_returns_its_input_beside_a_score():
    text = "x Feed\nh/Mul Mul x\nroute/Sigmoid Sigmoid h/Mul\nout/Mul Mul h/Mul route/Sigmoid\nback/Neg Neg h/Mul"
    layers = layers_of(["x -> h", "h -> route", "route 0 0 -> out", "route 0 1 -> out", "route 0 0 -> back"])
    context = by_names(text, layers)
    assert hidden(context) == []
    assert context.undrawn == []
    # The score is given to `out`, not to `back`.
    assert hidden(by_names(text + "\nback/Add Add back/Neg route/Sigmoid", layers)) == [("route", "back")]


def test_a_block_that_projects_in_one_call_only():
    text = "x Feed\na/Mul Mul x\nfit/MatMul MatMul a/Mul\nb/Mul Mul fit/MatMul\nout/Neg Neg b/Mul"
    layers = layers_of(["x -> a", "a -> fit", "fit 0 0 -> b", "b -> fit 1", "fit 1 0 -> out"])
    assert hidden(by_names(text, layers)) == []
    assert hidden(by_names(text + "\nout/Add Add out/Neg a/Mul", layers)) == [("a", "out")]


def test_of_two_tensors_where_keras_has_one_the_doubt_is_told():
    text = "x Feed\na/Mul Mul x\nb/Mul Mul x\nreader/Mul Mul a/Mul b/Mul"
    context = by_names(text, layers_of(["x -> a", "x -> b", "a -> pick", "b -> pick", "pick -> reader"]))
    assert hidden(context) == [("b", "reader")]
    assert context.calls.doubts == ("By names alone it cannot be told which of a/Mul, b/Mul is what pick hands on.",)


STASH = "x Feed\nh/MatMul MatMul x\nh/Tanh Tanh h/MatMul\nreg/Mul Mul h/MatMul h/Tanh"


@pytest.mark.parametrize(
    ("ops", "layers", "truth"),
    [
        pytest.param("out/Neg Neg h/MatMul", ["reg -> out"], [("h", "reg")], id="one-reader"),
        pytest.param(
            "gate/Mul Mul h/MatMul h/Tanh\nout/Neg Neg h/MatMul\nend/Neg Neg gate/Mul",
            ["h -> gate", "reg -> out", "gate -> end"],
            [("h", "gate"), ("h", "reg")],
            id="two-readers",
        ),
        pytest.param(
            "more/Mul Mul h/MatMul h/Tanh\nout/Neg Neg h/MatMul",
            ["reg -> more", "more -> out"],
            [("h", "more"), ("h", "reg")],
            id="two-readers-in-a-row",
        ),
        pytest.param(
            "out/Neg Neg h/MatMul",
            ["reg -> silent", "silent -> out"],
            [("h", "reg")],
            id="behind-a-layer-without-ops",
        ),
        pytest.param(
            "side/Neg Neg h/MatMul\nout/Mul Mul h/MatMul side/Neg",
            ["h -> side", "reg -> out", "side -> out"],
            [("h", "reg")],
            id="beside-another-argument",
        ),
    ],
)
def test_of_two_tensors_of_a_layer_that_is_its_result_which_the_next_one_hands_on(ops, layers, truth):
    # `h` keeps h/Tanh, which others close over; only h/MatMul, which `reg` hands on, explains what `out` takes.
    context = by_names(f"{STASH}\n{ops}", layers_of(["x -> h", "h -> reg", *layers]))
    assert hidden(context) == truth
    assert context.undrawn == []
    assert context.calls.doubts == ()


def test_what_a_layer_keeps_is_not_its_result_if_what_it_takes_goes_further():
    text = "x Feed\nh/MatMul MatMul x\nreg/Tanh Tanh h/MatMul\nmore/Mul Mul h/MatMul reg/Tanh\nend/Neg Neg h/MatMul"
    assert hidden(by_names(text, layers_of(["x -> h", "h -> reg", "reg -> more", "more -> end"]))) == [("reg", "more")]


def test_a_tensor_that_comes_by_another_argument_as_well_is_not_what_a_layer_hands_on():
    # `both` has x besides; what it lacks is what `pick` was given of `h`, and not what `pick` has made for `end`.
    text = "x Feed\nh/Mul Mul x\npick/Mean Mean h/Mul x\nboth/Mul Mul h/Mul x\nend/Mul Mul both/Mul pick/Mean"
    layers = layers_of(["x -> h", "h -> pick", "x -> pick", "pick -> both", "x -> both", "both -> end"])
    assert hidden(by_names(text, layers)) == [("pick", "end")]


def test_what_comes_another_way_further_on_says_nothing_of_what_a_layer_hands_on():
    # `out` takes x, which `side` may hand on: that is no sign that `h` hands it on too.
    text = "x Feed\nh/Mul Mul x\nside/Mean Mean x\nfirst/Mean Mean x h/Mul\nsecond/Mean Mean x h/Mul\nout/Neg Neg x"
    layers = layers_of(
        ["x -> h", "x -> side", "side -> first", "h -> first", "first -> second", "h -> second", "second -> out"]
    )
    context = by_names(text, layers)
    assert hidden(context) == []
    assert context.undrawn == []


def test_a_raw_op_of_keras_3_has_no_scope():
    text = "x Feed\na/Mul Mul x\nb/Mul Mul x\nAdd AddV2 a/Mul b/Mul\nout/Neg Neg Add"
    layers = layers_of(["x -> a", "x -> b", "a -> add", "b -> add", "add -> out"])
    assert hidden(by_names(text, layers)) == []
    assert hidden(by_names(text + "\nout/Add Add out/Neg a/Mul", layers)) == [("a", "out")]


def test_a_scope_of_no_layer_with_weights_is_not_the_models_own():
    text = "x Feed\nw Handle\ngate/Read ReadVariableOp w\ngate/MatMul MatMul x gate/Read\nout/Mul Mul x gate/MatMul"
    assert hidden(by_names(text, layers_of(["x -> out"]))) == [("x", "out")]


@pytest.mark.parametrize("order", [["s/Mul MatMul x", "s/Mul_1 MatMul y"], ["s/Mul_1 MatMul y", "s/Mul MatMul x"]])
def test_two_calls_in_one_scope(order):
    # tf_keras goes back into the scope of the first call.
    text = "\n".join(["x Feed", "y Feed", *order, "a/Neg Neg s/Mul", "b/Neg Neg s/Mul_1"])
    layers = layers_of(["x -> s", "y -> s 1", "s 0 0 -> a", "s 1 0 -> b"], inputs=("x", "y"))
    assert hidden(by_names(text, layers)) == []
    assert hidden(by_names(text + "\nb/Add Add b/Neg s/Mul", layers)) == [("s", "b")]
