"""Graphs in which the sentences of the rules are true, and near misses in which they would be false.

`SENTENCES` has a row for each sentence that a rule can print: what of it is said, a graph in which it is true, and one
in which it would be false and is not said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from graphdiag.diagnosis.context import analyze
from graphdiag.diagnosis.diagnose import diagnose
from graphdiag.diagnosis.tensorboard_view import TensorBoardView
from graphdiag.graphs.layer_graph import LayerGraph, LayerTensor
from graphdiag.graphs.op_graph import from_graph_def, merge
from graphdiag.tensorboard import draw
from tests.diagnosis.found import on_live_model
from tests.support.graph_text import graph_def
from tests.support.layers import layer_graph
from tests.support.reports import report_on

Said = Callable[[], Mapping[str, str]]
"""What is said of a graph: all messages and fixes, by code."""


def _joined(findings: Sequence[tuple[str, str, str]]) -> Mapping[str, str]:
    said: dict[str, str] = {}
    for code, message, fix in findings:
        said[code] = f"{said.get(code, '')}{message}\n{fix}\n"
    return said


def graph(
    *texts: str,
    layers: LayerGraph | None = None,
    owners: Mapping[str, str] | None = None,
    trackers: Mapping[str, Sequence[str]] | None = None,
    belongs_to: Mapping[str, str] | None = None,
    **view: Any,
) -> Said:
    """What is said of a graph of a few lines, or of several in one trace; ``drawn=True`` for one that is on screen."""

    @cache
    def said() -> Mapping[str, str]:
        messages = [graph_def(text) for text in texts]
        shown = None
        if view:
            drawn = draw(messages) if view.get("drawn") else None
            shown = TensorBoardView(**{**view, "drawn": drawn})
        recorded = dict(owners) if owners else None
        context = analyze(merge(messages), layers, recorded, shown, trackers, belongs_to=belongs_to)
        return _joined([(finding.code, finding.message, finding.fix) for finding in diagnose(context)])

    return said


def log(name: str, model: bool = True) -> Said:
    """What is said of one of the fixtures' logs."""
    return lambda: _joined([(each.code, each.message, each.fix) for each in report_on(name, model).findings])


def live(name: str) -> Said:
    """What is said of a Python file's model."""
    return lambda: _joined([(each["code"], each["message"], each["fix"]) for each in on_live_model(name)["findings"]])


@dataclass(frozen=True)
class Sentence:
    """A sentence, or what is particular of it.

    Attributes:
        code: The rule that says it; `claims` and `fixes` for words that several rules share.
        words: What is said of `true`, by the rule or by any.
        true: A graph in which it is true.
        false: One in which it would be false.
    """

    code: str
    words: str
    true: Said
    false: Said


def version(layers: LayerGraph, keras: str) -> LayerGraph:
    return replace(layers, keras_version=keras)


def parameters(layers: LayerGraph, of: Mapping[str, int]) -> LayerGraph:
    """The layers with their numbers of parameters."""
    return replace(
        layers,
        layers={id_: replace(layer, parameters=of.get(id_, layer.parameters)) for id_, layer in layers.layers.items()},
    )


# --- GD101 -----------------------------------------------------------------------------------------------------------

NORMS = layer_graph([("x", "n"), ("n", "d"), ("d", "m")], inputs=["x"])
PHASE = """
    x Feed
    n/keras_learning_phase/input Const
    n/keras_learning_phase Flag n/keras_learning_phase/input
    n/Switch Switch x n/keras_learning_phase
    d/MatMul MatMul n/Switch
    m/Switch Switch d/MatMul n/keras_learning_phase
"""
PHASE_OF_DATA = PHASE.replace("n/keras_learning_phase/input Const", "n/keras_learning_phase/input Greater x")
PHASE_AT_ROOT = PHASE.replace("n/keras_learning_phase", "keras_learning_phase")
phase = graph(PHASE, layers=version(NORMS, "2.1.6"), drawn=True)
phase_of_tf_keras = graph(PHASE, layers=version(NORMS, "2.1.6-tf"))

# --- GD102 -----------------------------------------------------------------------------------------------------------

FLAG = """
    x Feed
    n/train Flag
    n/Switch Switch x n/train
    d/MatMul MatMul n/Switch
    m/Switch Switch d/MatMul n/train
"""
DERIVED = """
    x Feed
    train Flag
    n/Not LogicalNot train
    n/Switch Switch x n/Not
    d/MatMul MatMul n/Switch
    m/Switch Switch d/MatMul n/Not
"""
flag = graph(FLAG, layers=NORMS)
derived_flag = graph(DERIVED, layers=NORMS)
flag_of_data = graph(
    DERIVED.replace("n/Not LogicalNot train", "n/Any Greater x\n    n/Not LogicalAnd train n/Any"), layers=NORMS
)
flag_without_layers = graph(FLAG)

# --- GD103 to GD106 --------------------------------------------------------------------------------------------------

CHAIN = layer_graph([("x", "a"), ("a", "b"), ("b", "c")], inputs=["x"])
SHAPE = """
    x Feed
    a/MatMul MatMul x
    b/Relu Relu a/MatMul
    a/Shape Shape a/MatMul
    c/Reshape Reshape b/Relu a/Shape
"""
FORK = layer_graph([("x", "a"), ("x", "b")], inputs=["x"])
RANK = """
    x Feed
    a/w VariableV2
    a/MatMul MatMul x a/w
    a/axis Const
    a/ArgMax ArgMax a/w a/axis
    b/Rank Rank a/ArgMax
    b/MatMul MatMul x b/Rank
"""
shape = graph(SHAPE, layers=CHAIN)
values = graph(SHAPE.replace("a/Shape Shape", "a/Shape Cast"), layers=CHAIN)
rank = graph(RANK, layers=FORK)
rank_and_shape = graph(RANK + "b/Shape Shape a/ArgMax\nb/Add AddV2 b/MatMul b/Shape", layers=FORK)
all_of_it = graph(RANK.replace("b/Rank Rank", "b/Rank Cast"), layers=FORK)

WAITS = """
    x Feed
    a/MatMul MatMul x
    a/Assert Assert a/MatMul
    b/Relu Relu a/MatMul
    c/Relu Relu b/Relu ^a/Assert
"""
waits = graph(WAITS, layers=CHAIN)
several_wait = graph(
    WAITS + "d/Neg Neg c/Relu ^a/Assert", layers=layer_graph([("x", "a"), ("a", "b"), ("b", "c"), ("c", "d")])
)
waits_for_a_branch = graph(
    """
    x Feed
    a/Less Less x x
    a/Switch Switch x a/Less
    a/switch_t Identity a/Switch:1
    b/Relu Relu x
    c/one Const ^a/switch_t
    c/Add Add b/Relu c/one
    """,
    layers=layer_graph([("x", "a"), ("x", "b"), ("b", "c")], inputs=["x"]),
)

CONSTANT = """
    x Feed
    a/one Const
    a/Mul Mul x a/one
    b/Mul Mul a/Mul
    c/Sub Sub b/Mul a/one
"""
constant = graph(CONSTANT, layers=CHAIN)
variable = graph(CONSTANT.replace("a/one Const", "a/one VariableV2"), layers=CHAIN)

NOISE = CONSTANT.replace("a/one Const", "a/one RandomUniform")
noise_of_dropout = graph(NOISE, layers=layer_graph(CHAIN.edges, inputs=["x"], classes={"a": "Dropout"}))
noise_of_a_lambda = graph(NOISE, layers=layer_graph(CHAIN.edges, inputs=["x"], classes={"a": "Lambda"}))
noise_and_data = graph(
    CONSTANT.replace("a/one Const", "a/noise RandomUniform\n    a/one Mul a/noise x"),
    layers=layer_graph(CHAIN.edges, inputs=["x"], classes={"a": "Dropout"}),
)

# --- GD107, GD108 and GD112 ------------------------------------------------------------------------------------------

