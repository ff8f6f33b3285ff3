"""What people read, to the letter: the terminal without color, 80 and 120 columns wide, and Markdown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from graphdiag.output import plain
from graphdiag.render.ci.markdown import to_markdown
from graphdiag.render.text.report import render
from tests.render.large import large_report
from tests.support.reports import report_on
from tests.support.snapshots import check_snapshot

SNAPSHOTS = Path(__file__).parent / "snapshots"
NAMES = ["keras216_reference", "keras216_hidden_bool", "large"]


def report(name):
    if name == "large":
        return large_report()
    found = report_on(name)
    return replace(found, origin=replace(found.origin, path=f"fixtures/logs/{name}"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [80, 120])
def test_terminal(name, width):
    check_snapshot(SNAPSHOTS / f"{name}.{width}.txt", plain(render(report(name)), width))


@pytest.mark.parametrize("name", NAMES)
def test_markdown(name):
    check_snapshot(SNAPSHOTS / f"{name}.md", to_markdown(report(name)))


def test_the_large_model_is_large():
    layers = large_report().layer_graph
    assert (len(layers.layers), len(layers.edges)) == (780, 880)
