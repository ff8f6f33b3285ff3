"""Repair as a user meets it: each log of the fixtures under the names of its model, and no bad input half-written."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.types_pb2 import DT_FLOAT

from graphdiag import compare, repair
from graphdiag.errors import GraphdiagError, ModelError, SourceError, UsageError
from graphdiag.graphs.drawn_graph import ROOT
from graphdiag.graphs.op_graph import merge
from graphdiag.repairing.picture import Difference
from graphdiag.repairing.repair import Repair
from graphdiag.repairing.rewriting import INSERTED
from graphdiag.repairing.written_log import EVENT_FILE, NAMES_FILE
from graphdiag.sources.open_source import open_source
from graphdiag.sources.records import read_records
from graphdiag.sources.registry import SourceOptions
from graphdiag.tensorboard import draw
from tests.support.graph_text import LOGS, graph_def

LEGAL = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*")
"""``tensorflow/python/framework/ops.py``."""

NO_OP_GRAPH = {"k3_raw_ops_conceptual", "k3_reference_callback", "tf22_graph_reference", "tfk_reference_callback"}
NO_LAYERS = sorted(path.name for path in LOGS.iterdir() if path.name.startswith(("tf110_", "graphs_of_")))
WITH_MODEL = sorted(path.name for path in LOGS.iterdir() if path.name not in {*NO_OP_GRAPH, *NO_LAYERS})

RECORDED = sorted(
    path.parent.name
    for path in LOGS.glob("*/logical_edges.json")
    # Layers of nested models have their bare names in these files; in k3_raw_ops operations are passed over.
    if not {"siamese", "nested", "sequential", "collide", "models", "raw"} & {*path.parent.name.split("_")}
    and path.parent.name in WITH_MODEL
)

DEPENDENCIES = {
    "k3_masked_attention_training": {("e", "att")},
    "k3_seq2seq_masks_training": {("not_equal", "attention"), ("target_words", "attention")},
    "keras216_closure_over_int": {("count", "loop")},
    "keras216_custom_layer_closure_in_loop": {("x", "looped")},
    "keras216_hidden_beside_learning_phase": {("n", "mix")},
    "keras216_hidden_bool": {("probe_bn", "switched")},
    "keras216_hidden_in_loop": {("scale_source", "looped")},
    "keras216_hidden_tensor": {("gate", "gated")},
    "keras216_hidden_two_hops": {("state", "scaled"), ("state", "shifted")},
    "keras216_lambda_closes_over_bool": {("x", "switched")},
    "keras216_lambda_closes_over_tensor": {("x", "gated")},
    "keras216_mask_bidirectional": {("mask", "bi2")},
    "keras216_weight_tying": {("enc", "tied")},
    "tfkeras110_hidden_bool": {("probe_bn", "switched")},
    "tfkeras110_masks_merge": {("td", "r2")},
}
"""What the layer after really depends on though Keras has no such edge: hidden tensors, weights and masks."""

EXTRA = {
    "keras216_control_only": {("checked", "waits")},
    "keras216_shape_only": {("down", "resize_like")},
    "keras216_shape_only_dynamic": {("down", "up_like_down"), ("img", "up_like_img")},
}
"""Artifacts that no name can take away: a layer waits for an op of another, or takes the shape of its output."""

MISSING = {"keras216_hidden_assign": {("writer", "reader")}}
"""A dependency through a variable of no layer: no op of the reader takes anything of the writer."""


@cache
def repaired(name: str, group: str = "none", keep_functions: bool = False) -> Repair:
    return repair(LOGS / name, model=model_of(name), group=group, keep_functions=keep_functions)


def model_of(name: str) -> Path | None:
    """The JSON beside a log; ``None`` where it is in the log."""
    path = LOGS / name / "model.json"
    return path if path.exists() else None


@cache
def nodes(name: str) -> list:
    """The ops of a log, read without graphdiag's analysis; those of several graphs as TensorBoard names them."""
    ops = merge(open_source(LOGS / name, SourceOptions()).graph_defs)
    return list(zip(ops.names, ops.node_defs, strict=True))


def in_layers(edges):
    """Edges at the level where their ends part: ``a/b`` to ``a/c``, or ``a`` to ``d``."""
    for source, target in edges:
        for left, right in zip(scopes(source), scopes(target), strict=False):
            if left != right:
                yield left, right
                break


