"""What repeats is one line; what follows is told as such; what loads is told."""

from __future__ import annotations

from dataclasses import replace

from graphdiag.modeldiff.differ import diff
from graphdiag.modeldiff.snapshot import FindingRecord
from graphdiag.modeldiff.summary import headline, lines, notes, sections
from tests.modeldiff.models import applied, compared, snapshot


def said(old, new):
    found = diff(old, new)
    assert applied(found.to_dict(), old) == compared(new.to_dict())
    return list(lines(found))


def chain(*kinds, first="in"):
    """A chain of layers ``NAME CLASS``."""
    found, last = [f"{first} InputLayer"], first
    for kind in kinds:
        found.append(f"{kind} < {last}")
        last = kind.split()[0]
    return found


def blocks(count, *kinds):
    return [f"block{number}_{kind}" for number in range(1, count + 1) for kind in kinds]


def test_a_suffix_and_a_part_of_all_names():
    old = snapshot(*chain(*blocks(3, "conv Conv2D", "act ReLU")))
    suffixed = snapshot(*chain(*[kind.replace(" ", "_v2 ") for kind in blocks(3, "conv Conv2D", "act ReLU")]))
    assert said(old, suffixed) == ["all 6 names: suffix _v2 added, as block1_conv renamed block1_conv_v2"]
    staged = snapshot(*chain(*[kind.replace("block", "stage") for kind in blocks(3, "conv Conv2D", "act ReLU")]))
    assert said(old, staged) == ["all 6 names: block became stage, as block1_conv renamed stage1_conv"]
    assert said(suffixed, old) == ["all 6 names: suffix _v2 removed, as block1_conv_v2 renamed block1_conv"]


def test_names_without_a_rule_are_counted():
    words = ("ant", "bee", "cat", "dog", "elk", "fox", "gnu", "hen")
    old = snapshot(*chain(*[f"{word} Dense({number})" for number, word in enumerate(words, 3)]))
    new = snapshot(*chain(*[f"{word[::-1]}{number}x Dense({number})" for number, word in enumerate(words, 3)]))
    [line] = said(old, new)
    assert line.startswith("8 layers renamed: ant renamed tna3x, bee renamed eeb4x, cat renamed tac5x and 5 more")


def test_two_layers_that_changed_places():
    old = snapshot(*chain("a Dense", "norm BatchNormalization", "act ReLU", "out Dense(3)"))
    new = snapshot(*chain("a Dense", "act ReLU", "norm BatchNormalization", "out Dense(3)"))
    assert said(old, new) == ["norm (BatchNormalization) and act (ReLU) changed places"]


def test_layers_that_changed_places_in_all_blocks():
    old = snapshot(*chain(*blocks(5, "conv Conv2D", "norm BatchNormalization", "act ReLU")))
    new = snapshot(*chain(*blocks(5, "conv Conv2D", "act ReLU", "norm BatchNormalization")))
    assert said(old, replace(new, outputs=new.outputs))[0] == (
        "BatchNormalization and ReLU changed places, 5 times: block1_norm and block1_act; block2_norm and "
        "block2_act ..."
    )


def test_layers_without_chosen_names_that_changed_places():
    def net(*order):
        kinds = []
        for number in range(4):
            kinds.append(f"conv2d_{number} Conv2D({number + 9})")
            kinds += [f"{name}_{number} {class_name}({number + 9})" for name, class_name in order]
        return snapshot(*chain(*kinds, "out Dense(3)"))

    norm, act = ("batch_normalization", "BatchNormalization"), ("re_lu", "ReLU")
    [line] = said(net(norm, act), net(act, norm))
    assert line.startswith("BatchNormalization and ReLU changed places, 4 times")


def test_a_layer_that_moved():
    old = snapshot(*chain("a Dense", "dropout Dropout", "b Dense", "c Conv1D", "out Dense(3)"))
    new = snapshot(*chain("a Dense", "b Dense", "c Conv1D", "dropout_1 Dropout", "out Dense(3)"))
    assert said(old, new) == ["dropout, now dropout_1, (Dropout) moved from between a and b to between c and out"]


def test_the_same_layer_in_many_blocks():
    old = snapshot(*chain(*blocks(8, "conv Conv2D", "act ReLU")))
    new = snapshot(*chain(*blocks(8, "conv Conv2D", "drop Dropout", "act ReLU")))
    assert said(old, new) == ["Dropout inserted in 8 blocks (block1 to block8)"]
    assert said(new, old) == ["Dropout removed in 8 blocks (block1 to block8)"]


