"""Large layer graphs: of real models, out of ``fixtures/layer_graphs``, and random ones."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from graphdiag.graphs.layer_graph import Layer, LayerGraph, NestedModel, unique_id

Places = Mapping[str, tuple[str, ...]]
FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "layer_graphs"
MODELS = sorted(path.stem for path in FOLDER.glob("*.json"))


def arrows(graph: LayerGraph, places: Places) -> dict[tuple[str, ...], set[tuple[str, str]]]:
    """The arrows that TensorBoard draws in each box: between the two boxes in it that hold one end each."""
    found = defaultdict(set)
    for source, target in graph.edges:
        one, other = places[source], places[target]
        depth = next((depth for depth, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), None)
        if depth is not None:
            found[one[:depth]].add((one[depth], other[depth]))
    return found


def real_model(name: str) -> LayerGraph:
    """The layer graph of a model by the name of its file."""
    text = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    nested = {}
    for id_, class_name in text["nested"].items():
        *path, own = id_.split("/")
        nested[id_] = NestedModel(id_, own, class_name, tuple(path))
    layers = {}
    for class_name, id_, *_ in text["layers"]:
        *path, own = id_.split("/")
        layers[id_] = Layer(id_, own, class_name, tuple(path), is_input=id_ in text["inputs"])
    ids = list(layers)
    edges = [(ids[source], id_) for _, id_, *sources in text["layers"] for source in sources]
    return LayerGraph(name, layers, tuple(edges), nested, tuple(text["inputs"]), tuple(text["outputs"]))


def random_graph(rng: random.Random) -> LayerGraph:
    """Layers of automatic names, names with prefixes, and names with slashes, some in nested models."""
    layers: dict[str, Layer] = {}
    nested = {
        "net": NestedModel("net", "net", "Functional"),
        "net/part": NestedModel("net/part", "part", "Functional", ("net",)),
    }
    paths = rng.choice([[()], [(), ("net",), ("net", "part")]])
    size = rng.choice((10, 70, 150, 300))
    shares = [rng.random() for _ in range(4)]
    block = "a1"
    for number in range(size):
        path = rng.choice(paths)
        kind = rng.choices(("automatic", "prefix", "alone", "slash"), shares)[0]
        if rng.random() < 0.1:
            block = f"{rng.choice('abc')}{rng.randint(1, 3)}_{rng.randint(1, 3)}"
        name = {
            "automatic": f"dense_{number}",
            "prefix": f"{block}_{rng.choice('xy')}{number}",
            "alone": f"{chr(200 + number)}",
            "slash": f"{rng.choice('abc')}/{number // 20}/d{number}",
        }[kind]
        id_ = unique_id(path, name, layers)
        layers[id_] = Layer(id_, name, "Dense", path)
    ids = list(layers)
    reach = rng.choice((1, 3, 20))
    density = rng.choice((0.3, 1.0, 1.5))
    edges = {}
    for number, target in enumerate(ids[1:], 1):
        for source in rng.sample(
            range(max(0, number - reach), number), min(number, reach, int(density + rng.random()))
        ):
            edges[ids[source], target] = None
    used = {model for path in paths for model in ("/".join(path[:depth]) for depth in range(1, len(path) + 1))}
    return LayerGraph(
        "model",
        layers,
        tuple(edges),
        {id_: model for id_, model in nested.items() if id_ in used},
        inputs=tuple(ids[:1]),
        outputs=(*rng.sample(ids, 3), ids[-1]),
    )