def scopes(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]


def drawn_edges(graph: GraphDef, layers) -> Iterator[tuple[str, str]]:
    """What TensorBoard draws between the boxes that are called as the layers and models, at all levels."""
    drawn = draw([graph])
    boxes = {scope for layer in layers for scope in scopes(layer)}
    for parent in [ROOT, *boxes]:
        for edge in drawn.edges(parent) if parent in drawn else ():
            if edge.source in boxes and edge.target in boxes:
                yield edge.source, edge.target


@pytest.mark.parametrize("name", WITH_MODEL)
def test_the_picture_is_the_model(name):
    result = repaired(name)
    wanted = {*in_layers(result.layers.edges)} | DEPENDENCIES.get(name, set())
    found = set(drawn_edges(result.graph_def, result.layers.layers))
    assert found - wanted == EXTRA.get(name, set())
    assert wanted - found == set()
    # What graphdiag says of its picture is what can be seen.
    told = {(edge.source, edge.target, edge.difference) for edge in result.picture.differences}
    assert told == {(*edge, Difference.EXTRA) for edge in EXTRA.get(name, ())} | {
        (*edge, Difference.MISSING) for edge in MISSING.get(name, ())
    }
    assert all(edge.reason for edge in result.picture.differences)
    edges = {edge for edge in result.layers.edges if edge[0] != edge[1]}
    assert result.picture.edges == len(edges | DEPENDENCIES.get(name, set()))


@pytest.mark.parametrize("name", RECORDED)
def test_the_picture_is_what_keras_recorded_while_the_model_lived(name):
    recorded = {tuple(edge) for edge in json.loads((LOGS / name / "logical_edges.json").read_text())}
    result = repaired(name)
    found = set(drawn_edges(result.graph_def, result.layers.layers))
    assert {*in_layers(recorded)} == found - DEPENDENCIES.get(name, set()) - EXTRA.get(name, set())


@pytest.mark.parametrize("name", WITH_MODEL)
def test_the_names_are_legal_and_every_op_is_there_once(name):
    result = repaired(name, group="auto")
    new = [node.name for node in result.graph_def.node]
    assert len(set(new)) == len(new)
    assert [text for text in new if not LEGAL.fullmatch(text)] == []
    inserted = {node.name for node in result.graph_def.node if INSERTED in node.attr}
    assert inserted == set(result.inserted)
    assert {result.names[old] for old in result.names} == set(new) - inserted
    types = Counter(node.op for node in result.graph_def.node if node.name not in inserted)
    if not result.inlined:
        assert list(result.names) == [old for old, _ in nodes(name)]
        assert types == Counter(node.op for _, node in nodes(name))
    inputs = {text.removeprefix("^").partition(":")[0] for node in result.graph_def.node for text in node.input}
    assert inputs <= set(new)


@pytest.mark.parametrize("name", WITH_MODEL)
def test_what_is_shared_leads_from_no_layer_to_another(name):
    result = repaired(name)
    drawn = draw([result.graph_def])
    shared = {"shared", "random", "other"} - {scopes(layer)[0] for layer in result.layers.layers}
    edges = [(edge.source, edge.target) for edge in drawn.edges(ROOT) if edge.regular]
    top = {scopes(layer)[0] for layer in result.layers.layers}
    takes = {target for source, target in edges if source in top and target in shared}
    gives = {source for source, target in edges if source in shared and target in top}
    assert takes & gives == set()


@pytest.mark.parametrize("name", sorted({*WITH_MODEL} - MISSING.keys()))
def test_a_repaired_log_is_repaired_as_it_is(name, tmp_path):
    first = repair(LOGS / name, tmp_path / "first", model=model_of(name), group="none")
    second = repair(tmp_path / "first", tmp_path / "second", model=model_of(name) or LOGS / name, group="none")
    layers = first.layers.layers
    assert set(drawn_edges(second.graph_def, layers)) == set(drawn_edges(first.graph_def, layers))


@pytest.mark.parametrize("name", sorted(NO_OP_GRAPH))
def test_a_log_without_an_op_graph_gets_the_conceptual_graph(name, tmp_path):
    result = repair(LOGS / name, tmp_path, model=model_of(name))
    assert result.graph_def is None
    assert result.picture is None
    assert (tmp_path / EVENT_FILE).exists()


