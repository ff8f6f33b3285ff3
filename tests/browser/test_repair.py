"""Repaired graphs, drawn by TensorBoard's own page, in a browser: the picture is the model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import pytest
import tf_keras
from selenium.webdriver import Chrome

import graphdiag
from graphdiag.keras import GraphCallback
from graphdiag.repairing.blocks import TARGET
from graphdiag.sources.keras_model import open_model
from tests.browser.tensorboard_page import chromium, read_page, tensorboard
from tests.browser.test_drawn import write_graph
from tests.support.graph_text import LOGS
from tests.test_keras_callback import MODELS, fit

pytestmark = pytest.mark.browser

STACKS = ["keras216_reference", "k3_reference_training", "tfk_reference_training"]
PACKAGES = {"keras3": keras, "tf_keras": tf_keras}


@dataclass(frozen=True)
class Served:
    """A TensorBoard that serves all runs of this module, and the browser that looks at it."""

    address: str
    driver: Chrome
    repaired: Mapping[str, graphdiag.Repair]

    def page(self, run: str, tag: str | None = None, conceptual: bool = False) -> dict[str, Any]:
        return read_page(self.driver, self.address, run, tag, conceptual)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Each model before its repair and after it, and what the callback writes beside TensorBoard's own."""
    directory = tmp_path_factory.mktemp("logs")
    repaired = {}
    for name in STACKS:
        shutil.copytree(LOGS / name, directory / name / "before")
        repaired[name] = graphdiag.repair(LOGS / name, directory / name / "after", model=LOGS / name / "model.json")
    resnet = keras.applications.ResNet50(weights=None)
    write_graph(directory / "resnet50" / "before", open_model(resnet).graph_defs[0])
    repaired["resnet50"] = graphdiag.repair(resnet, directory / "resnet50" / "after")
    for name, package in PACKAGES.items():
        log = directory / "fit" / name
        fit(package, MODELS["functional"].build, [package.callbacks.TensorBoard(log), GraphCallback(log)])
    with tensorboard(directory) as address, chromium() as driver:
        yield Served(address, driver, repaired)


def core(page: Mapping[str, Any]) -> tuple[set[str], set[tuple[str, str]]]:
    """The boxes and arrows of the main graph."""
    root = page["root"]
    return set(root["core"]), {tuple(edge) for edge in root["core_edges"]}


def recorded(name: str) -> set[tuple[str, str]]:
    """The edges that Keras recorded while the model lived."""
    return {tuple(edge) for edge in json.loads((LOGS / name / "logical_edges.json").read_text())}


@pytest.mark.parametrize("name", STACKS)
def test_the_reference_model_is_drawn_as_it_was_written(served: Served, name: str) -> None:
    edges = recorded(name)
    layers = {end for edge in edges for end in edge}
    assert (len(layers), len(edges)) == (28, 27)
    assert core(served.page(f"{name}/before")) != (layers, edges)
    assert core(served.page(f"{name}/after")) == (layers, edges)
    assert core(served.page(f"{name}/after", conceptual=True)) == (layers, edges)


def test_resnet50_fits_the_screen(served: Served) -> None:
    before, _ = core(served.page("resnet50/before"))
    page = served.page("resnet50/after")
    boxes, arrows = core(page)
    assert len(before) < 5, "all of the model is in one closed box"
    assert 15 < len(boxes) <= TARGET
    root = page["root"]
    assert [*root["in_extract"], *root["out_extract"]] == ["NoOp"]
    # Keras numbers the names of inputs in the order of their making.
    layers = served.repaired["resnet50"].layers
    assert layers is not None
    [entry] = layers.inputs
    assert {(entry, "conv1"), ("avg_pool", "predictions")} <= arrows
    assert all(f"{block}/{block}_out" in page["nodes"] for block in ("conv2_block1", "conv5_block3"))


def test_resnet50_holds_every_layer_and_every_edge(served: Served) -> None:
    """Each edge of Keras is an arrow between the two boxes that hold one end each, and there are no other arrows."""
    layers = served.repaired["resnet50"].layers
    page = served.page("resnet50/after")
    place = {name.rpartition("/")[2]: name for name in page["nodes"] if name.rpartition("/")[2] in layers.layers}
    assert set(place) == set(layers.layers)
    wanted = {between(place[source], place[target]) for source, target in layers.edges}
    around = {name.rpartition("/")[0] or "__root__" for name in place.values()}
    blocks = {scope for name in place.values() for scope in scopes(name)} - set(place.values())
    boxes = {*place.values(), *blocks}
    drawn = {
        (source, target)
        for parent, edges in page["edges"].items()
        if parent in around | blocks | {"__root__"}
        for source, target, *_ in edges
        if {source, target} <= boxes
    }
    assert drawn == wanted


def scopes(name: str) -> Iterator[str]:
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name


def between(source: str, target: str) -> tuple[str, str]:
    """The two boxes side by side that hold one end each."""
    one, other = source.split("/"), target.split("/")
    depth = next(depth for depth, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1])
    return "/".join(one[: depth + 1]), "/".join(other[: depth + 1])


@pytest.mark.parametrize("name", PACKAGES)
def test_what_the_callback_writes_is_drawn_beside_what_tensorboards_writes(served: Served, name: str) -> None:
    written = MODELS["functional"]
    boxes, arrows = core(served.page(f"fit/{name}/train", "Default"))
    assert (boxes, arrows) == (written.boxes, written.edges)
    assert core(served.page(f"fit/{name}/train", "graphdiag", conceptual=True)) == (written.boxes, written.edges)
