"""What Python code does outside of its arguments, read from its source."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphdiag.sources.python_code import BOTH, READS, WRITES, access_of, variables_of, weights_of

BOX: dict[str, Any] = {}
SEEN: list[Any] = []
LAST: Any = 0.0
FACTOR = 3.0


class Holder:
    def keep(self, values: Any) -> Any:
        self.values = values
        return values


HOLDER = Holder()


def keeps(values):
    BOX["values"] = values.mean(0)
    return values


def finds(values):
    return (values + BOX.get("values", 0)).astype("float32")


def looks_up(values):
    return values + BOX["values"]


def appends(values):
    SEEN.append(values)
    return values


def sums_up(values):
    return values + sum(SEEN)


def keeps_in_an_object(values):
    HOLDER.values = values
    return values


def keeps_in_a_global(values):
    global LAST
    LAST = values.mean()
    return values


def finds_a_global(values):
    return values + LAST


def computes(values):
    ranked = np.sort(values) * FACTOR
    ranked[0] = 1
    return ranked


def calls_another(values):
    return keeps(values) * 2


def hands_on(function):
    return lambda tensor: function(tensor.numpy())


@pytest.mark.parametrize("function", [keeps, appends, keeps_in_an_object, keeps_in_a_global, calls_another])
def test_code_that_keeps_and_does_not_find(function):
    assert access_of(function) == WRITES
    assert access_of(hands_on(function)) == WRITES


@pytest.mark.parametrize("function", [finds, looks_up, sums_up, finds_a_global, computes])
def test_code_that_finds_and_does_not_keep(function):
    assert access_of(function) == READS


def by_another_name(values):
    box = BOX
    box["values"] = values
    return values


def in_what_was_found(values):
    kept = BOX.get("kept")
    kept.append(values)
    return values


def in_place(values):
    BOX["sum"] += values
    return values


def fills(values):
    np.copyto(BOX["values"], values)
    return values


def fills_out(values):
    return np.add(values, 1, out=BOX["values"])


def hands_out(values):
    return HOLDER.keep(values)


def changes_its_argument(kept, values):
    kept.append(values)


def through_an_argument(values):
    changes_its_argument(BOX["kept"], values)
    return values


def opens_a_file(values):
    with open("values.txt") as file:
        return values + float(file.read())


def saves(values):
    np.save("values", values)
    return values


def through_a_method_of_its_own(values):
    values.tofile("values")
    return values


def calls_itself(values):
    return calls_itself(values - 1) if values.any() else values


def runs_text(values):
    return eval("BOX")


def uses_an_import(values):
    import os

    return values + len(os.environ)


@pytest.mark.parametrize(
    "function",
    [
        by_another_name,
        in_what_was_found,
        in_place,
        fills,
        fills_out,
        hands_out,
        through_an_argument,
        opens_a_file,
        saves,
        through_a_method_of_its_own,
        calls_itself,
        runs_text,
        uses_an_import,
        HOLDER.keep,
        np.vectorize(keeps),
        Holder,
        None,
        eval("lambda values: values"),  # its source is nowhere
    ],
)
def test_whatever_is_not_understood_may_do_both(function):
    assert access_of(function) == BOTH


# --- Weights of layers -----------------------------------------------------------------------------------------------


class Variable:
    def __init__(self, name: str) -> None:
        self.name = name
        self.dtype = "float32"

    def assign(self, value: Any) -> None: ...


class Layer:
    """As Keras 3 has it: ``kernel`` is a property."""

    units = 4

    def __init__(self) -> None:
        self.weights = [Variable("kernel"), Variable("bias")]

    def __call__(self, values: Any) -> Any: ...

    def get_weights(self) -> Any: ...

    @property
    def kernel(self) -> Any:
        return self.weights[0]


class Inside:
    def __init__(self) -> None:
        self.layer = LAYER

    def uses(self, values: Any) -> Any:
        return values @ self.layer.kernel


class Unbuilt:
    @property
    def weights(self) -> Any:
        raise ValueError("not built")

    variables = weights


class Table:
    """Not a layer, though it has what it calls weights."""

    weights = (0.25, 0.75)


LAYER = Layer()
UNBUILT = Unbuilt()
TABLE = Table()


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (lambda values: values @ LAYER.kernel, ["kernel"]),
        (lambda values: LAYER(values), ["kernel", "bias"]),
        (lambda values: values + LAYER.get_weights()[1], ["kernel", "bias"]),
        (lambda values: values / LAYER.units, []),
        (lambda values: values, []),
        (lambda values: values * TABLE.weights[0], []),
        (lambda values: UNBUILT.call(values), []),
        (Inside().uses, ["kernel"]),
        (None, []),
    ],
)
def test_weights_that_code_names(function, names):
    assert [variable.name for variable in weights_of(function)] == names


def test_what_code_asks_a_layer_for_it_does_not_keep():
    assert access_of(lambda values: values @ LAYER.kernel) == READS
    assert access_of(lambda values: values / LAYER.units) == READS
    assert access_of(lambda values: LAYER(values)) == BOTH
    assert access_of(lambda values: list(map(LAYER, values))) == BOTH


def test_a_model_that_was_never_built_has_no_variables():
    assert variables_of(lambda values: UNBUILT.call(values)) == []
