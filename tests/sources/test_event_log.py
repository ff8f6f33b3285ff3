from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from tensorboard.compat.proto.event_pb2 import Event

from graphdiag import compare, repair
from graphdiag.errors import SourceError, UsageError
from graphdiag.sources.event_log import open_event_log
from graphdiag.sources.opened import Opened
from tests.sources.event_files import (
    LOGS,
    graph,
    keras,
    meta_graph,
    put_special,
    run_graph,
    scalar,
    trace,
    write_log,
)

FILE = "events.out.tfevents.1.host"


def model(name: str) -> str:
    layer = {"class_name": "Dense", "config": {"name": f"{name}_dense"}}
    return json.dumps({"class_name": "Sequential", "config": {"name": name, "layers": [layer]}})


def ops(opened: Opened) -> list[list[str]]:
    return [[node.name for node in graph_def.node] for graph_def in opened.graph_defs]


# What each log of the museum holds: tag of the op graph, ops of each of its graphs, layer edges of its Keras model.
MUSEUM = {
    "k3_raw_ops": ("raw_ops", [24], None),
    "k3_reference_callback": ("", [], 27),
    "k3_reference_train": ("reference+train", [3, 2729], None),
    "k3_reference_training": ("reference+training", [481], None),
    "keras216_reference": ("", [1285], None),
    "keras216_reference_fit": ("", [4527], None),
    "tf110_mnist_171": ("", [319], None),
    "tf22_graph_reference": ("", [0], 27),
    "tf22_reference": ("", [417], 27),
    "tf22_tb3118": ("", [631], 14),
    "tfk_nested": ("nested", [40], None),
    "tfk_reference_callback": ("", [], 27),
}


@pytest.mark.parametrize("name", MUSEUM)
def test_logs_of_real_stacks(name: str) -> None:
    tag, sizes, edges = MUSEUM[name]
    opened = open_event_log(LOGS / name)
    assert (opened.origin.kind, opened.origin.run, opened.origin.tag) == ("event_log", ".", tag)
    assert [len(graph_def.node) for graph_def in opened.graph_defs] == sizes
    assert opened.has_op_graph == bool(sizes)
    assert (opened.layer_graph is not None and len(opened.layer_graph.edges)) == (edges or False)
    assert (opened.keras_json is not None) == (edges is not None)


def test_a_directory_and_the_event_file_in_it_open_alike() -> None:
    (file,) = (LOGS / "tf22_reference").glob("*tfevents*")
    from_file, from_directory = open_event_log(file), open_event_log(LOGS / "tf22_reference")
    assert from_file.graph_defs == from_directory.graph_defs
    assert from_file.layer_graph == from_directory.layer_graph
    assert from_file.origin.run == "."


def test_the_stack_is_told_from_the_producer_and_the_keras_version() -> None:
    assert open_event_log(LOGS / "tf22_reference").origin.stack == (
        "Keras 2.3.0-tf, GraphDef producer 175 (as of TensorFlow 2.2)"
    )
    assert "26 (as of TensorFlow 1.10)" in open_event_log(LOGS / "keras216_reference").origin.stack


def test_runs_are_named_as_tensorboard_names_them_and_the_error_lists_them(tmp_path: Path) -> None:
    write_log(tmp_path / FILE, [run_graph(graph("top"))])
    write_log(tmp_path / "a" / "train" / FILE, [run_graph(graph("deep"))])
    write_log(tmp_path / "b" / FILE, [scalar("loss")])
    with pytest.raises(UsageError, match="--run and --tag") as caught:
        open_event_log(tmp_path)
    assert "run '.'" in str(caught.value)
    assert "run 'a/train'" in str(caught.value)
    assert "'b'" not in str(caught.value)
    assert ops(open_event_log(tmp_path, run=".")) == [["top"]]
    assert ops(open_event_log(tmp_path, run="a/train")) == [["deep"]]


def test_an_unknown_run_or_tag_is_a_usage_error_that_lists_the_known_ones(tmp_path: Path) -> None:
    write_log(tmp_path / "a" / FILE, [trace("step", graph("x"))])
    write_log(tmp_path / "b" / FILE, [scalar("loss")])
    with pytest.raises(UsageError, match="no run 'c'; its runs are 'a'; 'b'"):
        open_event_log(tmp_path, run="c")
    with pytest.raises(UsageError, match="no graph with the tag 'other'; it has run 'a', tag 'step'"):
        open_event_log(tmp_path, tag="other")
    with pytest.raises(UsageError, match="run 'b' holds no graph; these do: run 'a', tag 'step'"):
        open_event_log(tmp_path, run="b")


