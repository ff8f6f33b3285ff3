"""Open what Keras saves: the model's JSON, a ``.keras`` archive, or an ``.h5`` file.

Only the structure is read. No layer is built, and no code in the file (a Lambda's, say) is run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from graphdiag.errors import EmptySourceError, SourceError
from graphdiag.graphs.layer_graph import Layer, LayerGraph
from graphdiag.sources.files import LARGEST_JSON, read_bytes, read_start
from graphdiag.sources.opened import Opened, Origin
from graphdiag.sources.stack import describe_stack

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
ZIP_SIGNATURE = b"PK\x03\x04"


def open_keras_json(path: Path) -> Opened:
    """Open a file with the JSON of a Keras model, as ``model.to_json()`` gives it.

    Args:
        path: The file.

    Returns:
        The layer graph; no op graph.

    Raises:
        SourceError: The file cannot be read, is not JSON, or its JSON is not a Keras model with layers: what graphdiag
            itself saved, say.
    """
    config = _parse(str(path), read_bytes(path, LARGEST_JSON))
    _refuse_our_own(path, config.get("schema"))
    return _opened(path, "keras_json", config, _layer_graph(str(path), config))


def open_keras_archive(path: Path) -> Opened:
    """Open a ``.keras``, ``.h5`` or ``.hdf5`` file; which of the two formats it has is told from its content.

    Args:
        path: The file.

    Returns:
        The layer graph, with the number of weights of each layer for HDF5; no op graph.

    Raises:
        SourceError: The file is damaged, or holds no model with layers (a subclassed model, or weights alone).
    """
    start = read_start(path)
    if start.startswith(HDF5_SIGNATURE):
        return _open_hdf5(path)
    if start.startswith(ZIP_SIGNATURE):
        return _open_zip(path)
    raise SourceError(f"{path} is damaged or no Keras file: it is neither a .keras archive nor HDF5; save it again.")


def _refuse_our_own(path: Path, schema: Any) -> None:
    """Say what a file is that graphdiag itself has written."""
    family, _, kind = schema.partition("/")[0].partition(".") if isinstance(schema, str) else ("", "", "")
    if family != "graphdiag":
        return
    if kind == "report":
        raise SourceError(f"{path} is a saved report and no model; give it to graphdiag convert or graphdiag diff.")
    if kind == "snapshot":
        raise SourceError(f"{path} is a saved snapshot and no model; give it to graphdiag diff.")
    raise SourceError(f"{path} is what graphdiag wrote ({schema[:40]!r}) and no model; give the model or the log.")


def _opened(path: Path, kind: str, config: Mapping[str, Any], layer_graph: LayerGraph) -> Opened:
    return Opened(
        origin=Origin(path=str(path), kind=kind, stack=describe_stack(layer_graph.keras_version)),
        layer_graph=layer_graph,
        keras_json=config,
    )


def _parse(where: str, data: bytes | str) -> Mapping[str, Any]:
    try:
        config = json.loads(data)
        if isinstance(config, str):
            # json.dump(model.to_json(), file) writes the JSON as one JSON string.
            config = json.loads(config)
    except (ValueError, RecursionError) as error:
        why = _not_json(error)
        raise SourceError(f"{where} {why}; give the result of model.to_json().") from error
    if not isinstance(config, dict):
        raise SourceError(
            f"{where} is not a Keras model: its JSON is not an object; give the result of model.to_json()."
        )
    return config


def _not_json(error: Exception) -> str:
    """Why JSON cannot be read, without Python's own words on its limits."""
    if isinstance(error, RecursionError):
        return "is not JSON of a model: it is nested too deeply"
    if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError)):
        return f"is not JSON: {error}"
    return "is not JSON of a model: it holds a number of thousands of digits"


def _layer_graph(where: str, config: Mapping[str, Any], version: str = "") -> LayerGraph:
    from graphdiag.sources.keras_json import layer_graph_from_json

    try:
        layer_graph = layer_graph_from_json(config)
    except SourceError as error:
        raise SourceError(f"{where}: {error}") from error
    return replace(layer_graph, keras_version=layer_graph.keras_version or version)


