"""The drawn graph against what TensorBoard itself held in memory after drawing the same graph."""

from __future__ import annotations

import pytest

from graphdiag.sources.event_log import open_event_log
from graphdiag.tensorboard import draw
from tests.support.drawn import RECORDED, first_difference, read, recorded
from tests.support.graph_text import LOGS

DRAWN_LOGS = sorted(path.parent.name for path in LOGS.glob("*/tensorboard_drawn.json"))
RECORDED_GRAPHS = sorted(path.stem for path in RECORDED.glob("*.pbtxt"))


@pytest.mark.parametrize("name", DRAWN_LOGS)
def test_log_is_drawn_as_tensorboard_draws_it(name: str) -> None:
    ours = draw(open_event_log(LOGS / name).graph_defs).to_dict()
    assert first_difference(ours, read(LOGS / name / "tensorboard_drawn.json")) == ""


@pytest.mark.parametrize("name", RECORDED_GRAPHS)
def test_made_graph_is_drawn_as_tensorboard_draws_it(name: str) -> None:
    graph, theirs = recorded(name)
    assert first_difference(draw([graph]).to_dict(), theirs) == ""


def test_the_museum_is_there() -> None:
    assert len(DRAWN_LOGS) >= 18
    assert len(RECORDED_GRAPHS) >= 11


def test_the_first_difference_is_named() -> None:
    ours = {"nodes": {"a": {"cardinality": 1}, "b": {"cardinality": 2}}}
    theirs = {"nodes": {"a": {"cardinality": 1}, "b": {"cardinality": 3}}}
    assert first_difference(ours, theirs) == "drawn['nodes']['b']['cardinality']: graphdiag has 2, TensorBoard 3"
    assert first_difference([["a", "b", 1]], [["a", "b", 1], ["a", "c", 1]]) != ""
