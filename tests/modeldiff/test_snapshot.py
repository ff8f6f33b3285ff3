from __future__ import annotations

import json

import pytest

from graphdiag.errors import SourceError
from graphdiag.modeldiff.differ import diff
from graphdiag.modeldiff.snapshot import FindingRecord
from graphdiag.modeldiff.snapshot_file import from_dict, is_snapshot, read
from tests.modeldiff.models import snapshot

HOSTILE = 'a"<b>\n|::\ud800é' + "x" * 300


def example():
    found = FindingRecord("GD301", "hidden", (("in", "dense"),), ("dense/MatMul",))
    return snapshot(
        "in InputLayer",
        "dense Dense(64) < in",
        "enc/dense Dense < dense",
        nested=["enc"],
        ops={"": {"Const": 2}, "training": {"AssignVariableOp": 4}},
        findings=(found,),
        version="0.1.0",
    )


def damaged(**changes):
    return {**example().to_dict(), **changes}


def finding(**changes):
    return {"code": "GD101", "verdict": "artifact", "edges": [], "culprits": [], **changes}


def test_reading_gives_what_was_written(tmp_path):
    (tmp_path / "golden.json").write_text(example().to_text())
    assert read(tmp_path / "golden.json") == example()
    assert is_snapshot(tmp_path / "golden.json")


def test_a_layer_is_a_line():
    lines = example().to_text().splitlines()
    [line] = [line for line in lines if '"enc/dense"' in line and '"class"' in line]
    assert json.loads(line.rstrip(",")) == {
        "id": "enc/dense",
        "class": "Dense",
        "shape": "(None, 8)",
        "parameters": 8,
        "path": ["enc"],
        "from": ["dense"],
        "settings": {},
    }


def test_any_name_survives(tmp_path):
    old = snapshot("in InputLayer", "dense Dense < in", model_name=HOSTILE)
    (tmp_path / "golden.json").write_text(old.to_text(), encoding="ascii")
    assert read(tmp_path / "golden.json").model_name == HOSTILE


def test_ops_are_counted():
    assert example().total_ops == 6
    assert example().to_dict()["ops"]["total"] == 6


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["complete JSON"]),
        (example().to_text()[:-40], ["line", "complete JSON"]),
        ("[" * 100_000, ["complete JSON"]),
        ("[]", ["not a snapshot", "graphdiag snapshot"]),
        ('{"class_name": "Functional"}', ["not a snapshot"]),
        ('{"schema": "graphdiag.report/2"}', ["not a snapshot"]),
        (json.dumps(damaged(schema="graphdiag.snapshot/3")), ["graphdiag.snapshot/3", "upgrade"]),
        (json.dumps(damaged(schema="graphdiag.snapshot/x")), ["damaged", "graphdiag.snapshot/x"]),
        (json.dumps(damaged(layers=None)), ["damaged", "layers"]),
        (json.dumps(damaged(layers=[[]])), ["damaged", "layers[0]"]),
        (json.dumps(damaged(layers=[{"id": 1}])), ["damaged", "'id'"]),
        (json.dumps(damaged(layers=[{"id": "a", "parameters": -1}])), ["damaged", "'parameters'"]),
        (json.dumps(damaged(layers=[{"id": "a", "ops": {"Add": True}}])), ["damaged", "'Add'"]),
        (json.dumps(damaged(outputs=["nobody"])), ["damaged", "nobody"]),
        (json.dumps(damaged(layers=2 * example().to_dict()["layers"])), ["damaged", "same id"]),
        (json.dumps(damaged(ops={"total": 7, "of_no_layer": {}})), ["damaged", "7"]),
        (json.dumps(damaged(ops=5)), ["damaged", "ops"]),
        (json.dumps(damaged(findings=[finding(edges=[["x"]])])), ["findings[0]", "'edges'"]),
        (json.dumps(damaged(findings=[finding(code="MatMul_1")])), ["findings[0]", "'code'"]),
        (json.dumps(damaged(findings=[finding(code="GD101\n")])), ["findings[0]", "'code'"]),
        (json.dumps(damaged(findings=[finding(verdict="real")])), ["findings[0]", "'verdict'"]),
        (json.dumps(damaged(by_scope="no")), ["by_scope"]),
    ],
)
def test_what_is_no_whole_snapshot_ends_in_one_line(tmp_path, text, words):
    file = tmp_path / "golden.json"
    file.write_text(text)
    with pytest.raises(SourceError) as caught:
        read(file)
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "binary").write_bytes(b'{"schema": "graphdiag.snapshot/2", \xff\xfe')
    with pytest.raises(SourceError, match="not text"):
        read(tmp_path / "binary")
    with pytest.raises(SourceError, match="cannot be read"):
        read(tmp_path / "absent")
    assert not is_snapshot(tmp_path / "absent")
    assert is_snapshot(tmp_path / "binary")


def test_a_damaged_value_is_found_wherever_it_is():
    whole = example().to_dict()
    for key in whole:
        with pytest.raises(SourceError, match="snapshot"):
            from_dict({**whole, key: object()})


def nested(depth):
    value = 1
    for _ in range(depth):
        value = {"class": "TimeDistributed", "layer": value}
    return value


@pytest.mark.parametrize(
    "layer",
    [
        {"id": "a", "settings": []},
        {"id": "a", "settings": {"layer": nested(300)}},
        {"id": "a", "takes": "a"},
        {"id": "a", "takes": [3]},
        {"id": "a", "takes": [{"layer": "a", "output": -1}]},
        {"id": "a", "takes": ["b"]},
    ],
)
def test_damaged_settings_and_tensors_are_refused(layer):
    with pytest.raises(SourceError, match="damaged"):
        from_dict(damaged(layers=[layer], inputs=[], outputs=[], gives=[]))


def test_settings_of_any_kind_can_be_told():
    values = [3, None, "x", [], [[1]], {}, {"class": 3}, {"class": []}, {"class": "A", "b": {}}, float("inf"), True]
    sides = [
        from_dict(damaged(layers=[{"id": "a", "class": "RNN", "settings": {"cell": value, "code": value, "n": value}}],
                          inputs=[], outputs=[]))
        for value in values
    ]  # fmt: skip
    for old in sides:
        for new in sides:
            assert isinstance(diff(old, new).render("text"), str)