TWICE = layer_graph([("a", "enc"), ("b", "enc"), ("enc", "out")], inputs=["a", "b"], calls={"enc": 2})
SHARED = """
    a Feed
    b Feed
    enc/kernel VariableV2
    enc/kernel/read Identity enc/kernel
    enc/MatMul MatMul a enc/kernel/read
    enc_1/MatMul MatMul b enc/kernel/read
    out/Add Add enc/MatMul enc_1/MatMul
"""
shared = graph(SHARED, layers=TWICE)
in_series = graph(SHARED.replace("MatMul b", "MatMul enc/MatMul"), layers=TWICE)
VARIABLES_APART = """
    x Feed
    conv_1/kernel VariableV2
    conv_1/kernel/read Identity conv_1/kernel
    conv_2/MatMul MatMul x conv_1/kernel/read
    conv_2/Relu Relu conv_2/MatMul
"""
variables_apart = graph(VARIABLES_APART)
variables_of_two = graph(VARIABLES_APART + "conv_3/MatMul MatMul conv_2/Relu conv_1/kernel/read")
STEM = """
    x Feed
    stem/kernel VariableV2
    stem/kernel/read Identity stem/kernel
    stem/Relu Relu x
    head/MatMul MatMul stem/Relu stem/kernel/read
"""
variable_in_another_scope = graph(STEM)

ENTERED = layer_graph([("x", "first"), ("first", "second")], inputs=["x"])
entered_again = graph(
    "x Feed\nfirst/MatMul MatMul x\nfirst/Mul Mul first/MatMul\nsecond/Add Add first/Mul",
    layers=ENTERED,
    owners={"x": "x", "first/MatMul": "first", "first/Mul": "second", "second/Add": "second"},
)
entered_once = graph(
    "x Feed\nfirst/MatMul MatMul x\nsecond/Mul Mul first/MatMul\nsecond/Add Add second/Mul",
    layers=ENTERED,
    owners={"x": "x", "first/MatMul": "first", "second/Mul": "second", "second/Add": "second"},
)
GROUPED = layer_graph(
    [("x", "g/a"), ("x", "g/b"), ("g/a", "plus"), ("g/b", "plus"), ("plus", "g/c")],
    inputs=["x"],
    classes={"plus": "TFOpLambda"},
)
raw_op_in_a_scope = graph(
    "x Feed\ng/a/Relu Relu x\ng/b/Relu Relu x\nop/AddV2 AddV2 g/a/Relu g/b/Relu\ng/c/Neg Neg op/AddV2",
    layers=GROUPED,
    owners={"x": "x", "g/a/Relu": "g/a", "g/b/Relu": "g/b", "op/AddV2": "plus", "g/c/Neg": "g/c"},
)
template_of_tensorflow_2 = graph(
    """
    x Feed
    d_input Feed
    h Handle
    d/Read ReadVariableOp h
    d/MatMul MatMul d_input d/Read
    enc/d/Read ReadVariableOp h
    enc/d/MatMul MatMul x enc/d/Read
    out/Relu Relu enc/d/MatMul
    """,
    layers=layer_graph([("x", "enc/d"), ("enc/d", "out")], inputs=["x"], nested=["enc"]),
)
FROZEN_TWICE = SHARED.replace("enc/kernel VariableV2", "enc/kernel Const")
frozen_twice = graph(FROZEN_TWICE, layers=TWICE)
DROPS = layer_graph(
    [("a", "drop"), ("b", "drop"), ("drop", "out")],
    inputs=["a", "b"],
    calls={"drop": 2},
    classes={"drop": "Dropout", "out": "Add"},
)
dropped_twice = graph("a Feed\nb Feed\ndrop/Mul Mul a\ndrop_1/Mul Mul b\nout/Add Add drop/Mul drop_1/Mul", layers=DROPS)

# --- GD109 and GD110 -------------------------------------------------------------------------------------------------

one_series = graph(
    "x Feed\nadd_1 AddV2 x\nadd_2 AddV2 add_1\nadd_3 AddV2 add_2\nmid/MatMul MatMul add_3\nmid/Relu Relu mid/MatMul\n"
    "add_4 AddV2 mid/Relu\nadd_5 AddV2 add_4\nadd_6 AddV2 add_5",
    drawn=True,
)

HEADS = [f"head_{name}" for name in "abcdefghijklmn"]
hub_of_the_model = graph(
    "x Feed\nhub/MatMul MatMul x\nhub/Relu Relu hub/MatMul\n"
    + "\n".join(f"{head}/MatMul MatMul hub/Relu\n{head}/Relu Relu {head}/MatMul" for head in HEADS),
    layers=layer_graph([("x", "hub"), *(("hub", head) for head in HEADS)], inputs=["x"]),
    drawn=True,
)

# --- GD111 -----------------------------------------------------------------------------------------------------------

TRAINED = """
    x Feed
    a/kernel VariableV2
    a/MatMul MatMul x a/kernel
    b/Relu Relu a/MatMul
    IsVariableInitialized IsVariableInitialized a/kernel
    loss/Sub Sub b/Relu
"""
trained = graph(TRAINED, layers=layer_graph([("x", "a"), ("a", "b")], inputs=["x"]))
untrained = graph(
    "x Feed\na/MatMul MatMul x\nb/Relu Relu a/MatMul", layers=layer_graph([("x", "a"), ("a", "b")], inputs=["x"])
)
saved_model = graph(TRAINED, drawn=True, imagined=True)
SCAFFOLD = """
    global_step VariableV2
    report_uninitialized_variables/Check IsVariableInitialized global_step
    queue_DequeueMany QueueDequeueManyV2
    a/kernel VariableV2
    a/MatMul MatMul queue_DequeueMany a/kernel
    b/Relu Relu a/MatMul
    loss/Sub Sub b/Relu
"""
scaffold = graph(SCAFFOLD)
scaffold_with_a_placeholder = graph(SCAFFOLD + "    rate Feed\n    b/Mul Mul b/Relu rate")
STEP = """
    x Argument
    w Handle
    a/Read ReadVariableOp w
    a/MatMul MatMul x a/Read
    b/Relu Relu a/MatMul
    gradient_tape/b/ReluGrad ReluGrad b/Relu
    y _Retval b/Relu
"""
step = graph(STEP)
summaries = graph(
    """
    x Argument
    net/MatMul MatMul x
    net/Relu Relu net/MatMul
    mean/write_summary/Mean Mean net/Relu
    mean/write_summary/WriteScalarSummary WriteScalarSummary mean/write_summary/Mean net/Relu
    y _Retval net/Relu
    """
)

# --- GD113 to GD118 --------------------------------------------------------------------------------------------------