# --- variables, stand-ins, roles -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["k3_reference_training", "tfk_reference_training", "keras216_reference_fit"])
def test_variables_are_in_the_box_of_their_layer(name):
    result = repaired(name)
    top = set(result.layers.layers)
    wrong = [
        node.name
        for node in result.graph_def.node
        if node.op in ("VarHandleOp", "VariableV2", "ReadVariableOp")
        and any(layer in node.name for layer in top)
        and node.name.split("/")[0] not in top | {"training", "gradients"}
    ]
    assert wrong == []


def test_captured_handles_have_the_variables_place():
    result = repaired("k3_reference_training")
    handles = {old: new for old, new in result.names.items() if old.endswith("_resource")}
    assert handles
    for old, new in handles.items():
        box = new.split("/")[0]
        assert box in result.layers.layers
        assert f"_{box}_" in old


def test_layers_that_hand_on_their_input_get_a_marked_identity():
    result = repaired("k3_augmentation_inference")
    inserted = [node for node in result.graph_def.node if INSERTED in node.attr]
    assert len(inserted) == 8
    for node in inserted:
        assert node.op == "Identity"
        assert len(node.input) == 1
        assert node.attr["T"].type
        assert node.name.split("/")[0] in result.layers.layers


def test_what_serves_training_is_in_a_box_a_role():
    result = repaired("keras216_reference_fit")
    boxes = {node.name.split("/")[0] for node in result.graph_def.node}
    assert boxes - set(result.layers.layers) == {"initialization", "keras_learning_phase", "loss", "shared", "training"}


def test_the_metrics_of_a_train_step_are_in_a_box_and_feed_no_layer():
    result = repaired("k3_reference_train")
    layers = set(result.layers.layers)
    boxes = {node.name.split("/")[0] for node in result.graph_def.node}
    assert boxes - layers == {"NoOp", "gradients", "loss", "metrics", "other", "training"}
    # The mean of the loss, as Keras 3 keeps it, at the root of its trace.
    for name in ("add_readvariableop_resource", "AssignVariableOp", "div_no_nan", "identity_RetVal"):
        assert result.names[f"graph_2/{name}"].split("/")[0] == "metrics"
    edges = draw([result.graph_def]).edges(ROOT)
    assert [edge for edge in edges if edge.regular and edge.source not in layers and edge.target in layers] == []


def test_no_box_but_the_layers_where_nothing_is_shared():
    result = repaired("k3_reference_training")
    boxes = {node.name.split("/")[0] for node in result.graph_def.node}
    assert boxes - set(result.layers.layers) == {"NoOp"}


@pytest.mark.parametrize(
    ("name", "strange"),
    [
        ("keras216_dead_layer", ("never_used", "never_bn")),
        ("keras216_two_models_same_names", ("h_1", "bn_1", "drop_1", "out_1")),
    ],
)
def test_what_the_model_does_not_have_is_in_one_box_under_its_old_names(name, strange):
    result = repaired(name)
    drawn = draw([result.graph_def])
    old = {scope: [op for op in result.names if op.startswith(f"{scope}/")] for scope in strange}
    assert all(old.values())
    boxes = {result.names[op].split("/")[0] for ops in old.values() for op in ops}
    assert boxes <= {"unused", "initialization", "keras_learning_phase", "shared"}
    for scope, ops in old.items():
        computing = [op for op in ops if result.names[op].split("/")[0] == "unused"]
        assert computing
        assert all(result.names[op].startswith(f"unused/{op}") for op in computing), scope
    assert [edge.target for edge in drawn.edges(ROOT) if edge.source == "unused"] == ["initialization"]


def test_a_train_step_takes_its_inputs_from_an_iterator(tmp_path):
    # TF 2.0 to 2.4 trace no op for an input: what the iterator gives goes to the first layer as it is.
    graph = graph_def("""
        it Handle
        IteratorGetNext IteratorGetNext it
        d0/Relu Relu IteratorGetNext
        d1/Relu Relu d0/Relu
        """)
    graph.node[1].attr["output_types"].list.type.append(DT_FLOAT)
    path, model = source(tmp_path, graph, keras_json(["d0", "d1"]))
    result = repair(path, model=model)
    assert list(result.picture.differences) == []
    [inserted] = result.inserted
    assert inserted.startswith("in/")
    by_name = {node.name: node for node in result.graph_def.node}
    assert by_name[inserted].attr["T"].type == DT_FLOAT
    assert list(by_name[inserted].input) == [result.names["IteratorGetNext"]]
    assert list(by_name[result.names["d0/Relu"]].input) == [inserted]
    assert result.names["IteratorGetNext"].split("/")[0] == "data"


