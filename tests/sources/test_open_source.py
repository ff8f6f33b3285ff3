from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from graphdiag import compare
from graphdiag.errors import SourceError, UsageError
from graphdiag.sources.open_source import open_source
from graphdiag.sources.registry import SourceOptions
from tests.sources.event_files import FILES, LOGS, graph, run_graph, write_log

EVENTS = next((LOGS / "tf22_reference").glob("*tfevents*"))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (LOGS / "tf22_reference", "event_log"),
        (EVENTS, "event_log"),
        (FILES / "tf110_relu.pb", "graph_def"),
        (FILES / "tf110_relu.pbtxt", "graph_def"),
        (FILES / "tfk_saved_model", "saved_model"),
        (FILES / "tfk_saved_model" / "saved_model.pb", "saved_model"),
        (FILES / "tf110_two_tags", "saved_model"),
        (FILES / "k3_siamese.keras", "keras_file"),
        (FILES / "keras216_siamese.h5", "keras_file"),
        (FILES / "k3_mixed.json", "keras_json"),
    ],
)
def test_each_kind_of_source_finds_its_reader(path: Path, kind: str) -> None:
    assert open_source(path).origin.kind == kind
    opened = open_source(str(path))
    assert opened.origin.path == str(path)


@pytest.mark.parametrize(
    ("path", "name", "kind"),
    [
        (EVENTS, "renamed.pb", "event_log"),
        (FILES / "tfk_siamese.h5", "renamed.keras", "keras_file"),
        (FILES / "k3_siamese.keras", "renamed", "keras_file"),
        (FILES / "k3_mixed.json", "renamed", "keras_json"),
        (FILES / "tf110_relu.pb", "RENAMED.PB", "graph_def"),
    ],
)
def test_content_goes_before_the_name(tmp_path: Path, path: Path, name: str, kind: str) -> None:
    shutil.copyfile(path, tmp_path / name)
    assert open_source(tmp_path / name).origin.kind == kind


@pytest.mark.parametrize(
    ("path", "options", "message"),
    [
        (
            FILES / "tf110_relu.pb",
            {"run": "."},
            "^--run applies to a TensorBoard log and a running TensorBoard only, and .*tf110_relu.pb is a GraphDef",
        ),
        (
            FILES / "k3_mixed.json",
            {"run": ".", "tag": ""},
            "^--run and --tag apply to a TensorBoard log and a running TensorBoard only",
        ),
        (LOGS / "tf22_reference", {"entry": "build"}, "^--entry applies to a Jupyter notebook and a Python file only"),
        (
            LOGS / "tf22_reference",
            {"arguments": {"n": "2"}},
            "^--arg applies to a Jupyter notebook and a Python file only",
        ),
        (
            FILES / "tfk_saved_model",
            {"graph": "training"},
            "^--graph applies to a Keras file and a Jupyter notebook and a Python file only",
        ),
        (
            FILES / "k3_siamese.keras",
            {"input_shape": (1, 2)},
            "^--input-shape applies to a Keras file that is loaded; add --load",
        ),
    ],
)
def test_an_option_that_does_not_apply_is_a_usage_error(path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_source(path, SourceOptions(**options))  # type: ignore[arg-type]


def test_options_not_given_do_not_count() -> None:
    assert open_source(FILES / "tf110_relu.pb", SourceOptions(arguments={})).has_op_graph


def refusal(path: Path | str) -> str:
    with pytest.raises(SourceError) as caught:
        open_source(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_paths_that_are_no_source_are_told(tmp_path: Path) -> None:
    assert refusal(tmp_path / "absent") == f"{tmp_path / 'absent'} does not exist."
    (tmp_path / "empty").mkdir()
    assert "is an empty directory; give a Python file, a TensorBoard log directory" in refusal(tmp_path / "empty")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("text")
    assert "holds neither TensorBoard event files nor a SavedModel" in refusal(tmp_path / "other")
    assert "is of no known kind; give a Python file" in refusal(tmp_path / "other" / "notes.txt")
    (tmp_path / "nothing.pb").write_bytes(b"")
    assert "nothing.pb is empty" in refusal(tmp_path / "nothing.pb")
    assert "Not a directory" in refusal(tmp_path / "nothing.pb" / "below")
    assert "File name too long" in refusal(tmp_path / ("x" * 300))
    assert "null" in refusal("a\0b")
    os.mkfifo(tmp_path / "pipe")
    assert "is neither a file nor a directory" in refusal(tmp_path / "pipe")


def test_a_directory_that_is_both_is_told(tmp_path: Path) -> None:
    write_log(tmp_path / "train" / "events.out.tfevents.1.host", [run_graph(graph("x"))])
    shutil.copyfile(FILES / "tfk_saved_model" / "saved_model.pb", tmp_path / "saved_model.pb")
    assert "holds both a SavedModel and TensorBoard event files" in refusal(tmp_path)
    assert open_source(tmp_path / "saved_model.pb").origin.kind == "saved_model"


def test_a_damaged_event_file_is_told_as_such(tmp_path: Path) -> None:
    file = tmp_path / EVENTS.name
    file.write_bytes(b"\0" + EVENTS.read_bytes()[1:])
    assert "is not a TensorBoard event file" in refusal(file)
    file.write_bytes(EVENTS.read_bytes()[:5000])
    assert "is truncated: record 2, at byte 40" in refusal(file)


def test_reading_files_imports_neither_tensorflow_nor_keras() -> None:
    sources = [
        *(path for path in sorted(LOGS.iterdir()) if any(path.glob("*tfevents*"))),
        *(path for path in sorted(FILES.iterdir()) if path.suffix != ".md"),
    ]
    assert len(sources) > 35
    script = """
import sys
from graphdiag.errors import SourceError
from graphdiag.sources.open_source import open_source
from graphdiag.sources.registry import SourceOptions
opened = 0
for path in sys.argv[1:]:
    try:
        open_source(path)
        opened += 1
    except SourceError as error:
        print(error)
print(opened)
print([name for name in ("tensorflow", "keras", "tf_keras") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, sources)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    *errors, opened, imported = done.stdout.splitlines()
    # The weights alone and the subclassed .keras are not sources; everything else is.
    assert len(errors) == 2, errors
    assert int(opened) == len(sources) - 2
    assert imported == "[]"


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("graphdiag.report/2", "is a saved report and no model; give it to graphdiag convert or graphdiag diff."),
        ("graphdiag.snapshot/2", "is a saved snapshot and no model; give it to graphdiag diff."),
        ("graphdiag.diff/2", "is what graphdiag wrote ('graphdiag.diff/2') and no model; give the model or the log."),
    ],
)
@pytest.mark.parametrize("name", ["saved.json", "saved"])
def test_what_graphdiag_saved_is_no_model(tmp_path: Path, schema: str, said: str, name: str) -> None:
    saved = tmp_path / name
    saved.write_text(json.dumps({"schema": schema, "edges": []}), encoding="utf-8")
    for read in (open_source, lambda path: compare(EVENTS, model=path)):
        with pytest.raises(SourceError) as caught:
            read(saved)
        assert str(caught.value) == f"{saved} {said}"
