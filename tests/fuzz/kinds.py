"""The kinds of inputs: how each is made from a fixture, and what is run on it.

A source is written into a directory under a name that graphdiag knows; a saved file is what graphdiag itself wrote of
an undamaged source, changed.
"""

from __future__ import annotations

import io
import json
import random
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from tests.fuzz.mutations import change_graph, change_json, change_message, flip, garble, json_text
from tests.fuzz.pool import Task, Worker
from tests.sources.event_files import (
    FILES,
    FIXTURES,
    LOGS,
    keras,
    meta_graph,
    put_special,
    record,
    run_graph,
    split_records,
    trace,
)

REPORT_FORMATS = ["text", "json", "html", "markdown", "sarif", "junit", "github", "dot", "graphml", "node-link"]
REPORT_FORMATS += ["graphml-ops", "node-link-drawn", "node-link-ops", "graphml-drawn"]
DIFF_FORMATS = ["text", "json", "html", "markdown", "sarif", "junit", "github", "dot", "graphml", "node-link"]
CHECK_FORMATS = ["text", "json", "html", "markdown", "sarif", "junit", "github"]

_SMALL = 120_000
_MODEL = FILES / "tfk_siamese.keras"


@dataclass(frozen=True)
class Command:
    """One command on an input.

    Attributes:
        argv: The arguments. ``OUT`` stands for a file in an empty directory, and all else is relative to the input's.
        schema: The schema of the JSON in that file.
        then: A command that reads the file back, which has to succeed.
    """

    argv: tuple[str, ...]
    schema: str = ""
    then: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kind:
    """One kind of input.

    Attributes:
        name: What the counts call it.
        weight: How often it is chosen, relative to the others.
        make: Writes an input into a directory, and says what to run on it.
    """

    name: str
    weight: int
    make: Callable[[random.Random, Path], Command]


# --- what is run -----------------------------------------------------------------------------------------------------


def _on_source(rng: random.Random, name: str, model: str | None = None) -> Command:
    extra = ("--model", model) if model and rng.random() < 0.15 else ()
    how = rng.choice([0, 1, 2, 3, 3, 4, 4, 5, 5, 6, 7, 7, 8, 8, 9])
    if how < 3:
        format_ = rng.choice([format_ for format_ in REPORT_FORMATS if not format_.endswith(("-ops", "-drawn"))])
        argv = ("compare", name, *extra, "--format", "json", "-o", "OUT")
        return Command(argv, "report", ("convert", "OUT", "--format", format_, "-o", "OUT2"))
    if how == 3:
        return Command(("compare", name, *extra, "--format", rng.choice(REPORT_FORMATS), "-o", "OUT"))
    if how == 4:
        return Command(("draw", name, "--format", "json", "-o", "OUT"), "drawn")
    if how == 5:
        return Command(("draw", name, "--depth", str(rng.choice([1, 2, 9])), "--format", rng.choice(["text", "dot"])))
    if how == 6:
        return Command(("draw", name, "--conceptual"))
    if how == 7:
        return Command(("snapshot", name, *extra, "-o", "OUT"), "snapshot", ("diff", "OUT", "OUT"))
    if how == 8:
        return Command(("check", name, "--format", "json", "-o", "OUT"), "check")
    return Command(("diff", name, str(_MODEL), "--format", "json", "-o", "OUT"), "diff")


# --- op graphs -------------------------------------------------------------------------------------------------------


@cache
def _graphs() -> Sequence[bytes]:
    """Serialized graphs of all stacks, small enough for thousands of runs."""
    from google.protobuf import text_format
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    found = [(FILES / "tf110_relu.pb").read_bytes()]
    for file in sorted((FIXTURES / "drawn").glob("*.pbtxt")):
        found.append(text_format.Parse(file.read_text(), GraphDef()).SerializeToString())
    for file in sorted(LOGS.glob("*/*tfevents*")):
        if file.stat().st_size < _SMALL:
            for data in split_records(file.read_bytes()):
                event = Event.FromString(data)
                if event.graph_def and len(event.graph_def) < _SMALL:
                    found.append(event.graph_def)
    return found


