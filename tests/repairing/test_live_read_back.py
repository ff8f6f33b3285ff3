"""A live model's repaired log, read again: it says what is true of the model, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphdiag import compare, repair
from tests.models.truth import answer_of, judge, truth_of

CASES = Path(__file__).resolve().parents[2] / "fixtures" / "cases"
NAMES = [
    "mask_along",
    "ragged_and_sparse_tf_keras",
    "shared_embedding_masks",
    "shared_results",
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