def test_what_a_function_gives_back_after_all_updates_is_in_no_layers_box(tmp_path):
    # A function of TensorFlow 2.2 gives its result back when all variables are written.
    graph = graph_def("""
        in Feed
        d0/Relu Relu in
        d0/Update Assert d0/Relu
        d1/Relu Relu d0/Relu
        d2/Relu Relu d1/Relu
        Identity Identity d2/Relu ^d0/Update
        Result _Retval Identity
        """)
    path, model = source(tmp_path, graph, keras_json(["d0", "d1", "d2"]))
    result = repair(path, model=model)
    assert list(result.picture.differences) == []
    assert {result.names["Identity"], result.names["Result"]} == {"outputs/Identity", "outputs/Result"}
    one = graph_def("in Feed\nd0/Relu Relu in\nIdentity Identity d0/Relu\nResult _Retval Identity")
    path, model = source(tmp_path, one, keras_json(["d0"]))
    assert repair(path, model=model).names["Result"] == "d0/Result"


# --- functions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["k3_in_function", "tfk_in_function"])
def test_a_function_that_hides_layers_is_put_in_the_place_of_its_call(name):
    result, kept = repaired(name), repaired(name, keep_functions=True)
    assert result.inlined == 1
    assert not [node for node in result.graph_def.node if "Call" in node.op]
    assert not result.graph_def.library.function
    assert kept.inlined == 0
    assert [node.op for node in kept.graph_def.node if "Call" in node.op] == ["StatefulPartitionedCall"]
    assert {function.signature.name for function in kept.graph_def.library.function}
    assert len(kept.picture.differences) == 3
    for edge in kept.picture.differences:
        assert edge.difference is Difference.MISSING
        assert "has no op in this graph" in edge.reason
    assert list(kept.inserted) == []


# --- grouping --------------------------------------------------------------------------------------------------------


def chain(count: int) -> tuple[GraphDef, dict]:
    """A model of many layers, and the JSON of it."""
    text = ["in Feed", *(f"d{n}/Relu Relu {'in' if n == 0 else f'd{n - 1}/Relu'}" for n in range(count))]
    graph = graph_def("\n".join(text))
    for node in graph.node:
        if node.op == "Relu":
            node.attr["T"].type = DT_FLOAT
    return graph, keras_json([f"d{n}" for n in range(count)])


def keras_json(names: list[str]) -> dict:
    """A chain of layers as Keras 2 writes it."""
    layers = [{"class_name": "InputLayer", "name": "in", "config": {"name": "in"}, "inbound_nodes": []}]
    before = "in"
    for name in names:
        nodes = [[[before, 0, 0, {}]]]
        layers.append({"class_name": "Activation", "name": name, "config": {"name": name}, "inbound_nodes": nodes})
        before = name
    config = {"name": "m", "layers": layers, "input_layers": [["in", 0, 0]], "output_layers": [[before, 0, 0]]}
    return {"class_name": "Model", "config": config, "keras_version": "2.1.6", "backend": "tensorflow"}


def source(tmp_path: Path, graph: GraphDef, document: dict) -> tuple[Path, Path]:
    path, model = tmp_path / "graph.pb", tmp_path / "model.json"
    path.write_bytes(graph.SerializeToString())
    model.write_text(json.dumps(document))
    return path, model


def test_a_large_model_is_put_into_blocks_unless_one_box_a_layer_is_wanted(tmp_path):
    path, model = source(tmp_path, *chain(100))
    grouped, alone = repair(path, model=model), repair(path, model=model, group="none")
    assert grouped.picture.boxes <= 35
    assert alone.picture.boxes == 101
    for result in (grouped, alone):
        assert list(result.picture.differences) == []
        assert set(result.names) == {"in", *(f"d{n}/Relu" for n in range(100))}
    with pytest.raises(UsageError, match="some"):
        repair(path, model=model, group="some")