def _graph(rng: random.Random) -> Any:
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    graph = GraphDef.FromString(rng.choice(_graphs()))
    if len(graph.node) > 60 and rng.random() < 0.8:
        # Most faults need few nodes, and few nodes are quick.
        start = rng.randrange(len(graph.node) - 30)
        kept = list(graph.node)[start : start + 30]
        small = GraphDef(versions=graph.versions)
        small.node.extend(kept)
        small.library.CopyFrom(graph.library)
        graph = small
    change_graph(rng, graph)
    return graph


def _graph_def(rng: random.Random, directory: Path) -> Command:
    data = _graph(rng).SerializeToString()
    if rng.random() < 0.15:
        data = flip(rng, data)
    (directory / "graph.pb").write_bytes(data)
    return _on_source(rng, "graph.pb", str(_MODEL))


def _graph_text(rng: random.Random, directory: Path) -> Command:
    from google.protobuf import text_format

    text = text_format.MessageToString(_graph(rng), as_utf8=rng.random() < 0.5)
    if rng.random() < 0.3:
        text = garble(rng, text)
    data = text.encode(errors="surrogateescape")
    (directory / "graph.pbtxt").write_bytes(flip(rng, data) if rng.random() < 0.1 else data)
    return _on_source(rng, "graph.pbtxt", str(_MODEL))


# --- logs ------------------------------------------------------------------------------------------------------------


@cache
def _logs() -> Sequence[Sequence[bytes]]:
    files = [file for file in sorted(LOGS.glob("*/*tfevents*")) if file.stat().st_size < _SMALL]
    return [split_records(file.read_bytes()) for file in files]


def _events(rng: random.Random) -> list[bytes]:
    """The records of a log, some of them changed; or new ones around a changed graph."""
    from tensorboard.compat.proto.config_pb2 import RunMetadata
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    if rng.random() < 0.4:
        graph = _graph(rng)
        wrapped = rng.choice(
            [run_graph, meta_graph, lambda graph: trace("step", graph), lambda graph: trace("two", graph, graph)]
        )
        events = [wrapped(graph)]
        if rng.random() < 0.5:
            events.append(keras(_changed(rng, rng.choice(_models()))))
        return [event.SerializeToString() for event in events]
    records = list(rng.choice(_logs()))
    for _ in range(rng.choice([1, 1, 2])):
        at = rng.randrange(len(records))
        how = rng.random()
        try:
            event = Event.FromString(records[at])
        except DecodeError:  # changed already
            continue
        if event.graph_def and how < 0.6:
            try:
                graph = GraphDef.FromString(event.graph_def)
            except DecodeError:
                continue
            change_graph(rng, graph)
            event.graph_def = graph.SerializeToString()
        elif event.summary.value and event.summary.value[0].tensor.string_val and how < 0.6:
            _change_summary(rng, event.summary.value[0], RunMetadata)
        elif how < 0.8:
            change_message(rng, event, ["keras", "graph_run_metadata_graph", "graph_keras_model", "1"])
        elif how < 0.9:
            records.insert(rng.randrange(len(records) + 1), records[at])
            continue
        else:
            records[at] = flip(rng, records[at])
            continue
        records[at] = event.SerializeToString()
    return records


def _change_summary(rng: random.Random, value: Any, run_metadata: Any) -> None:
    """Change the trace or the Keras model that a summary holds."""
    data = value.tensor.string_val[0]
    if value.metadata.plugin_data.plugin_name == "graph_keras_model":
        try:
            value.tensor.string_val[0] = _changed(rng, json.loads(data))
        except ValueError:
            value.tensor.string_val[0] = flip(rng, data)
        return
    try:
        trace_ = run_metadata.FromString(data)
    except DecodeError:  # changed already
        return
    graphs = [functions.pre_optimization_graph for functions in trace_.function_graphs]
    if graphs:
        change_graph(rng, rng.choice(graphs))
    value.tensor.string_val[0] = trace_.SerializeToString()


def _framed(rng: random.Random, records: Sequence[bytes]) -> bytes:
    framed = b"".join(map(record, records))
    how = rng.random()
    if how < 0.1:
        return framed[: rng.randrange(len(framed) + 1)]
    if how < 0.2:
        return flip(rng, framed)
    return framed


