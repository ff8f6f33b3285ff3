"""The catalogue: each oddity with a fixture that shows it and a near miss that must not."""

from __future__ import annotations

import re

import pytest

from graphdiag.diagnosis.diagnose import RULES
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.report.explain import one
from tests.diagnosis.found import in_log, report_on

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
    ("GD201", "conceptual-edges-lost", "tfk_reference_callback", "k3_reference_callback", "the shape of Keras 3"),
    ("GD202", "conceptual-graph-fails", "k3_raw_ops_conceptual", "k3_reference_callback", "no number in an argument"),
    ("GD203", "empty-op-graph", "tf22_graph_reference", "tf22_reference", "an op graph of the same stack"),
    ("GD204", "no-op-graph", "k3_reference_callback", "k3_reference_training", "a traced call"),
    ("GD205", "hidden-in-function", "tfk_in_function", "tfk_not_in_function", "traced with the model"),
    ("GD206", "graphs-not-merged", "graphs_of_two_producers", "graphs_of_one_producer", "one producer"),
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
]
CODES = [row[0] for row in CATALOGUE]
SECTIONS = ["What it finds", "Why it matters", "Proof", "Example", "Cure"]
BY_CODE = {rule.code: rule for rule in RULES}


@pytest.mark.parametrize(("code", "log"), [(row[0], row[2]) for row in CATALOGUE])
def test_it_is_found_where_it_is(code, log):
    findings = in_log(code, log)
    assert findings
    for finding in findings:
        assert finding.rule == BY_CODE[code].name
        assert finding.blame in Blame
        assert finding.message
        assert finding.cure


@pytest.mark.parametrize(("code", "log", "why"), [(row[0], row[3], row[4]) for row in CATALOGUE])
def test_it_is_not_found_where_it_nearly_is(code, log, why):
    assert in_log(code, log) == [], why


def test_every_oddity_of_the_catalogue_has_its_rule_and_name():
    assert {code: BY_CODE[code].name for code in CODES} == {row[0]: row[1] for row in CATALOGUE}
    # Beside them only what the catalogue does not list: an edge of the model that is not in the op graph at all.
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
    expected = {Verdict.HIDDEN: Severity.ERROR, Verdict.ARTEFACT: Severity.WARNING}
    assert rule.severity is expected.get(rule.verdict, Severity.NOTE)


@pytest.mark.parametrize("log", sorted({log for row in CATALOGUE for log in row[2:4]}))
def test_every_crossing_ends_in_exactly_one_finding(log):
    report = report_on(log)
    if report.case is None:
        return
    explained = [
        (evidence.source, evidence.target, evidence.output, evidence.through)
        for finding in report.findings
        if finding.verdict in (Verdict.ARTEFACT, Verdict.HIDDEN)
        for evidence in finding.evidence
    ]
    crossings = [
        (evidence.source, evidence.target, evidence.output, evidence.through)
        for edges in report.case.unexplained.values()
        for evidence in report.case.evidence(edges)
    ]
    assert sorted(explained) == sorted(crossings)
