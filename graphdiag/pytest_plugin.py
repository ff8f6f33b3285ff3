"""The pytest plugin: a fixture that opens models for assertions about their graphs.

pytest imports this module at its start in every project of an environment that has graphdiag; it imports what it needs
when a test asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from graphdiag.results.report import Report
    from graphdiag.testing import Graphs


@pytest.fixture(scope="session")
def _graphdiag_reports() -> dict[tuple[str, str], Report]:
    """The reports on configured models: each is compared once in a session."""
    return {}


@pytest.fixture(scope="module")
def graphdiag(request: pytest.FixtureRequest, _graphdiag_reports: dict[tuple[str, str], Report]) -> Graphs:
    """Opens models for assertions about their graphs.

    It is called with the name of a model in [tool.graphdiag] of the nearest pyproject.toml or graphdiag.toml above the
    test, or with what graphdiag.testing.assert_graph takes.
    """
    from graphdiag.testing import Graphs

    return Graphs(request.path.parent, _graphdiag_reports)
