"""The keys of a model's inputs and outputs are part of its structure."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from graphdiag import diff, snapshot
from graphdiag.modeldiff.snapshot_file import from_dict
from tests.modeldiff.models import applied, compared


def outputs(keras: Any, gather: Callable[[Any, Any], Any]) -> Any:
    x = keras.Input((4,), name="x")
    dense = keras.layers.Dense
    return keras.Model(x, gather(dense(2, name="mean")(x), dense(2, name="scale")(x)), name="model")


def inputs(keras: Any, gather: Callable[[Any, Any], Any]) -> Any:
    first, second = keras.Input((4,), name="first"), keras.Input((4,), name="second")
    return keras.Model(gather(first, second), keras.layers.Add(name="sum")([first, second]), name="model")


CHANGES: dict[str, tuple[Any, Any, Any, list[str]]] = {
    "a list becomes a dict": (
        outputs,
        lambda one, other: [one, other],
        lambda one, other: {"m": one, "s": other},
        ["the model's outputs have the keys m and s, and had none"],
    ),
    "a dict becomes a list": (
        outputs,
        lambda one, other: {"m": one, "s": other},
        lambda one, other: [one, other],
        ["the model's outputs have no keys, and had m and s"],
    ),
    "another key": (
        outputs,
        lambda one, other: {"m": one, "s": other},
        lambda one, other: {"m": one, "std": other},
        ["the model's outputs have the keys m and std, and had m and s"],
    ),
    "inputs by name": (
        inputs,
        lambda one, other: [one, other],
        lambda one, other: {"first": one, "second": other},
        ["the model's inputs have the keys first and second, and had none"],
    ),
    "the same dict in another order": (
        outputs,
        lambda one, other: {"m": one, "s": other},
        lambda one, other: {"s": other, "m": one},
        [],
    ),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("package", ["keras", "tf_keras"])
def test_other_keys_are_told_live_and_from_files(package, name, tmp_path):
    keras = pytest.importorskip(package)
    build, before, after, lines = CHANGES[name]
    old, new = build(keras, before), build(keras, after)
    sources = {"live": (snapshot(old), snapshot(new))}
    for suffix in (".json", ".keras", ".h5") if package == "keras" else (".json", ".h5"):
        sources[suffix] = tuple(tmp_path / f"{side}{suffix}" for side in ("old", "new"))
        for path, built in zip(sources[suffix], (old, new), strict=True):
            if suffix == ".json":
                path.write_text(built.to_json())
            else:
                built.save(path)
    for found in (diff(*pair) for pair in sources.values()):
        assert [change.line() for change in found.changes if change.kind in ("ends-changed", "keys-changed")] == lines
        read = from_dict(json.loads(found.new.to_text()))
        assert (read.input_keys, read.output_keys) == (found.new.input_keys, found.new.output_keys)
        assert applied(found.to_dict(), found.old) == compared(found.new.to_dict())


def test_a_snapshot_without_keys_is_read_with_a_note():
    keras = pytest.importorskip("keras")
    new = snapshot(outputs(keras, lambda one, other: {"m": one, "s": other}))
    old = replace(new, input_keys=None, output_keys=None)
    read = from_dict(json.loads(old.to_text()))
    assert read.output_keys is None
    found = diff(read, new)
    assert found.equal
    assert (
        "OLD does not record the keys of the model's inputs and outputs, so they were not compared."
        in found.not_compared
    )