THREE = layer_graph([("x", "a"), ("x", "b"), ("b", "c")], inputs=["x"])
fused = graph(
    """
    x Feed
    a/MatMul MatMul x
    b/Relu _FusedConv2D x a/MatMul
    c/Neg Neg b/Relu
    """,
    layers=THREE,
)
pruned = graph(
    "x Feed\na/w VariableV2\na/mask VariableV2\na/masked_weight Mul a/w a/mask\na/MatMul MatMul x a/masked_weight"
)
optimized = graph("x Feed\na/MatMul MatMul x\na/w/_3__cf__5 Const\nb/Mul Mul a/MatMul a/w/_3__cf__5")
fused_away = graph(
    "x Feed\na/Conv _FusedConv2D x\nc/Neg Neg a/Conv",
    layers=layer_graph([("x", "a"), ("a", "relu"), ("relu", "c")], inputs=["x"], classes={"relu": "ReLU"}),
)
quantized_by_the_model = graph(
    """
    x Feed
    a/MatMul MatMul x
    a/act_quant/FakeQuantWithMinMaxVars FakeQuantWithMinMaxVars a/MatMul
    b/Relu Relu a/act_quant/FakeQuantWithMinMaxVars
    """,
    layers=layer_graph([("x", "a"), ("a", "b")], inputs=["x"]),
)
TOWERS = """
    x Feed
    {variable}
    tower_0/conv/MatMul MatMul x{own}
    tower_0/conv/Relu Relu tower_0/conv/MatMul
    tower_1/conv/MatMul MatMul x{other}
    tower_1/conv/Relu Relu tower_1/conv/MatMul
"""
towers = graph(TOWERS.format(variable="y Feed", own="", other=""))
towers_on_the_same = graph(TOWERS.format(variable="w VariableV2", own=" w", other=" w"))
towers_with_copies = graph(
    TOWERS.format(
        variable="tower_0/conv/w VariableV2\n    tower_1/conv/w VariableV2",
        own=" tower_0/conv/w",
        other=" tower_1/conv/w",
    )
)
another_tower = graph(
    TOWERS.format(variable="y Feed", own="", other="").replace("tower_1/conv/Relu Relu", "tower_1/head/Tanh Tanh")
)
FUNCTION = "x Argument\nnet/MatMul MatMul x\nnet/Relu Relu net/MatMul\ny _Retval net/Relu"
OTHER = "x Argument\nhead/MatMul MatMul x\nhead/Neg Neg head/MatMul\ny _Retval head/Neg"
KERNEL = "a Argument\nMatMul MatMul a\nr _Retval MatMul"
OWN_CONSTANT = "_EagerConst _EagerConst\nr _Retval _EagerConst"
two_functions = graph(FUNCTION, OTHER)
the_same_twice = graph(FUNCTION, FUNCTION)
kernel_and_function = graph(KERNEL, FUNCTION)
kernels_and_function = graph(KERNEL, KERNEL, FUNCTION)
constant_and_function = graph(OWN_CONSTANT, FUNCTION)
kernels = graph(KERNEL, KERNEL)
kernel = graph(KERNEL)
# A function of one op gives back an Identity of it, and its arguments are named as the code has them.
function_of_one_op = graph("x Argument\nRelu Relu x\nIdentity Identity Relu\nidentity_RetVal _Retval Identity")

LOOP = """
    x Feed
    group/first Relu x
    between/MatMul MatMul group/first
    group/second Relu between/MatMul
    end/Neg Neg group/second
"""
loop = graph(LOOP, drawn=True)
no_loop = graph(LOOP.replace("group/second", "again/second"), drawn=True)
loop_with_an_optimizer = graph(
    """
    x Feed
    step/net/MatMul MatMul x
    gradients/MatMul_grad MatMul step/net/MatMul
    step/adam/Mul Mul gradients/MatMul_grad
    step/adam/Sub Sub step/adam/Mul
    """,
    drawn=True,
)
loop_of_gradients = graph(
    """
    x Feed
    conv/MatMul MatMul x
    two Const
    grad/conv/MatMul_grad/A MatMul conv/MatMul two
    grad/AddN AddN grad/conv/MatMul_grad/A
    grad/conv/MatMul_grad/B MatMul grad/AddN
    """,
    drawn=True,
)
loop_of_a_layer_with_weights = graph(
    """
    x Feed
    twice/MatMul MatMul x
    between/Relu Relu twice/MatMul
    twice/MatMul_1 MatMul between/Relu
    end/Neg Neg twice/MatMul_1
    """,
    layers=layer_graph(
        [("x", "twice"), ("twice", "between"), ("between", "twice"), ("twice", "end")], calls={"twice": 2}
    ),
    owners={"twice/MatMul": "twice", "between/Relu": "between", "twice/MatMul_1": "twice", "end/Neg": "end"},
    drawn=True,
)

HANDLES = range(1, 7)
handles_of_others = graph(
    "x Argument\nnet/MatMul MatMul x\n"
    + "\n".join(
        f"h{number} Handle\nnet/Read_{number} ReadVariableOp h{number}\n"
        f"box{number}a/Read ReadVariableOp h{number}\nbox{number}a/Neg Neg box{number}a/Read"
        for number in HANDLES
    ),
    drawn=True,
)

# --- GD200 to GD208 --------------------------------------------------------------------------------------------------

TWO_WAYS = layer_graph([("x", "a"), ("x", "b"), ("a", "c"), ("b", "c")], inputs=["x"])
NOT_USED = "x Feed\na/Relu Relu x\nb/Relu Relu x\nc/Neg Neg a/Relu"
not_used = graph(NOT_USED, layers=TWO_WAYS)
not_used_live = graph(NOT_USED, layers=TWO_WAYS, owners={"x": "x", "a/Relu": "a", "b/Relu": "b", "c/Neg": "c"})
used = graph(NOT_USED.replace("c/Neg Neg a/Relu", "c/Add Add a/Relu b/Relu"), layers=TWO_WAYS)
empty = graph("", layers=CHAIN, has_op_graph=True)
empty_trace = graph("", layers=CHAIN, has_op_graph=True, tag="model")
no_graph = graph("", layers=CHAIN, has_op_graph=False)
no_graph_of_keras_2_4 = graph("", layers=replace(CHAIN, keras_version="2.4.0"), has_op_graph=False)
no_graph_at_all = graph(
    "", layers=CHAIN, has_op_graph=False, conceptual_failure="'float' object has no attribute 'get'"
)
undrawable = graph(FUNCTION, failure="Cannot combine GraphDefs of different versions.")
GIVEN = {"config": {"layers": [{"name": "twice", "class_name": "Multiply", "inbound_nodes": [{"args": [{}, 2.0]}]}]}}
of_a_number = graph(
    "", layers=CHAIN, has_op_graph=False, conceptual_failure="'float' object has no attribute 'get'", keras_json=GIVEN
)
of_a_list = graph(
    "", layers=CHAIN, has_op_graph=False, conceptual_failure="'list' object has no attribute 'get'", keras_json=GIVEN
)
unread_by_tensorboard = graph(
    "", layers=layer_graph([("x", "a")], inputs=["x"]), conceptual=from_graph_def(graph_def("x Neg\na Neg"))
)
RESULTS = replace(
    layer_graph([("x", "gru"), ("gru", "out")], inputs=["x"], outputs=["out", "gru"]),
    output_tensors=(LayerTensor("out", 0, 0), LayerTensor("gru", 0, 0)),
)

# --- GD301 to GD303 --------------------------------------------------------------------------------------------------

HIDDEN = "x Feed\na/MatMul MatMul x\nb/Relu Relu x\nc/Mul Mul b/Relu a/MatMul"
hidden = graph(HIDDEN, layers=THREE)
hidden_by_an_unknown_op = graph(
    HIDDEN.replace("c/Mul Mul b/Relu a/MatMul", "a/Odd NoSuchOp a/MatMul\nc/Mul Mul b/Relu a/Odd"), layers=THREE
)
given = graph(HIDDEN, layers=layer_graph([("x", "a"), ("x", "b"), ("b", "c"), ("a", "c")], inputs=["x"]))
GATED = layer_graph([("x", "body"), ("body", "gated")], inputs=["x"], classes={"gated": "Lambda"})
GATE = """
    x Feed
    gate/kernel VariableV2
    gate/MatMul MatMul x gate/kernel
    body/MatMul MatMul x
    gated/Mul Mul body/MatMul gate/MatMul
"""
gate = graph(GATE, layers=GATED)
gate_of_parameters = graph(
    """
    x Feed
    gate/kernel VariableV2
    other/w VariableV2
    other/MatMul MatMul x other/w
    gate/Mul Mul other/w gate/kernel
    body/MatMul MatMul x
    gated/Mul Mul body/MatMul gate/Mul
    """,
    layers=layer_graph([("x", "body"), ("body", "gated"), ("x", "other")], inputs=["x"], classes={"gated": "Lambda"}),
)
gate_in_the_model = graph(
    GATE, layers=layer_graph([("x", "body"), ("body", "gated"), ("x", "gate"), ("gate", "gated")], inputs=["x"])
)
CODE = """
    x Feed
    a/one Const
    a/Py PyFunc {given}
    b/Relu Relu x
    c/Py PyFunc b/Relu{after}
    c/Neg Neg c/Py
"""
code_after_code = graph(CODE.format(given="a/one", after=" ^a/Py"), layers=THREE)
stored_in_code = graph(CODE.format(given="x", after=""), layers=THREE)
TIED = "x Feed\na/w VariableV2\na/MatMul MatMul x a/w\nb/Relu Relu a/MatMul\nc/MatMul MatMul b/Relu a/w"
tied = graph(TIED, layers=version(CHAIN, "3.15.1"))
tied_in_keras_2 = graph(TIED, layers=version(CHAIN, "2.1.6"))
not_tied = graph(TIED.replace("b/Relu a/w", "b/Relu"), layers=version(CHAIN, "3.15.1"))

