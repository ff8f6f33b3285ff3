from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.support.drawn import drawn


def series(names: Iterable[str], op: str = "Relu") -> dict[str, int]:
    """Cardinality of each series among ops of these names."""
    nodes = drawn("\n".join(f"{name} {op}" for name in names))["nodes"]
    return {name: node["cardinality"] for name, node in nodes.items() if node["type"] == "series"}


def test_five_are_a_series_and_four_are_not() -> None:
    assert series(f"x_{number}" for number in range(1, 6)) == {"x_[1-5]": 5}
    assert series(f"x_{number}" for number in range(1, 5)) == {}


def test_the_name_without_a_number_is_not_of_the_series() -> None:
    assert series(["x", *(f"x_{number}" for number in range(1, 6))]) == {"x_[1-5]": 5}


def test_a_gap_parts_a_series() -> None:
    assert series(f"x_{number}" for number in (0, 1, 2, 3, 4, 6, 7, 8, 9)) == {"x_[0-4]": 5}


def test_numbers_count_not_digits() -> None:
    assert series(f"x{number:02d}" for number in range(8, 13)) == {"x[8-12]": 5}


def test_a_digit_elsewhere_makes_no_number() -> None:
    assert series(f"conv1d_{number}" for number in range(9)) == {}


def test_a_number_alone() -> None:
    assert series(map(str, range(1, 6))) == {"[1-5]": 5}


def test_a_star_at_the_end() -> None:
    assert series(["a*", "b*", "c*", "d*", "e*"]) == {}


@pytest.mark.parametrize("last", ["Relu6", "Const"])
def test_only_ops_of_one_type(last: str) -> None:
    text = "\n".join(f"x_{number} Relu" for number in range(4)) + f"\nx_4 {last}\nreads Neg x_4"
    assert not [name for name in drawn(text)["nodes"] if "[" in name]


def test_metanodes_are_never_folded() -> None:
    assert series(f"block_{number}/op" for number in range(1, 9)) == {}


def test_members_may_be_unconnected_or_connected() -> None:
    text = "x_0 Relu\n" + "\n".join(f"x_{number} Relu x_{number - 1}" for number in range(1, 6)) + "\ny Neg x_3"
    document = drawn(text)
    assert document["nodes"]["x_3"]["parent"] == "x_[0-5]"
    assert document["edges"] == {
        "__root__": [["x_[0-5]", "y", 1, 0, 0]],
        "x_[0-5]": [[f"x_{number}", f"x_{number + 1}", 1, 0, 0] for number in range(5)],
    }


def test_a_feed_forward_model_gets_a_loop() -> None:
    lines = ["x Placeholder"]
    for number in range(1, 7):
        lines.append(f"MatMul_{number} MatMul {f'Relu_{number - 1}' if number > 1 else 'x'}")
        lines.append(f"Relu_{number} Relu MatMul_{number}")
    assert drawn("\n".join(lines))["edges"]["__root__"] == [
        ["MatMul_[1-6]", "Relu_[1-6]", 6, 0, 0],
        ["Relu_[1-6]", "MatMul_[1-6]", 5, 0, 0],
        ["x", "MatMul_[1-6]", 1, 0, 0],
    ]


def test_the_series_stands_in_its_scope_and_counts_there() -> None:
    nodes = drawn("\n".join(f"a/b/x_{number} Relu" for number in range(5)))["nodes"]
    assert nodes["a/b/x_[0-4]"] == {"type": "series", "parent": "a/b", "cardinality": 5, "op": None}
    assert nodes["a/b"]["cardinality"] == nodes["a"]["cardinality"] == 5


def test_numbers_too_long_for_javascript() -> None:
    # Above 2**53 neighboring numbers may be one and the same; from 1e20 on a number is its own successor.
    assert series(f"x_{10**20 - 1 + number}" for number in range(5)) == {
        "x_[100000000000000000000-100000000000000000000]": 5
    }
    assert series(f"x_{2**53 + number}" for number in range(5)) == {}
