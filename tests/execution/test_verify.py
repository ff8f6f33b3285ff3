"""``--verify``: what the diagnosis says, seen in runs of the graph."""

from __future__ import annotations

import html
import json
from dataclasses import replace

import pytest
import tensorflow as tf
from tensorboard.compat.proto.graph_pb2 import GraphDef

from graphdiag import compare
from graphdiag.diagnosis.context import analyze
from graphdiag.diagnosis.diagnose import diagnose
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.execution.verify import verify
from graphdiag.graphs.op_graph import from_graph_def
from graphdiag.results.document import from_dict
from graphdiag.sources.open_source import open_source
from tests.support.graph_text import FIXTURES, LOGS
from tests.support.layers import layer_graph

v1 = tf.compat.v1
TESTED = (Verdict.ARTIFACT, Verdict.HIDDEN)


def verified(name):
    """The findings on a log's crossings, each with its proof."""
    model = LOGS / name / "model.json"
    report = compare(LOGS / name, model=model, verify=True)
    return {finding.code: finding for finding in report.findings if finding.verdict in TESTED}


def without_verify(name):
    """The case, the graphs and the findings of a log that was not run."""
    report = compare(LOGS / name, model=LOGS / name / "model.json")
    return report.context, open_source(LOGS / name).graph_defs, report.findings


def context_of(graph, *edges, inputs=("x",)):
    """The case of a ``tf.Graph``, whose layers are its outer name scopes, and the graph as a message."""
    message = GraphDef.FromString(graph.as_graph_def(add_shapes=True).SerializeToString())
    return analyze(from_graph_def(message), layer_graph(edges, inputs=inputs)), message


# --- real logs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["keras216_reference", "tfkeras110_reference"])
def test_the_learning_phase_is_the_same_whatever_the_model_is_fed(name):
    proof = verified(name)["GD101"].proof
    assert proof.verified
    assert "1 tensor of 1 value is the same, bit for bit" in proof.how
    assert "3 different model inputs of one shape, flags on, off and at their defaults" in proof.how
    assert "TensorFlow needs none of them" in proof.how


@pytest.mark.parametrize(
    ("name", "code", "tensor"),
    [
        ("keras216_hidden_tensor", "GD301", "gate/Sigmoid"),
        ("keras216_hidden_bool", "GD301", "Greater"),
        ("keras216_hidden_in_loop", "GD301", "scale_source/BiasAdd"),
        ("keras216_hidden_assign", "GD301", "shared_state/read"),
    ],
)
def test_two_inputs_differ_in_a_hidden_tensor(name, code, tensor):
    findings = verified(name)
    proof = findings.pop(code).proof
    assert proof.verified
    assert proof.how.startswith(f"{tensor} differs in ")
    assert "between two model inputs of one shape (seeds 1 and " in proof.how
    # What is an artifact beside it stays one.
    assert all(finding.proof.verified and finding.verdict is Verdict.ARTIFACT for finding in findings.values())


def test_a_shape_is_the_same_for_inputs_of_one_shape():
    proof = verified("keras216_shape_only")["GD103"].proof
    # Shape gives four dimensions, twice; the tensor that it measures is another one for every input.
    assert proof.verified
    assert "2 tensors of 8 values are the same" in proof.how
    assert "TensorFlow needs none" not in proof.how


def test_random_numbers_are_drawn_alike():
    proof = verified("keras216_noise_shared")["GD106"].proof
    assert proof.verified
    assert "1 tensor of 8 values is the same" in proof.how


def test_tied_weights_change_with_the_variable():
    proof = verified("keras216_weight_tying")["GD303"].proof
    assert proof.verified
    assert "enc/kernel/read differs in 32 of 32 values between two sets of weights" in proof.how


def test_a_control_dependency_carries_nothing_that_could_be_compared():
    proof = verified("keras216_control_only")["GD104"].proof
    assert not proof.verified
    assert proof.how == "a control dependency carries no tensor to compare"


def test_nothing_is_run_unless_it_is_asked_for():
    _, _, findings = without_verify("keras216_reference")
    assert [finding.proof for finding in findings] == [None] * len(findings)
    document = compare(LOGS / "keras216_reference", model=LOGS / "keras216_reference" / "model.json").to_dict()
    assert not any("proof" in finding for finding in document["findings"])


# --- live models -----------------------------------------------------------------------------------------------------


