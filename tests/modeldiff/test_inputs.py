"""Edges are tensors: which output of which call goes to which argument, in order, and as often as it is given."""

from __future__ import annotations

from dataclasses import replace

from graphdiag.modeldiff.differ import diff
from graphdiag.modeldiff.snapshot import TakenTensor as Taken
from graphdiag.modeldiff.snapshot import sources_of
from graphdiag.modeldiff.snapshot_file import from_dict
from tests.modeldiff.models import applied, compared, snapshot

LINES = ("in InputLayer", "lstm LSTM < in", "use Dense < lstm", "other Dense < in", "add Add < use, other")


def taking(layer, *tensors, base=None):
    """A snapshot in which one layer takes these tensors."""
    old = base or snapshot(*LINES)
    record = replace(old.layers[layer], sources=sources_of(tensors), takes=tensors)
    return replace(old, layers={**old.layers, layer: record})


def said(old, new):
    found = diff(old, new)
    assert applied(found.to_dict(), old) == compared(new.to_dict())
    assert from_dict(new.to_dict()) == new
    return [found.line(change) for change in found.changes]


def test_another_output_of_the_same_layer():
    assert said(snapshot(*LINES), taking("use", Taken("lstm", output=1))) == [
        "use takes output 2 of lstm instead of output 1"
    ]


def test_outputs_that_are_swapped():
    old = taking("add", Taken("lstm", 1), Taken("lstm", 2))
    assert said(old, taking("add", Taken("lstm", 2), Taken("lstm", 1))) == [
        "add takes its inputs swapped: output 3 of lstm and output 2 of lstm"
    ]


def test_an_input_that_is_given_twice():
    old = taking("add", Taken("use"), Taken("other"))
    new = taking("add", Taken("use"), Taken("other"), Taken("use"))
    assert said(old, new) == ["add takes use twice instead of once"]
    assert said(new, old) == ["add takes use once instead of twice"]


def test_key_and_value_of_an_attention():
    before = Taken("in"), Taken("use", argument="value"), Taken("other", argument="key")
    after = Taken("in"), Taken("other", argument="value"), Taken("use", argument="key")
    assert said(taking("add", *before), taking("add", *after)) == [
        "add takes use as key instead of value, and other as value instead of key"
    ]


def test_a_mask_that_is_no_longer_given():
    before = Taken("use"), Taken("lstm", argument="mask")
    [line] = said(taking("add", *before), taking("add", Taken("use"), Taken("other")))
    assert line == "add takes other instead of lstm"
    twice = Taken("use"), Taken("use", argument="mask")
    assert said(taking("add", *twice), taking("add", Taken("use"))) == ["add no longer takes use as mask"]


def test_what_another_call_gives():
    shared = replace(snapshot(*LINES).layers["lstm"], calls=2)
    base = replace(snapshot(*LINES), layers={**snapshot(*LINES).layers, "lstm": shared})
    assert said(taking("use", Taken("lstm"), base=base), taking("use", Taken("lstm", call=1), base=base)) == [
        "use takes lstm of call 2 instead of call 1"
    ]


def test_another_output_of_the_model():
    old = snapshot("in InputLayer", "lstm LSTM < in")
    new = replace(old, gives=(Taken("lstm", 1),))
    assert said(old, new) == ["the model's outputs were lstm and are output 2 of lstm"]


def test_a_file_that_knows_only_layers_is_compared_in_their_order_alone():
    old = replace(taking("use", Taken("lstm")), tensors=False)
    found = diff(old, taking("use", Taken("lstm", output=1)))
    assert found.equal
    assert not found.complete
    assert found.not_compared[0].startswith("OLD does not record which tensors layers take")


def test_an_old_name_that_means_another_layer_is_marked():
    old = snapshot("in InputLayer", "dense_1 Dense(3) < in", "dense_2 Dense(4) < in", "use Flatten(9) < dense_1")
    new = snapshot("in InputLayer", "dense_1 Dense(4) < in", "dense_2 Conv1D(5) < in", "use Flatten(9) < dense_2")
    found = said(old, new)
    assert "dense_1 (old) (Dense) replaced by dense_2 (Conv1D) between in and use" in found, found