def _event_file(rng: random.Random, directory: Path) -> Command:
    name = "events.out.tfevents.1.host"
    (directory / name).write_bytes(_framed(rng, _events(rng)))
    return _on_source(rng, name, str(_MODEL))


def _log_directory(rng: random.Random, directory: Path) -> Command:
    log = directory / "logs"
    for _ in range(rng.choice([1, 1, 2, 3])):
        run = log / rng.choice(["", "train", "validation", "a/b", "deep/" * rng.choice([1, 30])])
        run.mkdir(parents=True, exist_ok=True)
        (run / f"events.out.tfevents.{rng.randrange(3)}.host").write_bytes(_framed(rng, _events(rng)))
    if rng.random() < 0.3:
        _put_obstacle(rng, log)
    command = _on_source(rng, "logs", str(_MODEL))
    if rng.random() < 0.3:
        options = rng.choice([("--run", "train"), ("--run", "."), ("--tag", "keras"), ("--tag", ""), ("--run", "x")])
        if command.argv[0] in ("compare", "draw", "snapshot"):
            return Command((*command.argv, *options), command.schema, command.then)
    return command


def _put_obstacle(rng: random.Random, directory: Path) -> None:
    """What is not a regular file, where one is looked for; or a link that leads astray."""
    _put_at(rng, directory / rng.choice(["events.out.tfevents.9.host", "saved_model.pb", "keras_metadata.pb", "sub"]))


def _put_at(rng: random.Random, place: Path) -> None:
    directory = place.parent
    if place.exists():
        place.unlink()
    how = rng.randrange(7)
    if how < 3:
        put_special(place, ("fifo", "socket", "device")[how])
    elif how == 3:
        place.symlink_to(directory)
    elif how == 4:
        place.symlink_to("nowhere")
    elif how == 5:
        place.mkdir()
    else:
        place.symlink_to(place.name)


# --- SavedModels -----------------------------------------------------------------------------------------------------


@cache
def _saved_models() -> Sequence[tuple[bytes, bytes]]:
    names = ["k3_exported", "tf110_saved_model", "tf22_saved_model", "tfk_saved_model", "tfk_subclassed"]
    found = []
    for name in names:
        metadata = FILES / name / "keras_metadata.pb"
        found.append(
            ((FILES / name / "saved_model.pb").read_bytes(), metadata.read_bytes() if metadata.exists() else b"")
        )
    return found


def _saved_model(rng: random.Random, directory: Path) -> Command:
    from google.protobuf import text_format

    from graphdiag.sources.saved_model import _messages

    data, metadata = rng.choice(_saved_models())
    place = directory / "saved"
    place.mkdir()
    saved = _messages()["SavedModel"].FromString(data)
    for _ in range(rng.choice([0, 1, 2])):
        meta = rng.choice(saved.meta_graphs) if saved.meta_graphs else saved.meta_graphs.add()
        how = rng.random()
        if how < 0.4:
            change_graph(rng, meta.graph_def)
        elif how < 0.6 and meta.graph_def.library.function:
            function = rng.choice(meta.graph_def.library.function)
            change_message(rng, function, [node.name for node in function.node_def])
        else:
            change_message(rng, saved, ["serving_default", "serve", *(node.name for node in meta.graph_def.node[:20])])
    how = rng.random()
    if how < 0.15:
        (place / "saved_model.pbtxt").write_bytes(text_format.MessageToString(saved).encode(errors="surrogateescape"))
    else:
        data = saved.SerializeToString()
        (place / "saved_model.pb").write_bytes(flip(rng, data) if how < 0.25 else data)
    if metadata:
        kept = _messages()["SavedMetadata"].FromString(metadata)
        if rng.random() < 0.6 and kept.nodes:
            node = rng.choice(kept.nodes)
            node.metadata = _changed_text(rng, node.metadata)
        if rng.random() < 0.2:
            change_message(rng, kept, ["_tf_keras_model", "root"])
        data = kept.SerializeToString()
        (place / "keras_metadata.pb").write_bytes(flip(rng, data) if rng.random() < 0.1 else data)
    if rng.random() < 0.1:
        _put_obstacle(rng, place)
    return _on_source(rng, "saved", str(_MODEL))