# --- names -----------------------------------------------------------------------------------------------------------

HOSTILE = [
    "two words",
    "a#b",
    "größe",
    "grösse",
    "_hidden",
    "-dash",
    "..",
    "a//b",
    "/a",
    "a/",
    "层",
    "x" * 3000,
    "__proto__",
    "constructor",
    "__root__",
    "__function_library__",
    "gradients",
    "shared",
    "^control",
    "out:1",
    "<b>",
    "line\nfeed",
    "in_1",
]


def test_hostile_names_become_legal_ones_and_stay_apart(tmp_path):
    # What is in a file has a scope that TensorFlow could not have made of these names; so the ops are taken for the
    # layer's by their place, or by nothing: all the same the names are legal, and every op is there once.
    names = HOSTILE
    graph = GraphDef()
    feed = graph_def("in Feed").node[0]
    graph.node.add().CopyFrom(feed)
    before = "in"
    for name in names:
        node = graph.node.add(name=f"{name}/Relu", op="Relu", input=[before])
        node.attr["T"].type = DT_FLOAT
        before = node.name
    path, model = source(tmp_path, graph, keras_json(names))
    result = repair(path, tmp_path / "log", model=model)
    new = [node.name for node in result.graph_def.node]
    assert len(set(new)) == len(new) == len(names) + 1 + len(result.inserted)
    assert [text for text in new if not LEGAL.fullmatch(text)] == []
    document = json.loads((tmp_path / "log" / NAMES_FILE).read_text())
    assert set(document["names"]) == {"in", *(f"{name}/Relu" for name in names)}


def test_a_name_that_names_no_op_names_none_afterwards(tmp_path):
    # The new name of d0/Relu would be what an op takes that is not in the graph.
    graph = graph_def("""
        in Feed
        outer/d0/Relu Relu in
        outer/d1/Relu Relu outer/d0/Relu
        """)
    graph.node[2].input.insert(0, "d0/Relu:0")
    path, model = source(tmp_path, graph, keras_json(["d0", "d1"]))
    result = repair(path, model=model)
    last = result.graph_def.node[2]
    names = {node.name for node in result.graph_def.node}
    assert last.input[0] == "d0/Relu:0"
    assert "d0/Relu" not in names
    assert last.input[1] == result.names["outer/d0/Relu"]


def test_an_attribute_that_is_not_a_number_is_the_same_afterwards(tmp_path):
    graph, document = chain(2)
    graph.node[1].attr["alpha"].f = float("nan")
    path, model = source(tmp_path, graph, document)
    assert repr(repair(path, model=model).graph_def.node[1].attr["alpha"].f) == "nan"


# --- what is written -------------------------------------------------------------------------------------------------


def written(log: Path) -> list[Event]:
    return [Event.FromString(data) for data in read_records(log / EVENT_FILE, lambda _: None)]


def test_the_log_holds_the_graph_and_the_names(graphdiag, tmp_path):
    log = LOGS / "keras216_reference"
    done = graphdiag("repair", log, "--model", log / "model.json", "-o", tmp_path / "a" / "b")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == [EVENT_FILE, NAMES_FILE]
    [graph] = [event.graph_def for event in written(tmp_path / "a" / "b") if event.WhichOneof("what") == "graph_def"]
    document = json.loads((tmp_path / "a" / "b" / NAMES_FILE).read_text())
    assert document["schema"] == "graphdiag.names/1"
    assert set(document["names"].values()) == {node.name for node in GraphDef.FromString(graph).node}
    assert set(document["names"]) == {name for name, _ in nodes("keras216_reference")}
    assert "27 edges" in done.stdout
    assert compare(tmp_path / "a" / "b", model=log / "model.json").summary.artifact == 0


