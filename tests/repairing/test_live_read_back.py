"""A live model's repaired log, read again: it says what is true of the model, and no more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from graphdiag import compare, repair
from graphdiag.graphs.drawn_graph import ROOT
from graphdiag.render.headline import headline
from tests.models.truth import answer_of, judge, truth_of

CASES = Path(__file__).resolve().parents[2] / "fixtures" / "cases"
UNTRACKED = CASES.parent / "models" / "closure_untracked_layer_keras3.py"
NAMES = [
    "budget_two_models",
    "closure_in_nested_twice",
    "layer_in_two_models",
    "mask_along",
    "nested_twice_behind_identity",
    "operations_take_one_tensor",
    "ragged_and_sparse_tf_keras",
    "shared_embedding_masks",
    "shared_results",
    "splits_twice_tf_keras",
    "tfk_model_add_loss",
    "wrapped_and_called",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_repaired_log_of_a_live_model_says_what_is_true_of_it(name: str, tmp_path: Path) -> None:
    path = CASES / f"{name}.py"
    result = repair(path, tmp_path)
    assert result.picture is not None
    assert result.picture.differences == ()
    answer = answer_of(compare(tmp_path), str(path), "training", "log")
    assert judge(truth_of(path), answer).lines() == []
    again = repair(tmp_path)
    assert again.picture is not None
    assert again.picture.differences == ()


@pytest.mark.parametrize("name", ["layer_in_two_models_tf1", "two_layers_in_two_models_tf1"])
def test_a_repaired_log_of_a_tf1_model_says_what_is_true_of_it(name: str, tmp_path: Path) -> None:
    path = CASES / f"{name}.py"
    # Graph mode is switched on for a whole process.
    command = [sys.executable, "-m", "graphdiag", "repair", str(path), "-o", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer = answer_of(compare(tmp_path), str(path), "training", "log")
    assert judge(truth_of(path), answer).lines() == []
    again = repair(tmp_path)
    assert again.picture is not None
    assert again.picture.differences == ()


def test_variables_of_no_layer_stay_out_of_all_boxes(tmp_path: Path) -> None:
    result = repair(UNTRACKED, tmp_path)
    kept = {"shared/kernel", "shared/bias"}
    for repaired in (result, repair(tmp_path)):
        assert repaired.graph_def is not None
        assert kept <= {node.name for node in repaired.graph_def.node}
    assert [finding.code for finding in compare(tmp_path).findings if finding.verdict.value == "hidden"] == ["GD302"]


def test_what_a_gradient_computes_in_vain_stays_with_the_gradients(tmp_path: Path) -> None:
    import keras

    # The gradient of silu by its slope is computed, and nobody takes it.
    x = keras.Input((4,), name="x")
    h = keras.layers.Dense(4, activation="silu", name="first")(x)
    h = keras.layers.Dense(4, activation="silu", name="second")(h)
    model = keras.Model(x, keras.layers.Dense(1, name="out")(h))
    model.compile("adam", "mse")
    result = repair(model, tmp_path, graph="train-step")
    assert result.after is not None
    fed = [arrow.target for arrow in result.after.edges(ROOT) if arrow.source == "gradients"]
    assert {"first", "second", "out"}.isdisjoint(fed)
    assert {"GD103", "GD105", "GD117"}.isdisjoint(finding.code for finding in compare(tmp_path).findings)


def test_targets_that_no_loss_takes_are_no_layers_that_the_model_does_not_have(tmp_path: Path) -> None:
    import keras

    class Reconstruction(keras.layers.Layer):
        def call(self, x):  # type: ignore[no-untyped-def]
            self.add_loss(keras.ops.mean(x))
            return x

    x = keras.Input((4,), name="x")
    h = keras.layers.Dense(4, name="dense")(x)
    model = keras.Model(x, [h, Reconstruction(name="loss_of")(keras.layers.Dense(2, name="second")(h))])
    model.compile("adam")
    repair(model, tmp_path, graph="train-step")
    assert "GD401" not in [finding.code for finding in compare(tmp_path).findings]


def test_a_layer_does_not_hand_on_what_the_next_layer_is_given_beside_its_result(tmp_path: Path) -> None:
    import keras
    from keras import ops

    class Messages(keras.layers.Layer):
        def build(self, shape):  # type: ignore[no-untyped-def]
            self.kernel = self.add_weight(shape=(4, 4), name="kernel")

        def call(self, inputs):  # type: ignore[no-untyped-def]
            nodes, (sources, targets) = inputs
            sent = ops.take_along_axis(nodes @ self.kernel, sources[..., None], axis=1)
            return nodes + ops.einsum("ben,bed->bnd", ops.one_hot(targets, nodes.shape[1]), sent)

        def compute_output_shape(self, shape):  # type: ignore[no-untyped-def]
            return shape[0]

    nodes = keras.Input((5, 4), name="nodes")
    sources, targets = (keras.Input((7,), dtype="int32", name=name) for name in ("sources", "targets"))
    messages, hidden = Messages(name="messages"), nodes
    for _ in range(2):
        hidden = messages((hidden, (sources, targets)))
    hidden = Messages(name="last")((hidden, (sources, targets)))
    repair(keras.Model([nodes, sources, targets], hidden), tmp_path)
    again = repair(tmp_path)
    assert again.picture is not None
    assert again.picture.differences == ()
    assert not again.inserted


def test_a_weight_that_another_layer_reads_is_noted_in_the_repaired_log(tmp_path: Path) -> None:
    import keras

    class Decoder(keras.layers.Layer):
        def call(self, x):  # type: ignore[no-untyped-def]
            return x @ keras.ops.transpose(encoder.kernel)

    x = keras.Input((4,), name="x")
    encoder = keras.layers.Dense(4, name="encoder")
    model = keras.Model(x, Decoder(name="decoder")(keras.layers.Dense(4, name="middle")(encoder(x))))
    repair(model, tmp_path)
    report = compare(tmp_path)
    # The layer may hold the other one: then there is nothing hidden, and a log does not tell.
    assert any(note.startswith("decoder uses a variable that encoder uses as well") for note in report.notes)
    assert "and no others" not in headline(report)