def _changed_text(rng: random.Random, text: str) -> str:
    try:
        changed = json_text(rng, change_json(rng, json.loads(text)))
    except ValueError:
        changed = garble(rng, text)
    return changed.encode(errors="replace").decode()


# --- Keras files -----------------------------------------------------------------------------------------------------


@cache
def _models() -> Sequence[Any]:
    """Keras's JSON of models, of every version that there is a fixture of."""
    files = [*FILES.glob("*.json"), *(file for file in LOGS.glob("*/model.json") if file.stat().st_size < 30_000)]
    return [json.loads(file.read_text()) for file in sorted(files)]


def _changed(rng: random.Random, value: Any) -> bytes:
    """A JSON value with changes, as a file holds it."""
    return json_text(rng, change_json(rng, value)).encode(errors="surrogatepass")


def _keras_json(rng: random.Random, directory: Path) -> Command:
    data = _changed(rng, rng.choice(_models()))
    (directory / "model.json").write_bytes(flip(rng, data) if rng.random() < 0.1 else data)
    return _on_keras(rng, "model.json")


def _on_keras(rng: random.Random, name: str) -> Command:
    if rng.random() < 0.3:
        log = rng.choice(["k3_raw_ops", "keras216_noise_own", "tf22_shared_traced"])
        return Command(("compare", str(LOGS / log), "--model", name, "--format", "json", "-o", "OUT"), "report")
    return _on_source(rng, name)


_COMPRESSIONS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


def _keras_archive(rng: random.Random, directory: Path) -> Command:
    seed = rng.choice(["k3_siamese.keras", "k3_subclassed.keras", "tfk_siamese.keras"])
    with zipfile.ZipFile(FILES / seed) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"]) if rng.random() < 0.5 else rng.choice(_models())
    members["config.json"] = _changed(rng, config)
    if rng.random() < 0.2:
        members["metadata.json"] = _changed(rng, {"keras_version": "3.0"})
    if rng.random() < 0.02:
        members["config.json"] = b'{"a": "' + b" " * 50_000_000 + b'"}'
    if rng.random() < 0.05:
        members["config.json"] = flip(rng, members["config.json"])
    if rng.random() < 0.1:
        members.pop(rng.choice(list(members)))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=rng.choice(_COMPRESSIONS))
    data = packed.getvalue()
    if rng.random() < 0.4:
        data = flip(rng, data)
    if rng.random() < 0.1:
        data = data.replace(b"config.json", rng.choice([b"conf\xffg.json", b"config.jso\x00", b"../conf.jso"]))
    if rng.random() < 0.1:
        data = _with_flags(rng, data)
    (directory / "model.keras").write_bytes(data)
    return _on_keras(rng, "model.keras")


def _with_flags(rng: random.Random, data: bytes) -> bytes:
    """The archive with other flags, methods or sizes in one of its headers."""
    changed = bytearray(data)
    mark, offsets = rng.choice([(b"PK\x03\x04", (6, 8, 18, 22, 26)), (b"PK\x01\x02", (8, 10, 20, 24, 28, 30, 42))])
    at = data.find(mark)
    if at >= 0 and at + 46 < len(changed):
        changed[at + rng.choice(offsets)] = rng.randrange(256)
    return bytes(changed)


def _hdf5(rng: random.Random, directory: Path) -> Command:
    import h5py

    seed = rng.choice(
        ["keras216_siamese.h5", "tf22_siamese.h5", "tfk_siamese.h5", "k3_siamese.h5", "k3_only.weights.h5"]
    )
    file = directory / "model.h5"
    file.write_bytes((FILES / seed).read_bytes())
    if rng.random() < 0.5:
        with h5py.File(file, "r+") as written:
            _change_hdf5(rng, written)
    if rng.random() < 0.6:
        file.write_bytes(flip(rng, file.read_bytes()))
    return _on_keras(rng, "model.h5")


