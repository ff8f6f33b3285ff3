"""The values that graphs are run on."""

from __future__ import annotations

import numpy as np
import pytest

from graphdiag.execution.job import Fed
from graphdiag.execution.numbers import Recipe, of_flag, of_input, of_variable, recipes

NORMAL, BITS = Recipe("normal", 8, 2), Recipe("bits", 8, 2)


def fed(*shape, name="row_1"):
    return Fed(name, 1, shape, "x")


@pytest.mark.parametrize("dtype", ["float32", "float16", "int32", "uint8", "bool", "object"])
def test_two_inputs_differ_in_every_element_and_are_the_same_again(dtype):
    first, second = (of_input(fed(-1, 5), np.dtype(dtype), BITS, seed) for seed in (1, 2))
    assert first.shape == second.shape == (2, 5)
    assert first.dtype == np.dtype(dtype)
    assert (first != second).all()
    assert (of_input(fed(-1, 5), np.dtype(dtype), BITS, 1) == first).all()


def test_floats_differ_everywhere_and_sums_have_both_signs():
    values = [of_input(fed(-1, -1, 4), np.dtype("float32"), NORMAL, seed) for seed in (1, 2, 3)]
    assert {array.shape for array in values} == {(2, 8, 4)}
    assert (values[0] != values[1]).all()
    assert {np.sign(array.sum()) for array in values} == {1.0, -1.0}


def test_whole_numbers_can_be_indices():
    assert set(of_input(fed(-1, 50), np.dtype("int64"), NORMAL, 1).ravel().tolist()) == {0, 1}


def test_two_inputs_of_one_run_are_not_the_same():
    left, right = (of_input(fed(-1, 50, name=name), np.dtype("float32"), NORMAL, 1) for name in ("row_1", "row_2"))
    assert (left != right).all()


def test_vectors_may_be_variances():
    held = of_variable(fed(100), np.dtype("float32"), 1)
    assert held.min() > 0
    kernel = of_variable(fed(100, 100), np.dtype("float32"), 1)
    assert kernel.min() < 0 < kernel.max()
    assert (of_variable(fed(3), np.dtype("int64"), 1) != of_variable(fed(3), np.dtype("int64"), 2)).all()


def test_flags_of_any_type():
    assert [of_flag(fed(), np.dtype("bool"), on).item() for on in (True, False)] == [True, False]
    assert [of_flag(fed(), np.dtype("int32"), on).item() for on in (True, False)] == [1, 0]
    assert [of_flag(fed(), np.dtype("float32"), on).item() for on in (True, False)] == [1.0, 0.5]


def test_only_recipes_that_can_differ_are_tried():
    assert [recipe.kind for recipe in recipes([fed(-1, 5)])] == ["normal", "bits"]
    assert len({recipe.size for recipe in recipes([fed(-1, -1)])}) > 3
    assert {recipe.rank for recipe in recipes([Fed("row_1", 1, None, "x")])} == {0, 1, 2, 3, 4}
