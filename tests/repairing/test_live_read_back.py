"""A live model's repaired log, read again: it says what is true of the model, and no more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from graphdiag import compare, repair
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