def _change_hdf5(rng: random.Random, file: Any) -> None:
    import h5py
    import numpy as np

    text = _changed(rng, rng.choice(_models())).decode(errors="replace").encode()
    values: list[Any] = [
        text[:60_000],
        text.decode()[:60_000],
        7,
        1.5,
        np.zeros(3),
        np.array([b"a", b"b"]),
        h5py.Empty("f"),
    ]
    values += [np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), file.ref, b"", np.bytes_(b"x" * 100)]
    how = rng.randrange(6)
    try:
        if how < 3:
            file.attrs[rng.choice(["model_config", "model_config", "keras_version"])] = rng.choice(values[:2] + values)
        elif how == 3 and "model_weights" in file:
            group = file["model_weights"]
            group.attrs[rng.choice(["layer_names", "layer_names0"])] = rng.choice(values)
        elif how == 4 and "model_weights" in file:
            group = file["model_weights"]
            name = rng.choice(list(group) or ["x"])
            if name in group:
                del group[name]
            group[name] = rng.choice(
                [np.zeros(3), h5py.SoftLink("/model_weights"), h5py.ExternalLink("/dev/zero", "/a"), group]
            )
        elif "model_weights" in file:
            inside = file["model_weights"]
            for name in list(inside)[:3]:
                inside[name].attrs["weight_names"] = rng.choice(values)
    except (TypeError, ValueError, OSError, RuntimeError):
        # This library does not write everything that it reads.
        return


# --- what graphdiag saves --------------------------------------------------------------------------------------------

_SAVED_OF = ["keras216_noise_shared", "tf110_series_loop", "k3_raw_ops", "keras216_hidden_in_loop", "tfk_in_function"]


@cache
def _saved() -> Mapping[str, Sequence[Any]]:
    """What graphdiag writes of undamaged sources, by schema."""
    found: dict[str, list[Any]] = {"report": [], "snapshot": [], "check": [], "diff": [], "drawn": []}
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        tasks = {}
        for log in _SAVED_OF:
            source = str(LOGS / log)
            model = [f"--model={source}/model.json"] if (LOGS / log / "model.json").exists() else []
            old = [f"--old-model={source}/model.json"] if model else []
            for schema, argv in {
                "report": ["compare", source, *model, "--format", "json"],
                "snapshot": ["snapshot", source, *model],
                "check": ["check", source, *model, "--format", "json"],
                "diff": ["diff", source, *old, *_other_side(not log.startswith("tf110")), "--format", "json"],
                "drawn": ["draw", source, "--format", "json"],
            }.items():
                file = directory / f"{log}.{schema}.json"
                tasks[file] = schema, Task([*argv, "-o", str(file)], name)
        worker = Worker()
        outcomes = list(worker.run([task for _, task in tasks.values()]))
        worker.close()
        for (file, (schema, _)), outcome in zip(tasks.items(), outcomes, strict=True):
            if not file.exists():
                raise RuntimeError(f"no {schema} of an undamaged source: {outcome}")
            found[schema].append(json.loads(file.read_text(encoding="utf-8")))
    return found


def _other_side(with_layers: bool) -> Sequence[str]:
    """What a log is compared with: layers with layers, ops alone with ops alone."""
    if with_layers:
        return [str(LOGS / "k3_raw_ops"), f"--new-model={LOGS / 'k3_raw_ops' / 'model.json'}"]
    return [str(LOGS / "tf110_shared_scope_9545")]


def _saved_file(rng: random.Random, directory: Path, schema: str) -> str:
    name = f"{schema}.json"
    saved = rng.choice(_saved()[schema])
    if rng.random() < 0.2:
        # Documents of earlier versions are read too.
        saved = {**saved, "schema": f"graphdiag.{schema}/1"}
    data = _changed(rng, saved)
    (directory / name).write_bytes(flip(rng, data) if rng.random() < 0.1 else data)
    return name


def _report(rng: random.Random, directory: Path) -> Command:
    name = _saved_file(rng, directory, "report")
    if rng.random() < 0.2:
        return Command(("diff", name, str(_MODEL), "--format", rng.choice(DIFF_FORMATS), "-o", "OUT"))
    if rng.random() < 0.3:
        return Command(("convert", name, "--format", "json", "-o", "OUT"), "report", ("convert", "OUT"))
    return Command(("convert", name, "--format", rng.choice(REPORT_FORMATS), "-o", "OUT"))


