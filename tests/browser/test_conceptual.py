"""The model as JSON that graphdiag writes, drawn by TensorBoard's own page, in a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome

from graphdiag.graphs.layer_graph import LayerGraph
from graphdiag.repairing.blocks import TARGET, layer_boxes
from graphdiag.repairing.conceptual import conceptual_event, conceptual_json
from graphdiag.sources.keras_json import layer_graph_from_json
from tests.browser.tensorboard_page import chromium, read_page, tensorboard
from tests.repairing.layer_graphs import arrows as drawn_arrows
from tests.repairing.layer_graphs import real_model
from tests.sources.event_files import write_log
from tests.support.graph_text import FIXTURES, LOGS

pytestmark = pytest.mark.browser

REFERENCE = LOGS / "tfk_reference_training"


def from_file(path: Path) -> LayerGraph:
    return layer_graph_from_json(json.loads(path.read_text(encoding="utf-8")))


MODELS = {
    "reference_tf_keras": from_file(REFERENCE / "model.json"),
    # Nested models, one of them called twice, raw ops, several inputs and outputs.
    "mixed_tf_keras": from_file(FIXTURES / "files" / "tfk_mixed.json"),
    "resnet50": real_model("resnet50"),
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """What the page holds of each model."""
    directory = tmp_path_factory.mktemp("logs")
    for name, graph in MODELS.items():
        event = conceptual_event(conceptual_json(graph, layer_boxes(graph)), 1.0)
        write_log(directory / name / "events.out.tfevents.1.host", [event])
    with tensorboard(directory) as address, chromium() as browser:
        yield {name: page_of(browser, address, name) for name in MODELS}


def page_of(browser: Chrome, address: str, run: str) -> dict[str, Any]:
    return read_page(browser, address, run=run, conceptual=True)


def arrows(page: dict[str, Any]) -> set[tuple[str, str]]:
    """The arrows at all levels of the page's picture."""
    return {(source, target) for edges in page["edges"].values() for source, target, *_ in edges}


def test_the_reference_model_under_tf_keras_has_its_27_edges(pages: dict[str, dict[str, Any]]) -> None:
    recorded = {tuple(edge) for edge in json.loads((REFERENCE / "logical_edges.json").read_text())}
    page = pages["reference_tf_keras"]
    assert len(recorded) == 27
    assert arrows(page) == recorded
    assert {tuple(edge) for edge in page["root"]["core_edges"]} == recorded


def test_resnet50_is_drawn_as_blocks_with_all_its_layers(pages: dict[str, dict[str, Any]]) -> None:
    page = pages["resnet50"]
    assert len(page["root"]["core"]) == 22 <= TARGET
    boxes = layer_boxes(MODELS["resnet50"])
    assert {"/".join(box) for box in boxes.values()} < set(page["nodes"])
    inside = {
        edge for edge in arrows(page) if edge[0].startswith("conv3_block1/") and edge[1].startswith("conv3_block1/")
    }
    # Seven in a row on the long way to the sum, two on the short one, two more into it, and one out of it.
    assert len(inside) == 11


@pytest.mark.parametrize("name", MODELS)
def test_every_edge_has_an_arrow_and_every_arrow_an_edge(pages: dict[str, dict[str, Any]], name: str) -> None:
    graph = MODELS[name]
    wanted = {
        ("/".join((*box, source)), "/".join((*box, target)))
        for box, pairs in drawn_arrows(graph, layer_boxes(graph)).items()
        for source, target in pairs
    }
    assert arrows(pages[name]) == wanted
