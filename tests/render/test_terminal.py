"""The report at a terminal: the answer, then the proof, in any width, without color, whatever the names are."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given, settings
from rich.cells import cell_len
from rich.console import Console

from graphdiag import compare
from graphdiag.diagnosis.context import analyze
from graphdiag.diagnosis.diagnose import diagnose
from graphdiag.diagnosis.finding import Blame, Evidence, Finding, Severity, Verdict
from graphdiag.graphs.op_graph import from_graph_def
from graphdiag.output import plain
from graphdiag.render.text.report import render
from graphdiag.results.report import Report
from graphdiag.sources.opened import Origin
from graphdiag.unprintable import escape_unprintable
from tests.render.reports import hostile_report
from tests.support.graph_text import LOGS, graph_def
from tests.support.hostile import NAMES
from tests.support.layers import layer_graph
from tests.support.reports import report_on


def shown(report, width=80, **options):
    text = io.StringIO()
    options = {"color_system": None, "highlight": False, "emoji": False, "markup": False, **options}
    Console(file=text, width=width, **options).print(render(report))
    return "\n".join(line.rstrip() for line in text.getvalue().split("\n"))


def words(text):
    return " ".join(text.split())


def report_of(text, layers):
    ops = from_graph_def(graph_def(text))
    context = analyze(ops, layers)
    return Report.of(Origin("log", "event_log"), layers, ops, diagnose(context), (), context)


def report_with(*findings):
    layers = layer_graph([("x", "a")], inputs=["x"])
    ops = from_graph_def(graph_def("x Feed\na/MatMul MatMul x"))
    return Report.of(Origin("log", "event_log"), layers, ops, findings, (), analyze(ops, layers))


def finding(**fields):
    standard = {
        "code": "GD105",
        "rule": "shared-constant",
        "verdict": Verdict.ARTIFACT,
        "blame": Blame.TENSORFLOW,
        "severity": Severity.WARNING,
        "message": "Message.",
        "fix": "Fix.",
        "culprits": ("x",),
        "edges": (("x", "a"),),
    }
    return Finding(**{**standard, **fields})


# --- the answer ------------------------------------------------------------------------------------------------------


def test_answer_to_the_first_user():
    first = words(shown(report_on("keras216_reference")).split("\n\n")[0])
    assert first == (
        "8 drawn layer edges are not in your model. All 8 are artifacts of one op, "
        "batchnorm_0_0/keras_learning_phase, and no activation flows there: Keras made it, not your code and not "
        "TensorBoard."
    )


@pytest.mark.parametrize(
    ("name", "model", "answer"),
    [
        (
            "k3_reference_training",
            True,
            "Your model has 27 layer edges, and TensorBoard's op graph has the same. No artifact and no hidden "
            "dependency was found. What looks different on screen: captured-handles (GD116).",
        ),
        (
            "k3_own_fake_quant",
            True,
            "Your model has 3 layer edges, and TensorBoard's op graph has the same and no others. No artifact and no "
            "hidden dependency was found.",
        ),
        (
            "keras216_weight_tying",
            True,
            "1 drawn layer edge is not in your model. It is real (enc -> tied), and your code made it, not Keras and "
            "not TensorBoard: activations or parameters flow that Keras does not know of.",
        ),
        (
            "keras216_hidden_bool",
            True,
            "3 drawn layer edges are not in your model. 1 is real (probe_bn -> switched), and your code made it, not "
            "Keras and not TensorBoard: activations or parameters flow that Keras does not know of; the other 2 are "
            "artifacts of one op, probe_bn/keras_learning_phase, and no activation flows there: Keras made it, not "
            "your code and not TensorBoard.",
        ),
        (
            "keras216_shape_only_dynamic",
            True,
            "2 drawn layer edges are not in your model. Both are artifacts of 2 ops, and no activation flows there: "
            "your code made them, not Keras and not TensorBoard.",
        ),
        (
            "keras216_reference",
            False,
            "8 drawn edges between name scopes carry no activation. All 8 are artifacts of one op, "
            "batchnorm_0_0/keras_learning_phase: Keras made it, not your code and not TensorBoard.",
        ),
        (
            "tf110_mnist_171",
            False,
            "No two name scopes that may be layers are joined in this graph, so there is nothing to compare.",
        ),
        (
            "k3_subclassed_traced",
            False,
            "Every drawn edge between name scopes carries activations or parameters. Without a layer graph it cannot "
            "be told which of them your model does not have.",
        ),
        (
            "k3_reference_callback",
            False,
            "Your model has 27 layer edges. There is no op graph to hold it against: TensorBoard shows the conceptual "
            "graph only.",
        ),
        (
            "tf22_graph_reference",
            True,
            "Your model has 27 layer edges, and the op graph is empty: TensorBoard draws none of them. Your code is "
            "not at fault.",
        ),
    ],
)
def test_answers(name, model, answer):
    assert words(shown(report_on(name, model=model)).split("\n\n")[0]) == answer


def test_of_a_graph_that_tensorboard_cannot_draw_no_edge_is_called_drawn():
    said = words(shown(report_on("graphs_of_two_producers", model=False)).split("\n\n")[0])
    assert said.startswith("TensorBoard cannot draw this op graph. ")
    assert "drawn" not in said


def test_an_edge_of_two_findings_is_named_once():
    twice = [finding(verdict=Verdict.HIDDEN, blame=Blame.MODEL, edges=(("x", "a"),), culprits=(name,)) for name in "pq"]
    assert "It is real (x -> a), and" in words(shown(report_with(*twice)))


def test_an_edge_that_keras_has_too_carries_more_than_it_says():
    known = finding(verdict=Verdict.HIDDEN, blame=Blame.MODEL, edges=(("x", "a"),))
    assert words(shown(report_with(known))).startswith("1 drawn layer edge carries more than your model says. It is")
    other = finding(verdict=Verdict.HIDDEN, blame=Blame.MODEL, edges=(("a", "x"),))
    said = words(shown(report_with(known, other)))
    # No op edge leads from a to x, so the two are not both drawn.
    assert said.startswith("2 layer edges are not in your model, or carry more than your model says. Both are")


def test_an_edge_that_is_not_drawn_is_in_the_answer():
    layers = layer_graph([("x", "a"), ("a", "b"), ("x", "b")], inputs=["x"])
    text = words(shown(report_of("x Feed\na/MatMul MatMul x\nb/Relu Relu a/MatMul", layers)))
    assert text.startswith(
        "Every drawn layer edge is in your model: no artifact and no hidden dependency was found. "
        "1 layer edge of your model is not drawn; see GD200."
    )


# --- the findings ----------------------------------------------------------------------------------------------------


def test_each_layer_edge_is_shown_with_the_ops_and_their_types():
    lines = shown(report_on("keras216_reference")).splitlines()
    start = lines.index("  batchnorm_0_0/keras_learning_phase (PlaceholderWithDefault) gives a flag to")
    assert lines[start + 1] == "  ├── batchnorm_0_1: cond/Switch (Switch), cond/pred_id (Identity)"
    assert lines[start + 8] == "  └── dropout_0: cond/Switch (Switch), cond/pred_id (Identity)"


def test_the_whole_answer_fits_on_a_screen():
    assert len(shown(report_on("keras216_reference")).splitlines()) <= 40
    assert len(shown(report_on("keras216_reference"), width=120).splitlines()) <= 36


def test_the_way_through_ops_of_nobody_is_shown():
    text = words(shown(report_on("keras216_hidden_bool")))
    assert "probe_bn/cond/Merge (Merge) gives activations to" in text
    assert "switched: Sum -> Greater -> cond/Switch (Switch)" in text


def test_cause_blame_and_fix_are_there():
    text = words(shown(report_on("keras216_reference")))
    assert "GD101 shared-learning-phase: artifact, made by Keras" in text
    assert "a scalar bool that depends on no input and no variable" in text
    assert "fix Call K.learning_phase() once before the first layer is built" in text


def test_many_edges_are_counted_and_a_few_shown():
    text = "x Feed\nfirst/keras_learning_phase Flag\nfirst/Switch Switch x first/keras_learning_phase"
    for number in range(30):
        text += f"\nl{number}/Switch Switch x first/keras_learning_phase"
    layers = layer_graph([("x", "first"), *(("x", f"l{number}") for number in range(30))], inputs=["x"])
    lines = shown(report_of(text, layers)).splitlines()
    assert sum("├──" in line or "└──" in line for line in lines) == 8
    assert "  and 22 more (--format json has all)" in lines


def test_findings_of_one_kind_share_title_and_fix():
    alike = [finding(message=f"Message {number}.") for number in range(5)]
    lines = shown(report_with(*alike)).splitlines()
    assert sum(line.startswith("GD105") for line in lines) == 1
    assert sum("Fix." in line for line in lines) == 1
    assert [line for line in lines if "Message" in line] == ["  Message 0.", "  Message 1.", "  Message 2."]
    assert "  2 more findings are of this kind (--format json has all)." in lines


def test_different_cures_are_all_shown():
    text = shown(report_with(finding(fix="One."), finding(fix="Two.")))
    assert text.index("One.") < text.index("Two.")


def test_notes_come_last():
    report = report_on("keras216_mask_bidirectional")
    assert "note  bi2 uses the mask that mask makes" in shown(report).splitlines()[-2]


# --- any terminal, any names -----------------------------------------------------------------------------------------

NASTY = "[red]x[/red]"


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("name", ["keras216_reference", "keras216_hidden_bool", "keras216_reference_fit"])
def test_no_line_is_wider_than_the_terminal(name, width):
    assert all(len(line) <= width for line in shown(report_on(name), width).splitlines())


def test_color_carries_nothing_that_words_do_not():
    report = report_on("keras216_hidden_bool")
    colored = shown(report, color_system="truecolor", force_terminal=True)
    assert "\x1b[" in colored
    assert "\x1b[" not in shown(report)
    plain = shown(report)
    assert "hidden, made by your code" in plain
    assert "artifact, made by Keras" in plain


def test_names_are_never_taken_for_markup():
    layers = layer_graph([("x", NASTY), (NASTY, "b"), ("b", "c")], inputs=["x"])
    text = f"x Feed\n{NASTY}/MatMul MatMul x\nb/Relu Relu {NASTY}/MatMul\nc/Add Add b/Relu {NASTY}/MatMul"
    report = report_of(text, layers)
    assert report.summary.hidden == 1
    colored = shown(report, color_system="truecolor", force_terminal=True, markup=True, emoji=True)
    assert f"{NASTY}/MatMul" in colored
    assert f"{NASTY} -> c" in words(colored)


def test_a_smiley_in_a_name_stays_a_name():
    text = shown(report_with(finding(message="Op :smiley: is shared.")), emoji=True)
    assert ":smiley:" in text


@pytest.mark.parametrize("character", ["\n", "\r", "\x1b[31m", "\x07", "\u202e", "\u2028", "\x85", "\x9b"])
def test_characters_that_would_break_the_picture_are_escaped(character):
    name = f"layer{character}name"
    evidence = Evidence(name, "Const", "a/MatMul", "MatMul", 0, False, (name,))
    report = report_with(finding(message=name, culprits=(name,), edges=((name, "a"),), evidence=(evidence,), fix=name))
    text = shown(report)
    assert character not in text.replace("\n", "") or character == "\n"
    assert "layer" + character.encode("unicode_escape").decode() + "name" in text
    assert not any(line.startswith("name") for line in text.splitlines())


@given(NAMES, NAMES)
@settings(deadline=None, max_examples=60)
def test_names_come_out_as_text(name, other):
    text = plain(render(hostile_report(name, other)), 80)
    assert all(character.isprintable() for character in text.replace("\n", ""))
    assert all(cell_len(line) <= 80 for line in text.split("\n"))
    assert "".join(f"edge from {escape_unprintable(name)} carries".split()) in "".join(text.split())


def test_very_long_names_are_folded_not_cut():
    name = "block/" * 60 + "end"
    evidence = Evidence(name, "Const", "a/MatMul", "MatMul", 0, False)
    text = shown(report_with(finding(message=f"From {name}.", evidence=(evidence,))))
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "".join(text.split()).count("block/" * 60 + "end") == 2


def test_a_reader_without_unicode_gets_plain_lines():
    text = io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="")
    Console(file=text, width=80, color_system=None).print(render(report_on("keras216_reference")))
    text.seek(0)
    assert "  +-- batchnorm_0_1: cond/Switch (Switch), cond/pred_id (Identity)" in text.read()


def test_a_report_made_of_nothing_but_a_model_can_be_shown():
    report = compare(LOGS / "keras216_reference" / "model.json")
    text = shown(report)
    assert "Your model has 27 layer edges" in text
    assert json.dumps(report.to_dict())
