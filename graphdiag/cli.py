"""The commands: parse, call, print."""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
from contextlib import AbstractContextManager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphdiag.errors import GraphdiagError, UsageError
from graphdiag.version import __version__

if TYPE_CHECKING:
    from graphdiag.report.report import Report

app = typer.Typer(
    name="graphdiag",
    help="Tells which edges of TensorBoard's graph are in your Keras model, which are not, and why.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class GraphKind(str, Enum):
    """Which op graph of a live model."""

    TRAINING = "training"
    INFERENCE = "inference"
    TRAIN_STEP = "train-step"


class Format(str, Enum):
    """How the report is written."""

    TEXT = "text"
    JSON = "json"


class FailOn(str, Enum):
    """Which layer edges make the exit status 1."""

    ARTEFACT = "artefact"
    HIDDEN = "hidden"
    MISSING = "missing"
    ANY = "any"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"graphdiag {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Tells which edges of TensorBoard's graph are in your Keras model, which are not, and why."""


@app.command()
def compare(
    source: Annotated[
        Path,
        typer.Argument(
            help="Python file with a model, TensorBoard log directory or event file, .pb, .pbtxt, SavedModel directory,"
            " .keras, .h5, or Keras JSON."
        ),
    ],
    model: Annotated[
        Path | None, typer.Option(help="File with the layer graph: Keras JSON, .keras, .h5 or a Python file.")
    ] = None,
    run: Annotated[str | None, typer.Option(help="Run of a log that holds several; '.' is the top directory.")] = None,
    tag: Annotated[str | None, typer.Option(help="Tag of a log that holds several op graphs.")] = None,
    entry: Annotated[str | None, typer.Option(help="Model, or function that builds it, in a Python file.")] = None,
    arg: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Argument of that function; may be repeated.")
    ] = None,
    graph: Annotated[
        GraphKind | None, typer.Option(help="Op graph of a live model; the forward pass in training mode if not given.")
    ] = None,
    input_shape: Annotated[
        str | None, typer.Option(metavar="N,N,...", help="Shape of one input without the batch, for an unbuilt model.")
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="How the report is written.")] = Format.TEXT,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the report to this file.")] = None,
    fail_on: Annotated[FailOn | None, typer.Option(help="Exit with status 1 when there is such an edge.")] = None,
    debug: Annotated[bool, typer.Option(help="Show the traceback of an error.")] = False,
) -> None:
    """Say which drawn edges are not in the model, why, whom to blame and what to do."""
    from graphdiag.compare import compare as run_compare

    with _progress(source):
        report = run_compare(
            source,
            model=model,
            run=run,
            tag=tag,
            entry=entry,
            arguments=_arguments(arg or []),
            graph=graph.value if graph else None,
            input_shape=_shape(input_shape),
        )
    _write(report, format_, output)
    if fail_on and report.summary.met(fail_on.value):
        raise typer.Exit(1)


def _arguments(pairs: list[str]) -> dict[str, str]:
    arguments = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"--arg {pair}: write it as KEY=VALUE.")
        arguments[key] = value
    return arguments


def _shape(text: str | None) -> tuple[int | None, ...] | None:
    if text is None:
        return None
    try:
        return tuple(None if part.strip() in ("None", "?") else int(part) for part in text.strip("() ,").split(","))
    except ValueError:
        raise UsageError(
            f"--input-shape {text}: write it as numbers with commas, as 39,64; None for unknown."
        ) from None


def _progress(source: Path) -> AbstractContextManager[object]:
    """A spinner on standard error while something slow happens; nothing when that is no terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    slow = "loading TensorFlow and tracing the model" if source.suffix == ".py" else "reading"
    return console.status(f"{slow} ...")


def _write(report: Report, format_: Format, output: Path | None) -> None:
    if format_ is Format.JSON:
        _put(json.dumps(report.to_dict(), indent=1, ensure_ascii=False) + "\n", output)
        return
    from rich.console import Console

    from graphdiag.report.terminal import show

    if output is None:
        show(report, Console(soft_wrap=False, highlight=False, emoji=False, markup=False))
        return
    text = io.StringIO()
    show(report, Console(file=text, width=100, color_system=None, highlight=False, emoji=False, markup=False))
    _put(text.getvalue(), output)


def _put(text: str, output: Path | None) -> None:
    """Write a whole file or none of it."""
    if output is None:
        sys.stdout.write(text)
        return
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=output.parent, delete=False) as file:
            file.write(text)
        os.replace(file.name, output)
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}.") from error


def main() -> None:
    """Run the command line; an error ends in one line and exit status 2."""
    try:
        app()
    except GraphdiagError as error:
        if "--debug" in sys.argv[1:]:
            raise
        print(f"graphdiag: {error}", file=sys.stderr)
        sys.exit(2)
