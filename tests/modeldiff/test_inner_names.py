"""Layers that others wrap, under the names that Keras makes up for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from graphdiag import diff


def model(keras: Any, recurrent: Any) -> Any:
    steps = keras.Input((4, 8), name="steps")
    return keras.Model(steps, recurrent(steps), name="model")


BUILDS: dict[str, Callable[[Any], Any]] = {
    "both ways": lambda layers: layers.Bidirectional(layers.LSTM(3), name="both"),
    "stacked cells": lambda layers: layers.RNN([layers.GRUCell(3), layers.GRUCell(3)], name="stacked"),
}


@pytest.mark.parametrize("name", BUILDS)
@pytest.mark.parametrize("package", ["keras", "tf_keras"])
def test_counters_in_the_names_of_inner_layers_are_no_difference(package, name):
    keras = pytest.importorskip(package)
    keras.backend.clear_session()
    old, new = (model(keras, BUILDS[name](keras.layers)) for _ in range(2))
    found = diff(old, new)
    assert found.old.findings
    assert [change.line() for change in found.changes] == []
