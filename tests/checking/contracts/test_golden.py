"""``golden``: kept, broken, and misconfigured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from graphdiag.comparison import compare
from graphdiag.errors import ConfigError
from graphdiag.modeldiff.take_snapshot import take
from graphdiag.results.check_report import ContractStatus
from tests.checking.contracts.reports import judged, messages, report_of
from tests.support.graph_text import LOGS
from tests.support.layers import layer_graph
from tests.support.reports import report_on

EDGES = [("x", "hidden"), ("hidden", "add"), ("x", "add"), ("add", "out")]


@pytest.fixture
def stored(tmp_path):
    """Writes a snapshot of a report and gives the file."""

    def store(report):
        file = tmp_path / "golden.json"
        file.write_text(take(report).to_text())
        return str(file)

    return store


def model(*edges):
    return report_of(layers=layer_graph(edges or EDGES, inputs=["x"]))


def test_a_model_is_equal_to_its_snapshot(stored):
    assert judged(model(), "golden", snapshot=stored(model())).status is ContractStatus.KEPT
    log = report_on("keras216_hidden_tensor")
    assert judged(log, "golden", snapshot=stored(log)).status is ContractStatus.KEPT


def test_a_lost_skip_connection_breaks_it(stored):
    outcome = judged(model(EDGES[0], EDGES[1], EDGES[3]), "golden", snapshot=stored(model()))
    assert outcome.status is ContractStatus.BROKEN
    assert messages(outcome) == ["edge x -> add removed"]


def test_a_new_name_breaks_it_unless_renaming_is_allowed(stored):
    renamed = model(*[tuple(end.replace("hidden", "middle") for end in edge) for edge in EDGES])
    file = stored(model())
    assert messages(judged(renamed, "golden", snapshot=file)) == ["hidden renamed middle (Dense)"]
    assert judged(renamed, "golden", snapshot=file, renames=True).status is ContractStatus.KEPT


def test_a_finding_that_came_breaks_it(stored):
    log = report_on("keras216_hidden_tensor")
    before = replace(log, findings=[finding for finding in log.findings if finding.code != "GD301"])
    [message] = messages(judged(log, "golden", snapshot=stored(before)))
    assert message.startswith("GD301")
    assert message.endswith("came: gate -> gated")


def test_what_the_source_no_longer_records_is_not_passed_over(stored):
    log = LOGS / "keras216_hidden_tensor"
    file = stored(report_on(log.name))
    outcome = judged(compare(log / "model.json"), "golden", snapshot=file)
    assert outcome.status is ContractStatus.BROKEN
    assert messages(outcome)[0] == f"{file} records the op graph, and the source does not"


def test_a_snapshot_that_cannot_be_read(tmp_path):
    outcome = judged(model(), "golden", snapshot=str(tmp_path / "absent.json"))
    assert outcome.status is ContractStatus.UNCHECKED
    assert outcome.reason == f"c.toml: {tmp_path / 'absent.json'} cannot be read: No such file or directory."


def test_scopes_are_not_held_against_layers(stored):
    file = stored(report_of("a/Relu Relu\nb/Relu Relu a/Relu"))
    reason = judged(model(), "golden", snapshot=file).reason
    assert reason == f"c.toml: snapshot: only one of {file} and the source has a layer graph."


def with_settings(report, **settings):
    """The report with settings of layers."""
    graph = report.layer_graph
    layers = {id_: replace(layer, settings=settings.get(id_, {})) for id_, layer in graph.layers.items()}
    return replace(report, layer_graph=replace(graph, layers=layers))


def test_an_edited_setting_breaks_it_unless_it_is_ignored(stored):
    old, new = with_settings(model(), hidden={"units": 3}), with_settings(model(), hidden={"units": 4})
    file = stored(old)
    assert judged(old, "golden", snapshot=file).status is ContractStatus.KEPT
    assert messages(judged(new, "golden", snapshot=file)) == ["hidden: units 3 -> 4"]
    assert judged(new, "golden", snapshot=file, ignore=["units"]).status is ContractStatus.KEPT
    assert messages(judged(new, "golden", snapshot=file, ignore=["rate"])) == ["hidden: units 3 -> 4"]


def test_settings_of_wrapped_layers_are_ignored_too(stored):
    old, new = (
        with_settings(model(), hidden={"layer": {"class": "Dense", "units": 3, "rate": rate}}) for rate in (0.1, 0.2)
    )
    assert messages(judged(new, "golden", snapshot=stored(old))) == ["hidden: layer.rate 0.1 -> 0.2"]
    assert judged(new, "golden", snapshot=stored(old), ignore=["rate"]).status is ContractStatus.KEPT


def test_findings_may_be_ignored(stored):
    log = report_on("keras216_hidden_tensor")
    before = replace(log, findings=[finding for finding in log.findings if finding.code != "GD301"])
    assert judged(log, "golden", snapshot=stored(before), ignore=["findings"]).status is ContractStatus.KEPT


def test_what_no_layer_has_cannot_be_ignored(stored):
    outcome = judged(model(), "golden", snapshot=stored(model()), ignore=["rte"])
    assert outcome.status is ContractStatus.UNCHECKED
    assert outcome.reason == "c.toml: ignore: no layer has a setting 'rte'; the nearest is 'rate'."


def test_strict_is_an_error_where_not_everything_was_compared(stored):
    file = stored(model())
    assert judged(model(), "golden", snapshot=file).status is ContractStatus.KEPT
    outcome = judged(model(), "golden", snapshot=file, strict=True)
    assert outcome.status is ContractStatus.UNCHECKED
    assert outcome.reason.startswith(
        "c.toml: strict: the snapshot (OLD) and the source (NEW) cannot be compared wholly"
    )
    assert "Neither OLD nor NEW records which tensors layers take" in outcome.reason


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "c.toml: the key 'snapshot' is missing; a contract of type 'golden' needs it."),
        ({"snapshot": "a", "rename": True}, "c.toml: there is no key 'rename'; the nearest is 'renames'."),
        ({"snapshot": "a", "renames": "yes"}, "c.toml: renames: must be true or false, and is 'yes'."),
    ],
)
def test_options_of_the_wrong_form(options, message):
    with pytest.raises(ConfigError) as caught:
        judged(model(), "golden", **options)
    assert str(caught.value) == message
