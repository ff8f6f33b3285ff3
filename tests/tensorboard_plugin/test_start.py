from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points


def test_tensorboard_finds_the_plugin() -> None:
    [entry] = [entry for entry in entry_points(group="tensorboard_plugins") if entry.name == "graphdiag"]
    assert entry.value == "graphdiag.tensorboard_plugin.plugin:GraphDiagnosisPlugin"
    assert entry.load().plugin_name == "graphdiag"


def test_tensorboard_loads_nothing_else_of_graphdiag_when_it_starts(run_python: Callable[[str], str]) -> None:
    loaded = run_python(
        """
import sys
from tensorboard.plugins import base_plugin
before = set(sys.modules)
from graphdiag.tensorboard_plugin.plugin import GraphDiagnosisPlugin
plugin = GraphDiagnosisPlugin(base_plugin.TBContext())
plugin.get_plugin_apps(), plugin.is_active(), plugin.data_plugin_names(), plugin.frontend_metadata()
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)))
print(*sorted(name for name in sys.modules if name.startswith("graphdiag")))
"""
    )
    others, own = loaded.splitlines()
    assert others == "graphdiag"
    assert own.split() == [
        "graphdiag",
        "graphdiag.search_path",
        "graphdiag.tensorboard_plugin",
        "graphdiag.tensorboard_plugin.plugin",
        "graphdiag.version",
    ]


def test_an_answer_needs_none_of_what_compares_in_tensorboards_process(run_python: Callable[[str], str]) -> None:
    loaded = run_python(
        """
import sys
from tests.tensorboard_plugin.served import Served
served = Served("fixtures/logs/keras216_reference")
print(served.runs()["."]["answer"]["counts"])
print(len(served.result(served.job(kind="page", run="."))) > 10_000)
print(*sorted(name for name in ("tensorflow", "keras", "networkx", "graphdiag.comparison") if name in sys.modules))
"""
    )
    assert loaded.splitlines() == ["{'artifact': 8, 'hidden': 0, 'missing': 0}", "True", ""]