OWNED = {"x": "x", "a/Read": "a", "a/MatMul": "a", "b/Relu": "b", "c/Read": "c", "c/MatMul": "c"}
CAPTURED = """
    x Argument
    w Handle
    a/Read ReadVariableOp w
    a/MatMul MatMul x a/Read
    b/Relu Relu a/MatMul
    c/Read ReadVariableOp w
    c/MatMul MatMul b/Relu c/Read
"""
captured = graph(CAPTURED, layers=CHAIN, owners=OWNED, trackers={"w": ["a"]})
held = graph(CAPTURED, layers=CHAIN, owners=OWNED, trackers={"w": ["a", "c"]})
captured_from_nobody = graph(CAPTURED, layers=CHAIN, owners=OWNED, trackers={"w": []}, belongs_to={"w": "nobody"})
written = graph(
    CAPTURED.replace("c/Read ReadVariableOp w", "c/Read Const\n    c/Assign AssignVariableOp w c/Read"),
    layers=CHAIN,
    owners={**OWNED, "c/Assign": "c"},
    trackers={"w": ["a"]},
)
STRAY = """
    x Argument
    w Handle
    body/MatMul MatMul x
    gated/Read ReadVariableOp w
    gated/Mul Mul body/MatMul gated/Read
"""
OF_GATED = {"x": "x", "body/MatMul": "body", "gated/Read": "gated", "gated/Mul": "gated"}
OWN_CLASS = layer_graph(GATED.edges, inputs=["x"], classes={"gated": "Gate"})
stray_weight = graph(STRAY, layers=GATED, owners=OF_GATED, trackers={"w": []})
tracked_weight = graph(STRAY, layers=GATED, owners=OF_GATED, trackers={"w": ["gated"]})
stray_layer = graph(STRAY, layers=OWN_CLASS, owners=OF_GATED, trackers={"w": []})
NOBODYS = {"owners": OF_GATED, "trackers": {"w": []}, "belongs_to": {"w": "nobody"}}
stray_variable = graph(STRAY, layers=version(OWN_CLASS, "3.15.1"), **NOBODYS)
stray_variable_in_keras_2 = graph(STRAY, layers=version(OWN_CLASS, "2.15.0"), **NOBODYS)

# --- GD401 to GD406 --------------------------------------------------------------------------------------------------

ONE = layer_graph([("x", "h")], inputs=["x"])
stale = graph("x Feed\ny Feed\nother/kernel VariableV2\nother/MatMul MatMul y other/kernel\nh/Relu Relu x", layers=ONE)
stale_ops = graph("x Feed\ny Feed\nother/Relu Relu y\nother/Neg Neg other/Relu\nh/Relu Relu x", layers=ONE)
beside_in_a_trace = graph(
    "x Argument\ny Argument\nother/Relu Relu y\nother/Neg Neg other/Relu\nh/Relu Relu x\nr _Retval h/Relu", layers=ONE
)
needed = graph(
    "x Feed\ny Feed\nother/kernel VariableV2\nother/MatMul MatMul y other/kernel\nh/Add Add x other/MatMul", layers=ONE
)
dead = graph(
    "x Feed\nh/MatMul MatMul x\nout/Relu Relu h/MatMul\nprobe/Relu Relu h/MatMul",
    layers=replace(layer_graph([("x", "h"), ("h", "out"), ("h", "probe")], inputs=["x"]), outputs=("out",)),
)
alive = graph(
    "x Feed\nh/MatMul MatMul x\nout/Relu Relu h/MatMul\nprobe/Relu Relu h/MatMul",
    layers=replace(layer_graph([("x", "h"), ("h", "out"), ("h", "probe")], inputs=["x"]), outputs=("out", "probe")),
)
two_dead = graph(
    "x Feed\nh/MatMul MatMul x\nout/Relu Relu h/MatMul\np/MatMul MatMul h/MatMul\nq/Relu Relu p/MatMul",
    layers=layer_graph([("x", "h"), ("h", "out")], inputs=["x"], outputs=["out"]),
)
DROPPED = "p Argument\nq Argument\nv Handle\na/Relu Relu p\na/Neg Neg a/Relu\nb/Relu Relu q\n"
dropped_argument = graph(DROPPED + "r _Retval a/Neg")
returned_argument = graph(DROPPED + "r _Retval a/Neg\ns _Retval b/Relu")
written_argument = graph(DROPPED + "r _Retval a/Neg\nb/Assign AssignVariableOp v b/Relu")
unread = graph("x Feed\ny Feed\na/MatMul MatMul x\na/Relu Relu a/MatMul")
read = graph("x Feed\ny Feed\na/MatMul MatMul x\na/Add AddV2 a/MatMul y")
LEFT = "left Feed\nright Feed\na/Relu Relu left\nb/Relu Relu right"
unused_input = graph(LEFT, layers=layer_graph([("left", "a"), ("right", "b")], inputs=["left", "right"], outputs=["a"]))
unused_input_alone = graph(
    "left Feed\nright Feed\na/Relu Relu left",
    layers=layer_graph([("left", "a")], apart=["right"], inputs=["left", "right"], outputs=["a"]),
)
used_inputs = graph(
    LEFT, layers=layer_graph([("left", "a"), ("right", "b")], inputs=["left", "right"], outputs=["a", "b"])
)
LOSS = """
    x Feed
    net/MatMul MatMul x
    net/Relu Relu net/MatMul
    loss/Square Square net/Relu
    loss/Mean Mean loss/Square
    gradients/net/Relu_grad ReluGrad net/Relu
"""
loss = graph(LOSS, drawn=True)
loss_without_gradients = graph(LOSS.replace("    gradients/net/Relu_grad ReluGrad net/Relu\n", ""), drawn=True)
FROZEN = """
    x Feed
    a/kernel Const
    a/kernel/read Identity a/kernel
    a/MatMul MatMul x a/kernel/read
    b/MatMul MatMul a/MatMul a/kernel/read
"""
frozen = graph(FROZEN, layers=layer_graph([("x", "a"), ("a", "b"), ("x", "b")], inputs=["x"]))
frozen_apart = graph(
    FROZEN.replace("b/MatMul MatMul a/MatMul a/kernel/read", "b/Relu Relu a/MatMul"),
    layers=layer_graph([("x", "a"), ("a", "b")], inputs=["x"]),
)
frozen_edge = graph(
    FROZEN.replace("b/MatMul MatMul a/MatMul", "b/MatMul MatMul x"),
    layers=layer_graph([("x", "a"), ("x", "b")], inputs=["x"]),
)
not_frozen = graph(FROZEN + "    b/bias VariableV2\n    b/Add AddV2 b/MatMul b/bias")

reference = log("keras216_reference")
siamese = log("keras216_siamese")
series_loop = log("tf110_series_loop")
series_scoped = log("tf110_series_scoped")
unconnected = log("unconnected_conv")
quantized = log("quantize_rewriter")
mirrored = log("mirrored_estimator")
train_step = log("train_step_trace")
alternatives = log("tfk_lstm_gradients")
imported = log("savedmodel_import")
gru = log("k3_gru_callback")
names_collide = log("keras216_names_collide")
layers_apart = log("tf110_layers_apart")
losses = live("conceptual_losses_keras3")
relu_twice = log("tfk_relu_called_twice")
slash_names = log("keras216_slash_names")
in_function = log("tfk_in_function")
not_in_function = log("tfk_not_in_function")
scopes = live("name_scope_keras3")
own_call = live("own_call_keras3")
closure = live("closure_layer_keras3")
closure_of_tf_keras = live("closure_layer_tf_keras")
wrapped = live("wrapped_layers_keras3")
store = live("shared_store_keras3")
next_call = live("next_call_keras3")