def test_several_tags_of_one_run_must_be_chosen_from(tmp_path: Path) -> None:
    write_log(
        tmp_path / FILE,
        [run_graph(graph("own")), trace("one", graph("x")), trace("two", graph("y"), plugin="graph_run_metadata")],
    )
    with pytest.raises(UsageError, match=r"own graph \(tag ''\); run '.', tag 'one'; run '.', tag 'two'"):
        open_event_log(tmp_path)
    assert ops(open_event_log(tmp_path, tag="two")) == [["y"]]
    assert ops(open_event_log(tmp_path, tag="")) == [["own"]]


def test_a_trace_of_several_functions_gives_a_graph_for_each(tmp_path: Path) -> None:
    write_log(tmp_path / FILE, [trace("step", graph("a"), graph("b", "c"))])
    assert ops(open_event_log(tmp_path)) == [["a"], ["b", "c"]]


def test_the_newest_of_several_writings_wins_with_a_note(tmp_path: Path) -> None:
    write_log(tmp_path / "events.out.tfevents.1.host", [trace("step", graph("old")), trace("step", graph("older"))])
    write_log(tmp_path / "events.out.tfevents.2.host", [trace("step", graph("new"))])
    opened = open_event_log(tmp_path)
    assert ops(opened) == [["new"]]
    assert opened.notes == ("The op graph of run '.', tag 'step' was written 3 times; the newest is taken.",)


def test_a_later_writing_without_its_plugin_is_still_the_newest(tmp_path: Path) -> None:
    later = trace("step", graph("new"))
    later.summary.value[0].ClearField("metadata")
    write_log(tmp_path / FILE, [trace("step", graph("old")), later])
    assert ops(open_event_log(tmp_path)) == [["new"]]


def test_a_meta_graph_stands_in_only_where_there_is_no_graph(tmp_path: Path) -> None:
    write_log(tmp_path / "both" / FILE, [run_graph(graph("graph")), meta_graph(graph("meta"))])
    write_log(tmp_path / "meta" / FILE, [meta_graph(graph("meta"))])
    assert ops(open_event_log(tmp_path / "both")) == [["graph"]]
    alone = open_event_log(tmp_path / "meta")
    assert ops(alone) == [["meta"]]
    assert "part of a meta graph, which TensorBoard 2.21 does not draw" in alone.notes[0]


def test_an_empty_run_graph_gives_way_to_a_trace(tmp_path: Path) -> None:
    write_log(tmp_path / FILE, [run_graph(graph()), trace("step", graph("x"))])
    opened = open_event_log(tmp_path)
    assert (opened.origin.tag, ops(opened)) == ("step", [["x"]])
    assert "passed over, because empty: run '.', the run's own graph" in opened.notes[0]


def test_an_empty_op_graph_alone_is_an_op_graph(tmp_path: Path) -> None:
    write_log(tmp_path / FILE, [run_graph(graph())])
    opened = open_event_log(tmp_path)
    assert (opened.has_op_graph, ops(opened), opened.notes) == (True, [[]], ())


def test_a_keras_model_alone_opens_with_a_note(tmp_path: Path) -> None:
    write_log(tmp_path / "train" / FILE, [keras(model("m"))])
    opened = open_event_log(tmp_path)
    assert not opened.has_op_graph
    assert opened.origin.run == "train"
    assert opened.layer_graph is not None
    assert opened.layer_graph.edges == (("m_dense_input", "m_dense"),)
    assert opened.notes == ("The log holds no op graph, only a Keras model.",)


def test_the_keras_model_comes_from_the_op_graphs_run_first(tmp_path: Path) -> None:
    write_log(tmp_path / "train" / FILE, [run_graph(graph("x")), keras(model("own"))])
    write_log(tmp_path / "validation" / FILE, [keras(model("other"))])
    opened = open_event_log(tmp_path)
    assert opened.layer_graph is not None
    assert opened.layer_graph.model_name == "own"
    assert opened.notes == ()


def test_a_keras_model_of_a_sibling_run_is_used_with_a_note(tmp_path: Path) -> None:
    write_log(tmp_path / "train" / FILE, [keras(model("m"))])
    write_log(tmp_path / "validation" / FILE, [run_graph(graph("x"))])
    opened = open_event_log(tmp_path)
    assert opened.origin.run == "validation"
    assert opened.layer_graph is not None
    assert "run 'train', tag 'keras'" in opened.model_notes[0]
    assert open_event_log(tmp_path, run="validation").layer_graph == opened.layer_graph