def _snapshot(rng: random.Random, directory: Path) -> Command:
    name = _saved_file(rng, directory, "snapshot")
    (directory / "other.json").write_bytes(json.dumps(rng.choice(_saved()["snapshot"])).encode())
    if rng.random() < 0.3:
        return Command(("diff", name, "other.json", "--format", "json", "-o", "OUT"), "diff")
    return Command(("diff", "other.json", name, "--format", rng.choice(DIFF_FORMATS), "-o", "OUT"))


def _other_saved(rng: random.Random, directory: Path) -> Command:
    name = _saved_file(rng, directory, rng.choice(["check", "diff", "drawn"]))
    command = rng.choice([("convert", name), ("compare", name), ("diff", name, str(_MODEL)), ("snapshot", name)])
    return Command((*command, "-o", "OUT"))


_BASELINE = {
    "schema": "graphdiag.baseline/1",
    "accepted": [
        {"model": "one", "code": "GD301", "edges": [["a", "b"], ["b", "c"]], "reason": "known"},
        {"model": "one", "code": "GD109", "culprits": ["MatMul_[1-6]"], "reason": ""},
    ],
}
_CONFIG = """
select = ["GD1", "GD3"]
ignore = ["GD110"]
baseline = "baseline.json"

[severity]
GD101 = "error"
GD109 = "off"

[[models]]
name = "one"
source = "log"
model = "log/model.json"
select = ["GD"]

[[models]]
name = "two"
source = "relu.pb"

[[contracts]]
name = "apart"
type = "independence"
sets = [["shake", "mi?"], ["out"]]
models = ["one"]

[[contracts]]
name = "never"
type = "forbidden"
from = ["out"]
to = ["x", "m*"]
models = ["one"]

[[contracts]]
name = "skip"
type = "required"
edges = [["x", "shake"], ["shake", "mid"]]
models = ["one"]

[[contracts]]
name = "clean"
type = "no-findings"
severity = "warning"
allow_missing_graph = true
"""


def _project(rng: random.Random, directory: Path, config: str, baseline: str) -> Command:
    (directory / "log").symlink_to(LOGS / "keras216_noise_shared")
    (directory / "relu.pb").symlink_to(FILES / "tf110_relu.pb")
    # Verification runs TensorFlow, which has a test of its own.
    data = config.replace("verify", "verity").encode(errors="replace")
    (directory / "graphdiag.toml").write_bytes(flip(rng, data) if rng.random() < 0.1 else data)
    (directory / "baseline.json").write_bytes(baseline.encode(errors="surrogatepass"))
    format_ = rng.choice(CHECK_FORMATS)
    argv = ("check", "--config", "graphdiag.toml", "--format", format_, "-o", "OUT")
    return Command(argv, "check" if format_ == "json" else "")


def _configuration(rng: random.Random, directory: Path) -> Command:
    return _project(rng, directory, garble(rng, _CONFIG), json.dumps(_BASELINE))


def _baseline(rng: random.Random, directory: Path) -> Command:
    # Nearly every change makes it a file that is refused; the others are read.
    text = json_text(rng, change_json(rng, _BASELINE) if rng.random() < 0.7 else _BASELINE)
    command = _project(rng, directory, _CONFIG, garble(rng, text) if rng.random() < 0.2 else text)
    if rng.random() < 0.2:
        _put_at(rng, directory / "baseline.json")
    return command


KINDS = [
    Kind("GraphDef", 16, _graph_def),
    Kind("GraphDef in text format", 8, _graph_text),
    Kind("event file", 14, _event_file),
    Kind("log directory", 10, _log_directory),
    Kind("SavedModel", 5, _saved_model),
    Kind("Keras JSON", 14, _keras_json),
    Kind(".keras archive", 8, _keras_archive),
    Kind("HDF5", 2, _hdf5),
    Kind("saved report", 10, _report),
    Kind("saved snapshot", 8, _snapshot),
    Kind("other saved document", 4, _other_saved),
    Kind("configuration", 6, _configuration),
    Kind("baseline", 4, _baseline),
]