def test_a_second_repair_replaces_the_first(tmp_path):
    log = LOGS / "k3_in_function"
    repair(log, tmp_path, model=log / "model.json")
    repair(LOGS / "k3_dead_layer_training", tmp_path, model=LOGS / "k3_dead_layer_training" / "model.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == [EVENT_FILE, NAMES_FILE]
    second = repaired("k3_dead_layer_training", group="auto")
    assert json.loads((tmp_path / NAMES_FILE).read_text())["names"] == second.names


def test_a_dry_run_writes_nothing(graphdiag, tmp_path):
    log = LOGS / "keras216_reference"
    done = graphdiag("repair", log, "--model", log / "model.json", "--dry-run", "-o", tmp_path / "out")
    assert done.returncode == 0
    assert "Written" not in done.stdout
    assert "27 edges" in done.stdout
    assert list(tmp_path.iterdir()) == []
    assert graphdiag("repair", log, "--model", log / "model.json", "--dry-run", cwd=tmp_path).returncode == 0
    assert list(tmp_path.iterdir()) == []


def log_with_scalars(tmp_path: Path) -> Path:
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    log = tmp_path / "log"
    writer = EventFileWriter(str(log))
    graph = (LOGS / "k3_dead_layer_training").glob("*tfevents*")
    for data in read_records(next(graph), lambda _: None):
        writer.add_event(Event.FromString(data))
    for step in range(3):
        event = Event(step=step)
        event.summary.value.add(tag="loss", simple_value=step)
        writer.add_event(event)
    writer.close()
    return log


@pytest.mark.parametrize("with_events", [True, False])
def test_scalars_are_copied_when_asked_for(with_events, tmp_path):
    log = log_with_scalars(tmp_path)
    model = LOGS / "k3_dead_layer_training" / "model.json"
    result = repair(log, tmp_path / "out", model=model, with_events=with_events)
    events = written(tmp_path / "out")
    scalars = [
        (event.step, value.simple_value) for event in events for value in event.summary.value if value.tag == "loss"
    ]
    assert scalars == ([(0, 0.0), (1, 1.0), (2, 2.0)] if with_events else [])
    # The old graph is not among them.
    graphs = [event.graph_def for event in events if event.WhichOneof("what") == "graph_def"]
    assert graphs == [result.graph_def.SerializeToString()]
    assert not [value for event in events for value in event.summary.value if "run_metadata" in str(value.metadata)]


def test_a_model_file_has_its_layers_drawn_and_no_ops(graphdiag, tmp_path):
    _, model = source(tmp_path, *chain(2))
    done = graphdiag("repair", model, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "There is no op graph to repair.\nconceptual graph: 3 boxes for the model's 2 edges\n" in done.stdout
    assert "give a Python file that builds or loads the model" in done.stdout
    assert not [event for event in written(tmp_path / "out") if event.WhichOneof("what") == "graph_def"]


def test_events_can_be_copied_from_logs_only(graphdiag, tmp_path):
    path, model = source(tmp_path, *chain(2))
    done = graphdiag("repair", path, "--model", model, "--with-events", "-o", tmp_path / "out")
    assert_one_line(done, "--with-events")
    assert not (tmp_path / "out").exists()


# --- what cannot be done ---------------------------------------------------------------------------------------------


def assert_one_line(done, *words):
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    [line] = done.stderr.strip().splitlines()
    assert line.startswith("graphdiag: ")
    for word in words:
        assert word in line


@pytest.mark.parametrize("name", NO_LAYERS)
def test_a_source_without_a_layer_graph(name):
    with pytest.raises(ModelError, match="no layer graph"):
        repair(LOGS / name)


def test_the_command_says_so_in_one_line(graphdiag, tmp_path):
    assert_one_line(graphdiag("repair", LOGS / "tf110_series_loop", "-o", tmp_path / "out"), "--model")
    assert_one_line(graphdiag("repair", LOGS / "keras216_reference"), "-o", "--dry-run")
    assert_one_line(graphdiag("repair", tmp_path / "absent", "-o", tmp_path / "out"))
    assert list(tmp_path.iterdir()) == []


def test_a_directory_with_other_event_files_is_refused(graphdiag, tmp_path):
    log = log_with_scalars(tmp_path)
    before = {path.name: path.read_bytes() for path in log.iterdir()}
    model = LOGS / "k3_dead_layer_training" / "model.json"
    assert_one_line(graphdiag("repair", log, "--model", model, "-o", log), "event files")
    assert {path.name: path.read_bytes() for path in log.iterdir()} == before


def test_a_file_of_the_users_is_not_replaced(graphdiag, tmp_path):
    (tmp_path / NAMES_FILE).write_text('["Ann", "Bob"]')
    log = LOGS / "k3_dead_layer_training"
    assert_one_line(graphdiag("repair", log, "--model", log / "model.json", "-o", tmp_path), NAMES_FILE)
    assert [path.name for path in tmp_path.iterdir()] == [NAMES_FILE]
    assert (tmp_path / NAMES_FILE).read_text() == '["Ann", "Bob"]'


@pytest.mark.skipif(os.geteuid() == 0 and not os.access("/proc/self", os.R_OK), reason="needs /proc")
def test_an_unwritable_place_is_left_as_it_was(graphdiag, tmp_path):
    log = LOGS / "k3_dead_layer_training"
    (tmp_path / "file").write_text("kept")
    for place in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/self/graphdiag"), tmp_path / ("n" * 300)):
        assert_one_line(graphdiag("repair", log, "--model", log / "model.json", "-o", place))
    (tmp_path / "deep" / EVENT_FILE).mkdir(parents=True)
    assert_one_line(graphdiag("repair", log, "--model", log / "model.json", "-o", tmp_path / "deep"))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["deep", EVENT_FILE, "file"]
    assert (tmp_path / "file").read_text() == "kept"


# --- damaged graphs --------------------------------------------------------------------------------------------------


def test_an_empty_graph(tmp_path):
    log = tmp_path / "log"
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(log))
    writer.add_event(Event(graph_def=GraphDef().SerializeToString()))
    writer.close()
    result = repair(log, tmp_path / "out", model=LOGS / "k3_dead_layer_training" / "model.json")
    assert result.graph_def is None


def test_two_ops_of_one_name(tmp_path):
    graph, document = chain(3)
    graph.node.add().CopyFrom(graph.node[1])
    path, model = source(tmp_path, graph, document)
    with pytest.raises(SourceError, match="two ops are called d0/Relu"):
        repair(path, tmp_path / "out", model=model)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "inputs",
    [
        ["d1/Relu"],
        ["d1/Relu", "d1/Relu:1"],
        ["d2/Relu"],
        ["^d2/Relu"],
        ["nowhere", "d0/Relu", "^nowhere"],
        ["d0/Relu:7"],
    ],
    ids=["itself", "itself twice", "a loop", "a control loop", "nothing", "no such output"],
)
def test_damaged_inputs_stay_as_they_are(inputs, tmp_path):
    graph, document = chain(3)
    del graph.node[2].input[:]
    graph.node[2].input.extend(inputs)
    path, model = source(tmp_path, graph, document)
    result = repair(path, model=model)
    new = result.names
    by_name = {node.name: node for node in result.graph_def.node}

    def moved(text: str) -> str:
        name, colon, slot = text.removeprefix("^").partition(":")
        return ("^" if text.startswith("^") else "") + new.get(name, name) + colon + slot

    assert list(by_name[new["d1/Relu"]].input) == [moved(text) for text in inputs]


