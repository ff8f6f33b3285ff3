"""No complaint is longer than a terminal can show, whatever is as long as a file or a command line allows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from graphdiag.cli import _app
from tests.fuzz.pool import Task, Worker
from tests.sources.event_files import graph, keras, run_graph, write_log
from tests.support.command_line import DRAWN, REFERENCE, SMALL, assert_one_line, environment, run

LONG = "x" * 5_000
WIDE = "\U0001f600" * 1_250
"""As long as a name of a file may be on a command line; in ASCII each character is an escape of ten."""

GIVEN = {
    "compare": [str(SMALL)],
    "snapshot": [str(SMALL)],
    "check": [str(SMALL)],
    "convert": [str(SMALL)],
    "diff": [str(SMALL), str(SMALL)],
    "draw": [str(DRAWN)],
}


def commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(_app)
    for name in _app.list_commands(context):
        command = _app.get_command(context, name)
        assert command is not None
        yield name, command


def of_the_command_line() -> Iterator[list[str]]:
    """Something long in each place of each command."""
    yield [LONG]
    yield [f"--{LONG}"]
    for name, command in commands():
        given = GIVEN.get(name, [])
        yield [name, *given, LONG]
        yield [name, *given, f"--{LONG}"]
        for place in range(len(given)):
            yield [name, *given[:place], LONG, *given[place + 1 :]]
            yield [name, *given[:place], f"/{LONG}", *given[place + 1 :]]
        for option in command.params:
            # A log directory is looked at when there is a log to write into it, and that takes TensorFlow.
            if isinstance(option, click.Option) and not option.is_flag and option.opts != ["--logdir"]:
                yield [name, *given, option.opts[-1], LONG]
                yield [name, *given, option.opts[-1], f"a={LONG}\n{LONG}"]
                yield [name, *given, f"{option.opts[-1]}={LONG}"]


def of_files(place: Path) -> Iterator[list[str]]:
    """Something long in each kind of file."""
    layer = {"class_name": LONG, "config": {"name": LONG}, "name": LONG, "inbound_nodes": [[[LONG, 0, 0, {}]]]}
    config = {"name": LONG, "layers": [layer], "input_layers": [[LONG, 0, 0]], "output_layers": [[LONG, 0, 0]]}
    files = {
        "model.json": json.dumps({"class_name": "Model", "config": config, "keras_version": LONG}),
        "class.json": json.dumps({"class_name": LONG, "config": {}}),
        "graph.pbtxt": f'node {{ name: "{LONG}" op: "Neg" input: "{LONG}" }} node {{ name: "{LONG}" op: "Neg" }}',
        "word.pbtxt": LONG,
        "deep.pbtxt": f'node {{ name: "{"s/" * 5_000}x" op: "Neg" }}',
        "schema.json": json.dumps({"schema": f"graphdiag.report/{LONG}"}),
        "report.json": json.dumps({"schema": "graphdiag.report/2", LONG: LONG}),
        "snapshot.json": json.dumps({"schema": "graphdiag.snapshot/2", "model": LONG}),
        "unknown.xyz": LONG,
        "damaged.h5": "\x89HDF\r\n\x1a\n" + LONG,
    }
    for name, text in files.items():
        (place / name).write_text(text, encoding="latin-1", newline="")
        yield ["compare", name]
        yield ["draw", name]
        yield ["convert", name]
        yield ["diff", name, str(SMALL)]
        yield ["compare", str(REFERENCE), "--model", name]
    log = place / "log"
    for run_name in (LONG[:200], LONG[:201]):
        for number in range(2):
            write_log(
                log / run_name / str(number) / "events.out.tfevents.1.host", [run_graph(graph(LONG)), keras(LONG)]
            )
    yield ["compare", "log"]
    yield ["compare", "log", "--tag", LONG]
    projects = [
        f'{LONG} = "a"',
        f'[{LONG}]\n{LONG} = "{LONG}"',
        f'[[models]]\nname = "{LONG}"\nsource = "{LONG}"\n{LONG} = 1',
        f'[[models]]\nname = "a"\nsource = "{SMALL}"\n[[contracts]]\nname = "{LONG}"\ntype = "{LONG}"',
        f'[[models]]\nname = "a"\nsource = "{SMALL}"\n[[contracts]]\nname = "n"\ntype = "forbidden"\n{LONG} = 1',
        f'[[models]]\nname = "a"\nsource = "{SMALL}"\n[severity]\n{LONG} = "{LONG}"',
        f'select = ["{LONG}"]\n[[models]]\nname = "a"\nsource = "{SMALL}"',
        f'baseline = "{LONG}"\n[[models]]\nname = "a"\nsource = "{SMALL}"',
        f'[[models]]\nname = "a"\nsource = "{SMALL}"\n[[models]]\nname = "a"\nsource = "{LONG}"',
        f'a = "{LONG}',
    ]
    for number, text in enumerate(projects):
        (place / f"{number}.toml").write_text(text, encoding="utf-8")
        yield ["check", "--config", f"{number}.toml"]
    (place / "long.json").write_text(json.dumps({"schema": "graphdiag.baseline/1", "accepted": [{LONG: LONG}]}))
    (place / "baseline.toml").write_text(f'baseline = "long.json"\n[[models]]\nname = "a"\nsource = "{SMALL}"')
    yield ["check", "--config", "baseline.toml"]


@pytest.fixture
def worker() -> Iterator[Worker]:
    started = Worker()
    yield started
    started.close()


def assert_short(worker: Worker, place: Path, commands: list[list[str]]) -> int:
    """Hold each command's complaint against the bound; how many have complained."""
    complained = 0
    for argv in commands:
        [outcome] = worker.run([Task(argv, str(place))])
        shown = [word[:40] for word in argv]
        assert not outcome.ending + outcome.crash, (shown, outcome.crash[-1500:])
        lines = outcome.stderr.splitlines()
        assert all(len(line) < 2_000 for line in lines), shown
        if outcome.status == 2:
            # Of a log with several runs, a table stands below the line.
            one_line = len([line for line in lines if not line.startswith("  ")]) == 1
            assert one_line or argv[0] == "check", (shown, lines)
            complained += 1
    return complained


def test_on_the_command_line(worker: Worker, tmp_path: Path) -> None:
    commands = list(of_the_command_line())
    assert assert_short(worker, tmp_path, commands) > 0.9 * len(commands)


def test_in_files(worker: Worker, tmp_path: Path) -> None:
    commands = list(of_files(tmp_path))
    assert assert_short(worker, tmp_path, commands) > len(commands) / 2


def test_where_each_character_is_an_escape() -> None:
    assert_one_line(run("compare", WIDE, env=environment(PYTHONIOENCODING="ascii")), "cannot be read")


def test_what_a_script_raises(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(f"raise ValueError({LONG!r} + '\\n' + {LONG!r})\n")
    assert_one_line(run("compare", tmp_path / "model.py"), "model.py")
