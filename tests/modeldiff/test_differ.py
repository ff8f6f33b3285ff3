"""What is said about small graphs: as few changes as a person would name."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from graphdiag.errors import UsageError
from graphdiag.modeldiff.differ import diff
from graphdiag.modeldiff.snapshot import FindingRecord
from graphdiag.modeldiff.summary import headline
from tests.modeldiff.models import applied, compared, snapshot


def said(old, new):
    found = diff(old, new)
    assert applied(found.to_dict(), old) == compared(new.to_dict())
    return [change.line() for change in found.changes]


CHAIN = (
    "in InputLayer",
    "dense Dense < in",
    "dense_1 Dense < dense",
    "dense_2 Dense < dense_1",
    "out Dense(3) < dense_2",
)


def test_a_graph_and_itself():
    assert said(snapshot(*CHAIN), snapshot(*CHAIN)) == []


def test_a_diff_is_short_in_a_prompt():
    assert repr(diff(snapshot(*CHAIN), snapshot(*CHAIN[:-1]))) == "Diff('OLD', 'NEW', layers=(5, 4), changes=2)"


def test_an_inserted_layer_shifts_no_names():
    new = snapshot(
        "in InputLayer",
        "dense Dense < in",
        "dense_1 Dense(16) < dense",
        "dense_2 Dense < dense_1",
        "dense_3 Dense < dense_2",
        "out Dense(3) < dense_3",
    )
    found = diff(snapshot(*CHAIN), new)
    assert [change.line() for change in found.changes] == ["dense_1 (Dense) inserted between dense and dense_2"]
    assert found.automatic == 2
    assert said(new, snapshot(*CHAIN)) == ["dense_1 (Dense) removed between dense and dense_2"]


def test_two_layers_inserted_around_one_that_says_little():
    new = snapshot(
        "in InputLayer",
        "dense Dense < in",
        "dropout Dropout < dense",
        "dense_1 Dense < dropout",
        "dropout_1 Dropout < dense_1",
        "dense_2 Dense < dropout_1",
        "out Dense(3) < dense_2",
    )
    assert said(snapshot(*CHAIN), new) == [
        "dropout (Dropout) inserted between dense and dense_1",
        "dropout_1 (Dropout) inserted between dense_1 and dense_2",
    ]


def test_a_layer_that_moved_past_another():
    old = snapshot("in InputLayer", "drop Dropout < in", "dense_1 Dense < drop", "out Dense(3) < dense_1")
    new = snapshot("in InputLayer", "dense_1 Dense < in", "dropout_1 Dropout < dense_1", "out Dense(3) < dropout_1")
    assert said(old, new) == [
        "drop (Dropout) removed between in and dense_1",
        "dropout_1 (Dropout) inserted between dense_1 and out",
    ]


def test_automatic_names_that_are_all_others():
    new = snapshot(*[re.sub(r"\bdense\b", "dense_40", line.replace("dense_", "dense_4")) for line in CHAIN])
    assert said(snapshot(*CHAIN), new) == []


def test_a_renamed_layer():
    new = snapshot(*[line.replace("dense_1", "hidden") for line in CHAIN])
    assert said(snapshot(*CHAIN), new) == ["dense_1 renamed hidden (Dense)"]


def test_all_layers_renamed():
    old = snapshot("x InputLayer", "a Dense < x", "b Dense < a", "c Conv1D < b", "d Add < c, a")
    new = snapshot("x2 InputLayer", "a2 Dense < x2", "b2 Dense < a2", "c2 Conv1D < b2", "d2 Add < c2, a2")
    assert sorted(said(old, new)) == [
        "a renamed a2 (Dense)",
        "b renamed b2 (Dense)",
        "c renamed c2 (Conv1D)",
        "d renamed d2 (Add)",
        "x renamed x2 (InputLayer)",
    ]


def test_a_lost_skip_connection():
    old = snapshot("in InputLayer", "a Dense < in", "b Dense < a", "add_1 Add < b, a", "out Dense(3) < add_1")
    new = snapshot("in InputLayer", "a Dense < in", "b Dense < a", "add_1 Add < b", "out Dense(3) < add_1")
    assert said(old, new) == ["add_1 no longer takes a, only b"]
    assert said(new, old) == ["add_1 takes a as well, beside b"]


def test_a_merge_that_goes_with_its_skip_connection():
    old = snapshot("in InputLayer", "a Dense < in", "b Dense < a", "add Add < b, a", "out Dense(3) < add")
    new = snapshot("in InputLayer", "a Dense < in", "b Dense < a", "out Dense(3) < b")
    assert said(old, new) == ["add (Add) removed: out takes b alone, without a"]


def towers(second):
    return snapshot(
        "left InputLayer",
        "right InputLayer",
        "a_0 Conv1D < left",
        "a_1 Conv1D < a_0",
        f"b_0 Conv1D < {second}",
        "b_1 Conv1D < b_0",
        "join Concatenate < a_1, b_1" if second != "b_1" else "join Concatenate < a_1",
    )


def test_a_tower_wired_to_the_other():
    assert said(towers("right"), towers("a_0")) == ["b_0 takes a_0 instead of right", *ends("right")]


def ends(*names):
    # What nothing takes from is an output in these snapshots.
    return [f"the model's outputs were join and are {' and '.join([*names, 'join'])}"]


def test_inputs_in_another_order():
    old = snapshot("a InputLayer", "b InputLayer", "cat Concatenate < a, b")
    new = snapshot("a InputLayer", "b InputLayer", "cat Concatenate < b, a")
    assert said(old, new) == ["cat takes its inputs swapped: b and a"]


def test_one_layer_in_the_place_of_another():
    old = snapshot("in InputLayer", "norm BatchNormalization < in", "out Dense < norm")
    new = snapshot("in InputLayer", "norm_a LayerNormalization < in", "out Dense < norm_a")
    assert said(old, new) == ["norm (BatchNormalization) replaced by norm_a (LayerNormalization) between in and out"]


def test_a_layer_that_kept_its_name_and_changed_its_class():
    old = snapshot("in InputLayer", "norm BatchNormalization < in", "out Dense < norm")
    new = snapshot("in InputLayer", "norm LayerNormalization < in", "out Dense < norm")
    assert said(old, new) == ["norm: class BatchNormalization -> LayerNormalization"]


def test_a_layer_of_another_size():
    new = snapshot(*[line.replace("dense_1 Dense ", "dense_1 Dense(16) ") for line in CHAIN])
    assert said(snapshot(*CHAIN), new) == ["dense_1: output shape (None, 8) -> (None, 16), parameters 8 -> 16"]


def test_a_layer_called_twice():
    old = snapshot(*CHAIN)
    layers = {**old.layers, "dense_1": replace(old.layers["dense_1"], calls=2, sources=("dense", "dense_2"))}
    assert said(old, replace(old, layers=layers)) == [
        "dense_1 is now shared by dense and dense_2: 2 calls instead of 1"
    ]


def test_a_new_branch():
    new = snapshot(*CHAIN[:-1], "gate Dense(8) < dense", "mul Multiply < dense_2, gate", "out Dense(3) < mul")
    assert said(snapshot(*CHAIN), new) == [
        "2 layers inserted after dense and dense_2, before out: gate (Dense) and mul (Multiply)"
    ]


def test_a_renamed_nested_model_is_said_once():
    inside = ("in InputLayer", "{}/a Dense < in", "{}/b Dense < {}/a", "out Dense(3) < {}/b")
    old = snapshot(*[line.replace("{}", "encoder") for line in inside], nested=["encoder"])
    new = snapshot(*[line.replace("{}", "tower") for line in inside], nested=["tower"])
    assert said(old, new) == ["nested model encoder renamed tower, with its 2 layers"]
    made_up = [
        snapshot(*[line.replace("{}", name) for line in inside], nested=[name])
        for name in ("functional", "functional_7")
    ]
    assert said(*made_up) == []
    assert diff(*made_up).automatic == 1


def test_a_layer_moved_into_a_nested_model():
    old = snapshot("in InputLayer", "enc/a Dense < in", "b Dense(4) < enc/a", "out Dense(3) < b", nested=["enc"])
    new = snapshot(
        "in InputLayer", "enc/a Dense < in", "enc/b Dense(4) < enc/a", "out Dense(3) < enc/b", nested=["enc"]
    )
    assert said(old, new) == ["enc/b: nested model none -> enc"]


def test_a_renamed_model():
    old, new = snapshot(*CHAIN, model_name="first"), snapshot(*CHAIN, model_name="second")
    assert said(old, new) == ["the model first renamed second"]
    assert said(replace(old, model_name="functional"), replace(old, model_name="functional_3")) == []


def test_blocks_that_repeat_are_said_together():
    def net(blocks):
        lines, last = ["in InputLayer"], "in"
        for number in range(blocks):
            name = f"stage2_block{number}"
            lines += [f"{name}_conv Conv2D < {last}", f"{name}_bn BatchNormalization < {name}_conv"]
            lines += [f"{name}_add Add < {name}_bn, {last}"]
            last = f"{name}_add"
        return snapshot(*lines, f"out Dense(3) < {last}")

    assert said(net(2), net(12)) == [
        "30 layers inserted between stage2_block1_add and out: 10 blocks of the same shape, stage2_block2 ... "
        "stage2_block11, each 3 layers (1 Conv2D, 1 BatchNormalization, 1 Add)"
    ]


def test_blocks_without_names_that_say_so():
    def net(blocks):
        lines, last = ["in InputLayer"], "in"
        for number in range(blocks):
            lines += [f"conv2d_{number + 1} Conv2D < {last}", f"re_lu_{number + 1} ReLU(4) < conv2d_{number + 1}"]
            last = f"re_lu_{number + 1}"
        return snapshot(*lines, f"out Dense(3) < {last}")

    [line] = said(net(2), net(5))
    assert line.startswith("6 layers inserted between re_lu_2 and out: 3 blocks of the same shape, ")
    assert "each 2 layers (1 Conv2D, 1 ReLU)" in line


# --- ops, findings, what is not recorded -----------------------------------------------------------------------------


def with_ops(old, **ops):
    layers = {id_: replace(layer, ops=ops.get(id_, {"MatMul": 1})) for id_, layer in old.layers.items()}
    return replace(old, layers=layers, ops=ops.get("nobody", {}))


def test_ops_that_came_or_went():
    old = with_ops(snapshot(*CHAIN))
    new = with_ops(snapshot(*CHAIN), dense_1={"MatMul": 3, "Relu": 1}, out={}, nobody={"training": {"Mul": 2}})
    assert said(old, new) == [
        "dense_1: 2 MatMul and 1 Relu came",
        "out: 1 MatMul went",
        "no layer (training): 2 Mul came",
    ]


def test_ops_of_new_layers_are_not_told():
    new = snapshot(*CHAIN[:-1], "extra Flatten < dense_2", "out Dense(3) < extra")
    assert said(with_ops(snapshot(*CHAIN)), with_ops(new)) == ["extra (Flatten) inserted between dense_2 and out"]


def test_findings_follow_renamed_layers():
    found = FindingRecord("GD301", "hidden", (("dense", "dense_1"),), ("dense_1/MatMul",))
    moved = FindingRecord("GD301", "hidden", (("dense", "hidden"),), ("hidden/MatMul",))
    old = replace(snapshot(*CHAIN), findings=(found,))
    new = snapshot(*[line.replace("dense_1", "hidden") for line in CHAIN])
    assert said(old, replace(new, findings=(moved,))) == ["dense_1 renamed hidden (Dense)"]
    assert said(old, snapshot(*CHAIN)) == ["GD301 (hidden) went: dense -> dense_1"]
    assert said(snapshot(*CHAIN), old) == ["GD301 (hidden) came: dense -> dense_1"]


def test_what_only_one_side_records_is_no_change_but_a_note():
    old = with_ops(snapshot(*CHAIN))
    layers = {id_: replace(layer, parameters=None, output_shape="", ops={}) for id_, layer in old.layers.items()}
    new = replace(old, layers=layers, ops=None, findings=(FindingRecord("GD204", "missing"),))
    found = diff(old, new)
    assert found.equal
    assert not found.complete
    assert len(found.not_compared) == 3
    assert all("NEW" in note and "not compared" in note for note in found.not_compared)
    assert headline(found) == "No difference in what could be compared; the notes say what was not."


def test_an_earlier_snapshot_does_not_say_what_nested_models_are_called_with():
    old = snapshot("in InputLayer", "base/dense Dense < in", nested=["base"])
    nested = {id_: replace(model, settings={}) for id_, model in old.nested.items()}
    new = replace(old, nested=nested)
    note = "What base is called with besides tensors is not recorded on both sides, and was not compared."
    assert note in diff(old, new).not_compared
    assert note not in diff(new, new).not_compared


def test_layers_and_scopes_cannot_be_compared():
    scopes = replace(snapshot(*CHAIN), by_scope=True)
    with pytest.raises(UsageError, match="--new-model"):
        diff(snapshot(*CHAIN), scopes)


def test_blocks_whose_shapes_grow():
    def net(blocks):
        lines, last = ["in InputLayer"], "in"
        for number in range(1, blocks + 1):
            name = f"block{number}"
            lines += [
                f"{name}_conv Conv2D({number + 8}) < {last}",
                f"{name}_cat Concatenate({number}) < {name}_conv, {last}",
            ]
            last = f"{name}_cat"
        return snapshot(*lines, f"out Dense(3) < {last}")

    [line] = said(net(3), net(8))
    assert "5 blocks wired alike, block4 ... block8, each 2 layers (1 Conv2D, 1 Concatenate)" in line


def test_many_layers_that_do_not_repeat():
    chain = [f"part_{letter} Dense({number}) < part_{letter}" for number, letter in enumerate("abcdefghij")]
    lines = [
        line.rpartition("<")[0] + f"< {'in' if not number else 'part_' + 'abcdefghij'[number - 1]}"
        for number, line in enumerate(chain)
    ]
    new = snapshot("in InputLayer", *lines, "out Flatten(3) < part_j")
    assert said(snapshot("in InputLayer", "out Flatten(3) < in"), new) == [
        "10 layers inserted between in and out: part_a, part_b, part_c and 7 more (10 Dense)"
    ]


def test_a_large_graph_is_matched_without_squares():
    def net(layers, skip):
        lines = ["in InputLayer", "dense Dense < in"]
        lines += [
            f"dense_{number} Dense < dense{f'_{number - 1}' if number > 1 else ''}" for number in range(1, layers)
        ]
        at = skip if skip else layers
        return snapshot(*[line for number, line in enumerate(lines) if number <= at])

    old, new = net(20_000, 0), net(20_000, 19_000)
    [line, *_] = said(old, new)
    assert line.startswith("1,000 layers removed")