def test_several_sibling_keras_models_are_not_guessed_among(tmp_path: Path) -> None:
    write_log(tmp_path / "a" / FILE, [keras(model("first"), tag="one")])
    write_log(tmp_path / "b" / FILE, [keras(model("second"), tag="two")])
    write_log(tmp_path / "c" / FILE, [run_graph(graph("x"))])
    opened = open_event_log(tmp_path)
    assert opened.layer_graph is None
    assert "run 'a', tag 'one'; run 'b', tag 'two'" in opened.model_notes[0]
    chosen = open_event_log(tmp_path, tag="two").layer_graph
    assert chosen is not None
    assert chosen.model_name == "second"


def test_what_is_said_of_the_models_of_a_log_is_not_said_where_another_is_given(tmp_path: Path) -> None:
    log = LOGS / "keras216_reference"
    shutil.copytree(log, tmp_path / "run")
    for name in ("one", "two"):
        write_log(tmp_path / name / FILE, [keras(model(name))])
    assert any("none was taken" in note for note in compare(tmp_path).notes)
    for result in (compare(tmp_path, model=log / "model.json"), repair(tmp_path, model=log / "model.json")):
        assert result.notes == ()


def test_several_keras_models_and_no_op_graph_must_be_chosen_from(tmp_path: Path) -> None:
    write_log(tmp_path / "a" / FILE, [keras(model("first"))])
    write_log(tmp_path / "b" / FILE, [keras(model("second"))])
    with pytest.raises(UsageError, match=r"several Keras models; .* run 'a', tag 'keras'; run 'b', tag 'keras'"):
        open_event_log(tmp_path)
    chosen = open_event_log(tmp_path, run="b").layer_graph
    assert chosen is not None
    assert chosen.model_name == "second"


def test_a_keras_model_that_cannot_be_read_is_a_note_beside_an_op_graph_and_an_error_alone(tmp_path: Path) -> None:
    subclassed = json.dumps({"class_name": "Mine", "config": {"units": 3}})
    for text, reason in (
        (b"\xff{", "cannot be read"),
        ("[1]", "not a JSON object"),
        (subclassed, "'Mine' and no layers"),
    ):
        write_log(tmp_path / "both" / FILE, [run_graph(graph("x")), keras(text)])
        opened = open_event_log(tmp_path / "both")
        assert opened.layer_graph is None
        assert reason in opened.model_notes[0]
        write_log(tmp_path / "alone" / FILE, [keras(text)])
        with pytest.raises(SourceError, match=reason):
            open_event_log(tmp_path / "alone")


def test_a_log_without_graphs_is_told_what_it_holds(tmp_path: Path) -> None:
    profile = Event()
    profile.tagged_run_metadata.tag = "step"
    old_version = trace("step", graph("x"), version=b"0")
    write_log(tmp_path / FILE, [scalar("loss"), scalar("loss"), scalar("accuracy"), profile, old_version])
    with pytest.raises(SourceError, match="it holds 1 graph_run_metadata_graph, 1 profile, 2 scalars") as caught:
        open_event_log(tmp_path)
    assert "tf.summary.trace_on" in str(caught.value)
    write_log(tmp_path / FILE, [])
    with pytest.raises(SourceError, match="it holds no data"):
        open_event_log(tmp_path)


def test_a_directory_without_event_files_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(SourceError, match="holds no event file"):
        open_event_log(tmp_path)


def test_a_log_of_a_run_that_was_killed_is_read_up_to_its_last_whole_record(tmp_path: Path) -> None:
    file = write_log(tmp_path / FILE, [run_graph(graph("x")), scalar("loss")])
    file.write_bytes(file.read_bytes()[:-3])
    opened = open_event_log(tmp_path)
    assert ops(opened) == [["x"]]
    assert "is truncated: record 3" in opened.notes[0]
    assert "killed, or still goes on (2 whole records before it were read)" in opened.notes[0]


def test_what_was_cut_off_is_told_where_nothing_is_left(tmp_path: Path) -> None:
    file = write_log(tmp_path / FILE, [run_graph(graph("x"))])
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(SourceError, match=r"neither an op graph .* is truncated: record 2"):
        open_event_log(tmp_path)


def test_notes_on_many_files_are_few(tmp_path: Path) -> None:
    write_log(tmp_path / "whole" / FILE, [run_graph(graph("x"))])
    for number in range(20):
        file = write_log(tmp_path / f"run_{number:02}" / FILE, [scalar("loss")])
        file.write_bytes(file.read_bytes()[:-3])
    notes = open_event_log(tmp_path).notes
    assert len(notes) == 6
    assert notes[-1] == "Of 15 more event files the same is true."


