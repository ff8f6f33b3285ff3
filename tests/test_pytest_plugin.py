"""The pytest plugin, in pytest runs of their own."""

from __future__ import annotations

import importlib.metadata
import os
import re

import pytest

from tests.conftest import ROOT
from tests.support.graph_text import LOGS

pytest_plugins = ["pytester"]

GATED = LOGS / "keras216_hidden_bool"
CONFIG = f"""
[severity]
GD301 = "off"

[[models]]
name = "gated net"
source = "{os.path.relpath(GATED, ROOT)}"
model = "{os.path.relpath(GATED, ROOT)}/model.json"
"""


@pytest.fixture
def run(pytester, monkeypatch):
    """Runs pytest on a test file; the plugin comes in through its entry point, as at a user's."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    def run(test, *arguments):
        pytester.makepyfile(test)
        return pytester.runpytest_subprocess(*arguments)

    return run


def opened(name="graphdiag"):
    return f"{name}({str(GATED)!r}, model={str(GATED / 'model.json')!r})"


def test_the_package_names_the_plugin():
    [entry] = [entry for entry in importlib.metadata.entry_points(group="pytest11") if entry.name == "graphdiag"]
    assert entry.value == "graphdiag.pytest_plugin"


def test_an_assertion_that_holds(run):
    test = f"""
        def test_probe(graphdiag):
            {opened()}.independent("body", "probe", graph="layer").is_acyclic()
    """
    run(test).assert_outcomes(passed=1)


def test_a_failure_is_explained_as_in_the_terminal_without_graphdiags_own_frames(run):
    test = f"""
        from graphdiag.testing import assert_graph

        def test_probe():
            {opened("assert_graph")}.is_acyclic().forbids("probe_bn", "switched")
    """
    result = run(test)
    result.assert_outcomes(failed=1)
    explained = [line[1:].removeprefix("       ") for line in result.outlines if line.startswith("E ")]
    assert explained == [
        f"graphdiag.testing.GraphAssertionError: forbids('probe_bn', 'switched') does not hold on {GATED}",
        "probe_bn reaches switched",
        "  probe_bn",
        "  -> switched",
        "     Keras has no such edge: probe_bn/cond/Merge (Merge) -> Sum (Sum) -> Greater (Greater) ->",
        "     switched/cond/Switch (Switch)",
    ]
    places = [line for line in result.outlines if re.match(r"\S+\.py:\d+: ", line)]
    assert places == [
        "test_a_failure_is_explained_as_in_the_terminal_without_graphdiags_own_frames.py:4: GraphAssertionError"
    ]


def test_a_configured_model_by_its_name_from_any_working_directory(run, pytester, monkeypatch):
    (pytester.path / "graphdiag.toml").write_text(CONFIG.replace("fixtures", str(ROOT / "fixtures")))
    test = """
        def test_first(graphdiag, monkeypatch, tmp_path):
            monkeypatch.chdir(tmp_path)
            graph = graphdiag("gated net").has_no_hidden_edges()  # its rule is off
            test_first.report = graph.report

        def test_second(graphdiag):
            assert graphdiag("gated net").report is test_first.report

        def test_other(graphdiag):
            graphdiag("gated net").shares("body")

        def test_options(graphdiag):
            graphdiag("gated net", graph="inference")
    """
    result = run(test)
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["*shares('body') does not hold on gated net", "E*body is used once"])
    result.stdout.fnmatch_lines(
        ["E*UsageError: gated net is configured as 'gated net': its options stand in *graphdiag.toml."]
    )


def test_a_configuration_that_says_what_cannot_be_is_an_error_that_names_it(run, pytester):
    (pytester.path / "graphdiag.toml").write_text('[[model]]\nname = "m"\n')
    result = run("def test_it(graphdiag):\n    graphdiag('m')")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*ConfigError: *graphdiag.toml: there is no key 'model'; the nearest is 'models'."])


def test_errors_in_what_a_test_asks_for_show_none_of_graphdiags_own_frames(run, pytester):
    test = f"""
        from graphdiag.testing import assert_graph

        def test_configuration(graphdiag):
            graphdiag("m")

        def test_source():
            assert_graph("missing.pb")

        def test_contract():
            {opened("assert_graph")}.within_budget(layrs_max=3)

        def test_bound():
            {opened("assert_graph")}.within_budget(layers=3)

        def test_layer():
            {opened("assert_graph")}.shares("nothing like it")
    """
    (pytester.path / "graphdiag.toml").write_text('[[model]]\nname = "m"\n')
    result = run(test)
    result.assert_outcomes(failed=5)
    places = [line for line in result.outlines if re.match(r"\S+\.py:\d+: ", line)]
    assert [place.rpartition(": ")[2] for place in places] == [
        "ConfigError",
        "SourceError",
        "ConfigError",
        "ConfigError",
        "ConfigError",
    ]
    assert all(place.startswith("test_errors_in_what_a_test_asks_for") for place in places)


def test_without_the_plugin_the_function_is_still_there(run):
    test = f"""
        import unittest
        from graphdiag.testing import assert_graph

        def test_function():
            {opened("assert_graph")}.is_acyclic()

        class TestGraph(unittest.TestCase):
            def test_method(self):
                {opened("assert_graph")}.is_acyclic()

        def test_fixture(graphdiag):
            pass
    """
    result = run(test, "-p", "no:graphdiag")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["E*fixture 'graphdiag' not found"])


def test_pytest_starts_without_anything_slow(run):
    test = """
        import sys

        def test_it():
            assert "graphdiag.pytest_plugin" in sys.modules
            slow = {"graphdiag.comparison", "numpy", "tensorflow", "keras", "networkx", "rich", "google.protobuf"}
            assert not slow & sys.modules.keys()
    """
    run(test, "-p", "no:hypothesispytest").assert_outcomes(passed=1)
