"""What an edge is, in the same words in every picture."""

from __future__ import annotations

import re

import pytest

from graphdiag.picture_style import STANDARD
from graphdiag.render.html.text import chips
from graphdiag.render.pictures.layers import describe
from graphdiag.results.edge_status import status_of
from tests.render.page_reader import read
from tests.support.reports import report_on


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("keras216_hidden_beside_learning_phase", {"in your model", "artifact", "hidden"}),
        ("keras216_mask_bidirectional", {"in your model", "op graph only"}),
        ("tf22_graph_reference", {"missing"}),
        ("gan_without_model", {"between name scopes"}),
    ],
)
def test_the_page_and_the_picture_use_the_same_words(log: str, said: set[str]) -> None:
    report = report_on(log)
    recorded = report.layer_graph is not None
    found = {status_of(edge, recorded=recorded) for edge in report.edges}
    assert {status.label for status in found} >= said
    page = read(f"<ul>{chips(report)}</ul>")
    tooltips = {attributes.get("title") for tag, attributes in page.tags if tag == "li"}
    legend = {re.sub(r"^[\d,]+ | \([^)]*\)", "", entry.text) for entry in describe(report, STANDARD).legend}
    assert legend == {f"{status.label}: {status.about}" for status in found}
    assert {status.label for status in found} <= {*page.texts["span"]}
    assert {status.about for status in found} <= tooltips