def test_a_damaged_file_in_the_log_is_an_error_that_says_where(tmp_path: Path) -> None:
    file = write_log(tmp_path / FILE, [run_graph(graph("x")), scalar("loss")])
    content = file.read_bytes()
    file.write_bytes(content[:-6] + b"?" + content[-5:])
    with pytest.raises(SourceError, match=r"record 3, at byte .* does not match its checksum"):
        open_event_log(tmp_path)


@pytest.mark.parametrize("special", ["fifo", "socket", "device"])
def test_what_is_no_regular_file_is_passed_over(tmp_path: Path, special: str) -> None:
    write_log(tmp_path / FILE, [run_graph(graph("x"))])
    put_special(tmp_path / "events.out.tfevents.2.host", special)
    opened = open_event_log(tmp_path)
    assert ops(opened) == [["x"]]
    assert "events.out.tfevents.2.host was passed over: it is not a regular file." in opened.notes[0]


def test_directories_1500_deep_are_searched(tmp_path: Path) -> None:
    content = write_log(tmp_path / FILE, [run_graph(graph("x"))]).read_bytes()
    (tmp_path / FILE).unlink()
    here = os.getcwd()
    try:
        os.chdir(tmp_path)
        for _ in range(1500):
            os.mkdir("d")
            os.chdir("d")
        Path(FILE).write_bytes(content)
        assert open_event_log(tmp_path).origin.run.count("d") == 1500
    finally:
        # What clears up after the tests does not go down as far.
        Path(FILE).unlink(missing_ok=True)
        while os.getcwd() != str(tmp_path):
            os.chdir("..")
            os.rmdir("d")
        os.chdir(here)


def test_records_that_are_no_events_are_an_error(tmp_path: Path) -> None:
    from tests.sources.event_files import record

    (tmp_path / FILE).write_bytes(record(b"not a protobuf"))
    with pytest.raises(SourceError, match="its records hold no events"):
        open_event_log(tmp_path)


def test_a_graph_that_is_no_protobuf_is_an_error(tmp_path: Path) -> None:
    write_log(tmp_path / FILE, [Event(graph_def=b"\xff\xff")])
    with pytest.raises(SourceError, match=r"the op graph of run '.', the run's own graph .* is damaged"):
        open_event_log(tmp_path)


def test_a_link_back_up_does_not_repeat_runs(tmp_path: Path) -> None:
    write_log(tmp_path / "log" / FILE, [run_graph(graph("x"))])
    (tmp_path / "log" / "again").symlink_to(tmp_path / "log", target_is_directory=True)
    assert ops(open_event_log(tmp_path / "log")) == [["x"]]


def test_a_linked_run_is_read(tmp_path: Path) -> None:
    write_log(tmp_path / "elsewhere" / FILE, [run_graph(graph("x"))])
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "run").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert open_event_log(tmp_path / "log").origin.run == "run"


def test_a_run_is_named_by_its_beginning_a_pattern_or_as_the_latest(tmp_path: Path) -> None:
    for name, time in (("exp1/lr0.1", 1_700_000_003), ("exp1/lr0.2", 1_700_000_001), ("exp2/lr0.1", 1_700_000_002)):
        write_log(tmp_path / name / f"events.out.tfevents.{time}.host", [run_graph(graph(name.replace("/", "_")))])
    write_log(tmp_path / "exp3" / "events.out.tfevents.1700000009.host", [scalar("loss")])
    for wanted, found in (("exp2", "exp2_lr0.1"), ("*2/*", "exp2_lr0.1"), ("exp1/lr0.2", "exp1_lr0.2")):
        assert ops(open_event_log(tmp_path, run=wanted)) == [[found]]
    latest = open_event_log(tmp_path, run="latest")
    assert (ops(latest), latest.origin.run) == ([["exp1_lr0.1"]], "exp1/lr0.1")
    with pytest.raises(UsageError, match="several op graphs") as caught:
        open_event_log(tmp_path, run="exp1")
    assert [line.split()[0] for line in caught.value.lines] == ["RUN", "exp1/lr0.1", "exp1/lr0.2"]
    with pytest.raises(UsageError, match="no run 'other'") as caught:
        open_event_log(tmp_path, run="other")
    assert [line.split()[0] for line in caught.value.lines] == ["RUN", "exp1/lr0.1", "exp2/lr0.1", "exp1/lr0.2"]


def test_train_and_validation_of_one_run_are_one(tmp_path: Path) -> None:
    for name in ("train", "validation"):
        write_log(tmp_path / "today" / name / FILE, [run_graph(graph(name))])
    assert ops(open_event_log(tmp_path)) == [["train"]]
    assert ops(open_event_log(tmp_path, run="today")) == [["train"]]
    assert ops(open_event_log(tmp_path, run="today/validation")) == [["validation"]]