SENTENCES = [
    Sentence(*row)
    for row in [
        (
            "GD101",
            "a scalar bool that depends on no input and no variable, so nothing that n computes crosses. Keras made "
            "the op inside the scope of the first layer that asked for the learning phase.",
            phase,
            graph(PHASE_OF_DATA, layers=NORMS),
        ),
        (
            "GD101",
            "Call K.learning_phase() once before the first layer is built; the op then lies at the root (Keras "
            "2.0 to 2.2)",
            phase,
            phase_of_tf_keras,
        ),
        (
            "GD101",
            "Call tf.keras.backend.learning_phase() once before the first layer is built; the op then lies at "
            "the root (tf.keras of TensorFlow 1.x)",
            phase_of_tf_keras,
            phase,
        ),
        ("GD101", "(Keras 2.0 to 2.2, tf.keras of TensorFlow 1.x)", graph(PHASE), phase),
        ("GD101", "writes the same graph with the op at the root", phase, graph(PHASE_AT_ROOT, layers=NORMS)),
        (
            "GD102",
            "from n/train, a flag: a scalar feed that is not an input of the model, so no activation crosses.",
            flag,
            flag_of_data,
        ),
        (
            "GD102",
            "it is computed from train alone, a scalar feed that is not an input of the model",
            derived_flag,
            flag,
        ),
        ("GD102", " that is not an input of the model", flag, flag_without_layers),
        (
            "GD102",
            "Make the flag's placeholder before the first layer, outside every name scope, or pass a Python bool.",
            flag,
            derived_flag,
        ),
        ("GD102", "Compute the flag outside of the layers, or in each layer that uses it.", derived_flag, flag),
        ("GD103", "carries only the shape of a/MatMul (by a/Shape): dimensions cross, values do not.", shape, values),
        ("GD103", "Where the dimensions are known when the model is built, tensor.shape leaves no op.", shape, rank),
        (
            "GD103",
            "carries only the rank of a/ArgMax, which does not depend on any input; its values do not cross.",
            rank,
            all_of_it,
        ),
        ("GD103", "only the shape and the rank of a/ArgMax", rank_and_shape, rank),
        (
            "GD103",
            "What is known when the model is built, tensor.shape and tensor.shape.rank give without an op.",
            rank,
            shape,
        ),
        (
            "GD104",
            "is a control dependency only (a/Assert): it orders execution and carries no tensor.",
            waits,
            waits_for_a_branch,
        ),
        (
            "GD104",
            "are control dependencies only (a/Assert): they order execution and carry no tensor.",
            several_wait,
            waits,
        ),
        ("GD105", "a constant, a/one: no input, variable, flag or random op leads to it.", constant, variable),
        ("GD105", "Make the constant outside the layers' scopes, or once in each layer.", constant, frozen_edge),
        ("GD106", "random numbers or their seed from a/one: no activation crosses.", noise_of_dropout, noise_and_data),
        (
            "GD106",
            "Give each layer a seed of its own if they should be independent.",
            noise_of_dropout,
            noise_of_a_lambda,
        ),
        (
            "GD106",
            "Draw the numbers in each layer if the layers should be independent.",
            noise_of_a_lambda,
            noise_of_dropout,
        ),
        ("GD107", "1 drawn arrow (enc -> enc_1) carries the variables of enc and no activation: ", shared, in_series),
        (
            "GD107",
            "the boxes are uses of one layer, and its variables are drawn in the first",
            shared,
            variables_of_two,
        ),
        (
            "GD107",
            "conv_2 and conv_3 are uses of one layer, and its variables are drawn in conv_1",
            variables_of_two,
            variables_apart,
        ),
        ("GD107", "None is needed: it is one layer.", shared, in_series),
        (
            "GD108",
            "second has 1 op (first/Mul) in the box first, which is drawn as the layer first.",
            entered_again,
            entered_once,
        ),
        (
            "GD108",
            "Call second outside of first, and do not enter its name scope (tf.name_scope('first/')).",
            entered_again,
            slash_names,
        ),
        ("GD108", "names without 'conv1/' at the beginning.", slash_names, entered_again),
        (
            "GD108",
            "stand outside of Model, where all layers that they join are drawn: Keras makes a layer of each raw "
            "op, and that layer's op lies at the root.",
            log("tf22_tf39398"),
            log("tf22_add_in_group"),
        ),
        ("GD108", "that layer's op lies in a scope of its own.", raw_op_in_a_scope, log("tf22_tf39398")),
        (
            "GD108",
            'Use a layer with a name in the group instead of the raw op, as in Keras 2 layers.Add(name="Model/',
            log("tf22_tf39398"),
            log("tf22_add_in_group"),
        ),
        (
            "GD108",
            "conv_1 and conv_2 are one layer: conv_1 holds its variables (conv_1/kernel) and computes nothing, and "
            "conv_2 computes with them. The scopes of variables and of ops are counted apart.",
            variables_apart,
            variables_of_two,
        ),
        (
            "GD108",
            "and only dense_1 uses them: the scopes of variables and of ops are counted apart.",
            layers_apart,
            variable_in_another_scope,
        ),
        (
            "GD108",
            "Give every layer a name of its own (TensorFlow 1: tf.layers.dense(..., name='hidden')).",
            layers_apart,
            variable_in_another_scope,
        ),
        ("GD108", "Make it in the scope of head.", variable_in_another_scope, layers_apart),
        ("GD109", "The cycle through MatMul_[1-6] and Relu_[1-6] is not in the op graph: ", series_loop, series_scoped),
        (
            "GD109",
            "TensorBoard folds look-alike nodes into series, and the folded nodes point at each other",
            series_loop,
            one_series,
        ),
        (
            "GD109",
            "TensorBoard folds look-alike nodes into the series add_[1-6], which holds ops from before and from "
            "after mid",
            one_series,
            series_loop,
        ),
        (
            "GD109",
            "In TensorBoard, ungroup the series (click it, 'Ungroup this series of nodes')",
            series_loop,
            series_scoped,
        ),
        (
            "GD109",
            ", or, where your code makes the ops, give each pair of them a name scope of its own",
            series_loop,
            alternatives,
        ),
        ("GD109", "writes the same graph under names that are not folded", series_loop, series_scoped),
        (
            "GD110",
            "TensorBoard moved batchnorm_0_0 to 'Auxiliary Nodes' (out-degree 9 > 4)",
            reference,
            live("reference_tf_keras"),
        ),
        (
            "GD110",
            ", which breaks conv1d_0_0 -> batchnorm_0_0 -> conv1d_0_1 on screen",
            reference,
            log("keras216_reference", model=False),
        ),
        ("GD110", "Adam went with it: nothing else joins it.", log("keras216_reference_fit"), reference),
        (
            "GD110",
            "Without the artifacts its out-degree would be 1, and it would stay where it belongs.",
            reference,
            unconnected,
        ),
        (
            "GD110",
            "Fix the artifact. Until then, click the node in TensorBoard and choose 'Add to main graph'.",
            reference,
            unconnected,
        ),
        (
            "GD110",
            "Fix the artifact. Until then, click a box in TensorBoard and choose 'Add to main graph'.",
            log("keras216_vgg_bn", model=False),
            unconnected,
        ),
        ("GD110", "In TensorBoard, click the node and choose 'Add to main graph'.", hub_of_the_model, reference),
        ("GD110", "In TensorBoard, click a box and choose 'Add to main graph'.", unconnected, reference),
        (
            "GD110",
            "so images -> conv1, norm1 -> conv2, norm2 -> local3, conv1 -> pool1 and 2 more are not on screen",
            unconnected,
            reference,
        ),
        ("GD110", " Of the 11 boxes that conv1 leads to, only pool1 takes activations.", unconnected, reference),
        (
            "GD110",
            "training is no part of the model.",
            log("keras216_reference_fit", model=False),
            log("keras216_reference", model=False),
        ),
        ("GD110", "are joined to it by a flag only.", log("keras216_reference", model=False), unconnected),
        (
            "GD110",
            "writes the same graph with one box for each kind of bookkeeping",
            unconnected,
            log("keras216_reference", model=False),
        ),
        (
            "GD111",
            "2 op edges lead from layers to bookkeeping, which is not part of the model: initialization (1 layer), "
            "loss (1 layer).",
            trained,
            untrained,
        ),
        ("GD111", "None is needed: a SavedModel holds what loads it.", saved_model, trained),
        ("GD111", "Write the summaries outside of the function that is traced (TensorFlow 2).", summaries, step),
        ("GD111", "Trace a call of the model instead of the training step (TensorFlow 2).", step, trained),
        (
            "GD111",
            "Build the model in a graph of its own, and write that (TensorFlow 1): this session adds its ops "
            "before it writes the graph.",
            scaffold,
            trained,
        ),
        (
            "GD111",
            "Write the graph before the model is trained and saved, when these ops are not there yet (TensorFlow 1).",
            trained,
            step,
        ),
        (
            "GD112",
            "are the template from which it was built: the same layers once more, on placeholders of their own",
            siamese,
            names_collide,
        ),
        ("GD112", "There is one set of weights.", shared, dropped_twice),
        ("GD112", "They have no weights.", dropped_twice, frozen_twice),
        ("GD112", "None is needed: count the boxes as one.", shared, layers_apart),
        (
            "GD112",
            "On TensorFlow 2 a traced call (tf.summary.trace_on, trace_export) has no template.",
            template_of_tensorflow_2,
            siamese,
        ),
        ("GD112", "writes the same graph with one box for each layer", shared, layers_apart),
        (
            "GD113",
            "An optimizer of graphs that fuses ops changed this graph after the model was built: 1 op",
            fused,
            quantized,
        ),
        ("GD113", "An optimizer of graphs changed this graph after the model was built: ", optimized, fused),
        (
            "GD113",
            "Write the log before the graph is quantized, and compare that; or accept what the rewriter made.",
            log("rewritten/quantized.pb"),
            quantized,
        ),
        ("GD113", " relu has no op any more: what it computes is part of others.", fused_away, fused),
        (
            "GD113",
            "before the quantizer is called (TensorFlow 1.15: tf.contrib.quantize.create_training_graph)",
            quantized,
            fused,
        ),
        (
            "GD113",
            "Write the log before the graph is optimized, and compare that; or accept what the rewriter made.",
            fused,
            quantized,
        ),
        ("GD113", "Weights are pruned in this graph: 1 op (a/masked_weight) multiply them by masks.", pruned, fused),
        ("GD113", "None is needed: the masks belong to the layers whose weights they prune.", pruned, fused),
        ("GD113", " changed this graph after the model was built: ", quantized, quantized_by_the_model),
        (
            "GD113",
            " Into or out of them leads 1 edge that the model does not have (a -> b); the rewriter made it, not a "
            "closure in your code, and what flows there is real.",
            fused,
            quantized_by_the_model,
        ),
        ("GD113", " Instead of bn -> act and act -> flat the way leads through them.", quantized, fused),
        ("GD114", ": the same model, built once more", towers, another_tower),
        ("GD114", ", with copies of the weights", towers_with_copies, towers_on_the_same),
        ("GD114", ", on the same weights", towers_on_the_same, towers_with_copies),
        ("GD114", " are NoOps that only wait for other ops, and compute nothing.", mirrored, towers),
        (
            "GD114",
            "None is needed: look at one replica. To see the model once, write the graph of a run on one device.",
            towers,
            another_tower,
        ),
        ("GD115", "The tag holds 2 graphs, drawn side by side as graph_1 and graph_2.", two_functions, graph(FUNCTION)),
        (
            "GD115",
            " 1 of them is a single op (MatMul) that ran eagerly, outside of every tf.function.",
            kernel_and_function,
            two_functions,
        ),
        ("GD115", " have the same ops: one function that ran 2 times.", the_same_twice, two_functions),
        (
            "GD115",
            "was traced for arguments of several shapes or types",
            log("k3_two_shapes_in_one_tag"),
            the_same_twice,
        ),
        ("GD115", " graph_2 is the one function that ran.", kernel_and_function, two_functions),
        (
            "GD115",
            "Run one function, on arguments of one shape, between tf.summary.trace_on and trace_export (TensorFlow 2).",
            two_functions,
            kernel_and_function,
        ),
        (
            "GD115",
            "None is needed: the single ops are constants that TensorFlow made for itself.",
            constant_and_function,
            kernel_and_function,
        ),
        (
            "GD115",
            "Call the model once before tf.summary.trace_on, outside of the tf.function, so that its variables are "
            "there; then let nothing run but the function, for the first time, until trace_export (TensorFlow 2).",
            kernel_and_function,
            constant_and_function,
        ),
        (
            "GD116",
            "are variables that the traced function takes as arguments, so they stand at the root",
            train_step,
            log("k3_subclassed_traced"),
        ),
        (
            "GD116",
            ": 4 weights of the model, and 10 of the optimizer and the like (slots, counters)",
            train_step,
            log("k3_reference_training"),
        ),
        (
            "GD116",
            " of them lead into step_scope; TensorBoard moved it to 'Auxiliary Nodes' for that (in-degree",
            train_step,
            log("k3_subclassed_traced"),
        ),
        ("GD116", ", and them with it.", train_step, handles_of_others),
        (
            "GD116",
            " Trace a call of the model instead of the training step to be without the optimizer's (TensorFlow 2).",
            train_step,
            log("k3_reference_training"),
        ),
        (
            "GD116",
            "writes the same graph with each handle in the box of its layer",
            train_step,
            log("k3_subclassed_traced"),
        ),
        ("GD117", "is only on screen: no path of ops comes back to where it began.", loop, no_loop),
        ("GD117", "Enter each name scope once, so that a box holds the ops of one place.", loop, relu_twice),
        ("GD117", " grad/conv holds gradients, which go through the layers backwards.", loop_of_gradients, loop),
        ("GD117", "None is needed: no layer is in the loop.", loop_of_gradients, loop),
        ("GD117", " The box step holds ops of the model, and step/adam as well.", loop_with_an_optimizer, loop),
        ("GD117", "Leave the scope step before step/adam is called.", loop_with_an_optimizer, loop),
        ("GD117", " The box block/relu holds the calls of the layer relu", relu_twice, loop),
        ("GD117", " The box group holds ops of several places", loop, relu_twice),
        ("GD117", "Begin the names of layers alike only where the one follows on the other.", slash_names, loop),
        (
            "GD117",
            "relu has no weights to share: make a new ReLU at each place where it is called (Keras 2 and 3).",
            relu_twice,
            loop_of_a_layer_with_weights,
        ),
        (
            "GD117",
            "None is needed: it is one layer, called at several places.",
            loop_of_a_layer_with_weights,
            relu_twice,
        ),
        ("GD117", "writes the same graph with the ops of each layer in its own box", loop, loop_of_gradients),
        (
            "GD118",
            "The name scope 'block_a' (line 8) has no effect: no op lies in a scope of that name. d1 and d2 are "
            "made inside it, and the model opens a scope for each layer when it is called.",
            scopes,
            live("name_scope_as_model_keras3"),
        ),
        (
            "GD118",
            "Put them into a model of their own, which is drawn as a box: keras.Sequential([...], name='block_a')",
            scopes,
            live("name_scope_as_model_keras3"),
        ),
        ("GD118", "Put it into a model of its own", live("name_scope_around_one_keras3"), scopes),
        (
            "GD118",
            "The class Block (line 7) overrides __call__, by which Keras calls a layer, so Keras does not know that "
            "it is called: first and second, which it makes, are drawn without a box around them.",
            own_call,
            live("own_call_mended_keras3"),
        ),
        (
            "GD118",
            "Define call instead of __call__ (Keras 3, tf_keras): the class is then a layer, with a box of its own.",
            own_call,
            live("own_call_mended_keras3"),
        ),
        ("GD200", "1 layer edge of the model is not in the op graph: b -> c.", not_used, used),
        (
            "GD200",
            "Look at what the second layer does with its input; or the op graph is another model's.",
            not_used,
            not_used_live,
        ),
        (
            "GD201",
            "Keras 2 writes what a layer takes as lists, which TensorBoard 2.21 passes over",
            log("tfk_reference_callback"),
            losses,
        ),
        (
            "GD201",
            "the nested model inner has several inputs, and TensorBoard gives those no source",
            losses,
            log("tfk_reference_callback"),
        ),
        (
            "GD201",
            "the tensor is given by name, and TensorBoard reads arguments without a name only",
            losses,
            log("tfk_reference_callback"),
        ),
        (
            "GD201",
            "the tensor is in a dictionary, or in a list inside a list, where TensorBoard does not look",
            losses,
            log("tfk_reference_callback"),
        ),
        ("GD201", "TensorBoard draws the first call of the nested model encoder only", live("nested_keras3"), losses),
        (
            "GD201",
            "the nested model outer gives it from the model middle inside it, which TensorBoard does not look into",
            live("deep_nested_keras3"),
            live("two_outputs_keras3"),
        ),
        (
            "GD201",
            "x -> a is lost because TensorBoard's reading of the model's JSON does not give it",
            unread_by_tensorboard,
            losses,
        ),
        ("GD201", "TensorBoard's conceptual graph will show 2 of 7 layer edges.", losses, log("k3_reference_callback")),
        ("GD201", "The model is right.", losses, log("k3_reference_callback")),
        (
            "GD201",
            "writes the same graph of layers in the shape that TensorBoard reads",
            losses,
            log("k3_reference_callback"),
        ),
        ("GD202", "TensorBoard fails to make a conceptual graph of this model: ", of_a_number, no_graph),
        (
            "GD202",
            " It expects a tensor in each argument of a layer, and the model gives twice the number 2.0.",
            of_a_number,
            of_a_list,
        ),
        (
            "GD202",
            "Put the number of twice into a layer: layers.Rescaling(2.0) (Keras 3).",
            of_a_number,
            no_graph_at_all,
        ),
        ("GD202", "writes the same graph of layers in the shape that TensorBoard reads", of_a_number, no_graph),
        (
            "GD203",
            "The trace 'model' holds no op: TensorBoard shows 'The graph is empty'. What ran between trace_on and "
            "trace_export, if anything, had run before; TensorFlow records a tf.function when it first runs.",
            empty_trace,
            empty,
        ),
        ("GD203", "The op graph has no op: TensorBoard shows 'The graph is empty'.", empty, empty_trace),
        (
            "GD204",
            "The log holds no op graph, and TensorBoard fails on the conceptual one: it shows none.",
            no_graph_at_all,
            no_graph,
        ),
        (
            "GD204",
            "Train with callbacks=[graphdiag.keras.GraphCallback(LOGDIR)], which writes one; or ",
            no_graph,
            no_graph_of_keras_2_4,
        ),
        (
            "GD204",
            "The log holds no op graph: TensorBoard shows the conceptual graph of the Keras model only.",
            no_graph,
            no_graph_at_all,
        ),
        (
            "GD205",
            "the functions of an input pipeline, which TensorBoard draws under 'Functions': they are not part of "
            "the model.",
            log("mirrored_estimator"),
            in_function,
        ),
        ("GD205", "1 library function, which TensorBoard draws apart and links to none.", in_function, not_in_function),
        (
            "GD205",
            " The ops of block/first and block/second are in such a function only, so 1 edge of the model cannot be "
            "seen (block/first -> block/second).",
            in_function,
            log("tf22_reference"),
        ),
        (
            "GD205",
            "are alternatives of one function (lstm), of which one runs: a layer is not computed twice.",
            alternatives,
            in_function,
        ),
        ("GD205", "Look under 'Functions' in TensorBoard for ", in_function, imported),
        ("GD205", "writes the same graph with the functions in the place of their calls", in_function, not_in_function),
        (
            "GD205",
            ", and so are those of 1 more such function: a layer is not computed twice.",
            log("tfk_shared_gru_gradients"),
            alternatives,
        ),
        (
            "GD205",
            "The whole model is in one function: import/StatefulPartitionedCall runs "
            "__inference_signature_wrapper_513, with ",
            imported,
            in_function,
        ),
        (
            "GD205",
            " ops in it and in what it calls. TensorBoard draws import/StatefulPartitionedCall as one box, and links "
            "it to none of them. This is the graph of a SavedModel.",
            imported,
            in_function,
        ),
        (
            "GD205",
            "Give graphdiag the SavedModel directory itself, 'graphdiag compare DIRECTORY': the function's own graph "
            "is read from there.",
            imported,
            in_function,
        ),
        (
            "GD206",
            "TensorBoard cannot draw this trace: Cannot combine GraphDefs of different versions.",
            undrawable,
            graph(FUNCTION, drawn=True),
        ),
        (
            "GD206",
            "Trace one function at a time, each under a tag of its own.",
            undrawable,
            graph(FUNCTION, drawn=True),
        ),
        (
            "GD207",
            "The graph of this trace is a single op (MatMul): the model was called eagerly, so TensorFlow traced "
            "each op by itself, and nothing joins them. No layer of the model can be seen.",
            kernel,
            function_of_one_op,
        ),
        ("GD207", "Each of the 2 graphs of this trace is a single op", kernels, kernel_and_function),
        (
            "GD208",
            "1 output of the model is not shown in the op graph: the first result of gru, which feeds out as well. "
            "TensorBoard marks no outputs there.",
            graph("x Feed\ngru/Relu Relu x\nout/Neg Neg gru/Relu", layers=RESULTS, drawn=True),
            graph(
                "x Argument\ngru/Relu Relu x\nout/Neg Neg gru/Relu\ny _Retval out/Neg\nz _Retval gru/Relu",
                layers=RESULTS,
                drawn=True,
            ),
        ),
        ("GD208", "the second result of gru, which feeds o as well", gru, log("k3_gru_traced")),
        (
            "GD208",
            "None is needed: the model gives them. A traced call shows what it returns (TensorFlow 2).",
            gru,
            log("k3_gru_traced"),
        ),
        (
            "GD301",
            "1 drawn layer edge from a/MatMul carries activations, and the model has no such edge: the dependency "
            "is real and hidden from Keras.",
            hidden,
            given,
        ),
        (
            "GD301",
            "and the model has no such edge: what a/Odd (NoSuchOp) gives is not known, so it is taken to pass on "
            "all that it takes.",
            hidden_by_an_unknown_op,
            hidden,
        ),
        (
            "GD301",
            "activations that Keras does not give there: its edge between these layers stands for another output, "
            "or for another call. The dependency is real and hidden from Keras.",
            live("other_output_tf_keras"),
            hidden,
        ),
        (
            "GD301",
            "from Python code (a/Py) to Python code of another layer, which runs after it: what the one keeps, the "
            "other may find. The graph cannot tell.",
            code_after_code,
            hidden,
        ),
        (
            "GD301",
            "Return the tensor from the first layer, and give it to the second as an input; or keep nothing in the "
            "code.",
            code_after_code,
            hidden,
        ),
        ("GD301", "Give the tensor to the layer as an input instead of closing over it.", hidden, store),
        ("GD301", "put stores activations ", store, hidden),
        ("GD301", "outside of the graph, in Python code or a file (", stored_in_code, store),
        ("GD301", "take may find them there: the dependency is real and hidden from Keras.", store, next_call),
        ("GD301", " may find them there, as a may in the next call what c keeps", stored_in_code, store),
        (
            "GD301",
            "read reads it before write writes to it, so what write stores arrives in the next call",
            next_call,
            store,
        ),
        (
            "GD301",
            "Keep the state in one layer that both writes and reads it, or make it an output of the model and an "
            "input of the next call.",
            next_call,
            store,
        ),
        ("GD301", "Return the tensor from put, and give it to the layer as an input.", store, next_call),
        (
            "GD302",
            "through gate, which is not a layer of the model and has 1 variable: activations flow, and the variables "
            "are neither trained nor saved with the model.",
            gate,
            gate_in_the_model,
        ),
        ("GD302", "has 1 variable: parameters flow, and the variables", gate_of_parameters, gate),
        (
            "GD302",
            "Give the tensor to the layer as an input, so that the layer that computes it joins the model.",
            gate,
            gate_in_the_model,
        ),
        ("GD302", "that no layer of the model tracks: they are neither trained nor saved with it.", closure, wrapped),
        (
            "GD302",
            "Write a layer that makes its own layers in __init__ and holds them as attributes, instead of the Lambda.",
            closure,
            log("keras216_untracked_layer"),
        ),
        (
            "GD302",
            "Call the layer that has these variables in the model, and give what it returns to this one as an input.",
            log("keras216_untracked_layer"),
            closure,
        ),
        (
            "GD302",
            "gated (Lambda) uses 1 variable (w) that no layer of the model tracks: it is neither trained nor saved "
            "with it.",
            stray_weight,
            tracked_weight,
        ),
        (
            "GD302",
            "Make the layer that has these variables in __init__, and hold it as an attribute.",
            stray_layer,
            stray_variable,
        ),
        (
            "GD302",
            "Make the variable with add_weight in the layer: Keras 3 tracks no tf.Variable, and no global one.",
            stray_variable,
            stray_variable_in_keras_2,
        ),
        ("GD302", "Make the variable with add_weight in the layer.", stray_variable_in_keras_2, stray_variable),
        ("GD303", "c reads 1 variable of a (w): the weights are shared, and Keras does not know.", captured, held),
        (
            "GD303",
            "a and c read 1 variable (w) that no layer tracks: what the layers share is hidden from Keras, and "
            "neither trained nor saved with the model.",
            captured_from_nobody,
            captured,
        ),
        (
            "GD303",
            "Make the variable with add_weight in one layer, and use it in that layer only; or call one shared layer "
            "twice.",
            captured_from_nobody,
            captured,
        ),
        (
            "GD303",
            "c writes to 1 variable of a (w), so that what a computes, in this call or in the next call, depends on "
            "c, and Keras does not know.",
            written,
            captured,
        ),
        (
            "GD303",
            "Let the layer that has the variable write to it itself: as a constraint of the weight, or from an input.",
            written,
            captured,
        ),
        (
            "GD303",
            "peek reads 1 variable of tied (tied/kernel) in Python code: the weights are shared, and Keras does not "
            "know.",
            live("python_reads_keras3"),
            wrapped,
        ),
        (
            "GD303",
            "1 drawn layer edge carries parameters from a/w to another layer: the weights are shared, and Keras does "
            "not know.",
            tied,
            not_tied,
        ),
        (
            "GD303",
            "Hold the other layer as an attribute of this one, so that Keras tracks it, or use one shared layer.",
            tied,
            tied_in_keras_2,
        ),
        (
            "GD303",
            "Use one shared layer: this Keras tracks no layers that another one holds as attributes.",
            tied_in_keras_2,
            tied,
        ),
        ("GD401", "1 box (other) belongs to no layer of the model: it neither feeds nor needs it.", stale, needed),
        ("GD401", "Another model was built in the same graph.", stale, stale_ops),
        ("GD401", "It was built in the same graph.", stale_ops, stale),
        ("GD401", "The function that was traced computes it beside the model.", beside_in_a_trace, stale_ops),
        ("GD401", "Trace a call of the model alone (TensorFlow 2).", beside_in_a_trace, stale),
        (
            "GD401",
            " of layers of the model, with weights of their own: a model of the same names was built in the same "
            "graph, earlier or later.",
            log("keras216_two_models_same_names"),
            names_collide,
        ),
        (
            "GD401",
            "Call keras.backend.clear_session() before the model is built (Keras 2, tf.keras), or build it under "
            "'with tf.Graph().as_default():'.",
            stale,
            beside_in_a_trace,
        ),
        (
            "GD402",
            "never_used takes activations from h and leads nowhere: it is not a layer of the model.",
            log("keras216_dead_layer"),
            log("keras216_dead_layer_kept"),
        ),
        (
            "GD402",
            "p and q take activations from h and lead nowhere: they are not layers of the model.",
            two_dead,
            dead,
        ),
        ("GD402", "probe is a layer of the model, and no path leads from it to an output.", dead, alive),
        (
            "GD402",
            "Remove the call, or use its output: hand it to a layer, or make it an output of the model.",
            dead,
            alive,
        ),
        ("GD403", "y is an input of the graph that no op takes: what is fed there changes nothing.", unread, read),
        (
            "GD403",
            "q is an argument of the traced function, and no path leads from it to anything that it returns or writes.",
            dropped_argument,
            written_argument,
        ),
        (
            "GD403",
            "Leave it out of the function, or return what is computed from it.",
            dropped_argument,
            returned_argument,
        ),
        ("GD403", "Leave it out where the graph is built, or use it.", unread, read),
        (
            "GD403",
            "right is an input of the model, and no path leads from it to an output (a): what is fed there changes "
            "no output.",
            unused_input,
            used_inputs,
        ),
        ("GD403", " In the graph b is called on it, and the result goes nowhere.", unused_input, unused_input_alone),
        (
            "GD403",
            "Leave it out of keras.Model(inputs=...) (Keras 2 and 3), or use what is computed from it.",
            unused_input,
            used_inputs,
        ),
        (
            "GD404",
            "loss feeds nothing, and it need not: gradients are computed from the ops before a loss (net), and do "
            "not read its value.",
            loss,
            loss_without_gradients,
        ),
        ("GD404", "None is needed: a loss is the end of the graph.", loss, loss_without_gradients),
        (
            "GD405",
            "1 weight (a/kernel) is a constant: the graph was frozen, which puts a Const in the place of each "
            "variable.",
            frozen,
            not_frozen,
        ),
        ("GD405", " 1 edge between boxes (a -> b) carries such weights and nothing else.", frozen_edge, frozen_apart),
        (
            "GD405",
            "None is needed: freezing does this. The graph before it was frozen has the variables.",
            frozen,
            not_frozen,
        ),
        (
            "GD406",
            "A session with its own scaffold made this graph, as an Estimator does (global_step, "
            "report_uninitialized_variables): queue_DequeueMany feeds a.",
            scaffold,
            trained,
        ),
        (
            "GD406",
            " The model is a clone on those tensors: its input x is not in the graph.",
            graph(SCAFFOLD, layers=layer_graph([("x", "a"), ("a", "b")], inputs=["x"])),
            scaffold,
        ),
        ("GD406", " No placeholder stands for what the layers take.", scaffold, scaffold_with_a_placeholder),
        (
            "GD406",
            "None is needed. To see the model alone, build it in a graph of its own, and write that.",
            scaffold,
            trained,
        ),
        (
            "fixes",
            "On TensorFlow 2 trace a call of the model on a batch x, in a tf.function that did not run before:",
            no_graph_of_keras_2_4,
            shared,
        ),
        ("fixes", "'graphdiag repair SOURCE -o LOGDIR' writes the same graph", shared, untrained),
        (
            "fixes",
            "On TensorFlow 2 a traced call (tf.summary.trace_on, trace_export) has the variables at the root, in "
            "nobody's box.",
            log("tf22_tb3118"),
            siamese,
        ),
    ]
]
