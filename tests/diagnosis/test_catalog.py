"""The catalog: each oddity with a fixture that shows it and a near miss that must not."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

import pytest

from graphdiag import compare
from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.diagnose import RULES, diagnose
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.render.text.explain import one
from tests.diagnosis.found import in_log, on_live_model
from tests.diagnosis.random_graphs import make_graph
from tests.diagnosis.test_soundness import Claims
from tests.support.graph_text import FIXTURES, LOGS
from tests.support.layers import layer_graph
from tests.support.reports import report_on

CATALOGUE = [
    # code, name, the log that shows it, the near miss, and why that is none
    ("GD101", "shared-learning-phase", "keras216_reference", "keras216_learning_phase_first", "the op is at the root"),
    ("GD102", "shared-flag", "keras216_flag_in_layer", "keras216_flag_at_root", "the placeholder is at the root"),
    ("GD103", "shape-only", "keras216_shape_only", "keras216_closure_over_int", "an int computed from activations"),
    ("GD104", "control-only", "keras216_control_only", "k3_siamese_training", "between calls of one layer"),
    (
        "GD105",
        "shared-constant",
        "keras216_shared_constant",
        "keras216_constant_at_root",
        "the constant is at the root",
    ),
    ("GD106", "shared-random-state", "keras216_noise_shared", "keras216_noise_own", "each layer draws its own numbers"),
    ("GD107", "reused-layer", "tf22_tb3118", "tf22_shared_traced", "variables are arguments, at the root"),
    ("GD108", "misplaced-ops", "tf22_tf39398", "tf22_add_in_group", "a layer instead of a raw op"),
    ("GD109", "series-loop", "tf110_series_loop", "tf110_series_scoped", "a scope for each pair"),
    ("GD110", "extracted-node", "keras216_reference", "keras216_siamese", "a root too small for it"),
    ("GD111", "bookkeeping-edges", "keras216_reference_fit", "keras216_reference", "never trained"),
    ("GD112", "duplicated-layer", "keras216_siamese", "tf110_layers_apart", "dense_1 and dense_2 are two layers"),
    ("GD113", "rewritten-graph", "quantize_rewriter", "k3_own_fake_quant", "the model's own layer quantizes"),
    ("GD114", "replica-copy", "mirrored_estimator", "gan_without_model", "discriminator_1 is a second call"),
    ("GD115", "several-traces", "k3_two_shapes_in_one_tag", "k3_subclassed_traced", "one function, of one shape"),
    ("GD116", "captured-handles", "train_step_trace", "k3_subclassed_traced", "few of them, and nothing is moved"),
    ("GD117", "loop-of-calls", "tfk_relu_called_twice", "tfk_relu_at_each_place", "a ReLU for each place: the fix"),
    (
        "GD118",
        "scope-without-effect",
        "name_scope_keras3.py",
        "name_scope_as_model_keras3.py",
        "the fix",
    ),
    ("GD201", "conceptual-edges-lost", "tfk_reference_callback", "k3_reference_callback", "the shape of Keras 3"),
    ("GD202", "conceptual-graph-fails", "k3_raw_ops_conceptual", "k3_reference_callback", "no number in an argument"),
    ("GD203", "empty-op-graph", "tf22_graph_reference", "tf22_reference", "an op graph of the same stack"),
    ("GD204", "no-op-graph", "k3_reference_callback", "k3_reference_training", "a traced call"),
    ("GD205", "hidden-in-function", "tfk_in_function", "tfk_not_in_function", "traced with the model"),
    ("GD206", "graphs-not-merged", "graphs_of_two_producers", "graphs_of_one_producer", "one producer"),
    ("GD207", "eager-trace", "subclassed_eager_trace", "k3_subclassed_traced", "called in a tf.function: the fix"),
    ("GD208", "output-not-shown", "k3_gru_callback", "k3_gru_traced", "a trace has ops for what it returns"),
    ("GD301", "hidden-dependency", "keras216_hidden_tensor", "keras216_gate_as_input", "the tensor is an input"),
    (
        "GD302",
        "untracked-layer",
        "keras216_lambda_closes_over_tensor",
        "keras216_outside_as_input",
        "a layer of the model",
    ),
    ("GD303", "shared-parameters", "keras216_weight_tying", "keras216_siamese", "weights of one shared layer"),
    ("GD401", "stale-ops", "keras216_two_models_in_one_graph", "keras216_two_models_cleared", "a clean graph"),
    ("GD402", "dead-layer", "keras216_dead_layer", "keras216_dead_layer_kept", "an output of the model"),
    ("GD403", "unused-input", "k3_unused_input", "k3_used_input", "the sum takes all three"),
    (
        "GD404",
        "dead-end",
        "gan_without_model",
        "unconnected_conv",
        "the loss is an op at the root",
    ),
    ("GD405", "frozen-variables", "tf1_frozen/frozen.pb", "tf1_frozen/before.pb", "the graph has its variables"),
    ("GD406", "estimator-clone", "mirrored_estimator", "unconnected_conv", "the session has no input pipeline"),
]
CODES = [row[0] for row in CATALOGUE]
SECTIONS = ["What it finds", "Why it matters", "Proof", "Example", "Fix"]
BY_CODE = {rule.code: rule for rule in RULES}


@pytest.mark.parametrize(("code", "log"), [(row[0], row[2]) for row in CATALOGUE])
def test_it_is_found_where_it_is(code, log):
    findings = in_log(code, log)
    assert findings
    for finding in findings:
        assert finding.rule == BY_CODE[code].name
        assert finding.blame in Blame
        assert finding.message
        assert finding.fix


@pytest.mark.parametrize(("code", "log", "why"), [(row[0], row[3], row[4]) for row in CATALOGUE])
def test_it_is_not_found_where_it_nearly_is(code, log, why):
    assert in_log(code, log) == [], why


def test_every_oddity_of_the_catalog_has_its_rule_and_name():
    assert {code: BY_CODE[code].name for code in CODES} == {row[0]: row[1] for row in CATALOGUE}
    # Beside them only what the catalog does not list: an edge of the model that is not in the op graph at all.
    assert set(BY_CODE) - set(CODES) == {"GD200"}
    assert len(BY_CODE) == len(RULES)


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_every_rule_is_documented(code):
    rule = BY_CODE[code]
    title, _, rest = rule.documentation.partition("\n")
    assert title.startswith(f"{rule.code} {rule.name}: ")
    headings = re.findall(r"^(\S.*)$", rest, flags=re.MULTILINE)
    assert [heading for heading in headings if heading in SECTIONS] == SECTIONS
    assert set(headings) <= {*SECTIONS, "Cause", "Reported upstream"}
    for heading in headings:
        assert re.search(rf"^{heading}\n    \S", rest, flags=re.MULTILINE), heading
    assert one(rule) is not None


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_severity_follows_from_the_verdict(code):
    rule = BY_CODE[code]
    expected = {Verdict.HIDDEN: Severity.ERROR, Verdict.ARTIFACT: Severity.WARNING}
    assert rule.severity is expected.get(rule.verdict, Severity.NOTE)


LIVE = [
    # the model that shows it, the code, the edges; and the near miss, in which layers hold what they call
    ("closure_layer_keras3", "GD302", {("closure_layer_1/unknown_1/stray_1", "unknown")}, "wrapped_layers_keras3"),
    ("closure_layer_keras3", "GD303", {("tied", "again")}, "wrapped_layers_keras3"),
    ("closure_layer_tf_keras", "GD303", {("tied", "again"), ("tied", "borrower")}, "wrapped_layers_tf_keras"),
    ("closure_layer_tf1", "GD303", {("tied", "again"), ("tied", "borrower")}, "wrapped_layers_tf1"),
    ("closure_weights_tf_keras", "GD303", {("tied", "decode")}, "wrapped_layers_tf_keras"),
    ("closure_tf_keras", "GD301", {("attention", "gated")}, "wrapped_layers_tf_keras"),
    ("closure_tf1", "GD301", {("gate", "gated")}, "wrapped_layers_tf1"),
    ("shared_store_keras3", "GD301", {("put", "take")}, "wrapped_layers_keras3"),
]


@pytest.mark.parametrize(("model", "code", "edges"), [row[:3] for row in LIVE])
def test_it_is_found_in_a_live_model(model, code, edges):
    report = on_live_model(model)
    found = {finding["code"]: set() for finding in report["findings"] if finding["verdict"] == "hidden"}
    for finding in report["findings"]:
        if finding["verdict"] == "hidden":
            assert finding["severity"] == "error"
            found[finding["code"]] |= set(map(tuple, finding["edges"]))
    assert found.pop(code) == edges
    assert found.keys() <= {row[1] for row in LIVE if row[0] == model}


@pytest.mark.parametrize("model", sorted({row[3] for row in LIVE}))
def test_it_is_not_found_in_a_live_model_where_it_nearly_is(model):
    report = on_live_model(model)
    assert report["summary"] == {"artifact": 0, "hidden": 0, "missing": 0}
    assert "GD108" not in {finding["code"] for finding in report["findings"]}


@pytest.mark.parametrize("model", ["layer_in_two_models_keras3", "layer_in_two_models_tf_keras"])
def test_what_a_layer_stores_is_its_own_in_every_model_that_has_it(model):
    report = on_live_model(model)
    edges = [edge for edge in report["edges"] if edge["verdict"]]
    assert {(edge["from"], edge["to"]) for edge in edges} == {
        ("features/normed", "whole/normed"),
        ("left/norm", "right/norm"),
    }
    # One update waits for the other.
    assert {(edge["verdict"], *edge["codes"]) for edge in edges} == {("artifact", "GD104")}


@pytest.mark.parametrize("log", sorted(path.name for path in LOGS.iterdir()))
def test_every_crossing_ends_in_exactly_one_finding(log):
    report = report_on(log)
    assert_each_in_one(report.context, report.findings)


@pytest.mark.parametrize("model", ["closure_layer_keras3", "closure_tf_keras", "wrapped_layers_keras3"])
def test_every_crossing_of_a_live_model_ends_in_exactly_one_finding(model):
    report = compare(FIXTURES / "models" / f"{model}.py")
    assert_each_in_one(report.context, report.findings)


@pytest.mark.parametrize("tf1", [True, False], ids=["tf1", "tf2"])
def test_every_crossing_of_a_random_graph_ends_in_exactly_one_finding(tf1):
    for seed in range(10):
        rng = Random(seed)
        claims = Claims(make_graph(rng, tf1), rng)
        layers = layer_graph([], apart=claims.ownership.owners)
        context = DiagnosisContext(claims.ops, layers, claims.ownership, claims.flow, claims.crossings)
        assert context.unexplained
        assert_each_in_one(context, diagnose(context))


def assert_each_in_one(context, findings):
    """Each op edge that nothing explains is evidence of one finding, which says whether it is real, and of no other."""
    crossings = Counter(
        (evidence.source, evidence.target, evidence.output, evidence.through)
        for edges in context.unexplained.values()
        for evidence in context.evidence(edges)
    )
    found = Counter(
        (evidence.source, evidence.target, evidence.output, evidence.through)
        for finding in findings
        if finding.verdict in (Verdict.ARTIFACT, Verdict.HIDDEN)
        for evidence in finding.evidence
    )
    assert {place: count for place, count in found.items() if place in crossings} == crossings
    # Beside them only reads of variables, the layer's own or nobody's: no edges between layers.
    for source, target, *_ in found.keys() - crossings.keys():
        giver, taker = (context.ownership.owner(context.ops.index[name]) for name in (source, target))
        assert giver is None or giver == taker


@pytest.mark.parametrize("log", sorted(path.name for path in LOGS.iterdir()))
def test_every_finding_says_what_why_and_what_to_do(log):
    for finding in report_on(log).findings:
        assert finding.message.strip()
        assert finding.fix.strip()
        assert finding.blame in Blame
        if re.search(r"\b(K|tf|layers|keras)\.", finding.fix):
            assert re.search(r"(Keras|TensorFlow) [0-9]", finding.fix), finding.fix
        assert finding.culprits or finding.edges or finding.code in ("GD203", "GD204", "GD206"), finding


def test_every_fix_that_names_an_api_says_for_which_versions():
    for rule in RULES:
        fix = re.search(r"^Fix\n(.*?)(?=^\S|\Z)", rule.documentation, re.MULTILINE | re.DOTALL)[1]
        if re.search(r"`(with )?(K|tf|layers|keras|SeedGenerator)\b", fix):
            assert re.search(r"(Keras|TensorFlow) [0-9]", fix), f"{rule.code}: {fix}"
