"""The check: models against contracts, with a baseline, in processes."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from pathlib import Path

import pytest

from graphdiag.checking.baseline import NO_REASON, to_json
from graphdiag.checking.check import check, check_and_accept
from graphdiag.checking.config import Config, read_config
from graphdiag.errors import ConfigError
from graphdiag.results.check_report import Accepted, ContractStatus
from tests.support.graph_text import FIXTURES, LOGS

TOWERS = """
[[contracts]]
name = "the towers meet at concatenate_1 only"
type = "independence"
models = ["point cloud"]
sets = [["conv1d_0_*", "batchnorm_0_*", "global_max_0"], ["conv1d_1_*", "batchnorm_1_*", "global_max_1"]]
"""
FINDINGS = '[[contracts]]\nname = "nothing found"\ntype = "no-findings"\n'
GATE = (
    '[[contracts]]\nname = "the gate is apart"\ntype = "independence"\nmodels = ["gated"]\nsets = ["gate", "gated"]\n'
)


def model(name, log, more=""):
    source = os.path.relpath(LOGS / log)
    return f'[[models]]\nname = "{name}"\nsource = "{source}"\nmodel = "{source}/model.json"\n{more}\n'


@pytest.fixture
def configured(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def put(*texts):
        file = Path("graphdiag.toml")
        file.write_text("\n".join(texts))
        return read_config(file)

    return put


def statuses(report):
    return {contract.name: contract.status.value for contract in report.contracts}


def codes(report):
    return [violation.finding.code for outcome in report.outcomes for violation in outcome.violations]


def test_each_contract_on_its_models(configured):
    cloud, gated = model("point cloud", "keras216_reference"), model("gated", "keras216_hidden_tensor")
    report = check(configured(cloud, gated, TOWERS, GATE, FINDINGS))
    assert statuses(report) == {
        "the towers meet at concatenate_1 only": "kept",
        "the gate is apart": "broken",
        "nothing found": "broken",
    }
    assert [(outcome.model, outcome.status.value) for outcome in report.outcomes] == [
        ("point cloud", "kept"),
        ("gated", "broken"),
        ("point cloud", "kept"),
        ("gated", "broken"),
    ]
    assert report.exit_status == 1


def test_all_kept(configured):
    report = check(configured(model("point cloud", "keras216_reference"), TOWERS))
    assert report.exit_status == 0
    assert report.count(ContractStatus.KEPT) == 1


def test_without_contracts_nothing_of_severity_error_may_be_found(configured):
    reference, gated = model("point cloud", "keras216_reference"), model("gated", "keras216_hidden_tensor")
    assert check(configured(reference)).exit_status == 0
    report = check(configured(reference, gated))
    assert (report.exit_status, codes(report)) == (1, ["GD301"])


def test_configured_contracts_replace_the_one_about_findings(configured):
    report = check(
        configured(model("gated", "keras216_hidden_tensor"), '[[contracts]]\nname = "i"\ntype = "acyclic"\n')
    )
    assert report.exit_status == 0


@pytest.mark.parametrize(
    ("severity", "found"),
    [
        ("", ["GD301"]),
        ('GD301 = "warning"', []),
        ('GD1 = "error"', ["GD301", "GD101", "GD111"]),
        ('GD1 = "error"\nGD111 = "note"\nGD3 = "off"', ["GD101"]),
        ('ALL = "error"\nGD101 = "off"', ["GD301", "GD111"]),
    ],
)
def test_severities_of_a_team(configured, severity, found):
    config = configured(f"[severity]\n{severity}\n", model("gated", "keras216_hidden_tensor"))
    report = check(config)
    assert codes(report) == found
    shown = {finding["code"] for finding in report.models[0].data["findings"]}
    assert all(code not in shown for code, level in config.severity.items() if level == "off")


@pytest.mark.parametrize(
    ("top", "own", "found"),
    [
        ('select = ["GD3"]', "", ["GD301"]),
        ('ignore = ["GD301"]', "", ["GD101", "GD111"]),
        ('ignore = ["GD301"]', 'ignore = ["GD1"]', ["GD301"]),
    ],
)
def test_rules_that_report(configured, top, own, found):
    contract = FINDINGS + 'severity = "note"\n'
    report = check(configured(top, model("gated", "keras216_hidden_tensor", own), contract))
    assert codes(report) == found


def test_what_is_not_there_keeps_nothing_else_from_being_checked(configured):
    absent = '[[models]]\nname = "absent"\nsource = "absent.py"\n'
    report = check(configured(absent, model("gated", "keras216_hidden_tensor"), FINDINGS))
    assert report.models[0].error == "absent.py does not exist."
    assert report.models[0].report is None
    assert [outcome.status for outcome in report.outcomes] == [ContractStatus.UNCHECKED, ContractStatus.BROKEN]
    assert report.outcomes[0].reason == "the model could not be read"
    assert (report.complete, report.exit_status) == (False, 2)


def test_a_contract_that_names_no_layer_keeps_no_other_from_being_checked(configured):
    misspelt = GATE.replace("the gate is apart", "misspelt").replace('"gate",', '"gat",')
    report = check(configured(model("gated", "keras216_hidden_tensor"), misspelt, GATE))
    assert statuses(report) == {"misspelt": "unchecked", "the gate is apart": "broken"}
    assert report.outcomes[0].reason == (
        "graphdiag.toml, contract 'misspelt': sets[0]: 'gat' matches nothing; the nearest is 'gate'."
    )
    assert report.exit_status == 2


@pytest.mark.parametrize(("text", "models"), [("", "models"), ("[tool.graphdiag]", "tool.graphdiag.models")])
def test_nothing_to_check(configured, text, models):
    with pytest.raises(ConfigError) as caught:
        check(configured(text))
    assert str(caught.value) == f"graphdiag.toml: names no model; add [[{models}]], or give a SOURCE."


def test_the_report_as_data(configured):
    report = check(configured(model("gated", "keras216_hidden_tensor"), GATE))
    data = json.loads(json.dumps(report.to_dict()))
    assert data["schema"] == "graphdiag.check/2"
    assert data["summary"] == {"kept": 0, "broken": 1, "unchecked": 0}
    [contract] = data["contracts"]
    [outcome] = contract.pop("models")
    assert contract == {"name": "the gate is apart", "type": "independence", "status": "broken"}
    [violation] = outcome["violations"]
    assert violation == {
        "message": "gate reaches gated",
        "chain": [
            {
                "from": "gate",
                "to": "gated",
                "known": False,
                "ops": [{"name": "gate/Sigmoid", "type": "Sigmoid"}, {"name": "gated/mul", "type": "Mul"}],
            }
        ],
    }
    [checked] = data["models"]
    assert checked["name"] == "gated"
    assert checked["report"]["schema"] == "graphdiag.report/2"
    assert report.models[0].report.findings[0].code == "GD301"
    assert pickle.loads(pickle.dumps(report)) == report


# --- the baseline ----------------------------------------------------------------------------------------------------

BASELINE = 'baseline = "accepted.json"\n'


def accept(config):
    report, entries = check_and_accept(config)
    config.baseline.write_text(to_json(entries))
    return report, entries


def test_accepted_findings_break_nothing_and_new_ones_do(configured):
    config = configured(BASELINE, model("gated", "keras216_hidden_tensor"))
    assert check(config).exit_status == 1
    report, entries = accept(config)
    assert entries == (Accepted("gated", "GD301", (("gate", "gated"),), (), NO_REASON),)
    assert (report.exit_status, report.accepted, report.removed) == (0, entries, ())
    assert check(config).exit_status == 0
    shown = check(configured(BASELINE, model("gated", "keras216_hidden_tensor"), FINDINGS, 'severity = "warning"'))
    assert (shown.exit_status, codes(shown)) == (1, ["GD101"])


def test_an_edge_that_is_new_to_an_accepted_finding_is_new(configured):
    config = configured(BASELINE, model("m", "keras216_reference"), FINDINGS, 'severity = "warning"')
    _, [entry] = accept(config)
    assert len(entry.edges) == 8
    document = json.loads(config.baseline.read_text())
    del document["accepted"][0]["edges"][3]
    config.baseline.write_text(json.dumps(document))
    report = check(config)
    assert (report.exit_status, codes(report)) == (1, ["GD101"])
    [outcome] = report.outcomes
    [violation] = outcome.violations
    assert violation.new == (entry.edges[3],)
    source, target = entry.edges[3]
    text = report.render("text")
    assert f"new, the rest is in the baseline:\n    {source} -> {target}\n" in text
    assert f"{source} -> {entry.edges[0][1]}" not in text
    [told] = report.to_dict()["contracts"][0]["models"][0]["violations"]
    assert told["new"] == [[source, target]]
    assert f"new, the rest is in the baseline: {source} -> {target}" in report.render("github")


def test_the_reason_of_an_accepted_finding_is_not_that_of_what_is_new_to_it(configured):
    config = configured(BASELINE, model("m", "keras216_reference"), FINDINGS, 'severity = "warning"')
    _, [entry] = accept(config)
    document = json.loads(config.baseline.read_text())
    document["accepted"][0]["reason"] = "the old Keras does so"
    *_, new = document["accepted"][0]["edges"]
    document["accepted"][0]["edges"].remove(new)
    config.baseline.write_text(json.dumps(document))
    report, entries = accept(config)
    assert report.exit_status == 0
    assert {one.reason: one.edges for one in entries} == {
        "the old Keras does so": entry.edges[:-1],
        NO_REASON: (tuple(new),),
    }
    assert check(config).exit_status == 0
    assert check_and_accept(config)[1] == entries


def test_a_model_with_another_name_keeps_its_reasons(configured):
    names = {"gated": "keras216_hidden_tensor", "bool": "keras216_hidden_bool"}
    config = configured(BASELINE, *(model(*pair) for pair in names.items()))
    accept(config)
    config.baseline.write_text(config.baseline.read_text().replace(NO_REASON, "as published"))
    renamed = configured(BASELINE, *(model(f"new {name}", log) for name, log in names.items()))
    assert check(renamed).exit_status == 1
    report, entries = accept(renamed)
    assert (report.exit_status, report.removed) == (0, ())
    assert {(entry.model, entry.reason) for entry in entries} == {
        ("new gated", "as published"),
        ("new bool", "as published"),
    }
    # A second model of the same findings is not the first one under another name.
    both = configured(
        BASELINE, model("new gated", names["gated"]), model("copy", names["gated"]), model("new bool", names["bool"])
    )
    assert {(entry.model, entry.reason) for entry in accept(both)[1]} == {
        ("new gated", "as published"),
        ("new bool", "as published"),
        ("copy", NO_REASON),
    }


def test_a_reason_outlives_updates_and_what_is_gone_is_reported(configured):
    config = configured(BASELINE, model("gated", "keras216_hidden_tensor"))
    accept(config)
    document = json.loads(config.baseline.read_text())
    document["accepted"][0]["reason"] = "the paper does so"
    document["accepted"][0]["edges"].append(["gone", "gated"])
    document["accepted"].append({"model": "gated", "code": "GD303", "culprits": ["old"], "reason": ""})
    config.baseline.write_text(json.dumps(document))
    report = check(config)
    assert report.exit_status == 0
    assert report.removed == (
        Accepted("gated", "GD301", (("gone", "gated"),), (), "the paper does so"),
        Accepted("gated", "GD303", (), ("old",), ""),
    )
    assert [entry.code for entry in report.accepted] == ["GD301"]
    _, entries = accept(config)
    assert entries == (Accepted("gated", "GD301", (("gate", "gated"),), (), "the paper does so"),)
    assert check(config).removed == ()


def test_entries_of_models_that_were_not_looked_at_stay(configured):
    both = configured(BASELINE, model("gated", "keras216_hidden_tensor"), model("bool", "keras216_hidden_bool"))
    _, entries = accept(both)
    assert {entry.model for entry in entries} == {"gated", "bool"}
    one = both.only("gated")
    assert check(one).removed == ()
    assert set(check_and_accept(one)[1]) == set(entries)
    lost = configured(
        BASELINE, model("gated", "keras216_hidden_tensor"), '[[models]]\nname = "bool"\nsource = "absent.pb"\n'
    )
    assert check(lost).removed == ()
    assert set(check_and_accept(lost)[1]) == set(entries)
    # A model that is no longer configured needs nothing.
    without = configured(BASELINE, model("gated", "keras216_hidden_tensor"))
    assert [entry.model for entry in check(without).removed] == ["bool"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "accepted.json: is not JSON: Expecting property name"),
        ("[]", "accepted.json: must be a table, and is a list."),
        ("{}", "accepted.json: is not a baseline: its 'schema' must be 'graphdiag.baseline/1'"),
        (
            '{"schema": "graphdiag.baseline/1", "accepted": [{"model": "m"}]}',
            "accepted.json: accepted[0]: the key 'code'",
        ),
        (
            '{"schema": "graphdiag.baseline/1", "accepted": [{"modle": "m"}]}',
            "accepted.json: accepted[0]: there is no key 'modle'; the nearest is 'model'.",
        ),
        (
            '{"schema": "graphdiag.baseline/1", "accepted": [{"model": "m", "code": "GD30l"}]}',
            "accepted.json: accepted[0].code: no rule has the code 'GD30l'; the nearest is 'GD30",
        ),
    ],
)
def test_a_baseline_that_is_none(configured, content, message):
    config = configured(BASELINE, model("gated", "keras216_hidden_tensor"))
    config.baseline.write_text(content)
    with pytest.raises(ConfigError) as caught:
        check(config)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("table", "name", "where"),
    [
        ("", "graphdiag.toml", "at the top, before the first table"),
        ("[tool.graphdiag]\n", "graphdiag.toml", "to [tool.graphdiag]"),
        ("[tool.graphdiag]\n", "pyproject.toml", "to [tool.graphdiag]"),
    ],
)
def test_a_baseline_must_be_configured_to_be_written(configured, table, name, where):
    file = Path(name)
    gated = model("gated", "keras216_hidden_tensor")
    file.write_text(table + (gated.replace("[[models]]", "[[tool.graphdiag.models]]") if table else gated))
    with pytest.raises(ConfigError) as caught:
        check_and_accept(read_config(file))
    added = 'baseline = "graphdiag-baseline.json"'
    assert str(caught.value) == f"{name}: names no baseline; add {added} {where}."
    # What it says to do is enough.
    text = file.read_text()
    file.write_text(table + added + "\n" + text.removeprefix(table))
    assert check_and_accept(read_config(file))[1]


def test_a_baseline_that_does_not_exist_yet_needs_its_directory(configured):
    config = configured('baseline = "no/dir.json"\n', model("gated", "keras216_hidden_tensor"))
    for run in (check, check_and_accept):
        with pytest.raises(ConfigError) as caught:
            run(config)
        assert str(caught.value) == (
            "no/dir.json: cannot be read: there is no directory no; make it, or correct 'baseline'."
        )
    Path("no").mkdir()
    assert check(config).baseline_absent
    assert not check_and_accept(config)[0].baseline_absent


# --- processes -------------------------------------------------------------------------------------------------------


def test_logs_give_the_same_report_in_processes(configured):
    names = ["keras216_reference", "keras216_hidden_tensor", "keras216_siamese"]
    config = configured(*(model(name, name) for name in names))
    told = []
    alone, together = check(config, progress=told.append), check(config, jobs=2, progress=told.append)
    assert alone == together
    assert told[:3] == names
    assert sorted(told[3:]) == sorted(names)


AUTOMATIC = """
import keras
x = keras.Input((4,), name="x")
model = keras.Model(x, keras.layers.Dense({units})(keras.layers.Dense(3)(x)))
"""
LIVE = """
[[contracts]]
name = "names"
type = "required"
models = ["one.py", "two.py"]
path = ["x", "dense_1"]