def test_what_was_edited_comes_before_what_follows():
    def net(size):
        kinds = [f"c{number} Conv2D({number + (size if number > 4 else 0)})" for number in range(1, 9)]
        return snapshot(*chain(*kinds), settings={"c5": {"filters": size}})

    assert said(net(16), net(32)) == [
        "c5: filters 16 -> 32, output shape (None, 21) -> (None, 37), parameters 21 -> 37",
        "and 3 layers that follow have other output shapes or parameters: c6, c7 and c8",
    ]
    assert headline(diff(net(16), net(32))) == "1 layer changed; everything else is the same."


def test_a_change_of_width_is_told_as_such():
    def net(factor):
        kinds = [f"c{number} Conv2D({number * 8 * factor})" for number in range(1, 9)]
        return snapshot(*chain(*kinds), settings={f"c{n}": {"filters": n * 8 * factor} for n in range(1, 9)})

    assert said(net(1), net(2)) == [
        "filters of 8 layers, 2 times as many: c1 8 -> 16, c2 16 -> 32, c3 24 -> 48 and 5 more"
    ]


def with_ops(graph, findings=(), **ops):
    layers = {id_: replace(layer, ops=ops.get(id_, {})) for id_, layer in graph.layers.items()}
    return replace(graph, layers=layers, ops=ops.get("nobody", {}), findings=findings)


def test_ops_that_follow_are_folded_away():
    kinds = ("a Dense", "b Dense", "out Dense(3)")
    old = with_ops(snapshot(*chain(*kinds)), a={"Relu": 1, "Const": 3}, nobody={"": {"Mul": 1}})
    new = with_ops(
        snapshot(*chain(*kinds), settings={"a": {"activation": "gelu"}}),
        a={"Erf": 1, "Const": 9},
        nobody={"": {"Mul": 2}},
    )
    assert said(old, new) == ["a: activation none -> gelu"]
    found = diff(old, new)
    [folded] = [section.lines for section in sections(found) if section.title == "ops"]
    assert list(folded) == ["other ops at 2 places follow from this (--ops shows them)"]
    [shown] = [section.lines for section in sections(replace(found, show_ops=True)) if section.title == "ops"]
    assert list(shown) == ["a: 1 Erf came; 1 Relu went", "no layer: 1 Mul came"]
    assert headline(found) == "1 layer changed; everything else is the same."


def test_ops_that_nothing_else_explains_are_told():
    old = with_ops(snapshot(*chain("a Dense", "b Lambda")), b={"Mul": 1})
    new = with_ops(snapshot(*chain("a Dense", "b Lambda")), b={"Add": 1})
    assert said(old, new) == ["b: 1 Add came; 1 Mul went"]
    assert diff(with_ops(snapshot("a Dense"), a={"Const": 1}), with_ops(snapshot("a Dense"), a={"Const": 2})).equal


def test_findings_about_layers_that_came_follow_from_them():
    found = FindingRecord("GD103", "artifact", (("x", "b"),), ("x/Shape",))
    hidden = FindingRecord("GD301", "hidden", (("a", "b"),), ("a/MatMul",))
    old = with_ops(snapshot(*chain("a Dense", "b Dense")))
    new = with_ops(snapshot(*chain("a Dense", "x Flatten", "b Dense")), findings=(found, hidden))
    assert said(old, new) == ["x (Flatten) inserted between a and b", "GD301 (hidden) came: a -> b"]


def test_other_stacks_are_told_before_ops():
    old = replace(with_ops(snapshot("a Dense"), a={"MatMul": 1}), stack="Keras 2.1.6, TensorFlow 1.10.0")
    new = replace(with_ops(snapshot("a Dense"), a={"Einsum": 1}), stack="Keras 3.15.1, TensorFlow 2.21.0")
    found = diff(old, new)
    assert list(found.notes) == [
        "The two were made by different stacks: Keras 2.1.6 -> Keras 3.15.1 and TensorFlow 1.10.0 -> TensorFlow 2.21.0."
    ]
    [ops] = [section.lines for section in sections(found) if section.title == "ops"]
    assert list(ops) == [found.notes[0], "a: 1 Einsum came; 1 MatMul went"]
    assert found.notes[0] in notes(diff(old, replace(old, stack=new.stack)))


