"""Which weights load where weights are added to a layer, live and from each kind of file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from graphdiag import diff


def model(keras: Any, edit: Callable[[Any], None]) -> Any:
    keras.backend.clear_session()
    words = keras.Input((3,), name="words", dtype="int32")
    embedding = keras.layers.Embedding(9, 8, name="embedding")
    dense = keras.layers.Dense(4, name="dense")
    built = keras.Model(words, dense(embedding(words)), name="model")
    edit(dense)
    edit(embedding)
    return built


EDITS: dict[str, tuple[Callable[[Any], None], str]] = {
    "low rank": (lambda layer: layer.enable_lora(2), "lora_rank none -> 2"),
    "quantized": (lambda layer: layer.quantize("int8"), "dtype float32 -> int8_from_float32"),
}


@pytest.mark.parametrize("name", EDITS)
def test_weights_that_lora_and_quantization_add_are_counted_and_do_not_load(name, tmp_path):
    keras = pytest.importorskip("keras")
    edit, why = EDITS[name]
    old, new = model(keras, lambda layer: None), model(keras, edit)
    sources = {"live": (old, new)}
    for suffix in (".json", ".keras", ".h5"):
        sources[suffix] = tuple(tmp_path / f"{side}{suffix}" for side in ("old", "new"))
        for path, built in zip(sources[suffix], (old, new), strict=True):
            if suffix == ".json":
                path.write_text(built.to_json())
            else:
                built.save(path)
    for found in (diff(*pair) for pair in sources.values()):
        assert {one.layer: one.why for one in found.weights.by_name.not_loaded} == {"embedding": why, "dense": why}
        assert found.new.parameters == new.count_params()
