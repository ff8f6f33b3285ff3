"""GD115 several-traces, and GD207 eager-trace where it holds nothing else."""

from __future__ import annotations

from graphdiag.diagnosis.context import analyze
from graphdiag.diagnosis.diagnose import diagnose
from graphdiag.diagnosis.tensorboard_view import TensorBoardView
from graphdiag.graphs.op_graph import merge
from tests.support.graph_text import graph_def

FUNCTION = "x Argument\nnet/MatMul MatMul x\nnet/Relu Relu net/MatMul\ny _Retval net/Relu"
OTHER = "x Argument\nhead/MatMul MatMul x\nhead/Neg Neg head/MatMul\ny _Retval head/Neg"
KERNEL = "a Argument\nMatMul MatMul a\nr _Retval MatMul"
TWICE = f"{KERNEL}\na Argument\n_MklMatMul _MklMatMul a\nr _Retval _MklMatMul"
CONSTANT = "_EagerConst _EagerConst\nr _Retval _EagerConst"


def found(*texts):
    context = analyze(merge([graph_def(text) for text in texts]), None)
    return {finding.code: finding for finding in diagnose(context)}


def test_functions_that_differ_are_counted():
    message = found(FUNCTION, OTHER)["GD115"].message
    assert "2 functions ran (graph_1 and graph_2)" in message
    assert "have the same ops" not in message
    assert "eagerly" not in message


def test_a_function_that_ran_twice_was_not_traced_anew():
    message = found(FUNCTION, FUNCTION)["GD115"].message
    assert "one function that ran 2 times" in message
    assert "shapes or types" not in message


def test_single_ops_beside_a_function_are_told_apart():
    finding = found(KERNEL, FUNCTION)["GD115"]
    assert "1 of them is a single op (MatMul) that ran eagerly" in finding.message
    assert "graph_2 is the one function that ran" in finding.message
    assert finding.fix.startswith("Call the model once before")
    assert found(CONSTANT, FUNCTION)["GD115"].fix.startswith("None is needed")


def test_nothing_but_single_ops_is_an_eager_trace():
    codes = found(KERNEL, KERNEL)
    assert "GD115" not in codes
    assert "Each of the 2 graphs of this trace is a single op (MatMul (2))" in codes["GD207"].message
    assert "The graph of this trace is a single op (MatMul)" in found(KERNEL)["GD207"].message


def test_an_op_that_is_recorded_twice_is_one_that_ran_eagerly():
    codes = found(TWICE, KERNEL)
    assert "Each of the 2 graphs of this trace is a single op (MatMul (2))" in codes["GD207"].message
    assert not codes.keys() & {"GD113", "GD115", "GD403"}
    beside = found(TWICE, FUNCTION)
    assert "1 of them is a single op (MatMul) that ran eagerly" in beside["GD115"].message
    assert not beside.keys() & {"GD113", "GD403"}
    assert "GD113" in found(TWICE, FUNCTION.replace("Relu", "_FusedRelu"))


def test_one_function_is_neither():
    assert found(FUNCTION).keys() & {"GD115", "GD207"} == set()


def test_ops_of_a_trace_are_of_no_earlier_model():
    assert "GD401" not in found(KERNEL, FUNCTION)


REPLICAS = """
    x Argument
    net/MatMul MatMul x
    net/Relu Relu net/MatMul
    replica_1/net/MatMul MatMul x
    replica_1/net/Relu Relu replica_1/net/MatMul
"""


def test_replicas_are_found_in_each_graph_of_a_trace():
    message = found(REPLICAS, KERNEL)["GD114"].message
    assert message.startswith("graph_1/replica_1 repeats net: the same model, built once more.")
    assert "weights" not in message


def test_summaries_in_a_traced_call_are_no_training_step():
    text = """
        x Argument
        net/MatMul MatMul x
        net/Relu Relu net/MatMul
        mean/write_summary/Mean Mean net/Relu
        mean/write_summary/WriteScalarSummary WriteScalarSummary mean/write_summary/Mean net/Relu
        y _Retval net/Relu
    """
    finding = found(text)["GD111"]
    assert "summaries (1 layer)" in finding.message
    assert finding.fix.startswith("Write the summaries outside of the function")
    assert "training step" not in finding.fix


def test_a_live_model_that_is_a_single_op_was_not_called_eagerly():
    view = TensorBoardView(live=True)
    context = analyze(merge([graph_def(KERNEL)]), None, view=view)
    assert "GD207" not in {finding.code for finding in diagnose(context)}