def test_live_models(graphdiag):
    done = graphdiag(
        "compare", FIXTURES / "models" / "reference_scoped.py", "--verify", "--format", "json", "--select", "GD101"
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    [finding] = document["findings"]
    assert finding["proof"]["verified"]
    assert "flags on, off and at their defaults" in finding["proof"]["how"]
    # A report that was saved still has it.
    [loaded] = from_dict(document).findings
    assert loaded.proof.how == finding["proof"]["how"]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("closure_tf_keras", "attention/Softmax differs in 16 of 16 values between two model inputs"),
        ("closure_weights_tf_keras", "values between two sets of weights"),
    ],
)
def test_traced_functions_of_tf_2(model, said):
    report = compare(FIXTURES / "models" / f"{model}.py", verify=True)
    [finding] = [finding for finding in report.findings if finding.verdict in TESTED]
    assert finding.proof.verified
    assert said in finding.proof.how
    for format_ in ("text", "markdown", "html", "junit", "github"):
        shown = html.unescape(str(report.render(format_)))
        assert f"verified: {finding.proof.how}" in " ".join(shown.split()), format_


# --- a wrong proof ---------------------------------------------------------------------------------------------------


def test_an_artifact_that_changes_with_the_inputs_is_turned_over():
    context, graph_defs, findings = without_verify("keras216_hidden_tensor")
    [hidden] = [finding for finding in findings if finding.verdict is Verdict.HIDDEN]
    wrong = replace(
        hidden,
        code="GD105",
        rule="shared-constant",
        verdict=Verdict.ARTIFACT,
        severity=Severity.WARNING,
        blame=Blame.TENSORFLOW,
        carries=("constant",),
    )
    [right] = [finding for finding in findings if finding.code == "GD101"]
    first, second = verify(context, graph_defs, [right, wrong])
    assert second.verdict is Verdict.ARTIFACT
    assert second.proof.verified
    assert (first.code, first.verdict, first.severity) == ("GD301", Verdict.HIDDEN, Severity.ERROR)
    assert first.edges == hidden.edges
    assert "took for an artifact (GD105 shared-constant): gate/Sigmoid differs in 8 of 8 values" in first.message
    assert "bug in graphdiag; please report it" in first.message


def test_a_hidden_dependency_that_no_run_shows_is_proved_statically_only():
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        # TensorFlow gives 0 for all finite inputs; that is beyond the proof.
        nothing = tf.multiply(x, 0.0, name="nothing/mul")
        y = tf.add(tf.abs(x, name="a/abs"), 1.0, name="a/out")
        tf.add(y, tf.abs(nothing, name="nothing/out"), name="b/out")
    context, message = context_of(graph, ("x", "nothing"), ("x", "a"), ("a", "b"))
    [finding] = verify(context, [message], diagnose(context))
    assert finding.verdict is Verdict.HIDDEN
    assert not finding.proof.verified
    assert finding.proof.how == "no two runs differed in it"


# --- what is never run -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["data", "control", "function"])
def test_what_touches_files_is_not_run(tmp_path, how):
    touched = tmp_path / "touched"

    def write(x):
        with tf.control_dependencies([tf.io.write_file(str(touched), "x")]):
            return tf.negative(x)

    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        if how == "data":
            tf.io.write_file(str(touched), "x", name="a/write")
            taken = tf.reshape(x, [-1], name="a/taken") + tf.strings.to_number(
                tf.io.read_file(str(touched), name="a/read"), name="a/number"
            )
        elif how == "control":
            with tf.name_scope("a"):
                taken = write(x)
        else:
            with tf.name_scope("a"):
                taken = tf.function(write)(x)
        first = tf.identity(taken, name="a/out")
        second = tf.identity(x, name="b/in")
        tf.add(tf.reduce_sum(second), tf.reduce_sum(first, name="c/sum"), name="c/out")
    context, message = context_of(graph, ("x", "a"), ("x", "b"), ("b", "c"))
    [finding] = [
        finding for finding in verify(context, [message], diagnose(context)) if finding.verdict is Verdict.HIDDEN
    ]
    assert not finding.proof.verified
    assert finding.proof.how == f"the graph would run {'ReadFile' if how == 'data' else 'WriteFile'}"
    assert not touched.exists()


def test_python_in_a_graph_is_not_run():
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        called = v1.py_func(lambda values: values, [x], tf.float32, name="a/call")
        tf.add(tf.reduce_sum(x, name="b/in"), tf.reduce_sum(called, name="b/sum"), name="b/out")
    context, message = context_of(graph, ("x", "a"), ("x", "b"))
    [finding] = [
        finding for finding in verify(context, [message], diagnose(context)) if finding.verdict is Verdict.HIDDEN
    ]
    assert finding.proof.how == "the graph would run PyFunc"


def test_the_process_that_reads_a_log_does_not_load_tensorflow(run_python):
    log = LOGS / "keras216_hidden_tensor"
    script = (
        "import sys, graphdiag\n"
        f"report = graphdiag.compare({str(log)!r}, model={str(log / 'model.json')!r}, verify=True)\n"
        "print([finding.proof.verified for finding in report.findings if finding.proof])\n"
        "print('tensorflow' in sys.modules)\n"
    )
    assert run_python(script).splitlines() == ["[True, True]", "False"]
