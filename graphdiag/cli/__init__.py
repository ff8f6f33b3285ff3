"""The commands, one module each: parse, call, print."""

from __future__ import annotations

import io
import os
import sys
import traceback
from typing import Annotated, Any

import typer

from graphdiag.cli.check import check
from graphdiag.cli.compare import compare
from graphdiag.cli.convert import convert
from graphdiag.cli.diff import diff
from graphdiag.cli.draw import draw
from graphdiag.cli.explain import explain
from graphdiag.cli.reference import reference
from graphdiag.cli.schema import schema
from graphdiag.cli.snapshot import snapshot
from graphdiag.errors import GraphdiagError
from graphdiag.version import __version__

__all__ = ["main"]

_app = typer.Typer(
    name="graphdiag",
    help="Tells which edges of TensorBoard's graph are in your Keras model, which are not, and why.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in (compare, check, convert, snapshot, diff, draw, explain, schema, reference):
    _app.command()(_command)

_UsageOfCommandLine: Any = typer.BadParameter.__bases__[0]
"""Base of the errors that typer finds in the command line; whether click or typer has the class depends on typer's
version."""


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"graphdiag {__version__}")
        raise typer.Exit


@_app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Tells which edges of TensorBoard's graph are in your Keras model, which are not, and why."""


def main() -> None:
    """Run the command line; an error ends in one line and exit status 2."""
    if sys.stdout is None:
        # The shell has closed it, and wants no output.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until the process ends
    # Names come from users, and not every terminal has their characters.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        sys.exit(_app(standalone_mode=False))
    except (GraphdiagError, _UsageOfCommandLine) as error:
        if "--debug" in sys.argv[1:]:
            traceback.print_exc()
        if isinstance(error, GraphdiagError):
            _complain(str(error))
        elif sys.argv[1:]:
            _complain(_sentence(error.format_message()))
        else:
            # The message is the help.
            print(error.format_message(), file=sys.stderr)
        sys.exit(2)


def _complain(text: str) -> None:
    line = f"graphdiag: {text}"
    print("".join(character if character.isprintable() else " " for character in line), file=sys.stderr)


def _sentence(message: str) -> str:
    """A whole sentence of what typer says about the command line; whether it ends in a stop depends on what is wrong.

    What typer passes on from the library that reads the values begins with that library's word for the error.
    """
    said = message.replace(": Value error, ", ": ", 1).rstrip()
    return f"{said if said.endswith(('.', '?')) else said + '.'} See --help."
