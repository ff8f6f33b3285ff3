"""GD201 conceptual-edges-lost."""

from __future__ import annotations

from tests.diagnosis.found import in_log, on_live_model


def lost(model: str) -> tuple[str, set[tuple[str, str]]]:
    [finding] = [finding for finding in on_live_model(model)["findings"] if finding["code"] == "GD201"]
    return finding["message"], set(map(tuple, finding["edges"]))


def test_each_lost_edge_has_its_own_reason():
    message, edges = lost("conceptual_losses_keras3")
    assert "will show 2 of 7 layer edges" in message
    assert "x -> inner/p and y -> inner/q are lost because the nested model inner has several inputs" in message
    assert "total -> by_name is lost because the tensor is given by name" in message
    assert "total -> joined and by_name -> joined are lost because the tensor is in a dictionary" in message
    assert edges == {
        ("x", "inner/p"),
        ("y", "inner/q"),
        ("total", "by_name"),
        ("total", "joined"),
        ("by_name", "joined"),
    }


def test_a_model_of_keras_2_loses_all_for_one_reason():
    [finding] = in_log("GD201", "tfk_reference_callback")
    assert "shows 0 of 27 layer edges" in finding.message
    assert finding.message.count("because") == 1
    assert "Keras 2 writes what a layer takes as lists" in finding.message
    assert "several inputs" not in finding.message


def test_the_reasons_that_do_not_fit_are_not_said():
    message, _ = lost("relu_called_twice_tf_keras")
    assert message.count("because") == 1
    assert "by name" not in message
    assert "dictionary" not in message
