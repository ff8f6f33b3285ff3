"""Graphs that Hypothesis makes: everything that TensorBoard treats in a way of its own, mixed at random."""

from __future__ import annotations

from hypothesis import strategies as st
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.types_pb2 import DT_FLOAT

FUNCTION = "call"

SCOPES = st.lists(st.sampled_from(["a", "b", "block_1", "β", "cell"]), max_size=4).map(
    lambda scopes: "".join(f"{s}/" for s in scopes)
)
LEAVES = st.sampled_from(["op", "op_1", "op_2", "op_3", "w", "read", "it's", "层"])
TYPES = st.sampled_from(
    ["MatMul", "Relu", "Const", "Identity", "NoOp", "VariableV2", "Assign", "ScalarSummary", FUNCTION]
)
INPUTS = st.lists(
    st.tuples(st.integers(0, 99), st.sampled_from(["{}", "{}", "{}", "^{}", "{}:1", "{}/gone"])), max_size=4
)
ONE_OP = st.tuples(st.builds("{}{}".format, SCOPES, LEAVES), TYPES).map(lambda op: [op])
LOOK_ALIKES = st.builds(
    lambda scope, kind, first, count: [(f"{scope}{kind}_{number}", kind) for number in range(first, first + count)],
    SCOPES,
    st.sampled_from(["MatMul", "Relu", "Add"]),
    st.integers(0, 2),
    st.integers(4, 8),
)


@st.composite
def graphs(draw: st.DrawFn) -> GraphDef:
    """Scopes, ops that are scopes, look-alikes, cycles, repeated and dangling inputs, calls of a library function."""
    groups = [
        draw(st.lists(ONE_OP, min_size=30, max_size=60, unique_by=lambda ops: ops[0][0])),
        draw(st.lists(LOOK_ALIKES, min_size=1, max_size=4)),
    ]
    types = dict(op for group in groups for ops in group for op in ops)
    inside = draw(st.lists(st.sampled_from(list(types)), max_size=4, unique=True))
    types.update((scope, draw(TYPES)) for scope in (name.rpartition("/")[0] for name in inside) if scope)
    names = list(types)
    graph = GraphDef()
    for name, kind in types.items():
        node = graph.node.add(name=name, op=kind)
        if kind == FUNCTION:  # TensorBoard draws nothing when a call does not fit the function's arguments
            node.input.append(draw(st.sampled_from(names)))
            continue
        node.input.extend(form.format(names[number % len(names)]) for number, form in draw(INPUTS))
    function = graph.library.function.add()
    function.signature.name = FUNCTION
    function.signature.input_arg.add(name="taken", type=DT_FLOAT)
    function.signature.output_arg.add(name="given", type=DT_FLOAT)
    function.node_def.add(name="inside/Neg", op="Neg", input=["taken"])
    function.ret["given"] = "inside/Neg:y:0"
    return graph