# --- .keras ----------------------------------------------------------------------------------------------------------


def _open_zip(path: Path) -> Opened:
    members = json_members(path)
    if "config.json" not in members:
        raise SourceError(
            f"{path} is no .keras archive: it is a zip file without config.json; give a file saved by Keras."
        )
    config = _parse(f"config.json in {path}", members["config.json"])
    metadata: Mapping[str, Any] = {}
    if "metadata.json" in members:
        metadata = _parse(f"metadata.json in {path}", members["metadata.json"])
    version = metadata.get("keras_version")
    layer_graph = _layer_graph(str(path), config, version if isinstance(version, str) else "")
    return _opened(path, "keras_file", config, layer_graph)


def json_members(path: Path, file: IO[bytes] | None = None) -> Mapping[str, bytes]:
    """The JSON members of a ``.keras`` archive that are there.

    Args:
        path: The archive, as messages name it.
        file: The archive, open, where it is not the file at the path.

    Raises:
        SourceError: The archive is damaged, or a member is larger than the JSON of a model is.
    """
    import zipfile

    found = {}
    try:
        with zipfile.ZipFile(file or path) as archive:
            for name in {"config.json", "metadata.json"}.intersection(archive.namelist()):
                with archive.open(name) as member:
                    found[name] = member.read(LARGEST_JSON + 1)
    # What zipfile and the libraries that unpack raise for damaged archives is not bounded by their documentation.
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise SourceError(f"{path} is a damaged .keras archive: {reason}; save the model again.") from error
    for name, data in found.items():
        if len(data) > LARGEST_JSON:
            raise SourceError(
                f"{name} in {path} unpacks to more than {LARGEST_JSON // 2**20} MiB; it is not a Keras model."
            )
    return found


# --- .h5 -------------------------------------------------------------------------------------------------------------


def _open_hdf5(path: Path) -> Opened:
    from graphdiag.sources.hdf5 import read_hdf5

    found = read_hdf5(path)
    if found.config is None:
        raise EmptySourceError(
            f"{path} holds no model, only weights or other data; save the whole model with model.save()."
        )
    config = _parse(f"The model_config in {path}", found.config)
    layer_graph = _layer_graph(str(path), config, found.keras_version)
    if found.weights:
        layer_graph = _with_parameters(layer_graph, found.weights)
    return _opened(path, "keras_file", config, layer_graph)


def _with_parameters(layer_graph: LayerGraph, weights: Mapping[str, Mapping[str, int]]) -> LayerGraph:
    """Count the weights of each layer; those of a nested model's layers are told apart by the weights' names."""
    counts: dict[str, int] = {}
    inside: dict[str, list[Layer]] = {}
    for layer in layer_graph.layers.values():
        if layer.path:
            inside.setdefault(layer.path[0], []).append(layer)
        elif layer.name in weights:
            counts[layer.id] = sum(weights[layer.name].values())
    for nested, layers in inside.items():
        counts.update(_shared_out(layers, weights.get(nested, {})))
    with_counts = {
        id_: replace(layer, parameters=counts.get(id_, layer.parameters)) for id_, layer in layer_graph.layers.items()
    }
    return replace(layer_graph, layers=with_counts)


def _shared_out(layers: list[Layer], weights: Mapping[str, int]) -> dict[str, int]:
    """The weights of one nested model by layer; none at all where a weight's name fits no layer or several."""
    counts = {layer.id: 0 for layer in layers}
    for name, size in weights.items():
        fits: dict[str, list[str]] = {}
        for layer in layers:
            for known in ("/".join((*layer.path[1:], layer.name)), layer.name):
                if f"/{known}/" in f"/{name}":
                    fits.setdefault(known, []).append(layer.id)
        owners = set(fits[max(fits, key=len)]) if fits else set()
        if len(owners) != 1:
            return {}
        counts[owners.pop()] += size
    return counts