def test_a_call_that_takes_its_own_result(tmp_path):
    graph = GraphDef()
    opened = open_source(LOGS / "k3_in_function", SourceOptions())
    graph.CopyFrom(opened.graph_defs[0])
    [call] = [node for node in graph.node if "Call" in node.op]
    [function] = graph.library.function
    function.ret[function.signature.output_arg[0].name] = function.signature.input_arg[0].name
    call.input[0] = call.name
    (tmp_path / "graph.pb").write_bytes(graph.SerializeToString())
    with pytest.raises(SourceError, match="takes its own output"):
        repair(tmp_path / "graph.pb", model=LOGS / "k3_in_function" / "model.json")


def test_the_graphs_of_one_trace_are_one_graph_in_the_new_log(tmp_path):
    name = "k3_reference_train"
    assert len(open_source(LOGS / name, SourceOptions()).graph_defs) == 2
    repair(LOGS / name, tmp_path, model=model_of(name))
    [graph] = open_source(tmp_path, SourceOptions()).graph_defs
    assert len(graph.node) >= len(nodes(name))


def test_every_error_is_graphdiags_own(tmp_path):
    path, model = source(tmp_path, *chain(2))
    model.write_text("{}")
    with pytest.raises(GraphdiagError):
        repair(path, tmp_path / "out", model=model)
    assert not (tmp_path / "out").exists()
