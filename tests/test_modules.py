"""The modules of graphdiag: each can be imported by its name, and none import each other in a circle."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import grimp
import networkx as nx
import pytest

import graphdiag

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(
    module.name
    for module in walk_packages(graphdiag.__path__, "graphdiag.")
    # It runs the command line when it is imported.
    if module.name != "graphdiag.__main__"
)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_what_import_as_gives(name: str) -> None:
    scope: dict[str, object] = {}
    # `import a.b as c` looks for `b` in `a`, where a function of the same name would stand in the way.
    exec(f"import {name} as found", scope)
    assert scope["found"] is import_module(name)


def test_no_modules_import_each_other_in_a_circle() -> None:
    imports = grimp.build_graph("graphdiag", exclude_type_checking_imports=False, cache_dir=None)
    graph = nx.DiGraph(
        (importer, imported)
        for importer in imports.modules
        for imported in imports.find_modules_directly_imported_by(importer)
    )
    assert len(graph) > 100
    assert [sorted(circle) for circle in nx.strongly_connected_components(graph) if len(circle) > 1] == []
