"""The logs of all stacks: names of every kind, nested models, graphs without layers."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

import graphdiag
from graphdiag.modeldiff.snapshot_file import from_dict
from graphdiag.render.data.diff_json import to_json
from tests.modeldiff.models import applied, compared
from tests.support.graph_text import LOGS
from tests.support.schemas import wrong


@pytest.fixture(scope="module")
def snapshots():
    found = {}
    for log in sorted(LOGS.iterdir()):
        found[log.name, "scopes"] = graphdiag.snapshot(log)
        if (log / "model.json").exists():
            found[log.name, "layers"] = graphdiag.snapshot(log, model=log / "model.json")
    return found


def test_reading_gives_what_was_written(snapshots):
    assert len(snapshots) > 100
    for name, taken in snapshots.items():
        assert from_dict(json.loads(taken.to_text())) == taken, name
        assert wrong(json.loads(taken.to_text()), "snapshot") is None, name


def test_a_log_and_itself(snapshots):
    for name, taken in snapshots.items():
        found = graphdiag.diff(taken, taken)
        assert found.equal, (name, [change.line() for change in found.changes])


@pytest.mark.parametrize("name", ["k3_multi_output_training", "keras216_reference"])
def test_a_repaired_log_says_nothing_of_settings(name, tmp_path):
    """Its Keras model is what TensorBoard draws: names, classes and tensors."""
    model = LOGS / name / "model.json"
    graphdiag.repair(LOGS / name, tmp_path / "repaired", model=model)
    found = graphdiag.diff(graphdiag.snapshot(model), graphdiag.snapshot(tmp_path / "repaired"))
    assert found.equal, [change.line() for change in found.changes]
    assert "NEW does not record any settings, so settings were not compared." in found.not_compared


def test_the_changes_lead_from_any_log_to_any_other(snapshots):
    for what in ("layers", "scopes"):
        chosen = [(name, taken) for (name, kind), taken in snapshots.items() if kind == what]
        for (left, old), (right, new) in pairwise(chosen):
            if old.by_scope == new.by_scope and (old.ops is None) == (new.ops is None):
                changes = json.loads(to_json(graphdiag.diff(old, new)))
                assert wrong(changes, "diff") is None, (left, right)
                made, wanted = applied(changes, old), compared(new.to_dict())
                for layer in (*made["layers"].values(), *wanted["layers"].values()):
                    # Files do not record them for every layer, and what one side lacks is not compared.
                    layer.pop("shape", None)
                    layer.pop("parameters", None)
                assert made == wanted, (left, right)


def test_ops_are_all_counted(snapshots):
    taken = snapshots["keras216_reference", "layers"]
    assert taken.total_ops == 1285
    assert taken.layers["batchnorm_0_0"].ops["PlaceholderWithDefault"] == 1
    assert len(taken.to_text()) < 12_000
    assert {"gradients", "training"} <= snapshots["k3_reference_train", "layers"].ops.keys()


def test_an_artifact_that_went(snapshots):
    old, new = (snapshots[name, "layers"] for name in ("keras216_reference", "keras216_learning_phase_first"))
    found = [change.line() for change in graphdiag.diff(old, new).changes if change.kind == "finding-gone"]
    assert any(line.startswith("GD101 (artifact) went: batchnorm_0_0 -> ") for line in found)


def test_the_reference_model_is_the_same_from_five_stacks():
    names = ("keras216_reference", "tfkeras110_reference", "tf22_reference", "tfk_reference_training")
    newest = graphdiag.snapshot(LOGS / "k3_reference_training" / "model.json")
    assert newest.parameters == 1_004_085
    for name in names:
        found = graphdiag.diff(graphdiag.snapshot(LOGS / name / "model.json"), newest)
        assert found.equal, (name, [change.line() for change in found.changes])
        assert list(found.not_compared) == ["Neither OLD nor NEW has an op graph, so ops were not compared."], name
