"""Small snapshots, and changes made to one from the JSON of a diff."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from graphdiag.modeldiff.op_changes import UNTOLD
from graphdiag.modeldiff.snapshot import LayerRecord, NestedRecord, Snapshot


def snapshot(
    *lines: str, nested: Sequence[str] = (), settings: Mapping[str, Any] = MappingProxyType({}), **more: Any
) -> Snapshot:
    """A snapshot from lines such as ``dense_1 Dense(64) < a, b``.

    The number in brackets stands for the shape and the parameters. A layer ``m/x`` lies in the nested model ``m`` if
    ``m`` is named as one. Layers that nothing takes from are the outputs.
    """
    layers = {}
    for line in lines:
        head, _, sources = line.partition("<")
        id_, kind = head.split()
        class_name, _, size = kind.rstrip(")").partition("(")
        path = tuple(id_.split("/")[:-1]) if id_.rpartition("/")[0] in nested else ()
        layers[id_] = LayerRecord(
            id=id_,
            class_name=class_name,
            output_shape=f"(None, {size or 8})",
            parameters=int(size or 8),
            path=path,
            sources=tuple(source.strip() for source in sources.split(",") if source.strip()),
            settings=settings.get(id_, {}),
        )
    taken = {source for layer in layers.values() for source in layer.sources}
    return Snapshot(
        model_name=more.pop("model_name", "model"),
        layers=layers,
        nested={id_: NestedRecord(id_, "Functional", path=tuple(id_.split("/")[:-1])) for id_ in nested},
        inputs=tuple(id_ for id_, layer in layers.items() if layer.class_name == "InputLayer"),
        outputs=tuple(id_ for id_ in layers if id_ not in taken),
        ops=more.pop("ops", {}),
        input_keys=(),
        output_keys=(),
        **more,
    )


def applied(diff: Mapping[str, Any], old: Snapshot) -> dict[str, Any]:
    """Make the changes of a diff's JSON to the JSON of the old snapshot."""
    data = copy.deepcopy(old.to_dict())
    names = diff["names"]
    moved = {
        (*model.get("path", ()), _own(model)): tuple(names.get(model["id"], model["id"]).split("/"))
        for model in data["nested"]
    }
    gone, came, orders, steps = [], [], {}, []
    for change in diff["changes"]:
        steps += [change["removed"], change["added"]] if change["kind"] == "layers-replaced" else [change]
    for change in steps:
        gone += change.get("edges_removed", ())
        came += change.get("edges_added", ())
    removed = {id_ for change in steps if change["kind"] == "layers-removed" for id_ in change["layers"]}
    removed_models = {change["model"] for change in steps if change["kind"] == "nested-removed"}
    layers = {}
    for layer in data["layers"]:
        if layer["id"] in removed:
            continue
        left = [source for source in layer.get("from", ()) if [source, layer["id"]] not in gone]
        assert not removed & set(left), "an edge out of a layer that went is left"
        layer["id"] = names.get(layer["id"], layer["id"])
        layer["from"] = [names.get(source, source) for source in left]
        layer["takes"] = [_renamed(item, names) for item in layer.get("takes", ())]
        layer["path"] = list(moved.get(tuple(layer.get("path", ())), layer.get("path", ())))
        layers[layer["id"]] = layer
    nested = {}
    for model in data["nested"]:
        if model["id"] not in removed_models:
            model["id"] = names.get(model["id"], model["id"])
            model["path"] = list(moved.get(tuple(model.get("path", ())), model.get("path", ())))
            nested[model["id"]] = model
    for source, target, position in sorted(came, key=lambda edge: edge[2]):
        layers[target]["from"].insert(position, source)
    for change in steps:
        kind = change["kind"]
        if kind == "layers-added":
            layers |= {layer["id"]: layer for layer in change["layers"]}
        elif kind == "layer-changed":
            changed = (nested if change["nested"] else layers)[change["layer"]]
            for name, (before, after) in change["attributes"].items():
                if name == "path":
                    changed["path"] = after.split("/") if after else []
                else:
                    assert changed.get(name, 1) == before
                    changed[name] = after
            for name, setting in change.get("settings", {}).items():
                assert changed["settings"].get(name, "absent") == setting.get("old", "absent")
                changed["settings"].pop(name, None)
                if "new" in setting:
                    changed["settings"][name] = setting["new"]
        elif kind in ("inputs-reordered", "inputs-changed"):
            orders[change["layer"]] = change["from"]
        elif kind == "nested-added":
            nested[change["model"]["id"]] = change["model"]
        elif kind == "ops-changed":
            if change["owner"] is None:
                owner = data["ops"]["of_no_layer"].setdefault(change["role"], {})
            else:
                owner = {**nested, **layers}[change["owner"]].setdefault("ops", {})
            for op_type, (before, after) in change["ops"].items():
                assert owner.get(op_type, 0) == before
                owner[op_type] = after
        elif kind == "sharing-changed":
            assert layers[change["layer"]].get("calls", 1) == change["calls"][0]
            layers[change["layer"]]["calls"] = change["calls"][1]
    for id_, order in orders.items():
        assert sorted(layers[id_]["from"]) == sorted(order)
        layers[id_]["from"] = order
    for which in ("inputs", "outputs"):
        data[which] = [names.get(id_, id_) for id_ in data[which]]
    for change in steps:
        if change["kind"] == "ends-changed":
            data[change["which"]] = change["new"]
        if change["kind"] == "keys-changed":
            assert data[f"{change['which'][:-1]}_keys"] == change["old"]
            data[f"{change['which'][:-1]}_keys"] = change["new"]
    data["gives"] = diff["takes"].get("", [_renamed(item, names) for item in data["gives"]])
    for id_, takes in diff["takes"].items():
        if id_:
            layers[id_]["takes"] = takes
    return compared({**data, "layers": list(layers.values()), "nested": list(nested.values())})


def _renamed(item: Any, names: Mapping[str, str]) -> Any:
    if isinstance(item, str):
        return names.get(item, item)
    return {**item, "layer": names.get(item["layer"], item["layer"])}


def _own(model: Mapping[str, Any]) -> str:
    return model["id"].removeprefix("".join(f"{name}/" for name in model.get("path", ())))


def compared(data: Mapping[str, Any]) -> dict[str, Any]:
    """What two snapshots have to share: not the order of layers."""

    def plain(items):
        return {
            item["id"]: {"calls": 1, "path": [], "from": [], "takes": [], **item, "ops": present(item.get("ops", {}))}
            for item in items
        }

    def present(ops):
        return {op_type: count for op_type, count in ops.items() if count and op_type not in UNTOLD}

    of_no_layer = {role: present(ops) for role, ops in (data["ops"] or {"of_no_layer": {}})["of_no_layer"].items()}
    return {
        "ops": {role: ops for role, ops in of_no_layer.items() if ops},
        "inputs": data["inputs"],
        "outputs": data["outputs"],
        "gives": data["gives"],
        "keys": (data.get("input_keys"), data.get("output_keys")),
        "layers": plain(data["layers"]),
        "nested": plain(data["nested"]),
    }