[[contracts]]
name = "the gate takes its input only"
type = "forbidden"
models = ["closure_tf_keras.py"]
from = "attention"
to = "gated"
through = "hidden"
"""


def test_python_files_do_not_disturb_one_another(configured, tmp_path):
    for name, units in (("one", 1), ("two", 2)):
        (tmp_path / f"{name}.py").write_text(AUTOMATIC.format(units=units))
    (tmp_path / "dies.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    shutil.copy(FIXTURES / "models" / "closure_tf_keras.py", tmp_path)
    shutil.copytree(LOGS / "keras216_hidden_tensor", tmp_path / "log")
    names = ["one.py", "dies.py", "closure_tf_keras.py", "two.py", "log"]
    tables = [f'[[models]]\nname = "{name}"\nsource = "{name}"\n' for name in names]
    report = check(configured(*tables, LIVE), jobs=2)
    assert [model.name for model in report.models] == names
    assert {model.name: model.error for model in report.models if model.error} == {
        "dies.py": "dies.py: its process ended with status -9; 'graphdiag compare' on it says more."
    }
    one, two, closure = report.outcomes
    assert (one.model, one.status) == ("one.py", ContractStatus.KEPT)
    assert (two.model, two.status) == ("two.py", ContractStatus.KEPT)
    [violation] = closure.violations
    [link] = violation.chain
    assert (link.source, link.target, link.known) == ("attention", "gated", False)
    assert [type_ for _, type_ in link.ops] == ["Softmax", "Mul"]
    assert report.exit_status == 2


def test_one_source_without_a_configuration(tmp_path):
    log = LOGS / "keras216_hidden_tensor"
    report = check(Config().only(log, {"model": str(log / "model.json")}))
    assert (report.config, report.exit_status) == ("", 1)
    reference = LOGS / "keras216_reference"
    assert check(Config().only(reference, {"model": str(reference / "model.json")})).exit_status == 0


def test_nothing_to_hold_against_is_not_a_pass(configured):
    """Without a layer graph a hidden dependency cannot be told from a real one, and a model file has no op graph."""
    log = os.path.relpath(LOGS / "keras216_reference")
    sources = {"bare log": log, "bare model": f"{log}/model.json"}
    models = [f'[[models]]\nname = "{name}"\nsource = "{source}"\n' for name, source in sources.items()]
    report = check(configured(*models, FINDINGS))
    assert (report.exit_status, statuses(report)) == (2, {"nothing found": "unchecked"})
    where = "graphdiag.toml, contract 'nothing found'"
    assert [outcome.reason for outcome in report.outcomes] == [
        f"{where}: not checked: {log} has no layer graph to hold the op graph against.",
        f"{where}: not checked: {log}/model.json has no op graph.",
    ]
    allowed = check(configured(*models, FINDINGS, "allow_missing_graph = true"))
    assert (allowed.exit_status, statuses(allowed)) == (0, {"nothing found": "kept"})
    assert "kept  nothing found (no-findings); a graph that it needs is missing, which is allowed" in (
        allowed.render("text")
    )


def test_a_finding_counts_though_a_graph_is_missing(configured):
    log = os.path.relpath(LOGS / "keras216_reference")
    bare = f'[[models]]\nname = "bare log"\nsource = "{log}"\n'
    report = check(configured(bare, FINDINGS, 'severity = "warning"'))
    assert (report.exit_status, codes(report)) == (1, ["GD101"])


def test_what_is_ignored_is_told_with_the_key_that_ignores_it(configured):
    config = configured(
        'ignore = ["GD11"]',
        '[severity]\nGD3 = "off"\n',
        model("gated", "keras216_hidden_tensor"),
        model("chosen", "keras216_hidden_tensor", 'ignore = ["GD4"]\nselect = ["GD1"]'),
        FINDINGS,
    )
    report = check(config)
    assert report.models[0].ignored == (("GD111", 1, 'ignore = ["GD11"]'), ("GD301", 1, 'severity GD3 = "off"'))
    assert report.models[1].ignored == (("GD301", 1, 'select = ["GD1"]'),)
    assert '  gated: GD111, 1 finding, by ignore = ["GD11"]\n' in report.render("text")
    assert 'ignored: gated: GD111, 1 finding, by ignore = ["GD11"]' in report.render("junit")