def test_a_version_that_an_op_graph_tells_is_no_other_stack():
    live = replace(with_ops(snapshot("a Dense"), a={"MatMul": 1}), stack="Keras 3.15.1, TensorFlow 2.21.0")
    logged = "Keras 3.15.1, GraphDef producer 2474 (as of TensorFlow 2.21)"
    assert not any("stacks" in note for note in notes(diff(live, replace(live, stack=logged))))
    older = "Keras 3.15.1, GraphDef producer 1882 (as of TensorFlow 2.17)"
    assert "The two were made by different stacks: TensorFlow 2.17 -> TensorFlow 2.21.0." in notes(
        diff(replace(live, stack=older), live)
    )


def test_what_a_layer_does_not_record_is_not_passed_over():
    old = snapshot(*chain("a Dense", "b Mine"))
    unknown = replace(old.layers["b"], settings=None, output_shape="", parameters=None)
    found = diff(old, replace(old, layers={**old.layers, "b": unknown}))
    assert found.equal
    assert [what.partition(" of b ")[0] for what in found.not_compared] == [
        "The settings",
        "The output shapes",
        "The parameters",
    ]


def test_what_neither_side_records_is_told_too():
    old = snapshot(*chain("a Dense", "b Dense"))
    layers = {id_: replace(layer, settings=None) for id_, layer in old.layers.items()}
    bare = replace(old, layers=layers, ops=None)
    assert list(diff(bare, bare).not_compared) == [
        "Neither OLD nor NEW records any settings, so settings were not compared.",
        "Neither OLD nor NEW has an op graph, so ops were not compared.",
    ]


def test_the_code_of_a_lambda_is_compared_or_said_not_to_be():
    def net(settings):
        return snapshot(*chain("a Dense", "f Lambda(0)"), settings={"f": settings})

    def digest(text):
        return {"function": {"class": "code", "digest": text}}

    assert said(net(digest("1")), net(digest("2"))) == ["f: the code of its function"]
    named = {"function": "mine", "code": None}
    assert [line for line in diff(net(named), net(named)).not_compared if "code" in line] == [
        "The code of f is not recorded on both sides, and was not compared."
    ]
    assert diff(net(digest("1")), net(digest("1"))).complete
    assert said(net({**named, "code": "1"}), net({**named, "code": "2"})) == ["f: its code"]
    assert diff(net({**named, "code": "1"}), net(named)).equal


def test_which_weights_load():
    old = snapshot(*chain("a Dense", "b Dense(5)", "out Dense(3)"))
    found = diff(old, snapshot(*chain("a Dense", "extra Dense(7)", "b Dense(5)", "out Dense(4)")))
    by_name, by_structure = found.weights.by_name, found.weights.by_structure
    assert list(by_name.loaded) == ["in", "a", "b"]
    assert [(one.layer, one.why) for one in by_name.not_loaded] == [("extra", ""), ("out", "parameters 3 -> 4")]
    assert [one.layer for one in by_structure.not_loaded] == ["extra", "b", "out"]
    assert "it would get those of b: parameters 5 -> 7" in by_structure.not_loaded[0].why
    everything = diff(old, snapshot(*chain("a Dense", "b Dense(5)", "tap Flatten(0)", "out Dense(3)")))
    assert list(everything.weights.lines()) == ["all 4 layers with weights load, by name and by structure"]


def test_keras_2_loads_in_the_order_of_all_layers():
    old = snapshot(*chain("a Dense", "norm BatchNormalization", "b Dense"))
    new = snapshot(*chain("norm BatchNormalization", "a Dense", "b Dense"))
    keras2 = replace(new, stack="Keras 2.1.6")
    assert not diff(old, keras2).weights.by_structure.complete
    assert diff(old, replace(new, stack="Keras 3.15.1")).weights.by_structure.complete


def test_a_model_that_is_wholly_another_takes_less_than_thirty_lines():
    old = snapshot(*chain(*blocks(30, "conv Conv2D(3)", "norm BatchNormalization(4)", "act ReLU(5)")))
    kinds = [f"unit{n}_{kind}" for n in range(30) for kind in (f"mix Dense({n + 9})", f"x{n} LSTM({n})", "y GRU")]
    found = diff(old, snapshot(*chain(*kinds)))
    assert len(found.render("text").splitlines()) < 30
