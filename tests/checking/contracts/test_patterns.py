"""Sets of layers: what each kind of entry means, and what a misspelt one says."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphdiag.checking.contracts.options import Place
from graphdiag.checking.contracts.patterns import Node, layer_set
from graphdiag.errors import ConfigError

NODES = {
    node.id: node
    for node in [
        Node("x", "InputLayer"),
        Node("conv1d_0_0", "Conv1D"),
        Node("conv1d_0_1", "Conv1D"),
        Node("conv1d_1_0", "Conv1DTranspose"),
        Node("encoder/dense", "Dense", ("encoder",)),
        Node("encoder/inner/dense", "Dense", ("encoder", "encoder/inner")),
        Node("encoder_2/dense", "Dense", ("encoder_2",)),
        Node("block/conv", "Conv2D"),
        Node("od[d]*", "Dense"),
        Node("odd", "Dense"),
    ]
}


def among(*entries):
    return list(layer_set(list(entries), Place("c.toml", "sets")).among(NODES))


@pytest.mark.parametrize(
    ("entry", "layers"),
    [
        ("conv1d_0_1", ["conv1d_0_1"]),
        ("conv1d_0_*", ["conv1d_0_0", "conv1d_0_1"]),
        ("conv1d_?_0", ["conv1d_0_0", "conv1d_1_0"]),
        ("conv1d_[!0]_[0-9]", ["conv1d_1_0"]),
        ("re:conv1d_(0_0|1_.)", ["conv1d_0_0", "conv1d_1_0"]),
        ("re:conv1d_0", []),
        ("class:Conv1D", ["conv1d_0_0", "conv1d_0_1"]),
        ("class:Conv1D*", ["conv1d_0_0", "conv1d_0_1", "conv1d_1_0"]),
        ("encoder", ["encoder/dense", "encoder/inner/dense"]),
        ("encoder/**", ["encoder/dense", "encoder/inner/dense"]),
        ("encoder/*", ["encoder/dense", "encoder/inner/dense"]),
        ("encoder/d*", ["encoder/dense"]),
        ("encoder/inner", ["encoder/inner/dense"]),
        ("encoder*", ["encoder/dense", "encoder/inner/dense", "encoder_2/dense"]),
        ("**/dense", ["encoder/dense", "encoder/inner/dense", "encoder_2/dense"]),
        ("*/dense", ["encoder/dense", "encoder_2/dense"]),
        ("block/conv", ["block/conv"]),
        ("od[d]*", ["od[d]*"]),
        ("od[d]", ["odd"]),
    ],
)
def test_an_entry(entry, layers):
    if layers:
        assert among(entry) == layers
    else:
        with pytest.raises(ConfigError):
            among(entry)


def test_a_set_has_each_layer_once_and_in_the_order_of_the_graph():
    assert among("odd", "conv1d_0_*", "class:Conv1D", "x") == ["x", "conv1d_0_0", "conv1d_0_1", "odd"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("conv1d_0_O", "'conv1d_0_O' matches nothing; the nearest is 'conv1d_0_0'."),
        ("encodr", "'encodr' matches nothing; the nearest is 'encoder'."),
        ("class:Conv1d", "there is no layer of class 'Conv1d'; the nearest is 'Conv1D'."),
        ("re:conv2d.*", "'re:conv2d.*' matches nothing; the nearest is 'conv1d_0_0'."),
        ("zzz", "'zzz' matches nothing."),
    ],
)
def test_an_entry_that_matches_nothing_names_the_nearest(entry, message):
    with pytest.raises(ConfigError) as caught:
        among("x", entry)
    assert str(caught.value) == f"sets[1]: {message}"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "sets: names no layer."),
        (["x", 3], "sets[1]: must be a string, not 3."),
        ("", "sets: must be a string, not ''."),
        ("re:conv(", "sets: 're:conv(' is not a regular expression: missing ), unterminated subpattern at position 4."),
    ],
)
def test_a_set_of_the_wrong_form(value, message):
    with pytest.raises(ConfigError) as caught:
        layer_set(value, Place("c.toml", "sets", Path()))
    assert str(caught.value) == f"c.toml: {message}"
